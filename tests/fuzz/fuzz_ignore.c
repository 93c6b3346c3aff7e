//  fuzz_ignore - patterns, and a path held against them. The first line is the path, the rest a .tidepoolignore

#include "tests/fuzz/fuzz.h"

#include "actors/scan/ignore.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr (data, '\n', size) : NULL;
    size_t path_size = end ? (size_t)(end - data) : size;
    slice_t path = slice_of (data, path_size);
    slice_t text = end ? slice_of (end + 1, size - path_size - 1) : slice_of (data, 0);
    ignore_t patterns = {.count = 0};
    ignore_parse (&patterns, text);
    enum ignore_verdict file = ignore_judge (&patterns, path, false);
    enum ignore_verdict dir = ignore_judge (&patterns, path, true);
    MUST (patterns.count || (file == IGNORE_SILENT && dir == IGNORE_SILENT));
    MUST (file == IGNORE_SILENT ||
          dir != IGNORE_SILENT); // what speaks of a file speaks of a directory
    ignore_release (&patterns);
    return 0;
}
