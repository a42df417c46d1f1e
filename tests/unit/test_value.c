#include "core/value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void what_is_unknown_becomes_null(void **state)
{
    (void)state;
    const struct value nulls[] = {value_null(),        value_num(NAN),
                                  value_num(INFINITY), value_num(-INFINITY),
                                  value_str(NULL),     value_json(NULL)};
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++) {
        assert_int_equal(nulls[i].kind, VALUE_NULL);
        assert_false(value_is_known(nulls[i]));
    }
    assert_false(value_is_known((struct value){.kind = VALUE_ABSENT}));
}

static void what_is_known_keeps_kind_and_content(void **state)
{
    (void)state;
    const struct value known[] = {value_bool(false), value_int(INT64_MIN), value_num(0),
                                  value_str(""), value_json("{}")};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_true(value_is_known(known[i]));
        assert_int_equal(known[i].kind, VALUE_BOOL + i);
    }
    assert_true(value_bool(true).b);
    assert_true(known[1].i == INT64_MIN);
    assert_string_equal(known[4].s, "{}");
}

static void only_numbers_are_numbers(void **state)
{
    (void)state;
    assert_true(value_as_num(value_int(-3)) == -3.0);
    assert_true(value_as_num(value_num(2.5)) == 2.5);
    assert_true(isnan(value_as_num(value_bool(true))));
    assert_true(isnan(value_as_num(value_str("1"))));
    assert_true(isnan(value_as_num(value_null())));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_unknown_becomes_null),
        cmocka_unit_test(what_is_known_keeps_kind_and_content),
        cmocka_unit_test(only_numbers_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
