#include "base/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { BLOCK_BYTES = 256 * 1024, FIRST_BYTES = 2 * BLOCK_BYTES };

enum status lines_open(struct lines *l, const char *path, size_t cap_bytes, struct err *e)
{
    *l = (struct lines){.path = path, .cap_bytes = cap_bytes, .fd = -1};
    if (file_open(path, &l->fd, e) != STATUS_OK)
        return e->code;
    l->data = mem_resize(NULL, FIRST_BYTES, 1);
    if (l->data == NULL)
        return status_no_memory(e, path);
    l->room = FIRST_BYTES;
    return STATUS_OK;
}

void lines_close(struct lines *l)
{
    if (l->fd >= 0)
        (void)close(l->fd);
    mem_free(l->data);
    *l = (struct lines){.fd = -1};
}

/* Room for another block behind what is kept: first by moving it, then by growing. */
static enum status make_room(struct lines *l, struct err *e)
{
    size_t kept = l->len - l->at;
    if (l->at > 0 && kept > 0)
        memmove(l->data, l->data + l->at, kept);
    l->at = 0;
    l->len = kept;
    if (l->room - kept >= BLOCK_BYTES)
        return STATUS_OK;
    char *data = mem_resize(l->data, l->room * 2, 1);
    if (data == NULL)
        return status_fail(e, STATUS_NO_MEMORY, l->path, "out of memory at line %lld",
                           (long long)l->number + 1);
    l->data = data;
    l->room *= 2;
    return STATUS_OK;
}

/* Nothing is read of a hole in the file: it holds no LF. */
static void skip_hole(const struct lines *l)
{
    off_t here = lseek(l->fd, 0, SEEK_CUR);
    if (here >= 0 && lseek(l->fd, here, SEEK_DATA) < 0 && errno == ENXIO)
        (void)lseek(l->fd, 0, SEEK_END); /* it goes on to the end */
}

static enum status read_block(struct lines *l, struct err *e)
{
    ssize_t got;
    if (make_room(l, e) != STATUS_OK)
        return e->code;
    if (l->is_unreadable)
        skip_hole(l);
    do
        got = read(l->fd, l->data + l->len, l->room - l->len);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return status_errno(e, l->path, "cannot read");
    l->len += (size_t)got;
    l->is_over = got == 0;
    return STATUS_OK;
}

/* The line under way has no end yet: what will never be text is not kept. */
static void look_at_part(struct lines *l)
{
    size_t have = l->len - l->at;
    l->is_unreadable = l->is_unreadable || have > l->cap_bytes ||
                       memchr(l->data + l->at + l->seen, '\0', have - l->seen) != NULL;
    if (l->is_unreadable)
        l->at = l->len;
    l->seen = l->len - l->at;
}

/* Finds the LF of the line under way, and a byte behind it, which tells that it is not
 * the last one. *size: its bytes without the LF; SIZE_MAX: it has none. */
static enum status find_end(struct lines *l, size_t *size, struct err *e)
{
    for (;;) {
        const char *from = l->data + l->at;
        size_t have = l->len - l->at;
        const char *lf = memchr(from + l->seen, '\n', have - l->seen);
        *size = lf != NULL ? (size_t)(lf - from) : SIZE_MAX;
        if (l->is_over || (lf != NULL && *size + 1 < have))
            return STATUS_OK;
        if (lf != NULL)
            l->seen = *size;
        else
            look_at_part(l);
        enum status s = read_block(l, e);
        if (s != STATUS_OK)
            return s;
    }
}

enum status lines_next(struct lines *l, struct line *out, bool *has, struct err *e)
{
    size_t size = 0;
    enum status s = find_end(l, &size, e);
    if (s != STATUS_OK)
        return s;
    bool is_whole = size != SIZE_MAX;
    size_t have = l->len - l->at, len = is_whole ? size : have;
    *has = is_whole || have > 0 || l->is_unreadable;
    if (!*has)
        return STATUS_OK;
    bool is_unreadable = l->is_unreadable || len > l->cap_bytes;
    *out = (struct line){.number = ++l->number,
                         .is_whole = is_whole,
                         .is_last = len + is_whole == have,
                         .is_unreadable = is_unreadable};
    if (!is_unreadable)
        out->text = (struct str){.ptr = l->data + l->at, .len = len};
    l->at += len + is_whole;
    l->seen = 0;
    l->is_unreadable = false;
    return STATUS_OK;
}
