#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "store/decode.h"
#include "text/jsonw.h"

#define TEXT_CAP_BYTES ((size_t)16 << 20)
#define EXACT_BELOW    0x1p53 /* whole numbers that a double holds exactly */

static bool is_numeric(struct jsonr_value v, double *out)
{
    return (v.kind == JSONR_NUMBER || v.kind == JSONR_STRING) &&
           str_to_double(jsonr_inner(v), out) && isfinite(*out);
}

static bool is_whole(double n)
{
    return n == floor(n);
}

static bool to_bool(struct jsonr_value v, struct value *out)
{
    struct str text = jsonr_inner(v);
    double n;
    bool is_text = v.kind == JSONR_STRING;
    bool is_true = is_text && (str_is(text, "true") || str_is(text, "True"));
    bool is_false = is_text && (str_is(text, "false") || str_is(text, "False"));
    if (v.kind == JSONR_NUMBER && str_to_double(text, &n)) {
        is_true = n == 1;
        is_false = n == 0;
    }
    if (is_true || is_false)
        *out = value_bool(is_true);
    return is_true || is_false;
}

/* A whole number beyond 2^53 stays a double: it is not cut to 64 bits. */
static bool to_int(struct jsonr_value v, struct value *out)
{
    int64_t whole;
    double n;
    if (str_to_i64(jsonr_inner(v), &whole) && v.kind != JSONR_BOOL) {
        *out = value_int(whole);
        return true;
    }
    if (!is_numeric(v, &n) || !is_whole(n))
        return false;
    *out = fabs(n) < EXACT_BELOW ? value_int((int64_t)n) : value_num(n);
    return true;
}

static bool to_num(struct jsonr_value v, struct value *out)
{
    double n;
    if (!is_numeric(v, &n))
        return false;
    *out = value_num(n);
    return true;
}

/* Since the epoch in s, ms, us or ns: the four ranges do not touch between the years 2001
 * and 2286. */
static bool epoch_ns(double n, int64_t *out)
{
    static const struct {
        double from;
        int64_t ns;
    } units[] = {{1e9, NS_PER_S}, {1e12, NS_PER_MS}, {1e15, 1000}, {1e18, 1}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (n >= units[i].from && n < units[i].from * 10 &&
            n * (double)units[i].ns < (double)INT64_MAX) {
            *out = (int64_t)n * units[i].ns +
                   (int64_t)((n - floor(n)) * (double)units[i].ns);
            return true;
        }
    return false;
}

/* pandas takes a time without offset for UTC, so that local time comes back as it was. */
static bool to_time(enum field_id id, double n, char out[CLOCK_TEXT_BYTES])
{
    struct wall at;
    if (!epoch_ns(n, &at.ns))
        return false;
    if (id == FIELD_timestamp)
        clock_iso_local(at, 0, out);
    else
        clock_iso_utc(at, out);
    return true;
}

/* "12" of 12 and 12.0; 0.1 may have been 0.10. */
static bool to_text(enum field_id id, struct jsonr_value v, struct arena *a,
                    struct value *out, bool *ran_out)
{
    char time[CLOCK_TEXT_BYTES];
    const char *text = NULL;
    double n;
    if (v.kind != JSONR_NUMBER || !str_to_double(v.text, &n))
        return false;
    if (id == FIELD_timestamp || id == FIELD_timestamp_utc) {
        if (!to_time(id, n, time))
            return false;
        text = arena_strdup(a, time);
    } else if (is_whole(n) && fabs(n) < EXACT_BELOW) {
        text = arena_printf(a, "%.0f", n);
    } else {
        return false;
    }
    *ran_out = *ran_out || text == NULL;
    *out = value_str(text);
    return true;
}

/* True if the text is a list or an object of JSON and nothing else. */
static bool is_json(const char *text)
{
    struct jsonr r;
    jsonr_init(&r, str_from(text), NULL, NULL);
    struct jsonr_value v = jsonr_value(&r);
    return (v.kind == JSONR_LIST || v.kind == JSONR_OBJECT) && jsonr_end(&r) == STATUS_OK;
}

/* A string in Python's quotes, as one in JSON's. Returns what follows it; NULL: it has no
 * end, or a backslash, which means something else in each language. */
static const char *put_string(const char *text, struct buf *out)
{
    const char *end = strchr(text + 1, *text);
    if (end == NULL || memchr(text, '\\', (size_t)(end - text)) != NULL)
        return NULL;
    buf_char(out, '"');
    for (const char *c = text + 1; c < end; c++) {
        if (*c == '"')
            buf_char(out, '\\');
        buf_char(out, *c);
    }
    buf_char(out, '"');
    return end + 1;
}

static const char *put_word(const char *text, struct buf *out)
{
    static const char *const words[][2] = {
        {"True", "true"}, {"False", "false"}, {"None", "null"}, {"nan", "null"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(str_from(text), words[i][0])) {
            buf_text(out, words[i][1]);
            return text + strlen(words[i][0]);
        }
    buf_char(out, *text);
    return text + 1;
}

/* Python's text of a list or an object as JSON, as far as it is one. */
static bool from_python(const char *text, struct buf *out)
{
    while (text != NULL && *text != '\0')
        text = *text == '\'' || *text == '"' ? put_string(text, out)
                                             : put_word(text, out);
    return text != NULL && out->failed == STATUS_OK;
}

static bool to_json(struct jsonr_value v, struct arena *a, struct value *out,
                    bool *ran_out)
{
    struct buf made;
    if (v.kind != JSONR_STRING)
        return false;
    const char *text = jsonr_text(v, a);
    *ran_out = *ran_out || text == NULL;
    bool is_read = text != NULL && is_json(text);
    buf_init(&made, TEXT_CAP_BYTES);
    if (text != NULL && !is_read) {
        is_read = from_python(text, &made) && is_json(buf_cstr(&made));
        *ran_out = *ran_out || made.failed != STATUS_OK;
        text = is_read ? arena_strdup(a, buf_cstr(&made)) : NULL;
        *ran_out = *ran_out || (is_read && text == NULL);
    }
    buf_fini(&made);
    if (is_read)
        *out = value_json(text);
    return is_read;
}

bool coerce_value(enum field_id id, struct jsonr_value v, struct arena *a,
                  struct value *out, bool *ran_out)
{
    switch (field_table[id].kind) {
    case VALUE_BOOL: return to_bool(v, out);
    case VALUE_INT: return to_int(v, out);
    case VALUE_NUM: return to_num(v, out);
    case VALUE_STR: return to_text(id, v, a, out, ran_out);
    case VALUE_JSON:
    case VALUE_FINDINGS: return to_json(v, a, out, ran_out);
    default: return false;
    }
}

bool coerce_row_number(struct jsonr_value v, int64_t *out)
{
    struct value number;
    if (!to_int(v, &number) || number.kind != VALUE_INT)
        return false;
    *out = number.i;
    return true;
}

const char *coerce_kind(enum field_id id)
{
    switch (field_table[id].kind) {
    case VALUE_BOOL: return "true or false";
    case VALUE_INT: return "a whole number";
    case VALUE_NUM: return "a number";
    case VALUE_JSON:
    case VALUE_FINDINGS: return "a list or an object";
    default: return "a text";
    }
}
