#include "stats/interval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Reference values: scipy 1.17 (t.ppf, chi2.ppf, betainc, gammainc). */
static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.17g, want %.17g", got, want);
}

static void test_t_quantile(void **state)
{
    (void)state;
    static const struct {
        double p, df, t;
    } known[] = {
        {0.975, 1, 12.706204736174694},  {0.975, 2, 4.302652729749462},
        {0.975, 5, 2.5705818356363146},  {0.975, 3.7, 2.8675207071911895},
        {0.95, 29, 1.6991270265334972},  {0.995, 120, 2.6174211451068654},
        {0.025, 5, -2.5705818356363146},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_near(interval_t_quantile(known[i].p, known[i].df), known[i].t, 1e-9);
    assert_true(interval_t_quantile(0.5, 3) == 0);
    assert_true(isnan(interval_t_quantile(1, 3)));
    assert_true(isnan(interval_t_quantile(0.9, 0)));
}

static void test_chi2_quantile(void **state)
{
    (void)state;
    static const struct {
        double p, df, x;
    } known[] = {
        {0.9, 2, 4.605170185988092},
        {0.9, 5, 9.236356899781123},
        {0.5, 10, 9.34181776559197},
        {0.01, 3, 0.11483180189911707},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_near(interval_chi2_quantile(known[i].p, known[i].df), known[i].x, 1e-9);
    assert_true(isnan(interval_chi2_quantile(0, 3)));
}

static void test_incomplete_functions(void **state)
{
    (void)state;
    assert_near(interval_beta_inc(0.3, 2.5, 0.5), 0.018927124071945658, 1e-11);
    assert_near(interval_beta_inc(0.97, 2.5, 0.5), 0.7103486342517346, 1e-11);
    assert_true(interval_beta_inc(0, 2, 3) == 0);
    assert_true(interval_beta_inc(1, 2, 3) == 1);
    assert_true(isnan(interval_beta_inc(1.1, 2, 3)));
    assert_near(interval_gamma_inc(2.5, 1), 0.15085496391539038, 1e-11);
    assert_near(interval_gamma_inc(2.5, 9), 0.9970535954121197, 1e-11);
    assert_true(interval_gamma_inc(2.5, 0) == 0);
    assert_true(isnan(interval_gamma_inc(0, 1)));
}

static void test_mean_and_spread(void **state)
{
    (void)state;
    double v[] = {100, 102, 98, 101, 99.5};
    assert_near(interval_mean(v, 5), 100.1, 1e-15);
    assert_near(interval_std(v, 5), 1.51657508881031, 1e-13);
    assert_near(interval_half_95(v, 5, interval_t_95(5)), 1.8830766883484382, 1e-9);
    assert_true(isnan(interval_mean(v, 0)));
    assert_true(isnan(interval_std(v, 1)));
    assert_false(isnan(interval_std(v, 2)));
    assert_true(isnan(interval_half_95(v, 2, interval_t_95(2))));
    assert_false(isnan(interval_half_95(v, 3, interval_t_95(3))));
    /* mean^2 - sum2 / n would give nonsense here */
    double far[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};
    assert_near(interval_std(far, 4), sqrt(30.0), 1e-12);
}

static void test_geometric_mean(void **state)
{
    (void)state;
    double v[] = {1, 4, 16};
    double w[] = {1, 0};
    assert_near(interval_geometric_mean(v, 3), 4, 1e-14);
    assert_true(isnan(interval_geometric_mean(w, 2)));
    assert_true(isnan(interval_geometric_mean(v, 0)));
}

static void test_variation(void **state)
{
    (void)state;
    double v[] = {100, 80, 125, 90, 110};
    double flat[] = {3, 3, 3};
    double zero[] = {-1, 0, 1};
    assert_near(interval_cv(v, 5), 0.1729133583819107, 1e-12);
    assert_near(interval_cv_lower_90(v, 5), 0.12308823928190919, 1e-9);
    assert_true(isnan(interval_cv_lower_90(v, 2)));
    assert_true(interval_cv_lower_90(flat, 3) == 0);
    assert_true(isnan(interval_cv(zero, 3)));
}

static void test_repeats_needed(void **state)
{
    (void)state;
    assert_int_equal(interval_repeats_needed(0, 0.02), 3);
    assert_int_equal(interval_repeats_needed(0.01, 0.02), 4);
    assert_int_equal(interval_repeats_needed(0.02, 0.02), 7);
    assert_int_equal(interval_repeats_needed(0.05, 0.02), 27);
    assert_int_equal(interval_repeats_needed(3, 0.02), 86436);
    assert_int_equal(interval_repeats_needed(NAN, 0.02), 0);
    assert_int_equal(interval_repeats_needed(INFINITY, 0.02), 0);
}

/* scipy: chi2.ppf and t.ppf. */
static void test_repeats_range(void **state)
{
    double v[] = {100, 103, 101, 98, 99}, flat[] = {7, 7, 7}, odd[] = {1, 0, 2};
    (void)state;
    struct interval_repeats r = interval_repeats_range(v, 5, 0.02);
    assert_int_equal(r.low, 5);
    assert_int_equal(r.high, 16);
    r = interval_repeats_range(flat, 3, 0.02);
    assert_int_equal(r.low, 3);
    assert_int_equal(r.high, 3);
    assert_int_equal(interval_repeats_range(v, 2, 0.02).high, 0);
    assert_int_equal(interval_repeats_range(odd, 3, 0.02).high, 0);
}

/* numpy: mean and var(ddof=1) / 5 of log(v). */
static void test_logs(void **state)
{
    (void)state;
    double v[] = {100, 80, 125, 90, 110};
    double w[] = {2, 0, 3};
    struct interval_logs l = interval_of_logs(v, 5);
    assert_near(l.mean, 4.6031601188173905, 1e-13);
    assert_near(l.variance, 0.005987537788504866, 1e-12);
    assert_true(isnan(interval_of_logs(v, 2).variance));
    assert_false(isnan(interval_of_logs(v, 2).mean));
    assert_true(isnan(interval_of_logs(w, 3).mean));
    assert_true(isnan(interval_of_logs(w, 3).variance));
    assert_true(isnan(interval_of_logs(v, 0).mean));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t_quantile),
        cmocka_unit_test(test_chi2_quantile),
        cmocka_unit_test(test_incomplete_functions),
        cmocka_unit_test(test_mean_and_spread),
        cmocka_unit_test(test_geometric_mean),
        cmocka_unit_test(test_variation),
        cmocka_unit_test(test_repeats_needed),
        cmocka_unit_test(test_repeats_range),
        cmocka_unit_test(test_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
