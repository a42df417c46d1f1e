#include "bench/online_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/phase.h"
#include "bench/repeat.h"
#include "bench/setting.h"
#include "plan/arrivals.h"

#define REPEAT_CAP_BYTES ((size_t)16 << 30)

static void close_all(struct online *o)
{
    session_close(&o->session);
    o->lane_count = 0;
}

static enum status open_for(struct online *o, size_t index, struct err *e)
{
    const struct plan_cell *cell = &o->plan->cells[index];
    close_all(o);
    o->settings.enable_prefix_caching = cell->caching;
    o->open_setting = cell->setting;
    o->openings++;
    if (session_open(&o->session, o->ops, &o->settings, &o->watch, e) != STATUS_OK)
        return e->code;
    o->lanes[0] = o->session.lane;
    for (o->lane_count = 1; (int64_t)o->lane_count < o->client_threads; o->lane_count++)
        if (o->ops->lane_new(o->session.engine, &o->lanes[o->lane_count], e) != STATUS_OK)
            return e->code;
    if (o->session.facts.notes != NULL)
        log_line(o->log, LOG_NOTE, "%s", o->session.facts.notes);
    return STATUS_OK;
}

static struct value option_value(int64_t option)
{
    return option != OPT_INT_UNSET ? value_int(option) : value_null();
}

/* How requests come, as it was asked for. */
static void load_options(const struct online *o, const struct load *load, struct row *f)
{
    const struct engine_target *t = o->settings.target;
    bool is_open = load->kind == LOAD_OPEN;
    bool is_gamma = is_open && load->arrival == LOAD_GAMMA && isfinite(load->rate_rps);
    f->v[FIELD_burstiness] = is_gamma ? value_num(load->burstiness) : value_null();
    f->v[FIELD_ramp_up_s] = value_num(load->ramp_up_s);
    f->v[FIELD_num_prompts] = option_value(load->num_prompts);
    f->v[FIELD_duration_s] = value_num(load->duration_s);
    f->v[FIELD_max_concurrency] = is_open ? option_value(load->max_concurrency)
                                          : value_null();
    f->v[FIELD_warmup_requests] = value_int(o->plan->options.warmup_requests);
    f->v[FIELD_stop_at_eos] = value_bool(o->settings.stop_at_eos);
    f->v[FIELD_is_streamed] = value_bool(t->is_stream);
    f->v[FIELD_is_keepalive] = value_bool(t->is_keepalive);
    f->v[FIELD_token_counts] = value_str(t->token_counts);
    f->v[FIELD_extra_body] = value_json(o->body_json);
}

static void load_fields(const struct load *load, struct row *f)
{
    f->v[FIELD_arrival] = value_str(load_arrival(load));
    f->v[FIELD_batch_size] = value_null();
    f->v[FIELD_request_rate] = value_null();
    if (load->kind == LOAD_CLOSED)
        f->v[FIELD_batch_size] = value_int(load->concurrency);
    else if (isinf(load->rate_rps))
        f->v[FIELD_request_rate] = value_str("inf");
    else
        f->v[FIELD_request_rate] = value_num(load->rate_rps);
}

/* The cell's own fields over what the server says of itself. */
static void cell_fields(const struct online *o, const struct plan_cell *cell,
                        struct row *f)
{
    bool is_open = o->session.engine != NULL;
    if (is_open)
        *f = o->session.facts.fields;
    if (o->model_name != NULL)
        f->v[FIELD_model_name] = value_str(o->model_name);
    f->v[FIELD_scenario] = value_str(cell->scenario->name);
    f->v[FIELD_max_output_tokens] = value_int(cell->max_tokens);
    f->v[FIELD_dataset] = value_str(cell->scenario->dataset);
    f->v[FIELD_endpoint] = value_str(o->settings.target->endpoint);
    f->v[FIELD_plan_sha256] = value_str(cell->sha256);
    load_fields(cell->load, f);
    load_options(o, cell->load, f);
    if (o->slo_json != NULL)
        f->v[FIELD_slo] = value_json(o->slo_json);
    if (f->v[FIELD_enable_prefix_caching].kind == VALUE_ABSENT)
        f->v[FIELD_enable_prefix_caching] = value_null();
    const char *hardware = o->hardware_type;
    if (hardware == NULL)
        hardware = is_open ? o->session.facts.hardware_type : "unknown";
    f->v[FIELD_hardware_type] = value_str(hardware);
    if (f->v[FIELD_is_simulated].kind == VALUE_ABSENT)
        f->v[FIELD_is_simulated] = value_null();
}

static enum status fill_setting(const struct online *o, const struct plan_cell *cell,
                                struct arena *a, struct row *f, struct err *e)
{
    const struct setting_place p = {.run_id = o->run_id,
                                    .engine = o->ops->name,
                                    .opening = o->openings,
                                    .position = (int64_t)cell->setting + 1};
    bool is_open = o->session.engine != NULL;
    return setting_fill(&p, is_open ? &o->session.facts : NULL, a, f, e);
}

static enum status draw(const struct online *o, struct plan_which which, struct arena *a,
                        struct plan_repeat *out, struct err *e)
{
    which.vocab_size = o->session.facts.vocab_size;
    which.block_size = o->session.facts.block_size;
    return plan_draw(o->plan, &which, a, out, e);
}

static enum status write_cell(struct online *o, size_t index, struct err *e)
{
    const struct plan_cell *cell = &o->plan->cells[index];
    struct cell_data data = {.has_fixed_lengths = !o->settings.stop_at_eos,
                             .has_gaps = o->with_gaps,
                             .longest_prompt_tokens = TOKENS_UNKNOWN,
                             .ramp_up_s = cell->load->ramp_up_s};
    struct arena a;
    struct plan_repeat first;
    enum status s = STATUS_OK;
    if (cell->load->kind == LOAD_OPEN && cell->load->max_concurrency != OPT_INT_UNSET)
        data.max_concurrency = cell->load->max_concurrency;
    arena_init(&a, REPEAT_CAP_BYTES);
    if (o->session.engine != NULL) {
        s = draw(o, (struct plan_which){.cell = index, .repeat = 1}, &a, &first, e);
        if (s == STATUS_OK) {
            data.shares_prefix = first.shares_prefix;
            data.longest_prompt_tokens = first.longest_tokens;
        }
    }
    cell_fields(o, cell, &data.fields);
    if (s == STATUS_OK)
        s = fill_setting(o, cell, &a, &data.fields, e);
    if (s == STATUS_OK)
        s = journal_cell(o->journal, index, &data, e);
    arena_fini(&a);
    return s;
}

static const char *phase_name(const struct online *o, const struct repeat_data *r,
                              const char *suffix, struct arena *a)
{
    return arena_printf(a, "%s-c%d-r%d%s", o->run_id, (int)r->cell, (int)r->repeat,
                        suffix);
}

static enum status warm_up(struct online *o, const struct plan_repeat *plan,
                           const struct repeat_data *r, struct arena *a, struct err *e)
{
    struct phase_outcome out;
    size_t measured = plan->count - plan->warmup_count;
    const struct phase p = {.name = phase_name(o, r, "w", a),
                            .requests = plan->requests + measured,
                            .count = plan->warmup_count,
                            .load = o->plan->cells[r->cell].load};
    return plan->warmup_count == 0 ? STATUS_OK : phase_run(o, &p, NULL, &out, e);
}

/* What a repeat says of its own: counts, and why it failed if nothing succeeded. */
static enum status judge(struct repeat_data *r, const struct phase_outcome *out,
                         struct arena *a, struct err *why)
{
    int64_t lost = out->failed + out->unanswered;
    if (out->ok > 0 || lost == 0)
        return STATUS_OK;
    const char *first = out->first_error[0] != '\0' ? out->first_error : "not said";
    const char *how = out->failed == 0       ? "stayed unanswered"
                      : out->unanswered == 0 ? "failed"
                                             : "failed or unanswered";
    status_fail(why, STATUS_ENGINE, "requests", "all %" PRId64 " %s, the first: %s", lost,
                how, first);
    r->error = arena_strdup(a, why->what);
    return status_hint(why, "See journal.jsonl for each error");
}

/* Hits: each answer's own, else the server's counters. */
static void cache_fields(struct row *f, const struct phase_outcome *out)
{
    if (out->has_cached_tokens && out->ok > 0) {
        f->v[FIELD_cached_input_tokens] = (struct value){.kind = VALUE_ABSENT};
        f->v[FIELD_cache_hit_rate] = (struct value){.kind = VALUE_ABSENT};
        f->v[FIELD_cache_source] = value_str("usage");
    }
}

/* A closed load that lasts for a time, and has sent all that was drawn before it was
 * over. Said once for each cell. */
static void tell_short(struct online *o, const struct phase *p,
                       const struct phase_outcome *out)
{
    int64_t ended = out->ok + out->failed + out->unanswered + out->interrupted;
    if (p->load->kind != LOAD_CLOSED || isnan(p->load->duration_s) ||
        ended < (int64_t)p->count || out->wall_s >= p->load->duration_s ||
        o->short_told == (size_t)p->repeat->cell + 1)
        return;
    o->short_told = (size_t)p->repeat->cell + 1;
    log_line(o->log, LOG_WARN,
             "all %zu planned requests ended after %.3g s of --duration %g s; a larger "
             "--num-prompts makes the load last",
             p->count, out->wall_s, p->load->duration_s);
}

static void tell_steps(const struct online *o, const struct row *f)
{
    struct value steps = f->v[FIELD_clock_steps];
    if (steps.kind == VALUE_INT && steps.i > 0)
        log_line(o->log, LOG_WARN,
                 "the machine's clock was set %" PRId64
                 " time%s; stamps were re-related, "
                 "latencies are unharmed",
                 steps.i, steps.i == 1 ? "" : "s");
}

static enum status measure(struct online *o, const struct plan_repeat *plan,
                           struct repeat_data *r, struct arena *a, struct err *why)
{
    const struct plan_cell *cell = &o->plan->cells[r->cell];
    struct phase_outcome out;
    struct row ignored = {0};
    struct err later;
    const struct phase p = {.name = phase_name(o, r, "", a),
                            .requests = plan->requests,
                            .due_ns = plan->due_ns,
                            .count = plan->count - plan->warmup_count,
                            .load = cell->load,
                            .repeat = r};
    if (warm_up(o, plan, r, a, why) != STATUS_OK ||
        o->ops->counters(o->session.engine, &ignored, why) != STATUS_OK)
        return why->code;
    tell_steps(o, &ignored); /* while nothing was measured: in no row, but told */
    sampler_begin(o->session.sampler);
    enum status s = phase_run(o, &p, &r->fields, &out, why);
    sampler_end(o->session.sampler, &r->fields);
    if (o->session.facts.root_pid == 0) { /* the sampler saw only ourselves */
        r->fields.v[FIELD_memory_used_mb] = value_null();
        r->fields.v[FIELD_peak_memory_mb] = value_null();
    }
    r->phase_ns = out.start.ns != 0 ? out.start.ns - o->journal->start.ns : 0;
    o->last_load = out.load;
    o->in_flight_mean = out.in_flight_mean;
    if (s == STATUS_OK)
        tell_short(o, &p, &out);
    if (s == STATUS_OK)
        s = judge(r, &out, a, why);
    if (s != STATUS_OK)
        return s;
    if (o->ops->counters(o->session.engine, &r->fields, &later) == STATUS_OK) {
        cache_fields(&r->fields, &out);
        tell_steps(o, &r->fields);
    } else if (later.code == STATUS_DIED) { /* else the numbers are merely unknown */
        *why = later;
        s = later.code;
    }
    return s;
}

/* How many requests the repeat is to send; 0: as many as its time allows. */
static int64_t planned(const struct load *load, const struct plan_repeat *plan)
{
    bool is_timed = load->kind == LOAD_CLOSED && !isnan(load->duration_s);
    return is_timed ? 0 : (int64_t)(plan->count - plan->warmup_count);
}

static enum status run_repeat(struct online *o, size_t cell, int64_t repeat,
                              struct err *why, struct err *e)
{
    struct arena a;
    bool is_done; /* or not: each repeat has its own salt and prefix */
    struct plan_repeat plan = {0};
    struct repeat_data r = {
        .cell = (int32_t)cell, .repeat = (int32_t)repeat, .is_warmup = repeat == 0};
    arena_init(&a, REPEAT_CAP_BYTES);
    enum status s = draw(o, (struct plan_which){.cell = cell, .repeat = repeat}, &a,
                         &plan, why);
    if (s == STATUS_OK)
        s = repeat_empty_cache(&o->session, o->plan->options.is_prefix_warm, repeat,
                               &is_done, why);
    const struct plan_cell *oc = &o->plan->cells[cell];
    progress_repeat(o->progress, o->progress->cell, repeat,
                    oc->max_tokens * (int64_t)(plan.count - plan.warmup_count));
    o->last_load = (struct progress_load){.tokens_per_s = (double)NAN,
                                          .ttft_p50_ms = (double)NAN,
                                          .ttft_p99_ms = (double)NAN,
                                          .itl_p50_ms = (double)NAN,
                                          .itl_p99_ms = (double)NAN};
    r.requests_planned = planned(oc->load, &plan);
    r.expected_cached_tokens = s == STATUS_OK ? plan.expected_cached_tokens
                                              : TOKENS_UNKNOWN;
    r.start_ns = clock_since(o->journal->start).ns;
    enum status w = journal_repeat(o->journal, &r, e);
    if (w == STATUS_OK && s == STATUS_OK)
        s = measure(o, &plan, &r, &a, why);
    if (s != STATUS_OK && r.error == NULL)
        r.error = repeat_cause(s, why, &a);
    if (w == STATUS_OK)
        w = journal_repeat_end(o->journal, &r, e);
    if (w == STATUS_OK)
        progress_load_done(o->progress, &o->last_load, r.error);
    arena_fini(&a);
    return w != STATUS_OK ? w : s;
}

static enum status record_unopened(struct online *o, size_t cell, const struct err *why,
                                   struct err *e)
{
    int64_t start_ns = clock_since(o->journal->start).ns;
    struct repeat_data r = repeat_unopened(cell, start_ns, why);
    if (write_cell(o, cell, e) != STATUS_OK ||
        journal_repeat(o->journal, &r, e) != STATUS_OK ||
        journal_repeat_end(o->journal, &r, e) != STATUS_OK)
        return e->code;
    progress_repeat_done(o->progress, (double)NAN, r.error);
    return STATUS_OK;
}

static const char *cell_name(const struct online *o, size_t index)
{
    const struct plan_cell *c = &o->plan->cells[index];
    const char *name;
    if (c->load->kind == LOAD_CLOSED)
        name = arena_printf(o->arena, "%s c=%lld", c->scenario->name,
                            (long long)c->load->concurrency);
    else
        name = arena_printf(o->arena, "%s %g/s", c->scenario->name, c->load->rate_rps);
    return name != NULL ? name : c->scenario->name;
}

struct cell_run {
    struct online *o;
    size_t cell;
};

static enum status run_one(void *arg, int64_t repeat, struct err *why, struct err *e)
{
    const struct cell_run *c = arg;
    return run_repeat(c->o, c->cell, repeat, why, e);
}

static enum status run_cell(void *arg, size_t index, struct err *why, struct err *e)
{
    struct online *o = arg;
    enum status s = STATUS_OK;
    progress_repeat(o->progress, cell_name(o, index), 0, 0);
    if (o->session.engine == NULL || o->open_setting != o->plan->cells[index].setting)
        s = open_for(o, index, why);
    if (s != STATUS_OK) {
        close_all(o);
        enum status w = record_unopened(o, index, why, e);
        return w != STATUS_OK ? w : s;
    }
    if (write_cell(o, index, e) != STATUS_OK)
        return e->code;
    struct cell_run c = {.o = o, .cell = index};
    o->in_flight_mean = 0;
    const struct repeats all = {.count = o->plan->options.num_runs,
                                .watch = &o->watch,
                                .arg = &c,
                                .run = run_one};
    s = repeat_all(&all, why, e);
    if (s != STATUS_OK)
        close_all(o);
    return s;
}

enum status online_run(struct online *o, struct cells_outcome *out, struct err *e)
{
    const struct cells cells = {.count = o->plan->cell_count,
                                .pause = o->pause,
                                .log = o->log,
                                .arg = o,
                                .run = run_cell};
    enum status s = cells_run(&cells, out, e);
    close_all(o);
    return s;
}
