#include "fuzz_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

void target_broken(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

int target_file(const uint8_t *data, size_t size, char path[TARGET_PATH_BYTES])
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    TARGET_CHECK(fd >= 0);
    struct str content = {.ptr = (const char *)data, .len = size};
    enum status status = file_write_all(fd, "input", content, NULL);
    TARGET_CHECK(status == STATUS_OK);
    (void)snprintf(path, TARGET_PATH_BYTES, "/proc/self/fd/%d", fd);
    return fd;
}

void target_file_end(int fd)
{
    (void)close(fd);
}
