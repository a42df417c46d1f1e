#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "engines/openai_lane.h"
#include "net/sock.h"

/* A lane against real sockets: the server is moved by the test between two turns of the
 * lane, so that the order of things is fixed. */
#define PEERS_MAX 64
#define STREAM                                               \
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" \
    "transfer-encoding: chunked\r\n\r\n"
#define ANSWER                                          \
    STREAM "3d\r\ndata: {\"choices\":[{\"text\":\"a\"," \
           "\"finish_reason\":\"length\"}]}  \n\n\r\n0\r\n\r\n"

struct server {
    int listener, port;
    int peers[PEERS_MAX];
    size_t peer_count, accepted, requests;
    const char *answer; /* to every request; NULL: none */
    bool closes;        /* after each answer */
    char seen[4096];    /* of the last request */
};

static struct server server;
static struct engine_target options;
static struct openai_target target;
static struct openai_setup setup;
static struct engine_lane *lane;
static struct engine_request requests[32];
static struct err e;

/* Accepts, reads what came, answers each request: they are short and come whole. */
static void serve(void)
{
    int fd;
    while (sock_accept(server.listener, &fd) == SOCK_OK) {
        server.peers[server.peer_count++] = fd;
        server.accepted++;
    }
    for (size_t i = 0; i < server.peer_count; i++) {
        struct sock_read got;
        size_t sent;
        if (server.peers[i] < 0 || sock_recv(server.peers[i], server.seen,
                                             sizeof server.seen - 1, &got) != SOCK_OK)
            continue;
        server.seen[got.len] = '\0';
        server.requests++;
        if (server.answer != NULL)
            (void)sock_send(server.peers[i], server.answer, strlen(server.answer), &sent);
        if (server.closes)
            sock_close(&server.peers[i]);
    }
}

static void hang_up(void)
{
    for (size_t i = 0; i < server.peer_count; i++)
        sock_close(&server.peers[i]);
}

static int make(void **state)
{
    (void)state;
    struct addr any;
    server = (struct server){.answer = ANSWER};
    assert_int_equal(addr_resolve("127.0.0.1", 0, &any, &e), STATUS_OK);
    assert_int_equal(sock_listen(&any, &server.listener, &e), STATUS_OK);
    server.port = sock_port(server.listener);
    options = (struct engine_target){.is_stream = true,
                                     .is_keepalive = true,
                                     .request_timeout_s = (double)INFINITY,
                                     .drain_interval_us = 0};
    target = (struct openai_target){.url = {.authority = "here"},
                                    .path = "/v1/completions"};
    assert_int_equal(addr_resolve("127.0.0.1", server.port, &target.addr, &e), STATUS_OK);
    setup = (struct openai_setup){.options = &options,
                                  .targets = &target,
                                  .target_count = 1,
                                  .model = "m",
                                  .dialect = openai_dialect_find("vllm")};
    assert_int_equal(openai_lane_new(NULL, &setup, &lane, &e), STATUS_OK);
    static const int32_t ids[] = {17, 18, 19};
    for (size_t i = 0; i < 32; i++)
        requests[i] = (struct engine_request){
            .index = (int32_t)i, .ids = ids, .id_count = 3, .max_tokens = 1};
    return 0;
}

static int drop(void **state)
{
    (void)state;
    openai_lane_free(lane);
    hang_up();
    sock_close(&server.listener);
    return 0;
}

static void prepare(int64_t connections)
{
    const struct engine_prepare p = {.requests = requests,
                                     .count = 32,
                                     .name = "run-c0-r1",
                                     .connections = connections,
                                     .connections_max = 32,
                                     .is_closed_load = true};
    assert_int_equal(openai_lane_prepare(lane, &p, &e), STATUS_OK);
}

static void submit(size_t i)
{
    assert_int_equal(openai_lane_submit(lane, &requests[i], &e), STATUS_OK);
}

static struct event seen[256];

/* Turns of lane and server until so many requests have ended; all events, in order. */
static size_t run(size_t wanted)
{
    size_t count = 0, ended = 0;
    while (ended < wanted) {
        struct event_list list = {.items = seen + count, .cap = 256 - count};
        struct instant soon = clock_after(clock_now(), clock_seconds(0.005));
        serve();
        assert_int_equal(openai_lane_next(lane, soon, NULL, &list, &e), STATUS_OK);
        for (size_t i = 0; i < list.count; i++)
            ended += list.items[i].kind == EVENT_DONE ||
                     list.items[i].kind == EVENT_FAILED;
        count += list.count;
    }
    return count;
}

static size_t count_kind(size_t count, enum event_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += seen[i].kind == kind;
    return n;
}

static void connections_are_reused(void **state)
{
    (void)state;
    prepare(2);
    size_t fresh = 0;
    for (size_t i = 0; i < 20; i += 2) {
        submit(i);
        submit(i + 1);
        size_t count = run(2);
        assert_int_equal(count_kind(count, EVENT_DONE), 2);
        assert_int_equal(count_kind(count, EVENT_TOKENS), 2);
        for (size_t k = 0; k < count; k++)
            fresh += seen[k].kind == EVENT_SENT && seen[k].connect_ns != NS_UNKNOWN;
    }
    assert_int_equal(server.accepted, 2);
    assert_int_equal(server.requests, 20);
    assert_int_equal(fresh, 2);
    assert_non_null(
        strstr(server.seen, "POST /v1/completions HTTP/1.1\r\nHost: here\r\n"));
    assert_non_null(strstr(server.seen, "X-Request-Id: run-c0-r1-1"));
    assert_non_null(strstr(server.seen, "[17,18,19]"));
}

/* Its prompt is there only when its turn has come. */
static void one_that_waits_for_another(void **state)
{
    static const int32_t ids[] = {7, 8};
    (void)state;
    requests[1] = (struct engine_request){
        .index = 1, .max_tokens = 1, .after = &requests[0]};
    prepare(1);
    submit(0);
    run(1);
    requests[1].ids = ids;
    requests[1].id_count = 2;
    submit(1);
    size_t count = run(1);
    assert_int_equal(seen[count - 1].kind, EVENT_DONE);
    assert_non_null(strstr(server.seen, "[7,8]"));
}

static void a_token_s_events_are_in_order(void **state)
{
    (void)state;
    prepare(1);
    submit(5);
    size_t count = run(1);
    assert_int_equal(count, 3);
    assert_int_equal(seen[0].kind, EVENT_SENT);
    assert_int_equal(seen[1].kind, EVENT_TOKENS);
    assert_int_not_equal(seen[1].stamp, EVENT_EXACT); /* the end came with it */
    assert_int_equal(seen[2].kind, EVENT_DONE);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(seen[i].request, 5);
    assert_true(seen[0].at.ns <= seen[1].at.ns && seen[1].at.ns <= seen[2].at.ns);
    /* A kernel that has only just been asked to stamp does not yet: none is told then. */
    bool is_stamped = seen[1].read_at.ns != NS_UNKNOWN;
    assert_true(!is_stamped || seen[1].at.ns <= seen[1].read_at.ns);
}

static void one_that_was_closed_while_idle_is_no_error(void **state)
{
    (void)state;
    prepare(1);
    submit(0);
    run(1);
    hang_up();
    submit(1); /* the lane has not looked since: the request meets the closed one */
    size_t count = run(1);
    assert_int_equal(seen[count - 1].kind, EVENT_DONE);
    assert_int_equal(server.accepted, 2);
}

/* It may be why the server ended. */
static void what_a_new_connection_has_brought_is_not_sent_twice(void **state)
{
    (void)state;
    server.answer = NULL; /* it is read, and no answer comes */
    server.closes = true;
    prepare(1);
    submit(0);
    size_t count = run(1);
    assert_int_equal(seen[count - 1].kind, EVENT_FAILED);
    assert_int_equal(seen[count - 1].fail, FAIL_reset);
    assert_int_equal(server.requests, 1);
    assert_int_equal(server.accepted, 1);
}

static void what_a_reused_one_has_brought_is_sent_once_more(void **state)
{
    (void)state;
    prepare(1);
    submit(0);
    run(1);
    server.answer = NULL;
    server.closes = true;
    submit(1);
    size_t count = run(1);
    assert_int_equal(seen[count - 1].kind, EVENT_FAILED);
    assert_int_equal(seen[count - 1].fail, FAIL_reset);
    assert_int_equal(server.requests, 3);
    assert_int_equal(server.accepted, 2);
}

static void those_closed_between_phases_are_replaced(void **state)
{
    (void)state;
    prepare(3);
    submit(0);
    run(1);
    hang_up();
    prepare(3); /* found, and opened anew */
    for (size_t i = 0; i < 3; i++)
        submit(i);
    size_t count = run(3), fresh = 0;
    assert_int_equal(count_kind(count, EVENT_DONE), 3);
    for (size_t k = 0; k < count; k++)
        fresh += seen[k].kind == EVENT_SENT && seen[k].connect_ns != NS_UNKNOWN;
    assert_int_equal(fresh, 3);
    assert_int_equal(server.accepted, 6);
}

static void too_few_open_files(void **state)
{
    (void)state;
    struct rlimit old, low = {.rlim_cur = 80, .rlim_max = 80};
    const struct engine_prepare p = {
        .requests = requests, .count = 32, .connections = 9, .connections_max = 32};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    setup.lane_count = 3; /* 9 of each, and 64 for the rest */
    pid_t child = fork();
    if (child == 0) {
        (void)setrlimit(RLIMIT_NOFILE, &low);
        enum status s = openai_lane_prepare(lane, &p, &e);
        bool is_said = s == STATUS_BAD_OPTION &&
                       strstr(e.what, "27 concurrent connections") &&
                       strstr(e.what, "91 open files") && strstr(e.hint, "91");
        _exit(is_said ? 0 : 1);
    }
    int status = 1;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_close_in_the_answer_is_one(void **state)
{
    (void)state;
    server.answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                    "transfer-encoding: chunked\r\n\r\n";
    server.closes = true;
    prepare(1);
    submit(0);
    size_t count = run(1);
    assert_int_equal(seen[count - 1].kind, EVENT_FAILED);
    assert_int_equal(seen[count - 1].fail, FAIL_reset);
    assert_non_null(strstr(seen[count - 1].text, "in the middle"));
}

static void a_fresh_connection_that_closes_is_one_too(void **state)
{
    (void)state;
    server.answer = NULL;
    server.closes = true;
    prepare(1);
    submit(0);
    size_t count = run(1);
    assert_int_equal(seen[count - 1].kind, EVENT_FAILED);
    assert_int_equal(seen[count - 1].fail, FAIL_reset);
    assert_int_equal(server.accepted, 1);
}

/* An answer of many times what one read takes and what the list of events holds. */
static void a_flood_is_read_to_its_end(void **state)
{
    enum { COUNT = 40000 };
    static const char token[] = "20\r\ndata:{\"choices\":[{\"text\":\"\"}]}\n\n\r\n";
    static const char last[] = "3d\r\ndata: {\"choices\":[{\"text\":\"a\","
                               "\"finish_reason\":\"length\"}]}  \n\n\r\n0\r\n\r\n";
    static char all[(COUNT + 10) * sizeof token];
    static struct event got[1024];
    (void)state;
    size_t len = (size_t)snprintf(all, sizeof all, "%s", STREAM), at = 0, tokens = 0;
    for (int i = 0; i < COUNT; i++, len += sizeof token - 1)
        memcpy(all + len, token, sizeof token);
    memcpy(all + len, last, sizeof last);
    len += sizeof last - 1;
    server.answer = NULL;
    prepare(1);
    submit(0);
    serve();
    bool is_over = false;
    for (int turn = 0; turn < 20000 && !is_over; turn++) {
        struct event_list list = {.items = got, .cap = 1024};
        struct instant soon = clock_after(clock_now(), clock_seconds(0.0005));
        size_t sent = 0;
        serve();
        if (at < len && server.peer_count > 0 &&
            sock_send(server.peers[0], all + at, len - at, &sent) == SOCK_OK)
            at += sent;
        if (at < len && turn < 20)
            continue; /* until the sockets are full */
        assert_int_equal(openai_lane_next(lane, soon, NULL, &list, &e), STATUS_OK);
        for (size_t i = 0; i < list.count; i++) {
            tokens += list.items[i].kind == EVENT_TOKENS;
            is_over = is_over || list.items[i].kind == EVENT_DONE;
            assert_int_not_equal(list.items[i].kind, EVENT_FAILED);
        }
    }
    assert_true(is_over);
    assert_int_equal(tokens, COUNT + 1);
}

/* --- answers that are about to end */

#define TOKEN "24\r\ndata: {\"choices\":[{\"text\":\"a\"}]}  \n\n\r\n"
#define LAST                                                                 \
    "3d\r\ndata: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"length\"" \
    "}]}  \n\n\r\n"
#define END "0\r\n\r\n"

static void say(size_t peer, const char *text)
{
    size_t sent;
    assert_int_equal(sock_send(server.peers[peer], text, strlen(text), &sent), SOCK_OK);
    assert_int_equal(sent, strlen(text));
}

/* One turn; how many events, in `seen`. */
static size_t turn_until(struct instant until)
{
    struct event_list list = {.items = seen, .cap = 256};
    assert_int_equal(openai_lane_next(lane, until, NULL, &list, &e), STATUS_OK);
    return list.count;
}

static struct instant in_s(double s)
{
    return clock_after(clock_now(), clock_seconds(s));
}

/* As many requests as connections, each sent, its server's side in the same order; the
 * lane sleeps as long as it is let, and has begun to. */
static void start_lazy(size_t count, int64_t max_tokens)
{
    server.answer = NULL;
    for (size_t i = 0; i < 32; i++)
        requests[i].max_tokens = max_tokens;
    options.drain_interval_us = 30 * 1000 * 1000;
    prepare(0);
    for (size_t i = 0; i < count; i++) {
        submit(i);
        for (size_t turns = 0; server.requests <= i && turns < 1000; turns++) {
            (void)turn_until(in_s(0.002));
            serve();
        }
    }
    assert_int_equal(server.requests, count);
    assert_int_equal(server.peer_count, count);
}

static void only_an_end_ends_the_sleep(void **state)
{
    (void)state;
    start_lazy(1, 3);
    say(0, STREAM TOKEN);
    struct instant until = in_s(0.02);
    assert_int_equal(turn_until(until), 1);
    assert_false(clock_before(clock_now(), until)); /* two are to come */
    assert_int_equal(lane->pool.hastened_count, 0);
    say(0, TOKEN);
    until = in_s(0.02);
    assert_int_equal(turn_until(until), 1);
    assert_false(clock_before(clock_now(), until));
    assert_int_equal(lane->pool.hastened_count, 1);
    say(0, LAST);
    until = in_s(60);
    assert_int_equal(turn_until(until), 1);
    assert_int_equal(seen[0].kind, EVENT_TOKENS);
    say(0, END);
    assert_int_equal(turn_until(until), 1);
    assert_int_equal(seen[0].kind, EVENT_DONE);
    assert_true(clock_before(clock_now(), until));
    assert_int_equal(lane->pool.hastened_count, 0);
}

/* What was read in a doze is missing any more when the others' time comes. */
static void the_others_go_on_sleeping(void **state)
{
    (void)state;
    start_lazy(2, 2);
    say(0, STREAM TOKEN);
    (void)turn_until(in_s(0.01));
    assert_int_equal(lane->pool.hastened_count, 1);
    say(1, STREAM TOKEN);
    say(0, LAST END);
    struct instant until = in_s(60);
    assert_int_equal(turn_until(until), 2);
    assert_true(clock_before(clock_now(), until));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(seen[i].request, 0);
    submit(2); /* on the connection that has become free */
    (void)turn_until(clock_now());
    serve();
    assert_int_equal(server.accepted, 2);
    until = in_s(0.01);
    assert_int_equal(turn_until(until), 1);
    assert_true(seen[0].kind == EVENT_TOKENS && seen[0].request == 1);
}

/* Not even what else was found ready comes between an end and the next request. */
static void ends_are_told_first_and_one_by_one(void **state)
{
    (void)state;
    start_lazy(4, 2);
    for (size_t i = 1; i < 3; i++)
        say(i, STREAM TOKEN);
    (void)turn_until(in_s(0.01));
    assert_int_equal(lane->pool.hastened_count, 2);
    say(0, STREAM TOKEN);
    say(1, LAST END);
    say(3, STREAM TOKEN);
    say(2, LAST END);
    const int32_t order[] = {1, 2};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(turn_until(clock_now()), 2);
        assert_int_equal(seen[1].kind, EVENT_DONE);
        assert_int_equal(seen[1].request, order[i]);
    }
    assert_int_equal(turn_until(clock_now()), 2);
    assert_int_equal(count_kind(2, EVENT_TOKENS), 2);
}

static void what_is_hastened(void **state)
{
    (void)state;
    start_lazy(1, 1); /* its only token is its end */
    assert_int_equal(lane->pool.hastened_count, 1);
    assert_int_equal(openai_lane_cancel(lane, 0, &e), STATUS_OK);
    assert_int_equal(lane->pool.hastened_count, 0);
    drop(NULL);
    make(NULL);
    options.is_stream = false; /* all in one piece, its end */
    start_lazy(1, 9);
    assert_int_equal(lane->pool.hastened_count, 1);
    hang_up();
    for (int i = 0; i < 1000 && lane->pool.hastened_count > 0; i++)
        (void)turn_until(in_s(0.005));
    assert_int_equal(lane->pool.hastened_count, 0);
    drop(NULL);
    make(NULL);
    start_lazy(1, 9); /* ends before its time, but not at once */
    say(0, STREAM LAST);
    assert_int_equal(turn_until(in_s(0.005)), 1);
    assert_int_equal(lane->pool.hastened_count, 1);
    drop(NULL);
    make(NULL);
    start_lazy(1, 9);
    lane->pool.is_closed_load = false; /* nothing waits for an end there */
    say(0, STREAM LAST);
    assert_int_equal(turn_until(in_s(0.005)), 1);
    assert_int_equal(lane->pool.hastened_count, 0);
}

static void nobody_listens(void **state)
{
    (void)state;
    struct addr any; /* a port that is taken and that nobody listens on */
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(addr_resolve("127.0.0.1", 0, &any, &e), STATUS_OK);
    assert_int_equal(bind(taken, (struct sockaddr *)&any.sa, any.len), 0);
    assert_int_equal(addr_resolve("127.0.0.1", sock_port(taken), &target.addr, &e),
                     STATUS_OK);
    prepare(0);
    submit(0);
    size_t count = run(1);
    assert_int_equal(seen[count - 1].kind, EVENT_FAILED);
    assert_int_equal(seen[count - 1].fail, FAIL_refused);
    struct engine_prepare p = {
        .requests = requests, .count = 32, .connections = 3, .connections_max = 32};
    assert_int_equal(openai_lane_prepare(lane, &p, &e), STATUS_CLOSED);
    assert_non_null(strstr(e.what, "only 0 of 3 connections"));
    assert_non_null(strcasestr(e.what, "refused"));
    sock_close(&taken);
}

static void no_answer_in_time(void **state)
{
    (void)state;
    server.answer = NULL;
    options.request_timeout_s = 0.02;
    prepare(1);
    submit(0);
    size_t count = run(1);
    assert_int_equal(seen[count - 1].kind, EVENT_FAILED);
    assert_int_equal(seen[count - 1].fail, FAIL_timeout);
}

/* The end that HTTP has follow [DONE] is waited for twice. */
static void done_is_an_end(void **state)
{
    (void)state;
    server.answer = STREAM "3d\r\ndata: {\"choices\":[{\"text\":\"a\","
                           "\"finish_reason\":\"length\"}]}  \n\n\r\n"
                           "e\r\ndata: [DONE]\n\n\r\n";
    prepare(1);
    for (size_t i = 0; i < 4; i++) {
        submit(i);
        size_t count = run(1);
        const struct event *end = &seen[count - 1];
        assert_int_equal(end->kind, EVENT_DONE);
        assert_int_equal(end->at.ns, seen[count - 2].at.ns); /* no wait is in it */
        assert_int_equal(lane->pool.peers[0].unended, i + 1);
    }
    assert_int_equal(server.accepted, 4);
    server.answer = ANSWER; /* it has learned nothing else meanwhile */
    submit(4);
    run(1);
    assert_int_equal(lane->pool.peers[0].unended, 4);
}

static void a_cancelled_request_ends_once(void **state)
{
    (void)state;
    server.answer = NULL;
    prepare(2);
    submit(0);
    submit(1);
    assert_int_equal(openai_lane_cancel(lane, 0, &e), STATUS_OK);
    assert_int_equal(openai_lane_cancel(lane, 1, &e), STATUS_OK);
    assert_int_equal(openai_lane_cancel(lane, 1, &e), STATUS_OK);
    size_t count = run(2);
    assert_int_equal(count_kind(count, EVENT_FAILED), 2);
    assert_int_equal(seen[count - 1].fail, FAIL_none);
}

static void a_new_one_for_each_request(void **state)
{
    (void)state;
    options.is_keepalive = false;
    prepare(2);
    assert_int_equal(server.accepted, 0);
    for (size_t i = 0; i < 4; i++) {
        submit(i);
        size_t count = run(1);
        assert_int_equal(seen[count - 1].kind, EVENT_DONE);
        assert_true(seen[0].kind == EVENT_SENT && seen[0].connect_ns != NS_UNKNOWN);
    }
    assert_int_equal(server.accepted, 4);
    assert_non_null(strstr(server.seen, "Connection: close\r\n"));
}

static void secrets_go_only_to_the_server(void **state)
{
    (void)state;
    const char *headers[] = {"X-Team: red"};
    options.api_key = "sk-secret";
    options.headers = (struct opt_strings){.items = headers, .count = 1};
    prepare(1);
    submit(0);
    run(1);
    assert_non_null(strstr(server.seen, "Authorization: Bearer sk-secret\r\n"));
    assert_non_null(strstr(server.seen, "X-Team: red\r\n"));
}

/* Of the descriptors, only its own are closed. */
static void a_lane_for_which_there_is_no_memory(void **state)
{
    (void)state;
    int before = fcntl(0, F_GETFD); /* what a zeroed descriptor would mean */
    struct alloc_fixture alloc = {.least = 2};
    while (alloc_fixture_next(&alloc)) {
        openai_lane_free(lane);
        alloc_fixture_arm(&alloc);
        enum status s = openai_lane_new(NULL, &setup, &lane, &e);
        alloc_fixture_judge(&alloc, s);
    }
    assert_int_equal(fcntl(0, F_GETFD), before);
}

static void no_memory_is_said(void **state)
{
    (void)state;
    const struct engine_prepare p = {
        .requests = requests, .count = 32, .connections = 0, .connections_max = 32};
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        drop(NULL);
        make(NULL);
        alloc_fixture_arm(&alloc);
        enum status s = openai_lane_prepare(lane, &p, &e);
        alloc_fixture_judge(&alloc, s);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        TEST(connections_are_reused),
        TEST(one_that_waits_for_another),
        TEST(a_token_s_events_are_in_order),
        TEST(one_that_was_closed_while_idle_is_no_error),
        TEST(what_a_new_connection_has_brought_is_not_sent_twice),
        TEST(what_a_reused_one_has_brought_is_sent_once_more),
        TEST(those_closed_between_phases_are_replaced),
        TEST(too_few_open_files),
        TEST(a_close_in_the_answer_is_one),
        TEST(a_fresh_connection_that_closes_is_one_too),
        TEST(a_flood_is_read_to_its_end),
        TEST(only_an_end_ends_the_sleep),
        TEST(the_others_go_on_sleeping),
        TEST(ends_are_told_first_and_one_by_one),
        TEST(what_is_hastened),
        TEST(nobody_listens),
        TEST(no_answer_in_time),
        TEST(done_is_an_end),
        TEST(a_cancelled_request_ends_once),
        TEST(a_new_one_for_each_request),
        TEST(secrets_go_only_to_the_server),
        TEST(a_lane_for_which_there_is_no_memory),
        TEST(no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
