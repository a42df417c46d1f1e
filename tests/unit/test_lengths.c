#include "plan/lengths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/opt.h"

static void the_limit_of_an_answer(void **state)
{
    (void)state;
    struct scenario_text texts[] = {{.text = "a", .max_tokens = 9},
                                    {.text = "b", .max_tokens = OPT_INT_UNSET},
                                    {.text = "c", .max_tokens = 70}};
    struct scenario s = {.name = "t", .max_tokens = 50, .texts = texts, .text_count = 3};
    struct scenario drawn = {.name = "d", .max_tokens = 50, .own_tokens = 1};
    assert_int_equal(lengths_answer(OPT_INT_UNSET, &s, 0), 9);
    assert_int_equal(lengths_answer(OPT_INT_UNSET, &s, 1), 50);
    assert_int_equal(lengths_answer(8, &s, 2), 8);
    assert_int_equal(lengths_answer(OPT_INT_UNSET, &drawn, 0), 50);
    assert_int_equal(lengths_cell(OPT_INT_UNSET, &s, 1), 9);
    assert_int_equal(lengths_cell(OPT_INT_UNSET, &s, 2), 50);
    assert_int_equal(lengths_cell(OPT_INT_UNSET, &s, 100), 70);
    assert_int_equal(lengths_cell(8, &s, 100), 8);
    assert_int_equal(lengths_cell(OPT_INT_UNSET, &drawn, 100), 50);
}

static void what_fits(void **state)
{
    (void)state;
    struct err e;
    const struct lengths l = {OPT_INT_UNSET, 100};
    assert_int_equal(lengths_check(&l, "x", 60, 40, &e), STATUS_OK);
    assert_int_equal(lengths_check(&l, "x", 60, 41, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.where, "x");
    assert_non_null(strstr(e.what, "60 prompt and 41 output tokens"));
    assert_non_null(strstr(e.hint, "--max-model-len 101"));
    assert_int_equal(lengths_check(&l, "x", INT64_C(1) << 40, 1, &e), STATUS_BAD_OPTION);
    const struct lengths unknown = {OPT_INT_UNSET, 0};
    assert_int_equal(lengths_check(&unknown, "x", 1 << 30, 1, &e), STATUS_OK);
}

static void scenarios(void **state)
{
    (void)state;
    struct err e;
    struct lengths l = {OPT_INT_UNSET, 100};
    struct scenario_text text = {.text = "a", .max_tokens = 900};
    struct scenario s[] = {
        {.name = "a", .shared_tokens = 30, .own_tokens = 30, .max_tokens = 40},
        {.name = "b", .texts = &text, .text_count = 1, .max_tokens = 900}};
    assert_int_equal(lengths_scenarios(&l, s, 2, &e), STATUS_OK);
    assert_int_equal(lengths_scenarios(&l, s, 0, &e), STATUS_BAD_OPTION);
    l.max_tokens = 41;
    assert_int_equal(lengths_scenarios(&l, s, 2, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.where, "scenario a");
    l.max_tokens = 0;
    assert_int_equal(lengths_scenarios(&l, s, 2, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.where, "--max-tokens");
    l.max_tokens = OPT_INT_UNSET;
    s[1].name = "a";
    assert_int_equal(lengths_scenarios(&l, s, 2, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.what, "named twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_of_an_answer),
        cmocka_unit_test(what_fits),
        cmocka_unit_test(scenarios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
