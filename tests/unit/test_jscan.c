#include "serve/jscan.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static bool is_json(const char *text)
{
    struct jscan j;
    size_t len = strlen(text);
    char *exact = malloc(len + 1); /* a read behind the end is seen by the sanitizer */
    memcpy(exact, text, len);
    char *whole = realloc(exact, len > 0 ? len : 1);
    jscan_init(&j, (struct str){whole, len});
    (void)jscan_skip(&j);
    bool is_good = jscan_end(&j);
    free(whole);
    return is_good;
}

static void what_is_json(void **state)
{
    (void)state;
    static const char *const good[] = {"{}",
                                       "[]",
                                       " [ ] ",
                                       "null",
                                       "true",
                                       "false",
                                       "0",
                                       "-0",
                                       "1.5",
                                       "-1e9",
                                       "1E+2",
                                       "2e-3",
                                       "\"\"",
                                       "\"a\\n\\u00e9\\\\\\\"\"",
                                       "[1,2,3]",
                                       "[1 , [2,[]],{}]",
                                       "{\"a\":1}",
                                       "{ \"a\" : [ ] , \"b\":{\"c\":null} }",
                                       "\t\r\n1\n",
                                       "[{},{},[[]]]",
                                       "{\"a\":{\"b\":{}},\"c\":[]}"};
    static const char *const bad[] = {
        "",         " ",          "{",         "[",        "}",         "]",
        "[1",       "[1,",        "[1,]",      "[,1]",     "{,}",       "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{a:1}",     "{1:2}",    "tru",       "nul",
        "truee",    "01",         "-",         "+1",       ".5",        "1.",
        "1e",       "1e+",        "\"",        "\"\\x\"",  "\"\\u12\"", "\"\\u12g4\"",
        "\"\n\"",   "1 2",        "[1 2]",     "[]]",      "{]",        "[}",
        "'a'",      "NaN",        "{\"a\":1]", "[\"a\":1]"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!is_json(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (is_json(bad[i]))
            fail_msg("accepted: %s", bad[i]);
}

static void depth_is_limited(void **state)
{
    (void)state;
    char text[1000] = "";
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert_true(is_json(text));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_false(is_json(text));
    memset(text, '[', sizeof text - 1);
    assert_false(is_json(text));
}

/* The other reader of JSON must give strings the same length. */
static void lengths_of_strings(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\"abc\"",       "\"\"",         "\"\\n\\t\\/\"", "\"\\u0041\"",
        "\"\\u00e9\"",   "\"\xc3\xa9\"", "\"\\u20ac\"",   "\"\\ud83d\\ude00\"",
        "\"a\\\\\\\"b\""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct jscan j;
        size_t bytes = 0;
        jscan_init(&j, str_from(texts[i]));
        struct str raw = jscan_string(&j, &bytes);
        assert_true(jscan_end(&j));
        assert_int_equal(raw.len, strlen(texts[i]) - 2);
        json_t *value = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        assert_int_equal(bytes, json_string_length(value));
        json_decref(value);
    }
}

static void what_strings_mean(void **state)
{
    (void)state;
    static const struct {
        const char *string, *text;
        bool is_same;
    } rows[] = {{"a/b", "a/b", true},
                {"a\\/b", "a/b", true},
                {"\\u0061\\u00e9\\u20ac", "a\xc3\xa9\xe2\x82\xac", true},
                {"\\\"\\\\\\n\\t", "\"\\\n\t", true},
                {"", "", true},
                {"a", "", false},
                {"", "a", false},
                {"ab", "a", false},
                {"a", "ab", false},
                {"\\u0000", "", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (jscan_means(str_from(rows[i].string), rows[i].text) != rows[i].is_same)
            fail_msg("%s and %s", rows[i].string, rows[i].text);
}

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_whole;
        int64_t value;
    } rows[] = {{"7", true, 7},
                {" 0 ", true, 0},
                {"-12", true, -12},
                {"9223372036854775807", true, INT64_MAX},
                {"9223372036854775808", false, 0},
                {"1.0", false, 0},
                {"1e3", false, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct jscan j;
        int64_t value = 0;
        jscan_init(&j, str_from(rows[i].text));
        assert_int_equal(jscan_int(&j, &value), rows[i].is_whole);
        assert_int_equal(value, rows[i].value);
        assert_true(jscan_end(&j));
    }
    struct jscan j;
    int64_t value = 0;
    jscan_init(&j, str_from("[012]"));
    jscan_enter(&j);
    assert_true(jscan_item(&j));
    (void)jscan_int(&j, &value);
    assert_false(jscan_item(&j));
    assert_false(jscan_end(&j));
}

static void members_and_items(void **state)
{
    (void)state;
    struct jscan j;
    struct str key;
    int64_t sum = 0, value = 0;
    jscan_init(&j, str_from("{\"a\": [1, 2,3], \"b\": {\"x\": []}, \"c\": 4}"));
    jscan_enter(&j);
    assert_true(jscan_member(&j, &key));
    assert_true(str_is(key, "a"));
    jscan_enter(&j);
    while (jscan_item(&j)) {
        assert_true(jscan_int(&j, &value));
        sum += value;
    }
    assert_int_equal(sum, 6);
    assert_true(jscan_member(&j, &key));
    assert_true(str_is(key, "b"));
    assert_true(str_is(jscan_skip(&j), "{\"x\": []}"));
    assert_true(jscan_member(&j, &key));
    assert_int_equal(jscan_kind(&j), JSCAN_NUMBER);
    assert_true(jscan_int(&j, &value));
    assert_false(jscan_member(&j, &key));
    assert_true(jscan_end(&j));
}

static void bad_stays_bad(void **state)
{
    (void)state;
    struct jscan j;
    struct str key;
    int64_t value;
    jscan_init(&j, str_from("{\"a\" 1}"));
    jscan_enter(&j);
    assert_false(jscan_member(&j, &key));
    assert_true(j.is_bad);
    assert_false(jscan_member(&j, &key));
    assert_false(jscan_item(&j));
    assert_false(jscan_int(&j, &value));
    assert_int_equal(jscan_kind(&j), JSCAN_NONE);
    assert_false(jscan_end(&j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json),       cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(lengths_of_strings), cmocka_unit_test(whole_numbers),
        cmocka_unit_test(members_and_items),  cmocka_unit_test(bad_stays_bad),
        cmocka_unit_test(what_strings_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
