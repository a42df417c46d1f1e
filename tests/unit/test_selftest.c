#include "run/selftest.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Streams, intervals and answers make the rate that was asked for. */
static void loads_have_their_rate(void **state)
{
    (void)state;
    static const double rates[] = {20, 1000, 1234, 10000, 20000, 97000, 1e6};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct selftest_load l = selftest_load_of(rates[i], 1000, 3);
        double rate = (double)l.streams / ((double)l.itl_ns / 1e9);
        if (fabs(rate / rates[i] - 1) > 0.001)
            fail_msg("%g events/s instead of %g", rate, rates[i]);
        assert_true(l.streams >= 1 && l.streams <= 1000);
        assert_int_equal(l.ttft_ns, l.itl_ns); /* no pause between two answers */
        assert_int_equal(l.requests % l.streams, 0);
        double seconds = (double)(l.requests / l.streams * l.tokens * l.itl_ns) / 1e9;
        if (seconds < 2 || seconds > 4)
            fail_msg("%g events/s: %g s instead of 3", rates[i], seconds);
    }
}

static void intervals_shrink_where_streams_are_few(void **state)
{
    (void)state;
    assert_int_equal(selftest_load_of(20000, 1000, 3).itl_ns, 50000000);
    assert_int_equal(selftest_load_of(40000, 1000, 3).itl_ns, 25000000);
    assert_int_equal(selftest_load_of(40000, 1000, 3).streams, 1000);
    assert_int_equal(selftest_load_of(1000, 1000, 3).streams, 50);
    assert_int_equal(selftest_load_of(1000, 10, 3).itl_ns, 10000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_have_their_rate),
        cmocka_unit_test(intervals_shrink_where_streams_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
