#include "bench/collect.h"

#include <string.h>

static enum status no_memory(struct err *e)
{
    return status_fail(e, STATUS_NO_MEMORY, "records of a repeat", "out of memory");
}

enum status collect_init(struct collect *c, const struct plan_repeat *plan,
                         struct instant start, struct arena *a, struct err *e)
{
    *c = (struct collect){.start = start, .due_ns = NS_UNKNOWN, .arena = a};
    c->slots = arena_alloc(a, plan->count, sizeof *c->slots);
    if (c->slots == NULL)
        return no_memory(e);
    c->count = plan->count;
    for (size_t i = 0; i < plan->count; i++) {
        const struct engine_request *q = &plan->requests[i];
        struct collect_slot *s = &c->slots[i];
        s->room = (size_t)q->max_tokens;
        s->at_ns = arena_alloc(a, s->room, sizeof *s->at_ns);
        s->tokens = arena_alloc(a, s->room, sizeof *s->tokens);
        if (s->at_ns == NULL || s->tokens == NULL)
            return no_memory(e);
        s->record = (struct request_record){.index = (int32_t)i,
                                            .status = RECORD_INTERRUPTED,
                                            .due_ns = NS_UNKNOWN,
                                            .ready_ns = NS_UNKNOWN,
                                            .sent_ns = NS_UNKNOWN,
                                            .first_ns = NS_UNKNOWN,
                                            .last_ns = NS_UNKNOWN,
                                            .done_ns = NS_UNKNOWN,
                                            .prefill_ns = NS_UNKNOWN,
                                            .decode_ns = NS_UNKNOWN,
                                            .connect_ns = NS_UNKNOWN,
                                            .tls_ns = NS_UNKNOWN,
                                            .tokens_in = TOKENS_UNKNOWN,
                                            .tokens_out = TOKENS_UNKNOWN,
                                            .tokens_cached = TOKENS_UNKNOWN,
                                            .max_tokens = q->max_tokens,
                                            .first_event_tokens = 1};
    }
    return STATUS_OK;
}

static enum status broken(const struct event *ev, const char *what, struct err *e)
{
    return status_fail(e, STATUS_INTERNAL, "engine", "request %d: %s", (int)ev->request,
                       what);
}

static enum status tokens_came(struct collect_slot *s, const struct event *ev,
                               int64_t at_ns, struct err *e)
{
    if (s->count == s->room)
        return broken(ev, "more events than requested tokens", e);
    s->at_ns[s->count] = at_ns;
    s->tokens[s->count] = ev->tokens;
    s->count++;
    return STATUS_OK;
}

static enum status ended(struct collect *c, struct collect_slot *s,
                         const struct event *ev, int64_t at_ns, struct err *e)
{
    struct request_record *r = &s->record;
    s->has_ended = true;
    c->ended++;
    r->done_ns = at_ns;
    if (ev->kind == EVENT_FAILED) {
        r->status = RECORD_FAILED;
        r->fail = ev->fail;
        r->error = ev->text != NULL ? arena_strdup(c->arena, ev->text) : NULL;
        return r->error == NULL && ev->text != NULL ? no_memory(e) : STATUS_OK;
    }
    r->status = RECORD_OK;
    r->tokens_in = ev->tokens_in;
    r->tokens_out = ev->tokens_out;
    r->tokens_cached = ev->tokens_cached;
    r->prefill_ns = ev->prefill_ns;
    r->decode_ns = ev->decode_ns;
    r->source = TOKEN_SOURCE_engine;
    return STATUS_OK;
}

enum status collect_event(struct collect *c, const struct event *ev, struct err *e)
{
    int64_t at_ns = ev->at.ns - c->start.ns;
    if (ev->kind == EVENT_DUE) {
        c->due_ns = at_ns;
        return STATUS_OK;
    }
    if (ev->request < 0 || (size_t)ev->request >= c->count)
        return broken(ev, "an event for a request that does not exist", e);
    struct collect_slot *s = &c->slots[ev->request];
    if (s->has_ended)
        return broken(ev, "an event after the request ended", e);
    if (ev->kind == EVENT_TOKENS)
        return tokens_came(s, ev, at_ns, e);
    if (ev->kind != EVENT_SENT)
        return ended(c, s, ev, at_ns, e);
    s->record.sent_ns = at_ns;
    return STATUS_OK;
}

/* The events of one request, counted by the engine. */
static void note_events(struct collect_slot *s)
{
    struct request_record *r = &s->record;
    int64_t sum = 0;
    bool all_single = true;
    for (size_t i = 0; i < s->count; i++) {
        all_single = all_single && s->tokens[i] == 1;
        sum += s->tokens[i];
    }
    r->at_ns = s->at_ns;
    r->event_count = s->count;
    r->is_counted = s->count > 0 && sum == r->tokens_out;
    r->event_tokens = all_single ? NULL : s->tokens;
    r->first_event_tokens = s->count > 0 ? s->tokens[0] : 1;
    record_count_classes(r);
    record_check_counts(r, record_most_tokens(r));
}

enum status collect_finish(struct collect *c, enum fail_class fail, const char *error,
                           struct request_record **out, struct err *e)
{
    struct request_record *records = arena_alloc(c->arena, c->count, sizeof *records);
    if (records == NULL)
        return no_memory(e);
    for (size_t i = 0; i < c->count; i++) {
        struct collect_slot *s = &c->slots[i];
        struct request_record *r = &s->record;
        r->due_ns = c->due_ns;
        r->ready_ns = c->due_ns;
        if (!s->has_ended && fail != FAIL_none) {
            r->status = RECORD_FAILED;
            r->fail = fail;
            r->error = error;
        }
        note_events(s);
        records[i] = *r;
    }
    *out = records;
    return STATUS_OK;
}
