#include "core/field.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void every_row_is_sound(void **state)
{
    (void)state;
    for (int i = 0; i < FIELD_COUNT; i++) {
        const struct field *f = &field_table[i];
        if (field_find(f->name) != (enum field_id)i)
            fail_msg("%s is there twice", f->name);
        if (f->kind < VALUE_BOOL || strlen(f->must) != 2 || strspn(f->must, "Mm-") != 2 ||
            *f->help == '\0')
            fail_msg("%s: kind, must or help", f->name);
        bool is_number = f->kind == VALUE_NUM || f->kind == VALUE_INT;
        if (!is_number && f->better != BETTER_NEITHER)
            fail_msg("%s is no number, but is compared", f->name);
    }
    assert_int_equal(field_find("no_such_field"), FIELD_COUNT);
    assert_int_equal(field_find(""), FIELD_COUNT);
}

static void an_overlay_leaves_alone_what_it_does_not_set(void **state)
{
    (void)state;
    static struct row dst, src;
    dst.v[FIELD_model_name] = value_str("old");
    dst.v[FIELD_seed] = value_int(1);
    dst.v[FIELD_top_p] = value_num(0.5);
    src.v[FIELD_seed] = value_int(2);
    src.v[FIELD_top_p] = value_null();
    field_overlay(&dst, &src);
    assert_string_equal(field_str(&dst, FIELD_model_name), "old");
    assert_true(field_num(&dst, FIELD_seed) == 2.0);
    assert_int_equal(dst.v[FIELD_top_p].kind, VALUE_NULL);
    assert_int_equal(dst.v[FIELD_label].kind, VALUE_ABSENT);
}

static void readers_want_their_kind(void **state)
{
    (void)state;
    static struct row r;
    r.v[FIELD_metadata] = value_json("[]");
    r.v[FIELD_seed] = value_int(7);
    assert_string_equal(field_str(&r, FIELD_metadata), "[]");
    assert_true(isnan(field_num(&r, FIELD_metadata)));
    assert_null(field_str(&r, FIELD_seed));
    assert_null(field_str(&r, FIELD_label));
    assert_false(field_is(&r, FIELD_label, ""));
    r.v[FIELD_label] = value_str("g5");
    assert_true(field_is(&r, FIELD_label, "g5"));
    assert_false(field_is(&r, FIELD_label, "g"));
    assert_true(isnan(field_num(&r, FIELD_top_p)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),
        cmocka_unit_test(an_overlay_leaves_alone_what_it_does_not_set),
        cmocka_unit_test(readers_want_their_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
