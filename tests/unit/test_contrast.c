/* Differences over launches: known values (scipy 1.17), and what the intervals and
 * verdicts hold over made launches. INFERBENCH_TEST_SIMS=N makes N of each (200). */
#include "stats/contrast.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "sims_fixture.h"
#include "stats/interval.h"

#define MOST_LAUNCHES 10
#define CELLS         8
#define TESTS         ((size_t)32) /* 8 cells, 4 figures */

static void is_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("got %.17g, want %.17g", got, want);
}

static struct contrast_sample of(const double *y, size_t count)
{
    return (struct contrast_sample){y, count};
}

/* scipy.stats.ttest_ind(b, a, equal_var=False), ttest_rel(b, a), t.interval. */
static void test_known_values(void **state)
{
    static const double a[] = {1.0, 1.02, 0.97, 1.01}, b[] = {1.07, 1.13, 1.04, 1.1};
    (void)state;
    struct contrast c = contrast_welch(of(a, 4), of(b, 4));
    is_near(c.difference, 0.085);
    is_near(c.variance, 0.0004916666666666659);
    is_near(c.freedom, 4.701936064835665);
    is_near(contrast_p(&c), 0.013711638175548825);
    c = contrast_paired(of(a, 4), of(b, 4));
    is_near(c.difference, 0.085);
    is_near(c.variance, 9.16666666666659e-05);
    is_near(contrast_p(&c), 0.003013299071815947);
    assert_true(c.freedom == 3);
    /* one value a side: nobody knows how sure */
    c = contrast_welch(of(a, 1), of(b, 1));
    is_near(c.difference, 0.07);
    assert_true(isnan(contrast_p(&c)) && isnan(contrast_half(&c)));
    assert_false(contrast_is_same(&c, 0.5));
    c = contrast_welch(of(a, 0), of(b, 4));
    assert_true(isnan(c.difference));
}

/* Made numbers do not vary: alike is the same, and all else is different. */
static void test_no_variance(void **state)
{
    static const double a[] = {2, 2, 2}, b[] = {2.1, 2.1, 2.1};
    (void)state;
    struct contrast c = contrast_welch(of(a, 3), of(a, 3));
    assert_true(contrast_p(&c) == 1 && contrast_half(&c) == 0);
    assert_true(contrast_is_same(&c, 0.01));
    c = contrast_welch(of(a, 3), of(b, 3));
    assert_true(contrast_p(&c) == 0);
    assert_false(contrast_is_same(&c, 0.05));
    assert_true(contrast_is_same(&c, 0.12));
}

/* statsmodels.stats.multitest.multipletests(p, method="holm"). */
static void test_holm(void **state)
{
    double p[] = {0.03, 0.001, 0.04, 0.02};
    size_t scratch[4];
    (void)state;
    contrast_holm(p, 4, 4, scratch);
    static const double want[] = {0.06, 0.004, 0.06, 0.06};
    for (size_t i = 0; i < 4; i++)
        is_near(p[i], want[i]);
    /* two more were made, and found to be the same */
    double more[] = {0.01};
    contrast_holm(more, 1, 3, scratch);
    is_near(more[0], 0.03);
}

static void test_launches_needed(void **state)
{
    static const double a[] = {0, 0.01, -0.01}, b[] = {0.02, 0.03, 0.01},
                        far[] = {5.0, 5.01, 4.99}, near[] = {0, 0.01, -0.01};
    (void)state;
    struct contrast c = contrast_welch(of(a, 3), of(b, 3));
    /* t(.975, 2 L - 2) 0.01 sqrt(2 / L): 0.0304 (2), 0.0227 (3), 0.0173 (4) */
    assert_int_equal(contrast_launches_needed(&c, of(a, 3), of(b, 3), 30), 4);
    assert_int_equal(contrast_launches_needed(&c, of(a, 3), of(b, 3), 3), 0);
    c = contrast_welch(of(a, 3), of(far, 3));
    assert_int_equal(contrast_launches_needed(&c, of(a, 3), of(far, 3), 30), 2);
    c = contrast_welch(of(a, 3), of(near, 3));
    assert_int_equal(contrast_launches_needed(&c, of(a, 3), of(near, 3), 30), 0);
}

/* --- simulations */

struct made {
    double shift; /* of the logarithm */
    double launch_sd, repeat_sd;
    int launches, repeats;
};

/* Means of launches: each draws what is its own, then its repeats around that. */
static void draw(struct rng *r, const struct made *m, double *y)
{
    for (int l = 0; l < m->launches; l++) {
        double own = m->shift + m->launch_sd * sims_fixture_normal(r), sum = 0;
        for (int k = 0; k < m->repeats; k++)
            sum += own + m->repeat_sd * sims_fixture_normal(r);
        y[l] = sum / m->repeats;
    }
}

static struct contrast contrast_of(struct rng *r, const struct made *a,
                                   const struct made *b)
{
    double x[MOST_LAUNCHES], y[MOST_LAUNCHES];
    draw(r, a, x);
    draw(r, b, y);
    return contrast_welch(of(x, (size_t)a->launches), of(y, (size_t)b->launches));
}

/* The 95 % interval holds the truth, however much launches differ: 93 to 97.5 % within
 * what the number of simulations can show (3 standard errors). */
static void test_coverage(void **state)
{
    static const double launch_sds[] = {0, 0.01, 0.02};
    static const int launches[] = {3, 5, 10};
    (void)state;
    double n = (double)sims_fixture_count(), slack = sims_fixture_slack(0.05);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++) {
            struct rng r;
            struct made a = {0, launch_sds[i], 0.01, launches[k], 5}, b = a;
            long held = 0;
            b.shift = 0.05;
            rng_init(&r, (uint64_t)(10 * i + k), "coverage");
            for (long s = 0; s < sims_fixture_count(); s++) {
                struct contrast c = contrast_of(&r, &a, &b);
                held += fabs(c.difference - 0.05) <= contrast_half(&c);
            }
            double share = (double)held / n;
            if (share < 0.93 - slack || share > 0.975 + slack)
                fail_msg("%d launches of sd %g: %g", launches[k], launch_sds[i], share);
        }
}

/* Why the unit is the launch: where launches differ as much as repeats, the interval over
 * the n repeats of one holds the mean of all with the probability that |T| of n - 1
 * degrees is below t(.975, n - 1) / sqrt(n + 1): 84, 68, 49 % with 3, 5, 10 of them. */
static void test_one_launch(void **state)
{
    static const int repeats[] = {3, 5, 10};
    static const double shares[] = {0.8356, 0.6797, 0.4876};
    (void)state;
    double n = (double)sims_fixture_count();
    for (size_t i = 0; i < 3; i++) {
        struct rng r;
        long held = 0;
        rng_init(&r, (uint64_t)i, "one launch");
        for (long s = 0; s < sims_fixture_count(); s++) {
            double y[MOST_LAUNCHES], own = sims_fixture_normal(&r);
            for (int k = 0; k < repeats[i]; k++)
                y[k] = own + sims_fixture_normal(&r);
            size_t count = (size_t)repeats[i];
            double half = interval_half_95(y, count, interval_t_95(count));
            held += fabs(interval_mean(y, count)) <= half;
        }
        double slack = 0.01 + sims_fixture_slack(shares[i]);
        if (fabs((double)held / n - shares[i]) > slack)
            fail_msg("%d repeats: %g", repeats[i], (double)held / n);
    }
}

/* How often some of a family of figures that do not differ is called different. */
static double false_calls(size_t tests, struct rng *r)
{
    struct made m = {0, 0.02, 0.01, 3, 5};
    long wrong = 0;
    for (long s = 0; s < sims_fixture_count(); s++) {
        double p[TESTS];
        size_t scratch[TESTS], n = 0;
        bool is_wrong = false;
        for (size_t i = 0; i < tests; i++) {
            struct contrast c = contrast_of(r, &m, &m);
            if (!contrast_is_same(&c, 0.02))
                p[n++] = contrast_p(&c);
        }
        contrast_holm(p, n, tests, scratch);
        for (size_t i = 0; i < n; i++)
            is_wrong |= p[i] <= 0.05;
        wrong += is_wrong;
    }
    return (double)wrong / (double)sims_fixture_count();
}

/* In 5 % of all comparisons at most, in both families: 8 cells with 4 figures each, and
 * the 4 geometric means. */
static void test_false_calls(void **state)
{
    static const size_t families[] = {TESTS, 4};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rng r;
        rng_init(&r, 1, "false calls");
        double share = false_calls(families[i], &r);
        if (share > 0.05 + sims_fixture_slack(0.05))
            fail_msg("%zu: %g", families[i], share);
    }
}

/* A difference as large as the margin is called the same in 5 % at most; none at all, in
 * most comparisons where launches differ little. */
static void test_false_same(void **state)
{
    struct made a = {0, 0.004, 0.004, 5, 5}, edge = a;
    struct rng r;
    long wrong = 0, right = 0;
    (void)state;
    edge.shift = log(1.02);
    rng_init(&r, 1, "false same");
    for (long s = 0; s < sims_fixture_count(); s++) {
        struct contrast c = contrast_of(&r, &a, &edge);
        wrong += contrast_is_same(&c, 0.02);
        c = contrast_of(&r, &a, &a);
        right += contrast_is_same(&c, 0.02);
    }
    double n = (double)sims_fixture_count();
    if ((double)wrong / n > 0.05 + sims_fixture_slack(0.05) || (double)right / n < 0.8)
        fail_msg("wrong %g, right %g", (double)wrong / n, (double)right / n);
}

/* The mean over 8 cells inside each launch: the same interval, the same coverage, though
 * the cells of a launch share what it drew. */
static void test_geometric_mean(void **state)
{
    struct rng r;
    long held = 0;
    (void)state;
    rng_init(&r, 1, "geometric mean");
    for (long s = 0; s < sims_fixture_count(); s++) {
        double z[2][3];
        for (int side = 0; side < 2; side++)
            for (int l = 0; l < 3; l++) {
                double own = 0.05 * side + 0.02 * sims_fixture_normal(&r), sum = 0;
                for (int c = 0; c < CELLS; c++)
                    sum += own + 0.01 * sims_fixture_normal(&r);
                z[side][l] = sum / CELLS;
            }
        struct contrast c = contrast_welch(of(z[0], 3), of(z[1], 3));
        held += fabs(c.difference - 0.05) <= contrast_half(&c);
    }
    double n = (double)sims_fixture_count(), share = (double)held / n;
    double slack = sims_fixture_slack(0.05);
    if (share < 0.93 - slack || share > 0.975 + slack)
        fail_msg("%g", share);
}

/* Launches that drift together: pairs see through it. */
static void test_pairs_under_drift(void **state)
{
    struct rng r;
    long held = 0, found = 0;
    (void)state;
    rng_init(&r, 1, "pairs");
    for (long s = 0; s < sims_fixture_count(); s++) {
        double x[5], y[5];
        for (int l = 0; l < 5; l++) {
            double drift = 0.03 * l;
            x[l] = drift + 0.01 * sims_fixture_normal(&r);
            y[l] = drift + 0.03 + 0.01 * sims_fixture_normal(&r);
        }
        struct contrast c = contrast_paired(of(x, 5), of(y, 5));
        held += fabs(c.difference - 0.03) <= contrast_half(&c);
        found += contrast_p(&c) <= 0.05;
    }
    double n = (double)sims_fixture_count(), share = (double)held / n;
    double slack = sims_fixture_slack(0.05);
    if (share < 0.93 - slack || share > 0.975 + slack || (double)found / n < 0.8)
        fail_msg("%g, found %g", share, (double)found / n);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),   cmocka_unit_test(test_no_variance),
        cmocka_unit_test(test_holm),           cmocka_unit_test(test_launches_needed),
        cmocka_unit_test(test_coverage),       cmocka_unit_test(test_false_calls),
        cmocka_unit_test(test_one_launch),     cmocka_unit_test(test_false_same),
        cmocka_unit_test(test_geometric_mean), cmocka_unit_test(test_pairs_under_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
