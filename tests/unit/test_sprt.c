/* The sequential test of a load, by hand and over made blocks. INFERBENCH_TEST_SIMS=N
 * makes N of each (200). */
#include "stats/sprt.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sims_fixture.h"

static struct sprt of(int good, int bad)
{
    struct sprt t = {0};
    for (int i = 0; i < bad; i++)
        sprt_add(&t, false);
    for (int i = 0; i < good; i++)
        sprt_add(&t, true);
    return t;
}

/* ln(159) = 5.0689; 30 x .17185 = 5.156; 4 x 1.38629 = 5.545; 8.07 good ones undo a bad
 * one. */
static void test_by_hand(void **state)
{
    (void)state;
    assert_int_equal(of(29, 0).end, SPRT_OPEN);
    assert_int_equal(of(30, 0).end, SPRT_PASS);
    assert_int_equal(of(0, 3).end, SPRT_OPEN);
    assert_int_equal(of(0, 4).end, SPRT_FAIL);
    assert_int_equal(of(37, 1).end, SPRT_OPEN);
    assert_int_equal(of(38, 1).end, SPRT_PASS);
    assert_int_equal(of(54, 3).end, SPRT_PASS);
    struct sprt t = of(40, 0); /* what comes after its end changes nothing */
    assert_int_equal(t.good, 30);
    for (int i = 0; i < SPRT_BLOCKS / 10; i++) {
        t = i == 0 ? (struct sprt){0} : t;
        for (int k = 0; k < 9; k++)
            sprt_add(&t, true);
        sprt_add(&t, false);
    }
    assert_int_equal(t.end, SPRT_UNDECIDED); /* 54 and 6: 9.28 - 8.32 */
    assert_int_equal(t.good + t.bad, SPRT_BLOCKS);
}

static void test_a_block(void **state)
{
    (void)state;
    assert_true(sprt_is_good(297, 300, 0.99));
    assert_false(sprt_is_good(296, 300, 0.99));
    assert_true(sprt_is_good(100, 100, 1));
    assert_false(sprt_is_good(0, 0, 0.99));
}

/* scipy.stats.binom.cdf(t, n, 0.01): t = 0: 0.99^n <= .01 from 459 on; t = 1 from 662 on
 * (MLPerf's floor of a p99), t = 2 from 838 on. */
static void test_loadgen(void **state)
{
    (void)state;
    assert_false(sprt_loadgen_passes(0, 458, 0.99));
    assert_true(sprt_loadgen_passes(0, 459, 0.99));
    assert_false(sprt_loadgen_passes(1, 661, 0.99));
    assert_true(sprt_loadgen_passes(1, 662, 0.99));
    assert_false(sprt_loadgen_passes(2, 837, 0.99));
    assert_true(sprt_loadgen_passes(2, 838, 0.99));
    assert_false(sprt_loadgen_passes(0, 0, 0.99));
    assert_false(sprt_loadgen_passes(5, 5, 0.99));
}

/* How often a test of blocks that are good with that probability comes to that end. */
static double share_of(double p, enum sprt_end end, const char *stream)
{
    struct rng r;
    long found = 0, n = 10 * sims_fixture_count();
    rng_init(&r, 1, stream);
    for (long i = 0; i < n; i++) {
        struct sprt t = {0};
        while (t.end == SPRT_OPEN)
            sprt_add(&t, rng_unit(&r) < p);
        found += t.end == end;
    }
    return (double)found / (double)n;
}

/* At p0 it passes, and at p1 it fails, with a probability of .05 / 8. */
static void test_errors(void **state)
{
    double part = SPRT_ERROR / SPRT_PROBES, slack = sims_fixture_slack(part) / sqrt(10);
    (void)state;
    double wrong = share_of(SPRT_BAD_SHARE, SPRT_PASS, "pass");
    if (wrong > part + slack)
        fail_msg("false pass in %g", wrong);
    wrong = share_of(SPRT_GOOD_SHARE, SPRT_FAIL, "fail");
    if (wrong > part + slack)
        fail_msg("false fail in %g", wrong);
    assert_true(share_of(1, SPRT_PASS, "sure") == 1);
    assert_true(share_of(0, SPRT_FAIL, "sure") == 1);
    assert_true(share_of(0.98, SPRT_PASS, "well") > 0.8);
    assert_true(share_of(0.5, SPRT_FAIL, "half") > 0.99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_a_block),
        cmocka_unit_test(test_loadgen),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
