#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_ROOM = 64 };

void buf_init(struct buf *b, size_t cap_bytes)
{
    *b = (struct buf){.cap_bytes = cap_bytes, .failed = STATUS_OK};
}

static enum status fail(struct buf *b, enum status why)
{
    mem_free(b->data);
    *b = (struct buf){.cap_bytes = b->cap_bytes, .failed = why};
    return why;
}

/* Makes room for `more` bytes and the 0 behind them. */
static enum status grow(struct buf *b, size_t more)
{
    if (b->failed != STATUS_OK)
        return b->failed;
    if (more > b->cap_bytes || b->len > b->cap_bytes - more)
        return fail(b, STATUS_TOO_BIG);
    size_t need = b->len + more + 1;
    if (need <= b->room && b->data != NULL)
        return STATUS_OK;
    size_t room = b->room < FIRST_ROOM ? FIRST_ROOM : b->room;
    while (room < need)
        room = room > SIZE_MAX / 2 ? need : room * 2;
    char *data = mem_resize(b->data, room, 1);
    if (data == NULL)
        return fail(b, STATUS_NO_MEMORY);
    data[b->len] = '\0';
    b->data = data;
    b->room = room;
    return STATUS_OK;
}

enum status buf_append(struct buf *b, const void *data, size_t len)
{
    enum status status = grow(b, len);
    if (status != STATUS_OK)
        return status;
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return STATUS_OK;
}

enum status buf_text(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

enum status buf_char(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

enum status buf_int(struct buf *b, int64_t value)
{
    char text[24];
    size_t at = sizeof text;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        text[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        text[--at] = '-';
    return buf_append(b, text + at, sizeof text - at);
}

enum status buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    enum status status = grow(b, 0);
    int len = 0;
    if (status == STATUS_OK) {
        size_t free_bytes = b->room - b->len;
        len = vsnprintf(b->data + b->len, free_bytes, fmt, args);
        if (len < 0) {
            status = fail(b, STATUS_INTERNAL);
        } else if ((size_t)len >= free_bytes || b->len + (size_t)len > b->cap_bytes) {
            b->data[b->len] = '\0';
            status = grow(b, (size_t)len);
            if (status == STATUS_OK)
                (void)vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
        }
    }
    if (status == STATUS_OK)
        b->len += (size_t)len;
    va_end(again);
    va_end(args);
    return status;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = STATUS_OK;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void buf_drop_front(struct buf *b, size_t len)
{
    if (b->data == NULL || len == 0)
        return;
    size_t gone = len < b->len ? len : b->len;
    b->len -= gone;
    memmove(b->data, b->data + gone, b->len + 1);
}

const char *buf_cstr(const struct buf *b)
{
    return b->data != NULL ? b->data : "";
}

struct str buf_str(const struct buf *b)
{
    return (struct str){.ptr = buf_cstr(b), .len = b->len};
}

void buf_fini(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){.cap_bytes = b->cap_bytes, .failed = b->failed};
}
