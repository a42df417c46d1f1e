#include "probe/canon.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "probe/mask.h"
#include "text/json.h"
#include "text/jsonw.h"

static void put(const json_t *v, bool is_secret, struct buf *out);

/* What a part could not do, the whole cannot. */
static void fail(struct buf *out, enum status why)
{
    if (why == STATUS_OK || out->failed != STATUS_OK)
        return;
    buf_clear(out);
    out->failed = why;
}

static void put_text(const char *text, bool is_secret, struct buf *out)
{
    struct jsonw w;
    struct buf masked;
    buf_init(&masked, (size_t)64 << 20);
    if (is_secret && *text != '\0')
        (void)buf_text(&masked, MASK_TEXT);
    else
        (void)mask_append(&masked, text);
    jsonw_init(&w, out, 0);
    jsonw_str(&w, NULL, buf_cstr(&masked));
    fail(out, masked.failed);
    buf_fini(&masked);
}

/* A whole number is written as one, whatever its type. */
static void put_number(double n, struct buf *out)
{
    char text[32];
    if (n == floor(n) && fabs(n) < 0x1p53) {
        (void)buf_printf(out, "%.0f", n + 0.0); /* -0 is 0 */
        return;
    }
    jsonw_double_text(n, text);
    (void)buf_text(out, text);
}

static void put_list(const json_t *list, bool is_secret, struct buf *out)
{
    (void)buf_char(out, '[');
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (i > 0)
            (void)buf_char(out, ',');
        put(json_array_get(list, i), is_secret, out);
    }
    (void)buf_char(out, ']');
}

static void put_object(const json_t *object, bool is_secret, struct buf *out)
{
    size_t count = json_object_size(object), n = 0;
    const char **names = mem_alloc(count + 1, sizeof(const char *));
    const char *name;
    json_t *value;
    if (names == NULL) {
        fail(out, STATUS_NO_MEMORY);
        return;
    }
    json_object_foreach((json_t *)object, name, value) names[n++] = name;
    qsort(names, n, sizeof *names, str_order);
    (void)buf_char(out, '{');
    for (size_t i = 0; i < n; i++) {
        struct jsonw w;
        if (i > 0)
            (void)buf_char(out, ',');
        jsonw_init(&w, out, 0);
        jsonw_str(&w, NULL, names[i]);
        (void)buf_char(out, ':');
        put(json_object_get(object, names[i]), is_secret || mask_is_secret(names[i]),
            out);
    }
    (void)buf_char(out, '}');
    mem_free(names);
}

/* As deep as JSON may be (JSONR_MAX_DEPTH). */
static void put(const json_t *v, bool is_secret, struct buf *out)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: put_object(v, is_secret, out); break;
    case JSON_ARRAY: put_list(v, is_secret, out); break;
    case JSON_STRING: put_text(json_string_value(v), is_secret, out); break;
    case JSON_INTEGER:
        (void)buf_printf(out, "%lld", (long long)json_integer_value(v));
        break;
    case JSON_REAL: put_number(json_real_value(v), out); break;
    case JSON_TRUE: (void)buf_text(out, "true"); break;
    case JSON_FALSE: (void)buf_text(out, "false"); break;
    case JSON_NULL: (void)buf_text(out, "null"); break;
    }
}

enum status canon_json(const json_t *value, struct buf *out)
{
    put(value, false, out);
    return out->failed;
}

/* Digits with at most one point and a sign; no exponent: a revision may look like one. */
static bool is_plain_number(struct str s)
{
    size_t digits = 0, points = 0;
    for (size_t i = s.len > 0 && *s.ptr == '-' ? 1 : 0; i < s.len; i++) {
        digits += s.ptr[i] >= '0' && s.ptr[i] <= '9';
        points += s.ptr[i] == '.';
        if ((s.ptr[i] < '0' || s.ptr[i] > '9') && s.ptr[i] != '.')
            return false;
    }
    return digits > 0 && points <= 1;
}

static bool put_if_json(const char *name, struct str s, struct buf *out)
{
    if (s.len == 0 || (*s.ptr != '{' && *s.ptr != '['))
        return false;
    json_t *value = json_parse(s);
    if (value == NULL)
        return false;
    put(value, mask_is_secret(name), out);
    json_decref(value);
    return true;
}

enum status canon_value(const char *name, const char *value, struct buf *out)
{
    struct str s = str_trim(str_from(value));
    double n;
    if (put_if_json(name, s, out))
        return out->failed;
    if (str_is(s, "true") || str_is(s, "True"))
        return buf_text(out, "true");
    if (str_is(s, "false") || str_is(s, "False"))
        return buf_text(out, "false");
    if (is_plain_number(s) && str_to_double(s, &n)) {
        put_number(n, out);
        return out->failed;
    }
    if (mask_is_secret(name) && s.len > 0)
        return buf_text(out, MASK_TEXT);
    return mask_append(out, value);
}
