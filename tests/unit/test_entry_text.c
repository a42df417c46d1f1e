#include "track/entry_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int set_up(void **state)
{
    static struct arena a;
    arena_init(&a, 1 << 20);
    *state = &a;
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(*state);
    return 0;
}

static void spelled(struct arena *a, const char *json, const char *python,
                    const char *plain)
{
    json_t *v = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(v);
    assert_string_equal(entry_text_python(v, a), python);
    assert_string_equal(entry_text_plain(v, a), plain);
    json_decref(v);
}

static void test_values(void **state)
{
    struct arena *a = *state;
    spelled(a, "true", "True", "True");
    spelled(a, "false", "False", "False");
    spelled(a, "null", "None", "None");
    spelled(a, "4", "4", "4");
    spelled(a, "-9007199254740993", "-9007199254740993", "-9007199254740993");
    spelled(a, "0.7", "0.7", "0.7");
    spelled(a, "1.0", "1.0", "1");
    spelled(a, "50.0", "50.0", "50");
    spelled(a, "-0.25", "-0.25", "-0.25");
    spelled(a, "0.00001", "1e-05", "1e-05");
    spelled(a, "9900000000000000.0", "9900000000000000.0", "9900000000000000.0");
    spelled(a, "1e22", "1e+22", "1e+22");
    spelled(a, "0.30000000000000004", "0.30000000000000004", "0.30000000000000004");
    spelled(a, "\"inf\"", "inf", "inf");
    spelled(a, "\"\"", "", "");
    spelled(a, "[\"--x\", 3, true]", "[\"--x\",3,true]", "[\"--x\",3,true]");
    spelled(a, "{\"ttft\": 200}", "{\"ttft\":200}", "{\"ttft\":200}");
}

static void test_keys(void **state)
{
    static const char *const cases[][2] = {
        {"ttft_p99_s", "ttft_p99_s"},
        {"opt.max-tokens", "opt.max-tokens"},
        {"a b/c:d", "a b/c:d"},
        {"cost (usd) 100%", "cost _usd_ 100_"},
        {"tag#1", "tag_1"},
        {"a//b", "a__b"},
        {"/a", "_a"},
        {"a/", "a_"},
        {"a/../b.c", "a____b_c"},
        {"a/./b", "a___b"},
        {"..", "__"},
        {"..a", "__a"},
        {".", "_"},
        {".a", ".a"},
        {"", "_"},
        {"モデル名", "モデル名"},
        {"größe", "größe"},
        {"a\xe2\x82\xac", "a_"},     /* a euro sign */
        {"\xf0\x9f\x98\x80x", "_x"}, /* beyond the first plane */
        {"\xff\xfe", "__"},          /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(entry_text_key(cases[i][0], *state), cases[i][1]);
}

static void test_long_keys(void **state)
{
    char key[400];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    assert_int_equal(strlen(entry_text_key(key, *state)), 250);
    key[249] = '/';
    const char *legal = entry_text_key(key, *state);
    assert_int_equal(strlen(legal), 250);
    assert_int_equal(legal[249], '_');
    key[250] = '\0';
    key[249] = 'k';
    assert_string_equal(entry_text_key(key, *state), key);
}

static void test_cut(void **state)
{
    const char *text = "ab\xe3\x83\xa2\xf0\x9f\x98\x80z";
    assert_ptr_equal(entry_text_cut(text, 5, *state), text);
    assert_string_equal(entry_text_cut(text, 4, *state),
                        "ab\xe3\x83\xa2\xf0\x9f\x98\x80");
    assert_string_equal(entry_text_cut(text, 3, *state), "ab\xe3\x83\xa2");
    assert_string_equal(entry_text_cut(text, 0, *state), "");
    assert_ptr_equal(entry_text_cut("", 0, *state), "");
}

static void test_noted(void **state)
{
    const char *notes = "scenario=prefix_caching, run=2, warmup=False, x=a=b";
    assert_string_equal(entry_text_noted(notes, "scenario", *state), "prefix_caching");
    assert_string_equal(entry_text_noted(notes, "run", *state), "2");
    assert_string_equal(entry_text_noted(notes, "warmup", *state), "False");
    assert_string_equal(entry_text_noted(notes, "x", *state), "a=b");
    assert_null(entry_text_noted(notes, "warm", *state));
    assert_null(entry_text_noted("", "run", *state));
    assert_null(entry_text_noted(NULL, "run", *state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_noted, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
