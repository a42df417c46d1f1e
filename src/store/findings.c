#include "store/findings.h"

#include <math.h>
#include <string.h>

#include "text/jsonr.h"

#define TEXT_CAP_BYTES ((size_t)1 << 18)

/* --- writing */

static void write_code(struct jsonw *w, const struct finding *f)
{
    jsonw_str(w, NULL, f->code);
}

void findings_write_value(struct jsonw *w, const char *key, struct value v)
{
    switch (v.kind) {
    case VALUE_BOOL: jsonw_bool(w, key, v.b); break;
    case VALUE_INT: jsonw_int(w, key, v.i); break;
    case VALUE_NUM: jsonw_num(w, key, v.n); break;
    case VALUE_STR: jsonw_str(w, key, v.s); break;
    default: jsonw_null(w, key); break;
    }
}

static void write_check(struct jsonw *w, const struct finding *f)
{
    jsonw_object(w, NULL);
    jsonw_str(w, "code", f->code);
    jsonw_str(w, "field", f->field);
    findings_write_value(w, "value", f->value);
    jsonw_num(w, "limit", f->limit);
    if (f->text != NULL)
        jsonw_str(w, "text", f->text);
    jsonw_object_end(w);
}

static void write_list(struct jsonw *w, const char *key, const struct findings *of,
                       void (*write)(struct jsonw *w, const struct finding *f))
{
    struct buf text;
    struct jsonw line;
    buf_init(&text, TEXT_CAP_BYTES);
    jsonw_init(&line, &text, 0);
    jsonw_array(&line, NULL);
    for (size_t i = 0; of != NULL && i < of->count; i++)
        write(&line, &of->items[i]);
    jsonw_array_end(&line);
    jsonw_raw(w, key, buf_cstr(&text));
    if (text.failed != STATUS_OK && w->out->failed == STATUS_OK)
        w->out->failed = text.failed;
    buf_fini(&text);
}

void findings_write_codes(struct jsonw *w, const char *key, const struct findings *of)
{
    write_list(w, key, of, write_code);
}

void findings_write_checks(struct jsonw *w, const char *key, const struct findings *of)
{
    write_list(w, key, of, write_check);
}

/* --- reading */

/* The members of an item, as they stand in the text. */
struct raw {
    struct jsonr_value code, field, value, limit, text;
};

static struct jsonr_value *member_of(struct raw *r, struct str key)
{
    const struct {
        const char *key;
        struct jsonr_value *to;
    } members[] = {{"code", &r->code},
                   {"field", &r->field},
                   {"value", &r->value},
                   {"limit", &r->limit},
                   {"text", &r->text}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (str_is(key, members[i].key))
            return members[i].to;
    return NULL;
}

/* An object, or a code alone; all NONE where it is neither. */
static struct raw raw_item(struct jsonr *j)
{
    struct raw r = {.code = {.kind = JSONR_NONE}};
    struct str key;
    if (jsonr_kind(j) != JSONR_OBJECT) {
        r.code = jsonr_value(j);
        return r;
    }
    jsonr_enter(j, '{');
    while (jsonr_member(j, &key)) {
        struct jsonr_value v = jsonr_value(j);
        struct jsonr_value *to = member_of(&r, key);
        if (to != NULL)
            *to = v;
    }
    return r;
}

static struct value value_of(struct jsonr_value v, struct arena *a)
{
    int64_t whole;
    double n;
    if (v.kind == JSONR_BOOL)
        return value_bool(*v.text.ptr == 't');
    if (v.kind == JSONR_STRING)
        return value_str(jsonr_text(v, a));
    if (v.kind != JSONR_NUMBER)
        return value_null();
    if (str_to_i64(v.text, &whole))
        return value_int(whole);
    return str_to_double(v.text, &n) ? value_num(n) : value_null();
}

/* False: no memory. */
static bool take(const struct raw *r, struct arena *a, struct finding *out)
{
    *out = (struct finding){.code = jsonr_text(r->code, a),
                            .field = jsonr_text(r->field, a),
                            .value = value_of(r->value, a),
                            .limit = jsonr_num(r->limit),
                            .text = jsonr_text(r->text, a)};
    return out->code != NULL && (out->field != NULL || r->field.kind != JSONR_STRING) &&
           (out->text != NULL || r->text.kind != JSONR_STRING) &&
           (out->value.kind == VALUE_STR || r->value.kind != JSONR_STRING);
}

static bool is_one_of(struct jsonr_value code, const struct findings *of)
{
    struct str text = jsonr_inner(code);
    for (size_t i = 0; of != NULL && i < of->count; i++)
        if (str_is(text, of->items[i].code))
            return true;
    return false;
}

static bool is_wanted(const struct raw *r, const struct findings *const *fired)
{
    return r->code.kind == JSONR_STRING &&
           (fired == NULL || is_one_of(r->code, fired[0]) ||
            is_one_of(r->code, fired[1]));
}

/* The wanted items of a list: into items of that room, as many as there are. False: no
 * memory. */
static bool read_items(const char *text, const struct findings *const *fired,
                       struct arena *a, struct finding *items, size_t *count)
{
    struct jsonr j;
    bool is_read = true;
    jsonr_init(&j, str_from(text), NULL, NULL);
    *count = 0;
    jsonr_enter(&j, '[');
    while (is_read && jsonr_item(&j)) {
        struct raw r = raw_item(&j);
        if (!is_wanted(&r, fired))
            continue;
        if (items != NULL)
            is_read = take(&r, a, &items[*count]);
        ++*count;
    }
    return is_read;
}

static const struct findings *read_list(const char *text,
                                        const struct findings *const *fired,
                                        struct arena *a)
{
    struct findings *made = arena_alloc(a, 1, sizeof *made);
    size_t count = 0;
    (void)read_items(text, fired, a, NULL, &count);
    struct finding *items = arena_alloc(a, count + 1, sizeof *items);
    if (made == NULL || items == NULL ||
        (count > 0 && !read_items(text, fired, a, items, &made->count)))
        return NULL;
    made->items = items;
    return made;
}

const struct findings *findings_read_codes(const char *json_list, struct arena *a)
{
    return read_list(json_list, NULL, a);
}

const struct findings *findings_read_checks(const char *json_list,
                                            const struct findings *const fired[2],
                                            struct arena *a)
{
    return read_list(json_list, fired, a);
}
