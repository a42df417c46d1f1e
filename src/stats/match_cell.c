#include "stats/match_cell.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "text/jsonw.h"

enum agree {
    AGREE_ALWAYS,  /* must agree */
    AGREE_MACHINE, /* which machine: must agree but between machines */
    AGREE_ENGINE,  /* must agree in ON against OFF only; said where it differs */
    AGREE_NEVER    /* never hinders; said where it differs */
};

/* What tells cells apart. model_fingerprint stands for model_name where both know it. */
static const struct dim {
    enum field_id id;
    enum agree agree;
} dims[] = {
    {.id = FIELD_scenario, .agree = AGREE_ALWAYS},
    {.id = FIELD_serving_mode, .agree = AGREE_ALWAYS},
    {.id = FIELD_model_name, .agree = AGREE_ALWAYS},
    {.id = FIELD_batch_size, .agree = AGREE_ALWAYS},
    {.id = FIELD_request_rate, .agree = AGREE_ALWAYS},
    {.id = FIELD_arrival, .agree = AGREE_ALWAYS},
    {.id = FIELD_endpoint, .agree = AGREE_ALWAYS},
    {.id = FIELD_input_length, .agree = AGREE_ALWAYS},
    {.id = FIELD_max_output_tokens, .agree = AGREE_ALWAYS},
    {.id = FIELD_enable_prefix_caching, .agree = AGREE_ALWAYS},
    {.id = FIELD_prefix_reuse, .agree = AGREE_ALWAYS},
    {.id = FIELD_dtype, .agree = AGREE_ALWAYS},
    {.id = FIELD_quantization, .agree = AGREE_ALWAYS},
    {.id = FIELD_max_num_seqs, .agree = AGREE_ALWAYS},
    {.id = FIELD_max_num_batched_tokens, .agree = AGREE_ALWAYS},
    {.id = FIELD_instance_type, .agree = AGREE_MACHINE},
    {.id = FIELD_hardware_type, .agree = AGREE_MACHINE},
    {.id = FIELD_label, .agree = AGREE_ENGINE},
    {.id = FIELD_engine, .agree = AGREE_ENGINE},
    {.id = FIELD_engine_version, .agree = AGREE_ENGINE},
    {.id = FIELD_engine_mode, .agree = AGREE_ENGINE},
    {.id = FIELD_weights, .agree = AGREE_ENGINE},
    {.id = FIELD_is_simulated, .agree = AGREE_ENGINE},
    {.id = FIELD_tensor_parallel_size, .agree = AGREE_ENGINE},
    {.id = FIELD_max_model_len, .agree = AGREE_ENGINE},
    {.id = FIELD_temperature, .agree = AGREE_NEVER},
    {.id = FIELD_top_p, .agree = AGREE_NEVER},
    {.id = FIELD_dataset, .agree = AGREE_NEVER},
};

#define DIM_COUNT  (sizeof dims / sizeof *dims)
#define TEXT_BYTES 4096
#define MAX_SAID   3

static const enum field_id side_fields[] = {
    [MATCH_BY_CACHING] = FIELD_enable_prefix_caching, [MATCH_BY_LABEL] = FIELD_label,
    [MATCH_BY_INSTANCE] = FIELD_instance_type,        [MATCH_BY_MODEL] = FIELD_model_name,
    [MATCH_BY_VERSION] = FIELD_engine_version,
};

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

static struct str scenario_text(const struct row *row)
{
    const char *scenario = field_str(row, FIELD_scenario);
    return scenario != NULL ? str_from(scenario) : note_of(row, "scenario");
}

static bool is_warmup(const struct row *row)
{
    struct value v = row->v[FIELD_is_warmup];
    return v.kind == VALUE_BOOL ? v.b : str_is(note_of(row, "warmup"), "True");
}

/* Text of a value, for keys and messages; out holds TEXT_BYTES. "" where it is not known.
 */
static void dim_text(const struct row *row, enum field_id id, char *out)
{
    struct value v = row->v[id];
    char number[32];
    out[0] = '\0';
    if (id == FIELD_scenario) {
        struct str s = scenario_text(row);
        snprintf(out, TEXT_BYTES, "%.*s", (int)s.len, s.ptr != NULL ? s.ptr : "");
    } else if (v.kind == VALUE_STR || v.kind == VALUE_JSON) {
        snprintf(out, TEXT_BYTES, "%s", v.s);
    } else if (v.kind == VALUE_BOOL) {
        snprintf(out, TEXT_BYTES, "%s", v.b ? "on" : "off");
    } else if (v.kind == VALUE_INT || v.kind == VALUE_NUM) {
        jsonw_double_text(value_as_num(v), number);
        size_t length = strlen(number);
        if (length > 2 && strcmp(number + length - 2, ".0") == 0)
            number[length - 2] = '\0';
        snprintf(out, TEXT_BYTES, "%s", number);
    }
}

static bool is_known(const struct row *row, enum field_id id)
{
    return id == FIELD_scenario ? scenario_text(row).len > 0 : value_is_known(row->v[id]);
}

static bool is_same_model(const struct row *a, const struct row *b)
{
    const char *x = field_str(a, FIELD_model_fingerprint);
    const char *y = field_str(b, FIELD_model_fingerprint);
    if (x == NULL || y == NULL) {
        x = field_str(a, FIELD_model_name);
        y = field_str(b, FIELD_model_name);
    }
    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

static bool is_same_value(struct value a, struct value b)
{
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case VALUE_STR:
    case VALUE_JSON: return a.s == b.s || strcmp(a.s, b.s) == 0;
    case VALUE_BOOL: return a.b == b.b;
    case VALUE_INT: return a.i == b.i;
    case VALUE_NUM: return a.n == b.n;
    default: return true;
    }
}

static bool is_equal(const struct row *a, const struct row *b, enum field_id id)
{
    char x[TEXT_BYTES], y[TEXT_BYTES];
    if (id == FIELD_model_name)
        return is_same_model(a, b);
    if (value_is_known(a->v[id]) && is_same_value(a->v[id], b->v[id]))
        return true;
    dim_text(a, id, x);
    dim_text(b, id, y);
    return strcmp(x, y) == 0;
}

/* What two cells differ in; a side of the published tool that does not say, does not
 * differ. */
static bool is_different(const struct match_cell *a, const struct match_cell *b,
                         enum field_id id)
{
    bool is_published = a->is_published || b->is_published;
    if (is_published && id == FIELD_input_length)
        return false;
    if (is_published && (!is_known(a->row, id) || !is_known(b->row, id)))
        return false;
    return !is_equal(a->row, b->row, id);
}

static bool is_compared(enum field_id id, enum match_by by)
{
    return side_fields[by] == id;
}

/* Texts of one data set have other lengths in another model's tokens. */
static bool is_text_length(const struct match_cell *a, enum field_id id, enum match_by by)
{
    return by == MATCH_BY_MODEL && id == FIELD_input_length &&
           is_known(a->row, FIELD_dataset);
}

static bool must_agree(const struct dim *d, enum match_by by)
{
    switch (d->agree) {
    case AGREE_ALWAYS: return true;
    case AGREE_MACHINE: return by != MATCH_BY_INSTANCE && by != MATCH_BY_LABEL;
    case AGREE_ENGINE: return by == MATCH_BY_CACHING;
    default: return false;
    }
}

/* Between a GPU and Neuron these differ by nature: there the compiled batch is
 * max_num_seqs and the step's limit is fixed. They are said, and do not hinder. */
static bool is_by_nature(const struct match_cell *a, const struct match_cell *b,
                         enum field_id id, enum match_by by)
{
    bool is_between_machines = by == MATCH_BY_INSTANCE || by == MATCH_BY_LABEL;
    return is_between_machines &&
           (id == FIELD_max_num_seqs || id == FIELD_max_num_batched_tokens) &&
           is_different(a, b, FIELD_hardware_type);
}

static bool is_obstacle(const struct match_cell *a, const struct match_cell *b,
                        size_t dim, enum match_by by)
{
    enum field_id id = dims[dim].id;
    return !is_compared(id, by) && !is_text_length(a, id, by) &&
           !is_by_nature(a, b, id, by) && must_agree(&dims[dim], by) &&
           is_different(a, b, id);
}

static bool is_context(const struct match_cell *a, const struct match_cell *b, size_t dim,
                       enum match_by by)
{
    enum field_id id = dims[dim].id;
    return !is_compared(id, by) &&
           (!must_agree(&dims[dim], by) || is_by_nature(a, b, id, by)) &&
           is_different(a, b, id);
}

size_t match_cell_obstacles(const struct match_cell *a, const struct match_cell *b,
                            enum match_by by)
{
    size_t n = 0;
    for (size_t i = 0; i < DIM_COUNT; i++)
        n += is_obstacle(a, b, i, by);
    return n;
}

bool match_cell_is_hindered(const struct match_cell *a, const struct match_cell *b,
                            enum match_by by)
{
    for (size_t i = 0; i < DIM_COUNT; i++)
        if (is_obstacle(a, b, i, by))
            return true;
    return false;
}

size_t match_cell_context(const struct match_cell *a, const struct match_cell *b,
                          enum match_by by)
{
    size_t n = 0;
    for (size_t i = 0; i < DIM_COUNT; i++)
        n += is_context(a, b, i, by);
    return n;
}

size_t match_cell_context_count(void)
{
    return DIM_COUNT;
}

static const char *said(const char *text)
{
    return *text != '\0' ? text : MATCH_UNKNOWN;
}

enum status match_cell_differences(const struct match_cell *a, const struct match_cell *b,
                                   enum match_by by, struct arena *arena,
                                   const char **out)
{
    const char *text = NULL;
    char x[TEXT_BYTES], y[TEXT_BYTES];
    for (size_t i = 0; i < DIM_COUNT; i++) {
        bool is_silent = dims[i].agree == AGREE_MACHINE || dims[i].id == FIELD_label;
        if (is_silent || !is_context(a, b, i, by))
            continue;
        dim_text(a->row, dims[i].id, x);
        dim_text(b->row, dims[i].id, y);
        text = arena_printf(arena, "%s%s%s %s / %s", text != NULL ? text : "",
                            text != NULL ? ", " : "", field_table[dims[i].id].name,
                            said(x), said(y));
        if (text == NULL)
            return STATUS_NO_MEMORY;
    }
    *out = text;
    return STATUS_OK;
}

enum status match_cell_explain(const struct match_cell *a, const struct match_cell *b,
                               enum match_by by, struct arena *arena, const char **out)
{
    char x[TEXT_BYTES], y[TEXT_BYTES];
    size_t said_count = 0;
    const char *text = arena_printf(arena, "nearest cell of %s differs in ", b->side);
    for (size_t i = 0; i < DIM_COUNT && text != NULL && said_count < MAX_SAID; i++) {
        if (!is_obstacle(a, b, i, by))
            continue;
        dim_text(a->row, dims[i].id, x);
        dim_text(b->row, dims[i].id, y);
        text = arena_printf(arena, "%s%s%s (%s, there %s)", text,
                            said_count > 0 ? ", " : "", field_table[dims[i].id].name,
                            said(x), said(y));
        said_count++;
    }
    if (text != NULL && said_count == 0)
        text = arena_printf(arena, "its match of %s is paired with a cell nearer to it",
                            b->side);
    if (text == NULL)
        return STATUS_NO_MEMORY;
    *out = text;
    return STATUS_OK;
}

/* FNV-1a over the texts of all dimensions. */
static uint64_t key_of(const struct match_row *r)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)r->is_published;
    char text[TEXT_BYTES];
    for (size_t i = 0; i < DIM_COUNT; i++) {
        dim_text(r->row, dims[i].id, text);
        for (size_t k = 0;; k++) {
            h = (h ^ (unsigned char)text[k]) * UINT64_C(1099511628211);
            if (text[k] == '\0')
                break;
        }
    }
    return h;
}

/* Grouping: of shape [row_count] but for cells. */
struct grouping {
    struct match_cell *cells;
    uint64_t *keys; /* of the cells */
    size_t count;
    size_t *cell_of; /* cell of each row */
    double **values; /* of each cell: [MATCH_METRIC_COUNT][measured] */
};

static bool is_measured(const struct row *row)
{
    return !is_warmup(row) && !value_is_known(row->v[FIELD_error]);
}

static void count_row(struct match_cell *c, const struct row *row)
{
    if (c->failed_row == NULL && value_is_known(row->v[FIELD_error]))
        c->failed_row = row;
    if (is_warmup(row)) {
        c->warmups++;
        return;
    }
    if (value_is_known(row->v[FIELD_error])) {
        c->failed++;
        return;
    }
    const char *verdict = field_str(row, FIELD_verdict);
    double expected = field_num(row, FIELD_cache_hit_rate_expected);
    struct value caching = row->v[FIELD_enable_prefix_caching];
    if (c->measured == 0)
        c->row = row;
    c->measured++;
    if (verdict != NULL && strcmp(verdict, "INVALID") == 0) {
        c->invalid_row = c->is_valid ? row : c->invalid_row;
        c->is_valid = false;
        c->invalid++;
    }
    c->shares_nothing |= caching.kind == VALUE_BOOL && caching.b && expected == 0;
}

/* True only if both are of one cell: the quick answer for rows that stand together. */
static bool is_surely_same(const struct match_row *a, const struct match_row *b)
{
    bool is_same = a->is_published == b->is_published &&
                   value_is_known(a->row->v[FIELD_scenario]);
    for (size_t i = 0; is_same && i < DIM_COUNT; i++)
        is_same = is_same_value(a->row->v[dims[i].id], b->row->v[dims[i].id]);
    return is_same;
}

/* Index of the cell that a row belongs to; count if it is the first of a new one. */
static size_t find_cell(const struct grouping *g, uint64_t key)
{
    size_t at = 0;
    while (at < g->count && g->keys[at] != key)
        at++;
    return at;
}

static void group_rows(const struct match_input *in, struct grouping *g)
{
    size_t at = 0;
    for (size_t i = 0; i < in->count; i++) {
        uint64_t key = 0;
        if (i == 0 || !is_surely_same(&in->rows[i], &in->rows[i - 1])) {
            key = key_of(&in->rows[i]);
            at = find_cell(g, key);
        }
        struct match_cell *c = &g->cells[at];
        if (at == g->count) {
            g->keys[g->count++] = key;
            c->row = in->rows[i].row;
            c->is_published = in->rows[i].is_published;
            c->is_valid = true;
        }
        g->cell_of[i] = at;
        count_row(c, in->rows[i].row);
    }
}

static bool is_online(const struct row *row)
{
    const char *mode = field_str(row, FIELD_serving_mode);
    return mode != NULL && strcmp(mode, "online") == 0;
}

static double metric_of(const struct row *row, enum match_metric m)
{
    double window = field_num(row, FIELD_window_tokens_per_second);
    if (m == MATCH_throughput && is_online(row) && !isnan(window))
        return window;
    return field_num(row, match_metric_field(m));
}

static enum status average(const struct match_input *in, struct grouping *g,
                           struct arena *a)
{
    for (size_t i = 0; i < g->count; i++) {
        g->values[i] = arena_alloc(a, g->cells[i].measured * MATCH_METRIC_COUNT + 1,
                                   sizeof **g->values);
        if (g->values[i] == NULL)
            return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < in->count; i++) {
        size_t at = g->cell_of[i];
        struct match_cell *c = &g->cells[at];
        for (int m = 0; is_measured(in->rows[i].row) && m < MATCH_METRIC_COUNT; m++) {
            double value = metric_of(in->rows[i].row, (enum match_metric)m);
            if (!isnan(value))
                g->values[at][(size_t)m * c->measured + c->counts[m]++] = value;
        }
    }
    for (size_t i = 0; i < g->count; i++)
        for (size_t m = 0; m < MATCH_METRIC_COUNT; m++) {
            struct match_cell *c = &g->cells[i];
            c->metrics[m] = summary_spread(g->values[i] + m * c->measured, c->counts[m]);
        }
    return STATUS_OK;
}

static const char *side_of(const struct row *row, enum match_by by, struct arena *a)
{
    char text[TEXT_BYTES];
    struct value v = row->v[side_fields[by]];
    if (by == MATCH_BY_CACHING)
        return v.kind != VALUE_BOOL ? MATCH_UNKNOWN : v.b ? "ON" : "OFF";
    dim_text(row, side_fields[by], text);
    return *text != '\0' ? arena_strdup(a, text) : MATCH_UNKNOWN;
}

static const char *name_of(const struct match_cell *c, enum match_by by, struct arena *a)
{
    char batch[TEXT_BYTES], rate[TEXT_BYTES], caching[TEXT_BYTES];
    dim_text(c->row, FIELD_batch_size, batch);
    dim_text(c->row, FIELD_request_rate, rate);
    dim_text(c->row, FIELD_enable_prefix_caching, caching);
    bool has_cache = by != MATCH_BY_CACHING && *caching != '\0';
    const char *batch_name = is_online(c->row) ? " c=" : " bs=";
    return arena_printf(a, "%s%s%s%s%s%s%s", c->scenario,
                        *batch != '\0' ? batch_name : "", batch,
                        *rate != '\0' ? " rate=" : "", rate, has_cache ? " cache=" : "",
                        has_cache ? caching : "");
}

static enum status describe(struct match_cell *c, enum match_by by, struct arena *a)
{
    char scenario[TEXT_BYTES];
    const char *weights = field_str(c->row, FIELD_weights);
    struct value simulated = c->row->v[FIELD_is_simulated];
    dim_text(c->row, FIELD_scenario, scenario);
    c->scenario = *scenario != '\0' ? arena_strdup(a, scenario) : MATCH_UNKNOWN;
    c->side = side_of(c->row, by, a);
    if (c->scenario == NULL || c->side == NULL)
        return STATUS_NO_MEMORY;
    c->name = name_of(c, by, a);
    c->is_simulated = simulated.kind == VALUE_BOOL && simulated.b;
    c->has_dummy_weights = weights != NULL && strcmp(weights, "dummy") == 0;
    return c->name != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Cells of one side that would share a name also say their lengths. */
static enum status tell_apart(struct grouping *g, struct arena *a)
{
    const char **names = arena_alloc(a, g->count + 1, sizeof(const char *));
    char in[TEXT_BYTES], most[TEXT_BYTES];
    if (names == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < g->count; i++) {
        bool is_alone = true;
        for (size_t k = 0; k < g->count && is_alone; k++)
            is_alone = k == i || strcmp(g->cells[k].side, g->cells[i].side) != 0 ||
                       strcmp(g->cells[k].name, g->cells[i].name) != 0;
        dim_text(g->cells[i].row, FIELD_input_length, in);
        dim_text(g->cells[i].row, FIELD_max_output_tokens, most);
        names[i] = is_alone
                       ? g->cells[i].name
                       : arena_printf(a, "%s in=%s out=%s", g->cells[i].name, in, most);
        if (names[i] == NULL)
            return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < g->count; i++)
        g->cells[i].name = names[i];
    return STATUS_OK;
}

enum status match_cell_collect(const struct match_input *inputs, enum match_by by,
                               struct arena *a, struct match_cells *out)
{
    size_t n = inputs->count + 1;
    struct grouping g = {
        .cells = arena_alloc(a, n, sizeof *g.cells),
        .keys = arena_alloc(a, n, sizeof *g.keys),
        .cell_of = arena_alloc(a, n, sizeof *g.cell_of),
        .values = arena_alloc(a, n, sizeof *g.values),
    };
    if (g.cells == NULL || g.keys == NULL || g.cell_of == NULL || g.values == NULL)
        return STATUS_NO_MEMORY;
    group_rows(inputs, &g);
    enum status s = average(inputs, &g, a);
    for (size_t i = 0; s == STATUS_OK && i < g.count; i++)
        s = describe(&g.cells[i], by, a);
    if (s == STATUS_OK)
        s = tell_apart(&g, a);
    if (s == STATUS_OK)
        *out = (struct match_cells){.cells = g.cells, .count = g.count};
    return s;
}
