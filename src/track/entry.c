#include "track/entry.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/visible.h"
#include "core/field.h"
#include "text/digest.h"
#include "text/json.h"
#include "text/jsonw.h"
#include "track/entry_text.h"

enum {
    DIGEST_MAX_CHARS = 36,
    INPUT_NAME_MAX_CHARS = 500,
    MORE_PARAMS = 8, /* beside fields and options */
    MORE_TAGS = 16,  /* beside fields, metadata and the user's */
    INPUTS = 2
};
#define TEXT_CAP_BYTES ((size_t)64 << 20)

/* What becomes of a field. FORMAT.md 7. */
enum place {
    PLACE_NONE,    /* stands in row.json only */
    PLACE_PARAM,   /* spelled as Python's str */
    PLACE_SETTING, /* parameter, numbers in one plain form */
    PLACE_METRIC,
    PLACE_TAG,
    PLACE_CODES, /* tag: the items of a list */
    PLACE_PAIRS, /* tags: FIELD.KEY */
    PLACE_COUNTS /* metrics: FIELD.KEY */
};

/* One row on its way. After a failure nothing more is added. */
struct build {
    const json_t *row;
    const struct entry_context *c;
    struct arena *arena;
    struct entry *out;
    bool has_failed; /* no memory */
};

/* Parameters are what was asked for and where. */
static enum place place_by_role(enum field_id id)
{
    static const bool is_setting[] = {[ROLE_CELL] = true,
                                      [ROLE_SETTING] = true,
                                      [ROLE_LOAD] = true,
                                      [ROLE_MACHINE] = true,
                                      [ROLE_TRUST] = false};
    enum field_role role = field_table[id].role;
    bool is_number = field_table[id].kind == VALUE_INT ||
                     field_table[id].kind == VALUE_NUM;
    if (is_setting[role])
        return PLACE_SETTING;
    return is_number && role != ROLE_IDENTITY ? PLACE_METRIC : PLACE_TAG;
}

/* A field that changed its place would have every row sent again. */
static enum place place_of(enum field_id id)
{
    static const struct {
        enum field_id id;
        enum place place;
    } others[] = {
        {FIELD_model_name, PLACE_PARAM}, /* those of offline_benchmark.py */
        {FIELD_instance_type, PLACE_PARAM},
        {FIELD_hardware_type, PLACE_PARAM},
        {FIELD_serving_mode, PLACE_PARAM},
        {FIELD_batch_size, PLACE_PARAM},
        {FIELD_input_length, PLACE_PARAM},
        {FIELD_max_output_tokens, PLACE_PARAM},
        {FIELD_enable_prefix_caching, PLACE_PARAM},
        {FIELD_temperature, PLACE_PARAM},
        {FIELD_top_p, PLACE_PARAM},
        {FIELD_row, PLACE_NONE},       /* in ENTRY_ROW_TAG */
        {FIELD_is_warmup, PLACE_NONE}, /* set for rows without it too */
        {FIELD_scenario, PLACE_NONE},  /* as above */
        {FIELD_repeat, PLACE_NONE},    /* as above */
        {FIELD_checks, PLACE_NONE},
        {FIELD_distributions, PLACE_NONE},
        {FIELD_timeline, PLACE_NONE},
        {FIELD_kv_usage, PLACE_NONE},
        {FIELD_metadata, PLACE_PAIRS},
        {FIELD_failed_by_class, PLACE_COUNTS},
        {FIELD_slo, PLACE_SETTING},
        {FIELD_price_usd_per_hour, PLACE_METRIC},
        {FIELD_reasons, PLACE_CODES},
        {FIELD_warnings, PLACE_CODES},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].id == id)
            return others[i].place;
    return place_by_role(id);
}

bool entry_is_reserved(const char *key)
{
    enum field_id id = field_find(key);
    if (id != FIELD_COUNT)
        return id == FIELD_is_warmup || place_of(id) == PLACE_TAG ||
               place_of(id) == PLACE_CODES;
    return strcmp(key, ENTRY_ROW_TAG) == 0 || strcmp(key, "mlflow.runName") == 0;
}

/* ---- adding */

static const char *checked(struct build *b, const char *text)
{
    b->has_failed = b->has_failed || text == NULL;
    return text;
}

/* NULL stays NULL. */
static const char *shown(struct build *b, const char *text)
{
    return text != NULL ? checked(b, visible_text(text, true, b->arena)) : NULL;
}

/* The pair of that key, or a new one at the end. */
static struct entry_pair *slot_of(struct entry_pair *pairs, size_t *count,
                                  const char *key)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(pairs[i].key, key) == 0)
            return &pairs[i];
    return &pairs[(*count)++];
}

static const char *cut(struct build *b, const char *value, size_t max_chars)
{
    const char *text = checked(b, entry_text_cut(value, max_chars, b->arena));
    b->out->cut += text != NULL && text != value;
    return text;
}

static void add_pair(struct build *b, bool is_tag, const char *key, const char *value)
{
    struct entry *out = b->out;
    if (checked(b, value) == NULL || b->has_failed)
        return;
    const char *legal = checked(b, entry_text_key(key, b->arena));
    const char *clean = shown(b, value);
    if (b->has_failed)
        return;
    const char *text = cut(b, clean,
                           is_tag ? ENTRY_TAG_MAX_CHARS : ENTRY_PARAM_MAX_CHARS);
    if (b->has_failed)
        return;
    struct entry_pair *at = is_tag ? slot_of(out->tags, &out->tag_count, legal)
                                   : slot_of(out->params, &out->param_count, legal);
    *at = (struct entry_pair){.key = legal, .value = text};
}

static void add_param(struct build *b, const char *key, const char *value)
{
    add_pair(b, false, key, value);
}

static void add_tag(struct build *b, const char *key, const char *value)
{
    add_pair(b, true, key, value);
}

static void add_metric(struct build *b, const char *key, const json_t *value)
{
    struct entry *out = b->out;
    double number = json_is_number(value) ? json_number_value(value) : NAN;
    const char *legal = checked(b, entry_text_key(key, b->arena));
    if (!isfinite(number) || b->has_failed)
        return;
    for (size_t i = 0; i < out->metric_count; i++)
        if (strcmp(out->metrics[i].key, legal) == 0)
            return;
    out->metrics[out->metric_count++] = (struct entry_metric){.key = legal,
                                                              .value = number};
}

/* ---- fields */

static const char *metric_name(enum field_id id)
{
    switch (id) { /* as the replaced tool named them */
    case FIELD_time_per_token: return "time_per_token_ms";
    case FIELD_inter_token_latency: return "inter_token_latency_ms";
    default: return field_table[id].name;
    }
}

static void add_codes(struct build *b, const char *key, const json_t *codes)
{
    struct buf out;
    buf_init(&out, TEXT_CAP_BYTES);
    size_t i;
    const json_t *code;
    json_array_foreach(codes, i, code) if (json_is_string(code))(void)
        buf_printf(&out, "%s%s", out.len > 0 ? ", " : "", json_string_value(code));
    b->has_failed = b->has_failed || out.failed != STATUS_OK;
    if (out.len > 0)
        add_tag(b, key, arena_strdup(b->arena, buf_cstr(&out)));
    buf_fini(&out);
}

static void add_members(struct build *b, enum place place, const char *field,
                        const json_t *members)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)members, name, value)
    {
        const char *key = checked(b, arena_printf(b->arena, "%s.%s", field, name));
        if (key == NULL)
            return;
        if (place == PLACE_COUNTS)
            add_metric(b, key, value);
        else
            add_tag(b, key, entry_text_plain(value, b->arena));
    }
}

static void add_field(struct build *b, enum field_id id)
{
    const char *name = field_table[id].name;
    const json_t *value = json_object_get(b->row, name);
    if (value == NULL || json_is_null(value))
        return;
    enum place place = place_of(id);
    switch (place) {
    case PLACE_NONE: break;
    case PLACE_PARAM: add_param(b, name, entry_text_python(value, b->arena)); break;
    case PLACE_SETTING: add_param(b, name, entry_text_plain(value, b->arena)); break;
    case PLACE_METRIC: add_metric(b, metric_name(id), value); break;
    case PLACE_TAG: add_tag(b, name, entry_text_python(value, b->arena)); break;
    case PLACE_CODES: add_codes(b, name, value); break;
    case PLACE_PAIRS:
    case PLACE_COUNTS: add_members(b, place, name, value); break;
    }
}

/* A cell's field, which rows of offline_benchmark.py have in their notes. */
static const char *noted(struct build *b, const char *field, const char *pair)
{
    const json_t *value = json_object_get(b->row, field);
    if (value == NULL)
        return entry_text_noted(json_str_of(b->row, "notes"), pair, b->arena);
    return json_is_null(value) ? NULL : checked(b, entry_text_plain(value, b->arena));
}

static void add_fields(struct build *b)
{
    for (int id = 0; id < FIELD_COUNT; id++)
        add_field(b, (enum field_id)id);
    const char *scenario = noted(b, "scenario", "scenario");
    const char *repeat = noted(b, "repeat", "run");
    if (scenario != NULL)
        add_param(b, "scenario", scenario);
    if (repeat != NULL)
        add_param(b, "repeat", repeat);
    const char *is_warmup = b->out->is_warmup ? "True" : "False";
    add_param(b, "is_warmup", is_warmup);
    add_tag(b, "is_warmup", is_warmup);
}

/* What was not set is left out. */
static void add_options(struct build *b)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)b->c->options, name, value)
    {
        const char *text = json_string_value(value);
        bool is_unset = json_is_null(value) || (text != NULL && text[0] == '\0') ||
                        (json_is_array(value) && json_array_size(value) == 0);
        const char *key = checked(b, arena_printf(b->arena, "opt.%s", name));
        if (key != NULL && !is_unset)
            add_param(b, key, entry_text_plain(value, b->arena));
    }
}

/* ---- tags and inputs */

static void add_user_tags(struct build *b)
{
    size_t count = b->c->tags != NULL ? b->c->tags->count : 0;
    for (size_t i = 0; i < count; i++) {
        struct str value = str_from(b->c->tags->items[i]);
        const char *key = checked(b, arena_str(b->arena, str_cut(&value, '=')));
        const char *legal = key != NULL ? entry_text_key(key, b->arena) : NULL;
        if (checked(b, legal) != NULL && !entry_is_reserved(legal))
            add_tag(b, key, arena_str(b->arena, value));
    }
}

static void add_tags(struct build *b)
{
    add_tag(b, ENTRY_ROW_TAG, b->out->unique);
    add_tag(b, "mlflow.source.name", "inferbench");
    add_tag(b, "mlflow.source.type", "LOCAL");
    if (b->c->user != NULL)
        add_tag(b, "mlflow.user", b->c->user);
    add_tag(b, "mlflow.note.content",
            entry_note_text(b->row, b->out->is_warmup, b->arena));
    add_user_tags(b);
}

static const char *digest_of(struct build *b, struct str text)
{
    char hex[DIGEST_HEX_BYTES];
    return checked(b, digest_text(text, hex) == STATUS_OK ? arena_strdup(b->arena, hex)
                                                          : NULL);
}

static const char *source_of(struct build *b, const char *uri)
{
    json_t *source = json_pack("{s:s}", "uri", uri);
    const char *text = source != NULL ? entry_text_plain(source, b->arena) : NULL;
    json_decref(source);
    return checked(b, text);
}

/* digest: of what it is, or NULL: that of its name. */
static void add_input(struct build *b, const char *name, const char *digest,
                      const char *context)
{
    if (name == NULL || name[0] == '\0')
        return;
    const char *slash = strrchr(name, '/');
    bool is_path = name[0] == '/' || strcmp(context, "model") != 0;
    bool is_short = slash != NULL && is_path && slash[1] != '\0';
    const char *whole = digest != NULL ? digest : digest_of(b, str_from(name));
    struct entry_input input = {
        .name = entry_text_cut(is_short ? slash + 1 : name, INPUT_NAME_MAX_CHARS,
                               b->arena),
        .digest = whole != NULL ? entry_text_cut(whole, DIGEST_MAX_CHARS, b->arena)
                                : NULL,
        .source = source_of(b, name),
        .context = context,
    };
    if (checked(b, input.digest) != NULL && checked(b, input.name) != NULL &&
        !b->has_failed)
        b->out->inputs[b->out->input_count++] = input;
}

/* Only a sha256 tells a model; the null engine has "none". */
static const char *fingerprint_of(const json_t *row)
{
    const char *text = json_str_of(row, "model_fingerprint");
    return text != NULL && strlen(text) == DIGEST_HEX_BYTES - 1 ? text : NULL;
}

static void add_inputs(struct build *b)
{
    const char *dataset = json_str_of(b->row, "dataset");
    if (dataset == NULL)
        dataset = noted(b, "scenario", "scenario");
    add_input(b, shown(b, dataset), b->c->plan_sha256, "benchmark");
    add_input(b, shown(b, json_str_of(b->row, "model_name")), fingerprint_of(b->row),
              "model");
}

/* ---- the whole */

/* Blanks between members depend on the file that the row stands in. */
static const char *published_name(struct build *b, const char *row_text)
{
    struct buf text;
    buf_init(&text, TEXT_CAP_BYTES);
    struct jsonw w;
    jsonw_init(&w, &text, 0);
    if (row_text != NULL)
        jsonw_raw(&w, NULL, row_text);
    else
        (void)json_to_text(b->row, &text);
    const char *digest = NULL;
    if (text.failed == STATUS_OK)
        digest = digest_of(b, buf_str(&text));
    buf_fini(&text);
    if (checked(b, digest) == NULL)
        return NULL;
    return checked(b, arena_printf(b->arena, "published/%s", digest));
}

static const char *name_of(struct build *b)
{
    const char *name = json_str_of(b->row, "experiment_id");
    return name != NULL && name[0] != '\0'
               ? checked(b, visible_text(name, true, b->arena))
               : "row";
}

static void set_identity(struct build *b, const char *row_text)
{
    struct entry *out = b->out;
    bool is_online = json_str_is(b->row, "serving_mode", "online");
    out->name = name_of(b);
    out->run_id = shown(b, json_str_of(b->row, "run_id"));
    out->row = json_int_of(b->row, "row", -1);
    out->experiment = is_online ? ENTRY_ONLINE_EXPERIMENT : ENTRY_OFFLINE_EXPERIMENT;
    out->unique = out->run_id != NULL && out->row >= 0
                      ? checked(b, arena_printf(b->arena, "%s/%" PRId64, out->run_id,
                                                out->row))
                      : published_name(b, row_text);
    const json_t *error = json_object_get(b->row, "error");
    out->is_failed = error != NULL && !json_is_null(error);
    const char *is_warmup = noted(b, "is_warmup", "warmup");
    out->is_warmup = is_warmup != NULL && strcmp(is_warmup, "True") == 0;
}

static void set_times(struct build *b)
{
    const double longest_s = 1e9;
    double took_s = json_num_of(b->row, "total_time");
    b->out->start_ms = entry_time_ms(json_str_of(b->row, "timestamp_utc"),
                                     json_str_of(b->row, "timestamp"));
    b->out->end_ms = b->out->start_ms;
    if (took_s > 0 && took_s < longest_s)
        b->out->end_ms += (int64_t)llround(took_s * 1e3);
}

static void make_room(struct build *b)
{
    struct entry *out = b->out;
    const struct entry_context *c = b->c;
    size_t tags = json_object_size(json_object_get(b->row, "metadata")) +
                  (c->tags != NULL ? c->tags->count : 0) + FIELD_COUNT + MORE_TAGS;
    size_t params = FIELD_COUNT + MORE_PARAMS + json_object_size(c->options);
    size_t metrics = FIELD_COUNT +
                     json_object_size(json_object_get(b->row, "failed_by_class"));
    out->params = arena_alloc(b->arena, params, sizeof *out->params);
    out->metrics = arena_alloc(b->arena, metrics, sizeof *out->metrics);
    out->tags = arena_alloc(b->arena, tags, sizeof *out->tags);
    out->inputs = arena_alloc(b->arena, INPUTS, sizeof *out->inputs);
    b->has_failed = out->params == NULL || out->metrics == NULL || out->tags == NULL ||
                    out->inputs == NULL;
}

enum status entry_of_row(const struct entry_row *row, const struct entry_context *c,
                         struct arena *a, struct entry *out, struct err *e)
{
    if (!json_is_object(row->json))
        return status_fail(e, STATUS_BAD_INPUT, "row", "it is not a JSON object");
    struct entry entry = {0};
    struct build b = {.row = row->json, .c = c, .arena = a, .out = &entry};
    make_room(&b);
    if (!b.has_failed)
        set_identity(&b, row->text);
    if (!b.has_failed) {
        set_times(&b);
        add_fields(&b);
        add_options(&b);
        add_tags(&b);
        add_inputs(&b);
    }
    if (b.has_failed)
        return status_no_memory(e, entry.name != NULL ? entry.name : "row");
    *out = entry;
    return STATUS_OK;
}
