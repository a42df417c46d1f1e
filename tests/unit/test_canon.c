#include "probe/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"

static void value_is(const char *name, const char *value, const char *want)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_int_equal(canon_value(name, value, &out), STATUS_OK);
    assert_string_equal(buf_cstr(&out), want);
    buf_fini(&out);
}

/* Other spellings of one value. */
static void test_values(void **state)
{
    (void)state;
    value_is("a", "True", "true");
    value_is("a", " false ", "false");
    value_is("a", "0.90", "0.9");
    value_is("a", ".9", "0.9");
    value_is("a", "4096", "4096");
    value_is("a", "4096.0", "4096");
    value_is("a", "-0", "0");
    value_is("a", "-1.50", "-1.5");
    value_is("a", "1e5", "1e5"); /* a revision may look like that */
    value_is("a", "1.2.3", "1.2.3");
    value_is("a", "-", "-");
    value_is("a", "", "");
    value_is("a", "fp8", "fp8");
    value_is("a", "{ \"b\" : 1.0, \"a\":[1, 2.50,true ,null] }",
             "{\"a\":[1,2.5,true,null],\"b\":1}");
    value_is("a", "[\"x\", {}]", "[\"x\",{}]");
    value_is("a", "{not json", "{not json");
}

static void test_secrets(void **state)
{
    (void)state;
    value_is("hf_token", "hush", "***");
    value_is("hf_token", "", "");
    value_is("a", "http://joe:hush@h/x", "http://***@h/x");
    value_is("a", "{\"api_key\":\"hush\",\"b\":{\"password\":[\"hush\",3]}}",
             "{\"api_key\":\"***\",\"b\":{\"password\":[\"***\",3]}}");
    value_is("a", "[\"sk-aaaaaaaaaaaa\"]", "[\"***\"]");
    /* numbers and switches are no secrets, whatever they are called */
    value_is("stop_token_id", "17", "17");
    value_is("a", "{\"stop_token_ids\":[1,2],\"use_auth\":true}",
             "{\"stop_token_ids\":[1,2],\"use_auth\":true}");
    value_is("a", "{\"token\":{\"a\":\"hush\"}}", "{\"token\":{\"a\":\"***\"}}");
}

static void test_no_memory(void **state)
{
    (void)state;
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct buf out;
        buf_init(&out, 1 << 16);
        json_t *v = json_pack("{s:[s,f],s:s}", "b", "x", 1.5, "a", "y");
        alloc_fixture_arm(&alloc);
        enum status s = canon_json(v, &out);
        alloc_fixture_judge(&alloc, s);
        assert_int_equal(s == STATUS_OK, out.len > 0);
        if (s == STATUS_OK)
            assert_string_equal(buf_cstr(&out), "{\"a\":\"y\",\"b\":[\"x\",1.5]}");
        json_decref(v);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
