#include "run/percentiles.h"

#include <inttypes.h>
#include <math.h>

#include "plan/blocks.h"
#include "plan/next.h"
#include "stats/percentile.h"

/* Requests of all measured repeats of a cell that are sure, in all launches. */
static int64_t requests_of(const struct plan *p, const struct plan_cell *c)
{
    int64_t requests = 0;
    for (int64_t i = 0; i < next_sure_repeats(p); i++)
        requests += blocks_is_warmup(p, i) ? 0 : c->counts[i];
    return requests * next_sure_launches(p);
}

static enum percentile_order order_of(const struct load *l)
{
    bool is_burst = l->kind == LOAD_BATCH || (l->kind == LOAD_OPEN && isinf(l->rate_rps));
    return is_burst ? PERCENTILE_CLUSTER : PERCENTILE_TIMED;
}

static bool supports(const struct run *r, const struct plan_cell *c, double p)
{
    int64_t requests = requests_of(&r->plan, c);
    bool has_gaps = !r->opts->no_gaps && c->max_tokens > 2;
    double samples = (double)requests * (has_gaps ? (double)(c->max_tokens - 1) : 1);
    return samples >= (double)percentile_needs(p, order_of(c->load));
}

static bool is_shown_somewhere(const struct run *r, double p)
{
    for (size_t i = 0; i < r->plan.cell_count; i++)
        if (supports(r, &r->plan.cells[i], p))
            return true;
    return false;
}

void run_percentiles_choose(struct run *r, bool has_asked)
{
    const struct opt_doubles *all = &r->opts->percentiles;
    struct run_data *data = &r->data;
    data->percentiles = arena_alloc(r->arena, all->count, sizeof *data->percentiles);
    data->percentile_count = 0;
    for (size_t i = 0; data->percentiles != NULL && i < all->count; i++)
        if (has_asked || i == 0 || is_shown_somewhere(r, all->items[i]))
            data->percentiles[data->percentile_count++] = all->items[i];
}

/* The cell with most requests; NULL where the server decides how many there are. */
static const struct plan_cell *largest(const struct plan *p)
{
    const struct plan_cell *most = NULL;
    for (size_t i = 0; i < p->cell_count; i++) {
        const struct plan_cell *c = &p->cells[i];
        if (c->load->kind == LOAD_CLOSED && !isnan(c->load->duration_s))
            return NULL;
        if (most == NULL || requests_of(p, c) > requests_of(p, most))
            most = c;
    }
    return most;
}

void run_percentiles_text(const struct run *r, struct buf *out)
{
    const struct opt_doubles *all = &r->opts->percentiles;
    const struct plan_cell *c = largest(&r->plan);
    if (c == NULL)
        return;
    buf_text(out, "percentiles:");
    for (size_t i = 0; i < all->count; i++)
        buf_printf(out, i == 0 ? " p%g takes %zu requests%s" : " p%g %zu%s",
                   all->items[i], percentile_needs(all->items[i], order_of(c->load)),
                   i + 1 < all->count ? "," : ";");
    buf_printf(out, " a cell has %" PRId64 "\n", requests_of(&r->plan, c));
}
