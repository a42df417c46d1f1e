#include "serve/completion.h"

#include <stdio.h>
#include <string.h>

#include "serve/due.h"

void completion_init(struct completion *a)
{
    *a = (struct completion){.strike = -1};
    buf_init(&a->chunks.opening, 4096);
    buf_init(&a->held, COMPLETION_HELD_BYTES);
}

void completion_fini(struct completion *a)
{
    buf_fini(&a->chunks.opening);
    buf_fini(&a->held);
}

static int64_t events_of(int64_t tokens, int64_t per_event)
{
    return (tokens + per_event - 1) / per_event;
}

/* How long the answer gets, and after which event it goes wrong. */
static void plan_fault(struct completion *a)
{
    int64_t per_event = a->record.tokens_per_event;
    a->tokens = a->request.max_tokens;
    a->events = events_of(a->tokens, per_event);
    a->strike = -1;
    switch (a->fault.kind) {
    case FAULT_OK:
    case FAULT_FAIL:
    case FAULT_HANG:
    case FAULT_BIG_HEADER: break;
    case FAULT_SHORT:
        a->tokens = a->tokens > 1 ? fault_events(&a->fault, a->tokens) : a->tokens;
        a->events = events_of(a->tokens, per_event);
        break;
    default:
        a->strike = fault_events(&a->fault, a->events);
        if (a->fault.kind == FAULT_GARBAGE && a->fault.garbage == FAULT_GARBAGE_HEAD)
            a->strike = 0;
    }
}

void completion_begin(struct completion *a, const struct settings *s, int64_t created_s,
                      struct buf *line)
{
    a->finish_delay_ns = settings_finish_delay_ns(s);
    a->pace = (struct pace){
        .first_ns = s->ttft_ns, .gap_ns = s->itl_ns, .jitter = s->jitter};
    a->made_events = a->made_tokens = a->unstamped = a->held_events = 0;
    buf_clear(&a->held);
    a->record.tokens_per_event = s->tokens_per_event;
    plan_fault(a);
    if (!a->request.is_stream)
        a->record.tokens_per_event = a->tokens;
    a->ttft = pace_first(&a->pace, 0, &a->fault.rng);
    a->due.ns = DUE_NEVER;
    const char *prefix = a->request.endpoint == ENDPOINT_CHAT ? "chatcmpl" : "cmpl";
    if (a->record.id != NULL)
        (void)snprintf(a->id, sizeof a->id, "%s-%s", prefix, a->record.id);
    else
        (void)snprintf(a->id, sizeof a->id, "%s-%016llx", prefix,
                       (unsigned long long)rng_u64(&a->fault.rng));
    a->chunks.request = &a->request;
    a->chunks.id = a->id;
    a->chunks.model = s->answer_model != NULL ? s->answer_model : s->model;
    a->chunks.created_s = created_s;
    a->chunks.vocab_size = s->vocab_size;
    a->chunks.has_usage = !s->hides_usage;
    a->chunks.line = line;
    chunks_begin(&a->chunks);
}

void completion_start(struct completion *a, struct instant from)
{
    a->due = clock_after(from, a->ttft);
}

void completion_advance(struct completion *a)
{
    bool is_spoken = a->made_tokens == a->tokens;
    a->due = clock_after(a->due, is_spoken ? (struct span){a->finish_delay_ns}
                                           : pace_gap(&a->pace, &a->fault.rng));
}

void completion_advance_to_end(struct completion *a)
{
    int64_t events = a->strike >= 0 ? a->strike : a->events;
    for (int64_t i = 1; i < events; i++)
        completion_advance(a);
}

const char *completion_finish(const struct completion *a)
{
    return a->fault.kind == FAULT_SHORT ? "stop" : "length";
}

struct chunks_tokens completion_next(const struct completion *a)
{
    struct chunks_tokens t = {.from = a->made_tokens,
                              .to = a->made_tokens + a->record.tokens_per_event};
    if (t.to < a->tokens)
        return t;
    t.to = a->tokens;
    t.is_finish_only = t.from == t.to;
    if (t.is_finish_only || a->finish_delay_ns == NS_UNKNOWN)
        t.finish = completion_finish(a);
    return t;
}
