//  process - what a node asks of its process

#include "actors/shell/process.h"
#include "actors/shell/log.h"

#include <czmq.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#define DESCRIPTORS_MIN  1024
#define DESCRIPTORS_GOOD 65536
#define IO_THREADS       2 // encryption happens there: two let a peer's flood leave room for apps
#define ARENAS           4
#define MMAP_BYTES       (1 << 20)

static int raise_descriptors (why_t *why)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit))
        return why_fail (why, ERR_SYSTEM, "getrlimit: %s", strerror (errno));
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit (RLIMIT_NOFILE, &limit))
        getrlimit (RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < DESCRIPTORS_MIN)
        return why_fail (why, ERR_SYSTEM,
            "this process may open %llu files: a node needs %d, and %d to be safe (ulimit -n)",
            (unsigned long long)limit.rlim_cur, DESCRIPTORS_MIN, DESCRIPTORS_GOOD);
    if (limit.rlim_cur < DESCRIPTORS_GOOD)
        log_printf (ACTOR_NODE, SAY_WARNING,
            "this process may open %llu files; a node with many peers wants %d (ulimit -n)",
            (unsigned long long)limit.rlim_cur, DESCRIPTORS_GOOD);
    return 0;
}

static int take_signals (int *ret_signals, why_t *why)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    sigaddset (&set, SIGHUP);
    if (pthread_sigmask (SIG_BLOCK, &set, NULL))
        return why_fail (why, ERR_SYSTEM, "the signals cannot be blocked");
    signal (SIGPIPE, SIG_IGN);
    *ret_signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (*ret_signals < 0)
        return why_fail (why, ERR_SYSTEM, "signalfd: %s", strerror (errno));
    return 0;
}

int process_start (int *ret_signals, why_t *why)
{
    umask (077);
    int rc = raise_descriptors (why);
    if (rc == 0)
        rc = take_signals (ret_signals, why);
    if (rc)
        return rc;
    //  Set, they no longer move: large messages go back to the system when they are freed.
    mallopt (M_MMAP_THRESHOLD, MMAP_BYTES);
    mallopt (M_ARENA_MAX, ARENAS);
    zsys_set_io_threads (IO_THREADS);
    zsys_set_max_sockets (0); // as many as ZeroMQ has
    zsys_init ();
    zsys_handler_set (NULL);
    return 0;
}

int process_signal (int signals)
{
    struct signalfd_siginfo info;
    return read (signals, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}
