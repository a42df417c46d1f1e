#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { READ_BYTES = 64 * 1024, LARGE_BYTES = 16 << 20, TEMP_TRIES = 100, PIPE_S = 5 };

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

struct str file_without_slash(const char *path)
{
    struct str s = str_from(path);
    while (s.len > 1 && s.ptr[s.len - 1] == '/')
        s.len--;
    return s;
}

const char *file_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static enum status make_dir(const char *path, struct err *e)
{
    if (mkdir(path, 0777) == 0)
        return STATUS_OK;
    int why = errno;
    if (file_is_dir(path))
        return STATUS_OK;
    if (why == EEXIST || why == ENOTDIR)
        return status_fail(e, STATUS_IO, path, "exists and is not a folder");
    errno = why;
    enum status status = status_errno(e, path, "cannot create the folder");
    if (status == STATUS_IO)
        (void)status_hint(e, "Choose a folder that you can write to");
    return status;
}

enum status file_make_parents(const char *path, struct err *e)
{
    char *copy = mem_strdup(path);
    if (copy == NULL)
        return status_no_memory(e, path);
    enum status status = STATUS_OK;
    for (char *p = copy; *p != '\0' && status == STATUS_OK; p++)
        if (*p == '/' && p > copy && p[-1] != '/') {
            *p = '\0';
            status = make_dir(copy, e);
            *p = '/';
        }
    mem_free(copy);
    return status;
}

enum status file_make_dirs(const char *path, struct err *e)
{
    enum status status = file_make_parents(path, e);
    return status == STATUS_OK ? make_dir(path, e) : status;
}

/* Opens what may be a pipe or a device without waiting for its other end. */
static enum status open_any(const char *path, int *fd, mode_t *mode, struct err *e)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 && errno == ENOENT)
        return status_fail(e, STATUS_NOT_FOUND, path, "no such file");
    if (*fd < 0)
        return status_errno(e, path, "cannot open");
    if (fstat(*fd, &st) == 0) {
        *mode = st.st_mode;
        return STATUS_OK;
    }
    enum status status = status_errno(e, path, "cannot open");
    (void)close(*fd);
    return status;
}

enum status file_open(const char *path, int *fd, struct err *e)
{
    mode_t mode = 0;
    enum status status = open_any(path, fd, &mode, e);
    if (status != STATUS_OK || S_ISREG(mode))
        return status;
    (void)close(*fd);
    *fd = -1;
    return status_fail(e, STATUS_IO, path, "is a %s, not a file",
                       S_ISDIR(mode) ? "folder" : "pipe or device");
}

enum status file_check(const char *path, struct err *e)
{
    int fd;
    enum status status = file_open(path, &fd, e);
    if (status == STATUS_OK)
        (void)close(fd);
    else if (status == STATUS_IO)
        (void)status_hint(e, "Write it to a file first, and name that");
    return status;
}

/* Waits until something can be read of what is no file; false: the time is over. */
static bool await_bytes(int fd, struct instant deadline)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left_ns = clock_between(clock_now(), deadline).ns;
        if (left_ns <= 0)
            return false;
        if (poll(&p, 1, (int)(left_ns / NS_PER_MS) + 1) > 0)
            return true;
    }
}

static enum status failed_read(const char *path, enum status status,
                               const struct buf *out, struct err *e)
{
    if (status == STATUS_TOO_BIG)
        return status_fail(e, status, path, "is larger than %zu bytes", out->cap_bytes);
    if (status == STATUS_NO_MEMORY)
        return status_no_memory(e, path);
    if (status != STATUS_TIMEOUT)
        return status_errno(e, path, "cannot read");
    (void)status_fail(e, status, path, "did not end within %d s: it is no file", PIPE_S);
    return status_hint(e, "Write it to a file first, and name that");
}

/* deadline NULL: of a file, which never waits. */
static enum status read_fd(int fd, const char *path, const struct instant *deadline,
                           struct buf *out, struct err *e)
{
    char *chunk = mem_alloc(READ_BYTES, 1);
    if (chunk == NULL)
        return status_no_memory(e, path);
    enum status status = STATUS_OK;
    ssize_t got = 1;
    while (status == STATUS_OK && got != 0) {
        if (deadline != NULL && !await_bytes(fd, *deadline)) {
            status = STATUS_TIMEOUT;
            break;
        }
        got = read(fd, chunk, READ_BYTES);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            status = STATUS_IO;
        else if (got > 0)
            status = buf_append(out, chunk, (size_t)got);
    }
    if (status != STATUS_OK)
        status = failed_read(path, status, out, e);
    mem_free(chunk);
    return status;
}

/* A large file of nothing, or of more than fits, is not read to find that out. */
static enum status look_at(int fd, const char *path, const struct buf *out, struct err *e)
{
    char head[4096];
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size <= LARGE_BYTES)
        return STATUS_OK;
    if ((uint64_t)st.st_size > out->cap_bytes)
        return failed_read(path, STATUS_TOO_BIG, out, e);
    ssize_t got = pread(fd, head, sizeof head, 0);
    if (got <= 0 || memchr(head, '\0', (size_t)got) == NULL)
        return STATUS_OK;
    (void)status_fail(e, STATUS_BAD_INPUT, path,
                      "is no text in UTF-8: it has zero bytes");
    return status_hint(e, "Is it UTF-16? iconv -f UTF-16 -t UTF-8");
}

enum status file_read(const char *path, struct buf *out, struct err *e)
{
    int fd;
    enum status status = file_open(path, &fd, e);
    if (status != STATUS_OK)
        return status;
    status = look_at(fd, path, out, e);
    if (status == STATUS_OK)
        status = read_fd(fd, path, NULL, out, e);
    (void)close(fd);
    return status;
}

enum status file_read_any(const char *path, struct buf *out, struct err *e)
{
    int fd;
    mode_t mode = 0;
    struct instant deadline = clock_after(clock_now(), clock_seconds(PIPE_S));
    enum status status = open_any(path, &fd, &mode, e);
    if (status != STATUS_OK)
        return status;
    status = read_fd(fd, path, S_ISREG(mode) ? NULL : &deadline, out, e);
    (void)close(fd);
    return status;
}

enum status file_write_all(int fd, const char *name, struct str content, struct err *e)
{
    size_t done = 0;
    while (done < content.len) {
        ssize_t n = write(fd, content.ptr + done, content.len - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return status_errno(e, name, "cannot write");
    }
    return STATUS_OK;
}

/* Opens a fresh file beside `path`; its name, to be freed, in *temp. */
static int open_temp(const char *path, char **temp)
{
    size_t size = strlen(path) + 40;
    char *name = mem_alloc(size, 1);
    if (name == NULL) {
        errno = ENOMEM;
        return -1;
    }
    size_t folder_len = (size_t)(file_base_name(path) - path);
    int fd = -1;
    for (int i = 0; i < TEMP_TRIES; i++) {
        (void)snprintf(name, size, "%.*s.%s.%ld-%d", (int)folder_len, path,
                       path + folder_len, (long)getpid(), i);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    if (fd < 0) {
        int why = errno;
        mem_free(name);
        errno = why;
        return -1;
    }
    *temp = name;
    return fd;
}

/* Makes the rename itself durable. File systems that cannot sync a folder say EINVAL. */
static enum status sync_folder(const char *path, struct err *e)
{
    size_t len = (size_t)(file_base_name(path) - path);
    char *folder = mem_alloc(len + 2, 1);
    if (folder == NULL)
        return status_no_memory(e, path);
    if (len == 0)
        folder[0] = '.';
    else
        memcpy(folder, path, len);
    enum status status = STATUS_OK;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        if (fsync(fd) != 0 && errno != EINVAL)
            status = status_errno(e, folder, "cannot sync the folder");
        (void)close(fd);
    }
    mem_free(folder);
    return status;
}

enum status file_draft_open(struct file_draft *d, const char *path, struct err *e)
{
    struct stat st;
    *d = (struct file_draft){.path = path, .temp = NULL, .fd = -1};
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        (void)status_fail(e, STATUS_IO, path, "is a pipe or device, not a file");
        return status_hint(e, "It would be replaced: name a file");
    }
    d->fd = open_temp(path, &d->temp);
    if (d->fd >= 0)
        return STATUS_OK;
    enum status why = status_errno(e, path, "cannot create a file there");
    if (why == STATUS_IO)
        (void)status_hint(e, "Choose an existing folder that you can write to");
    return why;
}

void file_draft_drop(struct file_draft *d)
{
    if (d->fd >= 0)
        (void)close(d->fd);
    if (d->temp != NULL)
        (void)unlink(d->temp);
    mem_free(d->temp);
    d->fd = -1;
    d->temp = NULL;
}

enum status file_draft_commit(struct file_draft *d, struct err *e)
{
    enum status status = STATUS_OK;
    if (fsync(d->fd) != 0)
        status = status_errno(e, d->path, "cannot sync");
    if (close(d->fd) != 0 && status == STATUS_OK)
        status = status_errno(e, d->path, "cannot close");
    d->fd = -1;
    if (status == STATUS_OK && rename(d->temp, d->path) != 0)
        status = status_errno(e, d->path, "cannot move the new file into place");
    if (status == STATUS_OK) {
        mem_free(d->temp);
        d->temp = NULL;
    }
    file_draft_drop(d);
    return status == STATUS_OK ? sync_folder(d->path, e) : status;
}

enum status file_replace(const char *path, struct str content, struct err *e)
{
    struct file_draft d;
    enum status status = file_draft_open(&d, path, e);
    if (status != STATUS_OK)
        return status;
    status = file_write_all(d.fd, path, content, e);
    if (status != STATUS_OK) {
        file_draft_drop(&d);
        return status;
    }
    return file_draft_commit(&d, e);
}

enum status file_put(const char *path, const struct buf *text, struct err *e)
{
    if (text->failed != STATUS_OK)
        return status_fail(e, text->failed, path, "%s", status_text(text->failed));
    return file_replace(path, buf_str(text), e);
}
