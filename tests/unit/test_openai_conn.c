#include "engines/openai_conn.h"

#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "engines/openai_lane.h"
#include "http_fixture.h"
#include "net/sock.h"

/* Connections without the lane's loop: the test itself waits for a socket and moves its
 * connection on. Two targets, four connections, eight requests. */
enum { TARGETS = 2, CONNS = 4, REQUESTS = 8, WAIT_MS = 20000 };

#define LONG_AGO_NS (3 * NS_PER_S)

struct bed {
    int listeners[TARGETS];
    struct engine_target options;
    struct openai_target targets[TARGETS];
    struct openai_setup setup;
    struct engine_request requests[REQUESTS];
    struct engine_lane *lane;
    struct err e;
};

static int make(void **state)
{
    struct bed *b = mem_alloc(1, sizeof *b);
    assert_non_null(b);
    *state = b;
    for (size_t i = 0; i < TARGETS; i++) {
        struct openai_target *t = &b->targets[i];
        struct addr any;
        assert_int_equal(addr_resolve("127.0.0.1", 0, &any, &b->e), STATUS_OK);
        assert_int_equal(sock_listen(&any, &b->listeners[i], &b->e), STATUS_OK);
        t->url = (struct url){.authority = "here"};
        t->path = "/v1/completions";
        assert_int_equal(
            addr_resolve("127.0.0.1", sock_port(b->listeners[i]), &t->addr, &b->e),
            STATUS_OK);
    }
    b->options = (struct engine_target){
        .is_stream = true, .is_keepalive = true, .request_timeout_s = (double)INFINITY};
    b->setup = (struct openai_setup){.options = &b->options,
                                     .targets = b->targets,
                                     .target_count = TARGETS,
                                     .dialect = openai_dialect_find("vllm"),
                                     .model = "m"};
    for (int32_t i = 0; i < REQUESTS; i++)
        b->requests[i] = (struct engine_request){
            .index = i, .text = "some words", .max_tokens = 3};
    return 0;
}

static int drop(void **state)
{
    struct bed *b = *state;
    mem_fail_at(0);
    openai_lane_free(b->lane);
    for (size_t i = 0; i < TARGETS; i++) {
        tls_context_free(b->targets[i].tls);
        sock_close(&b->listeners[i]);
    }
    mem_free(b);
    return 0;
}

/* A lane with room for four connections, none of them open. */
static struct engine_lane *begin(struct bed *b)
{
    const struct engine_prepare p = {.requests = b->requests,
                                     .count = REQUESTS,
                                     .connections = 0,
                                     .connections_max = CONNS / TARGETS};
    assert_int_equal(openai_lane_new(NULL, &b->setup, &b->lane, &b->e), STATUS_OK);
    assert_int_equal(openai_lane_prepare(b->lane, &p, &b->e), STATUS_OK);
    assert_int_equal(b->lane->pool.conn_room, CONNS);
    return b->lane;
}

static struct openai_conn *start(struct bed *b, int32_t target, int32_t request)
{
    int32_t index = -1;
    if (openai_conn_open(&b->lane->pool, target, request, &index, &b->e) != STATUS_OK)
        fail_msg("%s: %s", b->e.where, b->e.what);
    return &b->lane->pool.conns[index];
}

static void await(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}

static int accepted(struct bed *b, int32_t target)
{
    int fd = -1;
    await(b->listeners[target], POLLIN);
    assert_int_equal(sock_accept(b->listeners[target], &fd), SOCK_OK);
    return fd;
}

static void advance(struct bed *b, struct openai_conn *c)
{
    await(c->fd, POLLOUT);
    openai_conn_advance(&b->lane->pool, c);
}

/* A connection that stands idle, and the server's side of it. */
static struct openai_conn *idle(struct bed *b, int32_t target, int *peer)
{
    struct openai_conn *c = start(b, target, OPENAI_NOBODY);
    advance(b, c);
    assert_int_equal(c->state, OPENAI_IDLE);
    *peer = accepted(b, target);
    return c;
}

/* What the lane does with one that it takes from the idle ones. */
static void carry(struct bed *b, struct openai_conn *c, int32_t request)
{
    struct engine_lane *l = b->lane;
    assert_int_equal(l->pool.idle[l->pool.idle_count - 1], c - l->pool.conns);
    l->pool.idle_count--;
    openai_conn_carry(&l->pool, c, request);
}

static struct openai_job *job(struct bed *b, int32_t request)
{
    return &b->lane->pool.jobs[request - b->lane->pool.first_job];
}

/* The bytes of the request, and no more, have come. */
static void check_came(struct bed *b, int peer, int32_t request)
{
    const struct openai_job *j = job(b, request);
    char *got = mem_alloc(j->len + 1, 1);
    size_t len = 0;
    assert_non_null(got);
    while (len < j->len) {
        struct sock_read r;
        await(peer, POLLIN);
        assert_int_equal(sock_recv(peer, got + len, j->len + 1 - len, &r), SOCK_OK);
        len += r.len;
    }
    assert_int_equal(len, j->len);
    assert_memory_equal(got, j->bytes, len);
    mem_free(got);
}

/* Nothing more is on its way to the peer. */
static void check_silent(int peer)
{
    char byte;
    struct sock_read r;
    assert_int_equal(sock_recv(peer, &byte, 1, &r), SOCK_AGAIN);
}

static void check_events(const struct bed *b, size_t count)
{
    assert_int_equal(b->lane->pool.events.count, count);
}

static const struct event *last(const struct bed *b)
{
    assert_true(b->lane->pool.events.count > 0);
    return &b->lane->pool.events.items[b->lane->pool.events.count - 1];
}

/* The last event ends this request so. */
static void check_failed(const struct bed *b, int32_t request, enum fail_class why,
                         const char *text)
{
    const struct event *ev = last(b);
    assert_int_equal(ev->kind, EVENT_FAILED);
    assert_int_equal(ev->request, request);
    assert_int_equal(ev->fail, why);
    if (strcasestr(ev->text, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, ev->text);
}

/* The requests in the order of their sends, there and back. */
static void check_order(const struct bed *b, const int32_t *wanted, size_t count)
{
    const struct engine_lane *l = b->lane;
    int32_t before = -1, at = l->pool.oldest;
    for (size_t i = 0; i < count; i++) {
        assert_true(at >= 0);
        assert_int_equal(l->pool.conns[at].request, wanted[i]);
        assert_int_equal(l->pool.conns[at].prev, before);
        assert_true(i == 0 ||
                    l->pool.conns[before].sent_at.ns <= l->pool.conns[at].sent_at.ns);
        before = at;
        at = l->pool.conns[at].next;
    }
    assert_int_equal(at, -1);
    assert_int_equal(l->pool.newest, before);
}

/* --- connecting and sending */

static void one_without_a_request_goes_idle(void **state)
{
    struct bed *b = *state;
    struct engine_lane *l = begin(b);
    struct openai_conn *c = start(b, 1, OPENAI_NOBODY);
    assert_int_equal(c->state, OPENAI_CONNECTING);
    assert_int_equal(c->connect_ns, NS_UNKNOWN);
    assert_int_equal(l->pool.idle_count, 0);
    advance(b, c);
    assert_int_equal(c->state, OPENAI_IDLE);
    assert_int_equal(l->pool.idle_count, 1);
    assert_true(c->connect_ns >= 0);
    assert_true(c->idle_since.ns >= c->connect_start.ns);
    openai_conn_advance(&l->pool, c); /* nothing is left to do */
    assert_int_equal(c->state, OPENAI_IDLE);
    assert_int_equal(l->pool.idle_count, 1);
    check_events(b, 0);
    check_order(b, NULL, 0);
}

static void a_request_goes_out_once_its_connection_stands(void **state)
{
    struct bed *b = *state;
    begin(b);
    struct openai_conn *c = start(b, 0, 5);
    check_events(b, 0);
    assert_int_equal(job(b, 5)->conn, c - b->lane->pool.conns);
    check_order(b, (const int32_t[]){5}, 1);
    advance(b, c);
    assert_int_equal(c->state, OPENAI_ANSWER);
    check_events(b, 1);
    assert_int_equal(last(b)->kind, EVENT_SENT);
    assert_int_equal(last(b)->request, 5);
    assert_int_equal(last(b)->at.ns, c->sent_at.ns);
    assert_true(last(b)->connect_ns >= 0);
    assert_true(c->sent_at.ns >= c->connect_start.ns + last(b)->connect_ns);
    assert_int_equal(last(b)->tls_ns, NS_UNKNOWN);
    assert_int_equal(c->lazy_tokens, 2);
    int peer = accepted(b, 0);
    check_came(b, peer, 5);
    sock_close(&peer);
}

/* Connecting is told with the first request only. */
static void an_idle_one_carries_one_after_the_other(void **state)
{
    struct bed *b = *state;
    int peer;
    struct engine_lane *l = begin(b);
    struct openai_conn *c = idle(b, 0, &peer);
    int64_t connect_ns = c->connect_ns;
    c->idle_since.ns -= LONG_AGO_NS;
    carry(b, c, 2);
    assert_int_equal(last(b)->kind, EVENT_SENT);
    assert_int_equal(last(b)->connect_ns, connect_ns);
    assert_true(c->idle_ns >= LONG_AGO_NS);
    assert_int_equal(job(b, 2)->conn, 0);
    check_came(b, peer, 2);
    openai_conn_release(&l->pool, c, true);
    assert_int_equal(c->state, OPENAI_IDLE);
    assert_int_equal(c->request, OPENAI_NOBODY);
    assert_int_equal(job(b, 2)->conn, -1);
    check_order(b, NULL, 0);
    carry(b, c, 4);
    assert_int_equal(last(b)->request, 4);
    assert_int_equal(last(b)->connect_ns, NS_UNKNOWN);
    assert_true(c->idle_ns < LONG_AGO_NS);
    check_came(b, peer, 4);
    openai_conn_release(&l->pool, c, false);
    assert_int_equal(c->state, OPENAI_CLOSED);
    assert_int_equal(c->fd, -1);
    assert_int_equal(l->pool.idle_count, 0);
    check_events(b, 2);
    sock_close(&peer);
}

/* One that had to connect first was sent when it was, not when it began. */
static void the_order_is_that_of_the_sends(void **state)
{
    struct bed *b = *state;
    int peers[2];
    begin(b);
    struct openai_conn *first = idle(b, 0, &peers[0]);
    struct openai_conn *slow = start(b, 0, 0);
    struct openai_conn *second = idle(b, 1, &peers[1]);
    carry(b, second, 1);
    check_order(b, (const int32_t[]){0, 1}, 2);
    advance(b, slow);
    check_order(b, (const int32_t[]){1, 0}, 2);
    carry(b, first, 2);
    check_order(b, (const int32_t[]){1, 0, 2}, 3);
    openai_conn_release(&b->lane->pool, slow, true);
    check_order(b, (const int32_t[]){1, 2}, 2);
    carry(b, slow, 3);
    check_order(b, (const int32_t[]){1, 2, 3}, 3);
    openai_conn_release(&b->lane->pool, slow, false);
    openai_conn_release(&b->lane->pool, second, false);
    check_order(b, (const int32_t[]){2}, 1);
    openai_conn_release(&b->lane->pool, first, false);
    check_order(b, NULL, 0);
    for (size_t i = 0; i < 2; i++)
        sock_close(&peers[i]);
}

/* Its bytes take many sends, and it was sent once. */
static void a_long_request_goes_out_in_parts(void **state)
{
    enum { LEN = 16 << 20 };
    struct bed *b = *state;
    char *text = mem_alloc(LEN + 1, 1);
    int peer;
    assert_non_null(text);
    for (size_t i = 0; i < LEN; i++)
        text[i] = (char)('a' + i % 23);
    b->requests[0].text = text;
    begin(b);
    struct openai_conn *c = idle(b, 0, &peer);
    carry(b, c, 0);
    assert_int_equal(c->state, OPENAI_SENDING);
    assert_true(c->has_sent);
    struct instant sent_at = c->sent_at;
    char *got = mem_alloc(job(b, 0)->len + 1, 1);
    assert_non_null(got);
    size_t len = 0, turns = 0;
    while (len < job(b, 0)->len) {
        struct sock_read r;
        await(peer, POLLIN);
        assert_int_equal(sock_recv(peer, got + len, job(b, 0)->len + 1 - len, &r),
                         SOCK_OK);
        len += r.len;
        turns += c->state == OPENAI_SENDING;
        openai_conn_advance(&b->lane->pool, c);
    }
    assert_true(turns > 1);
    assert_int_equal(c->state, OPENAI_ANSWER);
    assert_memory_equal(got, job(b, 0)->bytes, len);
    check_silent(peer);
    check_events(b, 1);
    assert_int_equal(c->sent_at.ns, sent_at.ns);
    openai_conn_release(&b->lane->pool, c, true);
    mem_free(got);
    carry(b, c, 1); /* nothing of it is left over */
    check_came(b, peer, 1);
    sock_close(&peer);
    mem_free(text);
}

/* --- places */

static void more_than_planned_are_refused(void **state)
{
    struct bed *b = *state;
    int32_t index = -1;
    struct engine_lane *l = begin(b);
    for (int32_t i = 0; i < CONNS; i++)
        assert_int_equal(start(b, 0, i) - l->pool.conns, i);
    assert_int_equal(openai_conn_open(&l->pool, 0, CONNS, &index, &b->e), STATUS_TOO_BIG);
    assert_non_null(strstr(b->e.what, "more than the 4 planned connections"));
    assert_int_equal(job(b, CONNS)->conn, -1);
    check_order(b, (const int32_t[]){0, 1, 2, 3}, 4);
    uint64_t tag = openai_conn_tag(&l->pool, &l->pool.conns[2]);
    openai_conn_release(&l->pool, &l->pool.conns[2], false);
    struct openai_conn *c = start(b, 0, CONNS);
    assert_int_equal(c - l->pool.conns, 2);
    assert_int_equal((uint32_t)openai_conn_tag(&l->pool, c), 2);
    assert_true(openai_conn_tag(&l->pool, c) != tag); /* old readiness finds nobody */
}

/* Where every place is taken, one that stands idle to another target gives way. */
static void an_idle_one_gives_way(void **state)
{
    struct bed *b = *state;
    int peers[2];
    char byte;
    struct sock_read r;
    struct engine_lane *l = begin(b);
    start(b, 0, 0);
    struct openai_conn *gone = idle(b, 1, &peers[0]), *stays = idle(b, 1, &peers[1]);
    start(b, 0, 1);
    struct openai_conn *c = start(b, 0, 2);
    assert_ptr_equal(c, gone);
    assert_int_equal(c->target, 0);
    assert_int_equal(l->pool.idle_count, 1);
    assert_int_equal(l->pool.idle[0], stays - l->pool.conns);
    await(peers[0], POLLIN);
    assert_int_equal(sock_recv(peers[0], &byte, 1, &r), SOCK_END);
    check_silent(peers[1]);
    for (size_t i = 0; i < 2; i++)
        sock_close(&peers[i]);
}

static void closing_takes_it_from_the_idle_ones(void **state)
{
    struct bed *b = *state;
    int peers[3];
    struct engine_lane *l = begin(b);
    struct openai_conn *c[3];
    for (size_t i = 0; i < 3; i++)
        c[i] = idle(b, 0, &peers[i]);
    openai_conn_close(&l->pool, c[1]);
    openai_conn_close(&l->pool, c[1]);
    assert_int_equal(l->pool.idle_count, 2);
    assert_int_equal(l->pool.idle[0] + l->pool.idle[1], 0 + 2);
    openai_conn_close(&l->pool, c[0]);
    assert_int_equal(l->pool.idle_count, 1);
    assert_int_equal(l->pool.idle[0], 2);
    openai_conn_release(&l->pool, c[0], false); /* closed already */
    assert_int_equal(l->pool.idle_count, 1);
    check_events(b, 0);
    for (size_t i = 0; i < 3; i++)
        sock_close(&peers[i]);
}

/* --- what goes wrong */

static void refused_at_once(void **state)
{
    struct bed *b = *state;
    int32_t index = -1;
    struct engine_lane *l = begin(b);
    assert_int_equal(addr_unix("/nowhere/socket", &b->targets[0].addr, &b->e), STATUS_OK);
    for (int i = 0; i < 2 * CONNS; i++) { /* no place is lost */
        assert_int_equal(openai_conn_open(&l->pool, 0, 3, &index, &b->e),
                         STATUS_NOT_FOUND);
        assert_int_equal(l->pool.conns[0].state, OPENAI_CLOSED);
        assert_int_equal(l->pool.conns[0].request, OPENAI_NOBODY);
    }
    assert_int_equal(l->pool.conn_count, 1);
    assert_int_equal(job(b, 3)->conn, -1);
    check_order(b, NULL, 0);
    check_events(b, 0);
}

static void refused_later(void **state)
{
    struct bed *b = *state;
    struct engine_lane *l = begin(b);
    sock_close(&b->listeners[0]);
    struct openai_conn *c = start(b, 0, 3);
    advance(b, c);
    check_events(b, 1);
    check_failed(b, 3, FAIL_refused, "refused");
    assert_non_null(strstr(last(b)->text, b->targets[0].addr.text));
    assert_int_equal(c->state, OPENAI_CLOSED);
    assert_int_equal(job(b, 3)->conn, -1);
    check_order(b, NULL, 0);
    c = start(b, 0, OPENAI_NOBODY); /* nobody waits for it: it says why, no more */
    advance(b, c);
    check_events(b, 1);
    assert_int_equal(c->state, OPENAI_CLOSED);
    assert_non_null(strcasestr(c->error, "refused"));
    assert_int_equal(l->pool.idle_count, 0);
}

/* Closed by the server with a reset, which has come. */
static void reset_by_server(struct openai_conn *c, int *peer)
{
    const struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(*peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
                     0);
    sock_close(peer);
    await(c->fd, POLLHUP);
}

static void a_request_that_meets_a_closed_one_goes_out_anew(void **state)
{
    struct bed *b = *state;
    int peer;
    struct engine_lane *l = begin(b);
    struct openai_conn *c = idle(b, 0, &peer);
    reset_by_server(c, &peer);
    uint64_t tag = openai_conn_tag(&l->pool, c);
    carry(b, c, 6);
    assert_int_equal(c->state, OPENAI_CONNECTING);
    assert_true(c->is_retried);
    assert_true(openai_conn_tag(&l->pool, c) != tag);
    assert_int_equal(job(b, 6)->conn, c - l->pool.conns);
    check_order(b, (const int32_t[]){6}, 1);
    advance(b, c);
    peer = accepted(b, 0);
    check_came(b, peer, 6);
    for (size_t i = 0; i < l->pool.events.count; i++)
        assert_int_equal(l->pool.events.items[i].kind, EVENT_SENT);
    assert_true(last(b)->connect_ns >= 0); /* that of the new one */
    size_t count = l->pool.events.count;
    openai_conn_lost(&l->pool, c, false, "gone again"); /* no third time */
    check_events(b, count + 1);
    check_failed(b, 6, FAIL_reset, "gone again");
    assert_int_equal(c->state, OPENAI_CLOSED);
    assert_false(c->is_retried);
    sock_close(&peer);
}

/* Others that were sent while it connected anew are the older ones. */
static void one_that_goes_out_anew_is_the_newest(void **state)
{
    struct bed *b = *state;
    int peers[2];
    begin(b);
    struct openai_conn *alive = idle(b, 0, &peers[0]), *c = idle(b, 0, &peers[1]);
    reset_by_server(c, &peers[1]);
    carry(b, c, 6);
    carry(b, alive, 7);
    advance(b, c);
    check_order(b, (const int32_t[]){7, 6}, 2);
    sock_close(&peers[0]);
}

static void nobody_is_there_for_a_second_time(void **state)
{
    struct bed *b = *state;
    int peer;
    struct engine_lane *l = begin(b);
    struct openai_conn *c = idle(b, 0, &peer);
    reset_by_server(c, &peer);
    assert_int_equal(addr_unix("/nowhere/socket", &b->targets[0].addr, &b->e), STATUS_OK);
    carry(b, c, 6);
    check_failed(b, 6, FAIL_reset, "");
    assert_int_equal(c->state, OPENAI_CLOSED);
    assert_int_equal(c->request, OPENAI_NOBODY);
    assert_int_equal(job(b, 6)->conn, -1);
    check_order(b, NULL, 0);
    assert_int_equal(l->pool.idle_count, 0);
}

/* What is known of a request when its connection breaks, and whether it may go out once
 * more: only where the server cannot have read it. */
static void who_may_go_out_again(void **state)
{
    static const struct {
        bool was_idle, has_served, idle_long, is_end, is_read, has_answer, sent_long_ago,
            may;
    } cases[] = {
        {.was_idle = true, .is_end = true, .may = true}, /* not even acknowledged */
        {.was_idle = true, .is_end = true, .is_read = true},
        {.was_idle = false, .is_end = true},
        {.was_idle = true, .is_end = true, .has_answer = true},
        {.was_idle = true, .idle_long = true, .may = true}, /* a reset, at once */
        {.was_idle = true, .idle_long = true, .is_read = true, .may = true},
        {.was_idle = true, .idle_long = true, .sent_long_ago = true},
        {.was_idle = true, .idle_long = false},
        {.was_idle = true, .idle_long = true, .has_answer = true},
        {.was_idle = false, .idle_long = true},
        {.was_idle = true,
         .has_served = true,
         .is_end = true,
         .is_read = true,
         .may = true},
        {.was_idle = true, .has_served = true, .sent_long_ago = true, .may = true},
        {.was_idle = true, .has_served = true, .is_end = true, .has_answer = true},
    };
    struct bed *b = *state;
    char path[64] = "/tmp/inferbench-conn.XXXXXX", name[96];
    assert_non_null(mkdtemp(path)); /* a unix socket says what was read */
    (void)snprintf(name, sizeof name, "%s/socket", path);
    sock_close(&b->listeners[0]);
    assert_int_equal(addr_unix(name, &b->targets[0].addr, &b->e), STATUS_OK);
    assert_int_equal(sock_listen(&b->targets[0].addr, &b->listeners[0], &b->e),
                     STATUS_OK);
    struct engine_lane *l = begin(b);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int peer;
        struct openai_conn *c = idle(b, 0, &peer);
        c->idle_since.ns -= cases[i].idle_long ? LONG_AGO_NS : 0;
        carry(b, c, 1);
        if (cases[i].is_read)
            check_came(b, peer, 1);
        c->was_idle = cases[i].was_idle;
        c->has_served = cases[i].has_served;
        c->answer.has_bytes = cases[i].has_answer;
        c->sent_at.ns -= cases[i].sent_long_ago ? LONG_AGO_NS : 0;
        size_t count = l->pool.events.count;
        openai_conn_lost(&l->pool, c, cases[i].is_end, "it broke");
        if (c->is_retried != cases[i].may)
            fail_msg("case %zu: %s once more", i, c->is_retried ? "sent" : "not sent");
        check_events(b, count + !cases[i].may);
        if (!cases[i].may)
            check_failed(b, 1, FAIL_reset, "socket: it broke");
        openai_conn_release(&l->pool, c, false);
        l->pool.events.count = 0;
        sock_close(&peer);
        while (sock_accept(b->listeners[0], &peer) == SOCK_OK)
            sock_close(&peer);
    }
    (void)unlink(name);
    (void)rmdir(path);
}

/* Connections to a server that does not keep them are not kept either. */
static void two_that_were_lost_are_the_last(void **state)
{
    struct bed *b = *state;
    struct engine_lane *l = begin(b);
    for (int32_t lost = 0; lost < OPENAI_CONN_LOST_MOST; lost++) {
        int peer;
        assert_true(openai_conn_keeps(&l->pool, 0));
        assert_int_equal(l->pool.peers[0].resent, lost);
        struct openai_conn *c = idle(b, 0, &peer);
        reset_by_server(c, &peer);
        carry(b, c, 6 + lost);
        assert_true(c->is_retried);
        advance(b, c);
        peer = accepted(b, 0);
        openai_conn_release(&l->pool, c, false);
        l->pool.events.count = 0;
        sock_close(&peer);
    }
    assert_false(openai_conn_keeps(&l->pool, 0));
}

static void one_that_breaks_idle_says_why(void **state)
{
    struct bed *b = *state;
    int peer;
    struct engine_lane *l = begin(b);
    struct openai_conn *c = idle(b, 0, &peer);
    openai_conn_lost(&l->pool, c, true, "no more of it");
    assert_int_equal(c->state, OPENAI_CLOSED);
    assert_string_equal(c->error, "no more of it");
    assert_int_equal(l->pool.idle_count, 0);
    check_events(b, 0);
    sock_close(&peer);
}

/* --- TLS */

struct secured {
    struct cert_fixture certs;
    struct http_fixture server;
};

/* Target 0 is a server that shows a certificate. */
static void secure(struct bed *b, struct secured *s, bool trusts)
{
    *s = (struct secured){.server = {.answer = NULL}};
    cert_fixture_init(&s->certs);
    s->server.tls = cert_fixture_server(&s->certs, "IP:127.0.0.1", -3600, 3600);
    http_fixture_start(&s->server);
    const struct tls_options o = {.host = "127.0.0.1",
                                  .ca_cert = trusts ? s->certs.ca_path : NULL};
    assert_int_equal(tls_context_new(&o, &b->targets[0].tls, &b->e), STATUS_OK);
    assert_int_equal(
        addr_resolve("127.0.0.1", s->server.port, &b->targets[0].addr, &b->e), STATUS_OK);
}

static void insecure(struct bed *b, struct secured *s)
{
    openai_lane_free(b->lane);
    b->lane = NULL;
    http_fixture_stop(&s->server);
    SSL_CTX_free(s->server.tls);
    cert_fixture_fini(&s->certs);
}

/* Moves it on by what the server says, until it has left the handshake; false where the
 * bytes could not be fed. */
static bool shake(struct bed *b, struct openai_conn *c)
{
    static char bytes[1 << 16];
    advance(b, c);
    while (c->state == OPENAI_TLS) {
        struct sock_read r;
        await(c->fd, POLLIN);
        assert_int_equal(sock_recv(c->fd, bytes, sizeof bytes, &r), SOCK_OK);
        if (tls_feed(c->tls, bytes, r.len, &b->e) != STATUS_OK) {
            openai_conn_lost(&b->lane->pool, c, false, b->e.what);
            return false;
        }
        openai_conn_advance(&b->lane->pool, c);
    }
    return true;
}

static void a_secured_one_shakes_hands_first(void **state)
{
    struct bed *b = *state;
    static struct secured s;
    secure(b, &s, true);
    struct engine_lane *l = begin(b);
    struct openai_conn *c = start(b, 0, OPENAI_NOBODY);
    assert_true(shake(b, c));
    assert_int_equal(c->state, OPENAI_IDLE);
    int64_t connect_ns = c->connect_ns, tls_ns = c->tls_ns;
    assert_true(connect_ns >= 0 && tls_ns > 0);
    carry(b, c, 2);
    assert_int_equal(c->state, OPENAI_ANSWER);
    assert_int_equal(last(b)->connect_ns, connect_ns);
    assert_int_equal(last(b)->tls_ns, tls_ns);
    for (int i = 0; i < WAIT_MS && s.server.requests == 0; i++)
        clock_sleep_until(clock_after(clock_now(), clock_seconds(0.001)));
    assert_int_equal(s.server.requests, 1);
    assert_true(http_fixture_saw(&s.server, job(b, 2)->bytes));
    openai_conn_release(&l->pool, c, false);
    assert_null(c->tls);
    c = start(b, 0, 3); /* the same with a request that waits */
    assert_true(shake(b, c));
    assert_int_equal(c->state, OPENAI_ANSWER);
    check_events(b, 2);
    assert_true(last(b)->request == 3 && last(b)->tls_ns > 0);
    insecure(b, &s);
}

static void a_certificate_that_nobody_vouches_for(void **state)
{
    struct bed *b = *state;
    static struct secured s;
    secure(b, &s, false);
    begin(b);
    struct openai_conn *c = start(b, 0, 2);
    assert_true(shake(b, c));
    check_events(b, 1);
    check_failed(b, 2, FAIL_refused, "certificate");
    assert_int_equal(c->state, OPENAI_CLOSED);
    assert_null(c->tls);
    insecure(b, &s);
}

/* Whichever allocation fails: nothing was opened, or the request ends once. */
static void no_memory(void **state)
{
    struct bed *b = *state;
    static struct secured s;
    secure(b, &s, true);
    struct engine_lane *l = begin(b);
    size_t refused = 0, failed = 0;
    for (long nth = 1; nth > 0; nth++) {
        int32_t index = -1;
        l->pool.events.count = 0;
        assert_true(nth < 100);
        mem_fail_at(nth);
        enum status st = openai_conn_open(&l->pool, 0, 1, &index, &b->e);
        struct openai_conn *c = &l->pool.conns[0];
        if (st == STATUS_OK)
            (void)shake(b, c);
        mem_fail_at(0);
        if (st == STATUS_OK && c->state == OPENAI_ANSWER) {
            check_events(b, 1);
            nth = -1;
        } else if (st == STATUS_OK) {
            failed++;
            check_failed(b, 1, last(b)->fail, "127.0.0.1:");
            assert_true(last(b)->fail == FAIL_refused || last(b)->fail == FAIL_reset);
        } else {
            refused++;
            assert_int_equal(st, STATUS_NO_MEMORY);
            check_events(b, 0);
        }
        assert_int_equal(c->fd >= 0, nth < 0);
        assert_int_equal(job(b, 1)->conn, nth < 0 ? 0 : -1);
        buf_fini(&c->out); /* what it had grown to */
        buf_init(&c->out, OPENAI_BODY_CAP);
    }
    assert_true(refused > 0 && failed > 0);
    insecure(b, &s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        TEST(one_without_a_request_goes_idle),
        TEST(a_request_goes_out_once_its_connection_stands),
        TEST(an_idle_one_carries_one_after_the_other),
        TEST(the_order_is_that_of_the_sends),
        TEST(a_long_request_goes_out_in_parts),
        TEST(more_than_planned_are_refused),
        TEST(an_idle_one_gives_way),
        TEST(closing_takes_it_from_the_idle_ones),
        TEST(refused_at_once),
        TEST(refused_later),
        TEST(a_request_that_meets_a_closed_one_goes_out_anew),
        TEST(one_that_goes_out_anew_is_the_newest),
        TEST(nobody_is_there_for_a_second_time),
        TEST(who_may_go_out_again),
        TEST(two_that_were_lost_are_the_last),
        TEST(one_that_breaks_idle_says_why),
        TEST(a_secured_one_shakes_hands_first),
        TEST(a_certificate_that_nobody_vouches_for),
        TEST(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
