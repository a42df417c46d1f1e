#include "stats/trend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.17g, want %.17g", got, want);
}

static void test_exact(void **state)
{
    (void)state;
    double rising[] = {1, 2, 3, 4, 5, 6};
    double falling[] = {6, 5, 4, 3, 2, 1};
    double mixed[] = {2, 1, 4, 3, 5}; /* S = 6: 28 of 120 orders have |S| >= 6 */
    double ten[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    assert_near(trend_p(rising, 6), 2.0 / 720, 1e-12);
    assert_near(trend_p(falling, 6), 2.0 / 720, 1e-12);
    assert_near(trend_p(rising, 5), 2.0 / 120, 1e-12);
    assert_near(trend_p(mixed, 5), 28.0 / 120, 1e-12);
    assert_near(trend_p(ten, 10), 2.0 / 3628800, 1e-12);
    assert_true(isnan(trend_p(rising, 2)));
}

static void test_normal_with_ties(void **state)
{
    (void)state;
    double flat[] = {4, 4, 4, 4};
    assert_true(trend_p(flat, 4) == 1);
    /* S = 57; groups of 2, 3 and 2: variance (12 * 11 * 29 - 18 - 66 - 18) / 18 = 207 */
    double v[] = {1, 2, 2, 3, 4, 4, 4, 5, 6, 7, 5, 8};
    assert_near(trend_p(v, 12), erfc(56 / sqrt(207.0) / sqrt(2.0)), 1e-12);
}

static void test_drift(void **state)
{
    (void)state;
    double out = 0;
    double v[] = {100, 101, 102, 103, 104};
    double outlier[] = {100, 101, 500, 103, 104};      /* slope stays 1, median 103 */
    double w[] = {1, 2, 2, 3, 4, 4, 4, 5, 6, 7, 5, 8}; /* scipy.theilslopes: 0.6 */
    assert_int_equal(trend_drift(v, 5, &out), STATUS_OK);
    assert_near(out, 4.0 / 102, 1e-12);
    assert_int_equal(trend_drift(outlier, 5, &out), STATUS_OK);
    assert_near(out, 4.0 / 103, 1e-12);
    assert_int_equal(trend_drift(w, 12, &out), STATUS_OK);
    assert_near(out, 0.6 * 11 / 4, 1e-12);
    assert_int_equal(trend_drift(v, 1, &out), STATUS_OK);
    assert_true(isnan(out));
    double zero[] = {0, 0, 0};
    assert_int_equal(trend_drift(zero, 3, &out), STATUS_OK);
    assert_true(isnan(out));
}

/* All pairs of these would take terabytes. */
static void test_many(void **state)
{
    enum { MANY = 700001 };
    double *v = malloc(MANY * sizeof *v), out = 0;
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        v[i] = 1000 + (double)i / MANY + (double)(i * 7919 % 101);
    assert_int_equal(trend_drift(v, MANY, &out), STATUS_OK);
    assert_near(out, 1 / 1050.5, 0.01);
    assert_true(trend_p(v, MANY) < 1e-6);
    for (size_t i = 0; i < MANY; i++)
        v[i] = (double)(i % 2);
    assert_true(trend_p(v, MANY) > 0.05);
    /* one more than all pairs are compared of: two in a block, and one is left out */
    for (size_t i = 0; i <= TREND_MAX; i++)
        v[i] = (double)(i / 2 + 1);
    assert_int_equal(trend_drift(v, TREND_MAX + 1, &out), STATUS_OK);
    assert_near(out, 499 / 250.5, 1e-12);
    free(v);
}

static void test_no_memory(void **state)
{
    (void)state;
    double v[] = {1, 2, 3}, out = 42;
    mem_fail_at(1);
    enum status s = trend_drift(v, 3, &out);
    mem_fail_at(0);
    assert_int_equal(s, STATUS_NO_MEMORY);
    assert_true(out == 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),     cmocka_unit_test(test_normal_with_ties),
        cmocka_unit_test(test_drift),     cmocka_unit_test(test_many),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
