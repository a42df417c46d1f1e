#include "report/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/render.h"
#include "stats/match_field.h"
#include "stats/verdict.h"

#define ARENA_BYTES  ((size_t)1 << 30)
#define WANTED_SHARE 0.02 /* half of an interval, of its mean */
#define MOST_REPEATS 50   /* that anybody should be told to make */

struct table {
    const struct run_data *run;
    const struct summary_entry *cells;
    size_t count;
    const struct summary_entry **order; /* [count], by scenario, load, setting */
    struct document *d;
};

static size_t scenario_rank(const struct table *t, const struct row *row)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(match_field_name(t->cells[i].row, FIELD_scenario),
                   match_field_name(row, FIELD_scenario)) == 0)
            return i;
    return t->count;
}

static bool comes_before(const struct table *t, const struct row *a, const struct row *b)
{
    size_t x = scenario_rank(t, a), y = scenario_rank(t, b);
    return x != y ? x < y : match_field_is_before(a, b);
}

static void sort_cells(struct table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        size_t at = i;
        while (at > 0 && comes_before(t, t->cells[i].row, t->order[at - 1]->row)) {
            t->order[at] = t->order[at - 1];
            at--;
        }
        t->order[at] = &t->cells[i];
    }
}

static void put_title(const struct table *t)
{
    const struct row *row = t->cells[0].row;
    const char *version = field_str(row, FIELD_engine_version);
    const char *dtype = field_str(row, FIELD_dtype);
    document_add(t->d, DOCUMENT_ITEM, "%.160s on %.100s: %.40s%s%.40s, %.20s%s%.20s",
                 match_field_name(row, FIELD_model_name),
                 match_field_name(row, FIELD_instance_type),
                 match_field_name(row, FIELD_engine), version != NULL ? " " : "",
                 version != NULL ? version : "",
                 match_field_name(row, FIELD_serving_mode), dtype != NULL ? ", " : "",
                 dtype != NULL ? dtype : "");
    if (field_is_true(row, FIELD_is_simulated))
        document_add(t->d, DOCUMENT_PARAGRAPH, DOCUMENT_SIMULATED ".");
    else if (field_is(row, FIELD_weights, "dummy"))
        document_add(t->d, DOCUMENT_PARAGRAPH,
                     "Dummy weights: the speed is real, the text is not.");
}

/* Is the spread over launches of the engine, and not over repeats? */
static bool is_of_launches(const struct table *t, size_t i)
{
    return t->cells[i].spread[METRIC_tokens_per_second].is_over_launches;
}

static void put_launches(const struct table *t)
{
    bool is_any = false, is_unknown = false, has_arms = false;
    for (size_t i = 0; i < t->count; i++) {
        is_any = is_any || is_of_launches(t, i);
        has_arms = has_arms || value_is_known(t->cells[i].row->v[FIELD_cache_arm]);
        is_unknown = is_unknown ||
                     (is_of_launches(t, i) &&
                      isnan(t->cells[i].spread[METRIC_tokens_per_second].ci95_low));
    }
    document_add(t->d, DOCUMENT_PARAGRAPH,
                 has_arms ? "+-x%%: 95 %% interval over the blocks; warm-ups are left "
                            "out."
                 : is_any ? "+-x%%: 95 %% interval over the launches of the engine; "
                            "warm-ups are left out."
                          : "+-x%%: 95 %% interval over the repeats; the warm-up is left "
                            "out.");
    if (is_unknown)
        document_add(t->d, DOCUMENT_PARAGRAPH,
                     "+-?: spread unknown (2 launches); --launches 3 would show it");
}

/* Launches of cells that failed: the figures are of fewer than were asked for. */
static void put_failed_launches(const struct table *t)
{
    size_t failed = 0;
    for (size_t i = 0; i < t->run->cell_count; i++) {
        bool has_error = false;
        for (size_t k = 0; k < t->run->repeat_count; k++)
            has_error |= t->run->repeats[k].cell == (int32_t)i &&
                         t->run->repeats[k].error != NULL;
        failed += has_error;
    }
    if (failed > 0 && t->run->cell_count > t->count)
        document_add(
            t->d, DOCUMENT_PARAGRAPH,
            "%zu of %zu launches of cells failed: the figures are of the others.", failed,
            t->run->cell_count);
}

/* One line for each count of repeats that gives no interval. */
static void put_unknown_spread(const struct table *t, int64_t repeats, const char *advice)
{
    bool is_met = false;
    for (size_t i = 0; i < t->count; i++)
        is_met = is_met || (t->cells[i].count == repeats && !is_of_launches(t, i) &&
                            isnan(t->cells[i].spread[METRIC_tokens_per_second].ci95_low));
    if (is_met)
        document_add(t->d, DOCUMENT_PARAGRAPH,
                     "+-?: spread unknown (%" PRId64 " repeat%s); %s", repeats,
                     str_plural((int64_t)repeats), advice);
}

/* How many repeats would tell +-2 %, where these do not. */
static void put_advice(const struct table *t)
{
    struct interval_repeats needed = {0, 0};
    for (size_t i = 0; i < t->count; i++) {
        const struct summary_entry *c = &t->cells[i];
        const struct spread *s = &c->spread[METRIC_tokens_per_second];
        bool is_close = s->ci95_high - s->ci95_low <= 2 * WANTED_SHARE * s->mean;
        if (isnan(s->ci95_low) || is_close || is_of_launches(t, i) ||
            c->repeats_range.high <= needed.high)
            continue;
        needed = c->repeats_range;
    }
    if (needed.high > MOST_REPEATS)
        document_add(t->d, DOCUMENT_PARAGRAPH,
                     "+-2 %% may take more than %d repeats: too noisy, see inferbench "
                     "env --check",
                     MOST_REPEATS);
    else if (needed.high > 0)
        document_add(t->d, DOCUMENT_PARAGRAPH,
                     "+-2 %% takes %ld..%ld repeats (--num-runs %ld)", needed.low,
                     needed.high, needed.high + 1);
}

/* Its repeats are not the user's to choose. */
static bool is_search(const struct table *t)
{
    return value_is_known(t->run->fields.v[FIELD_slo_search]);
}

static void put_spread_notes(const struct table *t)
{
    document_gap(t->d);
    if (match_field_is_online(t->cells[0].row))
        document_add(
            t->d, DOCUMENT_PARAGRAPH,
            "Latencies in ms, over the requests due in the window, all repeats but the "
            "warm-up. high: highest requested percentile with enough samples. TPOT: mean "
            "time per output token. failed: includes unanswered requests.");
    put_failed_launches(t);
    put_launches(t);
    if (is_search(t)) {
        put_unknown_spread(t, 1, "a search takes as many blocks as it needs");
    } else {
        put_unknown_spread(t, 1, "--num-runs 4 or more would show it");
        put_unknown_spread(t, 2, "--num-runs 6 shows it, and what +-2 % takes");
        put_advice(t);
    }
    int64_t failed = 0;
    for (size_t i = 0; i < t->count; i++)
        failed += t->cells[i].failed_rows;
    if (failed > 0)
        document_add(t->d, DOCUMENT_PARAGRAPH,
                     "%" PRId64 " repeat%s failed and %s left out.", failed,
                     str_plural((int64_t)failed), failed == 1 ? "is" : "are");
}

static bool has_code(const struct summary_entry *c, const char *code)
{
    return verdict_has(c->reasons, code) || verdict_has(c->warnings, code);
}

static size_t cells_with(const struct table *t, const char *code)
{
    size_t found = 0;
    for (size_t i = 0; i < t->count; i++)
        found += has_code(t->order[i], code);
    return found;
}

/* Which cells, with the value against the limit. */
static void put_named(const struct table *t, const char *code)
{
    size_t listed = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct summary_entry *c = t->order[i];
        if (!has_code(c, code))
            continue;
        buf_printf(&t->d->line, "%s%.40s %.20s %s", listed++ > 0 ? ", " : "",
                   match_field_name(c->row, FIELD_scenario),
                   table_columns_load(c->row, t->d),
                   table_columns_setting(t->run, c->row));
        figure_finding(c->checks, code, &t->d->line);
    }
}

/* "CODE (8 cells): what it means" or, up to three, which cells. */
static void put_code(const struct table *t, const struct verdict_rule *rule, size_t found)
{
    struct buf *line = &t->d->line;
    if (rule->kind != VERDICT_WARNING)
        buf_printf(line, "%s: ", verdict_kind_name(rule->kind));
    buf_printf(line, "%s (", rule->code);
    if (found == t->count && found > 1)
        buf_text(line, "every cell");
    else if (found > 3)
        buf_printf(line, "%zu of %zu cells", found, t->count);
    else
        put_named(t, rule->code);
    buf_printf(line, "): %s", rule->help);
    document_end(t->d, DOCUMENT_ITEM);
}

static void put_codes(const struct table *t)
{
    document_gap(t->d);
    for (int i = 0; i < RULE_COUNT; i++) { /* the table begins with the gravest */
        size_t found = cells_with(t, verdict_rules[i].code);
        if (found > 0 && i != RULE_FEW_REPEATS)
            put_code(t, &verdict_rules[i], found);
    }
}

static enum status build(const struct table_input *in, struct document *d, struct err *e)
{
    struct table t = {.run = in->run, .cells = in->cells, .count = in->count, .d = d};
    if (in->count == 0) {
        document_add(d, DOCUMENT_PARAGRAPH, "Nothing was measured.");
        return STATUS_OK;
    }
    t.order = arena_alloc(d->arena, in->count, sizeof(struct summary_entry *));
    if (t.order == NULL)
        return status_no_memory(e, "table");
    sort_cells(&t);
    put_title(&t);
    table_columns_put(in->run, t.order, t.count, d);
    put_spread_notes(&t);
    enum status s = table_caching_put(in->run, in->rows, d, e);
    put_codes(&t);
    table_capacity_put(in->run, in->rows, d);
    return s;
}

enum status table_run(const struct table_input *in, struct buf *out, struct err *e)
{
    struct arena a;
    struct document d;
    arena_init(&a, ARENA_BYTES);
    document_init(&d, &a);
    enum status s = build(in, &d, e);
    enum status written = render_document(&d, render_at(0), out);
    if (s == STATUS_OK && written != STATUS_OK)
        s = status_fail(e, written, "table", "the table is too large");
    document_fini(&d);
    arena_fini(&a);
    return s;
}
