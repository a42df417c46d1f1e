#include "stats/sketch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "stats/quantile.h"

#define MANY 20000

static void test_small_samples_are_whole(void **state)
{
    const double x[] = {1, 2.5, 3.123456};
    struct sketch s = sketch_of_sorted(x, 3, 2);
    (void)state;
    assert_int_equal(s.count, 3);
    assert_int_equal(s.lost, 2);
    assert_true(s.points[1] == 2.5 && s.points[2] == 3.1235);
    assert_true(fabs(sketch_share(&s, 0) - 1.0 / 6) < 1e-12);
    s = sketch_of_sorted(NULL, 0, 4);
    assert_int_equal(s.count, 0);
}

static void test_shares(void **state)
{
    (void)state;
    assert_true(sketch_shares[0] == 0 && sketch_shares[SKETCH_POINTS - 1] == 1);
    for (size_t i = 1; i < SKETCH_POINTS; i++)
        assert_true(sketch_shares[i] > sketch_shares[i - 1]);
}

/* Sums of squares of three: a long tail, and three parts of different scales. */
static double *drawn(struct rng *r, double scale, size_t count)
{
    double *x = mem_alloc(count, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = scale * -log(1 - rng_unit(r));
    quantile_sort(x, count);
    return x;
}

/* The pool of three sketches has the quantiles of the pooled values. */
static void test_pool_of_parts(void **state)
{
    static const size_t counts[] = {MANY, MANY / 4, 40};
    struct sketch parts[4] = {{0}}, pool;
    struct err e;
    struct rng r;
    double *all = mem_alloc(MANY * 2, sizeof *all);
    size_t n = 0;
    (void)state;
    rng_init(&r, 7, "sketch");
    for (size_t k = 0; k < 3; k++) {
        double *x = drawn(&r, 1 + (double)k, counts[k]);
        parts[k] = sketch_of_sorted(x, counts[k], k);
        for (size_t i = 0; i < counts[k]; i++)
            all[n++] = x[i];
        mem_free(x);
    }
    quantile_sort(all, n);
    assert_int_equal(sketch_pool(parts, 4, &pool, &e), STATUS_OK);
    assert_int_equal(pool.samples, n);
    assert_int_equal(pool.lost, 3);
    for (size_t i = 0; i < pool.count; i++) {
        double p = 100 * sketch_shares[i];
        double want = i == 0 ? all[0] : quantile_of_sorted(all, n, p);
        double near = i > 0 && p < 2 ? 0.5 : p > 99.95 ? 0.1 : 0.03;
        if (fabs(pool.points[i] - want) > near * want + 1e-4)
            fail_msg("%g %%: %g, not %g", p, pool.points[i], want);
    }
    mem_free(all);
}

/* Few values of several repeats are a sample that is whole again. */
static void test_pool_of_few(void **state)
{
    const double a[] = {1, 3, 5}, b[] = {2, 4};
    struct sketch parts[2], pool;
    struct err e;
    (void)state;
    parts[0] = sketch_of_sorted(a, 3, 0);
    parts[1] = sketch_of_sorted(b, 2, 0);
    assert_int_equal(sketch_pool(parts, 2, &pool, &e), STATUS_OK);
    assert_int_equal(pool.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(fabs(pool.points[i] - (double)(i + 1)) < 1e-9);
    assert_int_equal(sketch_pool(parts, 1, &pool, &e), STATUS_OK);
    assert_memory_equal(pool.points, parts[0].points, 3 * sizeof(double));
    assert_int_equal(sketch_pool(parts, 0, &pool, &e), STATUS_OK);
    assert_int_equal(pool.count, 0);
}

static void test_there_and_back(void **state)
{
    struct buf text;
    struct jsonw w;
    struct sketch back;
    const double x[] = {0.25, 0.5};
    struct sketch s = sketch_of_sorted(x, 2, 1), none = {0};
    (void)state;
    buf_init(&text, 4096);
    jsonw_init(&w, &text, 0);
    jsonw_object(&w, NULL);
    sketch_write(&none, "e2e_s", &w);
    sketch_write(&s, "ttft_s", &w);
    jsonw_object_end(&w);
    assert_string_equal(buf_cstr(&text),
                        "{\"ttft_s\":{\"n\":2,\"lost\":1,\"points\":[0.25,0.5]}}");
    assert_true(sketch_read(buf_cstr(&text), "ttft_s", &back));
    assert_int_equal(back.samples, 2);
    assert_int_equal(back.lost, 1);
    assert_true(back.points[1] == 0.5);
    assert_false(sketch_read(buf_cstr(&text), "e2e_s", &back));
    buf_fini(&text);
}

static void test_hostile_texts(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"x\":1}",
        "{\"x\":{\"n\":2,\"points\":[1]}}",
        "{\"x\":{\"n\":2,\"points\":[2,1]}}",
        "{\"x\":{\"n\":2,\"points\":[1,\"2\"]}}",
        "{\"x\":{\"n\":-2,\"points\":[]}}",
        "{\"x\":{\"n\":1e300,\"points\":[1]}}",
        "{\"x\":{\"n\":100,\"points\":[1,2]}}",
    };
    struct sketch s;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(sketch_read(texts[i], "x", &s));
}

static void test_without_memory(void **state)
{
    const double x[] = {1, 2};
    struct sketch parts[2], pool;
    struct err e;
    (void)state;
    parts[0] = parts[1] = sketch_of_sorted(x, 2, 0);
    mem_fail_at(1);
    assert_int_equal(sketch_pool(parts, 2, &pool, &e), STATUS_NO_MEMORY);
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_samples_are_whole),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_pool_of_parts),
        cmocka_unit_test(test_pool_of_few),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
