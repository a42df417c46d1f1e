#include "bench/request_record.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

size_t request_record_bytes(size_t room)
{
    return room * (sizeof(int64_t) + sizeof(int32_t) + 1);
}

void request_record_place(struct flight *f, void *memory, size_t room)
{
    f->at_ns = memory;
    f->tokens = (int32_t *)(f->at_ns + room);
    f->marks = (uint8_t *)(f->tokens + room);
    f->room = room;
}

enum status request_record_scratch_init(struct request_record_scratch *s, size_t room,
                                        struct err *e)
{
    int64_t *words = mem_alloc(2 * room, sizeof *words);
    *s = (struct request_record_scratch){.room = room};
    if (words == NULL)
        return status_no_memory(e, "records");
    s->at_ns = words;
    s->event_tokens = words + room;
    return STATUS_OK;
}

void request_record_scratch_fini(struct request_record_scratch *s)
{
    mem_free(s->at_ns);
    *s = (struct request_record_scratch){0};
}

void request_record_begin(struct flight *f, int32_t request, int32_t slot,
                          int64_t max_tokens)
{
    f->request = request;
    f->slot = slot;
    f->max_tokens = max_tokens;
    f->due = f->ready = f->sent = f->done = (struct instant){NS_UNKNOWN};
    f->connect_ns = f->tls_ns = NS_UNKNOWN;
    f->count = 0;
    f->has_lost = false;
    f->tokens_in = f->tokens_out = f->tokens_cached = TOKENS_UNKNOWN;
    f->prefill_ns = f->decode_ns = NS_UNKNOWN;
    f->source = TOKEN_SOURCE_none;
    f->status = RECORD_INTERRUPTED;
    f->http_status = 0;
    f->fail = FAIL_none;
    f->error[0] = '\0';
}

/* Beyond the room an event's class is counted, and its arrival is the class's last. */
static void lose(struct flight *f, const struct event *ev)
{
    if (!f->has_lost)
        memset(f->lost, 0, sizeof f->lost);
    f->has_lost = true;
    struct record_class *c = &f->lost[ev->cls];
    if (c->count++ == 0)
        c->first_ns = ev->at.ns;
    c->last_ns = ev->at.ns;
    c->stamps[ev->stamp]++;
}

static void tokens_came(struct flight *f, const struct event *ev)
{
    if (f->count == f->room) {
        lose(f, ev);
        return;
    }
    bool fits = ev->tokens >= 0 && ev->tokens <= RECORD_MAX_COUNT;
    f->at_ns[f->count] = ev->at.ns;
    f->tokens[f->count] = fits ? (int32_t)ev->tokens : TOKENS_UNKNOWN;
    f->marks[f->count] = RECORD_MARK(ev->cls, ev->stamp);
    f->count++;
}

static void failed(struct flight *f, const struct event *ev)
{
    f->done = ev->at;
    f->fail = ev->fail;
    f->http_status = ev->http_status;
    f->status = ev->fail == FAIL_none ? RECORD_INTERRUPTED : RECORD_FAILED;
    if (ev->text != NULL)
        (void)snprintf(f->error, sizeof f->error, "%s", ev->text);
}

bool request_record_event(struct flight *f, const struct event *ev)
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
    f->prefill_ns = ev->prefill_ns;
    f->decode_ns = ev->decode_ns;
    f->source = ev->source;
    return true;
}

/* False for counts that do not tell how the tokens came: they begin with a text of none,
 * or all are the first text's although others follow. */
static bool is_spread(const struct flight *f)
{
    size_t first = 0, texts = 0;
    for (size_t i = f->count; i > 0; i--) {
        bool is_text = RECORD_CLASS(f->marks[i - 1]) == EVENT_TEXT;
        texts += is_text;
        first = is_text ? i - 1 : first;
    }
    return texts == 0 ||
           (f->tokens[first] > 0 && (texts == 1 || f->tokens[first] < f->tokens_out));
}

/* True if each event came with its count, and they are the answer's. */
static bool copy_tokens(const struct flight *f, struct request_record_scratch *s,
                        bool *all_single)
{
    int64_t sum = 0;
    *all_single = true;
    for (size_t i = 0; i < f->count; i++) {
        if (f->tokens[i] == TOKENS_UNKNOWN)
            return false;
        s->event_tokens[i] = f->tokens[i];
        *all_single = *all_single && f->tokens[i] == 1;
        sum += f->tokens[i];
    }
    return f->count > 0 && sum == f->tokens_out && is_spread(f);
}

static void add_class(struct record_class *c, const struct record_class *more,
                      struct instant zero)
{
    if (more->count == 0)
        return;
    if (c->count == 0)
        c->first_ns = more->first_ns - zero.ns;
    c->last_ns = more->last_ns - zero.ns;
    c->count += more->count;
    for (int i = 0; i < EVENT_STAMP_COUNT; i++)
        c->stamps[i] += more->stamps[i];
}

static void note_events(const struct flight *f, struct instant zero,
                        struct request_record_scratch *s, struct request_record *r)
{
    bool all_single = true;
    for (size_t i = 0; i < f->count; i++)
        s->at_ns[i] = f->at_ns[i] - zero.ns;
    r->at_ns = s->at_ns;
    r->marks = f->marks;
    r->event_count = f->count;
    r->is_counted = !f->has_lost && copy_tokens(f, s, &all_single);
    if (r->is_counted) {
        r->first_event_tokens = s->event_tokens[0];
        r->event_tokens = all_single ? NULL : s->event_tokens;
    }
    record_count_classes(r);
    if (!f->has_lost)
        return;
    for (int c = 0; c < EVENT_CLASS_COUNT; c++)
        add_class(&r->classes[c], &f->lost[c], zero);
    r->event_count = 0; /* the events are not all there */
}

static int64_t since(struct instant zero, struct instant t)
{
    return t.ns == NS_UNKNOWN ? NS_UNKNOWN : t.ns - zero.ns;
}

void request_record_finish(const struct flight *f, struct instant zero, bool is_whole,
                           struct request_record_scratch *s, struct request_record *r)
{
    *r = (struct request_record){.index = f->request,
                                 .status = f->status,
                                 .fail = f->fail,
                                 .http_status = f->http_status,
                                 .due_ns = since(zero, f->due),
                                 .ready_ns = since(zero, f->ready),
                                 .sent_ns = since(zero, f->sent),
                                 .first_ns = NS_UNKNOWN,
                                 .last_ns = NS_UNKNOWN,
                                 .done_ns = since(zero, f->done),
                                 .prefill_ns = f->prefill_ns,
                                 .decode_ns = f->decode_ns,
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
    note_events(f, zero, s, r);
    record_check_counts(r, record_most_tokens(r));
    if (is_whole && f->count > 0) {
        r->events = RECORD_WHOLE;
        r->last_ns = s->at_ns[f->count - 1];
        r->event_count = 0;
        record_count_classes(r);
    }
}
