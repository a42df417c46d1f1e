#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "text/json.h"
#include "text/jsonr.h"

/* A copy without a byte behind it: a read too far is seen by the sanitizer. */
static enum status scan_whole(const char *text, struct jsonr_value *out, struct err *e)
{
    static char *copy; /* what is found points into it */
    struct jsonr r;
    size_t len = strlen(text);
    free(copy);
    copy = malloc(len > 0 ? len : 1);
    memcpy(copy, text, len);
    jsonr_init(&r, (struct str){copy, len}, "file.json", e);
    *out = jsonr_value(&r);
    return jsonr_end(&r);
}

static void sound_values_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum jsonr_kind kind;
    } cases[] = {
        {"null", JSONR_NULL},
        {" true ", JSONR_BOOL},
        {"-0.5e+10", JSONR_NUMBER},
        {"0", JSONR_NUMBER},
        {"\"a\\u00e9\\\\\"", JSONR_STRING},
        {"\"東\"", JSONR_STRING},
        {"[]", JSONR_LIST},
        {"[1,[2,{}]]", JSONR_LIST},
        {"{\"a\":{\"b\":[]}}", JSONR_OBJECT},
        {"NaN", JSONR_NULL},
        {"-Infinity", JSONR_NULL},
        {"\xef\xbb\xbf{}", JSONR_OBJECT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jsonr_value v;
        struct err e = {0};
        if (scan_whole(cases[i].text, &v, &e) != STATUS_OK)
            fail_msg("%s: %s", cases[i].text, e.what);
        assert_int_equal(v.kind, cases[i].kind);
    }
}

static void broken_values_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "nul",
        "01",
        "1.",
        "-",
        ".5",
        "1e",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "[1,]",
        "[1 2]",
        "[",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "{} {}",
        "]",
        "+1",
        "'a'",
        "[1}",
        "tru",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jsonr_value v;
        struct err e = {0};
        if (scan_whole(cases[i], &v, &e) == STATUS_OK)
            fail_msg("accepted: %s", cases[i]);
        assert_non_null(strstr(e.where, "file.json:"));
    }
}

/* Every prefix of a sound text is refused, and read no further than its end. */
static void every_cut_is_noticed(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\": [1, 2.5e3, \"x\\n\xc3\xa9\"], \"b\": {\"c\": null}}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char cut[sizeof text] = "";
        memcpy(cut, text, len);
        struct jsonr_value v;
        struct err e = {0};
        assert_int_not_equal(scan_whole(cut, &v, &e), STATUS_OK);
        assert_int_equal(e.code, STATUS_BAD_INPUT);
    }
}

static void deep_nesting_is_refused_not_fatal(void **state)
{
    (void)state;
    static char text[100001];
    memset(text, '[', sizeof text - 1);
    struct jsonr_value v;
    struct err e = {0};
    assert_int_equal(scan_whole(text, &v, &e), STATUS_BAD_INPUT);
    assert_non_null(strstr(e.what, "deep"));
    memset(text + JSONR_MAX_DEPTH, ']', JSONR_MAX_DEPTH);
    text[2 * JSONR_MAX_DEPTH] = '\0';
    assert_int_equal(scan_whole(text, &v, &e), STATUS_OK);
}

static void strings_are_decoded(void **state)
{
    (void)state;
    struct arena a;
    struct err e;
    struct jsonr_value v;
    arena_init(&a, 10000);
    assert_int_equal(scan_whole("\"a\\n\\u00e9\\ud83d\\ude00\"", &v, &e), STATUS_OK);
    assert_string_equal(jsonr_text(v, &a), "a\né😀");
    assert_int_equal(scan_whole("7", &v, &e), STATUS_OK);
    assert_null(jsonr_text(v, &a));
    arena_fini(&a);
}

/* jansson must give strings the same length. */
static void lengths_of_strings(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\"abc\"",       "\"\"",         "\"\\n\\t\\/\"", "\"\\u0041\"",
        "\"\\u00e9\"",   "\"\xc3\xa9\"", "\"\\u20ac\"",   "\"\\ud83d\\ude00\"",
        "\"a\\\\\\\"b\""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct jsonr_value v;
        assert_int_equal(scan_whole(texts[i], &v, NULL), STATUS_OK);
        json_t *value = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        assert_int_equal(jsonr_text_len(jsonr_inner(v)), json_string_length(value));
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
                {"\\u0000", "", false},
                {"\\ud83d\\ude00", "\xf0\x9f\x98\x80", true},
                {"\\ud83d", "\\ud83d", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (jsonr_text_is(str_from(rows[i].string), rows[i].text) != rows[i].is_same)
            fail_msg("%s and %s", rows[i].string, rows[i].text);
}

/* A server may cut a character in two. */
static void strings_may_be_trusted(void **state)
{
    (void)state;
    static const char *const texts[] = {"\"\xe3\x81\"", "\"\n\\x\\u1\"", "\"\\\"\""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct jsonr r;
        jsonr_init(&r, str_from(texts[i]), NULL, NULL);
        r.trusts_strings = true;
        assert_int_equal(jsonr_value(&r).text.len, strlen(texts[i]));
        assert_int_equal(jsonr_end(&r), STATUS_OK);
    }
}

/* Each byte at each place of a long string, where 8 are looked at together. */
static void long_strings(void **state)
{
    (void)state;
    for (int c = 1; c < 128; c++)
        for (size_t at = 1; at < 19; at++) {
            char text[] = "\"abcdefghijklmnopqrs\"";
            struct jsonr_value v;
            text[at] = (char)c;
            bool is_plain = c >= ' ' && c != '"' && c != '\\';
            bool is_escape = c == '\\' && strchr("bfnrt", text[at + 1]) != NULL;
            assert_int_equal(scan_whole(text, &v, NULL) == STATUS_OK,
                             is_plain || is_escape);
        }
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
        struct jsonr j;
        int64_t value = 0;
        jsonr_init(&j, str_from(rows[i].text), NULL, NULL);
        assert_int_equal(jsonr_int(&j, &value), rows[i].is_whole);
        assert_int_equal(value, rows[i].value);
        assert_int_equal(jsonr_end(&j), STATUS_OK);
    }
    struct jsonr j;
    int64_t value = 0;
    jsonr_init(&j, str_from("[012]"), NULL, NULL);
    jsonr_enter(&j, '[');
    assert_true(jsonr_item(&j));
    (void)jsonr_int(&j, &value);
    assert_false(jsonr_item(&j));
    assert_int_equal(jsonr_end(&j), STATUS_BAD_INPUT);
}

static void members_and_items(void **state)
{
    (void)state;
    struct jsonr j;
    struct str key;
    int64_t sum = 0, value = 0;
    jsonr_init(&j, str_from("{\"a\": [1, 2,3], \"b\": {\"x\": []}, \"c\": 4}"), NULL,
               NULL);
    jsonr_enter(&j, '{');
    assert_true(jsonr_member(&j, &key));
    assert_true(str_is(key, "a"));
    jsonr_enter(&j, '[');
    while (jsonr_item(&j)) {
        assert_true(jsonr_int(&j, &value));
        sum += value;
    }
    assert_int_equal(sum, 6);
    assert_true(jsonr_member(&j, &key));
    assert_true(str_is(key, "b"));
    assert_true(str_is(jsonr_value(&j).text, "{\"x\": []}"));
    assert_true(jsonr_member(&j, &key));
    assert_int_equal(jsonr_kind(&j), JSONR_NUMBER);
    assert_true(jsonr_int(&j, &value));
    assert_false(jsonr_member(&j, &key));
    assert_int_equal(jsonr_end(&j), STATUS_OK);
}

static void bad_stays_bad(void **state)
{
    (void)state;
    struct jsonr j;
    struct str key;
    int64_t value;
    jsonr_init(&j, str_from("{\"a\" 1}"), NULL, NULL);
    jsonr_enter(&j, '{');
    assert_false(jsonr_member(&j, &key));
    assert_int_equal(j.failed, STATUS_BAD_INPUT);
    assert_false(jsonr_member(&j, &key));
    assert_false(jsonr_item(&j));
    assert_false(jsonr_int(&j, &value));
    assert_int_equal(jsonr_kind(&j), JSONR_NONE);
    assert_int_equal(jsonr_end(&j), STATUS_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_values_are_taken),
        cmocka_unit_test(broken_values_are_refused),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(deep_nesting_is_refused_not_fatal),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(lengths_of_strings),
        cmocka_unit_test(what_strings_mean),
        cmocka_unit_test(strings_may_be_trusted),
        cmocka_unit_test(long_strings),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(members_and_items),
        cmocka_unit_test(bad_stays_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
