#include "bench/batch.h"

#include <math.h>

#include "bench/request_record.h"
#include "stats/settle.h"

#define EVENT_BATCH 256
#define WAIT_S      0.2

/* The requests of a batch, by index. Everything is allocated before they are sent. */
struct batch {
    struct flight *flights;                 /* [count] */
    struct request_record_scratch *scratch; /* [count] */
    const char **errors;                    /* [count] of the engine, whole */
    size_t count, ended;
    struct instant due; /* just before the engine was given the first request */
    struct arena *arena;
};

static enum status batch_init(struct batch *b, const struct plan_repeat *plan,
                              struct arena *a, struct err *e)
{
    *b = (struct batch){.count = plan->count, .due.ns = NS_UNKNOWN, .arena = a};
    b->flights = arena_alloc(a, plan->count, sizeof *b->flights);
    b->scratch = arena_alloc(a, plan->count, sizeof *b->scratch);
    b->errors = arena_alloc(a, plan->count, sizeof *b->errors);
    if (b->flights == NULL || b->scratch == NULL || b->errors == NULL)
        return status_no_memory(e, "records of a repeat");
    for (size_t i = 0; i < plan->count; i++) {
        const struct engine_request *q = &plan->requests[i];
        struct flight *f = &b->flights[i];
        size_t room = (size_t)q->max_tokens;
        void *memory = arena_alloc(a, request_record_bytes(room), 1);
        int64_t *event_tokens = arena_alloc(a, room, sizeof *event_tokens);
        if (memory == NULL || event_tokens == NULL)
            return status_no_memory(e, "records of a repeat");
        request_record_place(f, memory, room);
        request_record_begin(f, q->index, 0, q->max_tokens);
        b->scratch[i] = (struct request_record_scratch){f->at_ns, event_tokens, room};
    }
    return STATUS_OK;
}

static enum status broken(const struct event *ev, const char *what, struct err *e)
{
    return status_fail(e, STATUS_INTERNAL, "engine", "request %d: %s", (int)ev->request,
                       what);
}

/* STATUS_INTERNAL: the engine breaks its contract. */
static enum status take_event(struct batch *b, const struct event *ev, struct err *e)
{
    if (ev->kind == EVENT_DUE) {
        b->due = ev->at;
        return STATUS_OK;
    }
    if (ev->request < 0 || (size_t)ev->request >= b->count)
        return broken(ev, "an event for a request that does not exist", e);
    struct flight *f = &b->flights[ev->request];
    if (f->done.ns != NS_UNKNOWN)
        return broken(ev, "an event after the request ended", e);
    b->ended += request_record_event(f, ev);
    if (f->has_lost)
        return broken(ev, "more events than requested tokens", e);
    if (ev->kind != EVENT_FAILED || ev->text == NULL)
        return STATUS_OK;
    b->errors[ev->request] = arena_strdup(b->arena, ev->text);
    return b->errors[ev->request] != NULL ? STATUS_OK
                                          : status_no_memory(e, "records of a repeat");
}

/* Events until every request has ended. STATUS_INTERRUPTED and failures of the engine
 * leave the rest of the requests open. */
static enum status run_requests(struct bench *bench, const struct plan_repeat *plan,
                                struct batch *b, struct err *e)
{
    struct event events[EVENT_BATCH];
    const struct session *s = &bench->session;
    for (size_t i = 0; i < plan->count; i++)
        if (s->ops->submit(s->lanes[0], &plan->requests[i], e) != STATUS_OK)
            return e->code;
    while (b->ended < b->count) {
        struct event_list list = {.items = events, .cap = EVENT_BATCH};
        struct instant until = clock_after(clock_now(), clock_seconds(WAIT_S));
        if (s->ops->next(s->lanes[0], until, &bench->watch, &list, e) != STATUS_OK)
            return e->code;
        for (size_t i = 0; i < list.count; i++)
            if (take_event(b, &events[i], e) != STATUS_OK)
                return e->code;
    }
    return STATUS_OK;
}

/* Requests that have not ended become failed, or interrupted where `fail` is
 * FAIL_none. */
static enum status make_records(struct batch *b, struct instant zero,
                                enum fail_class fail, struct repeat_data *r,
                                struct err *e)
{
    r->requests = arena_alloc(b->arena, b->count, sizeof *r->requests);
    if (r->requests == NULL)
        return status_no_memory(e, "records of a repeat");
    r->request_count = b->count;
    for (size_t i = 0; i < b->count; i++) {
        struct flight *f = &b->flights[i];
        struct request_record *q = &r->requests[i];
        bool has_ended = f->done.ns != NS_UNKNOWN;
        f->due = f->ready = b->due;
        request_record_finish(f, zero, false, &b->scratch[i], q);
        q->marks = NULL; /* an engine's own clock: all text and exact */
        q->connect_ns = q->tls_ns = NS_UNKNOWN; /* no connection */
        q->error = b->errors[i];
        if (!has_ended && fail != FAIL_none) {
            q->status = RECORD_FAILED;
            q->fail = fail;
            q->error = r->error;
        }
    }
    return STATUS_OK;
}

/* A repeat of which nothing succeeded measured nothing: its error is the first
 * request's. */
static enum status all_failed(struct repeat_data *r, struct err *why)
{
    for (size_t i = 0; i < r->request_count; i++)
        if (r->requests[i].status == RECORD_OK)
            return STATUS_OK;
    r->error = r->requests[0].error != NULL ? r->requests[0].error
                                            : "every request failed";
    return status_fail(why, STATUS_ENGINE, "every request failed", "%s", r->error);
}

static enum status measure(struct bench *bench, struct bench_repeat *r, struct err *why)
{
    struct batch b;
    struct err later;
    struct session *session = &bench->session;
    if (batch_init(&b, &r->plan, r->arena, why) != STATUS_OK)
        return why->code;
    sampler_begin(session->sampler);
    enum status s = run_requests(bench, &r->plan, &b, why);
    sampler_end(session->sampler, &r->data.fields);
    if (s == STATUS_OK)
        s = session->ops->counters(session->engine, &r->data.fields, why);
    r->data.error = bench_cause(s, why, r->arena);
    enum fail_class fail = s == STATUS_OK || s == STATUS_INTERRUPTED ? FAIL_none
                                                                     : FAIL_engine;
    if (make_records(&b, bench->journal->start, fail, &r->data, &later) != STATUS_OK) {
        *why = later;
        return later.code;
    }
    if (s == STATUS_OK && r->data.requests[0].status == RECORD_FAILED)
        s = all_failed(&r->data, why);
    return s;
}

enum status batch_run(struct bench *b, struct bench_repeat *r, struct err *why,
                      struct err *e)
{
    enum status s = measure(b, r, why);
    for (size_t i = 0; i < r->data.request_count; i++)
        if (journal_request(b->journal, &r->data, &r->data.requests[i], b->with_gaps,
                            e) != STATUS_OK)
            return e->code;
    return s;
}

static double output_tokens_per_s(const struct repeat_data *r)
{
    int64_t tokens = 0, first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < r->request_count; i++) {
        const struct request_record *q = &r->requests[i];
        if (q->status != RECORD_OK || q->last_ns == NS_UNKNOWN)
            continue;
        tokens += q->tokens_out;
        first = q->sent_ns < first ? q->sent_ns : first;
        last = q->last_ns > last ? q->last_ns : last;
    }
    return last > first ? (double)tokens * 1e9 / (double)(last - first) : (double)NAN;
}

void batch_tell(struct bench *b, struct repeat_data *r)
{
    settle_repeat(r); /* what is written is raw */
    progress_repeat_done(b->progress, output_tokens_per_s(r), r->error);
}
