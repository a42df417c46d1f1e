#include "text/jsonw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/visible.h"

void jsonw_init(struct jsonw *w, struct buf *out, int indent)
{
    *w = (struct jsonw){.out = out, .indent = indent};
}

/* Of a text with `indent` blanks a level; 0: all of it is one line. */
static void new_line(struct buf *out, int indent, int depth)
{
    static const char blanks[] = "                                ";
    if (indent == 0)
        return;
    (void)buf_char(out, '\n');
    for (int left = depth * indent; left > 0; left -= (int)sizeof blanks - 1)
        (void)buf_append(out, blanks,
                         left < (int)sizeof blanks ? (size_t)left : sizeof blanks - 1);
}

static void write_ascii(struct buf *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at != NULL) {
        (void)buf_char(out, '\\');
        (void)buf_char(out, to[at - from]);
    } else if (c < 0x20 || c == 0x7f) {
        (void)buf_printf(out, "\\u%04x", c);
    } else {
        (void)buf_char(out, (char)c);
    }
}

/* What a terminal would act on is written out: people look at files with cat. */
static void write_wide(struct buf *out, const char *p, size_t len)
{
    uint32_t code = visible_hidden(p, len);
    if (code == 0)
        (void)buf_append(out, p, len);
    else if (code < 0x10000)
        (void)buf_printf(out, "\\u%04x", (unsigned)code);
    else
        (void)buf_printf(out, "\\u%04x\\u%04x",
                         (unsigned)(0xd800 + ((code - 0x10000) >> 10)),
                         (unsigned)(0xdc00 + (code & 0x3ff)));
}

static void write_string(struct buf *out, const char *text)
{
    (void)buf_char(out, '"');
    const char *p = text, *end = text + strlen(text);
    while (p < end) {
        size_t len = str_utf8_len(p, (size_t)(end - p));
        if (len == 1)
            write_ascii(out, (unsigned char)*p);
        else if (len == 0)
            (void)buf_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        else
            write_wide(out, p, len);
        p += len == 0 ? 1 : len;
    }
    (void)buf_char(out, '"');
}

/* What stands before a value: comma, line, key. */
static void before_value(struct jsonw *w, const char *key)
{
    if (w->has_items[w->depth])
        (void)buf_char(w->out, ',');
    if (w->depth > 0)
        new_line(w->out, w->indent, w->depth);
    w->has_items[w->depth] = true;
    if (key == NULL)
        return;
    write_string(w->out, key);
    (void)buf_text(w->out, w->indent > 0 ? ": " : ":");
}

static void open_level(struct jsonw *w, const char *key, char bracket)
{
    before_value(w, key);
    (void)buf_char(w->out, bracket);
    if (w->depth + 1 >= JSONW_MAX_DEPTH) {
        buf_fini(w->out);
        w->out->failed = STATUS_TOO_BIG;
        return;
    }
    w->depth++;
    w->has_items[w->depth] = false;
}

static void close_level(struct jsonw *w, char bracket)
{
    if (w->depth > 0)
        w->depth--;
    if (w->has_items[w->depth + 1])
        new_line(w->out, w->indent, w->depth);
    (void)buf_char(w->out, bracket);
}

void jsonw_object(struct jsonw *w, const char *key)
{
    open_level(w, key, '{');
}

void jsonw_object_end(struct jsonw *w)
{
    close_level(w, '}');
}

void jsonw_array(struct jsonw *w, const char *key)
{
    open_level(w, key, '[');
}

void jsonw_array_end(struct jsonw *w)
{
    close_level(w, ']');
}

void jsonw_str(struct jsonw *w, const char *key, const char *value)
{
    before_value(w, key);
    if (value == NULL)
        (void)buf_text(w->out, "null");
    else
        write_string(w->out, value);
}

void jsonw_int(struct jsonw *w, const char *key, int64_t value)
{
    before_value(w, key);
    (void)buf_printf(w->out, "%lld", (long long)value);
}

void jsonw_count(struct jsonw *w, const char *key, int64_t value)
{
    if (value >= 0)
        jsonw_int(w, key, value);
    else
        jsonw_null(w, key);
}

void jsonw_num(struct jsonw *w, const char *key, double value)
{
    char text[32];
    jsonw_double_text(value, text);
    before_value(w, key);
    (void)buf_text(w->out, text);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
    before_value(w, key);
    (void)buf_text(w->out, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
    before_value(w, key);
    (void)buf_text(w->out, "null");
}

/* --- JSON text, laid out anew */

/* Deeper levels stay on one line: blanks before each of many small values would make a
 * small text of others a large one. */
enum { LAYOUT_MAX_DEPTH = 8 };

struct layout {
    struct buf *out;
    const char *at, *end; /* of checked text */
    int indent, depth;
};

static void lay_line(struct layout *l)
{
    if (l->depth <= LAYOUT_MAX_DEPTH)
        new_line(l->out, l->indent, l->depth);
}

static void copy_string(struct layout *l)
{
    const char *from = l->at++;
    while (l->at < l->end && *l->at != '"')
        l->at += *l->at == '\\' ? 2 : 1;
    l->at = l->at < l->end ? l->at + 1 : l->end;
    (void)buf_append(l->out, from, (size_t)(l->at - from));
}

static void copy_word(struct layout *l)
{
    const char *from = l->at;
    while (l->at < l->end && (unsigned char)*l->at > ' ' && *l->at != ',' &&
           *l->at != ']' && *l->at != '}')
        l->at++;
    if (*from == 'N' || *from == 'I' ||
        (*from == '-' && from + 1 < l->end && from[1] == 'I'))
        (void)buf_text(l->out, "null");
    else
        (void)buf_append(l->out, from, (size_t)(l->at - from));
}

static void skip_blanks(struct layout *l)
{
    while (l->at < l->end && (unsigned char)*l->at <= ' ')
        l->at++;
}

/* A bracket, comma or colon. */
static void copy_mark(struct layout *l)
{
    char c = *l->at++;
    bool is_end = c == '}' || c == ']';
    if (is_end && l->depth <= LAYOUT_MAX_DEPTH)
        new_line(l->out, l->indent, l->depth - 1);
    l->depth -= is_end;
    (void)buf_char(l->out, c);
    if (c == ':' && l->indent > 0)
        (void)buf_char(l->out, ' ');
    if (c == ',')
        lay_line(l);
    if (c != '{' && c != '[')
        return;
    skip_blanks(l);
    if (l->at < l->end && (*l->at == '}' || *l->at == ']'))
        (void)buf_char(l->out, *l->at++);
    else {
        l->depth++;
        lay_line(l);
    }
}

static void lay_out(struct layout *l)
{
    for (skip_blanks(l); l->at < l->end && l->out->failed == STATUS_OK; skip_blanks(l))
        if (*l->at == '"')
            copy_string(l);
        else if (strchr("{}[],:", *l->at) != NULL)
            copy_mark(l);
        else
            copy_word(l);
}

void jsonw_raw(struct jsonw *w, const char *key, const char *json)
{
    struct layout l = {w->out, json, json + strlen(json), w->indent, w->depth};
    before_value(w, key);
    lay_out(&l);
}

enum status jsonw_copy(struct buf *out, struct str json, int depth)
{
    struct layout l = {out, json.ptr, json.ptr + json.len, 2, depth};
    lay_out(&l);
    return out->failed;
}

void jsonw_double_text(double value, char *out)
{
    enum { OUT_BYTES = 32 };
    if (!isfinite(value)) {
        (void)snprintf(out, OUT_BYTES, "null");
        return;
    }
    if (value == floor(value) && fabs(value) < 0x1p53) {
        (void)snprintf(out, OUT_BYTES, "%.1f", value);
    } else {
        /* 15 digits always suffice or are too few for a normal number (its trailing zeros
         * are not printed); a subnormal may need as few as one. */
        int digits = fabs(value) < 0x1p-1022 ? 1 : 15;
        do
            (void)snprintf(out, OUT_BYTES, "%.*g", digits, value);
        while (strtod(out, NULL) != value && ++digits <= 17);
    }
    char *comma = strchr(out, ','); /* a locale's decimal sign */
    if (comma != NULL)
        *comma = '.';
    if (strpbrk(out, ".e") == NULL) /* else it would read back as an integer */
        memcpy(out + strlen(out), ".0", sizeof ".0");
}
