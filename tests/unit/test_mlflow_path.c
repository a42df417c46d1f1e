#include "track/mlflow_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void parts_are_escaped(void **state)
{
    (void)state;
    struct buf out;
    struct err e;
    buf_init(&out, 1000);
    mlflow_path_escape(&out, "a b/\xc3\xa9~._-");
    assert_string_equal(buf_cstr(&out), "a%20b%2F%C3%A9~._-");
    buf_clear(&out);
    assert_int_equal(mlflow_path_add(&out, "/1//a b/...?x#y%2e/", &e), STATUS_OK);
    assert_string_equal(buf_cstr(&out), "1/a%20b/...%3Fx%23y%252e");
    buf_fini(&out);
}

static void nothing_leads_out(void **state)
{
    (void)state;
    static const char *const paths[] = {"..", ".", "a/..", "../a", "a/./b", "a/../../b"};
    struct buf out;
    struct err e;
    buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_int_equal(mlflow_path_add(&out, paths[i], &e), STATUS_BAD_INPUT);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_escaped),
        cmocka_unit_test(nothing_leads_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
