#include "stats/gather.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "stats_fixture.h"

static struct gather_scope scope_of(const struct stats_fixture *f, int repeat)
{
    return (struct gather_scope){.repeat = &f->repeats[repeat],
                                 .definitions = RECORD_FORMAT,
                                 .begin_ns = NS_UNKNOWN,
                                 .end_ns = NS_UNKNOWN};
}

static enum status add(const struct stats_fixture *f, struct gather *g,
                       enum gather_kind kind, int repeat)
{
    const struct gather_scope scope = scope_of(f, repeat);
    return gather_add(g, kind, &scope);
}

static enum status add_closed(const struct stats_fixture *f, struct gather *g,
                              enum gather_kind kind)
{
    struct gather_scope scope = scope_of(f, 1);
    scope.is_closed = true;
    return gather_add(g, kind, &scope);
}

static void test_samples(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    assert_int_equal(add(f, &g, GATHER_TTFT, 1), STATUS_OK);
    assert_int_equal(g.count, 2);
    stats_fixture_near(gather_mean(&g), 0.110, 1e-12);
    gather_fini(&g);
    assert_int_equal(add(f, &g, GATHER_TTFT_SERVICE, 1), STATUS_OK);
    stats_fixture_near(gather_max(&g), 0.110, 1e-12);
    stats_fixture_near(gather_median(&g), 0.109999, 1e-12);
    gather_fini(&g);
    assert_int_equal(add(f, &g, GATHER_E2E, 1), STATUS_OK);
    stats_fixture_near(gather_mean(&g), 0.154, 1e-12); /* to the last token, not
                                                          to done */
    gather_fini(&g);
    assert_int_equal(add(f, &g, GATHER_TPOT, 1), STATUS_OK);
    stats_fixture_near(gather_mean(&g), 11, 1e-12);
    stats_fixture_near(gather_share_above(&g, 10.9), 1, 0);
    stats_fixture_near(gather_share_above(&g, 11.1), 0, 0);
    gather_fini(&g);
    assert_true(isnan(gather_mean(&g)) && isnan(gather_max(&g)));
}

static void test_what_gives_no_sample(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    struct request_record *q = f->repeats[1].requests;
    q[0].status = RECORD_INTERRUPTED;
    q[1].first_ns = NS_UNKNOWN;
    for (int kind = GATHER_TTFT; kind <= GATHER_TPOT; kind++) {
        assert_int_equal(add(f, &g, (enum gather_kind)kind, 1), STATUS_OK);
        /* E2E knows its ends, gaps do not depend on the first instant */
        size_t want = kind == GATHER_E2E || kind == GATHER_E2E_SERVICE ? 1
                      : kind == GATHER_ITL                             ? 4
                                                                       : 0;
        assert_int_equal(g.count, want);
        gather_fini(&g);
    }
    q[1].first_ns = 0;
    q[1].tokens_out = 3;
    q[1].first_event_tokens = 3; /* all tokens in the first event */
    assert_int_equal(add(f, &g, GATHER_TPOT, 1), STATUS_OK);
    assert_int_equal(g.count, 0);
    gather_fini(&g);
}

/* Two answers of one batch share their instants: 8 gaps, 4 instants; another start takes
 * the sharing away, an event without a stamp of its own only its own gaps. */
static void test_distinct_instants(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    static uint8_t marks[STATS_FIXTURE_TOKENS];
    stats_fixture_init(f);
    assert_int_equal(add(f, &g, GATHER_ITL, 1), STATUS_OK);
    assert_int_equal(g.count, 8);
    assert_int_equal(g.samples, 4);
    assert_int_equal(g.requests, 2);
    assert_int_equal(add(f, &g, GATHER_ITL, 2), STATUS_OK);
    assert_int_equal(g.count, 16);
    assert_int_equal(g.samples, 8);
    gather_fini(&g);
    memset(marks, 0, sizeof marks);
    marks[2] = RECORD_MARK(EVENT_TEXT, EVENT_BOUNDED);
    f->repeats[1].requests[0].marks = marks;
    assert_int_equal(add(f, &g, GATHER_ITL, 1), STATUS_OK);
    assert_int_equal(g.count, 6);
    assert_int_equal(g.samples, 4); /* the other answer's are there still */
    gather_fini(&g);
    for (int k = 0; k < STATS_FIXTURE_TOKENS; k++)
        f->repeats[2].requests[0].at_ns[k] += 1;
    assert_int_equal(add(f, &g, GATHER_ITL, 2), STATUS_OK);
    assert_int_equal(g.samples, 8);
    gather_fini(&g);
}

/* Around a token without a stamp of its own, 2 gaps of at most 22 ms; an event of two
 * tokens, 2 gaps of at most 11 ms. */
static void test_bounds(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    static uint8_t marks[STATS_FIXTURE_TOKENS];
    static int64_t tokens[] = {1, 1, 2, 1, 1};
    stats_fixture_init(f);
    struct request_record *q = f->repeats[1].requests;
    f->repeats[1].request_count = 1;
    memset(marks, 0, sizeof marks);
    marks[2] = RECORD_MARK(EVENT_TEXT, EVENT_BOUNDED);
    q->marks = marks;
    assert_int_equal(add(f, &g, GATHER_ITL, 1), STATUS_OK);
    assert_int_equal(g.count, 2);
    assert_int_equal(g.bound_count, 2);
    stats_fixture_near(g.bounds[0], 22, 1e-12);
    stats_fixture_near(gather_mean(&g), 11, 1e-12); /* 44 ms by 4 gaps, whatever
                                                       each is */
    gather_fini(&g);
    q->marks = NULL;
    q->event_tokens = tokens;
    q->tokens_out = 6;
    assert_int_equal(add(f, &g, GATHER_ITL, 1), STATUS_OK);
    assert_int_equal(g.count, 3);
    assert_int_equal(g.bound_count, 2);
    stats_fixture_near(g.bounds[1], 11, 1e-12);
    stats_fixture_near(gather_mean(&g), 44 / 5.0, 1e-12);
    gather_fini(&g);
    marks[2] = 0;
    marks[0] = RECORD_MARK(EVENT_TEXT, EVENT_BOUNDED); /* nobody knows when it began */
    q->marks = marks;
    assert_int_equal(add(f, &g, GATHER_ITL, 1), STATUS_OK);
    assert_int_equal(g.count + g.bound_count + g.requests, 0);
    q->marks = NULL;
    q->events = RECORD_UNSETTLED;
    assert_int_equal(add(f, &g, GATHER_ITL, 1), STATUS_OK);
    assert_int_equal(g.count + g.bound_count + g.requests, 0);
    gather_fini(&g);
}

/* Percentiles stand where bounds cannot move them by 5 %, else they are unknown. */
static void test_sure_percentiles(void **state)
{
    double values[100], bounds[40];
    struct gather g = {.values = values, .count = 100, .samples = 100, .bounds = bounds};
    (void)state;
    for (int i = 0; i < 100; i++)
        values[i] = 10 + i * 0.01;
    for (int i = 0; i < 40; i++)
        bounds[i] = 20;
    g.bound_count = 4; /* ranks 48 to 52 of 104 are 10.47 and 10.51 */
    stats_fixture_near(gather_percentile(&g, 50).value, 10.49, 1e-12);
    assert_true(isnan(gather_percentile(&g, 99).value)); /* 10.98 or 20 */
    g.bound_count = 40;                                  /* 10.29 or 10.69: 3.7 % */
    stats_fixture_near(gather_percentile(&g, 50).value, 10.49, 1e-12);
    for (int i = 0; i < 100; i++)
        values[i] = 10 + i * 0.1;
    assert_true(isnan(gather_percentile(&g, 50).value)); /* 12.9 or 16.9 */
}

/* Requests that failed or unanswered took longer than every other one. */
static void test_lost(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    for (int i = 0; i < 10; i++)
        assert_int_equal(add(f, &g, GATHER_TTFT, 1), STATUS_OK);
    f->repeats[1].requests[0].status = RECORD_FAILED;
    f->repeats[1].requests[1].status = RECORD_UNANSWERED;
    for (int i = 0; i < 9; i++)
        assert_int_equal(add(f, &g, GATHER_TTFT, 1), STATUS_OK);
    assert_int_equal(g.lost, 18);
    assert_int_equal(g.samples, 38);
    stats_fixture_near(gather_percentile(&g, 50).value, 0.110, 1e-12); /* rank 19 of 38 */
    stats_fixture_near(gather_mean(&g), 0.110, 1e-12);
    for (int i = 0; i < 2; i++)
        assert_int_equal(add(f, &g, GATHER_TTFT, 1), STATUS_OK);
    assert_true(
        isnan(gather_percentile(&g, 50).value)); /* rank 21 of 42, 20 were answered */
    gather_fini(&g);
    f->repeats[1].requests[1].status = RECORD_INTERRUPTED; /* by us: it says nothing */
    assert_int_equal(add(f, &g, GATHER_E2E, 1), STATUS_OK);
    assert_int_equal(g.lost, 1);
    gather_fini(&g);
    struct gather_scope old = scope_of(f, 1);
    old.definitions = 1;
    assert_int_equal(gather_add(&g, GATHER_E2E, &old), STATUS_OK);
    assert_int_equal(g.lost, 0);
    gather_fini(&g);
}

static void test_scope(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    struct gather_scope scope = scope_of(f, 1);
    f->repeats[1].requests[0].due_ns -= 1;
    scope.begin_ns = f->repeats[1].requests[1].due_ns;
    scope.end_ns = scope.begin_ns + 1; /* the end is left out */
    assert_int_equal(gather_add(&g, GATHER_TTFT, &scope), STATUS_OK);
    assert_int_equal(g.count, 1);
    gather_fini(&g);
    assert_int_equal(gather_add(&g, GATHER_ITL, &scope), STATUS_OK);
    assert_int_equal(g.count, 4);
    gather_fini(&g);
    assert_int_equal(gather_add(&g, GATHER_SEND_LAG, &scope), STATUS_OK);
    assert_int_equal(g.count, 2); /* what is said of the client is said of all */
    gather_fini(&g);
    scope = scope_of(f, 1);
    scope.skips_firsts = true;
    f->repeats[1].requests[0].due_ns = f->repeats[1].requests[0].sent_ns;
    assert_int_equal(gather_add(&g, GATHER_E2E, &scope), STATUS_OK);
    assert_int_equal(g.count, 1);
    gather_fini(&g);
}

/* Tokens that all came at once have no time between them. */
static void test_no_time_at_all(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    struct gather_scope scope = scope_of(f, 1);
    for (int i = 0; i < 2; i++)
        f->repeats[1].requests[i].last_ns = f->repeats[1].requests[i].first_ns;
    assert_int_equal(gather_add(&g, GATHER_TPOT, &scope), STATUS_OK);
    assert_int_equal(g.count, 0);
    scope.definitions = 1;
    assert_int_equal(gather_add(&g, GATHER_TPOT, &scope), STATUS_OK);
    assert_int_equal(g.count, 2);
    gather_fini(&g);
}

static void test_send_lag(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    f->repeats[1].requests[1].status = RECORD_FAILED; /* it was sent all the same */
    assert_int_equal(add(f, &g, GATHER_SEND_LAG, 1), STATUS_OK);
    assert_int_equal(g.count, 2);
    stats_fixture_near(gather_max(&g), 1e-6, 1e-15);
    gather_fini(&g);
    /* closed load: request 0 was due when it was sent, the first of its slot */
    assert_int_equal(add_closed(f, &g, GATHER_SEND_LAG), STATUS_OK);
    assert_int_equal(g.count, 1);
    gather_fini(&g);
    /* the network opened a connection for 0.7 us of it */
    for (size_t i = 0; i < 2; i++) {
        f->repeats[1].requests[i].connect_ns = 400;
        f->repeats[1].requests[i].tls_ns = 300;
    }
    assert_int_equal(add(f, &g, GATHER_SEND_LATE, 1), STATUS_OK);
    assert_int_equal(g.count, 2);
    stats_fixture_near(gather_max(&g), 0.3e-6, 1e-15);
    gather_fini(&g);
    /* one that took longer than the send waited was there before */
    f->repeats[1].requests[0].connect_ns = f->repeats[1].requests[1].connect_ns = 5000;
    assert_int_equal(add(f, &g, GATHER_SEND_LATE, 1), STATUS_OK);
    stats_fixture_near(gather_max(&g), 1e-6, 1e-15);
    gather_fini(&g);
}

/* Only a new connection cost something; it did so for a request that failed too. */
static void test_connections(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    struct request_record *q = f->repeats[1].requests;
    q[1].connect_ns = 200000;
    q[1].tls_ns = 900000;
    q[1].status = RECORD_FAILED;
    assert_int_equal(add(f, &g, GATHER_CONNECT, 1), STATUS_OK);
    assert_int_equal(g.count, 1);
    stats_fixture_near(gather_max(&g), 2e-4, 1e-15);
    gather_fini(&g);
    assert_int_equal(add(f, &g, GATHER_TLS, 1), STATUS_OK);
    assert_int_equal(g.count, 1);
    stats_fixture_near(gather_max(&g), 9e-4, 1e-15);
    gather_fini(&g);
}

static void test_percentile_floor(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    for (int i = 0; i < 6; i++) {
        assert_true(isnan(gather_percentile(&g, 50).value));
        assert_int_equal(add(f, &g, GATHER_TTFT, 1), STATUS_OK);
    }
    assert_int_equal(g.samples, 12);
    stats_fixture_near(gather_percentile(&g, 50).value, 0.110, 1e-12);
    gather_fini(&g);
}

static void test_no_memory(void **state)
{
    struct stats_fixture *f = *state;
    stats_fixture_init(f);
    for (int kind = 0; kind < GATHER_KIND_COUNT; kind++) {
        struct alloc_fixture alloc = {0};
        while (alloc_fixture_next(&alloc)) {
            struct gather g = {0};
            alloc_fixture_arm(&alloc);
            enum status s = add(f, &g, (enum gather_kind)kind, 1);
            alloc_fixture_judge(&alloc, s);
            if (s != STATUS_OK)
                assert_int_equal(g.count, 0);
            else if (kind != GATHER_CONNECT && kind != GATHER_TLS)
                assert_true(g.count > 0);
            gather_fini(&g);
        }
    }
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct stats_fixture));
    return *state == NULL;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_what_gives_no_sample),
        cmocka_unit_test(test_distinct_instants),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_sure_percentiles),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_scope),
        cmocka_unit_test(test_no_time_at_all),
        cmocka_unit_test(test_send_lag),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_percentile_floor),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
