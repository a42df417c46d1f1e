#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/table.h"
#include "report/width.h"
#include "stats/match_field.h"

/* Columns for the name of a setting. */
#define NAME_LEAST 7
#define NAME_MOST  24

const char *table_columns_setting(const struct run_data *run, const struct row *row)
{
    struct value v = match_field_caching(row);
    if (summary_has_labels(run))
        return match_field_name(row, FIELD_label);
    return v.kind != VALUE_BOOL ? "?" : v.b ? "on" : "off";
}

const char *table_columns_load(const struct row *row, struct document *d)
{
    struct value rate = row->v[FIELD_request_rate], batch = row->v[FIELD_batch_size];
    if (rate.kind == VALUE_STR)
        return arena_text(d->arena, "%.20s", rate.s);
    if (value_is_known(rate))
        return arena_text(d->arena, "%g/s", value_as_num(rate));
    if (value_is_known(batch))
        return arena_text(d->arena, "%s%.0f", match_field_is_online(row) ? "c=" : "",
                          value_as_num(batch));
    return "?";
}

/* --- what stands in a column */

/* One table being written. */
struct lines {
    const struct run_data *run;
    const struct summary_entry *const *cells; /* [count] */
    size_t count;
    struct document *d;
    size_t low; /* of the run's percentiles: the median where it was asked for, else the
                   lowest; SIZE_MAX: none was */
};

enum content {
    LOAD,
    SETTING,
    SPREAD_OF,
    FAILED,
    VERDICT,
    LOW,
    HIGH,
    LOW_ENDS,
    HIGH_ENDS
};

struct spec {
    struct document_column column; /* LOW: the percentile's name stands behind it */
    enum content content;
    enum metric metric;     /* SPREAD_OF */
    enum summary_pool pool; /* LOW, HIGH and their ends */
    double scale;           /* from there to the column */
    bool needs_slo;         /* only where some cell has limits of goodput */
};

static struct document_cell spread(enum metric m, const struct summary_entry *c)
{
    double scale = figure_scale(m);
    struct document_cell cell = document_of_spread(&c->spread[m]);
    cell.value *= scale;
    cell.low *= scale;
    cell.high *= scale;
    return cell;
}

static struct document_cell failed(const struct lines *l, const struct summary_entry *c)
{
    struct document_cell cell = document_of_value((double)c->requests_failed);
    cell.text = arena_text(l->d->arena, "%" PRId64, c->requests_failed);
    return cell;
}

static struct document_cell verdict(const struct lines *l, const struct summary_entry *c)
{
    const char *text = c->verdict != NULL   ? c->verdict
                       : c->failed_rows > 0 ? "failed"
                                            : "-";
    bool is_simulated = strcmp(text, "VALID") == 0 &&
                        field_is_true(c->row, FIELD_is_simulated);
    return document_of_text(
        arena_text(l->d->arena, "%.40s%s", text, is_simulated ? " (simulated)" : ""));
}

static struct document_cell low(const struct lines *l, const struct spec *s,
                                const struct percentile *of)
{
    bool is_known = l->low != SIZE_MAX && of != NULL;
    return document_of_value(is_known ? of[l->low].value * s->scale : (double)NAN);
}

/* The highest that enough samples support; l->low where no other one is. */
static size_t highest(const struct lines *l, const struct percentile *of)
{
    size_t best = l->low;
    for (size_t i = 0; of != NULL && i < l->run->percentile_count; i++)
        if (of[i].p > of[best].p && isfinite(of[i].value))
            best = i;
    return best;
}

/* With its name: "45.6 p99". */
static struct document_cell high(const struct lines *l, const struct spec *s,
                                 const struct percentile *of)
{
    char number[FIGURE_BYTES];
    size_t best = highest(l, of);
    if (best == l->low)
        return document_of_text("-");
    struct document_cell cell = document_of_value(of[best].value * s->scale);
    figure_digits(cell.value, 3, number);
    cell.text = arena_text(l->d->arena, "%s p%g", number, of[best].p);
    return cell;
}

static bool has_ends(const struct percentile *of)
{
    return isfinite(of->low) || isfinite(of->high);
}

/* Of the interval of the percentile in that column: "41.2-51.0". */
static struct document_cell ends(const struct lines *l, const struct spec *s,
                                 const struct percentile *of)
{
    char low_end[FIGURE_BYTES] = "?", high_end[FIGURE_BYTES] = "?";
    size_t at = s->content == HIGH_ENDS ? highest(l, of) : l->low;
    bool is_none = of == NULL || at == SIZE_MAX ||
                   (s->content == HIGH_ENDS && at == l->low);
    if (is_none || !has_ends(&of[at]))
        return document_of_text("-");
    if (isfinite(of[at].low))
        figure_digits(of[at].low * s->scale, 3, low_end);
    if (isfinite(of[at].high))
        figure_digits(of[at].high * s->scale, 3, high_end);
    return document_of_text(arena_text(l->d->arena, "%s-%s", low_end, high_end));
}

static struct document_cell cell_of(const struct lines *l, const struct spec *s,
                                    const struct summary_entry *c)
{
    switch (s->content) {
    case LOAD: return document_of_text(table_columns_load(c->row, l->d));
    case SETTING: return document_of_text(table_columns_setting(l->run, c->row));
    case SPREAD_OF: return spread(s->metric, c);
    case FAILED: return failed(l, c);
    case LOW: return low(l, s, c->pools[s->pool]);
    case HIGH: return high(l, s, c->pools[s->pool]);
    case LOW_ENDS:
    case HIGH_ENDS: return ends(l, s, c->pools[s->pool]);
    default: return verdict(l, c);
    }
}

static bool has_goodput(const struct lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (field_str(l->cells[i]->row, FIELD_slo) != NULL)
            return true;
    return false;
}

/* --- the tables: 80 columns with "VALID (simulated)" */

#define COLUMN(head, name, unit, type, width) \
    .column = {head, name, unit, DOCUMENT_##type, width}
#define SPREAD(name) .content = SPREAD_OF, .metric = METRIC_##name
#define POOL(which, name, factor) \
    .content = which, .pool = SUMMARY_POOL_##name, .scale = factor

static const struct spec offline[] = {
    {COLUMN("batch", "batch size", NULL, TEXT, -5), .content = LOAD},
    {COLUMN("cache", NULL, NULL, TEXT, -5), .content = SETTING},
    {COLUMN("tokens/s", NULL, NULL, SPREAD, -13), SPREAD(tokens_per_second)},
    {COLUMN("ms/tok", NULL, NULL, NUMBER, -7), SPREAD(time_per_token)},
    {COLUMN("TTFT ms", NULL, NULL, NUMBER, -7), SPREAD(first_token_latency)},
    {COLUMN("TPOT", NULL, "ms", NUMBER, -6), SPREAD(inter_token_latency)},
    {COLUMN("hits", "hit rate", NULL, PERCENT, -4), SPREAD(cache_hit_rate)},
    {COLUMN("$/1Mtok", NULL, NULL, NUMBER, -7), SPREAD(usd_per_million_output_tokens)},
    {COLUMN("verdict", NULL, NULL, TEXT, 0), .content = VERDICT},
};

static const struct spec online[] = {
    {COLUMN("load", NULL, NULL, TEXT, -7), .content = LOAD},
    {COLUMN("cache", NULL, NULL, TEXT, -5), .content = SETTING},
    {COLUMN("tokens/s", NULL, NULL, SPREAD, -15), SPREAD(tokens_per_second)},
    {COLUMN("req/s", NULL, NULL, NUMBER, -8), SPREAD(requests_per_second)},
    {COLUMN("good/s", "goodput", "requests/s", NUMBER, -8), SPREAD(goodput_rps),
     .needs_slo = true},
    {COLUMN("failed", "failed requests", NULL, NUMBER, -6), .content = FAILED},
    {COLUMN("verdict", NULL, NULL, TEXT, 0), .content = VERDICT},
};

static const struct spec latencies[] = {
    {COLUMN("load", NULL, NULL, TEXT, -7), .content = LOAD},
    {COLUMN("cache", NULL, NULL, TEXT, -5), .content = SETTING},
    {COLUMN("TTFT", NULL, "ms", NUMBER, -8), POOL(LOW, ttft_s, 1e3)},
    {COLUMN("high", "TTFT high", "ms", NUMBER, -11), POOL(HIGH, ttft_s, 1e3)},
    {COLUMN("ITL", NULL, "ms", NUMBER, -7), POOL(LOW, itl_ms, 1)},
    {COLUMN("high", "ITL high", "ms", NUMBER, -10), POOL(HIGH, itl_ms, 1)},
    {COLUMN("TPOT", NULL, "ms", NUMBER, -6), SPREAD(inter_token_latency)},
    {COLUMN("E2E", NULL, "ms", NUMBER, -7), POOL(LOW, e2e_s, 1e3)},
    {COLUMN("high", "E2E high", "ms", NUMBER, -11), POOL(HIGH, e2e_s, 1e3)},
};

/* Of the percentiles above. */
static const struct spec intervals[] = {
    {COLUMN("load", NULL, NULL, TEXT, -7), .content = LOAD},
    {COLUMN("cache", NULL, NULL, TEXT, -5), .content = SETTING},
    {COLUMN("TTFT", NULL, "ms", TEXT, -12), POOL(LOW_ENDS, ttft_s, 1e3)},
    {COLUMN("high", "TTFT high", "ms", TEXT, -12), POOL(HIGH_ENDS, ttft_s, 1e3)},
    {COLUMN("ITL", NULL, "ms", TEXT, -11), POOL(LOW_ENDS, itl_ms, 1)},
    {COLUMN("E2E", NULL, "ms", TEXT, -12), POOL(LOW_ENDS, e2e_s, 1e3)},
    {COLUMN("high", "E2E high", "ms", TEXT, -12), POOL(HIGH_ENDS, e2e_s, 1e3)},
};

static bool has_interval(const struct run_data *run, const struct percentile *of)
{
    for (size_t i = 0; of != NULL && i < run->percentile_count; i++)
        if (has_ends(&of[i]))
            return true;
    return false;
}

static bool has_intervals(const struct lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        for (int k = 0; k < SUMMARY_POOL_COUNT; k++)
            if (has_interval(l->run, l->cells[i]->pools[k]))
                return true;
    return false;
}

static size_t lowest(const struct run_data *run)
{
    const double *p = run->percentiles;
    size_t low_at = run->percentile_count > 0 ? 0 : SIZE_MAX;
    for (size_t i = 0; i < run->percentile_count; i++)
        if (p[i] == 50 || (p[i] < p[low_at] && p[low_at] != 50))
            low_at = i;
    return low_at;
}

/* Room for the longest name of a setting. */
static int name_columns(const struct lines *l)
{
    size_t most = NAME_LEAST;
    for (size_t i = 0; i < l->count; i++) {
        size_t n = width_of(match_field_name(l->cells[i]->row, FIELD_label));
        most = n > most ? n : most;
    }
    return most > NAME_MOST ? NAME_MOST : (int)most;
}

static struct document_column column_of(const struct lines *l, const struct spec *s)
{
    struct document_column c = s->column;
    bool is_low = s->content == LOW || s->content == LOW_ENDS;
    if (is_low && l->low != SIZE_MAX)
        c.head = arena_text(l->d->arena, "%s p%g", c.head, l->run->percentiles[l->low]);
    if (s->content == SETTING && summary_has_labels(l->run)) {
        c.head = "setting";
        c.width = -name_columns(l);
    }
    return c;
}

static void put_table(const struct lines *l, const struct spec *specs, size_t spec_count)
{
    const struct spec *shown[DOCUMENT_COLUMNS];
    size_t n = 0;
    struct document_column *columns = arena_alloc(l->d->arena, spec_count,
                                                  sizeof *columns);
    if (columns == NULL)
        return;
    for (size_t i = 0; i < spec_count; i++) {
        if (specs[i].needs_slo && !has_goodput(l))
            continue;
        columns[n] = column_of(l, &specs[i]);
        shown[n++] = &specs[i];
    }
    document_gap(l->d);
    struct document_table *t = document_table(l->d, columns, n);
    for (size_t i = 0; i < l->count; i++) {
        const struct summary_entry *c = l->cells[i];
        const char *group = match_field_name(c->row, FIELD_scenario);
        struct document_cell *cells = document_row(l->d, t, group);
        for (size_t k = 0; k < n; k++)
            cells[k] = cell_of(l, shown[k], c);
    }
}

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

void table_columns_put(const struct run_data *run,
                       const struct summary_entry *const *cells, size_t count,
                       struct document *d)
{
    const struct lines l = {
        .run = run, .cells = cells, .count = count, .d = d, .low = lowest(run)};
    if (!match_field_is_online(cells[0]->row)) {
        put_table(&l, offline, COUNT_OF(offline));
        return;
    }
    put_table(&l, online, COUNT_OF(online));
    put_table(&l, latencies, COUNT_OF(latencies));
    if (!has_intervals(&l))
        return;
    document_gap(d);
    document_add(d, DOCUMENT_PARAGRAPH, "95 %% intervals of these percentiles:");
    put_table(&l, intervals, COUNT_OF(intervals));
}
