#include "serve/exchange.h"

#include "net/sock.h"
#include "serve/route.h"
#include "serve/stream.h"

/* Counts and logs the answer's end. */
static void end_record(struct server *s, struct conn *c, const char *outcome)
{
    struct completion *a = &c->answer;
    queue_leave(&s->queue, c);
    if (!a->is_active)
        return;
    a->is_active = false;
    a->record.outcome = outcome;
    if (a->record.end.ns == NS_UNKNOWN)
        a->record.end = clock_now();
    slog_add(&s->log, &a->record);
}

static void close_as(struct server *s, struct conn *c, const char *outcome, bool is_reset)
{
    if (c->state == CONN_CLOSED)
        return;
    end_record(s, c, outcome);
    due_remove(&s->due, c->index);
    loop_remove(&s->loop, c->fd);
    conn_close(&s->conns, c, is_reset);
}

void exchange_close(struct server *s, struct conn *c, const char *outcome)
{
    close_as(s, c, outcome, false);
}

/* The answer is out: the next request may come, or the connection ends. */
static void complete(struct server *s, struct conn *c)
{
    end_record(s, c, c->answer.record.outcome);
    if (c->ends) {
        conn_goodbye(c);
        exchange_close(s, c, "");
        return;
    }
    request_begin(&c->request);
    c->state = CONN_READING;
    due_remove(&s->due, c->index);
    if (s->settings->keepalive_ns > 0)
        due_set(&s->due, c->index,
                clock_after(clock_now(), (struct span){s->settings->keepalive_ns}));
}

static void go_on(struct server *s, struct conn *c, enum stream_next next)
{
    struct completion *a = &c->answer;
    switch (next) {
    case STREAM_GOES_ON:
        if (conn_is_blocked(c))
            due_remove(&s->due, c->index);
        else
            due_set(&s->due, c->index, a->due);
        break;
    case STREAM_ENDS:
        a->is_finishing = true;
        due_remove(&s->due, c->index);
        if (!conn_is_blocked(c))
            complete(s, c);
        break;
    case STREAM_STALLS:
        due_remove(&s->due, c->index);
        a->awaits_stamp = false;
        end_record(s, c, a->record.outcome);
        c->state = CONN_STALLED;
        break;
    case STREAM_CLOSES: exchange_close(s, c, a->record.outcome); break;
    case STREAM_RESETS: close_as(s, c, a->record.outcome, true); break;
    case STREAM_LOST: exchange_close(s, c, "closed"); break;
    }
}

static void say_continue(struct conn *c)
{
    c->request.wants_continue = false;
    (void)conn_send(c, str_from("HTTP/1.1 100 Continue\r\n\r\n"), NULL);
}

/* Takes requests off *in until one is answered later than at once. */
static void take_requests(struct server *s, struct conn *c, struct str *in)
{
    while (c->state == CONN_READING && in->len > 0) {
        enum request_step step = request_next(&c->request, in);
        if (!request_is_idle(&c->request))
            due_remove(&s->due, c->index);
        if (step == REQUEST_MORE) {
            if (c->request.wants_continue)
                say_continue(c);
            return;
        }
        c->state = CONN_ANSWERING;
        c->answer.is_finishing = c->answer.awaits_stamp = false;
        go_on(s, c, step == REQUEST_DONE ? route_request(s, c) : route_bad(s, c));
    }
}

/* Requests that came while an answer was on its way. */
static void take_later(struct server *s, struct conn *c)
{
    while (c->state == CONN_READING && c->later.len > 0) {
        struct str in = {.ptr = c->later.data, .len = c->later.len};
        size_t before = in.len;
        take_requests(s, c, &in);
        if (c->state != CONN_CLOSED)
            buf_drop_front(&c->later, before - in.len);
    }
}

static void take_bytes(struct server *s, struct conn *c, struct str in)
{
    if (c->state == CONN_READING && c->later.len == 0)
        take_requests(s, c, &in);
    if (c->state == CONN_CLOSED || c->state == CONN_STALLED || in.len == 0)
        return;
    if (buf_append(&c->later, in.ptr, in.len) != STATUS_OK)
        exchange_close(s, c, "closed");
}

/* The peer's bytes are TLS: what it said in them, and what TLS answers by itself. */
static void take_tls(struct server *s, struct conn *c, struct str raw)
{
    enum tls_result result = TLS_ERROR;
    if (tls_feed(c->tls, raw.ptr, raw.len, NULL) == STATUS_OK)
        result = TLS_OK;
    while (result == TLS_OK && c->state != CONN_CLOSED) {
        size_t len = 0;
        result = tls_read(c->tls, s->plain, SERVER_READ_BYTES, &len, NULL);
        if (result == TLS_OK)
            take_bytes(s, c, (struct str){.ptr = s->plain, .len = len});
    }
    if (c->state == CONN_CLOSED)
        return;
    if (conn_relay(c) == CONN_LOST || result != TLS_AGAIN)
        exchange_close(s, c, "closed");
}

void exchange_readable(struct server *s, struct conn *c, bool is_hangup)
{
    bool goes_on = true;
    while (goes_on && c->state != CONN_CLOSED) {
        struct sock_read got;
        switch (sock_recv(c->fd, s->read, SERVER_READ_BYTES, &got)) {
        case SOCK_OK:
            c->read = clock_now();
            c->arrival = stamp_mono(&s->stamp, got.kernel_realtime_ns);
            if (c->tls != NULL)
                take_tls(s, c, (struct str){.ptr = s->read, .len = got.len});
            else
                take_bytes(s, c, (struct str){.ptr = s->read, .len = got.len});
            goes_on = got.is_full || is_hangup;
            break;
        case SOCK_AGAIN: return;
        case SOCK_END:
        case SOCK_ERROR: exchange_close(s, c, "closed"); return;
        }
    }
}

void exchange_writable(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    struct instant sent;
    if (c->state == CONN_CLOSED || !conn_is_blocked(c))
        return;
    enum conn_sent result = conn_flush(c, &sent);
    if (result == CONN_LOST)
        exchange_close(s, c, "closed");
    if (result != CONN_SENT)
        return;
    if (a->awaits_stamp)
        stream_was_sent(s, a, sent);
    if (c->state == CONN_ANSWERING && a->is_finishing) {
        a->record.end = sent;
        complete(s, c);
        take_later(s, c);
    } else if (c->state == CONN_ANSWERING) {
        due_set(&s->due, c->index, a->due);
    }
}

void exchange_due(struct server *s, struct conn *c)
{
    due_remove(&s->due, c->index);
    if (c->state == CONN_READING) {
        conn_goodbye(c);
        exchange_close(s, c, "");
    }
    if (c->state != CONN_ANSWERING)
        return;
    go_on(s, c, stream_step(s, c));
    take_later(s, c);
}
