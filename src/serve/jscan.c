#include "serve/jscan.h"

#include <string.h>

enum { DEPTH_MAX = 64 };

void jscan_init(struct jscan *j, struct str text)
{
    *j = (struct jscan){.at = text.ptr, .end = text.ptr + text.len};
}

static void fail(struct jscan *j)
{
    j->is_bad = true;
}

static void skip_space(struct jscan *j)
{
    while (j->at < j->end &&
           (*j->at == ' ' || *j->at == '\n' || *j->at == '\r' || *j->at == '\t'))
        j->at++;
}

/* The next character behind white space, 0 at the end. */
static char peek(struct jscan *j)
{
    skip_space(j);
    return j->at < j->end && !j->is_bad ? *j->at : '\0';
}

static bool take_char(struct jscan *j, char c)
{
    if (peek(j) != c) {
        fail(j);
        return false;
    }
    j->at++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum jscan_kind jscan_kind(struct jscan *j)
{
    char c = peek(j);
    switch (c) {
    case '"': return JSCAN_STRING;
    case '{': return JSCAN_OBJECT;
    case '[': return JSCAN_ARRAY;
    case 't': return JSCAN_TRUE;
    case 'f': return JSCAN_FALSE;
    case 'n': return JSCAN_NULL;
    default: return c == '-' || is_digit(c) ? JSCAN_NUMBER : JSCAN_NONE;
    }
}

void jscan_enter(struct jscan *j)
{
    char c = peek(j);
    if ((c != '{' && c != '[') || j->depth >= DEPTH_MAX) {
        fail(j);
        return;
    }
    j->at++;
    j->depth++;
    j->is_first = true;
}

/* Stands before the next member or item: true; takes the closing bracket: false. */
static bool next_in(struct jscan *j, char closing)
{
    bool is_first = j->is_first;
    j->is_first = false;
    if (peek(j) == closing) {
        j->at++;
        j->depth--;
        return false;
    }
    return is_first ? !j->is_bad : take_char(j, ',');
}

bool jscan_member(struct jscan *j, struct str *key)
{
    if (!next_in(j, '}'))
        return false;
    *key = jscan_string(j, NULL);
    return take_char(j, ':');
}

bool jscan_item(struct jscan *j)
{
    return next_in(j, ']');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static unsigned hex_value(const char *digits)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)digits[i];
        value = value * 16 + (is_digit((char)c) ? c - 0U - '0' : (c | 0x20U) - 'a' + 10);
    }
    return value;
}

/* Takes the escape behind a backslash; its length in UTF-8, half of 4 for a surrogate. */
static size_t take_escape(struct jscan *j)
{
    char c = j->at < j->end ? *j->at++ : '\0';
    if (c != 'u') {
        if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
            fail(j);
        return 1;
    }
    for (int i = 0; i < 4; i++)
        if (j->end - j->at <= i || !is_hex(j->at[i])) {
            fail(j);
            return 0;
        }
    unsigned value = hex_value(j->at);
    j->at += 4;
    if (value < 0x80)
        return 1;
    return value < 0x800 || (value >= 0xd800 && value < 0xe000) ? 2 : 3;
}

struct str jscan_string(struct jscan *j, size_t *bytes)
{
    struct str text = {.ptr = j->at};
    size_t len = 0;
    if (!take_char(j, '"'))
        return text;
    text.ptr = j->at;
    while (j->at < j->end && *j->at != '"' && !j->is_bad) {
        unsigned char c = (unsigned char)*j->at++;
        if (c == '\\') {
            len += take_escape(j);
        } else if (c < 0x20) {
            fail(j);
        } else {
            len++;
        }
    }
    text.len = (size_t)(j->at - text.ptr);
    (void)take_char(j, '"');
    if (bytes != NULL)
        *bytes = len;
    return text;
}

/* UTF-8 of a character of the basic plane; its length. */
static size_t encode(unsigned value, char out[3])
{
    if (value < 0x80) {
        out[0] = (char)value;
        return 1;
    }
    if (value < 0x800) {
        out[0] = (char)(0xc0 | value >> 6);
        out[1] = (char)(0x80 | (value & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | value >> 12);
    out[1] = (char)(0x80 | (value >> 6 & 0x3f));
    out[2] = (char)(0x80 | (value & 0x3f));
    return 3;
}

/* Takes a character or an escape off a string without faults. */
static size_t decode(struct str *s, char out[3])
{
    static const char names[] = "bfnrt", meant[] = "\b\f\n\r\t";
    size_t taken = 1, len = 1;
    out[0] = s->ptr[0];
    if (s->ptr[0] == '\\' && s->ptr[1] == 'u') {
        taken = 6;
        len = encode(hex_value(s->ptr + 2), out);
    } else if (s->ptr[0] == '\\') {
        const char *at = strchr(names, s->ptr[1]);
        taken = 2;
        out[0] = at != NULL ? meant[at - names] : s->ptr[1];
    }
    s->ptr += taken;
    s->len -= taken;
    return len;
}

bool jscan_means(struct str string, const char *text)
{
    while (string.len > 0) {
        char bytes[3];
        size_t len = decode(&string, bytes);
        if (*text == '\0' || strncmp(text, bytes, len) != 0)
            return false;
        text += len;
    }
    return *text == '\0';
}

static void skip_digits(struct jscan *j)
{
    if (j->at >= j->end || !is_digit(*j->at))
        fail(j);
    while (j->at < j->end && is_digit(*j->at))
        j->at++;
}

static bool take_if(struct jscan *j, char c)
{
    bool is_there = j->at < j->end && *j->at == c;
    j->at += is_there;
    return is_there;
}

/* The grammar of RFC 8259, section 6. */
static struct str take_number(struct jscan *j)
{
    (void)peek(j);
    struct str text = {.ptr = j->at};
    (void)take_if(j, '-');
    if (!take_if(j, '0'))
        skip_digits(j);
    if (take_if(j, '.'))
        skip_digits(j);
    if (take_if(j, 'e') || take_if(j, 'E')) {
        if (!take_if(j, '+'))
            (void)take_if(j, '-');
        skip_digits(j);
    }
    text.len = (size_t)(j->at - text.ptr);
    return text;
}

/* Most numbers are ids of a few digits, by the thousand. */
static bool short_int(struct jscan *j, int64_t *out)
{
    (void)peek(j);
    const char *at = j->at;
    int64_t value = 0;
    while (at < j->end && is_digit(*at) && at - j->at < 10)
        value = value * 10 + (*at++ - '0');
    bool is_whole = at > j->at && at < j->end && strchr(", ]}\n", *at) != NULL &&
                    *at != '\0' && (*j->at != '0' || at - j->at == 1);
    if (is_whole) {
        *out = value;
        j->at = at;
    }
    return is_whole;
}

bool jscan_int(struct jscan *j, int64_t *out)
{
    if (!j->is_bad && short_int(j, out))
        return true;
    struct str text = take_number(j);
    return !j->is_bad && str_to_i64(text, out);
}

static void take_word(struct jscan *j, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(j->end - j->at) < len || memcmp(j->at, word, len) != 0)
        fail(j);
    else
        j->at += len;
}

static void skip_scalar(struct jscan *j)
{
    switch (jscan_kind(j)) {
    case JSCAN_STRING: (void)jscan_string(j, NULL); break;
    case JSCAN_NUMBER: (void)take_number(j); break;
    case JSCAN_TRUE: take_word(j, "true"); break;
    case JSCAN_FALSE: take_word(j, "false"); break;
    case JSCAN_NULL: take_word(j, "null"); break;
    default: fail(j);
    }
}

/* What was entered is remembered by a bit a level: 1 for an object. */
static void skip_nested(struct jscan *j)
{
    uint64_t objects = 0;
    int depth = 0;
    do {
        struct str key;
        enum jscan_kind kind = jscan_kind(j);
        if (kind == JSCAN_OBJECT || kind == JSCAN_ARRAY) {
            objects = objects << 1 | (kind == JSCAN_OBJECT ? 1U : 0U);
            depth++;
            jscan_enter(j);
        } else {
            skip_scalar(j);
        }
        while (depth > 0 && !j->is_bad &&
               !((objects & 1) != 0 ? jscan_member(j, &key) : jscan_item(j))) {
            objects >>= 1;
            depth--;
        }
    } while (depth > 0 && !j->is_bad);
}

struct str jscan_skip(struct jscan *j)
{
    (void)peek(j);
    struct str text = {.ptr = j->at};
    skip_nested(j);
    text.len = (size_t)(j->at - text.ptr);
    return text;
}

bool jscan_end(struct jscan *j)
{
    skip_space(j);
    return !j->is_bad && j->at == j->end && j->depth == 0;
}
