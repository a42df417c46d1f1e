#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "store/scan.h"

static enum status scan_whole(const char *text, struct scan_value *out, struct err *e)
{
    struct scan s;
    scan_init(&s, str_from(text), "file.json");
    enum status st = scan_value(&s, out, e);
    return st == STATUS_OK ? scan_finish(&s, e) : st;
}

static void sound_values_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum scan_kind kind;
    } cases[] = {
        {"null", SCAN_NULL},
        {" true ", SCAN_BOOL},
        {"-0.5e+10", SCAN_NUMBER},
        {"0", SCAN_NUMBER},
        {"\"a\\u00e9\\\\\"", SCAN_STRING},
        {"\"東\"", SCAN_STRING},
        {"[]", SCAN_LIST},
        {"[1,[2,{}]]", SCAN_LIST},
        {"{\"a\":{\"b\":[]}}", SCAN_OBJECT},
        {"NaN", SCAN_NULL},
        {"-Infinity", SCAN_NULL},
        {"\xef\xbb\xbf{}", SCAN_OBJECT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scan_value v;
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
        struct scan_value v;
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
        struct scan_value v;
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
    struct scan_value v;
    struct err e = {0};
    assert_int_equal(scan_whole(text, &v, &e), STATUS_BAD_INPUT);
    assert_non_null(strstr(e.what, "deep"));
}

static void a_copy_is_laid_out_anew(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    scan_copy(str_from("{\"a\" :[ ],\"b\":[1,{ }],\n\"c\":\"x, y\",\"d\":NaN}"), 1, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\n    \"a\": [],\n    \"b\": [\n      1,\n      {}\n    ],\n"
                        "    \"c\": \"x, y\",\n    \"d\": null\n  }");
    buf_fini(&out);
}

static void strings_are_decoded(void **state)
{
    (void)state;
    struct arena a;
    struct err e;
    struct scan_value v;
    arena_init(&a, 10000);
    assert_int_equal(scan_whole("\"a\\n\\u00e9\\ud83d\\ude00\"", &v, &e), STATUS_OK);
    assert_string_equal(scan_text(v, &a), "a\né😀");
    assert_int_equal(scan_whole("7", &v, &e), STATUS_OK);
    assert_null(scan_text(v, &a));
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_values_are_taken),
        cmocka_unit_test(broken_values_are_refused),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(deep_nesting_is_refused_not_fatal),
        cmocka_unit_test(a_copy_is_laid_out_anew),
        cmocka_unit_test(strings_are_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
