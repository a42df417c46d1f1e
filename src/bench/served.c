#include "bench/served.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "bench/phase.h"

static const char *phase_name(const struct bench *b, const struct bench_repeat *r,
                              const char *suffix)
{
    return arena_printf(r->arena, "%s-c%d-r%d%s", b->run_id, (int)r->data.cell,
                        (int)r->data.repeat, suffix);
}

static size_t measured(const struct plan_repeat *plan)
{
    return plan->count - plan->warmup_count;
}

static enum status warm_up(struct bench *b, const struct bench_repeat *r, struct err *e)
{
    struct phase_outcome out;
    const struct phase p = {.name = phase_name(b, r, "w"),
                            .requests = r->plan.requests + measured(&r->plan),
                            .count = r->plan.warmup_count,
                            .load = b->plan->cells[r->data.cell].load};
    return p.count == 0 ? STATUS_OK : phase_run(b, &p, NULL, &out, e);
}

/* What a repeat says of its own: counts, and why it failed if nothing succeeded. */
static enum status judge(struct bench_repeat *r, const struct phase_outcome *out,
                         struct err *why)
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
    r->data.error = arena_strdup(r->arena, why->what);
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
static void tell_short(struct bench *b, const struct phase *p,
                       const struct phase_outcome *out)
{
    int64_t ended = out->ok + out->failed + out->unanswered + out->interrupted;
    if (p->load->kind != LOAD_CLOSED || isnan(p->load->duration_s) ||
        ended < (int64_t)p->count || out->wall_s >= p->load->duration_s ||
        b->is_short_told)
        return;
    b->is_short_told = true;
    log_line(b->log, LOG_WARN,
             "all %zu planned requests ended after %.3g s of --duration %g s; a larger "
             "--num-prompts makes the load last",
             p->count, out->wall_s, p->load->duration_s);
}

/* How often it happened, 0 also where nobody knows. */
static int64_t times(const struct row *f, enum field_id id)
{
    struct value v = f->v[id];
    return v.kind == VALUE_INT ? v.i : 0;
}

static void tell_oddities(const struct bench *b, const struct row *f)
{
    int64_t steps = times(f, FIELD_clock_steps), resent = times(f, FIELD_requests_resent);
    int64_t unended = times(f, FIELD_answers_unended);
    if (steps > 0)
        log_line(b->log, LOG_WARN,
                 "the machine's clock was set %" PRId64
                 " time%s; stamps were re-related, "
                 "latencies are unharmed",
                 steps, str_plural(steps));
    if (resent > 0)
        log_line(b->log, LOG_WARN,
                 "%" PRId64 " request%s sent again on a new connection: the server had "
                 "closed theirs; after two, a server's connections are not reused",
                 resent, resent == 1 ? " was" : "s were");
    if (unended > 0)
        log_line(b->log, LOG_WARN,
                 "%" PRId64 " answer%s said [DONE] and then neither ended nor closed: "
                 "taken to end there, their connections not used again",
                 unended, str_plural(unended));
}

static enum status count(struct bench *b, struct row *f, struct err *e)
{
    const struct session *s = &b->session;
    if (s->ops->counters(s->engine, f, e) != STATUS_OK)
        return e->code;
    tell_oddities(b, f);
    return STATUS_OK;
}

/* The measured phase, between two looks at the server's counters. */
static enum status measure(struct bench *b, const struct phase *p,
                           struct phase_outcome *out, struct row *f, struct err *why)
{
    struct row ignored = {0}; /* while nothing was measured: in no row, but told */
    if (count(b, &ignored, why) != STATUS_OK)
        return why->code;
    sampler_begin(b->session.sampler);
    enum status s = phase_run(b, p, f, out, why);
    sampler_end(b->session.sampler, f);
    if (b->session.facts.root_pid == 0) { /* the sampler saw only ourselves */
        f->v[FIELD_memory_used_mb] = value_null();
        f->v[FIELD_peak_memory_mb] = value_null();
    }
    return s;
}

enum status served_run(struct bench *b, struct bench_repeat *r, struct err *why,
                       struct err *e)
{
    struct phase_outcome out = {0};
    struct err later;
    struct row *f = &r->data.fields;
    const struct phase p = {.name = phase_name(b, r, ""),
                            .requests = r->plan.requests,
                            .due_ns = r->plan.due_ns,
                            .count = measured(&r->plan),
                            .load = b->plan->cells[r->data.cell].load,
                            .repeat = &r->data};
    (void)e; /* a journal that fails ends the phase, and is met again after it */
    enum status s = warm_up(b, r, why);
    if (s == STATUS_OK)
        s = measure(b, &p, &out, f, why);
    if (out.start.ns == 0) /* it did not come to the phase */
        return s;
    r->data.phase_ns = out.start.ns - b->journal->start.ns;
    b->last_load = out.load;
    b->in_flight_mean = out.in_flight_mean;
    if (s == STATUS_OK)
        tell_short(b, &p, &out);
    if (s == STATUS_OK)
        s = judge(r, &out, why);
    if (s != STATUS_OK)
        return s;
    s = count(b, f, &later);
    if (s == STATUS_OK)
        cache_fields(f, &out);
    else if (later.code == STATUS_DIED)
        *why = later;
    return s == STATUS_DIED ? s : STATUS_OK; /* else the numbers are merely unknown */
}

void served_tell(struct bench *b, struct repeat_data *r)
{
    progress_load_done(b->progress, &b->last_load, r->error);
}
