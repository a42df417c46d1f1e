#include <math.h>

#include "report/table.h"
#include "stats/compare.h"

static const struct document_column columns[] = {
    {"Prefix caching, ON / OFF", NULL, NULL, DOCUMENT_TEXT, 25},
    {"tokens/s", NULL, "ON / OFF", DOCUMENT_RATIO, -8},
    {"TTFT", NULL, "ON / OFF", DOCUMENT_RATIO, -6},
    {"hits", "cache hit rate ON", NULL, DOCUMENT_PERCENT, -5},
    {"95 % of tokens/s", NULL, NULL, DOCUMENT_INTERVAL, 0},
};

static enum status match_rows(const struct run_data *run, const struct row *rows,
                              struct arena *a, struct match_result *out, struct err *e)
{
    const struct floor_list none = {0};
    const struct match_options by_caching = {.by = FIELD_enable_prefix_caching};
    struct match_row *all = arena_alloc(a, run->repeat_count + 1, sizeof *all);
    if (all == NULL)
        return status_no_memory(e, "table");
    for (size_t i = 0; i < run->repeat_count; i++)
        all[i] = (struct match_row){.row = &rows[i]};
    const struct match_input input = {.rows = all, .count = run->repeat_count};
    if (match_build(&input, &by_caching, a, out, e) != STATUS_OK)
        return e->code;
    return compare_judge(out, &none, a) == STATUS_OK ? STATUS_OK
                                                     : status_no_memory(e, "table");
}

/* The interval in words, or why the pair claims nothing. */
static struct document_cell certainty(const struct match_pair *p, struct document *d)
{
    const struct match_ratio *r = &p->ratios[METRIC_tokens_per_second];
    struct document_cell cell = document_of_ratio(r);
    char text[FIGURE_BYTES];
    figure_certainty(r, text);
    cell.text = arena_text(d->arena, "%s",
                           p->baseline->shares_nothing || p->other->shares_nothing
                               ? "nothing shared"
                           : p->is_counted ? text
                                           : p->note);
    return cell;
}

static void put_group(const struct match_group *g, struct document *d)
{
    bool has_interval = false, has_arms = false;
    document_gap(d);
    struct document_table *t = document_table(d, columns,
                                              sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < g->pair_count; i++) {
        const struct match_pair *p = &g->pairs[i];
        const struct match_ratio *r = &p->ratios[METRIC_tokens_per_second];
        struct document_cell *cells = document_row(d, t, NULL);
        cells[0] = document_of_text(p->baseline->name);
        cells[1] = document_of_ratio(r);
        cells[2] = document_of_ratio(&p->ratios[METRIC_first_token_latency]);
        cells[3] = document_of_value(p->other->spread[METRIC_cache_hit_rate].mean);
        cells[4] = certainty(p, d);
        has_interval |= !isnan(r->low) && r->is_one_launch;
        has_arms |= value_is_known(p->baseline->row->v[FIELD_cache_arm]);
    }
    if (has_arms)
        document_add(d, DOCUMENT_PARAGRAPH,
                     DOCUMENT_ARMS "; --test-prefix-caching measures that.");
    if (has_interval)
        document_add(d, DOCUMENT_PARAGRAPH,
                     "Intervals are within one launch of each: launches may differ by "
                     "more.");
}

enum status table_caching_put(const struct run_data *run, const struct row *rows,
                              struct document *d, struct err *e)
{
    struct match_result found = {.group_count = 0};
    if (match_rows(run, rows, d->arena, &found, e) != STATUS_OK)
        return e->code;
    if (found.group_count > 0)
        put_group(&found.groups[0], d);
    return STATUS_OK;
}
