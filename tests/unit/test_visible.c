#include "base/visible.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void check(const char *text, size_t len, bool has_lines, const char *wanted)
{
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(visible_append(&out, (struct str){text, len}, has_lines), STATUS_OK);
    assert_string_equal(buf_cstr(&out), wanted);
    buf_fini(&out);
}

#define SHOWN(text, wanted) check(text, sizeof(text) - 1, false, wanted)

static void plain_text_stays(void **state)
{
    (void)state;
    SHOWN("", "");
    SHOWN(
        "a\tb \xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80 \xc2\xa0", /* a no-break space too */
        "a\tb \xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80 \xc2\xa0");
    check("two\nlines", 9, true, "two\nlines");
}

static void what_steers_is_written_out(void **state)
{
    (void)state;
    SHOWN("\x1b]0;x\x07\x1b[2J", "\\x1b]0;x\\x07\\x1b[2J");
    SHOWN("a\rb\bc\0d\x7f", "a\\x0db\\x08c\\x00d\\x7f");
    SHOWN("one\ntwo", "one\\ntwo");
    SHOWN("\xc2\x9b"
          "31m",
          "\\u009b31m"); /* C1 in UTF-8 */
    SHOWN("\x9b"
          "31m",
          "\\x9b31m"); /* C1 as a byte */
    SHOWN("\xe2\x80\xae"
          "cba",
          "\\u202ecba"); /* override */
    SHOWN("\xe2\x81\xa6"
          "a\xe2\x81\xa9",
          "\\u2066a\\u2069"); /* isolates */
    SHOWN("\xe2\x80\x8f\xd8\x9c", "\\u200f\\u061c");
    SHOWN("a\xe2\x80\xa8"
          "b",
          "a\\u2028b");
    SHOWN("\xef\xbb\xbfx", "\\ufeffx");
    SHOWN("\xf3\xa0\x81\x81", "\\ue0041"); /* a tag */
}

static void what_is_no_utf8_is_written_out(void **state)
{
    (void)state;
    SHOWN("\xff\xc0\xaf", "\\xff\\xc0\\xaf");
    SHOWN("\xe6\x97", "\\xe6\\x97");
    SHOWN("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
}

static void copies_fit_and_cut_no_character(void **state)
{
    (void)state;
    char out[8];
    assert_int_equal(visible_copy(str_from("abc"), false, out, sizeof out), 3);
    assert_string_equal(out, "abc");
    assert_int_equal(visible_copy(str_from("abcdefghij"), false, out, sizeof out), 7);
    assert_string_equal(out, "abcdefg");
    assert_int_equal(visible_copy(str_from("abcde\xe6\x97\xa5"), false, out, sizeof out),
                     5);
    assert_string_equal(out, "abcde");
    assert_int_equal(visible_copy(str_from("abcde\x1b"), false, out, sizeof out), 5);
    assert_string_equal(out, "abcde");
    assert_int_equal(visible_copy(str_from("abc\x1b"
                                           "x"),
                                  false, out, sizeof out),
                     7);
    assert_string_equal(out, "abc\\x1b");
}

static void plain_is_told(void **state)
{
    (void)state;
    assert_true(visible_is_plain("", false));
    assert_true(visible_is_plain("a", false));
    assert_true(visible_is_plain("a\n", true));
    assert_false(visible_is_plain("a\n", false));
    assert_false(visible_is_plain("a\x1b", true));
    struct arena a;
    arena_init(&a, 1 << 16);
    const char *plain = "two\nlines";
    assert_ptr_equal(visible_text(plain, true, &a), plain);
    assert_string_equal(visible_text(plain, false, &a), "two\\nlines");
    assert_string_equal(visible_text("\x1b[2J\xe2\x80\xae", true, &a), "\\x1b[2J\\u202e");
    assert_null(visible_text(NULL, true, &a));
    arena_fini(&a);
    assert_int_equal(visible_hidden("\xc2\x9b", 2), 0x9b);
    assert_int_equal(visible_hidden("\xc3\xa9", 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(what_steers_is_written_out),
        cmocka_unit_test(what_is_no_utf8_is_written_out),
        cmocka_unit_test(copies_fit_and_cut_no_character),
        cmocka_unit_test(plain_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
