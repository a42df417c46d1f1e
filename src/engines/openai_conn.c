#include "engines/openai_conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engines/openai_answer.h"
#include "net/sock.h"

/* A reset is taken for that of an idle connection (a firewall that forgot it, a server
 * that closed it with our request unread) if it had been idle for so long, and if it came
 * so soon after the send. */
#define IDLE_LONG_NS  NS_PER_S
#define RESET_SOON_NS NS_PER_S

#define DRAIN_OPEN_NS   (NS_PER_MS)
#define DRAIN_CLOSED_NS (NS_PER_MS / 4)
#define DRAIN_SHARE     20 /* of the median gap */
#define GAPS_TO_LEARN   64

static const struct openai_target *target_of(const struct openai_pool *p,
                                             const struct openai_conn *c)
{
    return &p->setup->targets[c->target];
}

static struct openai_job *job_of(struct openai_pool *p, int32_t request)
{
    return &p->jobs[request - p->first_job];
}

/* The order of sends is that of the timeouts: a new one goes to the end. */
static void list_append(struct openai_pool *p, struct openai_conn *c)
{
    int32_t index = (int32_t)(c - p->conns);
    c->prev = p->newest;
    c->next = -1;
    if (p->newest >= 0)
        p->conns[p->newest].next = index;
    else
        p->oldest = index;
    p->newest = index;
}

static void list_remove(struct openai_pool *p, struct openai_conn *c)
{
    if (c->prev >= 0)
        p->conns[c->prev].next = c->next;
    else
        p->oldest = c->next;
    if (c->next >= 0)
        p->conns[c->next].prev = c->prev;
    else
        p->newest = c->prev;
    c->prev = c->next = -1;
}

/* It is sent only now: those sent while it connected are older. */
static void list_renew(struct openai_pool *p, struct openai_conn *c)
{
    if (c->next < 0)
        return;
    list_remove(p, c);
    list_append(p, c);
}

static void idle_remove(struct openai_pool *p, int32_t index)
{
    for (size_t i = 0; i < p->idle_count; i++)
        if (p->idle[i] == index) {
            p->idle[i] = p->idle[--p->idle_count];
            return;
        }
}

uint64_t openai_conn_tag(const struct openai_pool *p, const struct openai_conn *c)
{
    return (uint64_t)c->generation << 32 | (uint64_t)(c - p->conns);
}

int64_t openai_conn_drain_ns(const struct openai_pool *p)
{
    const struct engine_target *o = p->setup->options;
    if (o->drain_interval_us != OPT_INT_UNSET)
        return o->drain_interval_us * 1000;
    if (p->gaps_seen < GAPS_TO_LEARN || p->is_unstamped)
        return 0;
    int64_t cap = p->is_closed_load ? DRAIN_CLOSED_NS : DRAIN_OPEN_NS;
    int64_t share = (int64_t)(p->median_gap_ns / DRAIN_SHARE);
    return share < cap ? share : cap;
}

void openai_conn_hasten(struct openai_pool *p, struct openai_conn *c)
{
    const struct openai_answer *a = &c->answer;
    if (!p->is_closed_load || c->is_hastened)
        return;
    if (a->token_events < c->lazy_tokens && a->tokens_seen < c->lazy_tokens &&
        a->finish == OPENAI_FINISH_NONE)
        return;
    if (openai_conn_drain_ns(p) == 0)
        return;
    c->is_hastened = loop_hasten(&p->loop, c->fd, openai_conn_tag(p, c));
    p->hastened_count += c->is_hastened;
}

static void relax(struct openai_pool *p, struct openai_conn *c)
{
    if (!c->is_hastened)
        return;
    loop_relax(&p->loop, c->fd);
    c->is_hastened = false;
    p->hastened_count--;
}

void openai_conn_close(struct openai_pool *p, struct openai_conn *c)
{
    if (c->state == OPENAI_IDLE)
        idle_remove(p, (int32_t)(c - p->conns));
    relax(p, c);
    if (c->fd >= 0)
        loop_remove(&p->loop, c->fd);
    sock_close(&c->fd);
    tls_free(c->tls);
    c->tls = NULL;
    buf_clear(&c->out);
    c->out_len = 0;
    c->state = OPENAI_CLOSED;
    c->was_idle = false;
}

static void go_idle(struct openai_pool *p, struct openai_conn *c)
{
    c->state = OPENAI_IDLE;
    c->idle_since = clock_now();
    p->idle[p->idle_count++] = (int32_t)(c - p->conns);
}

void openai_conn_release(struct openai_pool *p, struct openai_conn *c, bool keep)
{
    if (c->request != OPENAI_NOBODY) {
        job_of(p, c->request)->conn = -1;
        list_remove(p, c);
        c->request = OPENAI_NOBODY;
    }
    c->is_retried = false;
    relax(p, c);
    c->has_served = keep;
    if (keep)
        go_idle(p, c);
    else
        openai_conn_close(p, c);
}

static void fail_and_close(struct openai_pool *p, struct openai_conn *c,
                           enum fail_class why, const char *text)
{
    if (c->request != OPENAI_NOBODY)
        openai_answer_fail(&p->events, c, why, "%s: %s", target_of(p, c)->addr.text,
                           text);
    else
        (void)snprintf(c->error, sizeof c->error, "%s", text);
    openai_conn_release(p, c, false);
}

/* Begins to connect the slot c. */
static enum status start(struct openai_pool *p, struct openai_conn *c, struct err *e)
{
    const struct openai_target *t = target_of(p, c);
    c->generation++;
    c->connect_start = clock_now();
    c->connect_ns = c->tls_ns = NS_UNKNOWN;
    c->was_idle = c->has_served = false;
    if (sock_connect(&t->addr, &c->fd, e) != STATUS_OK)
        return e->code;
    c->state = OPENAI_CONNECTING;
    enum status s = STATUS_OK;
    if (t->tls != NULL)
        s = tls_new(t->tls, &c->tls, e);
    if (s == STATUS_OK)
        s = loop_add(&p->loop, c->fd, openai_conn_tag(p, c), e);
    if (s != STATUS_OK)
        openai_conn_close(p, c);
    return s;
}

static enum status free_slot(struct openai_pool *p, int32_t *index, struct err *e)
{
    for (size_t i = 0; i < p->conn_count; i++)
        if (p->conns[i].state == OPENAI_CLOSED && p->conns[i].request == OPENAI_NOBODY) {
            *index = (int32_t)i;
            return STATUS_OK;
        }
    if (p->conn_count == p->conn_room && p->idle_count > 0) { /* to another target */
        *index = p->idle[0];
        openai_conn_close(p, &p->conns[*index]);
        return STATUS_OK;
    }
    if (p->conn_count == p->conn_room)
        return status_fail(e, STATUS_TOO_BIG, "connections",
                           "more than the %zu planned connections", p->conn_room);
    *index = (int32_t)p->conn_count++;
    return STATUS_OK;
}

enum status openai_conn_open(struct openai_pool *p, int32_t target, int32_t request,
                             int32_t *index, struct err *e)
{
    if (free_slot(p, index, e) != STATUS_OK)
        return e->code;
    struct openai_conn *c = &p->conns[*index];
    c->target = target;
    c->request = request;
    if (start(p, c, e) != STATUS_OK) {
        c->request = OPENAI_NOBODY;
        return e->code;
    }
    if (request != OPENAI_NOBODY) {
        job_of(p, request)->conn = *index;
        c->sent_at = c->connect_start; /* until it is sent: the timeout counts
                                          from here */
        list_append(p, c);
    }
    return STATUS_OK;
}

/* True when everything to be sent is on its way. */
static bool flush(struct openai_pool *p, struct openai_conn *c)
{
    while (c->out_len > 0) {
        size_t sent = 0;
        enum sock_result r = sock_send(c->fd, c->out_at, c->out_len, &sent);
        if (r == SOCK_AGAIN)
            return false;
        if (r != SOCK_OK) {
            openai_conn_lost(p, c, false, strerror(errno));
            return false;
        }
        c->has_sent = true;
        c->out_at += sent;
        c->out_len -= sent;
    }
    return true;
}

/* Of a connection that has not served yet: true if the server had closed it while it was
 * idle, so that the request passed its close on the way. What the server's kernel has
 * acknowledged may have been read. */
static bool was_closed_idle(const struct openai_conn *c, bool is_end)
{
    if (!c->was_idle || c->is_retried || c->answer.has_bytes)
        return false;
    if (!c->has_sent || c->has_served)
        return true;
    if (is_end)
        return sock_unacked(c->fd) > 0;
    return c->idle_ns >= IDLE_LONG_NS && clock_since(c->sent_at).ns < RESET_SOON_NS;
}

/* Sends the request once more, on a new connection. */
static bool retry(struct openai_pool *p, struct openai_conn *c)
{
    struct err e;
    openai_conn_close(p, c);
    if (start(p, c, &e) != STATUS_OK)
        return false;
    c->is_retried = true;
    p->peers[c->target].resent++;
    return true;
}

bool openai_conn_keeps(const struct openai_pool *p, int32_t target)
{
    return p->setup->options->is_keepalive &&
           p->peers[target].resent < OPENAI_CONN_LOST_MOST;
}

void openai_conn_lost(struct openai_pool *p, struct openai_conn *c, bool is_end,
                      const char *text)
{
    bool may_retry = c->request != OPENAI_NOBODY && was_closed_idle(c, is_end);
    if (!may_retry || !retry(p, c))
        fail_and_close(p, c, FAIL_reset, text);
}

/* One step of the handshake; true when it is done and said. */
static bool handshake(struct openai_pool *p, struct openai_conn *c)
{
    struct err e;
    enum tls_result r = tls_handshake(c->tls, &c->out, &e);
    if (r == TLS_ERROR || r == TLS_END) {
        fail_and_close(p, c, FAIL_refused,
                       r == TLS_END ? "closed during the handshake" : e.what);
        return false;
    }
    if (c->out_len == 0) {
        c->out_at = c->out.data;
        c->out_len = c->out.len;
    }
    if (!flush(p, c) || r == TLS_AGAIN) {
        if (c->out_len == 0)
            buf_clear(&c->out);
        return false;
    }
    buf_clear(&c->out);
    c->tls_ns = clock_since(c->connect_start).ns - c->connect_ns;
    return true;
}

/* The request's bytes into the socket; the stamp is taken before the first of them. */
static void send_job(struct openai_pool *p, struct openai_conn *c)
{
    const struct openai_job *job = job_of(p, c->request);
    struct err e;
    if (c->state != OPENAI_SENDING) {
        c->out_at = job->bytes;
        c->out_len = job->len;
        if (c->tls != NULL) {
            if (tls_write(c->tls, job->bytes, job->len, &c->out, &e) != STATUS_OK) {
                fail_and_close(p, c, FAIL_reset, e.what);
                return;
            }
            c->out_at = c->out.data;
            c->out_len = c->out.len;
        }
        openai_answer_begin(c);
        c->lazy_tokens = p->setup->options->is_stream ? job->max_tokens - 1 : 0;
        c->state = OPENAI_SENDING;
        c->has_sent = false;
        c->sent_at = clock_now();
        list_renew(p, c);
        struct event *ev = openai_events_add(&p->events, EVENT_SENT, c->request,
                                             c->sent_at);
        ev->connect_ns = c->connect_ns;
        ev->tls_ns = c->tls_ns;
        c->connect_ns = c->tls_ns = NS_UNKNOWN;
    }
    if (!flush(p, c))
        return;
    buf_clear(&c->out);
    c->state = OPENAI_ANSWER;
    openai_conn_hasten(p, c);
}

/* A connection stands: it takes up its request or goes idle. */
static void stands(struct openai_pool *p, struct openai_conn *c)
{
    if (c->request == OPENAI_NOBODY) {
        go_idle(p, c);
        return;
    }
    send_job(p, c);
}

void openai_conn_advance(struct openai_pool *p, struct openai_conn *c)
{
    if (c->state == OPENAI_CONNECTING) {
        int error = sock_connect_error(c->fd);
        if (error != 0) {
            fail_and_close(p, c, error == ETIMEDOUT ? FAIL_timeout : FAIL_refused,
                           strerror(error));
            return;
        }
        c->connect_ns = clock_since(c->connect_start).ns;
        c->state = c->tls != NULL ? OPENAI_TLS : OPENAI_IDLE;
        if (c->tls == NULL) {
            stands(p, c);
            return;
        }
    }
    if (c->state == OPENAI_TLS && handshake(p, c))
        stands(p, c);
    else if (c->state == OPENAI_SENDING)
        send_job(p, c);
}

void openai_conn_carry(struct openai_pool *p, struct openai_conn *c, int32_t request)
{
    c->request = request;
    c->was_idle = true;
    c->idle_ns = clock_since(c->idle_since).ns;
    job_of(p, request)->conn = (int32_t)(c - p->conns);
    list_append(p, c);
    send_job(p, c);
}
