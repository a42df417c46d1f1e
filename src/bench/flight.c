#include "bench/flight.h"

#include <stdio.h>

#include "base/mem.h"

size_t flight_bytes(size_t room)
{
    return room * (sizeof(int64_t) + sizeof(int32_t) + 1);
}

void flight_place(struct flight *f, void *memory, size_t room)
{
    f->at_ns = memory;
    f->tokens = (int32_t *)(f->at_ns + room);
    f->stamps = (uint8_t *)(f->tokens + room);
    f->room = room;
}

enum status flight_scratch_init(struct flight_scratch *s, size_t room, struct err *e)
{
    int64_t *words = mem_alloc(4 * room, sizeof *words);
    *s = (struct flight_scratch){.room = room};
    if (words == NULL)
        return status_fail(e, STATUS_NO_MEMORY, "records", "out of memory");
    s->gaps_ns = words;
    s->excluded_ns = words + room;
    s->excluded_at = words + 2 * room;
    s->event_tokens = words + 3 * room;
    return STATUS_OK;
}

void flight_scratch_fini(struct flight_scratch *s)
{
    mem_free(s->gaps_ns);
    *s = (struct flight_scratch){0};
}

void flight_begin(struct flight *f, int32_t request, int32_t slot, int64_t max_tokens)
{
    f->request = request;
    f->slot = slot;
    f->max_tokens = max_tokens;
    f->due = f->ready = f->sent = f->done = (struct instant){NS_UNKNOWN};
    f->connect_ns = f->tls_ns = NS_UNKNOWN;
    f->count = f->lost = 0;
    f->tokens_in = f->tokens_out = f->tokens_cached = TOKENS_UNKNOWN;
    f->source = TOKEN_SOURCE_none;
    f->status = RECORD_CANCELLED;
    f->fail = FAIL_none;
    f->error[0] = '\0';
}

static void tokens_came(struct flight *f, const struct event *ev)
{
    if (f->count == f->room) {
        f->lost++;
        return;
    }
    f->at_ns[f->count] = ev->at.ns;
    f->tokens[f->count] = (int32_t)ev->tokens;
    f->stamps[f->count] = (uint8_t)ev->stamp;
    f->count++;
}

static void failed(struct flight *f, const struct event *ev)
{
    f->done = ev->at;
    f->fail = ev->fail;
    f->status = ev->fail == FAIL_none ? RECORD_CANCELLED : RECORD_FAILED;
    if (ev->text != NULL)
        (void)snprintf(f->error, sizeof f->error, "%s", ev->text);
}

bool flight_event(struct flight *f, const struct event *ev)
{
    switch (ev->kind) {
    case EVENT_DUE: return false;
    case EVENT_SENT:
        f->sent = ev->at;
        f->connect_ns = ev->connect_ns;
        f->tls_ns = ev->tls_ns;
        return false;
    case EVENT_TOKENS: tokens_came(f, ev); return false;
    case EVENT_FAILED: failed(f, ev); return true;
    case EVENT_DONE: break;
    }
    f->done = ev->at;
    f->status = RECORD_OK;
    f->tokens_in = ev->tokens_in;
    f->tokens_out = ev->tokens_out;
    f->tokens_cached = ev->tokens_cached;
    f->source = ev->source;
    return true;
}

/* Tokens of each event: counted with the event, or one each where that is proven. False
 * where neither is known. */
static bool settle_tokens(struct flight *f)
{
    bool is_counted = true;
    int64_t sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        is_counted = is_counted && f->tokens[i] != TOKENS_UNKNOWN;
        sum += f->tokens[i];
    }
    if (f->lost > 0)
        return false;
    if (is_counted)
        return f->tokens_out == TOKENS_UNKNOWN || sum == f->tokens_out;
    if ((int64_t)f->count != f->tokens_out || f->source == TOKEN_SOURCE_estimated)
        return false;
    for (size_t i = 0; i < f->count; i++)
        f->tokens[i] = 1;
    return true;
}

static bool is_own_stamp(uint8_t stamp)
{
    return stamp != EVENT_BOUNDED;
}

static void book_gaps(const struct flight *f, bool is_settled, struct flight_scratch *s,
                      struct request_record *r)
{
    r->gaps_ns = s->gaps_ns;
    r->excluded_ns = s->excluded_ns;
    r->excluded_at = s->excluded_at;
    for (size_t i = 1; i < f->count; i++) {
        int64_t gap_ns = f->at_ns[i] - f->at_ns[i - 1];
        if (is_settled && f->tokens[i] == 1 && is_own_stamp(f->stamps[i]) &&
            is_own_stamp(f->stamps[i - 1])) {
            s->gaps_ns[r->gap_count++] = gap_ns;
        } else {
            s->excluded_ns[r->gaps_excluded] = gap_ns;
            s->excluded_at[r->gaps_excluded++] = (int64_t)i;
        }
    }
}

static void count_stamps(const struct flight *f, struct request_record *r)
{
    for (size_t i = 0; i < f->count; i++) {
        r->stamps_exact += f->stamps[i] == EVENT_EXACT;
        r->stamps_bounded += f->stamps[i] == EVENT_BOUNDED;
        r->stamps_tail += f->stamps[i] == EVENT_TAIL;
    }
    r->stamps_bounded += (int64_t)f->lost;
}

static void note_tokens(const struct flight *f, bool is_settled, struct flight_scratch *s,
                        struct request_record *r)
{
    bool all_single = true;
    r->first_event_tokens = is_settled ? f->tokens[0] : TOKENS_UNKNOWN;
    for (size_t i = 0; i < f->count; i++) {
        s->event_tokens[i] = f->tokens[i];
        all_single = all_single && f->tokens[i] == 1;
    }
    if (is_settled && !all_single) {
        r->event_tokens = s->event_tokens;
        r->event_count = f->count;
    }
}

static int64_t since(struct instant zero, struct instant t)
{
    return t.ns == NS_UNKNOWN ? NS_UNKNOWN : t.ns - zero.ns;
}

void flight_record(struct flight *f, struct instant zero, struct flight_scratch *s,
                   struct request_record *r)
{
    *r = (struct request_record){.index = f->request,
                                 .status = f->status,
                                 .fail = f->fail,
                                 .due_ns = since(zero, f->due),
                                 .ready_ns = since(zero, f->ready),
                                 .sent_ns = since(zero, f->sent),
                                 .first_ns = NS_UNKNOWN,
                                 .last_ns = NS_UNKNOWN,
                                 .done_ns = since(zero, f->done),
                                 .prefill_ns = NS_UNKNOWN,
                                 .decode_ns = NS_UNKNOWN,
                                 .connect_ns = f->connect_ns,
                                 .tls_ns = f->tls_ns,
                                 .tokens_in = f->tokens_in,
                                 .tokens_out = f->tokens_out,
                                 .tokens_cached = f->tokens_cached,
                                 .max_tokens = f->max_tokens,
                                 .source = f->source,
                                 .first_event_tokens = 1,
                                 .error = f->error[0] != '\0' ? f->error : NULL};
    if (f->due.ns == NS_UNKNOWN) /* the first request of a slot */
        r->due_ns = r->ready_ns = r->sent_ns;
    if (f->count == 0)
        return;
    bool is_settled = settle_tokens(f);
    r->first_ns = f->at_ns[0] - zero.ns;
    r->last_ns = f->at_ns[f->count - 1] - zero.ns;
    book_gaps(f, is_settled, s, r);
    count_stamps(f, r);
    note_tokens(f, is_settled, s, r);
}
