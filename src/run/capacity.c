#include "run/capacity.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "plan/arrivals.h"
#include "run/loads.h"
#include "run/precision.h"
#include "run/peers.h"
#include "stats/loadshape.h"

#define ARENA_CAP_BYTES   ((size_t)16 << 30)
#define FROM_PROMPTS      (INT64_C(9) * SEARCH_FROM_SLOTS) /* as a closed load has */
#define FROM_CONCURRENCY  8
#define BLOCK_S           30.0
#define BLOCK_E2E         10.0
#define BLOCK_REQUESTS    300.0
#define LEAST_REQUESTS    20.0      /* with --find-block: so that none is empty */
#define UNKNOWN_E2E       (4.0 / 3) /* of the first block, before any answer is known */
#define RUNS              100       /* of a level: its blocks, and void ones */
#define CLOSED_ROOM       3         /* requests drawn: answers may be so much faster */
#define ESTIMATE_BLOCKS   9         /* doublings and halvings of a usual search */
#define TEST_LEAST_BLOCKS 4
#define COUNT_OF(a)       (sizeof(a) / sizeof *(a))

bool run_capacity_is_on(const struct run_opts *o)
{
    return o->find_rate || o->find_concurrency;
}

static const char *unit(const struct run_opts *o)
{
    return o->find_rate ? "requests/s" : "requests in flight";
}

static const char *option(const struct run_opts *o)
{
    return o->find_rate ? "--find-rate" : "--find-concurrency";
}

/* --- options --- */

static bool is_given(const struct run *r, const char *name)
{
    return opt_source_of(r->parse, name) != OPT_FROM_DEFAULT;
}

/* MLPerf Inference v5.1, limits of the p99: llama3.1-8b Server and Interactive,
 * llama3.1-405b Server. */
static const struct {
    const char *name, *limits[2];
} presets[] = {
    {"chat", {"ttft:2s", "tpot:100ms"}},
    {"interactive", {"ttft:500ms", "tpot:30ms"}},
    {"batch", {"ttft:6s", "tpot:175ms"}},
};

/* --slo where --goodput is read: one piece for both. */
static enum status take_slo(struct run *r, struct err *e)
{
    struct run_opts *o = r->opts;
    if (o->slo.count == 0) {
        status_fail(e, STATUS_BAD_OPTION, option(o), "needs --slo");
        return status_hint(e, "Write e.g. --slo ttft:500ms tpot:50ms, or --slo chat");
    }
    o->goodput = o->slo;
    for (size_t i = 0; i < COUNT_OF(presets); i++) {
        if (o->slo.count != 1 || strcmp(o->slo.items[0], presets[i].name) != 0)
            continue;
        const char **items = arena_alloc(r->arena, 2, sizeof *items);
        if (items == NULL)
            return status_no_memory(e, "options");
        memcpy(items, presets[i].limits, sizeof presets[i].limits);
        o->goodput = (struct opt_strings){.items = items, .count = 2};
    }
    return STATUS_OK;
}

static enum status check_off(const struct run *r, struct err *e)
{
    static const char *const ours[] = {"slo", "slo-share", "find-from", "find-block",
                                       "confirm"};
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        if (!is_given(r, ours[i]))
            continue;
        char name[32] = "--";
        strncat(name, ours[i], sizeof name - 3);
        status_fail(e, STATUS_BAD_OPTION, name, "nothing without --find-rate");
        return status_hint(e, i == 0 ? "Add --find-rate, or give the limits as --goodput."
                                     : "Add --find-rate or --find-concurrency.");
    }
    return STATUS_OK;
}

static enum status check_on(const struct run *r, struct err *e)
{
    static const struct {
        const char *name, *why;
    } others[] = {
        {"find-concurrency", "searches for something else"},
        {"goodput", "is what --slo says"},
        {"request-rate", "names the loads; the search finds them"},
        {"concurrency", "names the loads; the search finds them"},
        {"sweep-rates", "names the loads; the search finds them"},
        {"num-prompts", "is the length of a repeat; --find-block is that of a block"},
        {"duration", "is the length of a repeat; --find-block is that of a block"},
        {"num-runs", "counts repeats; the search takes as many blocks as it needs"},
        {"target-ci", "counts repeats; the search takes as many blocks as it needs"},
        {"launches", "starts the engine again; the search needs one"},
        {"setting", "starts an engine for each; search each in a run"},
        {"ab", "compares two arms"},
    };
    for (size_t i = r->opts->find_rate ? 0 : 1; i < COUNT_OF(others); i++) {
        if (!is_given(r, others[i].name))
            continue;
        status_fail(e, STATUS_BAD_OPTION, option(r->opts), "given with --%s, which %s",
                    others[i].name, others[i].why);
        return status_hint(e, "Use one of the two");
    }
    return STATUS_OK;
}

enum status run_capacity_check(struct run *r, struct err *e)
{
    struct run_opts *o = r->opts;
    if (!run_capacity_is_on(o))
        return check_off(r, e);
    if (check_on(r, e) != STATUS_OK)
        return e->code;
    double from = o->find_from;
    if (o->find_concurrency && !isnan(from) && (from < 1 || from != floor(from))) {
        status_fail(e, STATUS_BAD_OPTION, "--find-from",
                    "%g is not a number of requests in flight", from);
        return status_hint(e, "Write a whole number, e.g. 8");
    }
    return take_slo(r, e);
}

/* --- the plan --- */

/* From the start of a block's load to its last send: 3 E2E until it is steady, then what
 * counts. e2e_s NAN: unknown. */
static double block_s(const struct run_opts *o, double rate_rps, double e2e_s)
{
    bool is_given_s = o->find_block_ns != OPT_INT_UNSET;
    double e0_s = isnan(e2e_s) ? 0 : e2e_s;
    double least_s = is_given_s ? (double)o->find_block_ns / 1e9
                                : fmax(BLOCK_S, BLOCK_E2E * e0_s);
    double requests = is_given_s ? LEAST_REQUESTS : BLOCK_REQUESTS;
    if (rate_rps > 0)
        least_s = fmax(least_s, requests / rate_rps);
    return isnan(e2e_s) ? UNKNOWN_E2E * least_s : LOADSHAPE_SETTLE_E0 * e0_s + least_s;
}

/* The load of a level, once there are answers. */
static struct load load_of(const struct run *r, double level, double e2e_s)
{
    const struct run_opts *o = r->opts;
    struct load l = r->search_load;
    l.num_prompts = OPT_INT_UNSET;
    if (o->find_rate) {
        l.rate_rps = level;
        l.duration_s = block_s(o, level, e2e_s);
        return l;
    }
    l.concurrency = (int64_t)level;
    l.duration_s = block_s(o, level / e2e_s, e2e_s);
    double waves = CLOSED_ROOM * (l.duration_s / e2e_s + 1);
    if (waves * level < ARRIVALS_MOST)
        l.num_prompts = (int64_t)ceil(waves * level);
    return l;
}

static struct load start_load(const struct load *of)
{
    struct load l = *of;
    l.kind = LOAD_CLOSED;
    l.arrival = LOAD_POISSON; /* it has none */
    l.burstiness = NAN;
    l.concurrency = SEARCH_FROM_SLOTS;
    l.num_prompts = FROM_PROMPTS;
    l.rate_rps = l.duration_s = NAN;
    l.max_concurrency = OPT_INT_UNSET;
    return l;
}

static enum status put_search(struct run *r, struct plan_options *out, struct err *e)
{
    const struct run_opts *o = r->opts;
    struct search *s = arena_alloc(r->arena, 1, sizeof *s);
    if (s == NULL)
        return status_no_memory(e, "options");
    *s = (struct search){.rule = {.from = o->find_from,
                                  .is_whole = o->find_concurrency,
                                  .confirms = o->confirm},
                         .is_rate = o->find_rate};
    if (o->find_concurrency && isnan(o->find_from))
        s->rule.from = FROM_CONCURRENCY;
    if (!str_to_share(str_from(o->slo_share), &s->share)) {
        status_fail(e, STATUS_BAD_OPTION, "--slo-share", "\"%s\" is no percentage",
                    o->slo_share);
        return status_hint(e, "Write e.g. 99%% or 99.9%%: above 0, below 100.");
    }
    out->search = s;
    out->num_runs = RUNS;
    out->more_cells = CAPACITY_MOST_LEVELS;
    const char *text = search_text(s, r->arena);
    r->data.fields.v[FIELD_slo_search] = value_json(text);
    return text != NULL ? STATUS_OK : status_no_memory(e, "options");
}

enum status run_capacity_loads(struct run *r, struct plan_options *out, struct err *e)
{
    struct run_opts o = *r->opts;
    if (put_search(r, out, e) != STATUS_OK)
        return e->code;
    double from = isnan(out->search->rule.from)
                      ? 1
                      : capacity_round(&out->search->rule, out->search->rule.from);
    int64_t slots = (int64_t)from;
    if (o.find_rate)
        o.request_rates = (struct opt_doubles){&from, 1};
    else
        o.concurrency = (struct opt_ints){&slots, 1};
    o.duration_ns = clock_seconds(block_s(&o, o.find_rate ? from : (double)NAN, NAN)).ns;
    if (run_loads_build(r->parse, &o, r->arena, out, e) != STATUS_OK)
        return e->code;
    r->search_load = out->loads[0];
    if (!o.find_rate || !isnan(o.find_from))
        return STATUS_OK;
    struct load *first = arena_alloc(r->arena, 1, sizeof *first);
    if (first == NULL)
        return status_no_memory(e, "options");
    *first = start_load(&r->search_load);
    out->loads = first;
    return STATUS_OK;
}

enum status run_capacity_plan(struct run *r, const struct plan_options *o, struct err *e)
{
    if (!run_capacity_is_on(r->opts))
        return STATUS_OK;
    if (o->scenario_count == 1 && o->setting_count == 1)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, option(r->opts),
                o->setting_count > 1
                    ? "not with several settings: a capacity is that of one"
                    : "not with several scenarios: a capacity is that of one");
    return status_hint(e, "Search each in a run of its own.");
}

/* --- while it runs --- */

/* The row of a turn; NULL: it is not there. */
static const struct row *row_of(const struct recovery *read, const struct next_turn *turn)
{
    for (size_t i = read->run.repeat_count; i > 0; i--) {
        const struct repeat_data *d = &read->run.repeats[i - 1];
        if (d->cell == (int32_t)turn->cell && d->repeat == (int32_t)turn->repeat)
            return &read->results.rows[i - 1];
    }
    return NULL;
}

static double value_of(const struct search *s, const struct row *row)
{
    struct capacity_outcome o = search_outcome(s, row);
    if (isnan(o.level))
        return search_start_rps(s, row, 1);
    return o.block == CAPACITY_VOID ? (double)NAN : (double)(o.block == CAPACITY_GOOD);
}

/* Of the last row that knows it. */
static double e2e_of(const struct recovery *read)
{
    for (size_t i = read->run.repeat_count; i > 0; i--) {
        double e2e_s = field_num(&read->results.rows[i - 1], FIELD_e2e_early_s);
        if (e2e_s > 0)
            return e2e_s;
    }
    return NAN;
}

static void tell(const struct run *r, const struct row *row)
{
    const struct search *s = r->plan.options.search;
    struct capacity_outcome o = search_outcome(s, row);
    struct log *log = r->host->log;
    const struct findings *reasons = field_findings(row, FIELD_reasons);
    const char *code = reasons != NULL && reasons->count > 0 ? reasons->items[0].code
                                                             : NULL;
    if (isnan(o.level) && !field_is_true(row, FIELD_is_warmup))
        log_line(log, LOG_NOTE, "%d requests in flight: %.3g requests/s",
                 SEARCH_FROM_SLOTS, search_start_rps(s, row, 1));
    else if (o.block == CAPACITY_VOID && !isnan(o.level))
        log_line(log, LOG_NOTE, "%g %s: a block that counts for nothing: %s", o.level,
                 unit(r->opts), code != NULL ? code : "who kept the SLO is unknown");
    else if (!isnan(o.level))
        log_line(log, LOG_NOTE,
                 "%g %s: %s block, %.4g %% of %.0f requests kept the SLO, %g %% asked",
                 o.level, unit(r->opts), field_str(row, FIELD_slo_block),
                 field_num(row, FIELD_goodput_share) * 100,
                 field_num(row, FIELD_goodput_due), s->share * 100);
}

/* A cell for the load that is asked for next, if it has none. */
static enum status add_cell(struct run *r, const struct recovery *read,
                            const struct next_history *past, struct err *e)
{
    double level = next_search_level(&r->plan, past);
    double e2e_s = e2e_of(read);
    if (isnan(level))
        return STATUS_OK;
    for (size_t i = 0; i < r->plan.cell_count; i++)
        if (next_level_of(&r->plan, i) == level)
            return STATUS_OK;
    if (isnan(e2e_s))
        return status_fail(e, STATUS_ENGINE, option(r->opts),
                           "no answer has a latency, so no block has a length");
    const struct load load = load_of(r, level, e2e_s);
    return plan_add(&r->plan, &load, r->arena, e);
}

static enum status look(struct run *r, struct next_outcome *past, size_t count,
                        struct recovery *read, struct err *e)
{
    const struct next_history all = {past, count};
    for (size_t i = 0; i < count; i++) {
        const struct row *row = row_of(read, &past[i].turn);
        past[i].value = row != NULL ? value_of(r->plan.options.search, row) : (double)NAN;
        if (row != NULL && i + 1 == count)
            tell(r, row);
    }
    return add_cell(r, read, &all, e);
}

/* Out of the journal, as all rows are. */
static enum status fill_values(void *arg, struct next_outcome *past, size_t count,
                               struct err *e)
{
    struct run *r = arg;
    struct arena a;
    if (count == 0 || past[count - 1].status != STATUS_OK)
        return STATUS_OK;
    arena_init(&a, ARENA_CAP_BYTES);
    struct recovery *read = arena_alloc(&a, 1, sizeof *read);
    if (read == NULL) {
        arena_fini(&a);
        return status_no_memory(e, "run");
    }
    enum status s = run_peers_read(r, &a, read, e);
    if (s == STATUS_OK)
        s = look(r, past, count, read, e);
    arena_fini(&a);
    return s;
}

enum status run_capacity_prepare(struct run *r, struct driver *d, struct err *e)
{
    if (!run_capacity_is_on(r->opts))
        return STATUS_OK;
    d->policy = next_of_search;
    d->values = (struct driver_values){fill_values, r};
    r->progress.num_runs = r->progress.repeats_planned = 0;
    r->progress.planned_s = NAN;
    return run_precision_limit(r, e);
}

const char *run_capacity_accepted(const struct run *r)
{
    const char *asked = r->opts->accept_invalid;
    return asked == NULL && run_capacity_is_on(r->opts) ? "OVERLOADED,ERRORS" : asked;
}

/* --- --dry-run --- */

/* "about 12 minutes", and what that costs where the price was given. */
static void put_time(const struct run_opts *o, double seconds, struct buf *out)
{
    if (seconds < 90)
        buf_printf(out, "%.0f s", seconds);
    else if (seconds < 5400)
        buf_printf(out, "%.0f minutes", seconds / 60);
    else
        buf_printf(out, "%.1f hours", seconds / 3600);
    if (!isnan(o->price_per_hour))
        buf_printf(out, " (%.3g USD)", seconds / 3600 * o->price_per_hour);
}

void run_capacity_text(const struct run *r, struct buf *out)
{
    const struct run_opts *o = r->opts;
    const struct search *s = r->plan.options.search;
    double block = block_s(o, NAN, 0);
    if (s == NULL)
        return;
    buf_printf(out,
               "\nsearch    the highest load in %s where %g %% of the requests "
               "keep the SLO\nlevels    from ",
               unit(o), s->share * 100);
    if (isnan(s->rule.from))
        buf_printf(out, "half of what %d in flight reach", SEARCH_FROM_SLOTS);
    else
        buf_printf(out, "%g", s->rule.from);
    buf_printf(out,
               "; doubled, halved, bisected to 5 %%\n"
               "blocks    %g s each, or more: 3 E2E until the load is steady,\n"
               "          then %s\n"
               "estimate  one block a load, about %d: ",
               block,
               o->find_block_ns != OPT_INT_UNSET ? "that long, 20 requests at least"
                                                 : "max(30 s, 10 E2E, 300 requests)",
               ESTIMATE_BLOCKS);
    put_time(o, ESTIMATE_BLOCKS * block, out);
    buf_text(out, ", and last answers\n");
    if (s->rule.confirms) {
        buf_printf(out, "confirm   2 loads of %d to %d blocks, most often 34: ",
                   TEST_LEAST_BLOCKS, SPRT_BLOCKS);
        put_time(o, 34 * block, out);
        buf_printf(out, ";\n          %d loads at most: ", SPRT_PROBES);
        put_time(o, (double)SPRT_PROBES * SPRT_BLOCKS * block, out);
        buf_char(out, '\n');
    } else {
        buf_text(out, "          --confirm tests the two loads around the estimate\n");
    }
    if (o->max_time_ns != OPT_INT_UNSET)
        buf_printf(out, "time      no block begins after %g s\n",
                   (double)o->max_time_ns / 1e9);
    if (isnan(o->price_per_hour))
        buf_text(out, "          --price-per-hour says what that costs\n");
}
