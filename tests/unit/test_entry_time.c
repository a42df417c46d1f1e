#include "track/entry_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static void zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

static void test_utc(void **state)
{
    (void)state;
    zone("Asia/Tokyo");
    const char *local = "2026-11-25T03:13:24.055243";
    assert_int_equal(entry_time_ms("2026-11-24T18:13:24.055243+00:00", local),
                     1795544004055);
    assert_int_equal(entry_time_ms("2026-11-24T18:13:24Z", NULL), 1795544004000);
    assert_int_equal(entry_time_ms("2026-11-24 18:13:24.0559", NULL), 1795544004055);
    assert_int_equal(entry_time_ms("2026-11-25T03:13:24+09:00", NULL), 1795544004000);
    assert_int_equal(entry_time_ms("2026-11-24T12:43:24-0530", NULL), 1795544004000);
}

static void test_local(void **state)
{
    (void)state;
    zone("JST-9");
    assert_int_equal(entry_time_ms(NULL, "2026-11-25T03:13:24.055243"), 1795544004055);
    assert_int_equal(entry_time_ms("soon", "2026-11-25T03:13:24.055243"), 1795544004055);
    assert_int_equal(entry_time_ms(NULL, "2026-11-24T18:13:24+00:00"), 1795544004000);
    zone("EST5EDT,M3.2.0,M11.1.0");
    /* An hour after clocks are put forward, and a minute before. */
    assert_int_equal(entry_time_ms(NULL, "2026-03-08T03:30:00"), 1772955000000);
    assert_int_equal(entry_time_ms(NULL, "2026-03-08T01:59:00"), 1772953140000);
    assert_int_equal(entry_time_ms(NULL, "2026-11-01T03:00:00"), 1793520000000);
    zone("UTC");
    assert_int_equal(entry_time_ms(NULL, "2026-11-24T18:13:24"), 1795544004000);
}

static void test_unknown(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "",
        "2026",
        "2026-13-01T00:00:00",
        "2026-11-24T18:13",
        "2026-11-24T25:00:00",
        "2026-11-24T18:13:24 ",
        "2026-11-24T18:13:24+9",
        "2026-11-24T18:13:24+09:00x",
        "1969-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
    };
    zone("UTC");
    assert_int_equal(entry_time_ms(NULL, NULL), 0);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_int_equal(entry_time_ms(odd[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utc),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
