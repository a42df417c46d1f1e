#include "engines/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_found_tables_are_complete(void **state)
{
    (void)state;
    static const char *const names[] = {"vllm", "null"};
    for (size_t i = 0; i < 2; i++) {
        struct engine_ops ops;
        struct err e;
        assert_int_equal(registry_find(names[i], ENGINE_OFFLINE, &ops, &e), STATUS_OK);
        assert_string_equal(ops.name, names[i]);
        assert_true(ops.locate && ops.open && ops.lane_new && ops.submit && ops.cancel &&
                    ops.next && ops.reset_prefix && ops.tokenize && ops.counters &&
                    ops.sample && ops.close);
    }
}

static void test_defaults(void **state)
{
    (void)state;
    struct engine_ops ops;
    struct err e;
    const char *python = "x", *notes = "x";
    struct row fields = {.v = {{0}}};
    assert_int_equal(registry_find("null", ENGINE_OFFLINE, &ops, &e), STATUS_OK);
    assert_int_equal(ops.locate(NULL, NULL, &python, &notes, &e), STATUS_OK);
    assert_null(python);
    assert_null(notes);
    assert_int_equal(ops.counters(NULL, &fields, &e), STATUS_OK);
    assert_int_equal(ops.sample(NULL, &e), STATUS_OK);
    assert_int_equal(ops.tokenize(NULL, NULL, 0, NULL, &e), STATUS_UNSUPPORTED);
    assert_non_null(strstr(e.what, "tokenizer"));
    ops.close(NULL);
}

static void test_refused(void **state)
{
    (void)state;
    struct engine_ops ops = {.name = "untouched"};
    struct err e;
    assert_int_equal(registry_find("nul", ENGINE_OFFLINE, &ops, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.where, "--engine");
    assert_non_null(strstr(e.hint, "Did you mean null?"));
    assert_int_equal(registry_find("null", ENGINE_ONLINE, &ops, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.what, "null cannot do this");
    assert_string_equal(ops.name, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_tables_are_complete),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
