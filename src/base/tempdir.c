#include "base/tempdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* Younger ones may have been made by a process that has not locked them yet. */
#define LEFT_AFTER_S 60

#define NAME_BYTES 64

static const char *parent(void)
{
    const char *where = getenv("TMPDIR");
    return where != NULL && *where != '\0' ? where : "/tmp";
}

static void prefix_of(const char *kind, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "inferbench-%.40s-", kind);
}

/* A folder of ours that nobody holds any more. */
static bool is_left(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
           clock_wall().ns / NS_PER_S - st.st_mtim.tv_sec > LEFT_AFTER_S &&
           flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void clear(int fd, const char *const *names)
{
    for (; *names != NULL; names++)
        (void)unlinkat(fd, *names, 0);
}

/* No link is followed: the folder above belongs to everybody. */
static void sweep(const char *where, const char *prefix, const char *const *names)
{
    DIR *all = opendir(where);
    if (all == NULL)
        return;
    for (struct dirent *one; (one = readdir(all)) != NULL;) {
        if (strncmp(one->d_name, prefix, strlen(prefix)) != 0)
            continue;
        int fd = openat(dirfd(all), one->d_name,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (is_left(fd)) {
            clear(fd, names);
            (void)unlinkat(dirfd(all), one->d_name, AT_REMOVEDIR);
        }
        (void)close(fd);
    }
    (void)closedir(all);
}

enum status tempdir_make(struct tempdir *d, const char *kind, const char *const *names,
                         struct err *e)
{
    const char *where = parent();
    char prefix[NAME_BYTES];
    d->fd = -1;
    prefix_of(kind, prefix);
    int len = snprintf(d->path, sizeof d->path, "%s/%sXXXXXX", where, prefix);
    if (len < 0 || (size_t)len >= sizeof d->path) {
        d->path[0] = '\0';
        return status_fail(e, STATUS_BAD_OPTION, "TMPDIR", "the path is too long");
    }
    sweep(where, prefix, names);
    if (mkdtemp(d->path) == NULL) {
        d->path[0] = '\0';
        (void)status_errno(e, where, "cannot create a folder there");
        (void)status_hint(e, "Set TMPDIR to a writable folder");
        return e != NULL ? e->code : STATUS_IO;
    }
    d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (d->fd >= 0) /* where locks are missing, nobody clears either */
        (void)flock(d->fd, LOCK_EX | LOCK_NB);
    return STATUS_OK;
}

void tempdir_drop(struct tempdir *d, const char *const *names)
{
    if (d->path[0] == '\0')
        return;
    if (d->fd >= 0) {
        clear(d->fd, names);
        (void)close(d->fd);
    }
    (void)rmdir(d->path);
    d->path[0] = '\0';
    d->fd = -1;
}
