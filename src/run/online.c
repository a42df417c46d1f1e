/* What is of an online run alone. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "plan/arrivals.h"
#include "run/capacity.h"
#include "run/loads.h"
#include "run/mode.h"
#include "run/plan.h"
#include "run/scenarios.h"
#include "run/settings.h"
#include "run/target.h"
#include "track/entry.h"

#define ENGINE               "openai"
#define LAUNCHED_MODEL       "Qwen/Qwen3-0.6B"
#define DEFAULT_VOCABULARY   10000
#define LENGTH_ANSWER_TOKENS 128 /* of --input-len scenarios, as of the built-in ones */
#define MOST_COUNTS_SHOWN    5

/* What takes a server of ours, to be started more than once. */
static enum status check_starts(const struct run *r, struct err *e)
{
    const struct run_opts *o = r->opts;
    bool has_launches = o->launches > 1 || o->across_launches;
    if ((!has_launches && o->settings.count == 0) || r->target.is_launched)
        return STATUS_OK;
    if (o->settings.count > 0) {
        status_fail(e, STATUS_BAD_OPTION, "--setting",
                    "a server that runs already has its settings");
        return status_hint(e, "Use --launch or --launch-command; or start the server "
                              "again between runs, and name each run with --label.");
    }
    status_fail(e, STATUS_BAD_OPTION,
                o->across_launches ? "--across-launches" : "--launches",
                "a server that runs already is not ours to start again");
    return status_hint(e, "Use --launch or --launch-command; or start the server again "
                          "between runs: each run is a launch then.");
}

static enum status check(struct run *r, struct err *e)
{
    struct run_opts *o = r->opts;
    if (run_capacity_check(r, e) != STATUS_OK ||
        run_loads_sweep(r->parse, o, r->arena, e) != STATUS_OK ||
        run_target_build(r->parse, o, r->arena, &r->target, e) != STATUS_OK ||
        run_loads_goodput(o, r->arena, &r->slo_json, e) != STATUS_OK ||
        run_target_body(o, r->arena, &r->body_json, e) != STATUS_OK)
        return e->code;
    if (o->model == NULL && o->launch)
        o->model = LAUNCHED_MODEL;
    r->target.is_local = run_target_is_local(&r->target, r->arena);
    r->is_remote = !r->target.is_local;
    return check_starts(r, e);
}

static const char *engine(const struct run *r)
{
    (void)r;
    return ENGINE;
}

/* Scenarios in128, in1024 ... of --input-len, behind the others; without any other asked
 * for, alone. */
static enum status scenarios(struct run *r, struct scenario_list *out, struct err *e)
{
    const struct run_opts *o = r->opts;
    bool is_alone = o->input_len.count > 0 && run_scenarios_are_unnamed(r) &&
                    o->scenario_files.count == 0 && o->datasets.count == 0;
    struct scenario_list others = {0};
    if (!is_alone && run_scenarios(r, &others, e) != STATUS_OK)
        return e->code;
    struct scenario *all = arena_alloc(r->arena, others.count + o->input_len.count,
                                       sizeof *all);
    if (all == NULL)
        return status_no_memory(e, "options");
    if (others.count > 0)
        memcpy(all, others.items, others.count * sizeof *all);
    *out = (struct scenario_list){all, others.count};
    for (size_t i = 0; i < o->input_len.count; i++) {
        int64_t tokens = o->input_len.items[i];
        const char *name = arena_printf(r->arena, "in%lld", (long long)tokens);
        if (name == NULL)
            return status_no_memory(e, "options");
        all[out->count++] = (struct scenario){.name = name,
                                              .help = "from --input-len",
                                              .own_tokens = tokens,
                                              .max_tokens = LENGTH_ANSWER_TOKENS};
    }
    return STATUS_OK;
}

/* A server that is not ours is planned for as if it cached: how it is set is read
 * back. */
static enum status loads(struct run *r, struct plan_options *o, struct err *e)
{
    const struct run_opts *opts = r->opts;
    o->warmup_requests = opts->warmup_requests;
    o->is_chat = strcmp(r->target.endpoint, "chat") == 0;
    o->run = field_str(&r->data.fields, FIELD_run_id);
    if (!opts->launch)
        o->max_model_len = 0;
    if (run_capacity_is_on(opts))
        return run_capacity_loads(r, o, e);
    if (run_loads_build(r->parse, opts, r->arena, o, e) != STATUS_OK)
        return e->code;
    if (run_loads_cap_is_closed(opts))
        log_line(
            r->host->log, LOG_NOTE,
            "note: --max-concurrency without --request-rate means --concurrency %lld",
            (long long)opts->max_concurrency);
    return STATUS_OK;
}

static int64_t settings(struct run *r, struct engine_settings *s)
{
    const struct plan_options *o = &r->plan.options;
    int64_t most = 0;
    r->target.is_closed_load = o->loads[0].kind == LOAD_CLOSED;
    s->target = &r->target;
    s->timeout_s = r->target.ready_timeout_s;
    if (s->vocab_size == 0)
        s->vocab_size = DEFAULT_VOCABULARY;
    for (size_t i = 0; i < o->load_count; i++)
        if (o->loads[i].kind == LOAD_CLOSED && o->loads[i].concurrency > most)
            most = o->loads[i].concurrency;
    return most;
}

/* --- --dry-run --- */

static double estimate_s(const struct run *r)
{
    const struct plan *p = &r->plan;
    double total_s = 0;
    for (size_t i = 0; i < p->cell_count; i++)
        for (int64_t k = 0; k < p->options.num_runs; k++)
            total_s += plan_send_s(p, i, k);
    return total_s;
}

static void dry_head(const struct run *r, struct buf *out)
{
    const struct engine_target *t = &r->target;
    const char *model = r->settings.model;
    buf_text(out, "Plan of an online run (nothing is sent)\n\nserver    ");
    if (t->launch_command != NULL)
        buf_text(out, "started with --launch-command on a free port");
    else if (t->is_launched)
        buf_text(out, "vLLM, started and stopped by inferbench, on a free port");
    for (size_t i = 0; i < t->base_urls.count; i++)
        buf_printf(out, "%s%s", i > 0 ? "\n          " : "", t->base_urls.items[i]);
    buf_printf(out, "\nmodel     %s\nendpoint  %s, %s%s\n\n",
               model != NULL ? model : "the server's only one", t->endpoint,
               t->is_stream ? "streamed" : "in one piece",
               t->api_key != NULL ? ", with a key" : "");
}

/* "100", or the counts of repeats that were drawn by time. */
static void counts_text(const struct plan_cell *c, int64_t num_runs, struct buf *out)
{
    bool is_even = true;
    for (int64_t k = 1; k < num_runs; k++)
        is_even = is_even && c->counts[k] == c->counts[0];
    if (is_even) {
        buf_printf(out, "%" PRId64 " requests a repeat", c->counts[0]);
        return;
    }
    for (int64_t k = 0; k < num_runs && k < MOST_COUNTS_SHOWN; k++)
        buf_printf(out, "%s%" PRId64, k > 0 ? ", " : "", c->counts[k]);
    buf_printf(out, "%s requests by repeat", num_runs > MOST_COUNTS_SHOWN ? ", ..." : "");
}

static void closed_line(const struct load *l, struct buf *out)
{
    buf_printf(out, "closed, %" PRId64 " in flight", l->concurrency);
    if (l->num_prompts != OPT_INT_UNSET)
        buf_printf(out, ", %" PRId64 " requests a repeat", l->num_prompts);
    if (!isnan(l->duration_s))
        buf_printf(out, ", stop sending after %g s", l->duration_s);
}

static void open_line(const struct plan *p, const struct plan_cell *c, struct buf *out)
{
    const struct load *l = c->load;
    if (isinf(l->rate_rps))
        buf_text(out, "open, all due at once");
    else
        buf_printf(out, "open, %s", load_arrival(l));
    if (!isinf(l->rate_rps) && l->arrival == LOAD_GAMMA)
        buf_printf(out, " of burstiness %g", l->burstiness);
    if (!isinf(l->rate_rps))
        buf_printf(out, ", %g requests/s on average", l->rate_rps);
    buf_text(out, ",\n          ");
    counts_text(c, p->options.num_runs, out);
    if (l->max_concurrency != OPT_INT_UNSET)
        buf_printf(out, ", at most %" PRId64 " in flight", l->max_concurrency);
}

/* The loads, as the first scenario has them. */
static void load_lines(const struct plan *p, struct buf *out)
{
    buf_char(out, '\n');
    for (size_t i = 0; i < p->options.load_count; i++) {
        const struct plan_cell *c = &p->cells[i];
        char name[LOAD_NAME_BYTES];
        load_name(c->load, name);
        buf_printf(out, "%-10s", name);
        if (c->load->kind == LOAD_CLOSED)
            closed_line(c->load, out);
        else
            open_line(p, c, out);
        if (c->load->ramp_up_s > 0)
            buf_printf(out, ",\n          ramp-up over %g s", c->load->ramp_up_s);
        buf_char(out, '\n');
    }
}

static const char *setting_of(const struct run *r, const struct plan_cell *c)
{
    bool is_read_back = !r->target.is_launched || r->target.launch_command != NULL;
    bool is_unknown = is_read_back && c->setting->name == NULL && c->arm == PLAN_ARM_NONE;
    return is_unknown ? "as set" : run_settings_cell(c);
}

/* A closed load limited by time sends as many as the server takes. */
static bool is_counted(const struct load *l)
{
    return l->kind == LOAD_OPEN || l->num_prompts != OPT_INT_UNSET;
}

static void cell_line(const struct run *r, size_t index, int64_t *requests,
                      int64_t *tokens, struct buf *out)
{
    const struct plan *p = &r->plan;
    const struct plan_cell *c = &p->cells[index];
    char load[LOAD_NAME_BYTES];
    int64_t n = 0;
    double send_s = 0;
    for (int64_t k = 0; k < p->options.num_runs; k++) {
        n += c->counts[k];
        send_s += plan_send_s(p, index, k);
    }
    if (is_counted(c->load)) {
        *requests += n;
        *tokens += n * c->max_tokens;
    }
    if (c->launch > 0)
        return; /* as in the first one */
    load_name(c->load, load);
    buf_printf(out, "%-18s %-8s %7s %7" PRId64, c->scenario->name, load, setting_of(r, c),
               p->options.num_runs);
    if (is_counted(c->load))
        buf_printf(out, " %9" PRId64 " %13" PRId64, n, n * c->max_tokens);
    else
        buf_printf(out, " %9s %13s", "by time", "by time");
    if (isnan(send_s))
        buf_printf(out, " %10s\n", "-");
    else
        buf_printf(out, " %8.1f s\n", send_s);
}

static void cell_lines(const struct run *r, struct buf *out)
{
    const struct plan *p = &r->plan;
    int64_t requests = 0, tokens = 0;
    bool is_whole = true;
    buf_printf(out, "\n%-18s %-8s %7s %7s %9s %13s %10s\n", "cell", "load",
               run_settings_head(&p->options), "repeats", "requests", "output tokens",
               "sending");
    for (size_t i = 0; i < p->cell_count; i++) {
        cell_line(r, i, &requests, &tokens, out);
        is_whole = is_whole && is_counted(p->cells[i].load);
    }
    run_plan_count(p, out);
    if (is_whole)
        buf_printf(out, ":\n%" PRId64 " requests, at most %" PRId64 " output tokens",
                   requests, tokens);
    if (p->options.warmup_requests > 0)
        buf_printf(out, "\n%" PRId64 " warm-up requests before each repeat, not measured",
                   p->options.warmup_requests);
    buf_char(out, '\n');
}

static void dry_end(const struct run *r, struct buf *out)
{
    double send_s = estimate_s(r);
    buf_printf(out, "limits: %g s a request, %g s after the last send of a repeat\n",
               r->target.request_timeout_s, (double)r->opts->drain_timeout_ns / 1e9);
    if (r->slo_json != NULL)
        buf_printf(out, "%s: %s\n", run_capacity_is_on(r->opts) ? "SLO" : "goodput",
                   r->slo_json);
    if (run_capacity_is_on(r->opts))
        return;
    if (isnan(send_s))
        buf_text(out, "time: unknown (a closed load depends on the server)\n");
    else
        buf_printf(out, "time: about %.0f s plus the last answers\n", send_s);
}

static void dry_cells(const struct run *r, struct buf *out)
{
    if (r->plan.options.is_chat)
        buf_text(
            out,
            "(chat: prompts as text of about as many tokens; the server counts them)\n");
    if (run_capacity_is_on(r->opts))
        return; /* one cell, the others come by and by */
    load_lines(&r->plan, out);
    cell_lines(r, out);
}

const struct run_mode run_online = {
    .name = "online",
    .experiment = ENTRY_ONLINE_EXPERIMENT,
    .flag = ENGINE_ONLINE,
    .options = run_opts_online,
    .option_count = RUN_OPTS_ONLINE,
    .check = check,
    .engine = engine,
    .scenarios = scenarios,
    .loads = loads,
    .settings = settings,
    .dry_head = dry_head,
    .dry_cells = dry_cells,
    .dry_end = dry_end,
    .estimate_s = estimate_s,
};
