#include "stats/match_field.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "text/json.h"
#include "text/jsonw.h"

#define KV_TOLERANCE   0.01
#define JSON_CAP_BYTES ((size_t)1 << 24)
#define DIGEST_SHOWN   8 /* hex digits */
#define FNV_PRIME      UINT64_C(1099511628211)

/* The value of `key=` in notes such as "scenario=short, run=1, warmup=False"; empty if
 * none. */
static struct str note_of(const struct row *row, const char *key)
{
    struct str rest = str_from(field_str(row, FIELD_notes));
    while (rest.len > 0) {
        struct str pair = str_trim(str_cut(&rest, ','));
        struct str name = str_cut(&pair, '=');
        if (str_is(name, key))
            return pair;
    }
    return str_from(NULL);
}

static struct str scenario_of(const struct row *row)
{
    const char *scenario = field_str(row, FIELD_scenario);
    return scenario != NULL ? str_from(scenario) : note_of(row, "scenario");
}

bool match_field_is_warmup(const struct row *row)
{
    struct value v = row->v[FIELD_is_warmup];
    if (v.kind == VALUE_BOOL)
        return v.b;
    struct str note = note_of(row, "warmup");
    return note.len > 0 ? str_is(note, "True") : field_num(row, FIELD_repeat) == 0;
}

bool match_field_is_measured(const struct row *row)
{
    return !match_field_is_warmup(row) && !value_is_known(row->v[FIELD_error]);
}

static double load_rank(const struct row *row)
{
    struct value rate = row->v[FIELD_request_rate];
    double load = value_as_num(value_is_known(rate) ? rate : row->v[FIELD_batch_size]);
    return rate.kind == VALUE_STR ? 1e299 : isfinite(load) ? load : 1e300;
}

bool match_field_is_caching_off(const struct row *row)
{
    struct value caching = row->v[FIELD_enable_prefix_caching];
    return caching.kind == VALUE_BOOL && !caching.b;
}

struct value match_field_caching(const struct row *row)
{
    const char *arm = field_str(row, FIELD_cache_arm);
    return arm != NULL ? value_bool(strcmp(arm, "on") == 0)
                       : row->v[FIELD_enable_prefix_caching];
}

bool match_field_is_off_first(const struct row *row)
{
    struct value caching = match_field_caching(row);
    return caching.kind == VALUE_BOOL && !caching.b;
}

bool match_field_is_before(const struct row *a, const struct row *b)
{
    double x = load_rank(a), y = load_rank(b);
    bool is_off = match_field_is_off_first(a);
    if (x != y)
        return x < y;
    if (is_off != match_field_is_off_first(b))
        return is_off;
    return field_num(a, FIELD_setting_number) < field_num(b, FIELD_setting_number);
}

bool match_field_are_settings(const struct row *a, const struct row *b)
{
    const char *run = field_str(a, FIELD_run_id);
    double x = field_num(a, FIELD_setting_number), y = field_num(b, FIELD_setting_number);
    return run != NULL && field_is(b, FIELD_run_id, run) && (x < y || x > y);
}

int match_field_definitions(const struct row *row)
{
    double n = field_num(row, FIELD_definitions);
    return isnan(n) ? 1 : (int)n;
}

const char *match_field_launch(const struct row *row)
{
    const char *launch = field_str(row, FIELD_launch_id);
    return launch != NULL ? launch : field_str(row, FIELD_run_id);
}

bool match_field_is_online(const struct row *row)
{
    return field_is(row, FIELD_serving_mode, "online");
}

bool match_field_is_wild(enum field_id id)
{
    return field_table[id].role == ROLE_MACHINE && id != FIELD_instance_type &&
           id != FIELD_hardware_type;
}

/* --- equal or not */

bool match_field_is_known(const struct row *row, enum field_id id)
{
    return id == FIELD_scenario ? scenario_of(row).len > 0 : value_is_known(row->v[id]);
}

/* Rows that do not say have the first definitions. */
static struct value value_of(const struct row *row, enum field_id id)
{
    struct value v = row->v[id];
    return id == FIELD_definitions && !value_is_known(v) ? value_int(1) : v;
}

static bool is_number(struct value v)
{
    return v.kind == VALUE_INT || v.kind == VALUE_NUM;
}

/* Programs lay JSON out and spell it in their own ways. Text that is no JSON stays as it
 * is, as does all where memory lacks. out: to be finished. */
static const char *json_by(enum status (*write)(const json_t *value, struct buf *out),
                           const char *text, struct buf *out)
{
    struct err ignored;
    json_t *tree;
    buf_init(out, JSON_CAP_BYTES);
    if (json_from_text(str_from(text), "row", &tree, &ignored) != STATUS_OK)
        return text;
    enum status s = write(tree, out);
    json_decref(tree);
    return s == STATUS_OK ? buf_cstr(out) : text;
}

static bool is_same_json(const char *a, const char *b)
{
    struct buf x, y;
    if (strcmp(a, b) == 0)
        return true;
    bool is_same = strcmp(json_by(json_to_sorted_text, a, &x),
                          json_by(json_to_sorted_text, b, &y)) == 0;
    buf_fini(&x);
    buf_fini(&y);
    return is_same;
}

static bool is_same_codes(const struct findings *a, const struct findings *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; is_same && i < a->count; i++)
        is_same = strcmp(a->items[i].code, b->items[i].code) == 0;
    return is_same;
}

static bool is_equal_value(struct value a, struct value b)
{
    if (is_number(a) && is_number(b))
        return value_as_num(a) == value_as_num(b);
    if (!value_is_known(a) || !value_is_known(b))
        return value_is_known(a) == value_is_known(b);
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case VALUE_STR: return a.s == b.s || strcmp(a.s, b.s) == 0;
    case VALUE_JSON: return a.s == b.s || is_same_json(a.s, b.s);
    case VALUE_FINDINGS: return is_same_codes(a.findings, b.findings);
    default: return a.b == b.b;
    }
}

/* NULL where there is no digest: the null engine has "none", whatever the model. */
static const char *fingerprint_of(const struct row *row)
{
    const char *text = field_str(row, FIELD_model_fingerprint);
    return text != NULL && strcmp(text, "none") != 0 ? text : NULL;
}

bool match_field_is_one_model(const struct row *a, const struct row *b)
{
    const char *x = fingerprint_of(a), *y = fingerprint_of(b);
    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

static bool is_same_model(const struct row *a, const struct row *b)
{
    if (fingerprint_of(a) != NULL && fingerprint_of(b) != NULL)
        return match_field_is_one_model(a, b);
    return is_equal_value(a->v[FIELD_model_name], b->v[FIELD_model_name]);
}

static bool is_within_tolerance(struct value a, struct value b)
{
    double x = value_as_num(a), y = value_as_num(b);
    return isnan(x) || isnan(y) ? is_equal_value(a, b)
                                : fabs(x - y) <= KV_TOLERANCE * fmax(x, y);
}

const char *match_field_name(const struct row *row, enum field_id id)
{
    const char *text = field_str(row, id);
    return text != NULL ? text : "unknown";
}

bool match_field_is_nameless(const struct row *row, enum field_id id)
{
    const char *name = match_field_name(row, id);
    return *name == '\0' || strcmp(name, "unknown") == 0;
}

static bool is_nameless(const struct row *row)
{
    return match_field_is_nameless(row, FIELD_instance_type);
}

/* Two machines of no known type are two machines, where they can be told apart. */
static bool is_same_type(const struct row *a, const struct row *b)
{
    if (!is_nameless(a) || !is_nameless(b))
        return is_equal_value(a->v[FIELD_instance_type], b->v[FIELD_instance_type]);
    struct value x = a->v[FIELD_machine_sha256], y = b->v[FIELD_machine_sha256];
    return !value_is_known(x) || !value_is_known(y) || is_equal_value(x, y);
}

bool match_field_is_same(const struct row *a, const struct row *b, enum field_id id)
{
    return a->v[id].kind == b->v[id].kind && is_equal_value(a->v[id], b->v[id]);
}

bool match_field_is_equal(const struct row *a, const struct row *b, enum field_id id)
{
    struct value x = value_of(a, id), y = value_of(b, id);
    switch (id) {
    case FIELD_scenario: return str_equal(scenario_of(a), scenario_of(b));
    case FIELD_model_name: return is_same_model(a, b);
    case FIELD_instance_type: return is_same_type(a, b);
    case FIELD_kv_cache_tokens: return is_within_tolerance(x, y);
    default: return is_equal_value(x, y);
    }
}

/* --- hash: FNV-1a */

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * FNV_PRIME;
    return h;
}

static uint64_t mix_json(uint64_t h, const char *text)
{
    struct buf canonical;
    const char *of = json_by(json_to_sorted_text, text, &canonical);
    h = mix(h, of, strlen(of) + 1);
    buf_fini(&canonical);
    return h;
}

static uint64_t mix_value(uint64_t h, struct value v)
{
    double n = value_as_num(v) + 0.0; /* -0 is 0 */
    const char kind = is_number(v) ? VALUE_NUM : (char)v.kind;
    if (!value_is_known(v))
        return mix(h, "", 1);
    h = mix(h, &kind, 1);
    if (is_number(v))
        return mix(h, &n, sizeof n);
    if (v.kind == VALUE_BOOL)
        return mix(h, v.b ? "t" : "f", 1);
    return v.kind == VALUE_JSON ? mix_json(h, v.s) : mix(h, v.s, strlen(v.s) + 1);
}

uint64_t match_field_hash(uint64_t h, const struct row *row, enum field_id id)
{
    struct str scenario = scenario_of(row);
    if (id == FIELD_scenario)
        return mix(mix(h, scenario.ptr, scenario.len), "", 1);
    if (id == FIELD_instance_type && is_nameless(row))
        return mix(h, "?", 1);
    if (id == FIELD_model_name && fingerprint_of(row) != NULL)
        id = FIELD_model_fingerprint;
    return mix_value(h, value_of(row, id));
}

/* --- texts */

/* JSON on one line. */
static void json_line(const char *text, char *out)
{
    struct buf line;
    snprintf(out, MATCH_FIELD_BYTES, "%s", json_by(json_to_text, text, &line));
    buf_fini(&line);
}

static void number_text(struct value v, char *out)
{
    char number[32];
    jsonw_double_text(value_as_num(v), number);
    size_t length = strlen(number);
    if (length > 2 && strcmp(number + length - 2, ".0") == 0)
        number[length - 2] = '\0';
    snprintf(out, MATCH_FIELD_BYTES, "%s", number);
}

/* ["A","B"] */
static void codes_line(const struct findings *codes, char *out)
{
    size_t used = (size_t)snprintf(out, MATCH_FIELD_BYTES, "[");
    for (size_t i = 0; i < codes->count && used < MATCH_FIELD_BYTES; i++)
        used += (size_t)snprintf(out + used, MATCH_FIELD_BYTES - used, "%s\"%s\"",
                                 i > 0 ? "," : "", codes->items[i].code);
    if (used < MATCH_FIELD_BYTES)
        snprintf(out + used, MATCH_FIELD_BYTES - used, "]");
}

void match_field_cut(const char *text, char *out, size_t room)
{
    size_t len = strlen(text);
    bool is_cut = len >= room;
    if (is_cut)
        len = room - sizeof "...";
    while (is_cut && len > 0 && (text[len] & 0xc0) == 0x80)
        len--; /* not within a character */
    snprintf(out, room, "%.*s%s", (int)len, text, is_cut ? "..." : "");
}

void match_field_text(const struct row *row, enum field_id id, char *out)
{
    struct value v = value_of(row, id);
    struct str s = id == FIELD_scenario ? scenario_of(row) : str_from(NULL);
    out[0] = '\0';
    if (id == FIELD_scenario)
        snprintf(out, MATCH_FIELD_BYTES, "%.*s", (int)s.len, s.ptr != NULL ? s.ptr : "");
    else if (v.kind == VALUE_STR)
        snprintf(out, MATCH_FIELD_BYTES, "%s", v.s);
    else if (v.kind == VALUE_JSON)
        json_line(v.s, out);
    else if (v.kind == VALUE_FINDINGS)
        codes_line(v.findings, out);
    else if (v.kind == VALUE_BOOL)
        snprintf(out, MATCH_FIELD_BYTES, "%s", v.b ? "on" : "off");
    else if (is_number(v))
        number_text(v, out);
}

bool match_field_is_digest(enum field_id id)
{
    const char *tail = strstr(field_table[id].name, "_sha256");
    return tail != NULL && tail[7] == '\0';
}

void match_field_say(const struct row *row, enum field_id id, char *out)
{
    match_field_text(row, id, out);
    if (*out == '\0')
        snprintf(out, MATCH_FIELD_BYTES, "unknown");
    else if ((match_field_is_digest(id) || id == FIELD_model_fingerprint) &&
             strlen(out) > DIGEST_SHOWN && strcmp(out, "none") != 0)
        out[DIGEST_SHOWN] = '\0';
}
