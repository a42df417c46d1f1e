#include "store/decode.h"

#include <math.h>
#include <string.h>

/* FNV-1a, 32 bits. */
static uint32_t hash_name(struct str s)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 16777619U;
    return h;
}

void decode_init(struct decode *d, struct arena *arena)
{
    *d = (struct decode){.arena = arena};
    for (size_t i = 0; i < DECODE_SLOTS; i++)
        d->slots[i] = -1;
    for (int f = 0; f < FIELD_COUNT; f++) {
        uint32_t at = hash_name(str_from(field_table[f].name)) % DECODE_SLOTS;
        while (d->slots[at] >= 0)
            at = (at + 1) % DECODE_SLOTS;
        d->slots[at] = (int16_t)f;
    }
}

static int find_field(const struct decode *d, struct str key)
{
    uint32_t at = hash_name(key) % DECODE_SLOTS;
    while (d->slots[at] >= 0) {
        if (str_is(key, field_table[d->slots[at]].name))
            return d->slots[at];
        at = (at + 1) % DECODE_SLOTS;
    }
    return -1;
}

/* A copy of the text, or that of the last row if it had the same; NULL: no memory. */
static const char *keep_plain(struct decode *d, int field, struct str text)
{
    if (d->last[field].ptr != NULL && str_equal(d->last[field], text))
        return d->last[field].ptr;
    const char *copy = arena_str(d->arena, text);
    d->is_out_of_memory = d->is_out_of_memory || copy == NULL;
    d->last[field] = (struct str){.ptr = copy, .len = copy != NULL ? text.len : 0};
    return copy;
}

static const char *keep(struct decode *d, int field, struct scan_value v)
{
    struct str raw = v.text;
    if (v.kind == SCAN_STRING)
        raw = (struct str){.ptr = v.text.ptr + 1, .len = v.text.len - 2};
    if (v.kind != SCAN_STRING || memchr(raw.ptr, '\\', raw.len) == NULL)
        return keep_plain(d, field, raw);
    const char *text = scan_text(v, d->arena);
    d->is_out_of_memory = d->is_out_of_memory || text == NULL;
    return text;
}

static struct value number(struct scan_value v, enum value_kind kind)
{
    int64_t whole;
    double real;
    if (v.kind != SCAN_NUMBER)
        return value_null();
    if (kind == VALUE_INT && str_to_i64(v.text, &whole))
        return value_int(whole);
    if (!str_to_double(v.text, &real))
        return value_null();
    if (kind == VALUE_INT && real == floor(real) && fabs(real) < 0x1p53)
        return value_int((int64_t)real);
    return value_num(real);
}

static struct value convert(struct decode *d, int field, struct scan_value v)
{
    switch (field_table[field].kind) {
    case VALUE_STR:
        return v.kind == SCAN_STRING ? value_str(keep(d, field, v)) : value_null();
    case VALUE_JSON:
        return v.kind == SCAN_LIST || v.kind == SCAN_OBJECT
                   ? value_json(keep(d, field, v))
                   : value_null();
    case VALUE_BOOL:
        return v.kind == SCAN_BOOL ? value_bool(*v.text.ptr == 't') : value_null();
    default:
        if (field == FIELD_request_rate && v.kind == SCAN_STRING)
            return value_str(keep(d, field, v));
        return number(v, field_table[field].kind);
    }
}

/* "scenario=short, run=1, warmup=False" */
static void read_notes(struct decode *d, struct row *out)
{
    struct str rest = str_from(field_str(out, FIELD_notes));
    while (rest.len > 0) {
        struct str value = str_trim(str_cut(&rest, ',')), key = str_cut(&value, '=');
        int64_t run;
        if (str_is(key, "scenario") && out->v[FIELD_scenario].kind == VALUE_NULL &&
            value.len > 0)
            out->v[FIELD_scenario] = value_str(keep_plain(d, FIELD_scenario, value));
        if (str_is(key, "run") && out->v[FIELD_repeat].kind == VALUE_NULL &&
            str_to_i64(value, &run))
            out->v[FIELD_repeat] = value_int(run);
        if (str_is(key, "warmup") && out->v[FIELD_is_warmup].kind == VALUE_NULL)
            out->v[FIELD_is_warmup] = value_bool(str_is(value, "True"));
    }
}

static bool is_unknown(struct value v)
{
    return v.kind != VALUE_STR || v.s[0] == '\0' || strcmp(v.s, "unknown") == 0;
}

enum status decode_row(struct decode *d, const struct foreign_row *row, struct row *out,
                       bool *is_published, struct err *e)
{
    for (int f = 0; f < FIELD_COUNT; f++)
        out->v[f] = value_null();
    for (size_t i = 0; i < row->count; i++) {
        int field = find_field(d, row->members[i].key);
        if (field >= 0)
            out->v[field] = convert(d, field, row->members[i].value);
    }
    *is_published = out->v[FIELD_run_id].kind == VALUE_NULL;
    if (d->instance_type != NULL && is_unknown(out->v[FIELD_instance_type]))
        out->v[FIELD_instance_type] = value_str(d->instance_type);
    if (is_unknown(out->v[FIELD_label]))
        out->v[FIELD_label] = out->v[FIELD_instance_type];
    read_notes(d, out);
    if (d->is_out_of_memory)
        return status_fail(e, STATUS_NO_MEMORY, "results", "too many rows for memory");
    return STATUS_OK;
}
