#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/proc.h"

/* Parent of process `pid`, or -1. */
static int32_t parent_of(const char *pid)
{
    char path[64] = "/proc/", text[512];
    strncat(path, pid, 20);
    strncat(path, "/stat", 6);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    const char *p = strrchr(text, ')'); /* the name may hold anything: "1 (a) b) S
                                           42 ..." */
    int32_t parent = 0;
    for (p = p != NULL ? p + 4 : ""; *p >= '0' && *p <= '9'; p++)
        parent = parent * 10 + (*p - '0');
    return parent;
}

/* getdents64 by hand: opendir allocates. */
void proc_tree_kill_children(void)
{
    struct entry {
        uint64_t inode;
        int64_t offset;
        unsigned short length;
        unsigned char type;
        char name[];
    };
    _Alignas(8) char block[8192];
    int dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int32_t self = (int32_t)getpid();
    long n;
    while (dir >= 0 && (n = syscall(SYS_getdents64, dir, block, sizeof block)) > 0) {
        for (long at = 0; at < n;) {
            const struct entry *entry = (const struct entry *)(block + at);
            at += entry->length;
            int32_t pid = 0;
            for (const char *c = entry->name; *c >= '0' && *c <= '9'; c++)
                pid = pid * 10 + (*c - '0');
            if (pid > 1 && parent_of(entry->name) == self)
                kill(pid, SIGKILL);
        }
    }
    if (dir >= 0)
        close(dir);
}
