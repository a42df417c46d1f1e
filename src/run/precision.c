#include "run/precision.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "run/peers.h"
#include "stats/stein.h"
#include "store/results.h"

#define ARENA_CAP_BYTES ((size_t)16 << 30)
#define LAUNCHES_MOST   1000 /* as of --launches */

static bool has_target(const struct run *r)
{
    return r->opts->target_ci != NULL;
}

static const char *unit_of(const struct run *r)
{
    return r->opts->across_launches ? STEIN_LAUNCH : STEIN_REPEAT;
}

/* --- options */

static bool is_given(const struct run *r, const char *option)
{
    return opt_source_of(r->parse, option) != OPT_FROM_DEFAULT;
}

/* Options that mean nothing without a target. */
static enum status check_none(const struct run *r, const struct plan_options *p,
                              struct err *e)
{
    static const char *const ours[] = {"--target-metric", "--max-runs",
                                       "--across-launches", "--max-time", "--max-cost"};
    /* A search has a limit of time and money, too. */
    size_t count = sizeof ours / sizeof ours[0] - (p->search != NULL ? 2 : 0);
    for (size_t i = 0; i < count; i++)
        if (is_given(r, ours[i] + strlen("--"))) {
            status_fail(e, STATUS_BAD_OPTION, ours[i], "nothing without --target-ci");
            return status_hint(e, "Give e.g. --target-ci 2%%.");
        }
    return STATUS_OK;
}

/* A target of launches decides how many there are. */
static enum status check_launches(const struct run *r, struct err *e)
{
    if (r->opts->launches <= 1)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, "--launches", "not together with --target-ci");
    return status_hint(
        e, r->opts->across_launches
               ? "The target decides how many launches there are, --max-runs how many at "
                 "most."
               : "Give --across-launches in its place: as many launches as the interval "
                 "takes.");
}

/* Repeats: the second stage of a cell needs the engine of the first. */
static enum status check_target(const struct run *r, const struct plan_options *p,
                                struct err *e)
{
    if (!r->opts->across_launches && is_given(r, "num-runs")) {
        status_fail(e, STATUS_BAD_OPTION, "--num-runs", "not together with --target-ci");
        return status_hint(e, "--max-runs limits the repeats of a cell.");
    }
    if (p->setting_count > 1 || p->ab_blocks > 0) {
        status_fail(e, STATUS_BAD_OPTION, "--target-ci",
                    "not with several settings or --ab: a target is that of one setting");
        return status_hint(e, "Measure each setting in a run of its own, then inferbench "
                              "compare.");
    }
    if (r->opts->across_launches && r->opts->max_runs > LAUNCHES_MOST) {
        status_fail(e, STATUS_BAD_OPTION, "--max-runs",
                    "more than %d launches with --across-launches", LAUNCHES_MOST);
        return status_hint(e, "Write %d or less.", LAUNCHES_MOST);
    }
    return check_launches(r, e);
}

enum status run_precision_plan(struct run *r, struct plan_options *out, struct err *e)
{
    const struct run_opts *o = r->opts;
    if (!has_target(r))
        return check_none(r, out, e);
    if (!str_to_share(str_from(o->target_ci), &out->target_share)) {
        status_fail(e, STATUS_BAD_OPTION, "--target-ci", "\"%s\" is no percentage",
                    o->target_ci);
        return status_hint(e, "Write e.g. 2%% or 0.5%%: above 0, below 100.");
    }
    if (check_target(r, out, e) != STATUS_OK)
        return e->code;
    if (o->across_launches)
        out->launches = o->max_runs;
    else
        out->num_runs = o->max_runs + 1;
    out->is_target_of_launches = o->across_launches;
    r->data.fields.v[FIELD_target_unit] = value_str(unit_of(r));
    r->data.fields.v[FIELD_target_ci] = value_num(out->target_share);
    r->data.fields.v[FIELD_target_metric] = value_str(o->target_metric);
    return STATUS_OK;
}

/* --- while it runs */

static double value_of(const struct recovery *read, const struct next_turn *turn,
                       enum metric m)
{
    for (size_t i = 0; i < read->run.repeat_count; i++) {
        const struct repeat_data *d = &read->run.repeats[i];
        const struct row *row = &read->results.rows[i];
        if (d->cell == (int32_t)turn->cell && d->repeat == (int32_t)turn->repeat &&
            !value_is_known(row->v[FIELD_error]))
            return field_num(row, metric_field(m, row));
    }
    return NAN;
}

/* Out of the journal, as all rows are. */
static enum status read_values(struct run *r, struct next_outcome *past, size_t count,
                               struct err *e)
{
    struct arena a;
    arena_init(&a, ARENA_CAP_BYTES);
    struct recovery *read = arena_alloc(&a, 1, sizeof *read);
    enum metric m = stein_metric(r->opts->target_metric);
    if (read == NULL) {
        arena_fini(&a);
        return status_no_memory(e, "run");
    }
    enum status s = run_peers_read(r, &a, read, e);
    for (size_t i = 0; s == STATUS_OK && i < count; i++)
        past[i].value = value_of(read, &past[i].turn, m);
    arena_fini(&a);
    return s;
}

/* Warm-ups included. */
static int64_t repeats_of_launch(const struct run *r)
{
    const struct plan *p = &r->plan;
    return (int64_t)p->cell_count / p->options.launches * p->options.num_runs;
}

/* Once, between the stages; then the live line knows how much is to come. */
static enum status fill_values(void *arg, struct next_outcome *past, size_t count,
                               struct err *e)
{
    struct run *r = arg;
    const struct next_history all = {past, count};
    if (r->has_values || !next_is_second_stage(&r->plan, &all))
        return STATUS_OK;
    if (read_values(r, past, count, e) != STATUS_OK)
        return e->code;
    r->has_values = true;
    r->progress.repeats_planned = next_known_turns(&r->plan, &all);
    int64_t more = r->progress.repeats_planned - (int64_t)count;
    if (r->opts->across_launches)
        more /= repeats_of_launch(r);
    else
        r->progress.num_runs = 0; /* each cell has its own */
    log_line(
        r->host->log, LOG_NOTE, "%s: %" PRId64 " more %s for an interval of +-%.3g %%",
        r->opts->target_metric, more, r->opts->across_launches ? "launches" : "repeats",
        r->plan.options.target_share * 100);
    return STATUS_OK;
}

enum status run_precision_limit(struct run *r, struct err *e)
{
    const struct run_opts *o = r->opts;
    double price = field_num(&r->data.fields, FIELD_price_usd_per_hour);
    double *most_s = &r->plan.options.target_max_s;
    if (o->max_time_ns != OPT_INT_UNSET)
        *most_s = (double)o->max_time_ns / 1e9;
    if (isnan(o->max_cost))
        return STATUS_OK;
    if (!(price > 0)) {
        status_fail(e, STATUS_BAD_OPTION, "--max-cost",
                    "the price of the machine is unknown: %s", r->no_price);
        return status_hint(e, "Give it with --price-per-hour.");
    }
    double cost_s = o->max_cost / price * 3600;
    *most_s = *most_s > 0 ? fmin(*most_s, cost_s) : cost_s;
    return STATUS_OK;
}

enum status run_precision_prepare(struct run *r, struct driver *d, struct err *e)
{
    if (!has_target(r))
        return STATUS_OK;
    if (d->loads_per_batch && !r->opts->across_launches) {
        status_fail(e, STATUS_BAD_OPTION, "--target-ci",
                    "not with an engine for each batch size");
        return status_hint(e, "Give --neuron-batch max or --across-launches.");
    }
    d->policy = next_of_target;
    d->values = (struct driver_values){fill_values, r};
    if (!r->opts->across_launches)
        r->progress.num_runs = STEIN_FIRST + 1;
    r->progress.repeats_planned = 0;
    r->progress.planned_s = NAN;
    return run_precision_limit(r, e);
}

int64_t run_precision_cells(const struct run *r, int64_t tried)
{
    const struct plan *p = &r->plan;
    if (!p->options.is_target_of_launches)
        return (int64_t)p->cell_count;
    int64_t sure = (int64_t)p->cell_count / p->options.launches * next_sure_launches(p);
    return tried > sure ? tried : sure;
}

void run_precision_text(const struct run *r, struct buf *out)
{
    if (!has_target(r))
        return;
    buf_printf(out,
               "target: +-%.3g %% of %s: %d %s, then as many as that\n"
               "takes, %" PRId64 " at most; all numbers here are of the most\n",
               r->plan.options.target_share * 100, r->opts->target_metric, STEIN_FIRST,
               r->opts->across_launches ? "launches with all cells"
                                        : "measured repeats of each cell",
               r->opts->max_runs);
}
