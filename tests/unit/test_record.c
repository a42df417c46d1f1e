#include "core/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void names_are_found_again(void **state)
{
    (void)state;
    for (int i = 0; i < FAIL_COUNT; i++)
        assert_int_equal(record_fail_find(str_from(record_fail_name((enum fail_class)i))),
                         i);
    for (int i = 0; i < TOKEN_SOURCE_COUNT; i++)
        assert_int_equal(
            record_source_find(str_from(record_source_name((enum token_source)i))), i);
}

/* Journals hold these words: they may not change. */
static void names_of_the_format(void **state)
{
    (void)state;
    assert_string_equal(record_fail_name(FAIL_none), "");
    assert_string_equal(record_fail_name(FAIL_timeout), "timeout");
    assert_string_equal(record_source_name(TOKEN_SOURCE_none), "");
    assert_string_equal(record_source_name(TOKEN_SOURCE_token_ids), "token_ids");
}

static void other_words_are_none(void **state)
{
    (void)state;
    assert_int_equal(record_fail_find(str_from(NULL)), FAIL_none);
    assert_int_equal(record_fail_find(str_from("Timeout")), FAIL_none);
    assert_int_equal(record_source_find(str_from(NULL)), TOKEN_SOURCE_none);
    assert_int_equal(record_source_find(str_from("timeout")), TOKEN_SOURCE_none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_again),
        cmocka_unit_test(names_of_the_format),
        cmocka_unit_test(other_words_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
