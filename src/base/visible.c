#include "base/visible.h"

#include <stdio.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

/* Beyond ASCII; sorted. */
static const struct range hidden[] = {
    {0x80, 0x9f},       /* C1 */
    {0x061c, 0x061c},   /* Arabic letter mark */
    {0x200e, 0x200f},   /* marks of direction */
    {0x2028, 0x202e},   /* line and paragraph separator, embeddings, overrides */
    {0x2060, 0x206f},   /* invisible operators, isolates */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xfff9, 0xfffb},   /* interlinear annotation */
    {0xe0000, 0xe007f}, /* tags */
};

static uint32_t code_of(const char *p, size_t len)
{
    const unsigned char *c = (const unsigned char *)p;
    uint32_t code = len == 1 ? c[0] : c[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (c[i] & 0x3f);
    return code;
}

static bool is_hidden(uint32_t code, bool has_lines)
{
    if (code < 0x80)
        return code == 0x7f ||
               (code < 0x20 && code != '\t' && !(code == '\n' && has_lines));
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden && code >= hidden[i].first; i++)
        if (code <= hidden[i].last)
            return true;
    return false;
}

/* Bytes of the character at p if it can be shown, else 0. */
static size_t shown_len(const char *p, size_t left, bool has_lines)
{
    size_t len = str_utf8_len(p, left);
    return len > 0 && !is_hidden(code_of(p, len), has_lines) ? len : 0;
}

struct str visible_next(struct str *rest, bool has_lines, char room[VISIBLE_BYTES])
{
    size_t plain = 0, len;
    while (plain < rest->len &&
           (len = shown_len(rest->ptr + plain, rest->len - plain, has_lines)) > 0)
        plain += len;
    struct str piece = {rest->ptr, plain};
    if (plain == 0 && rest->len > 0) {
        plain = str_utf8_len(rest->ptr, rest->len);
        uint32_t code = code_of(rest->ptr, plain == 0 ? 1 : plain);
        const char *form = plain <= 1 ? "\\x%02x" : "\\u%04x";
        if (code == '\n')
            form = "\\n";
        plain += plain == 0;
        piece.ptr = room;
        piece.len = (size_t)snprintf(room, VISIBLE_BYTES, form, (unsigned)code);
    }
    rest->ptr += plain;
    rest->len -= plain;
    return piece;
}

enum status visible_append(struct buf *out, struct str text, bool has_lines)
{
    char room[VISIBLE_BYTES];
    for (struct str s; (s = visible_next(&text, has_lines, room)).len > 0;)
        if (buf_append(out, s.ptr, s.len) != STATUS_OK)
            break;
    return out->failed;
}

/* The longest beginning of a visible text that has no more than `room` bytes. */
static size_t fit(struct str s, size_t room)
{
    if (s.len <= room)
        return s.len;
    while (room > 0 && ((unsigned char)s.ptr[room] & 0xc0) == 0x80)
        room--;
    return room;
}

size_t visible_copy(struct str text, bool has_lines, char *out, size_t size)
{
    char room[VISIBLE_BYTES];
    size_t used = 0;
    for (struct str s; (s = visible_next(&text, has_lines, room)).len > 0;) {
        size_t len = fit(s, size - 1 - used);
        if (s.ptr == room && len < s.len)
            break;
        memcpy(out + used, s.ptr, len);
        used += len;
        if (len < s.len)
            break;
    }
    out[used] = '\0';
    return used;
}

bool visible_is_plain(const char *text, bool has_lines)
{
    char room[VISIBLE_BYTES];
    struct str rest = str_from(text);
    return visible_next(&rest, has_lines, room).ptr != room && rest.len == 0;
}

uint32_t visible_hidden(const char *p, size_t len)
{
    uint32_t code = code_of(p, len);
    return is_hidden(code, true) ? code : 0;
}

const char *visible_text(const char *text, bool has_lines, struct arena *a)
{
    if (text == NULL || visible_is_plain(text, has_lines))
        return text;
    char room[VISIBLE_BYTES], *copy, *at;
    struct str rest = str_from(text), s;
    size_t bytes = 1;
    while ((s = visible_next(&rest, has_lines, room)).len > 0)
        bytes += s.len;
    at = copy = arena_alloc(a, bytes, 1);
    if (copy == NULL)
        return NULL;
    rest = str_from(text);
    for (; (s = visible_next(&rest, has_lines, room)).len > 0; at += s.len)
        memcpy(at, s.ptr, s.len);
    *at = '\0';
    return copy;
}
