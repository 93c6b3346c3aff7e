//  fuzz_config - node.zpl: refused with a sentence, or a configuration

#include "tests/fuzz/fuzz.h"

#include "actors/shell/config.h"

#include <czmq.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[64];
    config_t config;
    why_t why = {""};
    if (file < 0) {
        file = memfd_create ("node.zpl", 0);
        snprintf (path, sizeof path, "/proc/self/fd/%d", file);
        zsys_set_logstream (fopen ("/dev/null", "w"));
    }
    MUST (file >= 0 && ftruncate (file, 0) == 0);
    MUST (pwrite (file, data, size, 0) == (ssize_t)size);
    if (config_read ("/nowhere", path, NULL, 0, &config, &why) == 0)
        config_release (&config);
    else
        MUST (why.text[0]);
    return 0;
}
