#include "serve/conn.h"

#include <sys/socket.h>

#include "base/mem.h"
#include "net/sock.h"

enum { GENERATION_SHIFT = 32 };

/* Room for one more connection. */
static bool make_room(struct conn_table *t)
{
    size_t room = t->room;
    return mem_grow(&t->all, t->count, &room, sizeof(struct conn *)) &&
           mem_grow(&t->unused, t->count, &t->room, sizeof *t->unused);
}

static struct conn *take_unused(struct conn_table *t)
{
    if (t->unused_count > 0)
        return t->all[t->unused[--t->unused_count]];
    struct conn *c = make_room(t) ? mem_alloc(1, sizeof *c) : NULL;
    if (c == NULL)
        return NULL;
    c->index = (uint32_t)t->count;
    t->all[t->count++] = c;
    return c;
}

struct conn *conn_open(struct conn_table *t, int fd)
{
    struct conn *c = take_unused(t);
    if (c == NULL)
        return NULL;
    *c = (struct conn){.fd = fd,
                       .index = c->index,
                       .generation = c->generation + 1,
                       .state = CONN_READING};
    request_init(&c->request, CONN_BODY_BYTES);
    buf_init(&c->later, CONN_LATER_BYTES);
    buf_init(&c->out, CONN_OUT_BYTES);
    completion_init(&c->answer);
    t->open++;
    if (t->tls == NULL || tls_new(t->tls, &c->tls, NULL) == STATUS_OK)
        return c;
    c->fd = -1; /* stays the caller's */
    conn_close(t, c, false);
    return NULL;
}

static void release(struct conn *c)
{
    request_fini(&c->request);
    buf_fini(&c->later);
    buf_fini(&c->out);
    completion_fini(&c->answer);
    tls_free(c->tls);
    c->tls = NULL;
}

void conn_close(struct conn_table *t, struct conn *c, bool is_reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (c->state == CONN_CLOSED)
        return;
    if (is_reset)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    sock_close(&c->fd);
    release(c);
    c->state = CONN_CLOSED;
    t->unused[t->unused_count++] = c->index;
    t->open--;
}

uint64_t conn_tag(const struct conn *c)
{
    return (uint64_t)c->generation << GENERATION_SHIFT | c->index;
}

struct conn *conn_of(const struct conn_table *t, uint64_t tag)
{
    uint32_t index = (uint32_t)tag;
    struct conn *c = index < t->count ? t->all[index] : NULL;
    bool is_same = c != NULL && c->state != CONN_CLOSED && conn_tag(c) == tag;
    return is_same ? c : NULL;
}

void conn_table_fini(struct conn_table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        conn_close(t, t->all[i], false);
        mem_free(t->all[i]);
    }
    mem_free(t->all);
    mem_free(t->unused);
    *t = (struct conn_table){0};
}

bool conn_is_blocked(const struct conn *c)
{
    return c->out.len > c->out_done;
}

static enum conn_sent send_raw(struct conn *c, struct str bytes, struct instant *sent)
{
    size_t taken = 0;
    if (!conn_is_blocked(c)) {
        *sent = clock_now();
        enum sock_result result = sock_send(c->fd, bytes.ptr, bytes.len, &taken);
        if (result == SOCK_ERROR || result == SOCK_END)
            return CONN_LOST;
        if (taken == bytes.len)
            return CONN_SENT;
    }
    enum status status = buf_append(&c->out, bytes.ptr + taken, bytes.len - taken);
    return status == STATUS_OK ? CONN_WAITS : CONN_LOST;
}

static enum conn_sent send_pending(struct conn *c, struct instant *sent)
{
    struct str bytes = tls_pending(c->tls);
    if (bytes.len == 0)
        return conn_is_blocked(c) ? CONN_WAITS : CONN_SENT;
    enum conn_sent result = send_raw(c, bytes, sent);
    tls_sent(c->tls);
    return result;
}

enum conn_sent conn_send(struct conn *c, struct str bytes, struct instant *sent)
{
    struct instant unused;
    if (sent == NULL)
        sent = &unused;
    if (c->tls == NULL)
        return send_raw(c, bytes, sent);
    if (tls_write(c->tls, bytes.ptr, bytes.len, NULL, NULL) != STATUS_OK)
        return CONN_LOST;
    return send_pending(c, sent);
}

enum conn_sent conn_relay(struct conn *c)
{
    struct instant unused;
    return c->tls != NULL ? send_pending(c, &unused) : CONN_SENT;
}

void conn_goodbye(struct conn *c)
{
    if (c->tls == NULL || c->state == CONN_CLOSED)
        return;
    tls_end(c->tls);
    (void)conn_relay(c);
}

enum conn_sent conn_flush(struct conn *c, struct instant *sent)
{
    while (conn_is_blocked(c)) {
        size_t taken = 0;
        *sent = clock_now();
        enum sock_result result = sock_send(c->fd, c->out.data + c->out_done,
                                            c->out.len - c->out_done, &taken);
        if (result == SOCK_AGAIN)
            return CONN_WAITS;
        if (result != SOCK_OK)
            return CONN_LOST;
        c->out_done += taken;
    }
    buf_fini(&c->out);
    c->out_done = 0;
    return CONN_SENT;
}
