#include "bench/lane.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"

#define EVENTS     1024
#define WAIT_NS    (100 * NS_PER_MS)
#define WINDOW_NS  (100 * NS_PER_MS)
#define SETTLE_NS  (500 * NS_PER_MS)
#define BUSY_SHARE 0.8

size_t lane_room(const struct engine_request *requests, size_t count)
{
    int64_t most = 1;
    for (size_t i = 0; i < count; i++)
        if (requests[i].max_tokens > most)
            most = requests[i].max_tokens;
    return (size_t)(most + most / 4) + LANE_EVENTS_EXTRA;
}

/* Flights for as many requests as can be in flight and on their way to the writer. */
static enum status make_flights(struct lane *l, struct err *e)
{
    size_t room = lane_room(l->work.requests, l->work.count);
    size_t bytes = (request_record_bytes(room) + 7) / 8 * 8;
    l->flight_count = l->work.count;
    l->flights = mem_alloc(l->flight_count, sizeof *l->flights);
    l->memory = mem_alloc(l->flight_count, bytes);
    l->free = mem_alloc(l->flight_count, sizeof(struct flight *));
    l->of = mem_alloc(l->work.count, sizeof(struct flight *));
    l->pauses = mem_alloc((size_t)l->work.in_flight_max, sizeof *l->pauses);
    if (l->flights == NULL || l->memory == NULL || l->free == NULL || l->of == NULL ||
        l->pauses == NULL)
        return status_no_memory(e, "requests in flight");
    for (size_t i = 0; i < l->flight_count; i++) {
        request_record_place(&l->flights[i], (char *)l->memory + i * bytes, room);
        l->free[i] = &l->flights[l->flight_count - 1 - i];
    }
    l->free_count = l->flight_count;
    return STATUS_OK;
}

enum status lane_init(struct lane *l, const struct engine_ops *ops,
                      struct engine_lane *engine, const struct lane_work *work,
                      struct err *e)
{
    *l = (struct lane){.ops = ops, .engine = engine, .work = *work};
    l->last_send.ns = l->heard.ns = l->longest_ns = NS_UNKNOWN;
    if (ring_init(&l->ended, work->count + 1, e) != STATUS_OK ||
        ring_init(&l->given_back, work->count + 1, e) != STATUS_OK ||
        hist_init(&l->cost.lag_ns, e) != STATUS_OK ||
        hist_init(&l->cost.late_ns, e) != STATUS_OK)
        return e->code;
    l->order = (struct order){.requests = work->requests,
                              .count = work->count,
                              .positions = work->positions,
                              .first_index = work->first_index};
    for (size_t i = 0; work->due_ns != NULL && i < work->count; i++)
        if (work->requests[i].after == NULL)
            l->last_due_ns = work->due_ns[i];
    if (order_init(&l->order, e) != STATUS_OK)
        return e->code;
    return make_flights(l, e);
}

void lane_fini(struct lane *l)
{
    ring_fini(&l->ended);
    ring_fini(&l->given_back);
    order_fini(&l->order);
    hist_fini(&l->cost.lag_ns);
    hist_fini(&l->cost.late_ns);
    mem_free(l->flights);
    mem_free(l->memory);
    mem_free(l->free);
    mem_free(l->of);
    mem_free(l->pauses);
    *l = (struct lane){0};
}

struct flight *lane_take(struct lane *l)
{
    return ring_take(&l->ended);
}

void lane_give_back(struct lane *l, struct flight *f)
{
    bool is_put = ring_put(&l->given_back, f); /* as many places as flights */
    (void)is_put;
}

/* A flight of the request at a position, which is sent or given up now. */
static struct flight *begin(struct lane *l, size_t position, int32_t slot,
                            struct instant due)
{
    struct flight *back;
    while ((back = ring_take(&l->given_back)) != NULL)
        l->free[l->free_count++] = back;
    const struct engine_request *r = &l->work.requests[position];
    struct flight *f = l->free[--l->free_count];
    request_record_begin(f, r->index, slot, r->max_tokens);
    f->due = due;
    l->of[position] = f;
    atomic_fetch_add_explicit(&l->sent, 1, memory_order_relaxed);
    return f;
}

static void send_next(struct lane *l, int32_t slot, struct instant due,
                      struct instant ready)
{
    const struct order_turn *turn = order_turn(&l->order);
    if (turn != NULL)
        due = turn->at;
    size_t position = order_take(&l->order);
    begin(l, position, slot, due)->ready = ready;
    l->is_held = false;
    l->in_flight++;
    l->last_send = clock_now();
    if (l->ops->submit(l->engine, &l->work.requests[position], &l->failed) != STATUS_OK)
        atomic_store(&l->stop, true);
}

static bool has_more(const struct lane *l)
{
    return order_has_more(&l->order) &&
           !atomic_load_explicit(&l->stop, memory_order_relaxed);
}

static bool is_past_duration(const struct lane *l, struct instant t)
{
    return l->work.duration_s > 0 && /* NAN is not */
           t.ns - l->start.ns >= clock_seconds(l->work.duration_s).ns;
}

/* Is there a request to send at t, or later? All of an open load are due within its
 * duration, and are sent however late. */
static bool may_send(const struct lane *l, struct instant t)
{
    return has_more(l) && !(l->work.is_closed && is_past_duration(l, t));
}

/* Slots pause equally long: the first to begin is the first to end. */
static void pause_slot(struct lane *l, int32_t slot, struct instant at)
{
    size_t room = (size_t)l->work.in_flight_max;
    l->pauses[(l->pause_first + l->pause_count++) % room] = (struct lane_pause){
        .slot = slot, .due = {.ns = at.ns + LANE_PAUSE_NS}};
}

/* Of an open load; unknown for one that waits for another. */
static struct instant due_of(const struct lane *l, size_t position)
{
    if (l->work.requests[position].after != NULL)
        return (struct instant){NS_UNKNOWN};
    return (struct instant){.ns = l->start.ns + l->work.due_ns[position]};
}

static struct instant next_due(const struct lane *l)
{
    const struct order_turn *turn = order_turn(&l->order);
    if (turn != NULL)
        return turn->at;
    return due_of(l, l->order.next);
}

/* A slot has become free at `at`. Its next send is no sign of the server: what freed the
 * slot is, unless it was a timeout. */
static void slot_freed(struct lane *l, int32_t slot, struct instant at, bool was_refused)
{
    if (!may_send(l, at))
        return;
    if (l->work.is_closed) {
        if (was_refused)
            pause_slot(l, slot, at);
        else
            send_next(l, slot, at, at);
        return;
    }
    bool was_full = l->in_flight == l->work.in_flight_max - 1;
    struct instant due = next_due(l);
    if (was_full && due.ns <= at.ns)
        send_next(l, 0, due, at);
}

static int64_t later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

static void leave_unanswered(const struct lane *l, struct flight *f)
{
    const char *what = "answer unfinished %g s after the last send";
    if (l->is_silent && l->gave_up_s > l->work.drain_timeout_s)
        what = "no data received for %g s, all slots busy";
    else if (l->is_silent)
        what = "no data received for %g s (--drain-timeout), all slots busy";
    else if (l->is_held && l->work.duration_s > 0)
        what = "answer unfinished %g s after the duration";
    else if (l->is_held)
        what = "no slot was free for %g s";
    f->status = RECORD_UNANSWERED;
    (void)snprintf(f->error, sizeof f->error, what, l->gave_up_s);
}

/* Nothing more comes of it: the writer's turn. */
static void put_ended(struct lane *l, struct flight *f)
{
    atomic_fetch_add_explicit(f->status == RECORD_OK ? &l->ok : &l->bad, 1,
                              memory_order_relaxed);
    bool is_put = ring_put(&l->ended, f); /* as many places as flights */
    (void)is_put;
}

/* A request that will never be sent: nobody answers it. */
static void give_up(struct lane *l, size_t position, struct instant due, const char *why)
{
    struct flight *f = begin(l, position, 0, due);
    f->status = RECORD_UNANSWERED;
    (void)snprintf(f->error, sizeof f->error, "never sent: %s", why);
    put_ended(l, f);
}

/* Whoever waited for this one is next, or gives up with it. */
static void release_follower(struct lane *l, size_t position, const struct flight *ended)
{
    int32_t follower = order_follower(&l->order, position);
    if (follower < 0 || atomic_load_explicit(&l->stop, memory_order_relaxed))
        return;
    if (ended->status == RECORD_OK) {
        if (l->work.release != NULL)
            l->work.release(l->work.release_arg, &l->work.requests[follower], ended);
        order_release(&l->order, follower, ended->done);
        return;
    }
    for (; follower >= 0; follower = order_follower(&l->order, (size_t)follower))
        give_up(l, (size_t)follower, (struct instant){NS_UNKNOWN},
                "the request before it failed");
}

static void take_event(struct lane *l, const struct event *ev)
{
    size_t at = order_position(&l->order, ev->request);
    struct flight *f = l->of[at];
    if (ev->kind == EVENT_TOKENS) {
        int64_t tokens = ev->tokens >= 0 ? ev->tokens : ev->cls != EVENT_FINISH;
        atomic_fetch_add_explicit(&l->tokens, tokens, memory_order_relaxed);
        if (ev->stamp == EVENT_EXACT && ev->read_at.ns != NS_UNKNOWN)
            (void)hist_record(&l->cost.late_ns, ev->read_at.ns - ev->at.ns);
    }
    if (!request_record_event(f, ev))
        return;
    int32_t slot = f->slot;
    bool was_refused = f->fail == FAIL_refused;
    if (l->has_given_up && f->status == RECORD_INTERRUPTED)
        leave_unanswered(l, f);
    if (f->status == RECORD_OK && f->sent.ns != NS_UNKNOWN)
        l->longest_ns = later(l->longest_ns, f->done.ns - f->sent.ns);
    l->in_flight--;
    release_follower(l, at, f);
    put_ended(l, f);
    slot_freed(l, slot, ev->at, was_refused);
}

/* Sends what is due; returns when the next one will be. */
static struct instant send_open(struct lane *l, struct instant now)
{
    while (may_send(l, now)) {
        struct instant due = next_due(l);
        if (due.ns > now.ns)
            return due;
        if (l->in_flight >= l->work.in_flight_max) {
            l->is_held = true; /* slot_freed sends it */
            break;
        }
        send_next(l, 0, due, due);
    }
    return (struct instant){.ns = INT64_MAX};
}

/* Goes on with slots whose pause is over. */
static struct instant send_paused(struct lane *l, struct instant now)
{
    while (l->pause_count > 0 && may_send(l, now)) {
        const struct lane_pause p = l->pauses[l->pause_first];
        if (p.due.ns > now.ns)
            return p.due;
        l->pause_first = (l->pause_first + 1) % (size_t)l->work.in_flight_max;
        l->pause_count--;
        send_next(l, p.slot, p.due, p.due);
        l->heard = l->last_send;
    }
    return (struct instant){.ns = INT64_MAX};
}

/* Starts slots whose turn has come. */
static struct instant start_slots(struct lane *l, struct instant now)
{
    while (l->slots_started < l->work.in_flight_max && may_send(l, now)) {
        double share = (double)l->slots_started / (double)l->work.in_flight_max;
        int64_t begin_ns = l->start.ns + clock_seconds(l->work.ramp_up_s * share).ns;
        if (begin_ns > now.ns)
            return (struct instant){.ns = begin_ns};
        struct instant unknown = {.ns = NS_UNKNOWN};
        send_next(l, (int32_t)l->slots_started++, unknown, unknown);
        l->heard = l->last_send;
    }
    return (struct instant){.ns = INT64_MAX};
}

static struct instant send_closed(struct lane *l, struct instant now)
{
    struct instant start = start_slots(l, now), paused = send_paused(l, now);
    return paused.ns < start.ns ? paused : start;
}

struct window {
    struct instant begin;
    int64_t cpu_ns;
};

/* Closes a window of 100 ms: was this thread on its core for most of it? */
static void watch_cpu(struct lane *l, struct window *w, struct instant now)
{
    int64_t wall_ns = now.ns - w->begin.ns;
    if (wall_ns < WINDOW_NS)
        return;
    int64_t cpu_ns = clock_thread_cpu().ns;
    if (w->begin.ns - l->start.ns >= SETTLE_NS) {
        l->cost.windows++;
        l->cost.busy_windows += (double)(cpu_ns - w->cpu_ns) >
                                BUSY_SHARE * (double)wall_ns;
    }
    *w = (struct window){.begin = now, .cpu_ns = cpu_ns};
}

static void cancel_all(struct lane *l)
{
    for (size_t i = 0; i < l->work.count; i++) {
        struct flight *f = l->of[i];
        if (f == NULL || f->request != l->work.requests[i].index ||
            f->done.ns != NS_UNKNOWN || f->status == RECORD_UNANSWERED)
            continue;
        if (l->ops->cancel(l->engine, f->request, &l->failed) != STATUS_OK)
            return;
    }
}

/* What was due in an open load and found no slot before its end: nobody answered it. */
static void give_up_unsent(struct lane *l)
{
    for (size_t i = 0; i < l->work.count; i++)
        if (l->of[i] == NULL)
            give_up(l, i, due_of(l, i), "no free slot");
}

/* The instant from which nobody has answered any more while requests are to be sent, as
 * far as one can tell; NS_UNKNOWN: somebody may. Requests of an open load wait for slots,
 * and all are due; slots of a closed one are all busy, and nothing comes from any. A
 * duration bounds the wait for slots, whoever answers. */
static int64_t silent_since_ns(const struct lane *l)
{
    if (l->is_held && l->work.duration_s > 0)
        return clock_after(l->start, clock_seconds(l->work.duration_s)).ns;
    if (l->is_held)
        return later(l->start.ns + l->last_due_ns, l->last_send.ns);
    if (l->work.is_closed && l->in_flight == l->work.in_flight_max)
        return l->heard.ns;
    return NS_UNKNOWN;
}

/* How long a closed load may be silent: answers may take their time, even if the drain
 * may not. */
static double silence_limit_s(const struct lane *l)
{
    double answer_s = l->work.first_answer_s;
    if (l->longest_ns != NS_UNKNOWN)
        answer_s = LANE_SILENT_ANSWERS * (double)l->longest_ns / (double)NS_PER_S;
    return fmax(l->work.drain_timeout_s, answer_s);
}

/* The drain begins with the last send; before that, a silence as long as it may take ends
 * the load too. */
static bool is_drain_over(struct lane *l, struct instant now)
{
    bool is_sending = may_send(l, now);
    int64_t since_ns = is_sending ? silent_since_ns(l) : l->last_send.ns;
    if (since_ns == NS_UNKNOWN)
        return false;
    l->is_silent = is_sending && l->work.is_closed;
    l->gave_up_s = l->is_silent ? silence_limit_s(l) : l->work.drain_timeout_s;
    return (double)(now.ns - since_ns) / (double)NS_PER_S > l->gave_up_s;
}

static bool is_finished(const struct lane *l, struct instant now)
{
    return l->in_flight == 0 && !may_send(l, now);
}

/* Does it come from the server, not from this client alone? */
static bool is_sign(const struct event *ev)
{
    if (ev->kind == EVENT_FAILED)
        return ev->fail != FAIL_timeout && ev->fail != FAIL_none;
    return ev->kind == EVENT_TOKENS || ev->kind == EVENT_DONE;
}

/* *heard: something came from the server. */
static enum status turn(struct lane *l, struct event *events, struct instant until,
                        bool *heard)
{
    struct event_list list = {.items = events, .cap = EVENTS};
    if (l->ops->next(l->engine, until, NULL, &list, &l->failed) != STATUS_OK)
        return l->failed.code;
    *heard = false;
    for (size_t i = 0; i < list.count; i++) {
        *heard = *heard || is_sign(&list.items[i]);
        take_event(l, &list.items[i]);
    }
    return STATUS_OK;
}

static void run_phase(struct lane *l, struct event *events)
{
    struct window w = {.begin = l->start, .cpu_ns = clock_thread_cpu().ns};
    bool is_cancelled = false, heard = false;
    clock_sleep_until(l->start);
    for (struct instant now = clock_now(); !is_finished(l, now); now = clock_now()) {
        if (heard)
            l->heard = now;
        struct instant next = l->work.is_closed ? send_closed(l, now) : send_open(l, now);
        watch_cpu(l, &w, now);
        bool is_stopped = atomic_load_explicit(&l->stop, memory_order_relaxed);
        if (!is_cancelled && (is_stopped || is_drain_over(l, now))) {
            is_cancelled = true;
            l->has_given_up = !is_stopped;
            atomic_store(&l->stop, true);
            cancel_all(l);
        }
        int64_t limit_ns = now.ns + WAIT_NS;
        struct instant until = {.ns = next.ns < limit_ns ? next.ns : limit_ns};
        if (turn(l, events, until, &heard) != STATUS_OK)
            return;
    }
    if (l->has_given_up && !l->work.is_closed)
        give_up_unsent(l);
}

static void count_waits(struct lane *l, struct event *events)
{
    struct thread_waits before, after;
    bool is_told = thread_waited(&before);
    run_phase(l, events);
    if (!is_told || !thread_waited(&after))
        return;
    l->cost.wakes = after.count - before.count;
    l->cost.wait_ns = after.wait_ns - before.wait_ns;
}

static void *thread_main(void *arg)
{
    struct lane *l = arg;
    struct event *events = mem_alloc(EVENTS, sizeof *events);
    (void)thread_hurry();
    (void)thread_pin(l->work.cpu);
    if (l->work.goes_first)
        (void)thread_go_first();
    if (events != NULL)
        count_waits(l, events);
    else
        (void)status_no_memory(&l->failed, "requests in flight");
    mem_free(events);
    atomic_store(&l->is_over, true);
    return NULL;
}

enum status lane_start(struct lane *l, struct instant start, struct err *e)
{
    l->start = start;
    if (pthread_create(&l->thread, NULL, thread_main, l) != 0)
        return status_fail(e, STATUS_IO, "client thread", "cannot start");
    return STATUS_OK;
}

void lane_join(struct lane *l)
{
    (void)pthread_join(l->thread, NULL);
}
