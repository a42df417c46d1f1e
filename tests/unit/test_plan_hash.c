#include "plan/hash.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct seal {
    char hex[DIGEST_HEX_BYTES];
};

static struct seal of_text(const char *first, const char *second)
{
    struct seal s;
    struct digest d;
    assert_int_equal(digest_init(&d), STATUS_OK);
    plan_hash_text(&d, first);
    plan_hash_text(&d, second);
    digest_hex(&d, s.hex);
    return s;
}

static struct seal of_nums(double first, double second, int64_t third)
{
    struct seal s;
    struct digest d;
    assert_int_equal(digest_init(&d), STATUS_OK);
    plan_hash_num(&d, first);
    plan_hash_num(&d, second);
    plan_hash_int(&d, third);
    digest_hex(&d, s.hex);
    return s;
}

static struct seal of_scenarios(const struct scenario *s, size_t count)
{
    struct seal seal;
    struct digest d;
    assert_int_equal(digest_init(&d), STATUS_OK);
    plan_hash_scenarios(&d, s, count);
    digest_hex(&d, seal.hex);
    return seal;
}

static void parts_do_not_run_together(void **state)
{
    (void)state;
    assert_string_equal(of_text("ab", "c").hex, of_text("ab", "c").hex);
    assert_string_not_equal(of_text("ab", "c").hex, of_text("a", "bc").hex);
    assert_string_not_equal(of_text("ab", "").hex, of_text("", "ab").hex);
    assert_string_not_equal(of_nums(1, 11, 1).hex, of_nums(11, 1, 1).hex);
    assert_string_not_equal(of_nums(1, 1, 12).hex, of_nums(1, 11, 2).hex);
}

static void numbers_are_exact(void **state)
{
    (void)state;
    double next = nextafter(0.1, 1);
    assert_string_not_equal(of_nums(0.1, 0, 0).hex, of_nums(next, 0, 0).hex);
    assert_string_not_equal(of_nums(INFINITY, 0, 0).hex, of_nums((double)NAN, 0, 0).hex);
    assert_string_equal(of_nums((double)NAN, 0, 0).hex, of_nums(-(double)NAN, 0, 0).hex);
}

static void a_scenario_is_its_lengths_and_texts(void **state)
{
    (void)state;
    struct scenario_text texts[] = {{.text = "a", .max_tokens = 1},
                                    {.text = "b", .max_tokens = 1}};
    const struct scenario first = {.name = "s",
                                   .shared_tokens = 1,
                                   .own_tokens = 2,
                                   .max_tokens = 3,
                                   .texts = texts,
                                   .text_count = 2};
    struct scenario s = first;
    struct seal good = of_scenarios(&s, 1);
    s.help = "no part of it";
    s.dataset = "nor this";
    assert_string_equal(of_scenarios(&s, 1).hex, good.hex);
    assert_string_not_equal(of_scenarios(&s, 0).hex, good.hex);
#define CHANGED(member, value)                                      \
    do {                                                            \
        s = first;                                                  \
        s.member = (value);                                         \
        assert_string_not_equal(of_scenarios(&s, 1).hex, good.hex); \
    } while (0)
    CHANGED(name, "t");
    CHANGED(shared_tokens, 2);
    CHANGED(own_tokens, 3);
    CHANGED(max_tokens, 4);
    CHANGED(text_count, 1);
    texts[1].text = "c";
    assert_string_not_equal(of_scenarios(&first, 1).hex, good.hex);
    texts[1] = (struct scenario_text){.text = "b", .max_tokens = 2};
    assert_string_not_equal(of_scenarios(&first, 1).hex, good.hex);
#undef CHANGED
}

static struct seal of_value(struct value v)
{
    struct seal s;
    struct digest d;
    assert_int_equal(digest_init(&d), STATUS_OK);
    plan_hash_value(&d, v);
    digest_hex(&d, s.hex);
    return s;
}

static void values_by_their_kind(void **state)
{
    const struct value all[] = {value_null(),   value_bool(true), value_bool(false),
                                value_int(1),   value_num(1),     value_str("1"),
                                value_str(""),  value_json("[]"), value_str("[]"),
                                value_num(0.5), value_int(2)};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t k = 0; k <= i; k++)
            assert_int_equal(strcmp(of_value(all[i]).hex, of_value(all[k]).hex) == 0,
                             i == k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_do_not_run_together),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(a_scenario_is_its_lengths_and_texts),
        cmocka_unit_test(values_by_their_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
