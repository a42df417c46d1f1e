#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/loop.h"

/* Both ways to wait: with nanoseconds, and as on an older kernel. */
static const bool ways[] = {true, false};

static struct instant never(void)
{
    return clock_after(clock_now(), clock_seconds(INFINITY));
}

static struct loop open_loop(bool has_pwait2)
{
    struct loop l;
    assert_int_equal(loop_open(&l, NULL), STATUS_OK);
    if (!l.has_pwait2 && has_pwait2)
        skip(); /* an older kernel indeed */
    l.has_pwait2 = has_pwait2;
    return l;
}

static void open_pair(int fds[2])
{
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void close_pair(int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

static void opening_and_closing(void **state)
{
    (void)state;
    struct loop l = open_loop(true);
    assert_true(l.epoll_fd >= 0 && l.urgent_fd >= 0);
    assert_int_equal(prctl(PR_GET_TIMERSLACK), 1);
    loop_close(&l);
    assert_int_equal(l.epoll_fd, -1);
    assert_int_equal(l.urgent_fd, -1);
    assert_int_equal(l.urgent_fd, -1);
    loop_close(&l);
}

static void edges(void **state)
{
    (void)state;
    struct loop_ready ready[4];
    for (size_t w = 0; w < 2; w++) {
        struct loop l = open_loop(ways[w]);
        int fds[2];
        char text[8];
        open_pair(fds);
        assert_int_equal(loop_add(&l, fds[0], 42, NULL), STATUS_OK);
        assert_int_equal(loop_wait(&l, never(), ready, 4), 1); /* room to write */
        assert_int_equal(ready[0].tag, 42);
        assert_int_equal(ready[0].flags, LOOP_WRITE);
        assert_int_equal(loop_wait(&l, clock_now(), ready, 4), 0);
        assert_int_equal(write(fds[1], "abc", 3), 3);
        assert_int_equal(loop_wait(&l, never(), ready, 4), 1);
        assert_int_equal(ready[0].flags & LOOP_READ, LOOP_READ);
        assert_int_equal(ready[0].flags & LOOP_HANGUP, 0);
        assert_int_equal(read(fds[0], text, 1), 1); /* left unread: no new edge */
        assert_int_equal(loop_wait(&l, clock_now(), ready, 4), 0);
        assert_int_equal(write(fds[1], "d", 1), 1);
        assert_int_equal(loop_wait(&l, never(), ready, 4), 1);
        loop_remove(&l, fds[0]);
        assert_int_equal(write(fds[1], "e", 1), 1);
        assert_int_equal(loop_wait(&l, clock_now(), ready, 4), 0);
        close_pair(fds);
        loop_close(&l);
    }
}

/* What was left unread is told of again, though nothing new came; so is an end. */
static void left_for_later(void **state)
{
    (void)state;
    struct loop_ready ready[4];
    char text[8];
    int fds[2];
    struct loop l = open_loop(true);
    open_pair(fds);
    assert_int_equal(loop_add(&l, fds[0], 42, NULL), STATUS_OK);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    assert_int_equal(loop_wait(&l, never(), ready, 4), 1);
    assert_int_equal(read(fds[0], text, 1), 1);
    assert_int_equal(loop_wait(&l, clock_now(), ready, 4), 0);
    loop_again(&l, fds[0], 42);
    assert_int_equal(loop_wait(&l, clock_now(), ready, 4), 1);
    assert_int_equal(ready[0].tag, 42);
    assert_int_equal(ready[0].flags & LOOP_READ, LOOP_READ);
    assert_int_equal(loop_wait(&l, clock_now(), ready, 4), 0); /* once */
    assert_int_equal(close(fds[1]), 0);
    fds[1] = -1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(loop_wait(&l, clock_now(), ready, 4), 1);
        assert_int_equal(ready[0].flags & LOOP_HANGUP, LOOP_HANGUP);
        loop_again(&l, fds[0], 42);
    }
    close_pair(fds);
    loop_close(&l);
}

static void the_end_of_a_peer(void **state)
{
    (void)state;
    struct loop l = open_loop(true);
    struct loop_ready ready[4];
    int fds[2];
    open_pair(fds);
    assert_int_equal(loop_add(&l, fds[0], 7, NULL), STATUS_OK);
    assert_int_equal(loop_wait(&l, never(), ready, 4), 1);
    assert_int_equal(write(fds[1], "x", 1), 1);
    (void)shutdown(fds[1], SHUT_WR);
    assert_int_equal(loop_wait(&l, never(), ready, 4), 1);
    assert_int_equal(ready[0].flags & (LOOP_READ | LOOP_HANGUP), LOOP_READ | LOOP_HANGUP);
    close_pair(fds);
    loop_close(&l);
}

static void deadlines(void **state)
{
    (void)state;
    struct loop_ready ready[1];
    const int64_t steps_ns[] = {-NS_PER_S, 0, 1, 999, 250000, 1000001, 3 * NS_PER_MS};
    for (size_t w = 0; w < 2; w++) {
        struct loop l = open_loop(ways[w]);
        for (size_t i = 0; i < sizeof steps_ns / sizeof steps_ns[0]; i++) {
            struct instant until = {clock_now().ns + steps_ns[i]};
            assert_int_equal(loop_wait(&l, until, ready, 1), 0);
            assert_false(clock_before(clock_now(), until));
        }
        assert_int_equal(loop_wait(&l, (struct instant){NS_UNKNOWN}, ready, 1), 0);
        loop_close(&l);
    }
}

/* Only hastened ones end a doze; what it told of is not told twice as readable. */
static void dozing(void **state)
{
    (void)state;
    struct loop_ready ready[4];
    for (size_t w = 0; w < 2; w++) {
        struct loop l = open_loop(ways[w]);
        int lazy[2], urgent[2];
        char text[8];
        open_pair(lazy);
        open_pair(urgent);
        assert_int_equal(loop_add(&l, lazy[0], 1, NULL), STATUS_OK);
        assert_int_equal(loop_add(&l, urgent[0], 2, NULL), STATUS_OK);
        assert_int_equal(loop_wait(&l, never(), ready, 4), 2);
        assert_int_equal(write(lazy[1], "x", 1), 1);
        /* does not end it */
        struct instant until = {clock_now().ns + 2 * NS_PER_MS};
        assert_int_equal(loop_doze(&l, until, ready, 4), 0);
        assert_false(clock_before(clock_now(), until));
        assert_int_equal(write(urgent[1], "x", 1), 1); /* came before it was asked for */
        assert_true(loop_hasten(&l, urgent[0], 5));
        assert_false(loop_hasten(&l, urgent[0], 5)); /* once at a time */
        assert_int_equal(loop_doze(&l, never(), ready, 4), 1);
        assert_int_equal(ready[0].tag, 5);
        assert_int_equal(ready[0].flags, LOOP_READ);
        assert_int_equal(read(urgent[0], text, sizeof text), 1);
        assert_int_equal(loop_doze(&l, clock_now(), ready, 4), 0);
        size_t count = loop_wait(&l, never(), ready, 4);
        for (size_t i = 0; i < count; i++)
            assert_true(ready[i].tag == 1 || (ready[i].flags & LOOP_READ) == 0);
        loop_relax(&l, urgent[0]);
        assert_int_equal(write(urgent[1], "y", 1), 1);
        assert_int_equal(loop_doze(&l, clock_now(), ready, 4), 0);
        assert_int_equal(loop_wait(&l, never(), ready, 4), 1);
        assert_int_equal(ready[0].tag, 2);
        assert_int_equal(ready[0].flags & LOOP_READ, LOOP_READ);
        close_pair(lazy);
        close_pair(urgent);
        loop_close(&l);
    }
}

static void a_peer_s_end_ends_a_doze(void **state)
{
    (void)state;
    struct loop l = open_loop(true);
    struct loop_ready ready[4];
    int fds[2];
    open_pair(fds);
    assert_true(loop_hasten(&l, fds[0], 3));
    (void)shutdown(fds[1], SHUT_WR);
    assert_int_equal(loop_doze(&l, never(), ready, 4), 1);
    assert_int_equal(ready[0].flags & (LOOP_READ | LOOP_HANGUP), LOOP_READ | LOOP_HANGUP);
    close_pair(fds);
    loop_close(&l);
}

static void ignore(int number)
{
    (void)number;
}

static void a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct loop_ready ready[1];
    struct sigaction handle = {.sa_handler = ignore}, before;
    /* again and again: one that came before the wait would not end it */
    const struct itimerval often = {.it_interval = {.tv_usec = 5000},
                                    .it_value = {.tv_usec = 5000}};
    const struct itimerval off = {.it_value = {.tv_sec = 0}};
    assert_int_equal(sigaction(SIGALRM, &handle, &before), 0);
    for (size_t w = 0; w < 2; w++) {
        struct loop l = open_loop(ways[w]);
        assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
        size_t count = loop_wait(&l, never(), ready, 1);
        assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
        assert_int_equal(count, 0);
        loop_close(&l);
    }
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

/* More are ready than fit, and than one wait of the kernel takes. */
static void many_sockets(void **state)
{
    (void)state;
    enum { COUNT = 300, CAP = 7 };
    static int fds[COUNT][2];
    static int seen[COUNT];
    struct loop_ready ready[COUNT];
    struct loop l = open_loop(true);
    for (int i = 0; i < COUNT; i++) {
        open_pair(fds[i]);
        assert_int_equal(loop_add(&l, fds[i][0], (uint64_t)i, NULL), STATUS_OK);
    }
    size_t total = loop_wait(&l, never(), ready, CAP);
    assert_int_equal(total, CAP);
    for (size_t i = 0; i < total; i++)
        seen[ready[i].tag]++;
    for (int turn = 0; turn < COUNT && total < COUNT; turn++) {
        size_t got = loop_wait(&l, never(), ready, COUNT);
        assert_in_range(got, 1, COUNT);
        for (size_t i = 0; i < got; i++)
            seen[ready[i].tag]++;
        total += got;
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(seen[i], 1);
        close_pair(fds[i]);
    }
    loop_close(&l);
}

static void what_cannot_be_watched(void **state)
{
    (void)state;
    struct loop l = open_loop(true);
    struct err e;
    assert_int_equal(loop_add(&l, -1, 1, &e), STATUS_IO);
    assert_non_null(strstr(e.what, "cannot watch"));
    assert_false(loop_hasten(&l, -1, 1));
    loop_relax(&l, -1);
    loop_remove(&l, -1);
    loop_close(&l);
}

static void no_descriptors(void **state)
{
    (void)state;
    struct rlimit before, few;
    struct err e;
    struct loop l = {.epoll_fd = -5};
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (rlim_t room = 0; room < 2; room++) {
        few = before;
        few.rlim_cur = (rlim_t)next + room;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        enum status status = loop_open(&l, &e);
        (void)setrlimit(RLIMIT_NOFILE, &before);
        assert_int_equal(status, STATUS_IO);
        assert_non_null(strstr(e.hint, "ulimit -n"));
        assert_int_equal(l.epoll_fd, -5);
        int again = open("/dev/null", O_RDONLY | O_CLOEXEC);
        (void)close(again);
        assert_int_equal(again, next); /* nothing was left open */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_and_closing),
        cmocka_unit_test(edges),
        cmocka_unit_test(left_for_later),
        cmocka_unit_test(the_end_of_a_peer),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(dozing),
        cmocka_unit_test(a_peer_s_end_ends_a_doze),
        cmocka_unit_test(a_signal_ends_the_wait),
        cmocka_unit_test(many_sockets),
        cmocka_unit_test(what_cannot_be_watched),
        cmocka_unit_test(no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
