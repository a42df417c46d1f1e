#include "serve/queue.h"

static struct instant later(struct instant a, struct instant b)
{
    return clock_before(a, b) ? b : a;
}

/* An answer that ends on schedule ends when its last event was due, else now. */
static struct instant end_of(const struct completion *a)
{
    struct instant now = clock_now();
    return clock_before(a->due, now) ? a->due : now;
}

static void append(struct queue *q, struct conn *c)
{
    c->ahead = q->last;
    c->behind = NULL;
    *(q->last != NULL ? &q->last->behind : &q->first) = c;
    q->last = c;
}

static void take_out(struct queue *q, struct conn *c)
{
    *(c->ahead != NULL ? &c->ahead->behind : &q->first) = c->behind;
    *(c->behind != NULL ? &c->behind->ahead : &q->last) = c->ahead;
    c->ahead = c->behind = NULL;
}

static bool may_begin(const struct queue *q)
{
    int64_t slots = q->settings->slots;
    return q->first != NULL && !q->is_closed && q->prefilling == NULL &&
           (slots == 0 || q->counts->running < slots);
}

static void begin(struct queue *q, struct conn *c)
{
    struct completion *a = &c->answer;
    bool has_stamp = a->record.arrival.ns != NS_UNKNOWN;
    struct instant from = has_stamp ? a->record.arrival : a->record.read;
    from = later(from, later(q->slot_free, q->prefill_free));
    completion_start(a, from);
    if (q->settings->slots > 0 || q->settings->has_serial_prefill)
        a->record.begin = from;
    if (q->settings->has_serial_prefill)
        q->prefilling = c;
    else if (!a->request.is_stream)
        completion_advance_to_end(a);
    a->is_running = true;
    q->counts->running++;
    if (!conn_is_blocked(c))
        due_set(q->due, c->index, a->due);
}

/* All whose turn it is. */
static void go_on(struct queue *q)
{
    while (may_begin(q)) {
        struct conn *c = q->first;
        take_out(q, c);
        c->answer.is_waiting = false;
        q->counts->waiting--;
        begin(q, c);
    }
}

void queue_join(struct queue *q, struct conn *c)
{
    append(q, c);
    c->answer.is_waiting = true;
    q->counts->waiting++;
    go_on(q);
}

void queue_prefilled(struct queue *q, struct conn *c)
{
    if (q->prefilling != c)
        return;
    q->prefilling = NULL;
    q->prefill_free = end_of(&c->answer);
    go_on(q);
}

void queue_leave(struct queue *q, struct conn *c)
{
    struct completion *a = &c->answer;
    if (a->is_waiting) {
        take_out(q, c);
        q->counts->waiting--;
    }
    if (a->is_running) {
        if (q->counts->running == q->settings->slots)
            q->slot_free = end_of(a);
        q->counts->running--;
    }
    a->is_waiting = a->is_running = false;
    if (q->prefilling == c)
        queue_prefilled(q, c);
    else
        go_on(q);
}
