#include "track/entry_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "text/json.h"
#include "text/jsonw.h"

enum { KEY_MAX_CHARS = 250, NUMBER_BYTES = 32 };
#define TEXT_CAP_BYTES ((size_t)64 << 20)

static const char *compact(const json_t *value, struct arena *a)
{
    struct buf out;
    buf_init(&out, TEXT_CAP_BYTES);
    const char *text = json_to_text(value, &out) == STATUS_OK
                           ? arena_strdup(a, buf_cstr(&out))
                           : NULL;
    buf_fini(&out);
    return text;
}

/* Python leaves the exponent out up to 16 digits. */
static const char *real_text(double value, struct arena *a)
{
    char text[NUMBER_BYTES];
    if (value == floor(value) && fabs(value) < 1e16)
        (void)snprintf(text, sizeof text, "%.1f", value);
    else
        jsonw_double_text(value, text);
    return arena_strdup(a, text);
}

const char *entry_text_python(const json_t *value, struct arena *a)
{
    switch (json_typeof(value)) {
    case JSON_STRING: return json_string_value(value);
    case JSON_TRUE: return "True";
    case JSON_FALSE: return "False";
    case JSON_NULL: return "None";
    case JSON_INTEGER:
        return arena_printf(a, "%" PRId64, (int64_t)json_integer_value(value));
    case JSON_REAL: return real_text(json_real_value(value), a);
    case JSON_OBJECT:
    case JSON_ARRAY: break;
    }
    return compact(value, a);
}

const char *entry_text_plain(const json_t *value, struct arena *a)
{
    double real = json_is_real(value) ? json_real_value(value) : NAN;
    if (real == floor(real) && fabs(real) < 0x1p53)
        return arena_printf(a, "%" PRId64, (int64_t)real);
    return entry_text_python(value, a);
}

/* One character; sound UTF-8 is taken for granted, what is not gives wrong characters,
 * but ends in time. */
static uint32_t next_char(const char **at)
{
    const unsigned char *p = (const unsigned char *)*at;
    uint32_t c = *p++;
    if (c >= 0xc0)
        c &= c >= 0xf0 ? 0x07 : c >= 0xe0 ? 0x0f : 0x1f;
    while ((*p & 0xc0) == 0x80)
        c = c << 6 | (*p++ & 0x3f);
    *at = (const char *)p;
    return c;
}

/* What Python's \w takes for sure: a key with one odd character would cost the whole
 * batch. */
static bool is_letter(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {'0', '9'},       {'A', 'Z'},       {'a', 'z'},       {0x00c0, 0x00d6},
        {0x00d8, 0x00f6}, {0x00f8, 0x024f}, {0x0391, 0x03a1}, {0x03a3, 0x03ce},
        {0x0400, 0x0481}, {0x048a, 0x052f}, {0x3005, 0x3005}, {0x3041, 0x3096},
        {0x30a1, 0x30fa}, {0x30fc, 0x30fc}, {0x4e00, 0x9fef}, {0xac00, 0xd7a3},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

/* MLflow refuses keys that read as another path once tidied up. */
static bool has_odd_path(const char *key)
{
    struct str rest = str_from(key);
    if (rest.len == 0 || key[rest.len - 1] == '/' || str_starts(rest, ".."))
        return true;
    while (rest.len > 0) {
        struct str part = str_cut(&rest, '/');
        if (part.len == 0 || str_is(part, ".") || str_is(part, ".."))
            return true;
    }
    return false;
}

static bool is_legal(uint32_t c, bool is_odd)
{
    if (is_odd && (c == '/' || c == '.'))
        return false;
    return is_letter(c) || (c < 0x80 && strchr("_-.:/ ", (int)c) != NULL);
}

const char *entry_text_key(const char *key, struct arena *a)
{
    bool is_odd = has_odd_path(key);
    struct buf out;
    buf_init(&out, TEXT_CAP_BYTES);
    size_t chars = 0;
    for (const char *p = key; *p != '\0' && chars < KEY_MAX_CHARS; chars++) {
        const char *begin = p;
        if (is_legal(next_char(&p), is_odd))
            (void)buf_append(&out, begin, (size_t)(p - begin));
        else
            (void)buf_char(&out, '_');
    }
    if (chars == 0)
        (void)buf_char(&out, '_');
    else if (out.len > 0 && out.data[out.len - 1] == '/') /* where it was cut */
        out.data[out.len - 1] = '_';
    const char *text = out.failed == STATUS_OK ? arena_strdup(a, buf_cstr(&out)) : NULL;
    buf_fini(&out);
    return text;
}

const char *entry_text_cut(const char *text, size_t max_chars, struct arena *a)
{
    const char *p = text;
    for (size_t i = 0; i < max_chars && *p != '\0'; i++)
        (void)next_char(&p);
    if (*p == '\0')
        return text;
    return arena_str(a, (struct str){.ptr = text, .len = (size_t)(p - text)});
}

const char *entry_text_noted(const char *notes, const char *key, struct arena *a)
{
    struct str rest = str_from(notes);
    while (rest.len > 0) {
        struct str value = str_trim(str_cut(&rest, ','));
        struct str name = str_cut(&value, '=');
        if (str_is(name, key))
            return arena_str(a, value);
    }
    return NULL;
}
