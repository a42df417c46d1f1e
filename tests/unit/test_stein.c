/* Two stages: known values (quantile of 25 digits), and that the interval holds what it
 * promises. INFERBENCH_TEST_SIMS=N makes N runs of each (4,000). */
#include "stats/stein.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "stats/interval.h"

#define T_9 2.26215716274099

static void is_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("got %.17g, want %.17g", got, want);
}

/* exp(+-0.05), five of each: s0 = 0.05 sqrt(10 / 9). */
static void test_known_values(void **state)
{
    double x[12];
    (void)state;
    for (int i = 0; i < 12; i++)
        x[i] = exp(i % 2 == 0 ? 0.05 : -0.05);
    x[10] = x[11] = 1e9; /* of the second stage: no part in it */
    struct stein s = stein_of(x, 12, 0.02);
    is_near(s.s0, 0.05 * sqrt(10.0 / 9));
    double root = T_9 * s.s0 / log(1.02);
    assert_int_equal(s.n, (int64_t)ceil(root * root));
    is_near(stein_half(s.s0, 25), T_9 * s.s0 / 5);
    assert_true(stein_half(s.s0, (size_t)s.n) <= log(1.02));
    assert_true(stein_half(s.s0, (size_t)s.n - 1) > log(1.02));
    assert_int_equal(stein_of(x, 10, 0.5).n, 10); /* never fewer than the first */
    for (int i = 0; i < 10; i++)
        x[i] = 3;
    s = stein_of(x, 10, 0.02);
    assert_true(s.s0 == 0 && s.n == 10);
}

static void test_unknown(void **state)
{
    double x[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    (void)state;
    assert_int_equal(stein_of(x, 9, 0.02).n, 0);
    assert_true(isnan(stein_of(x, 9, 0.02).s0));
    x[3] = NAN;
    assert_int_equal(stein_of(x, 10, 0.02).n, 0);
    x[3] = 0;
    assert_int_equal(stein_of(x, 10, 0.02).n, 0);
    x[3] = 1e-300;
    assert_int_equal(stein_of(x, 10, 1e-12).n, STEIN_MOST);
}

static void test_metrics(void **state)
{
    (void)state;
    assert_int_equal(stein_metric("tokens_per_second"), METRIC_tokens_per_second);
    assert_int_equal(stein_metric("ttft_p50_s"), METRIC_COUNT); /* has no spread */
    assert_int_equal(stein_metric(NULL), METRIC_COUNT);
}

/* --- simulation */

static long sims(void)
{
    const char *text = getenv("INFERBENCH_TEST_SIMS");
    long n = text != NULL ? strtol(text, NULL, 10) : 0;
    return n > 0 ? n : 4000;
}

/* Standard normal (Box and Muller 1958). */
static double normal(struct rng *r)
{
    double u = 1 - rng_unit(r);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * rng_unit(r));
}

/* Mean of the logarithms of a whole run; *half of its interval. */
static double run(struct rng *r, double sd, double *half)
{
    double x[STEIN_FIRST], sum = 0;
    for (int i = 0; i < STEIN_FIRST; i++) {
        double y = sd * normal(r);
        x[i] = exp(y);
        sum += y;
    }
    struct stein s = stein_of(x, STEIN_FIRST, 0.02);
    for (int64_t i = STEIN_FIRST; i < s.n; i++)
        sum += sd * normal(r);
    *half = stein_half(s.s0, (size_t)s.n);
    return sum / (double)s.n;
}

/* 94 to 96 %, within what that many runs can show, however noisy the repeats are; and
 * never wider than asked for. */
static void test_coverage(void **state)
{
    static const double sds[] = {0.005, 0.02, 0.05, 0.1};
    double slack = 3 * sqrt(0.05 * 0.95 / (double)sims());
    (void)state;
    for (size_t i = 0; i < sizeof sds / sizeof *sds; i++) {
        struct rng r;
        long held = 0;
        rng_init(&r, i, "stein");
        for (long k = 0; k < sims(); k++) {
            double half, mean = run(&r, sds[i], &half);
            assert_true(half <= log(1.02) * (1 + 1e-12));
            held += fabs(mean) <= half;
        }
        double share = (double)held / (double)sims();
        if (fabs(share - 0.95) > (slack > 0.01 ? slack : 0.01))
            fail_msg("sd %g: %.4f", sds[i], share);
    }
}

/* Cells of one launch share half of what it drew; all have as many launches as the cell
 * that takes most. The interval of the others holds, too. */
static void test_coverage_of_whole_launches(void **state)
{
    double slack = 3 * sqrt(0.05 * 0.95 / (double)sims());
    struct rng r;
    long held[3] = {0};
    (void)state;
    rng_init(&r, 0, "stein/launches");
    for (long k = 0; k < sims(); k++) {
        double x[3][STEIN_FIRST], sums[3] = {0}, s0[3];
        int64_t n = 0;
        for (int64_t l = 0; l < STEIN_FIRST || l < n; l++) {
            double shared = normal(&r);
            for (int c = 0; c < 3; c++) {
                double y = (c + 1) * 0.01 * (shared + normal(&r));
                sums[c] += y;
                if (l < STEIN_FIRST)
                    x[c][l] = exp(y);
            }
            for (int c = 0; l == STEIN_FIRST - 1 && c < 3; c++) {
                struct stein s = stein_of(x[c], STEIN_FIRST, 0.02);
                s0[c] = s.s0;
                n = s.n > n ? s.n : n;
            }
        }
        for (int c = 0; c < 3; c++)
            held[c] += fabs(sums[c] / (double)n) <= stein_half(s0[c], (size_t)n);
    }
    for (int c = 0; c < 3; c++) {
        double share = (double)held[c] / (double)sims();
        if (fabs(share - 0.95) > (slack > 0.01 ? slack : 0.01))
            fail_msg("cell %d: %.4f", c, share);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_coverage_of_whole_launches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
