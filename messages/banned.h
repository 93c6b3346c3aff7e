/*
 * The wall around the pure half of the house, included by the compiler before the first line of
 * every file of messages/, store/ and the actors' cores (-include, see CMakeLists.txt).
 *
 * Those files get time, randomness and mail handed to them; that is why a whole pool can run in
 * virtual time, and why a seed replays a run exactly. What would break that is a compile error
 * here, and so are the string calls that do not know the size of what they write to.
 *
 * Debian keeps zmq.h in /usr/include, so leaving out an include path keeps nobody out. Their
 * include guards are taken instead: including them yields nothing, and the first use of a name
 * of theirs fails.
 *
 * Each call is declared here once with the attribute `unavailable`: any use of it, even of its
 * address, is an error in gcc 12, clang 14 and clang-tidy. Rejected:
 *   - `#pragma GCC poison`: it takes the word from everybody, and `time` and `clock` are nouns
 *     we need for fields and arguments; a system header included later would trip over it too;
 *   - `__attribute__ ((error))`: it speaks only if the call survives optimisation, and
 *     `strcpy (p, "x")` does not;
 *   - function-like macros: an address taken slips through.
 * The declarations stand before the headers they belong to, since clang ignores an attribute that
 * comes after glibc's inline definitions (_FORTIFY_SOURCE).
 */
#ifndef TIDEPOOL_BANNED_H
#define TIDEPOOL_BANNED_H

#define __ZMQ_H_INCLUDED__
#define __ZMQ_UTILS_H_INCLUDED__
#define __CZMQ_H_INCLUDED__
#define __CZMQ_PRELUDE_H_INCLUDED__
#define __CZMQ_LIBRARY_H_INCLUDED__

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct timespec;
struct timeval;
struct tm;
struct tms;

#define BANNED(why)   __attribute__ ((unavailable (why)))
#define BANNED_CLOCK  BANNED ("time is an argument here: see messages/banned.h")
#define BANNED_WAIT   BANNED ("nothing waits here: see messages/banned.h")
#define BANNED_RANDOM BANNED ("randomness is an argument here: see messages/banned.h")
#define BANNED_STRING BANNED ("use a call that knows the size: see messages/banned.h")
#define BANNED_ZONE   BANNED ("depends on the machine's zone or on hidden state: use gmtime_r")

// Clocks
BANNED_CLOCK time_t time (time_t *);
BANNED_CLOCK clock_t clock (void);
BANNED_CLOCK clock_t times (struct tms *);
BANNED_CLOCK int clock_gettime (clockid_t, struct timespec *);
BANNED_CLOCK int clock_getres (clockid_t, struct timespec *);
BANNED_CLOCK int timespec_get (struct timespec *, int);
BANNED_CLOCK int gettimeofday (struct timeval *restrict, void *restrict);
BANNED_ZONE struct tm *localtime (const time_t *);
BANNED_ZONE struct tm *localtime_r (const time_t *restrict, struct tm *restrict);
BANNED_ZONE struct tm *gmtime (const time_t *);
BANNED_ZONE char *ctime (const time_t *);
BANNED_ZONE char *ctime_r (const time_t *restrict, char *restrict);
BANNED_ZONE char *asctime (const struct tm *);
BANNED_ZONE time_t mktime (struct tm *);

// Waiting, and threads
BANNED_WAIT unsigned int sleep (unsigned int);
BANNED_WAIT int usleep (useconds_t);
BANNED_WAIT int nanosleep (const struct timespec *, struct timespec *);
BANNED_WAIT int clock_nanosleep (clockid_t, int, const struct timespec *, struct timespec *);
BANNED_WAIT unsigned int alarm (unsigned int);
BANNED_WAIT int pthread_create (
    pthread_t *restrict, const pthread_attr_t *restrict, void *(*)(void *), void *restrict);

// Randomness: libc's, the kernel's, libsodium's
BANNED_RANDOM int rand (void);
BANNED_RANDOM int rand_r (unsigned int *);
BANNED_RANDOM void srand (unsigned int);
BANNED_RANDOM long random (void);
BANNED_RANDOM void srandom (unsigned int);
BANNED_RANDOM double drand48 (void);
BANNED_RANDOM long lrand48 (void);
BANNED_RANDOM long mrand48 (void);
BANNED_RANDOM void srand48 (long);
BANNED_RANDOM uint32_t arc4random (void);
BANNED_RANDOM uint32_t arc4random_uniform (uint32_t);
BANNED_RANDOM void arc4random_buf (void *, size_t);
BANNED_RANDOM ssize_t getrandom (void *, size_t, unsigned int);
BANNED_RANDOM int getentropy (void *, size_t);
BANNED_RANDOM uint32_t randombytes_random (void);
BANNED_RANDOM uint32_t randombytes_uniform (const uint32_t);
BANNED_RANDOM void randombytes_buf (void *const, const size_t);
BANNED_RANDOM void randombytes (unsigned char *const, const unsigned long long);
BANNED_RANDOM void randombytes_stir (void);
BANNED_RANDOM int crypto_sign_keypair (unsigned char *, unsigned char *);
BANNED_RANDOM int crypto_box_keypair (unsigned char *, unsigned char *);
BANNED_RANDOM int crypto_kx_keypair (unsigned char *, unsigned char *);

// Strings
BANNED_STRING char *strcpy (char *restrict, const char *restrict);
BANNED_STRING char *stpcpy (char *restrict, const char *restrict);
BANNED_STRING char *strcat (char *restrict, const char *restrict);
BANNED_STRING char *strncpy (char *restrict, const char *restrict, size_t);
BANNED_STRING char *strncat (char *restrict, const char *restrict, size_t);
BANNED_STRING int sprintf (char *restrict, const char *restrict, ...);
BANNED_STRING int vsprintf (char *restrict, const char *restrict, va_list);
BANNED_STRING char *strtok (char *restrict, const char *restrict);
BANNED_STRING char *gets (char *);

#endif
