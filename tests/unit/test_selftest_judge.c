#include "run/selftest_judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* All is well at 20,000 events/s. */
static struct selftest_point closed(void)
{
    return (struct selftest_point){
        .load = {.rate = 20000, .streams = 1000},
        .requests_ok = 1000,
        .events = 60000,
        .exact = 57000,
        .bounded = 0,
        .tail = 3000,
        .achieved_eps = 19990,
        .exact_us = {.p99 = 8},
        .tail_us = {.p99 = 25},
        .error_us = {.p99 = 12},
        .ttft_us = {{.p50 = 50010, .p99 = 60020}, {.p50 = 50000, .p99 = 60000}},
        .busy_share = 0,
        .send_late_us = {.p99 = NAN}};
}

static struct selftest_point open(void)
{
    return (struct selftest_point){.load = {.rate = 1000, .is_open = true},
                                   .requests_ok = 2000,
                                   .events = 8000,
                                   .exact = 8000,
                                   .send_late_us = {.p99 = 150}};
}

static struct selftest_reasons judge(struct selftest_point p)
{
    struct selftest_reasons r = {.count = 0};
    selftest_judge_point(&p, &r);
    return r;
}

static void is_only(struct selftest_reasons r, enum selftest_limit l, double value)
{
    if (r.count != 1 || r.items[0].limit != l || fabs(r.items[0].value - value) > 1e-9)
        fail_msg("%zu reasons, the first %s with %g instead of %s with %g", r.count,
                 r.count > 0 ? selftest_judge_limits[r.items[0].limit].code : "none",
                 r.count > 0 ? r.items[0].value : (double)NAN,
                 selftest_judge_limits[l].code, value);
}

static void good_loads_give_no_reason(void **state)
{
    (void)state;
    assert_int_equal(judge(closed()).count, 0);
    assert_int_equal(judge(open()).count, 0);
}

static void each_limit_breaks_alone(void **state)
{
    (void)state;
    struct selftest_point p = closed();
    p.exact_us.p99 = 10.5;
    is_only(judge(p), SELFTEST_LIMIT_STAMPS_LATE, 10.5);
    p = closed();
    p.bounded = 900;
    is_only(judge(p), SELFTEST_LIMIT_STAMPS_BOUNDED, 0.015);
    p = closed();
    p.ttft_us.ours.p99 = 59800;
    is_only(judge(p), SELFTEST_LIMIT_TTFT_OFF, 200);
    p = closed();
    p.achieved_eps = 18000;
    is_only(judge(p), SELFTEST_LIMIT_SERVER_BEHIND, 0.9);
    p = closed();
    p.requests_failed = 2;
    p.unmatched = 1;
    is_only(judge(p), SELFTEST_LIMIT_REQUESTS_FAILED, 3);
    p = open();
    p.send_late_us.p99 = 201;
    is_only(judge(p), SELFTEST_LIMIT_SENDS_LATE, 201);
}

/* As the rule CLIENT_BUSY: a share, and three windows at least. */
static void a_busy_window_or_two_are_an_accident(void **state)
{
    (void)state;
    struct selftest_point p = closed();
    p.busy_share = 0.4;
    p.busy_windows = 2;
    assert_int_equal(judge(p).count, 0);
    p.busy_windows = 3;
    is_only(judge(p), SELFTEST_LIMIT_CLIENT_BUSY, 0.4);
    p.busy_share = 0.05;
    assert_int_equal(judge(p).count, 0);
}

static void some_limits_have_a_range(void **state)
{
    (void)state;
    struct selftest_point p = closed();
    p.load.rate = p.achieved_eps = 1000;
    p.exact_us.p99 = 20;
    assert_int_equal(judge(p).count, 0);
    p = open();
    p.load.rate = 5000;
    p.send_late_us.p99 = 900;
    assert_int_equal(judge(p).count, 0);
    p.ttft_us.ours.p50 = 1e6; /* of closed loads alone */
    assert_int_equal(judge(p).count, 0);
}

static void what_is_unknown_breaks_nothing(void **state)
{
    (void)state;
    struct selftest_point p = closed();
    p.exact_us.p99 = p.ttft_us.ours.p50 = p.ttft_us.ours.p99 = p.achieved_eps = NAN;
    assert_int_equal(judge(p).count, 0);
}

static void the_machine_is_judged(void **state)
{
    (void)state;
    struct selftest_reasons r = {.count = 0};
    struct selftest_machine m = {
        .usable_cores = 2, .clock_width_us = 0.05, .has_stamps = true};
    selftest_judge_machine(&m, &r);
    assert_int_equal(r.count, 0);
    m = (struct selftest_machine){
        .usable_cores = 1, .clock_width_us = 6, .has_stamps = false};
    selftest_judge_machine(&m, &r);
    assert_int_equal(r.count, 3);
    for (size_t i = 0; i < r.count; i++)
        assert_true(isnan(r.items[i].at));
    assert_string_equal(selftest_judge_limits[r.items[0].limit].code, "NO_STAMPS");
    m = (struct selftest_machine){
        .usable_cores = -1, .clock_width_us = 0.1, .has_stamps = true};
    r.count = 0;
    selftest_judge_machine(&m, &r);
    assert_int_equal(r.count, 0);
}

static void the_servers_limit_is_not_the_clients(void **state)
{
    (void)state;
    struct selftest_reasons r = {.items = {{.limit = SELFTEST_LIMIT_CLIENT_BUSY},
                                           {.limit = SELFTEST_LIMIT_SERVER_BEHIND}},
                                 .count = 2};
    assert_true(selftest_judge_is_client(&r, 0));
    assert_false(selftest_judge_is_client(&r, 1));
    assert_false(selftest_judge_is_client(&r, 2));
}

static void lists_are_joined_in_order(void **state)
{
    (void)state;
    struct selftest_reasons a = {.items = {{.limit = SELFTEST_LIMIT_ONE_CORE}},
                                 .count = 1};
    struct selftest_reasons b = {.items = {{.limit = SELFTEST_LIMIT_TTFT_OFF},
                                           {.limit = SELFTEST_LIMIT_CLIENT_BUSY}},
                                 .count = 2};
    selftest_judge_append(&a, &b);
    assert_int_equal(a.count, 3);
    assert_int_equal(a.items[0].limit, SELFTEST_LIMIT_ONE_CORE);
    assert_int_equal(a.items[2].limit, SELFTEST_LIMIT_CLIENT_BUSY);
    a.count = SELFTEST_REASONS_MAX - 1;
    selftest_judge_append(&a, &b);
    assert_int_equal(a.count, SELFTEST_REASONS_MAX);
}

static void a_full_list_stays_full(void **state)
{
    (void)state;
    struct selftest_reasons r = {.count = SELFTEST_REASONS_MAX};
    struct selftest_point p = closed();
    p.exact_us.p99 = 99;
    selftest_judge_point(&p, &r);
    assert_int_equal(r.count, SELFTEST_REASONS_MAX);
}

static void each_limit_says_what_it_is(void **state)
{
    (void)state;
    for (int l = 0; l < SELFTEST_LIMIT_COUNT; l++) {
        assert_true(strlen(selftest_judge_limits[(enum selftest_limit)l].code) > 0);
        assert_true(strlen(selftest_judge_limits[(enum selftest_limit)l].text) > 0);
        assert_non_null(selftest_judge_limits[(enum selftest_limit)l].unit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_loads_give_no_reason),
        cmocka_unit_test(each_limit_breaks_alone),
        cmocka_unit_test(a_busy_window_or_two_are_an_accident),
        cmocka_unit_test(some_limits_have_a_range),
        cmocka_unit_test(what_is_unknown_breaks_nothing),
        cmocka_unit_test(the_machine_is_judged),
        cmocka_unit_test(the_servers_limit_is_not_the_clients),
        cmocka_unit_test(lists_are_joined_in_order),
        cmocka_unit_test(a_full_list_stays_full),
        cmocka_unit_test(each_limit_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
