#include "bench/phase.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "bench/lane.h"
#include "bench/live.h"
#include "bench/steady.h"

#define WRITE_PAUSE_S  0.02
#define START_DELAY_S  0.005
#define CONNS_AT_ONCE  1024 /* that a lane opens beforehand where all is sent at once */
#define WARMUP_SLOTS   8
#define FIRST_ANSWER_S 60 /* least time for the first answer of a closed load */
#define ARENA_BYTES    ((size_t)4 << 30)

struct run {
    struct bench *b;
    const struct phase *phase;
    struct phase_outcome *out;
    struct arena arena;
    struct lane *lanes; /* [count] */
    size_t count;
    int32_t *positions; /* of each request in its lane, from the first index on */
    uint8_t *lane_of;   /* of each, likewise */
    struct share {
        struct engine_request *requests; /* [count] */
        int64_t *due_ns;                 /* [count] */
        size_t count;
    } * shares;            /* [count] of each lane */
    int64_t in_flight_max; /* of all lanes together */
    struct request_record_scratch scratch;
    struct live live;
    struct steady steady;
    int64_t in_flight_ns; /* sum over requests, from send to end */
    struct err failed;    /* of the writer */
};

static int64_t in_flight_max(const struct bench_share *share, const struct phase *p)
{
    int64_t max = 0;
    for (size_t i = 0; i < p->count; i++)
        max += p->requests[i].after == NULL;
    int64_t limit = max;
    if (p->load->kind == LOAD_CLOSED)
        limit = p->load->concurrency;
    else if (p->load->max_concurrency != OPT_INT_UNSET)
        limit = p->load->max_concurrency;
    if (p->repeat == NULL && limit > WARMUP_SLOTS)
        limit = WARMUP_SLOTS;
    limit = share_part(limit, share->rank, share_count(share));
    limit = limit > 1 ? limit : 1;
    return limit < max ? limit : max;
}

static bool is_closed(const struct phase *p)
{
    return p->repeat == NULL || p->load->kind == LOAD_CLOSED;
}

/* A core of its own for each lane where the machine has twice as many and two more; not
 * beside an engine that computes on these cores. */
static int cpu_for(const struct run *r, size_t lane)
{
    const char *hardware = r->b->session.facts.hardware_type;
    bool is_engine_here = hardware != NULL && strcmp(hardware, "cpu") == 0;
    return is_engine_here
               ? -1
               : thread_spare_cpu((int)lane, 2 * (int)r->b->session.lane_count + 2);
}

/* A real engine computes on the cores of this machine, and has none to spare: its threads
 * never sleep, and a lane that waits for its turn would see a whole answer at once. */
static bool goes_first(const struct run *r, int cpu)
{
    const struct engine_facts *facts = &r->b->session.facts;
    return cpu < 0 && r->b->session.settings.target->is_local &&
           !field_is_true(&facts->fields, FIELD_is_simulated);
}

/* Which lane each request is for: every n-th that waits for none, with all that wait for
 * it; and its position there. */
static void deal(struct run *r)
{
    const struct phase *p = r->phase;
    size_t dealt = 0;
    for (size_t k = 0; k < p->count; k++) {
        const struct engine_request *after = p->requests[k].after;
        int32_t at = p->requests[k].index - p->requests[0].index;
        uint8_t lane = (uint8_t)(dealt % r->count);
        if (after != NULL)
            lane = r->lane_of[after->index - p->requests[0].index];
        dealt += after == NULL;
        r->lane_of[at] = lane;
        r->positions[at] = (int32_t)r->shares[lane].count++;
    }
}

/* The lanes' requests, one share behind the other. */
static enum status share_out(struct run *r, struct err *e)
{
    const struct phase *p = r->phase;
    int32_t first = p->requests[0].index;
    size_t span = (size_t)(p->requests[p->count - 1].index - first) + 1, begin = 0;
    struct engine_request *requests = arena_alloc(&r->arena, p->count, sizeof *requests);
    int64_t *due_ns = arena_alloc(&r->arena, p->count, sizeof *due_ns);
    r->positions = arena_alloc(&r->arena, span, sizeof *r->positions);
    r->lane_of = arena_alloc(&r->arena, span, sizeof *r->lane_of);
    r->shares = arena_alloc(&r->arena, r->count, sizeof *r->shares);
    if (requests == NULL || due_ns == NULL || r->positions == NULL ||
        r->lane_of == NULL || r->shares == NULL)
        return status_no_memory(e, "client threads");
    deal(r);
    for (size_t i = 0; i < r->count; begin += r->shares[i++].count) {
        r->shares[i].requests = requests + begin;
        r->shares[i].due_ns = due_ns + begin;
    }
    for (size_t k = 0; k < p->count; k++) {
        int32_t at = p->requests[k].index - first;
        const struct share *share = &r->shares[r->lane_of[at]];
        share->requests[r->positions[at]] = p->requests[k];
        share->due_ns[r->positions[at]] = p->due_ns != NULL ? p->due_ns[k] : 0;
    }
    return STATUS_OK;
}

static struct lane_work work_of(const struct run *r, size_t i)
{
    const struct phase *p = r->phase;
    const struct share *share = &r->shares[i];
    bool is_warmup = p->repeat == NULL;
    struct lane_work w = {.requests = share->requests,
                          .positions = r->positions,
                          .first_index = p->requests[0].index,
                          .due_ns = is_closed(p) ? NULL : share->due_ns,
                          .count = share->count,
                          .in_flight_max = share_part(r->in_flight_max, i, r->count),
                          .is_closed = is_closed(p),
                          .ramp_up_s = is_warmup ? 0 : p->load->ramp_up_s,
                          .duration_s = is_warmup ? (double)NAN : p->load->duration_s,
                          .drain_timeout_s = r->b->drain_timeout_s,
                          .first_answer_s = FIRST_ANSWER_S,
                          .cpu = cpu_for(r, i)};
    w.goes_first = goes_first(r, w.cpu);
    return w;
}

/* Connections of lane i that stand before the phase, as many as are expected in flight:
 * an idle one may hold a thread of the server. In an open load that is the mean of the
 * cell's last repeat; where there is none yet, 1 of all lanes together. */
static int64_t connections(const struct run *r, size_t i)
{
    const struct load *load = r->phase->load;
    int64_t max = r->lanes[i].work.in_flight_max;
    if (load->kind == LOAD_CLOSED)
        return max;
    if (isinf(load->rate_rps))
        return max < CONNS_AT_ONCE ? max : CONNS_AT_ONCE;
    int64_t mean = share_part((int64_t)ceil(fmax(1, r->b->in_flight_mean)), i, r->count);
    return mean < max ? mean : max;
}

static struct engine_prepare ready_for(const struct run *r, size_t i)
{
    struct lane *l = &r->lanes[i];
    return (struct engine_prepare){.requests = l->work.requests,
                                   .count = l->work.count,
                                   .name = r->phase->name,
                                   .connections = connections(r, i),
                                   .connections_max = l->work.in_flight_max,
                                   .is_closed_load = l->work.is_closed,
                                   .watch = &r->b->watch,
                                   .lag_ns = &l->cost.lag_ns};
}

/* All lanes let go before one connects, those without work too. */
static enum status connect_lanes(struct run *r, struct err *e)
{
    const struct session *s = &r->b->session;
    for (size_t i = 0; i < s->lane_count; i++) {
        struct engine_prepare p = {.count = 0};
        if (i < r->count)
            p = ready_for(r, i);
        s->ops->trim(s->lanes[i], &p);
    }
    for (size_t i = 0; i < r->count; i++) {
        const struct engine_prepare p = ready_for(r, i);
        if (s->ops->prepare(s->lanes[i], &p, e) != STATUS_OK)
            return e->code;
    }
    return STATUS_OK;
}

static enum status make_lanes(struct run *r, struct err *e)
{
    const struct session *s = &r->b->session;
    r->in_flight_max = in_flight_max(&r->b->share, r->phase);
    r->count = (int64_t)s->lane_count < r->in_flight_max ? s->lane_count
                                                         : (size_t)r->in_flight_max;
    r->lanes = arena_alloc(&r->arena, r->count, sizeof *r->lanes);
    if (r->lanes == NULL)
        return status_no_memory(e, "client threads");
    size_t room = lane_room(r->phase->requests, r->phase->count);
    if (share_out(r, e) != STATUS_OK ||
        request_record_scratch_init(&r->scratch, room, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; i < r->count; i++) {
        const struct lane_work w = work_of(r, i);
        if (lane_init(&r->lanes[i], s->ops, s->lanes[i], &w, e) != STATUS_OK)
            return e->code;
    }
    return connect_lanes(r, e);
}

/* --- the writer */

static void count_record(struct run *r, const struct request_record *q)
{
    struct phase_outcome *out = r->out;
    if (q->status == RECORD_OK) {
        out->ok++;
        out->has_cached_tokens = out->has_cached_tokens &&
                                 q->tokens_cached != TOKENS_UNKNOWN;
    } else if (q->status == RECORD_INTERRUPTED) {
        out->interrupted++;
    } else {
        out->failed += q->status == RECORD_FAILED;
        out->unanswered += q->status == RECORD_UNANSWERED;
        if (out->first_error[0] == '\0' && q->error != NULL)
            (void)snprintf(out->first_error, sizeof out->first_error, "%s", q->error);
    }
}

static void write_flight(struct run *r, struct flight *f)
{
    struct request_record q;
    struct bench *b = r->b;
    bool is_whole = !b->session.settings.target->is_stream;
    request_record_finish(f, b->journal->start, is_whole, &r->scratch, &q);
    count_record(r, &q);
    if (f->sent.ns != NS_UNKNOWN)
        r->in_flight_ns += f->done.ns - f->sent.ns;
    live_record(&r->live, &q);
    steady_record(&r->steady, &q);
    if (r->phase->ended != NULL)
        r->phase->ended(r->phase->ended_arg, f);
    if (r->phase->repeat == NULL || r->failed.code != STATUS_OK)
        return;
    enum status s = journal_request(b->journal, r->phase->repeat, &q, b->with_gaps,
                                    &r->failed);
    (void)s; /* kept in r->failed: the lanes are stopped for it */
}

/* Everything that has ended by now; true if there was anything. */
static bool write_ended(struct run *r)
{
    bool is_any = false;
    for (size_t i = 0; i < r->count; i++) {
        struct flight *f;
        while ((f = lane_take(&r->lanes[i])) != NULL) {
            write_flight(r, f);
            lane_give_back(&r->lanes[i], f);
            thread_yield(); /* it may be on the core of a lane that is to send */
            is_any = true;
        }
    }
    return is_any;
}

static void stop_lanes(struct run *r)
{
    for (size_t i = 0; i < r->count; i++)
        atomic_store(&r->lanes[i].stop, true);
}

static bool are_over(struct run *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!atomic_load(&r->lanes[i].is_over))
            return false;
    return true;
}

static const char *phase_now(const struct run *r, struct instant now, bool is_sending)
{
    double since_s = clock_to_s(clock_between(r->out->start, now));
    if (r->phase->repeat == NULL)
        return "warm-up";
    if (since_s < r->phase->load->ramp_up_s)
        return "ramp-up";
    return is_sending ? "running" : "drain";
}

/* How much of the repeat is over: by requests, or by the time that a closed load has. */
static double share_over(const struct run *r, int64_t ended, struct instant now)
{
    double share = (double)ended / (double)r->phase->count;
    double duration_s = r->phase->load->duration_s;
    if (is_closed(r->phase) && r->phase->repeat != NULL && !isnan(duration_s))
        share = fmax(share, clock_to_s(clock_between(r->out->start, now)) / duration_s);
    return fmin(share, 1);
}

static void tell(struct run *r)
{
    struct instant now = clock_now();
    struct engine_progress p = {.stage = "running", .since = r->out->start};
    struct progress_load *load = &r->live.shown;
    load->sent = load->done = load->failed = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct lane *l = &r->lanes[i];
        p.tokens_out += atomic_load_explicit(&l->tokens, memory_order_relaxed);
        load->done += atomic_load_explicit(&l->ok, memory_order_relaxed);
        load->failed += atomic_load_explicit(&l->bad, memory_order_relaxed);
        load->sent += atomic_load_explicit(&l->sent, memory_order_relaxed);
    }
    load->in_flight = load->sent - load->done - load->failed;
    load->share = share_over(r, load->done + load->failed, now);
    load->phase = phase_now(r, now, load->sent < (int64_t)r->phase->count);
    if (r->b->watch.tick != NULL)
        r->b->watch.tick(r->b->watch.arg, &p);
    progress_load(r->b->progress, live_turn(&r->live, now, p.tokens_out));
}

static void sample(struct run *r)
{
    struct err died;
    if (r->failed.code == STATUS_OK &&
        r->b->session.ops->sample(r->b->session.engine, &died) != STATUS_OK)
        r->failed = died;
}

/* Of the writer, else of a lane. */
static enum status first_failure(const struct run *r, struct err *e)
{
    *e = r->failed;
    for (size_t i = 0; i < r->count && e->code == STATUS_OK; i++)
        *e = r->lanes[i].failed;
    return e->code;
}

static enum status write_until_over(struct run *r, struct err *e)
{
    const struct engine_watch *w = &r->b->watch;
    bool is_stopped = false;
    for (bool is_over = false; !is_over;) {
        is_over = are_over(r);
        bool is_any = write_ended(r);
        tell(r);
        sample(r);
        if (w->stop != NULL && w->stop(w->arg))
            is_stopped = true;
        if (is_stopped || r->failed.code != STATUS_OK)
            stop_lanes(r);
        if (!is_over && !is_any)
            clock_sleep_until(clock_after(clock_now(), clock_seconds(WRITE_PAUSE_S)));
    }
    if (first_failure(r, e) != STATUS_OK)
        return e->code;
    return is_stopped ? status_fail(e, STATUS_INTERRUPTED, "run", "stopped by a signal")
                      : STATUS_OK;
}

/* --- what the client cost */

static void client_fields(struct run *r, struct row *f)
{
    struct lane_cost *all = &r->lanes[0].cost;
    for (size_t i = 1; i < r->count; i++) {
        const struct lane_cost *c = &r->lanes[i].cost;
        hist_merge(&all->lag_ns, &c->lag_ns);
        hist_merge(&all->late_ns, &c->late_ns);
        all->windows += c->windows;
        all->busy_windows += c->busy_windows;
        all->wakes += c->wakes;
        all->wait_ns += c->wait_ns;
    }
    int64_t lag_ns = hist_quantile_ns(&all->lag_ns, 0.99);
    int64_t late_ns = hist_quantile_ns(&all->late_ns, 0.99);
    const struct phase_outcome *out = r->out;
    f->v[FIELD_client_cpu_ratio] = value_num(out->cpu_s / out->wall_s);
    f->v[FIELD_client_busy_windows] = value_int(all->busy_windows);
    f->v[FIELD_client_busy_share] = value_num(
        all->windows > 0 ? (double)all->busy_windows / (double)all->windows : 0.0);
    f->v[FIELD_loop_lag_p99_s] = value_num(
        lag_ns == NS_UNKNOWN ? 0.0 : (double)lag_ns / (double)NS_PER_S);
    f->v[FIELD_core_wait_mean_s] = value_num((double)all->wait_ns / (double)NS_PER_S /
                                             (double)all->wakes);
    f->v[FIELD_stamp_late_p99_ms] = value_num(
        late_ns == NS_UNKNOWN ? (double)NAN : (double)late_ns / (double)NS_PER_MS);
}

static void begin_steady(struct run *r)
{
    const struct phase *p = r->phase;
    bool is_warmup = p->repeat == NULL;
    struct span since = clock_between(r->b->journal->start, r->out->start);
    steady_begin(&r->steady,
                 (struct steady_load){.is_whole = isinf(p->load->rate_rps),
                                      .slots = is_closed(p) ? r->in_flight_max : 0,
                                      .ramp_up_s = is_warmup ? 0 : p->load->ramp_up_s},
                 since.ns);
}

static enum status run_lanes(struct run *r, struct err *e)
{
    struct instant start = clock_after(clock_now(), clock_seconds(START_DELAY_S));
    struct bench *b = r->b;
    size_t started = 0;
    enum status s = STATUS_OK;
    if (b->start != NULL && r->phase->repeat != NULL)
        s = b->start(b->start_arg, &start, e);
    if (s != STATUS_OK)
        return s;
    struct span cpu = clock_process_cpu();
    r->out->start = start;
    begin_steady(r);
    for (; started < r->count && s == STATUS_OK; started++)
        s = lane_start(&r->lanes[started], r->out->start, e);
    if (s != STATUS_OK) {
        started--;
        stop_lanes(r);
    } else {
        s = write_until_over(r, e);
    }
    for (size_t i = 0; i < started; i++)
        lane_join(&r->lanes[i]);
    r->out->wall_s = clock_to_s(clock_since(r->out->start));
    r->out->cpu_s = clock_to_s((struct span){clock_process_cpu().ns - cpu.ns});
    r->out->in_flight_mean = clock_to_s((struct span){r->in_flight_ns}) / r->out->wall_s;
    return s;
}

enum status phase_run(struct bench *b, const struct phase *p, struct row *fields,
                      struct phase_outcome *out, struct err *e)
{
    struct run r = {.b = b, .phase = p, .out = out, .failed = {.code = STATUS_OK}};
    *out = (struct phase_outcome){.has_cached_tokens = true};
    arena_init(&r.arena, ARENA_BYTES);
    enum status s = live_init(&r.live, clock_now(), e);
    if (s == STATUS_OK)
        s = steady_init(&r.steady, e);
    if (s == STATUS_OK)
        s = make_lanes(&r, e);
    if (s == STATUS_OK)
        s = run_lanes(&r, e);
    if (fields != NULL && out->start.ns != 0)
        client_fields(&r, fields);
    out->load = *live_end(&r.live, steady_rate(&r.steady));
    live_fini(&r.live);
    steady_fini(&r.steady);
    for (size_t i = 0; i < r.count && r.lanes != NULL; i++)
        lane_fini(&r.lanes[i]);
    request_record_scratch_fini(&r.scratch);
    arena_fini(&r.arena);
    return s;
}
