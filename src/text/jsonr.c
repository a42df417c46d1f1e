#include "text/jsonr.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ESCAPE_BYTES = 6 /* of \u0000 */ };

void jsonr_init(struct jsonr *r, struct str text, const char *name, struct err *e)
{
    *r = (struct jsonr){.begin = text.ptr,
                        .at = text.ptr,
                        .end = text.ptr + text.len,
                        .name = name,
                        .e = e};
    if (str_starts(text, "\xef\xbb\xbf"))
        r->at += 3;
}

void jsonr_stop(struct jsonr *r, enum status why)
{
    if (r->failed == STATUS_OK)
        r->failed = why;
}

/* Where it stands: the end of a long name, and the line. */
static void put_place(const struct jsonr *r, char *out, size_t room)
{
    enum { SHOWN = 120 };
    size_t line = 1;
    for (const char *p = r->begin; p < r->at; p++)
        line += *p == '\n';
    const char *name = r->name != NULL ? r->name : "JSON";
    size_t len = strlen(name);
    (void)snprintf(out, room, "%s:%zu", len > SHOWN ? name + len - SHOWN : name, line);
}

enum status jsonr_fail(struct jsonr *r, const char *what, ...)
{
    if (r->e != NULL && r->failed == STATUS_OK) {
        char where[sizeof r->e->where], text[sizeof r->e->what];
        va_list args;
        va_start(args, what);
        (void)vsnprintf(text, sizeof text, what, args);
        va_end(args);
        put_place(r, where, sizeof where);
        (void)status_fail(r->e, STATUS_BAD_INPUT, where, "%s", text);
    }
    jsonr_stop(r, STATUS_BAD_INPUT);
    return r->failed;
}

static bool fail_expected(struct jsonr *r, const char *wanted)
{
    unsigned char c = r->at < r->end ? (unsigned char)*r->at : '\0';
    if (r->at >= r->end)
        (void)jsonr_fail(r, "not valid JSON: it ends where %s should stand", wanted);
    else if (c < 0x20 || c >= 0x7f)
        (void)jsonr_fail(r, "not valid JSON: byte 0x%02x where %s should stand", c,
                         wanted);
    else
        (void)jsonr_fail(r, "not valid JSON: '%c' where %s should stand", c, wanted);
    return false;
}

/* The next byte that is no blank, not taken; 0 at the end and after a failure. */
static char peek(struct jsonr *r)
{
    const char *p = r->at;
    while (p < r->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    if (r->failed != STATUS_OK)
        return '\0';
    r->at = p;
    return p < r->end ? *p : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum jsonr_kind jsonr_kind(struct jsonr *r)
{
    static const unsigned char by_first[256] = {
        ['"'] = JSONR_STRING, ['{'] = JSONR_OBJECT, ['['] = JSONR_LIST,
        ['t'] = JSONR_BOOL,   ['f'] = JSONR_BOOL,   ['n'] = JSONR_NULL,
        ['N'] = JSONR_NULL,   ['I'] = JSONR_NULL,   ['-'] = JSONR_NUMBER,
        ['0'] = JSONR_NUMBER, ['1'] = JSONR_NUMBER, ['2'] = JSONR_NUMBER,
        ['3'] = JSONR_NUMBER, ['4'] = JSONR_NUMBER, ['5'] = JSONR_NUMBER,
        ['6'] = JSONR_NUMBER, ['7'] = JSONR_NUMBER, ['8'] = JSONR_NUMBER,
        ['9'] = JSONR_NUMBER};
    char c = peek(r);
    bool is_infinite = c == '-' && r->end - r->at > 1 && r->at[1] == 'I';
    return is_infinite ? JSONR_NULL : (enum jsonr_kind)by_first[(unsigned char)c];
}

void jsonr_enter(struct jsonr *r, char open)
{
    if (peek(r) != open) {
        (void)fail_expected(r, open == '{' ? "'{'" : "'['");
        return;
    }
    r->at++;
    r->is_first = true;
}

/* Stands before the next member or item: true; takes the closing bracket: false. */
static bool next_in(struct jsonr *r, char closing)
{
    char c = peek(r);
    bool is_first = r->is_first;
    r->is_first = false;
    if (r->failed != STATUS_OK)
        return false;
    if (c == closing) {
        r->at++;
        return false;
    }
    if (is_first)
        return true;
    if (c != ',')
        return fail_expected(r, closing == '}' ? "',' or '}'" : "',' or ']'");
    r->at++;
    return peek(r) != closing || fail_expected(r, "a value");
}

bool jsonr_item(struct jsonr *r)
{
    return next_in(r, ']');
}

/* --- strings */

/* Are all 8 bytes ASCII, and none a control character, quote or backslash? */
static bool are_plain(const char *p)
{
    const uint64_t ones = 0x0101010101010101U, high = ones << 7;
    uint64_t x;
    memcpy(&x, p, sizeof x);
    uint64_t quotes = (x ^ ones * '"') - ones, backslashes = (x ^ ones * '\\') - ones;
    return (((x - ones * ' ') | quotes | backslashes | x) & high) == 0;
}

static const char *plain_end(const char *p, const char *end)
{
    while (end - p >= 8 && are_plain(p))
        p += 8;
    while (p < end && (unsigned char)(*p - ' ') < 0x60 && *p != '"' && *p != '\\')
        p++;
    return p;
}

static bool is_hex(const char *p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char c = p[i];
        if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
            return false;
    }
    return true;
}

static bool fail_string(struct jsonr *r, const char *what)
{
    (void)jsonr_fail(r, "not valid JSON: %s", what);
    return false;
}

static bool take_escape(struct jsonr *r)
{
    const char *p = r->at;
    size_t left = (size_t)(r->end - p), len = left > 1 && p[1] == 'u' ? ESCAPE_BYTES : 2;
    if (left < 2)
        return fail_string(r, "it ends within a string");
    if (r->trusts_strings)
        len = 2;
    else if (len == 2 ? p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL
                      : left < len || !is_hex(p + 2, 4))
        return fail_string(r, "unknown escape in a string");
    r->at += len;
    return true;
}

/* What a string holds that is not plain: an escape, UTF-8, or what may not stand. */
static bool take_special(struct jsonr *r)
{
    if (r->at >= r->end)
        return fail_string(r, "it ends within a string");
    if (*r->at == '\\')
        return take_escape(r);
    size_t len = r->trusts_strings ? 1 : str_utf8_len(r->at, (size_t)(r->end - r->at));
    if ((unsigned char)*r->at < ' ' && !r->trusts_strings) {
        (void)jsonr_fail(r, "not valid JSON: control character 0x%02x in a string",
                         (unsigned char)*r->at);
        return false;
    }
    r->at += len;
    return len > 0 || fail_string(r, "not UTF-8");
}

static bool take_string(struct jsonr *r)
{
    r->at++;
    do {
        r->at = plain_end(r->at, r->end);
        if (r->at < r->end && *r->at == '"') {
            r->at++;
            return true;
        }
    } while (take_special(r));
    return false;
}

bool jsonr_member(struct jsonr *r, struct str *key)
{
    if (!next_in(r, '}'))
        return false;
    if (peek(r) != '"')
        return fail_expected(r, "a key in quotes");
    const char *from = r->at;
    if (!take_string(r))
        return false;
    *key = (struct str){.ptr = from + 1, .len = (size_t)(r->at - from) - 2};
    if (peek(r) != ':')
        return fail_expected(r, "':'");
    r->at++;
    return true;
}

/* --- values */

/* One digit at least. */
static bool take_digits(struct jsonr *r)
{
    const char *from = r->at;
    while (r->at < r->end && is_digit(*r->at))
        r->at++;
    return r->at > from;
}

static bool take_if(struct jsonr *r, char c)
{
    bool is_there = r->at < r->end && *r->at == c;
    r->at += is_there;
    return is_there;
}

static bool take_number(struct jsonr *r)
{
    (void)take_if(r, '-');
    bool is_good = take_if(r, '0') || take_digits(r);
    if (is_good && take_if(r, '.'))
        is_good = take_digits(r);
    if (is_good && (take_if(r, 'e') || take_if(r, 'E'))) {
        if (!take_if(r, '+'))
            (void)take_if(r, '-');
        is_good = take_digits(r);
    }
    return is_good || fail_expected(r, "a digit");
}

static bool take_word(struct jsonr *r)
{
    static const struct {
        const char *word;
        size_t len;
        bool is_nonfinite;
    } words[] = {{"null", 4, false}, {"true", 4, false},    {"false", 5, false},
                 {"NaN", 3, true},   {"Infinity", 8, true}, {"-Infinity", 9, true}};
    size_t left = (size_t)(r->end - r->at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (left >= words[i].len && memcmp(r->at, words[i].word, words[i].len) == 0) {
            r->at += words[i].len;
            r->has_nonfinite = r->has_nonfinite || words[i].is_nonfinite;
            return true;
        }
    return fail_expected(r, "a value");
}

static bool take_scalar(struct jsonr *r, enum jsonr_kind kind)
{
    switch (kind) {
    case JSONR_STRING: return take_string(r);
    case JSONR_NUMBER: return take_number(r);
    case JSONR_NULL:
    case JSONR_BOOL: return take_word(r);
    default: return fail_expected(r, "a value");
    }
}

/* An object or a list, whole. Not recursive, so that no input can exhaust the stack. */
static bool take_nested(struct jsonr *r)
{
    char closing[JSONR_MAX_DEPTH];
    size_t depth = 0;
    struct str key;
    do {
        enum jsonr_kind kind = jsonr_kind(r);
        if (kind != JSONR_OBJECT && kind != JSONR_LIST) {
            (void)take_scalar(r, kind);
        } else if (depth < JSONR_MAX_DEPTH) {
            closing[depth++] = kind == JSONR_OBJECT ? '}' : ']';
            jsonr_enter(r, *r->at);
        } else {
            (void)jsonr_fail(r, "nested more than %d deep", JSONR_MAX_DEPTH);
        }
        while (depth > 0 && r->failed == STATUS_OK &&
               !(closing[depth - 1] == '}' ? jsonr_member(r, &key) : jsonr_item(r)))
            depth--;
    } while (depth > 0 && r->failed == STATUS_OK);
    return r->failed == STATUS_OK;
}

struct jsonr_value jsonr_value(struct jsonr *r)
{
    struct jsonr_value v = {.kind = jsonr_kind(r)};
    const char *from = r->at;
    bool is_nested = v.kind == JSONR_OBJECT || v.kind == JSONR_LIST;
    if (!(is_nested ? take_nested(r) : take_scalar(r, v.kind)))
        return (struct jsonr_value){.kind = JSONR_NONE, .text = {.ptr = from}};
    v.text = (struct str){.ptr = from, .len = (size_t)(r->at - from)};
    return v;
}

/* Most whole numbers are ids of a few digits, by the thousand. */
static bool take_short_int(struct jsonr *r, int64_t *out)
{
    enum { SHORT = 10 };
    (void)peek(r);
    const char *at = r->at;
    int64_t value = 0;
    while (at < r->end && is_digit(*at) && at - r->at < SHORT)
        value = value * 10 + (*at++ - '0');
    bool is_whole = at > r->at && at < r->end &&
                    (*at == ',' || *at == ']' || *at == '}' || *at == ' ') &&
                    (*r->at != '0' || at - r->at == 1);
    if (is_whole) {
        *out = value;
        r->at = at;
    }
    return is_whole;
}

bool jsonr_int(struct jsonr *r, int64_t *out)
{
    if (r->failed == STATUS_OK && take_short_int(r, out))
        return true;
    struct jsonr_value v = jsonr_value(r);
    return v.kind == JSONR_NUMBER && str_to_i64(v.text, out);
}

enum status jsonr_end(struct jsonr *r)
{
    if (peek(r) != '\0' || r->at < r->end)
        (void)fail_expected(r, "the end of the file");
    return r->failed;
}

/* --- what a number says */

double jsonr_num(struct jsonr_value v)
{
    double n;
    return v.kind == JSONR_NUMBER && str_to_double(v.text, &n) ? n : (double)NAN;
}

/* Journals have them by the million. */
static bool are_few_digits(struct str s, int64_t *out)
{
    enum { FEW = 18 };
    int64_t value = 0;
    size_t i = 0;
    for (; i < s.len && i < FEW && is_digit(s.ptr[i]); i++)
        value = value * 10 + (s.ptr[i] - '0');
    if (i == 0 || i < s.len)
        return false;
    *out = value;
    return true;
}

bool jsonr_whole(struct jsonr_value v, int64_t *out)
{
    const double limit = 9223372036854775808.0; /* 2^63 */
    if (v.kind == JSONR_NUMBER &&
        (are_few_digits(v.text, out) || str_to_i64(v.text, out)))
        return true;
    double n = jsonr_num(v);
    if (!(n >= -limit && n < limit && n == floor(n)))
        return false;
    *out = (int64_t)n;
    return true;
}

/* --- what a string says */

struct str jsonr_inner(struct jsonr_value v)
{
    if (v.kind != JSONR_STRING)
        return v.text;
    return (struct str){.ptr = v.text.ptr + 1, .len = v.text.len - 2};
}

static unsigned hex_value(const char *p)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];
        value = value * 16 + (is_digit((char)c) ? c - 0U - '0' : (c | 0x20U) - 'a' + 10);
    }
    return value;
}

static size_t put_utf8(unsigned c, char out[ESCAPE_BYTES])
{
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(first[len] | c);
    return len;
}

/* \u....; *taken: its bytes, or those of a pair. */
static size_t decode_unicode(struct str s, size_t *taken, char out[ESCAPE_BYTES])
{
    unsigned c = hex_value(s.ptr + 2);
    *taken = ESCAPE_BYTES;
    if (c >= 0xd800 && c < 0xdc00 && s.len >= 2 * (size_t)ESCAPE_BYTES &&
        s.ptr[6] == '\\' && s.ptr[7] == 'u') {
        unsigned low = hex_value(s.ptr + 8);
        if (low >= 0xdc00 && low < 0xe000) {
            *taken += ESCAPE_BYTES;
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    if (c != 0 && (c < 0xd800 || c >= 0xe000))
        return put_utf8(c, out);
    memcpy(out, s.ptr, ESCAPE_BYTES);
    return ESCAPE_BYTES;
}

/* Takes a byte or an escape off a checked string; how many bytes it means. */
static size_t decode(struct str *s, char out[ESCAPE_BYTES])
{
    static const char names[] = "bfnrt", meant[] = "\b\f\n\r\t";
    size_t taken = 1, len = 1;
    out[0] = s->ptr[0];
    if (s->ptr[0] == '\\' && s->ptr[1] == 'u') {
        len = decode_unicode(*s, &taken, out);
    } else if (s->ptr[0] == '\\') {
        const char *at = strchr(names, s->ptr[1]);
        taken = 2;
        out[0] = at != NULL ? meant[at - names] : s->ptr[1];
    }
    s->ptr += taken;
    s->len -= taken;
    return len;
}

static bool has_escapes(struct str inner)
{
    return inner.len > 0 && memchr(inner.ptr, '\\', inner.len) != NULL;
}

char *jsonr_text(struct jsonr_value v, struct arena *a)
{
    struct str inner = jsonr_inner(v);
    if (v.kind != JSONR_STRING)
        return NULL;
    char *text = arena_str(a, inner), *to = text, bytes[ESCAPE_BYTES];
    if (text == NULL || !has_escapes(inner))
        return text;
    while (inner.len > 0) { /* no escape is shorter than what it means */
        size_t len = decode(&inner, bytes);
        memcpy(to, bytes, len);
        to += len;
    }
    *to = '\0';
    return text;
}

size_t jsonr_text_len(struct str inner)
{
    char bytes[ESCAPE_BYTES];
    size_t len = 0;
    if (!has_escapes(inner))
        return inner.len;
    while (inner.len > 0)
        len += decode(&inner, bytes);
    return len;
}

bool jsonr_text_is(struct str inner, const char *text)
{
    while (inner.len > 0) {
        char bytes[ESCAPE_BYTES];
        size_t len = decode(&inner, bytes);
        if (strncmp(text, bytes, len) != 0)
            return false;
        text += len;
    }
    return *text == '\0';
}
