#include "serve/answer.h"

#include <stdio.h>
#include <string.h>

#include "serve/due.h"

void answer_init(struct answer *a)
{
    *a = (struct answer){.strike = -1};
    buf_init(&a->chunks.opening, 4096);
    buf_init(&a->held, ANSWER_HELD_BYTES);
}

void answer_fini(struct answer *a)
{
    buf_fini(&a->chunks.opening);
    buf_fini(&a->held);
}

/* (1 - jitter) to (1 + jitter) times the length. */
static struct span drawn(struct answer *a, int64_t length_ns)
{
    if (a->jitter <= 0)
        return (struct span){length_ns};
    double factor = 1 + a->jitter * (2 * rng_unit(&a->fate.rng) - 1);
    return (struct span){(int64_t)((double)length_ns * factor)};
}

static int64_t events_of(int64_t tokens, int64_t per_event)
{
    return (tokens + per_event - 1) / per_event;
}

/* How long the answer gets, and after which event it goes wrong. */
static void plan_fault(struct answer *a)
{
    int64_t per_event = a->record.tokens_per_event;
    a->tokens = a->ask.max_tokens;
    a->events = events_of(a->tokens, per_event);
    a->strike = -1;
    switch (a->fate.kind) {
    case FATE_OK:
    case FATE_FAIL:
    case FATE_HANG:
    case FATE_BIG_HEADER: break;
    case FATE_SHORT:
        a->tokens = a->tokens > 1 ? fate_events(&a->fate, a->tokens) : a->tokens;
        a->events = events_of(a->tokens, per_event);
        break;
    default:
        a->strike = fate_events(&a->fate, a->events);
        if (a->fate.kind == FATE_GARBAGE && a->fate.garbage == FATE_GARBAGE_HEAD)
            a->strike = 0;
    }
}

void answer_begin(struct answer *a, const struct settings *s, int64_t created_s,
                  struct buf *line)
{
    a->itl_ns = s->itl_ns;
    a->finish_delay_ns = settings_finish_delay_ns(s);
    a->jitter = s->jitter;
    a->made_events = a->made_tokens = a->unstamped = a->held_events = 0;
    buf_clear(&a->held);
    a->record.tokens_per_event = s->tokens_per_event;
    plan_fault(a);
    if (!a->ask.is_stream)
        a->record.tokens_per_event = a->tokens;
    a->ttft_ns = drawn(a, s->ttft_ns).ns;
    a->due.ns = DUE_NEVER;
    const char *prefix = a->ask.endpoint == ASK_CHAT ? "chatcmpl" : "cmpl";
    if (a->record.id != NULL)
        (void)snprintf(a->id, sizeof a->id, "%s-%s", prefix, a->record.id);
    else
        (void)snprintf(a->id, sizeof a->id, "%s-%016llx", prefix,
                       (unsigned long long)rng_u64(&a->fate.rng));
    a->chunks.ask = &a->ask;
    a->chunks.id = a->id;
    a->chunks.model = s->model;
    a->chunks.created_s = created_s;
    a->chunks.vocab_size = s->vocab_size;
    a->chunks.has_usage = !s->hides_usage;
    a->chunks.line = line;
    chunks_begin(&a->chunks);
}

void answer_start(struct answer *a, struct instant from)
{
    a->due = clock_after(from, (struct span){a->ttft_ns});
}

void answer_advance(struct answer *a)
{
    bool is_spoken = a->made_tokens == a->tokens;
    a->due = clock_after(a->due, is_spoken ? (struct span){a->finish_delay_ns}
                                           : drawn(a, a->itl_ns));
}

void answer_advance_to_end(struct answer *a)
{
    int64_t events = a->strike >= 0 ? a->strike : a->events;
    for (int64_t i = 1; i < events; i++)
        answer_advance(a);
}

const char *answer_finish(const struct answer *a)
{
    return a->fate.kind == FATE_SHORT ? "stop" : "length";
}

struct chunks_tokens answer_next(const struct answer *a)
{
    struct chunks_tokens t = {.from = a->made_tokens,
                              .to = a->made_tokens + a->record.tokens_per_event};
    if (t.to < a->tokens)
        return t;
    t.to = a->tokens;
    t.is_finish_only = t.from == t.to;
    if (t.is_finish_only || a->finish_delay_ns == NS_UNKNOWN)
        t.finish = answer_finish(a);
    return t;
}
