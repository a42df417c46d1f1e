#include "run/selftest_point.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { EVENTS = 20, REQUESTS = 100, GAP_NS = 1000000 };

/* A load whose server sends every event 2 us late, and whose client stamps each exact
 * event 3 us after the server, the last one (tail) 9 us. */
struct made {
    struct arena arena;
    struct selftest_note notes[REQUESTS];
    struct selftest_truth truths[REQUESTS];
    int64_t at_ns[REQUESTS][EVENTS], sent_ns[REQUESTS][EVENTS];
    uint8_t stamps[REQUESTS][EVENTS];
    struct selftest_point point;
};

static struct made *make(struct made *m)
{
    arena_init(&m->arena, 64 << 20);
    m->point = (struct selftest_point){.load = {.rate = 1,
                                                .is_open = true,
                                                .requests = REQUESTS,
                                                .tokens = EVENTS,
                                                .ttft_ns = GAP_NS,
                                                .itl_ns = GAP_NS}};
    for (int r = 0; r < REQUESTS; r++) {
        int64_t arrival_ns = 1000000000 + (int64_t)r * 5000;
        for (int i = 0; i < EVENTS; i++) {
            m->sent_ns[r][i] = arrival_ns + (int64_t)(i + 1) * GAP_NS + 2000;
            m->at_ns[r][i] = m->sent_ns[r][i] + (i == EVENTS - 1 ? 9000 : 3000);
            m->stamps[r][i] = i == EVENTS - 1 ? EVENT_TAIL : EVENT_EXACT;
        }
        m->truths[r] = (struct selftest_truth){.is_known = true,
                                               .arrival_ns = arrival_ns,
                                               .sent_ns = m->sent_ns[r],
                                               .sent_count = EVENTS};
        m->notes[r] = (struct selftest_note){.request = r,
                                             .is_ok = true,
                                             .due_ns = arrival_ns - 50000,
                                             .sent_ns = arrival_ns - 10000,
                                             .at_ns = m->at_ns[r],
                                             .stamps = m->stamps[r],
                                             .count = EVENTS};
    }
    return m;
}

static void match(struct made *m)
{
    struct err e;
    const struct selftest_sides sides = {m->notes, REQUESTS, m->truths};
    assert_int_equal(selftest_point_match(&sides, &m->arena, &m->point, &e), STATUS_OK);
    arena_fini(&m->arena);
}

static void is_near(double value, double wanted)
{
    if (!(fabs(value - wanted) < 1e-6))
        fail_msg("%.9g instead of %.9g", value, wanted);
}

static void errors_are_those_that_were_made(void **state)
{
    (void)state;
    static struct made m;
    match(make(&m));
    const struct selftest_point *p = &m.point;
    assert_int_equal(p->events, REQUESTS * EVENTS);
    assert_int_equal(p->exact, REQUESTS * (EVENTS - 1));
    assert_int_equal(p->tail, REQUESTS);
    assert_int_equal(p->bounded, 0);
    assert_int_equal(p->unmatched, 0);
    is_near(p->exact_us.p50, 3);
    is_near(p->exact_us.max, 3);
    is_near(p->tail_us.p50, 9);
    is_near(p->error_us.p50, 3);
    is_near(p->error_us.p99, 9); /* 5 % are tail */
    is_near(p->send_late_us.p90, 40);
    is_near(p->to_server_us.p50, 10);
    is_near(p->ttft_us.ours.p50, 1015);
    is_near(p->ttft_us.truth.p50, 1002);
    is_near(p->ttft_due_us.ours.p50, 1055);
    is_near(p->ttft_due_us.truth.p50, 1002);
    is_near(p->itl_us.ours.p50, 1000);
    is_near(p->itl_us.ours.max, 1006); /* the tail's */
    is_near(p->itl_us.truth.max, 1000);
    is_near(p->server_late_us.p50, 2);
    assert_int_equal(p->server_late_us.count, REQUESTS * EVENTS);
}

/* They are no error and no end of a gap. */
static void bounded_events_are_left_out(void **state)
{
    (void)state;
    static struct made m;
    make(&m);
    for (int r = 0; r < REQUESTS; r++) {
        m.stamps[r][3] = EVENT_BOUNDED;
        m.at_ns[r][3] += 777000;
    }
    match(&m);
    assert_int_equal(m.point.bounded, REQUESTS);
    is_near(m.point.error_us.max, 9);
    is_near(m.point.itl_us.ours.max, 1006);
    assert_int_equal(m.point.itl_us.ours.count, REQUESTS * (EVENTS - 1 - 2));
}

static void what_does_not_fit_the_log_is_counted(void **state)
{
    (void)state;
    static struct made m;
    make(&m);
    m.truths[0].is_known = false;
    m.truths[1].sent_count = EVENTS - 1;
    m.notes[2].count = 0;
    m.notes[2].is_ok = false;
    m.notes[3].request = REQUESTS;
    match(&m);
    assert_int_equal(m.point.unmatched, 4);
    assert_int_equal(m.point.requests_failed, 1);
    assert_int_equal(m.point.requests_ok, REQUESTS - 1);
    assert_int_equal(m.point.exact_us.count, (REQUESTS - 4) * (EVENTS - 1));
}

static void without_arrivals_only_events_are_judged(void **state)
{
    (void)state;
    static struct made m;
    make(&m);
    for (int r = 0; r < REQUESTS; r++)
        m.truths[r].arrival_ns = NS_UNKNOWN;
    match(&m);
    assert_int_equal(m.point.ttft_us.ours.count, 0);
    assert_int_equal(m.point.ttft_us.truth.count, 0);
    assert_true(isnan(m.point.ttft_us.ours.p50));
    assert_int_equal(m.point.server_late_us.count, 0);
    is_near(m.point.exact_us.p50, 3);
}

/* The server's schedule is known only without jitter; closed loads are due when sent. */
static void some_spreads_need_their_load(void **state)
{
    (void)state;
    static struct made m;
    make(&m);
    m.point.load.jitter = 0.1;
    m.point.load.is_open = false;
    match(&m);
    assert_int_equal(m.point.server_late_us.count, 0);
    assert_int_equal(m.point.send_late_us.count, 0);
    assert_int_equal(m.point.ttft_due_us.ours.count, 0);
    is_near(m.point.ttft_us.ours.p50, 1015);
}

/* 100 streams of one event each millisecond. */
static void the_rate_is_that_of_the_middle(void **state)
{
    (void)state;
    static struct made m;
    match(make(&m));
    double wanted = REQUESTS * 1e9 / GAP_NS;
    if (fabs(m.point.achieved_eps / wanted - 1) > 0.06)
        fail_msg("%g events/s instead of %g", m.point.achieved_eps, wanted);
}

static void rare_percentiles_need_their_samples(void **state)
{
    (void)state;
    double values[700];
    struct selftest_spread s;
    for (int i = 0; i < 700; i++)
        values[i] = 700 - i;
    selftest_point_spread(values, 700, &s);
    is_near(s.min, 1);
    is_near(s.p50, 350);
    is_near(s.p99, 693);
    is_near(s.max, 700);
    assert_true(isnan(s.p999));
    selftest_point_spread(values, 600, &s);
    assert_true(isnan(s.p99));
    selftest_point_spread(values, 0, &s);
    assert_true(isnan(s.min) && isnan(s.p50) && isnan(s.max));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_those_that_were_made),
        cmocka_unit_test(bounded_events_are_left_out),
        cmocka_unit_test(what_does_not_fit_the_log_is_counted),
        cmocka_unit_test(without_arrivals_only_events_are_judged),
        cmocka_unit_test(some_spreads_need_their_load),
        cmocka_unit_test(the_rate_is_that_of_the_middle),
        cmocka_unit_test(rare_percentiles_need_their_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
