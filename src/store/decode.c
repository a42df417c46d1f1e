#include "store/decode.h"

#include <string.h>

#include "store/findings.h"

#define ALL_AT_ONCE "inf" /* the only rate that is a text */
#define VALUE_SHOWN 60    /* bytes of a value in a message */

void decode_init(struct decode *d, struct arena *arena)
{
    *d = (struct decode){.arena = arena};
}

/* Rows have their fields in the table's order, but for those that are not there: the
 * search begins behind the one found last. -1: unknown. */
static int find_field(struct decode *d, struct str key)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        int field = (d->next + i) % FIELD_COUNT;
        if (str_is(key, field_table[field].name)) {
            d->next = field + 1;
            return field;
        }
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

static const char *keep(struct decode *d, int field, struct jsonr_value v)
{
    struct str raw = jsonr_inner(v);
    if (v.kind != JSONR_STRING || memchr(raw.ptr, '\\', raw.len) == NULL)
        return keep_plain(d, field, raw);
    const char *text = jsonr_text(v, d->arena);
    d->is_out_of_memory = d->is_out_of_memory || text == NULL;
    return text;
}

static bool take_number(int field, struct jsonr_value v, struct value *out)
{
    double n;
    int64_t whole;
    bool is_int = field_table[field].kind == VALUE_INT;
    if (field == FIELD_request_rate && str_is(v.text, "\"" ALL_AT_ONCE "\"")) {
        *out = value_str(ALL_AT_ONCE);
        return true;
    }
    if (v.kind != JSONR_NUMBER ||
        !(is_int ? str_to_i64(v.text, &whole) : str_to_double(v.text, &n)))
        return false;
    *out = is_int ? value_int(whole) : value_num(n);
    return true;
}

/* True if the value may be of the field's type; of a number only its digits tell. */
static bool is_of_kind(int field, struct jsonr_value v)
{
    switch (field_table[field].kind) {
    case VALUE_STR: return v.kind == JSONR_STRING;
    case VALUE_JSON:
    case VALUE_FINDINGS: return v.kind == JSONR_LIST || v.kind == JSONR_OBJECT;
    case VALUE_BOOL: return v.kind == JSONR_BOOL;
    default: return true;
    }
}

/* As rows of inferbench have it. False: the value is of another type than the field's. */
static bool take_own(struct decode *d, int field, struct jsonr_value v, struct value *out)
{
    if (!is_of_kind(field, v))
        return false;
    switch (field_table[field].kind) {
    case VALUE_STR: *out = value_str(keep(d, field, v)); return true;
    case VALUE_JSON:
    case VALUE_FINDINGS: *out = value_json(keep(d, field, v)); return true;
    case VALUE_BOOL: *out = value_bool(*v.text.ptr == 't'); return true;
    default: return take_number(field, v, out);
    }
}

static bool is_own(int field, struct jsonr_value v)
{
    struct value ignored;
    enum value_kind kind = field_table[field].kind;
    bool is_number = kind == VALUE_INT || kind == VALUE_NUM;
    return v.kind == JSONR_NULL ||
           (is_of_kind(field, v) && (!is_number || take_number(field, v, &ignored)));
}

/* False: it cannot be a value of this field. */
static bool convert(struct decode *d, int field, struct jsonr_value v, struct value *out)
{
    *out = value_null();
    return v.kind == JSONR_NULL || take_own(d, field, v, out) ||
           coerce_value((enum field_id)field, v, d->arena, out, &d->is_out_of_memory);
}

/* Which row, which field, which value: all that is needed to find it in the file. */
static enum status refuse(const struct decode *d, const struct scanned_row *row,
                          size_t field, struct str value, struct err *e)
{
    const char *more = value.len > VALUE_SHOWN ? "..." : "";
    value.len = value.len > VALUE_SHOWN ? VALUE_SHOWN : value.len;
    while (*more != '\0' && value.len > 0 && (value.ptr[value.len] & 0xc0) == 0x80)
        value.len--; /* not within a character */
    status_fail(e, STATUS_BAD_INPUT, d->file, "row %zu: %s is %.*s%s, not %s", row->index,
                field_table[field].name, (int)value.len, value.ptr, more,
                coerce_kind((enum field_id)field));
    return status_hint(e, "The row is left out");
}

/* A notebook reads "inf" as a number, which no JSON has: an open load has a rate, and one
 * that is not there was that. */
static void mend_rate(struct row *r)
{
    bool is_open = field_is(r, FIELD_serving_mode, "online") &&
                   field_str(r, FIELD_arrival) != NULL &&
                   !field_is(r, FIELD_arrival, "closed");
    if (is_open && !value_is_known(r->v[FIELD_request_rate]))
        r->v[FIELD_request_rate] = value_str(ALL_AT_ONCE);
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

/* From JSON texts to structs; rows in a row that have the same codes share them. Of the
 * checks those that fired. */
static void read_findings(struct decode *d, struct row *out)
{
    static const enum field_id codes[] = {FIELD_reasons, FIELD_warnings};
    const struct findings *fired[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        struct value *v = &out->v[codes[i]];
        struct decode_codes *last = &d->codes[i];
        if (v->kind == VALUE_JSON && v->s != last->text)
            *last = (struct decode_codes){v->s, findings_read_codes(v->s, d->arena)};
        fired[i] = v->kind == VALUE_JSON ? last->made : NULL;
        d->is_out_of_memory |= v->kind == VALUE_JSON && last->made == NULL;
        *v = value_findings(fired[i]);
    }
    struct value *checks = &out->v[FIELD_checks];
    if (checks->kind != VALUE_JSON)
        return;
    *checks = value_findings(findings_read_checks(checks->s, fired, d->arena));
    d->is_out_of_memory |= checks->kind == VALUE_NULL;
}

static bool is_unknown(struct value v)
{
    return v.kind != VALUE_STR || v.s[0] == '\0' || strcmp(v.s, "unknown") == 0;
}

enum status decode_row(struct decode *d, const struct scanned_row *row, struct row *out,
                       bool *is_published, struct err *e)
{
    for (int f = 0; f < FIELD_COUNT; f++)
        out->v[f] = value_null();
    for (size_t i = 0; i < row->members.count; i++) {
        const struct jsonr_pair *m = &row->members.pairs[i];
        int field = find_field(d, m->key);
        if (field >= 0 && !convert(d, field, m->value, &out->v[field]) &&
            !d->is_out_of_memory)
            return refuse(d, row, (size_t)field, m->value.text, e);
    }
    mend_rate(out);
    *is_published = out->v[FIELD_run_id].kind == VALUE_NULL;
    if (d->instance_type != NULL && is_unknown(out->v[FIELD_instance_type]))
        out->v[FIELD_instance_type] = value_str(d->instance_type);
    if (is_unknown(out->v[FIELD_label]))
        out->v[FIELD_label] = out->v[FIELD_instance_type];
    read_notes(d, out);
    read_findings(d, out);
    if (d->is_out_of_memory)
        return status_no_memory(e, "results");
    return STATUS_OK;
}

void decode_field(struct decode *d, struct str key, struct jsonr_value v, struct row *out)
{
    int field = find_field(d, key);
    if (field >= 0)
        (void)convert(d, field, v, &out->v[field]);
}

enum status decode_check(struct decode *d, const struct scanned_row *row, struct err *e)
{
    for (size_t i = 0; i < row->members.count; i++) {
        const struct jsonr_pair *m = &row->members.pairs[i];
        int field = find_field(d, m->key);
        if (field >= 0 && !is_own(field, m->value))
            return refuse(d, row, (size_t)field, m->value.text, e);
    }
    return STATUS_OK;
}
