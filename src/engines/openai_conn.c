#include "engines/openai_conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engines/openai_answer.h"
#include "engines/openai_lane.h"

/* A reset is taken for that of an idle connection (a firewall that forgot it, a server
 * that closed it with our request unread) if it had been idle for so long, and if it came
 * so soon after the send. */
#define IDLE_LONG_NS  NS_PER_S
#define RESET_SOON_NS NS_PER_S

static const struct openai_target *target_of(const struct engine_lane *l,
                                             const struct openai_conn *c)
{
    return &l->setup->targets[c->target];
}

static struct openai_job *job_of(struct engine_lane *l, int32_t request)
{
    return &l->jobs[request - l->first_job];
}

/* The order of sends is that of the timeouts: a new one goes to the end. */
static void list_append(struct engine_lane *l, struct openai_conn *c)
{
    int32_t index = (int32_t)(c - l->conns);
    c->prev = l->newest;
    c->next = -1;
    if (l->newest >= 0)
        l->conns[l->newest].next = index;
    else
        l->oldest = index;
    l->newest = index;
}

static void list_remove(struct engine_lane *l, struct openai_conn *c)
{
    if (c->prev >= 0)
        l->conns[c->prev].next = c->next;
    else
        l->oldest = c->next;
    if (c->next >= 0)
        l->conns[c->next].prev = c->prev;
    else
        l->newest = c->prev;
    c->prev = c->next = -1;
}

/* It is sent only now: those sent while it connected are older. */
static void list_renew(struct engine_lane *l, struct openai_conn *c)
{
    if (c->next < 0)
        return;
    list_remove(l, c);
    list_append(l, c);
}

static void idle_remove(struct engine_lane *l, int32_t index)
{
    for (size_t i = 0; i < l->idle_count; i++)
        if (l->idle[i] == index) {
            l->idle[i] = l->idle[--l->idle_count];
            return;
        }
}

void openai_conn_close(struct engine_lane *l, struct openai_conn *c)
{
    if (c->state == OPENAI_IDLE)
        idle_remove(l, (int32_t)(c - l->conns));
    openai_lane_relax(l, c);
    if (c->fd >= 0)
        loop_remove(&l->loop, c->fd);
    sock_close(&c->fd);
    tls_free(c->tls);
    c->tls = NULL;
    buf_clear(&c->out);
    c->out_len = 0;
    c->state = OPENAI_CLOSED;
    c->was_idle = false;
}

static void go_idle(struct engine_lane *l, struct openai_conn *c)
{
    c->state = OPENAI_IDLE;
    c->idle_since = clock_now();
    l->idle[l->idle_count++] = (int32_t)(c - l->conns);
}

void openai_conn_release(struct engine_lane *l, struct openai_conn *c, bool keep)
{
    if (c->request != OPENAI_NOBODY) {
        job_of(l, c->request)->conn = -1;
        list_remove(l, c);
        c->request = OPENAI_NOBODY;
    }
    c->is_retried = false;
    openai_lane_relax(l, c);
    if (keep)
        go_idle(l, c);
    else
        openai_conn_close(l, c);
}

static void fail_and_close(struct engine_lane *l, struct openai_conn *c,
                           enum fail_class why, const char *text)
{
    if (c->request != OPENAI_NOBODY)
        openai_answer_fail(&l->events, c, why, "%s: %s", target_of(l, c)->addr.text,
                           text);
    else
        (void)snprintf(c->error, sizeof c->error, "%s", text);
    openai_conn_release(l, c, false);
}

uint64_t openai_conn_tag(const struct engine_lane *l, const struct openai_conn *c)
{
    return (uint64_t)c->generation << 32 | (uint64_t)(c - l->conns);
}

/* Begins to connect the slot c. */
static enum status start(struct engine_lane *l, struct openai_conn *c, struct err *e)
{
    const struct openai_target *t = target_of(l, c);
    c->generation++;
    c->connect_start = clock_now();
    c->connect_ns = c->tls_ns = NS_UNKNOWN;
    c->was_idle = false;
    if (sock_connect(&t->addr, &c->fd, e) != STATUS_OK)
        return e->code;
    c->state = OPENAI_CONNECTING;
    enum status s = STATUS_OK;
    if (t->tls != NULL)
        s = tls_new(t->tls, &c->tls, e);
    if (s == STATUS_OK)
        s = loop_add(&l->loop, c->fd, openai_conn_tag(l, c), e);
    if (s != STATUS_OK)
        openai_conn_close(l, c);
    return s;
}

static enum status free_slot(struct engine_lane *l, int32_t *index, struct err *e)
{
    for (size_t i = 0; i < l->conn_count; i++)
        if (l->conns[i].state == OPENAI_CLOSED && l->conns[i].request == OPENAI_NOBODY) {
            *index = (int32_t)i;
            return STATUS_OK;
        }
    if (l->conn_count == l->conn_room && l->idle_count > 0) { /* to another target */
        *index = l->idle[0];
        openai_conn_close(l, &l->conns[*index]);
        return STATUS_OK;
    }
    if (l->conn_count == l->conn_room)
        return status_fail(e, STATUS_TOO_BIG, "connections",
                           "more than the %zu planned connections", l->conn_room);
    *index = (int32_t)l->conn_count++;
    return STATUS_OK;
}

enum status openai_conn_open(struct engine_lane *l, int32_t target, int32_t request,
                             int32_t *index, struct err *e)
{
    if (free_slot(l, index, e) != STATUS_OK)
        return e->code;
    struct openai_conn *c = &l->conns[*index];
    c->target = target;
    c->request = request;
    if (start(l, c, e) != STATUS_OK) {
        c->request = OPENAI_NOBODY;
        return e->code;
    }
    if (request != OPENAI_NOBODY) {
        job_of(l, request)->conn = *index;
        c->sent_at = c->connect_start; /* until it is sent: the timeout counts from here
                                        */
        list_append(l, c);
    }
    return STATUS_OK;
}

/* True when everything to be sent is on its way. */
static bool flush(struct engine_lane *l, struct openai_conn *c)
{
    while (c->out_len > 0) {
        size_t sent = 0;
        enum sock_result r = sock_send(c->fd, c->out_at, c->out_len, &sent);
        if (r == SOCK_AGAIN)
            return false;
        if (r != SOCK_OK) {
            openai_conn_lost(l, c, false, strerror(errno));
            return false;
        }
        c->has_sent = true;
        c->out_at += sent;
        c->out_len -= sent;
    }
    return true;
}

/* True if the server had closed the connection while it was idle, so that the request
 * passed its close on the way. What the server's kernel has acknowledged may have been
 * read: such a request counts as failed, it is never sent twice. */
static bool was_closed_idle(const struct openai_conn *c, bool is_end)
{
    if (!c->was_idle || c->is_retried || c->answer.has_bytes)
        return false;
    if (!c->has_sent)
        return true;
    if (is_end)
        return sock_unacked(c->fd) > 0;
    return c->idle_ns >= IDLE_LONG_NS && clock_since(c->sent_at).ns < RESET_SOON_NS;
}

/* Sends the request once more, on a new connection. */
static bool retry(struct engine_lane *l, struct openai_conn *c)
{
    struct err e;
    openai_conn_close(l, c);
    if (start(l, c, &e) != STATUS_OK)
        return false;
    c->is_retried = true;
    return true;
}

void openai_conn_lost(struct engine_lane *l, struct openai_conn *c, bool is_end,
                      const char *text)
{
    bool may_retry = c->request != OPENAI_NOBODY && was_closed_idle(c, is_end);
    if (!may_retry || !retry(l, c))
        fail_and_close(l, c, FAIL_reset, text);
}

/* One step of the handshake; true when it is done and said. */
static bool handshake(struct engine_lane *l, struct openai_conn *c)
{
    struct err e;
    enum tls_result r = tls_handshake(c->tls, &c->out, &e);
    if (r == TLS_ERROR || r == TLS_END) {
        fail_and_close(l, c, FAIL_refused,
                       r == TLS_END ? "closed during the handshake" : e.what);
        return false;
    }
    if (c->out_len == 0) {
        c->out_at = c->out.data;
        c->out_len = c->out.len;
    }
    if (!flush(l, c) || r == TLS_AGAIN) {
        if (c->out_len == 0)
            buf_clear(&c->out);
        return false;
    }
    buf_clear(&c->out);
    c->tls_ns = clock_since(c->connect_start).ns - c->connect_ns;
    return true;
}

/* The request's bytes into the socket; the stamp is taken before the first of them. */
static void send_job(struct engine_lane *l, struct openai_conn *c)
{
    const struct openai_job *job = job_of(l, c->request);
    struct err e;
    if (c->state != OPENAI_SENDING) {
        c->out_at = job->bytes;
        c->out_len = job->len;
        if (c->tls != NULL) {
            if (tls_write(c->tls, job->bytes, job->len, &c->out, &e) != STATUS_OK) {
                fail_and_close(l, c, FAIL_reset, e.what);
                return;
            }
            c->out_at = c->out.data;
            c->out_len = c->out.len;
        }
        openai_answer_begin(c);
        c->lazy_tokens = l->setup->options->is_stream ? job->max_tokens - 1 : 0;
        c->state = OPENAI_SENDING;
        c->has_sent = false;
        c->sent_at = clock_now();
        list_renew(l, c);
        struct event *ev = openai_events_add(&l->events, EVENT_SENT, c->request,
                                             c->sent_at);
        ev->connect_ns = c->connect_ns;
        ev->tls_ns = c->tls_ns;
        c->connect_ns = c->tls_ns = NS_UNKNOWN;
    }
    if (!flush(l, c))
        return;
    buf_clear(&c->out);
    c->state = OPENAI_ANSWER;
    openai_lane_hasten(l, c);
}

/* A connection stands: it takes up its request or goes idle. */
static void stands(struct engine_lane *l, struct openai_conn *c)
{
    if (c->request == OPENAI_NOBODY) {
        go_idle(l, c);
        return;
    }
    send_job(l, c);
}

void openai_conn_advance(struct engine_lane *l, struct openai_conn *c)
{
    if (c->state == OPENAI_CONNECTING) {
        int error = sock_connect_error(c->fd);
        if (error != 0) {
            fail_and_close(l, c, error == ETIMEDOUT ? FAIL_timeout : FAIL_refused,
                           strerror(error));
            return;
        }
        c->connect_ns = clock_since(c->connect_start).ns;
        c->state = c->tls != NULL ? OPENAI_TLS : OPENAI_IDLE;
        if (c->tls == NULL) {
            stands(l, c);
            return;
        }
    }
    if (c->state == OPENAI_TLS && handshake(l, c))
        stands(l, c);
    else if (c->state == OPENAI_SENDING)
        send_job(l, c);
}

void openai_conn_carry(struct engine_lane *l, struct openai_conn *c, int32_t request)
{
    c->request = request;
    c->was_idle = true;
    c->idle_ns = clock_since(c->idle_since).ns;
    job_of(l, request)->conn = (int32_t)(c - l->conns);
    list_append(l, c);
    send_job(l, c);
}
