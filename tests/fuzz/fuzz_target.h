/* What fuzz targets share. Each target is one fuzz_<name>.c with the entry of libFuzzer;
 * its seeds lie in corpus/<name>/. `make fuzz` builds it with libFuzzer; every other
 * build links replay.c in instead, which makes it a test. */
#ifndef FUZZ_FUZZ_TARGET_H
#define FUZZ_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that every input must keep; the message names the line. */
#define TARGET_CHECK(condition)                            \
    do {                                                   \
        if (!(condition))                                  \
            target_broken(__FILE__, __LINE__, #condition); \
    } while (0)

/* Prints and aborts. */
_Noreturn void target_broken(const char *file, int line, const char *condition);

/* A file in memory with that content, for functions that take a path. The path holds
 * until target_file_end(fd). */
#define TARGET_PATH_BYTES 40
int target_file(const uint8_t *data, size_t size, char path[TARGET_PATH_BYTES]);
void target_file_end(int fd);

#endif
