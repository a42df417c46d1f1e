#include "stats/gather.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "stats_fixture.h"

static void test_samples(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    assert_int_equal(gather_add(&g, GATHER_TTFT, &f->repeats[1], false), STATUS_OK);
    assert_int_equal(g.count, 2);
    stats_fixture_near(gather_mean(&g), 0.110, 1e-12);
    gather_fini(&g);
    assert_int_equal(gather_add(&g, GATHER_TTFT_SERVICE, &f->repeats[1], false),
                     STATUS_OK);
    stats_fixture_near(gather_max(&g), 0.110, 1e-12);
    stats_fixture_near(gather_median(&g), 0.109999, 1e-12);
    gather_fini(&g);
    assert_int_equal(gather_add(&g, GATHER_E2E, &f->repeats[1], false), STATUS_OK);
    stats_fixture_near(gather_mean(&g), 0.154, 1e-12); /* to the last token, not to done
                                                        */
    gather_fini(&g);
    assert_int_equal(gather_add(&g, GATHER_TPOT, &f->repeats[1], false), STATUS_OK);
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
    q[0].status = RECORD_FAILED;
    q[1].first_ns = NS_UNKNOWN;
    for (int kind = GATHER_TTFT; kind <= GATHER_TPOT; kind++) {
        assert_int_equal(gather_add(&g, (enum gather_kind)kind, &f->repeats[1], false),
                         STATUS_OK);
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
    assert_int_equal(gather_add(&g, GATHER_TPOT, &f->repeats[1], false), STATUS_OK);
    assert_int_equal(g.count, 0);
    gather_fini(&g);
}

/* Two answers of one batch share their instants: 8 gaps, 4 instants; an excluded gap or
 * another start takes the sharing away. */
static void test_distinct_instants(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    assert_int_equal(gather_add(&g, GATHER_ITL, &f->repeats[1], false), STATUS_OK);
    assert_int_equal(g.count, 8);
    assert_int_equal(g.samples, 4);
    assert_int_equal(gather_add(&g, GATHER_ITL, &f->repeats[2], false), STATUS_OK);
    assert_int_equal(g.count, 16);
    assert_int_equal(g.samples, 8);
    gather_fini(&g);
    f->repeats[1].requests[0].gaps_excluded = 1;
    assert_int_equal(gather_add(&g, GATHER_ITL, &f->repeats[1], false), STATUS_OK);
    assert_int_equal(g.samples, 8);
    gather_fini(&g);
    f->repeats[2].requests[0].first_ns += 1;
    assert_int_equal(gather_add(&g, GATHER_ITL, &f->repeats[2], false), STATUS_OK);
    assert_int_equal(g.samples, 8);
    gather_fini(&g);
}

static void test_send_lag(void **state)
{
    struct stats_fixture *f = *state;
    struct gather g = {0};
    stats_fixture_init(f);
    f->repeats[1].requests[1].status = RECORD_FAILED; /* it was sent all the same */
    assert_int_equal(gather_add(&g, GATHER_SEND_LAG, &f->repeats[1], false), STATUS_OK);
    assert_int_equal(g.count, 2);
    stats_fixture_near(gather_max(&g), 1e-6, 1e-15);
    gather_fini(&g);
    /* closed load: request 0 was due when it was sent, the first of its slot */
    assert_int_equal(gather_add(&g, GATHER_SEND_LAG, &f->repeats[1], true), STATUS_OK);
    assert_int_equal(g.count, 1);
    gather_fini(&g);
    /* the network opened a connection for 0.7 us of it */
    for (size_t i = 0; i < 2; i++) {
        f->repeats[1].requests[i].connect_ns = 400;
        f->repeats[1].requests[i].tls_ns = 300;
    }
    assert_int_equal(gather_add(&g, GATHER_SEND_LATE, &f->repeats[1], false), STATUS_OK);
    assert_int_equal(g.count, 2);
    stats_fixture_near(gather_max(&g), 0.3e-6, 1e-15);
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
    assert_int_equal(gather_add(&g, GATHER_CONNECT, &f->repeats[1], false), STATUS_OK);
    assert_int_equal(g.count, 1);
    stats_fixture_near(gather_max(&g), 2e-4, 1e-15);
    gather_fini(&g);
    assert_int_equal(gather_add(&g, GATHER_TLS, &f->repeats[1], false), STATUS_OK);
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
        assert_true(isnan(gather_percentile(&g, 50)));
        assert_int_equal(gather_add(&g, GATHER_TTFT, &f->repeats[1], false), STATUS_OK);
    }
    assert_int_equal(g.samples, 12);
    stats_fixture_near(gather_percentile(&g, 50), 0.110, 1e-12);
    gather_fini(&g);
}

static void test_no_memory(void **state)
{
    struct stats_fixture *f = *state;
    stats_fixture_init(f);
    for (int kind = 0; kind < GATHER_KIND_COUNT; kind++) {
        enum status s = STATUS_NO_MEMORY;
        for (long nth = 1; s != STATUS_OK; nth++) {
            struct gather g = {0};
            mem_fail_at(nth);
            s = gather_add(&g, (enum gather_kind)kind, &f->repeats[1], false);
            mem_fail_at(0);
            if (s != STATUS_OK)
                assert_int_equal(g.count, 0);
            else if (kind != GATHER_CONNECT && kind != GATHER_TLS)
                assert_true(g.count > 0);
            gather_fini(&g);
            assert_true(nth < 10);
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
        cmocka_unit_test(test_send_lag),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_percentile_floor),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
