#include "report/table_caching.h"

#include <math.h>
#include <string.h>

#include "report/figure.h"
#include "report/width.h"
#include "stats/match.h"

#define ARENA_BYTES ((size_t)1 << 30)
#define NAME_WIDTH  25

static enum status match_rows(const struct run_data *run, const struct row *rows,
                              struct arena *a, struct match_result *out, struct err *e)
{
    const struct match_options by_caching = {.by = MATCH_BY_CACHING};
    struct match_row *all = arena_alloc(a, run->repeat_count + 1, sizeof *all);
    if (all == NULL)
        return status_fail(e, STATUS_NO_MEMORY, "table", "out of memory");
    for (size_t i = 0; i < run->repeat_count; i++)
        all[i] = (struct match_row){.row = &rows[i]};
    const struct match_input input = {.rows = all, .count = run->repeat_count};
    return match_build(&input, &by_caching, a, out, e);
}

static void put_right(struct buf *out, const char *text, int columns)
{
    buf_char(out, ' ');
    width_pad(out, text, -columns);
}

static void put_pair(const struct match_pair *p, struct buf *out)
{
    char text[FIGURE_BYTES];
    width_pad(out, p->baseline->name, NAME_WIDTH);
    figure_ratio(p->ratios[METRIC_tokens_per_second].ratio, text);
    put_right(out, text, 8);
    figure_ratio(p->ratios[METRIC_first_token_latency].ratio, text);
    put_right(out, text, 6);
    figure_percent(p->other->spread[METRIC_cache_hit_rate].mean, text);
    put_right(out, text, 5);
    figure_certainty(&p->ratios[METRIC_tokens_per_second], text);
    bool is_nothing_shared = p->baseline->shares_nothing || p->other->shares_nothing;
    if (is_nothing_shared)
        buf_text(out, "  nothing shared");
    else
        buf_printf(out, "  %s", p->is_counted ? text : p->note);
    buf_char(out, '\n');
}

static void put_group(const struct match_group *g, struct buf *out)
{
    bool has_interval = false;
    width_pad(out, "Prefix caching, ON / OFF", NAME_WIDTH);
    buf_text(out, " tokens/s   TTFT  hits  95 % of tokens/s\n");
    for (size_t i = 0; i < g->pair_count; i++) {
        const struct match_ratio *r = &g->pairs[i].ratios[METRIC_tokens_per_second];
        put_pair(&g->pairs[i], out);
        has_interval |= !isnan(r->low) && r->is_one_launch;
    }
    if (has_interval)
        buf_text(out, "Intervals are within one launch of each: launches may differ by "
                      "more.\n");
}

enum status table_caching_put(const struct run_data *run, const struct row *rows,
                              struct buf *out, struct err *e)
{
    struct arena a;
    struct match_result found = {.group_count = 0};
    arena_init(&a, ARENA_BYTES);
    enum status s = match_rows(run, rows, &a, &found, e);
    if (s == STATUS_OK && found.group_count > 0) {
        buf_char(out, '\n');
        put_group(&found.groups[0], out);
    }
    arena_fini(&a);
    return s;
}
