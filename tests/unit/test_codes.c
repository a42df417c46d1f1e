#include "report/codes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

static void test_has(void **state)
{
    (void)state;
    assert_true(codes_has("[\"A\",\"BB\"]", "BB"));
    assert_false(codes_has("[\"A\",\"BB\"]", "B"));
    assert_false(codes_has("[1,null]", "A"));
    assert_false(codes_has("[]", "A"));
    assert_false(codes_has(NULL, "A"));
    assert_false(codes_has("[\"A\"", "A"));
}

static void join(void *arg, const char *code)
{
    buf_printf(arg, "%s;", code);
}

static void test_each(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    codes_each("[\"B\",2,\"A\"]", join, &out);
    assert_string_equal(buf_cstr(&out), "B;A;");
    buf_fini(&out);
}

static void check_is(const char *checks, const char *code, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    codes_check_text(checks, code, &out);
    assert_string_equal(buf_cstr(&out), want);
    buf_fini(&out);
}

static void test_check_text(void **state)
{
    (void)state;
    static const char checks[] =
        "[{\"code\":\"X\"},{\"code\":\"A\",\"field\":\"cache_hit_rate\",\"value\":0.31,"
        "\"limit\":0},{\"code\":\"B\",\"field\":\"f\",\"value\":[1],\"limit\":null},"
        "{\"code\":\"A\",\"field\":\"g\",\"value\":1,\"limit\":1}]";
    check_is(checks, "A", ": cache_hit_rate 0.31, limit 0");
    check_is(checks, "B", ""); /* no number */
    check_is(checks, "X", ""); /* without a field */
    check_is(checks, "C", "");
    check_is("[{", "A", "");
    check_is(NULL, "A", "");
}

/* Out of memory is no code and no crash. */
static void test_no_memory(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    mem_fail_at(1);
    codes_check_text("[{\"code\":\"A\",\"field\":\"f\",\"value\":1,\"limit\":2}]", "A",
                     &out);
    mem_fail_at(0);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_has),
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_check_text),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
