#include "base/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static void monotonic_time_goes_on(void **state)
{
    (void)state;
    struct instant last = clock_now();
    assert_true(last.ns > 0);
    for (int i = 0; i < 1000; i++) {
        struct instant now = clock_now();
        assert_false(clock_before(now, last));
        last = now;
    }
    assert_true(clock_wall().ns > INT64_C(1700000000) * NS_PER_S);
}

static void sleeping_does_not_end_early(void **state)
{
    (void)state;
    struct instant start = clock_now();
    struct instant until = clock_after(start, clock_seconds(0.005));
    clock_sleep_until(until);
    assert_false(clock_before(clock_now(), until));
    assert_true(clock_since(start).ns >= NS_PER_S / 200);
    clock_sleep_until((struct instant){NS_UNKNOWN}); /* returns at once */
}

static void arithmetic(void **state)
{
    (void)state;
    struct instant a = {100}, b = {350};
    assert_int_equal(clock_between(a, b).ns, 250);
    assert_int_equal(clock_between(b, a).ns, -250);
    assert_int_equal(clock_after(a, (struct span){-20}).ns, 80);
    assert_true(clock_before(a, b));
    assert_false(clock_before(a, a));
    assert_int_equal(clock_seconds(1.5).ns, 1500000000);
    assert_int_equal(clock_seconds(-0.25).ns, -250000000);
    assert_int_equal(clock_seconds(0.1 + 0.2).ns, 300000000);
    assert_true(clock_to_s((struct span){2500000000}) == 2.5);
}

static void the_unknown_stays_unknown(void **state)
{
    (void)state;
    struct instant unknown = {NS_UNKNOWN}, known = {5};
    assert_int_equal(clock_between(unknown, known).ns, NS_UNKNOWN);
    assert_int_equal(clock_between(known, unknown).ns, NS_UNKNOWN);
    assert_int_equal(clock_after(unknown, (struct span){1}).ns, NS_UNKNOWN);
    assert_int_equal(clock_after(known, (struct span){NS_UNKNOWN}).ns, NS_UNKNOWN);
    assert_int_equal(clock_seconds(NAN).ns, NS_UNKNOWN);
    assert_true(isnan(clock_to_s((struct span){NS_UNKNOWN})));
}

static void never_is_never(void **state)
{
    (void)state;
    struct span never = clock_seconds(INFINITY);
    assert_int_equal(never.ns, INT64_MAX);
    assert_int_equal(clock_after((struct instant){100}, never).ns, INT64_MAX);
    assert_int_equal(clock_seconds(1e300).ns, INT64_MAX);
    assert_int_equal(clock_seconds(-1e300).ns, INT64_MIN + 1);
    assert_int_equal(clock_after((struct instant){-100}, clock_seconds(-INFINITY)).ns,
                     INT64_MIN + 1);
}

static void check_texts(int64_t s, int64_t ns, int32_t offset_s, const char *iso,
                        const char *stamp)
{
    char out[CLOCK_TEXT_BYTES];
    struct wall t = {s * NS_PER_S + ns};
    clock_iso_local(t, offset_s, out);
    assert_string_equal(out, iso);
    clock_stamp(t, offset_s, out);
    assert_string_equal(out, stamp);
}

/* Expected values from Python's datetime. */
static void texts_need_no_time_zone(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
    tzset();
    check_texts(0, 0, 0, "1970-01-01T00:00:00.000000", "19700101_000000");
    check_texts(1795510087, 123456789, 0, "2026-11-24T08:48:07.123456",
                "20261124_084807");
    check_texts(1795510087, 123456789, 32400, "2026-11-24T17:48:07.123456",
                "20261124_174807");
    check_texts(1709164799, 999999999, 3600, "2024-02-29T00:59:59.999999",
                "20240229_005959");
    check_texts(-1, 999999000, -3600, "1969-12-31T22:59:59.999999", "19691231_225959");
    char out[CLOCK_TEXT_BYTES];
    clock_iso_utc((struct wall){INT64_C(1795510087) * NS_PER_S}, out);
    assert_string_equal(out, "2026-11-24T08:48:07.000000+00:00");
    clock_iso_local((struct wall){NS_UNKNOWN}, 0, out); /* any text, no overrun */
}

static void offset_is_that_of_the_moment(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
    tzset();
    assert_int_equal(clock_utc_offset_s((struct wall){INT64_C(1795510087) * NS_PER_S}),
                     3600);
    assert_int_equal(clock_utc_offset_s((struct wall){INT64_C(1782864000) * NS_PER_S}),
                     7200);
    assert_int_equal(setenv("TZ", "UTC0", 1), 0);
    tzset();
    assert_int_equal(clock_utc_offset_s(clock_wall()), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_goes_on),
        cmocka_unit_test(sleeping_does_not_end_early),
        cmocka_unit_test(arithmetic),
        cmocka_unit_test(the_unknown_stays_unknown),
        cmocka_unit_test(never_is_never),
        cmocka_unit_test(texts_need_no_time_zone),
        cmocka_unit_test(offset_is_that_of_the_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
