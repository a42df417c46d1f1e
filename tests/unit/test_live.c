#include "bench/live.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/mem.h"

static struct live live;
static const struct instant begin = {5 * NS_PER_S};

static int make(void **state)
{
    struct err e;
    (void)state;
    return live_init(&live, begin, &e) == STATUS_OK ? 0 : 1;
}

static int drop(void **state)
{
    (void)state;
    live_fini(&live);
    return 0;
}

static void ended(enum record_status status, int64_t ttft_ms, int64_t gap_ms)
{
    int64_t first_ns = 100 + ttft_ms * NS_PER_MS, gap_ns = gap_ms * NS_PER_MS;
    int64_t at_ns[] = {100, first_ns, first_ns + gap_ns, first_ns + 2 * gap_ns,
                       first_ns + 9 * gap_ns};
    uint8_t marks[] = {RECORD_MARK(EVENT_EMPTY, EVENT_EXACT), 0, 0, 0,
                       RECORD_MARK(EVENT_FINISH, EVENT_TAIL)};
    struct request_record r = {.status = status,
                               .due_ns = 100,
                               .at_ns = at_ns,
                               .marks = marks,
                               .event_count = 5};
    record_count_classes(&r);
    live_record(&live, &r);
}

static struct instant after(double s)
{
    return clock_after(begin, clock_seconds(s));
}

static void new_figures_once_a_second(void **state)
{
    (void)state;
    ended(RECORD_OK, 20, 10);
    ended(RECORD_FAILED, 900, 900);
    assert_true(isnan(live_turn(&live, after(0.9), 50)->ttft_p50_ms));
    const struct progress_load *p = live_turn(&live, after(2), 100);
    assert_float_equal(p->tokens_per_s, 50, 1e-9);
    assert_float_equal(p->ttft_p50_ms, 20, 0.02);
    assert_float_equal(p->itl_p99_ms, 10, 0.01);
    ended(RECORD_OK, 40, 5);
    p = live_turn(&live, after(3), 130);
    assert_float_equal(p->tokens_per_s, 30, 1e-9);
    assert_float_equal(p->ttft_p50_ms, 40, 0.04); /* the last second's alone */
    assert_float_equal(live_turn(&live, after(5), 130)->ttft_p50_ms, 40, 0.04);
}

static void the_end_tells_of_all(void **state)
{
    (void)state;
    for (int i = 1; i <= 100; i++)
        ended(RECORD_OK, i, 10);
    (void)live_turn(&live, after(2), 100);
    const struct progress_load *p = live_end(&live, 123);
    assert_float_equal(p->tokens_per_s, 123, 0);
    assert_float_equal(p->ttft_p50_ms, 50, 0.05);
    assert_float_equal(p->ttft_p99_ms, 99, 0.1);
    assert_float_equal(p->share, 1, 0);
}

static void no_memory_is_said(void **state)
{
    struct live l;
    struct err e;
    (void)state;
    for (long n = 1; n <= 4; n++) {
        mem_fail_at(n);
        enum status s = live_init(&l, begin, &e);
        mem_fail_at(0);
        assert_int_equal(s, STATUS_NO_MEMORY);
        live_fini(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_figures_once_a_second, make, drop),
        cmocka_unit_test_setup_teardown(the_end_tells_of_all, make, drop),
        cmocka_unit_test(no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
