#include "text/jsonw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void jsonw_init(struct jsonw *w, struct buf *out, int indent)
{
    *w = (struct jsonw){.out = out, .indent = indent};
}

static void new_line(struct jsonw *w, int depth)
{
    if (w->indent == 0)
        return;
    (void)buf_char(w->out, '\n');
    for (int i = 0; i < depth * w->indent; i++)
        (void)buf_char(w->out, ' ');
}

/* Length of the valid UTF-8 sequence at p, 0 if there is none (RFC 3629, table 3-7 of
 * Unicode: no overlong forms, no surrogates, nothing beyond U+10FFFF). The 0 byte at the
 * text's end stops it in time. */
static size_t utf8_len(const unsigned char *p)
{
    static const struct {
        unsigned char from, to; /* first byte */
        unsigned char second_from, second_to;
        unsigned char len;
    } rows[] = {
        {0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
        {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
        {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    size_t row = 0, count = sizeof rows / sizeof rows[0];
    while (row < count && (p[0] < rows[row].from || p[0] > rows[row].to))
        row++;
    if (row == count)
        return 0;
    if (rows[row].len > 1 && (p[1] < rows[row].second_from || p[1] > rows[row].second_to))
        return 0;
    for (size_t i = 2; i < rows[row].len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return rows[row].len;
}

static void write_ascii(struct buf *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at != NULL) {
        (void)buf_char(out, '\\');
        (void)buf_char(out, to[at - from]);
    } else if (c < 0x20) {
        (void)buf_printf(out, "\\u%04x", c);
    } else {
        (void)buf_char(out, (char)c);
    }
}

static void write_string(struct buf *out, const char *text)
{
    (void)buf_char(out, '"');
    const unsigned char *p = (const unsigned char *)text;
    while (*p != '\0') {
        size_t len = utf8_len(p);
        if (len == 1)
            write_ascii(out, *p);
        else if (len == 0)
            (void)buf_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        else
            (void)buf_append(out, p, len);
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
        new_line(w, w->depth);
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
        new_line(w, w->depth);
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

/* Copies a string with its quotes; returns the byte behind it. */
static const char *copy_string(struct buf *out, const char *p)
{
    const char *from = p++;
    while (*p != '\0' && *p != '"')
        p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
    if (*p == '"')
        p++;
    (void)buf_append(out, from, (size_t)(p - from));
    return p;
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* One mark outside strings; *depth is the level of nesting. Returns the byte to go on
 * with. */
static const char *copy_mark(struct jsonw *w, const char *p, int *depth)
{
    char c = *p++;
    if (c == '}' || c == ']') {
        new_line(w, --*depth);
        (void)buf_char(w->out, c);
        return p;
    }
    (void)buf_char(w->out, c);
    if (c == ':' && w->indent > 0)
        (void)buf_char(w->out, ' ');
    if (c == ',')
        new_line(w, *depth);
    if (c != '{' && c != '[')
        return p;
    p = skip_blanks(p);
    if (*p == '}' || *p == ']') {
        (void)buf_char(w->out, *p);
        return p + 1;
    }
    new_line(w, ++*depth);
    return p;
}

void jsonw_raw(struct jsonw *w, const char *key, const char *json)
{
    before_value(w, key);
    int depth = w->depth;
    for (const char *p = skip_blanks(json); *p != '\0'; p = skip_blanks(p))
        p = *p == '"' ? copy_string(w->out, p) : copy_mark(w, p, &depth);
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
