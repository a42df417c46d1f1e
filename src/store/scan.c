#include "store/scan.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "text/json.h"

enum { MAX_DEPTH = 200 };

void scan_init(struct scan *s, struct str text, const char *name)
{
    *s = (struct scan){
        .begin = text.ptr,
        .at = text.ptr,
        .end = text.ptr + text.len,
        .name = name,
    };
    if (str_starts(text, "\xef\xbb\xbf"))
        s->at += 3;
}

enum status scan_fail(const struct scan *s, struct err *e, const char *what, ...)
{
    char where[sizeof e->where], text[sizeof e->what];
    size_t line = 1;
    for (const char *p = s->begin; p < s->at; p++)
        line += *p == '\n';
    size_t len = strlen(s->name);
    const char *name = len > 120 ? s->name + len - 120 : s->name;
    snprintf(where, sizeof where, "%s:%zu", name, line);
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    status_fail(e, STATUS_BAD_INPUT, where, "%s", text);
    if (s->at >= s->end)
        status_hint(e, "The file is cut short: copy it again, or rebuild it with "
                       "inferbench recover RAW_FOLDER");
    return STATUS_BAD_INPUT;
}

static void skip_blanks(struct scan *s)
{
    const char *p = s->at;
    while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
        p++;
    s->at = p;
}

char scan_peek(struct scan *s)
{
    skip_blanks(s);
    return s->at < s->end ? *s->at : '\0';
}

static enum status fail_expected(struct scan *s, const char *wanted, struct err *e)
{
    if (s->at >= s->end)
        return scan_fail(s, e, "not valid JSON: it ends where %s should stand", wanted);
    unsigned char c = (unsigned char)*s->at;
    if (c < 0x20 || c >= 0x7f)
        return scan_fail(s, e, "not valid JSON: byte 0x%02x where %s should stand", c,
                         wanted);
    return scan_fail(s, e, "not valid JSON: '%c' where %s should stand", c, wanted);
}

enum status scan_enter(struct scan *s, char open, struct scan_level *level, struct err *e)
{
    if (scan_peek(s) != open)
        return fail_expected(s, open == '{' ? "'{'" : "'['", e);
    s->at++;
    *level = (struct scan_level){.close = open == '{' ? '}' : ']', .is_begun = false};
    return STATUS_OK;
}

enum status scan_item(struct scan *s, struct scan_level *level, bool *has, struct err *e)
{
    char c = scan_peek(s);
    if (c == level->close) {
        s->at++;
        *has = false;
        return STATUS_OK;
    }
    if (level->is_begun) {
        if (c != ',')
            return fail_expected(s, level->close == '}' ? "',' or '}'" : "',' or ']'", e);
        s->at++;
        if (scan_peek(s) == level->close)
            return fail_expected(s, "a value", e);
    }
    level->is_begun = true;
    *has = true;
    return STATUS_OK;
}

/* No overlong form, no surrogate, nothing above U+10FFFF (RFC 3629, section 4). */
static bool is_shortest_legal(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0: return second >= 0xa0;
    case 0xed: return second <= 0x9f;
    case 0xf0: return second >= 0x90;
    case 0xf4: return second <= 0x8f;
    default: return true;
    }
}

/* Length of the UTF-8 sequence at p (RFC 3629), 0 if it is none; p[0] >= 0x80. */
static size_t utf8_len(const unsigned char *p)
{
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return is_shortest_legal(p[0], p[1]) ? len : 0;
}

static bool is_hex(const char *p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char c = p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}

/* The character at s->at that is not plain ASCII: an escape, UTF-8, or what may not
 * stand. */
static enum status take_special(struct scan *s, struct err *e)
{
    const unsigned char *p = (const unsigned char *)s->at;
    if (*p == '\\') {
        size_t len = p[1] == 'u' ? 6 : 2;
        bool is_known = p[1] == 'u' ? is_hex(s->at + 2, 4)
                                    : p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL;
        if (!is_known)
            return scan_fail(s, e, "not valid JSON: unknown escape in a string");
        s->at += len;
        return STATUS_OK;
    }
    if (*p >= 0x80) {
        size_t len = utf8_len(p);
        if (len == 0)
            return scan_fail(s, e, "not valid JSON: not UTF-8");
        s->at += len;
        return STATUS_OK;
    }
    if (s->at >= s->end)
        return scan_fail(s, e, "not valid JSON: it ends within a string");
    return scan_fail(s, e, "not valid JSON: control character 0x%02x in a string", *p);
}

static enum status take_string(struct scan *s, struct err *e)
{
    s->at++;
    for (;;) {
        const unsigned char *p = (const unsigned char *)s->at;
        while (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
            p++;
        s->at = (const char *)p;
        if (*p == '"') {
            s->at++;
            return STATUS_OK;
        }
        enum status st = take_special(s, e);
        if (st != STATUS_OK)
            return st;
    }
}

enum status scan_key(struct scan *s, struct scan_level *level, struct str *key, bool *has,
                     struct err *e)
{
    enum status st = scan_item(s, level, has, e);
    if (st != STATUS_OK || !*has)
        return st;
    if (*s->at != '"')
        return fail_expected(s, "a key in quotes", e);
    const char *from = s->at;
    st = take_string(s, e);
    if (st != STATUS_OK)
        return st;
    *key = (struct str){.ptr = from + 1, .len = (size_t)(s->at - from) - 2};
    if (scan_peek(s) != ':')
        return fail_expected(s, "':'", e);
    s->at++;
    return STATUS_OK;
}

static const char *digits(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

static enum status take_number(struct scan *s, struct err *e)
{
    const char *p = s->at + (*s->at == '-'), *from = p;
    p = *p == '0' ? p + 1 : digits(p);
    bool is_good = p > from;
    if (*p == '.') {
        from = ++p;
        p = digits(p);
        is_good = is_good && p > from;
    }
    if (*p == 'e' || *p == 'E') {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        from = p;
        p = digits(p);
        is_good = is_good && p > from;
    }
    s->at = p;
    return is_good ? STATUS_OK : fail_expected(s, "a digit", e);
}

static enum status take_word(struct scan *s, struct scan_value *out, struct err *e)
{
    static const struct {
        const char *word;
        enum scan_kind kind;
        bool is_nonfinite;
    } words[] = {
        {.word = "true", .kind = SCAN_BOOL},
        {.word = "false", .kind = SCAN_BOOL},
        {.word = "null", .kind = SCAN_NULL},
        {.word = "NaN", .kind = SCAN_NULL, .is_nonfinite = true},
        {.word = "Infinity", .kind = SCAN_NULL, .is_nonfinite = true},
        {.word = "-Infinity", .kind = SCAN_NULL, .is_nonfinite = true},
    };
    struct str rest = {.ptr = s->at, .len = (size_t)(s->end - s->at)};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(rest, words[i].word)) {
            s->at += strlen(words[i].word);
            s->has_nonfinite = s->has_nonfinite || words[i].is_nonfinite;
            out->kind = words[i].kind;
            return STATUS_OK;
        }
    return fail_expected(s, "a value", e);
}

/* An object or a list, whole. Not recursive, so that no input can exhaust the stack. */
static enum status take_nested(struct scan *s, struct err *e)
{
    struct scan_level levels[MAX_DEPTH];
    size_t depth = 1;
    levels[0] = (struct scan_level){.close = '\0', .is_begun = false};
    enum status st = scan_enter(s, *s->at, &levels[0], e);
    while (st == STATUS_OK && depth > 0) {
        struct scan_level *level = &levels[depth - 1];
        struct scan_value ignored;
        struct str key;
        bool has = false;
        st = level->close == '}' ? scan_key(s, level, &key, &has, e)
                                 : scan_item(s, level, &has, e);
        if (st != STATUS_OK)
            break;
        char c = has ? scan_peek(s) : '\0';
        if (!has)
            depth--;
        else if (c != '{' && c != '[')
            st = scan_value(s, &ignored, e);
        else if (depth == MAX_DEPTH)
            st = scan_fail(s, e, "nested more than %d deep", MAX_DEPTH);
        else {
            levels[depth] = levels[0];
            st = scan_enter(s, c, &levels[depth++], e);
        }
    }
    return st;
}

enum status scan_value(struct scan *s, struct scan_value *out, struct err *e)
{
    char c = scan_peek(s);
    const char *from = s->at;
    enum status st;
    if (c == '"') {
        out->kind = SCAN_STRING;
        st = take_string(s, e);
    } else if (c == '{' || c == '[') {
        out->kind = c == '{' ? SCAN_OBJECT : SCAN_LIST;
        st = take_nested(s, e);
    } else if ((c >= '0' && c <= '9') || (c == '-' && s->at[1] != 'I')) {
        out->kind = SCAN_NUMBER;
        st = take_number(s, e);
    } else {
        st = take_word(s, out, e);
    }
    out->text = (struct str){.ptr = from, .len = (size_t)(s->at - from)};
    return st;
}

enum status scan_finish(struct scan *s, struct err *e)
{
    if (scan_peek(s) != '\0' || s->at < s->end)
        return fail_expected(s, "the end of the file", e);
    return STATUS_OK;
}

char *scan_text(struct scan_value v, struct arena *a)
{
    if (v.kind != SCAN_STRING)
        return NULL;
    struct str inner = {.ptr = v.text.ptr + 1, .len = v.text.len - 2};
    if (inner.len == 0 || memchr(inner.ptr, '\\', inner.len) == NULL)
        return arena_str(a, inner);
    json_t *value = NULL;
    if (json_from_text(v.text, "string", &value, NULL) != STATUS_OK)
        return arena_str(a, inner); /* a lone surrogate or a 0: left as it is written */
    char *text = arena_strdup(a, json_string_value(value));
    json_decref(value);
    return text;
}

static void new_line(struct buf *out, int depth)
{
    static const char blanks[] = "                                ";
    buf_char(out, '\n');
    for (int left = 2 * depth; left > 0; left -= (int)sizeof blanks - 1) {
        int now = left < (int)sizeof blanks - 1 ? left : (int)sizeof blanks - 1;
        buf_append(out, blanks, (size_t)now);
    }
}

/* A word or a number of a checked value. Returns the byte behind it. */
static const char *copy_word(const char *p, const char *end, struct buf *out)
{
    const char *from = p;
    while (p < end && *p != ',' && *p != ']' && *p != '}' && (unsigned char)*p > ' ')
        p++;
    if (*from == 'N' || *from == 'I' || (*from == '-' && from[1] == 'I'))
        buf_text(out, "null");
    else
        buf_append(out, from, (size_t)(p - from));
    return p;
}

/* A bracket, comma or colon. Returns the byte to go on with. */
static const char *copy_mark(const char *p, int *depth, struct buf *out)
{
    char c = *p++;
    if (c == '}' || c == ']')
        new_line(out, --*depth);
    buf_char(out, c);
    if (c == ':')
        buf_char(out, ' ');
    else if (c == ',')
        new_line(out, *depth);
    if (c != '{' && c != '[')
        return p;
    p += strspn(p, " \t\r\n");
    if (*p == '}' || *p == ']') {
        buf_char(out, *p);
        return p + 1;
    }
    new_line(out, ++*depth);
    return p;
}

enum status scan_copy(struct str value, int depth, struct buf *out)
{
    const char *p = value.ptr, *end = value.ptr + value.len;
    while (p < end && out->failed == STATUS_OK) {
        if (*p == '"') {
            const char *from = p++;
            while (*p != '"')
                p += *p == '\\' ? 2 : 1;
            p++;
            buf_append(out, from, (size_t)(p - from));
        } else if (strchr("{}[],:", *p) != NULL) {
            p = copy_mark(p, &depth, out);
        } else if ((unsigned char)*p <= ' ') {
            p++;
        } else {
            p = copy_word(p, end, out);
        }
    }
    return out->failed;
}
