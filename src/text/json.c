#include "text/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "text/jsonr.h"
#include "text/jsonw.h"

size_t json_depth(struct str text)
{
    size_t depth = 0, deepest = 0;
    const char *at = text.ptr, *end = text.ptr + text.len;
    for (bool is_inside = false; at < end; at++) {
        bool is_open = *at == '[' || *at == '{', is_end = *at == ']' || *at == '}';
        if (*at == '"')
            is_inside = !is_inside;
        else if (is_inside)
            at += *at == '\\';
        else
            depth += is_open - (size_t)(is_end && depth > 0);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

static json_t *parse(struct str text, json_error_t *error)
{
    if (json_depth(text) > JSONR_MAX_DEPTH) {
        *error = (json_error_t){.line = 1, .column = 0};
        (void)snprintf(error->text, sizeof error->text, "nested more than %d deep",
                       JSONR_MAX_DEPTH);
        return NULL;
    }
    return json_loadb(text.ptr, text.len, JSON_DECODE_ANY, error);
}

static enum status code_of(const json_error_t *error)
{
    bool no_memory = json_error_code(error) == json_error_out_of_memory;
    return no_memory ? STATUS_NO_MEMORY : STATUS_BAD_INPUT;
}

json_t *json_parse(struct str text)
{
    json_error_t ignored;
    return parse(text, &ignored);
}

enum status json_from_file(const char *path, size_t max_bytes, json_t **out,
                           struct err *e)
{
    struct buf text;
    buf_init(&text, max_bytes);
    enum status status = file_read(path, &text, e);
    if (status != STATUS_OK) {
        buf_fini(&text);
        return status;
    }
    json_error_t error;
    json_t *value = parse(buf_str(&text), &error);
    buf_fini(&text);
    if (value == NULL) {
        char where[sizeof e->where];
        (void)snprintf(where, sizeof where, "%.140s:%d", path, error.line);
        return status_fail(e, code_of(&error), where, "not valid JSON: %s", error.text);
    }
    *out = value;
    return STATUS_OK;
}

enum status json_from_text(struct str text, const char *where, json_t **out,
                           struct err *e)
{
    json_error_t error;
    json_t *value = parse(text, &error);
    if (value == NULL)
        return status_fail(e, code_of(&error), where, "not valid JSON at column %d: %s",
                           error.column, error.text);
    *out = value;
    return STATUS_OK;
}

/* About what jansson takes for the values of a text, its strings taken for structure. */
static size_t tree_bytes(struct str text)
{
    enum { OF_LIST = 232, OF_MEMBER = 80, OF_VALUE = 40 };
    size_t bytes = text.len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bytes += c == '{' || c == '[' ? OF_LIST : 0;
        bytes += c == ':' ? OF_MEMBER : c == ',' ? OF_VALUE : 0;
    }
    return bytes;
}

enum status json_from_server(struct str text, const char *where, json_t **out,
                             struct err *e)
{
    if (tree_bytes(text) > JSON_SERVER_CAP)
        return status_fail(e, STATUS_TOO_BIG, where, "an answer of too many values");
    return json_from_text(text, where, out, e);
}

const char *json_str_of(const json_t *obj, const char *key)
{
    return json_string_value(json_object_get(obj, key));
}

bool json_str_is(const json_t *obj, const char *key, const char *text)
{
    const char *its = json_str_of(obj, key);
    return its != NULL && strcmp(its, text) == 0;
}

static int64_t int_of(const json_t *v, int64_t none)
{
    if (json_is_integer(v))
        return json_integer_value(v);
    if (!json_is_real(v))
        return none;
    double real = json_real_value(v);
    const double limit = 9223372036854775808.0; /* 2^63 */
    bool fits = real >= -limit && real < limit && real == floor(real);
    return fits ? (int64_t)real : none;
}

int64_t json_int_of(const json_t *obj, const char *key, int64_t none)
{
    return int_of(json_object_get(obj, key), none);
}

int64_t json_range(const json_t *value, int64_t min, int64_t max, int64_t none)
{
    int64_t n = int_of(value, none);
    return n >= min && n <= max ? n : none;
}

int64_t json_range_of(const json_t *obj, const char *key, int64_t min, int64_t max,
                      int64_t none)
{
    return json_range(json_object_get(obj, key), min, max, none);
}

double json_num_of(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

bool json_bool_of(const json_t *obj, const char *key, bool none)
{
    const json_t *v = json_object_get(obj, key);
    return json_is_boolean(v) ? json_is_true(v) : none;
}

static void write_scalar(const json_t *v, const char *key, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out, 0);
    switch (json_typeof(v)) {
    case JSON_STRING: jsonw_str(&w, key, json_string_value(v)); break;
    case JSON_INTEGER: jsonw_int(&w, key, json_integer_value(v)); break;
    case JSON_REAL: jsonw_num(&w, key, json_real_value(v)); break;
    case JSON_TRUE: jsonw_bool(&w, key, true); break;
    case JSON_FALSE: jsonw_bool(&w, key, false); break;
    default: jsonw_null(&w, key); break;
    }
}

static void write_key(const char *key, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out, 0);
    jsonw_str(&w, NULL, key);
    (void)buf_char(out, ':');
}

/* Not through a single jsonw: files of others may nest deeper than we ever write. */
static void write_value(const json_t *v, struct buf *out)
{
    if (json_is_array(v)) {
        (void)buf_char(out, '[');
        for (size_t i = 0; i < json_array_size(v); i++) {
            if (i > 0)
                (void)buf_char(out, ',');
            write_value(json_array_get(v, i), out);
        }
        (void)buf_char(out, ']');
    } else if (json_is_object(v)) {
        (void)buf_char(out, '{');
        json_t *object = (json_t *)(uintptr_t)v; /* jansson's iterators take no const */
        for (void *it = json_object_iter(object); it != NULL;
             it = json_object_iter_next(object, it)) {
            if (it != json_object_iter(object))
                (void)buf_char(out, ',');
            write_key(json_object_iter_key(it), out);
            write_value(json_object_iter_value(it), out);
        }
        (void)buf_char(out, '}');
    } else {
        write_scalar(v, NULL, out);
    }
}

enum status json_to_text(const json_t *value, struct buf *out)
{
    if (value == NULL)
        return buf_text(out, "null");
    write_value(value, out);
    return out->failed;
}

static int append(const char *bytes, size_t len, void *to)
{
    struct buf *out = to;
    return buf_append(out, bytes, len) == STATUS_OK ? 0 : -1;
}

enum status json_to_sorted_text(const json_t *value, struct buf *out)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS;
    if (json_dump_callback(value, append, out, flags) != 0 && out->failed == STATUS_OK)
        return STATUS_NO_MEMORY;
    return out->failed;
}
