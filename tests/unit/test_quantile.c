#include "stats/quantile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "stats_fixture.h"

static void test_nearest_rank(void **state)
{
    (void)state;
    double v[] = {5, 1, 4, 2, 3};
    quantile_sort(v, 5);
    assert_true(v[0] == 1 && v[4] == 5);
    stats_fixture_near(quantile_of_sorted(v, 5, 20), 1, 0);
    stats_fixture_near(quantile_of_sorted(v, 5, 20.0001), 2, 0);
    stats_fixture_near(quantile_of_sorted(v, 5, 50), 3, 0);
    stats_fixture_near(quantile_of_sorted(v, 5, 100), 5, 0);
    stats_fixture_near(quantile_of_sorted(v, 5, 1e-9), 1, 0);
    assert_true(isnan(quantile_of_sorted(v, 0, 50)));
    assert_true(isnan(quantile_of_sorted(v, 5, 0)));
    assert_true(isnan(quantile_of_sorted(v, 5, 100.1)));
    assert_true(isnan(quantile_of_sorted(v, 5, NAN)));
}

/* As of the sorted values, with ties and in every kind of order. */
static void test_median(void **state)
{
    (void)state;
    double v[64], sorted[64];
    uint32_t g = 1;
    assert_true(isnan(quantile_median(v, 0)));
    for (size_t n = 1; n <= 64; n++) {
        for (int kind = 0; kind < 5; kind++) {
            for (size_t i = 0; i < n; i++) {
                g = g * 1664525 + 1013904223;
                double order[] = {(double)i, -(double)i, 7, g >> 24, g >> 30};
                sorted[i] = v[i] = order[kind];
            }
            quantile_sort(sorted, n);
            double both = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
            stats_fixture_near(quantile_median(v, n), both, 0);
            quantile_sort(v, n);
            assert_memory_equal(v, sorted, n * sizeof *v);
        }
    }
}

/* For every whole percentile of 1..n the rank must be ceil(p n / 100) in integers. */
static void test_ranks_are_exact(void **state)
{
    (void)state;
    double v[1000];
    for (size_t n = 1; n <= 1000; n++) {
        v[n - 1] = (double)n;
        for (size_t p = 1; p <= 100; p++) {
            size_t rank = (p * n + 99) / 100;
            stats_fixture_near(quantile_of_sorted(v, n, (double)p), (double)rank, 0);
        }
    }
    stats_fixture_near(quantile_of_sorted(v, 1000, 99.9), 999, 0);
}

static void test_floors(void **state)
{
    (void)state;
    static const struct {
        double p;
        size_t floor;
    } known[] = {{50, 11},  {90, 64},     {95, 130},     {97, 219},
                 {99, 662}, {99.9, 6636}, {99.99, 66381}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_int_equal(quantile_floor(known[i].p), known[i].floor);
    assert_int_equal(quantile_floor(0), 1);
    assert_true(quantile_floor(100) == SIZE_MAX);
    double v[64];
    for (size_t i = 0; i < 64; i++)
        v[i] = (double)i;
    assert_true(isnan(quantile_with_floor(v, 64, 63, 90)));
    stats_fixture_near(quantile_with_floor(v, 64, 64, 90), 57, 0);
}

static void test_distinct(void **state)
{
    (void)state;
    double v[] = {1, 1, 2, 3, 3, 3};
    assert_int_equal(quantile_distinct(v, 6), 3);
    assert_int_equal(quantile_distinct(v, 1), 1);
    assert_int_equal(quantile_distinct(v, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_rank),    cmocka_unit_test(test_median),
        cmocka_unit_test(test_ranks_are_exact), cmocka_unit_test(test_floors),
        cmocka_unit_test(test_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
