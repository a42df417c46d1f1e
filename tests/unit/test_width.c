#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "report/width.h"

static void wide_characters_take_two_columns(void **state)
{
    (void)state;
    assert_int_equal(width_of("g5.xlarge"), 9);
    assert_int_equal(width_of("東京 g5"), 7);
    assert_int_equal(width_of("é"), 1);
    assert_int_equal(width_of("e\xcc\x81"), 1);
    assert_int_equal(width_of("\xff\xfe"), 2);
    assert_int_equal(width_of(""), 0);
}

static void a_cut_never_splits_a_character(void **state)
{
    (void)state;
    assert_int_equal(width_fit("東京", 3), 3);
    assert_int_equal(width_fit("東京", 4), 6);
    assert_int_equal(width_fit("abc", 2), 2);
    assert_int_equal(width_fit("abc", 9), 3);
}

static void padding_fills_to_the_column(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    width_pad(&out, "東", 4);
    width_pad(&out, "ab", -4);
    width_pad(&out, "abcdefgh", 5);
    width_pad(&out, "東京大阪", 5);
    assert_string_equal(buf_cstr(&out), "東    ababc..東.. ");
    buf_fini(&out);
}

static void wrapping_breaks_at_blanks(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    width_wrap(&out, "one two  three\xc2\xa0or four", 0, 4, 11);
    buf_text(&out, "- ");
    width_wrap(&out, " one two three", 4, 2, 11);
    assert_string_equal(buf_cstr(&out), "one two\n    three or\n    four\n"
                                        "-   one two\n  three\n");
    buf_fini(&out);
}

static const char *shortened(const char *text, size_t columns)
{
    static char kept[256];
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(width_shorten(&out, text, columns), STATUS_OK);
    snprintf(kept, sizeof kept, "%s", buf_cstr(&out));
    buf_fini(&out);
    return kept;
}

static void shortening_keeps_both_ends(void **state)
{
    (void)state;
    assert_string_equal(shortened("", 4), "");
    assert_string_equal(shortened("abcd", 4), "abcd");
    assert_string_equal(shortened("abcde", 4), "a..e");
    assert_string_equal(shortened("abcdefghij", 9), "abc..ghij");
    assert_string_equal(shortened("東京東京", 8), "東京東京");
    assert_string_equal(shortened("東京東京", 7), "東..京");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_characters_take_two_columns),
        cmocka_unit_test(a_cut_never_splits_a_character),
        cmocka_unit_test(padding_fills_to_the_column),
        cmocka_unit_test(wrapping_breaks_at_blanks),
        cmocka_unit_test(shortening_keeps_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
