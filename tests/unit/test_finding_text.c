#include "report/finding_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "finding_fixture.h"

static void check_is(const struct findings *checks, const char *code, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    finding_text_put(checks, code, &out);
    assert_string_equal(buf_cstr(&out), want);
    buf_fini(&out);
}

static void test_check_text(void **state)
{
    (void)state;
    const struct findings *checks = finding_fixture_read(
        "[{\"code\":\"X\"},{\"code\":\"A\",\"field\":\"cache_hit_rate\",\"value\":0.31,"
        "\"limit\":0},{\"code\":\"B\",\"field\":\"f\",\"value\":[1],\"limit\":null},"
        "{\"code\":\"A\",\"field\":\"g\",\"value\":1,\"limit\":1},"
        "{\"code\":\"D\",\"field\":\"f\",\"value\":3,\"limit\":2},"
        "{\"code\":\"D\",\"field\":\"g\",\"value\":3,\"limit\":2,"
        "\"text\":\"too many\"}]");
    check_is(checks, "A", ": cache_hit_rate 0.31, limit 0.0");
    check_is(checks, "B", ""); /* no number */
    check_is(checks, "X", ""); /* without a field */
    check_is(checks, "C", "");
    check_is(checks, "D", ": too many");
    check_is(NULL, "A", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
