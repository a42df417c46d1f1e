/* Connections that stand before a phase, to real listeners that nobody serves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "engines/openai_lane.h"
#include "net/sock.h"

static int listeners[2];
static struct engine_target options;
static struct openai_target targets[2];
static struct openai_setup setup;
static struct engine_lane *lane;
static struct engine_request requests[8];
static struct engine_prepare p;
static struct err e;

static int make(void **state)
{
    struct addr any;
    (void)state;
    options = (struct engine_target){.is_stream = true,
                                     .is_keepalive = true,
                                     .request_timeout_s = (double)INFINITY,
                                     .drain_interval_us = 0};
    assert_int_equal(addr_resolve("127.0.0.1", 0, &any, &e), STATUS_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sock_listen(&any, &listeners[i], &e), STATUS_OK);
        targets[i] = (struct openai_target){.url = {.authority = "here"},
                                            .path = "/v1/completions"};
        assert_int_equal(
            addr_resolve("127.0.0.1", sock_port(listeners[i]), &targets[i].addr, &e),
            STATUS_OK);
    }
    setup = (struct openai_setup){.options = &options,
                                  .targets = targets,
                                  .target_count = 2,
                                  .model = "m",
                                  .dialect = openai_dialect_find("vllm")};
    assert_int_equal(openai_lane_new(NULL, &setup, &lane, &e), STATUS_OK);
    static const int32_t ids[] = {17};
    for (int32_t i = 0; i < 8; i++)
        requests[i] = (struct engine_request){
            .index = i, .ids = ids, .id_count = 1, .max_tokens = 1};
    p = (struct engine_prepare){
        .requests = requests, .count = 8, .name = "p", .connections_max = 8};
    assert_int_equal(openai_lane_prepare(lane, &p, &e), STATUS_OK);
    assert_int_equal(lane->pool.idle_count, 0);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    openai_lane_free(lane);
    for (int i = 0; i < 2; i++)
        sock_close(&listeners[i]);
    return 0;
}

static size_t accepted(int listener, int *fds)
{
    size_t n = 0;
    while (n < 4 && sock_accept(listener, &fds[n]) == SOCK_OK)
        n++;
    return n;
}

/* What stands when so many are expected in flight. */
static enum status expect(int64_t connections)
{
    p.connections = connections;
    openai_ready_trim(lane, &p);
    return openai_ready_open(lane, &p, &e);
}

/* Has the client closed its end? */
static bool is_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void what_is_missing_and_no_more(void **state)
{
    int fds[2][4];
    (void)state;
    assert_int_equal(expect(4), STATUS_OK);
    assert_int_equal(lane->pool.idle_count, 4);
    for (int i = 0; i < 2; i++)
        assert_int_equal(accepted(listeners[i], fds[i]), 2); /* they take turns */
    assert_int_equal(expect(4), STATUS_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(accepted(listeners[i], fds[i] + 2), 0);
    sock_close(&fds[1][0]); /* as a server does after some time */
    assert_int_equal(expect(5), STATUS_OK);
    assert_int_equal(lane->pool.idle_count, 5);
    assert_int_equal(accepted(listeners[0], fds[0] + 2), 1);
    assert_int_equal(accepted(listeners[1], fds[1] + 2), 1);
    for (int i = 0; i < 2; i++)
        for (int k = i; k < 3; k++)
            sock_close(&fds[i][k]);
}

/* A phase that expects fewer, and calls between phases, which expect none. */
static void what_is_left_of_a_phase_is_closed(void **state)
{
    int fds[2][4];
    (void)state;
    assert_int_equal(expect(8), STATUS_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(accepted(listeners[i], fds[i]), 4);
    assert_int_equal(expect(3), STATUS_OK);
    assert_int_equal(lane->pool.idle_count, 3);
    for (int i = 0; i < 2; i++) {
        int closed = 0;
        for (int k = 0; k < 4; k++)
            closed += is_closed(fds[i][k]);
        assert_int_equal(closed, i == 0 ? 2 : 3);
    }
    openai_ready_trim(lane, NULL);
    assert_int_equal(lane->pool.idle_count, 0);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 4; k++) {
            assert_true(is_closed(fds[i][k]));
            sock_close(&fds[i][k]);
        }
}

/* Requests of one of two lanes may all go to the same target. */
static void where_the_first_requests_go(void **state)
{
    int fds[4];
    (void)state;
    for (int32_t i = 0; i < 8; i++)
        requests[i].index = 2 * i + 1;
    assert_int_equal(expect(3), STATUS_OK);
    assert_int_equal(accepted(listeners[0], fds), 0);
    assert_int_equal(accepted(listeners[1], fds), 3);
    for (int i = 0; i < 3; i++)
        sock_close(&fds[i]);
}

static void no_more_than_requests(void **state)
{
    (void)state;
    p.count = 2;
    assert_int_equal(expect(8), STATUS_OK);
    assert_int_equal(lane->pool.idle_count, 2);
}

static void a_target_that_refuses(void **state)
{
    (void)state;
    sock_close(&listeners[1]);
    assert_int_equal(expect(6), STATUS_CLOSED);
    assert_string_equal(e.where, targets[1].addr.text);
    assert_non_null(strstr(e.what, "only 3 of 6 connections could be opened: "));
    assert_non_null(strstr(e.what, "refused"));
}

static bool always(void *arg)
{
    (void)arg;
    return true;
}

static void a_signal_meanwhile(void **state)
{
    const struct engine_watch w = {.stop = always};
    (void)state;
    p.watch = &w;
    assert_int_equal(expect(1), STATUS_INTERRUPTED);
}

struct allowance {
    rlim_t soft, hard, then;
    enum status status;
};

/* 3 lanes: 2 of each beforehand are 6, 4 to each of 2 targets at most 24; 64 files for
 * the rest. */
static int allow(const struct allowance *a)
{
    struct rlimit limit = {.rlim_cur = a->soft, .rlim_max = a->hard};
    const struct engine_prepare some = {.connections = 2, .connections_max = 4};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        openai_ready_allow(lane, &some, &e) != a->status ||
        getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    return limit.rlim_cur == a->then ? 0 : 2;
}

static void open_files(void **state)
{
    static const struct allowance all[] = {{70, 500, 88, STATUS_OK},
                                           {200, 500, 200, STATUS_OK},
                                           {70, 80, 80, STATUS_OK}, /* will do at first */
                                           {60, 69, 69, STATUS_BAD_OPTION}};
    (void)state;
    setup.lane_count = 3;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int status = 1;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(allow(&all[i]));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        TEST(what_is_missing_and_no_more),
        TEST(what_is_left_of_a_phase_is_closed),
        TEST(where_the_first_requests_go),
        TEST(no_more_than_requests),
        TEST(a_target_that_refuses),
        TEST(a_signal_meanwhile),
        TEST(open_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
