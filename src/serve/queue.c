#include "serve/queue.h"

#include "serve/server.h"

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

static bool may_begin(const struct server *s)
{
    const struct queue *q = &s->queue;
    int64_t slots = s->settings->slots;
    return q->first != NULL && !q->is_closed && q->prefilling == NULL &&
           (slots == 0 || s->counts.running < slots);
}

static void begin(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    struct queue *q = &s->queue;
    bool has_stamp = a->record.arrival.ns != NS_UNKNOWN;
    struct instant from = has_stamp ? a->record.arrival : a->record.read;
    from = later(from, later(q->slot_free, q->prefill_free));
    completion_start(a, from);
    if (s->settings->slots > 0 || s->settings->has_serial_prefill)
        a->record.begin = from;
    if (s->settings->has_serial_prefill)
        q->prefilling = c;
    else if (!a->request.is_stream)
        completion_advance_to_end(a);
    a->is_running = true;
    s->counts.running++;
    if (!conn_is_blocked(c))
        due_set(&s->due, c->index, a->due);
}

/* All whose turn it is. */
static void go_on(struct server *s)
{
    while (may_begin(s)) {
        struct conn *c = s->queue.first;
        take_out(&s->queue, c);
        c->answer.is_waiting = false;
        s->counts.waiting--;
        begin(s, c);
    }
}

void queue_join(struct server *s, struct conn *c)
{
    append(&s->queue, c);
    c->answer.is_waiting = true;
    s->counts.waiting++;
    go_on(s);
}

void queue_prefilled(struct server *s, struct conn *c)
{
    struct queue *q = &s->queue;
    if (q->prefilling != c)
        return;
    q->prefilling = NULL;
    q->prefill_free = end_of(&c->answer);
    go_on(s);
}

void queue_leave(struct server *s, struct conn *c)
{
    struct queue *q = &s->queue;
    struct completion *a = &c->answer;
    if (a->is_waiting) {
        take_out(q, c);
        s->counts.waiting--;
    }
    if (a->is_running) {
        if (s->counts.running == s->settings->slots)
            q->slot_free = end_of(a);
        s->counts.running--;
    }
    a->is_waiting = a->is_running = false;
    if (q->prefilling == c)
        queue_prefilled(s, c);
    else
        go_on(s);
}
