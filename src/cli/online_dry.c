#include "cli/online_dry.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/run_dry.h"
#include "plan/arrivals.h"

#define MOST_COUNTS_SHOWN 5

double online_dry_estimate_s(const struct plan *p)
{
    double total_s = 0;
    for (size_t i = 0; i < p->cell_count; i++)
        for (int64_t k = 0; k < p->options.num_runs; k++)
            total_s += plan_send_s(p, i, k);
    return total_s;
}

static void server_lines(const struct online_job *j, struct buf *out)
{
    const struct engine_target *t = &j->target;
    const char *model = j->settings.model;
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

static const char *caching_of(const struct online_job *j, const struct plan_cell *c)
{
    if (!j->target.is_launched || j->target.launch_command != NULL)
        return "as set";
    return c->caching ? "on" : "off";
}

/* A closed load limited by time sends as many as the server takes. */
static bool is_counted(const struct load *l)
{
    return l->kind == LOAD_OPEN || l->num_prompts != OPT_INT_UNSET;
}

static void cell_line(const struct online_job *j, size_t index, int64_t *requests,
                      int64_t *tokens, struct buf *out)
{
    const struct plan *p = &j->plan;
    const struct plan_cell *c = &p->cells[index];
    char load[LOAD_NAME_BYTES];
    int64_t n = 0;
    double send_s = 0;
    for (int64_t k = 0; k < p->options.num_runs; k++) {
        n += c->counts[k];
        send_s += plan_send_s(p, index, k);
    }
    load_name(c->load, load);
    buf_printf(out, "%-18s %-8s %7s %7" PRId64, c->scenario->name, load, caching_of(j, c),
               p->options.num_runs);
    if (is_counted(c->load)) {
        buf_printf(out, " %9" PRId64 " %13" PRId64, n, n * c->max_tokens);
        *requests += n;
        *tokens += n * c->max_tokens;
    } else {
        buf_printf(out, " %9s %13s", "by time", "by time");
    }
    if (isnan(send_s))
        buf_printf(out, " %10s\n", "-");
    else
        buf_printf(out, " %8.1f s\n", send_s);
}

static void cell_lines(const struct online_job *j, struct buf *out)
{
    const struct plan *p = &j->plan;
    int64_t requests = 0, tokens = 0;
    bool is_whole = true;
    buf_printf(out, "\n%-18s %-8s %7s %7s %9s %13s %10s\n", "cell", "load", "caching",
               "repeats", "requests", "output tokens", "sending");
    for (size_t i = 0; i < p->cell_count; i++) {
        cell_line(j, i, &requests, &tokens, out);
        is_whole = is_whole && is_counted(p->cells[i].load);
    }
    buf_printf(out, "\n%zu cell%s x %" PRId64 " repeats (repeat 0 is the warm-up)",
               p->cell_count, p->cell_count == 1 ? "" : "s", p->options.num_runs);
    if (is_whole)
        buf_printf(out, ":\n%" PRId64 " requests, at most %" PRId64 " output tokens",
                   requests, tokens);
    if (p->options.warmup_requests > 0)
        buf_printf(out, "\n%" PRId64 " warm-up requests before each repeat, not measured",
                   p->options.warmup_requests);
    buf_char(out, '\n');
}

static void limit_lines(const struct online_job *j, struct buf *out)
{
    double send_s = online_dry_estimate_s(&j->plan);
    buf_printf(out, "limits: %g s a request, %g s after the last send of a repeat\n",
               j->target.request_timeout_s, (double)j->opts.drain_timeout_ns / 1e9);
    if (j->slo_json != NULL)
        buf_printf(out, "goodput: %s\n", j->slo_json);
    if (isnan(send_s))
        buf_text(out, "time: unknown (a closed load depends on the server)\n");
    else
        buf_printf(out, "time: about %.0f s plus the last answers\n", send_s);
    buf_printf(out, "plan: sha256 %s\n", j->plan.sha256);
}

enum status online_dry_text(const struct online_job *j, struct buf *out, struct err *e)
{
    const struct plan *p = &j->plan;
    server_lines(j, out);
    run_dry_scenarios(
        &(struct scenario_list){p->options.scenarios, p->options.scenario_count},
        p->options.max_tokens, out);
    if (p->options.is_chat)
        buf_text(
            out,
            "(chat: prompts as text of about as many tokens; the server counts them)\n");
    load_lines(p, out);
    cell_lines(j, out);
    run_dry_order(p->options.caching_count, out);
    limit_lines(j, out);
    return out->failed == STATUS_OK ? STATUS_OK
                                    : status_fail(e, out->failed, "--dry-run",
                                                  "the plan is too long to print");
}
