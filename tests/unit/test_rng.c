#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* First outputs of the reference implementation of xoshiro256** from the state 1, 2,
 * 3, 4. */
static void follows_the_reference(void **state)
{
    (void)state;
    struct rng r = {{1, 2, 3, 4}};
    static const uint64_t expected[] = {11520, 0, 1509978240,
                                        UINT64_C(1215971899390074240),
                                        UINT64_C(1216172134540287360)};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(rng_u64(&r), expected[i]);
}

/* Drawn by a separate implementation in Python. Results of old runs can be drawn again
 * only while these hold. */
static void streams_never_change(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        const char *name;
        uint64_t draws[3];
    } rows[] = {
        {0,
         "",
         {UINT64_C(0x1e28178eedbf0f30), UINT64_C(0x32dadb1a9e4a4d08),
          UINT64_C(0x4ef49088479a6d5c)}},
        {0,
         "prompt/short/bs4/run1",
         {UINT64_C(0xf928086b34f907ed), UINT64_C(0xff681674be7bfd84),
          UINT64_C(0x2191ab69af734250)}},
        {42,
         "arrivals",
         {UINT64_C(0xa00ee8818062bd90), UINT64_C(0xd7c5a57a54b7c7f2),
          UINT64_C(0xad2f4fb3fe786df7)}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rng r;
        rng_init(&r, rows[i].seed, rows[i].name);
        for (int k = 0; k < 3; k++)
            assert_int_equal(rng_u64(&r), rows[i].draws[k]);
    }
}

static void below_is_uniform(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 1, "uniform");
    enum { SIDES = 7, DRAWS = 70000 };
    int counts[SIDES] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = rng_below(&r, SIDES);
        assert_true(x < SIDES);
        counts[x]++;
    }
    double chi2 = 0;
    for (int i = 0; i < SIDES; i++) {
        double off = counts[i] - DRAWS / (double)SIDES;
        chi2 += off * off / (DRAWS / (double)SIDES);
    }
    assert_true(chi2 < 22.5); /* 6 degrees of freedom, 99.9 % point */
    for (int i = 0; i < 100; i++)
        assert_int_equal(rng_below(&r, 1), 0);
}

/* Where 2^64 is no multiple of n, plain modulo would give the lower third twice as
 * often. */
static void below_has_no_bias(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 1, "bias");
    uint64_t n = UINT64_C(3) << 62;
    int low = 0;
    for (int i = 0; i < 10000; i++)
        low += rng_below(&r, n) < n / 3;
    assert_in_range(low, 3150, 3520); /* 4 standard deviations around a third */
}

static void unit_is_in_range(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 1, "unit");
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double x = rng_unit(&r);
        assert_true(x >= 0 && x < 1);
        sum += x;
    }
    assert_true(sum > 49600 && sum < 50400); /* 4 standard deviations: 365 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_reference), cmocka_unit_test(streams_never_change),
        cmocka_unit_test(below_is_uniform),      cmocka_unit_test(below_has_no_bias),
        cmocka_unit_test(unit_is_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
