#include "stats/hist.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "stats/quantile.h"

static int set_up(void **state)
{
    static struct hist h;
    struct err e;
    *state = &h;
    return hist_init(&h, &e) != STATUS_OK;
}

static int tear_down(void **state)
{
    hist_fini(*state);
    hist_fini(*state);
    return 0;
}

/* Relative error 1/2048 at most, of the middle of a bucket. */
static void is_close(int64_t got, int64_t want, const char *what)
{
    double most = (double)want / 2048;
    if (!(fabs((double)(got - want)) <= most))
        fail_msg("%s: got %lld, want %lld", what, (long long)got, (long long)want);
}

static void test_empty(void **state)
{
    struct hist *h = *state;
    assert_true(hist_quantile_ns(h, 0.5) == NS_UNKNOWN);
    assert_true(hist_record(h, 7));
    assert_true(hist_quantile_ns(h, 0) == NS_UNKNOWN);
    assert_true(hist_quantile_ns(h, 1.01) == NS_UNKNOWN);
    assert_true(hist_quantile_ns(h, (double)NAN) == NS_UNKNOWN);
    assert_int_equal(hist_quantile_ns(h, 1e-9), 7);
    assert_int_equal(hist_quantile_ns(h, 1), 7);
}

/* Every power of two, one below and one above: the value comes back within the bound. */
static void test_error_bound(void **state)
{
    struct hist *h = *state;
    for (int64_t power = 1; power <= HIST_MAX_NS / 2; power *= 2)
        for (int64_t off = -1; off <= 1; off++)
            for (int64_t part = 0; part < 7; part++) {
                int64_t value = power + off + part * (power / 7);
                hist_clear(h);
                assert_true(hist_record(h, 0)); /* so that no end clips the middle */
                assert_true(hist_record(h, value));
                assert_true(hist_record(h, HIST_MAX_NS));
                is_close(hist_quantile_ns(h, 0.6), value, "one value");
            }
}

static void test_small_values_are_exact(void **state)
{
    struct hist *h = *state;
    for (int64_t value = 0; value < 2048; value++)
        assert_true(hist_record(h, value));
    for (int64_t value = 0; value < 2048; value++)
        assert_int_equal(hist_quantile_ns(h, (double)(value + 1) / 2048), value);
}

static void test_range(void **state)
{
    struct hist *h = *state;
    assert_false(hist_record(h, -1));
    assert_false(hist_record(h, HIST_MAX_NS + 1));
    assert_false(hist_record(h, INT64_MAX));
    assert_false(hist_record(h, NS_UNKNOWN));
    assert_int_equal(h->dropped, 4);
    assert_int_equal(h->total, 0);
    assert_true(hist_record(h, HIST_MAX_NS));
    assert_true(hist_record(h, 0));
    assert_true(hist_quantile_ns(h, 1) == HIST_MAX_NS);
    assert_int_equal(hist_quantile_ns(h, 0.5), 0);
    hist_clear(h);
    assert_int_equal(h->total, 0);
    assert_int_equal(h->dropped, 0);
    assert_true(hist_quantile_ns(h, 1) == NS_UNKNOWN);
}

/* Latencies over five decades: each percentile within the bound of the exact one, alone
 * and merged out of two. */
static void test_against_exact(void **state)
{
    enum { COUNT = 5000 };
    static const double percents[] = {1, 7, 50, 90, 99, 99.9, 100};
    struct hist *h = *state, part[2];
    struct err e;
    struct rng r;
    double *values = calloc(COUNT, sizeof *values);
    assert_non_null(values);
    rng_init(&r, 1, "hist");
    for (int i = 0; i < 2; i++)
        assert_int_equal(hist_init(&part[i], &e), STATUS_OK);
    for (int i = 0; i < COUNT; i++) {
        int64_t value = (int64_t)(1e5 * pow(1e5, rng_unit(&r)));
        values[i] = (double)value;
        assert_true(hist_record(h, value));
        assert_true(hist_record(&part[i % 2], value));
    }
    quantile_sort(values, COUNT);
    hist_merge(&part[0], &part[1]);
    assert_int_equal(part[0].total, COUNT);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        double exact = quantile_of_sorted(values, COUNT, percents[i]);
        is_close(hist_quantile_ns(h, percents[i] / 100), (int64_t)exact, "quantile");
        assert_true(hist_quantile_ns(h, percents[i] / 100) ==
                    hist_quantile_ns(&part[0], percents[i] / 100));
    }
    hist_fini(&part[0]);
    hist_fini(&part[1]);
    free(values);
}

static void test_merge_with_empty(void **state)
{
    struct hist *h = *state, other;
    struct err e;
    assert_int_equal(hist_init(&other, &e), STATUS_OK);
    assert_false(hist_record(&other, -5));
    hist_merge(h, &other);
    assert_int_equal(h->dropped, 1);
    assert_true(hist_quantile_ns(h, 1) == NS_UNKNOWN);
    assert_true(hist_record(&other, 5000));
    hist_merge(h, &other);
    assert_int_equal(hist_quantile_ns(h, 0.01), 5000); /* the least there is */
    hist_fini(&other);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct hist h = {0};
    struct err e;
    mem_fail_at(1);
    assert_int_equal(hist_init(&h, &e), STATUS_NO_MEMORY);
    mem_fail_at(0);
    assert_null(h.counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_error_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_small_values_are_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_against_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_with_empty, set_up, tear_down),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
