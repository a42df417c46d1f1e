#include "stats/match_field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "stats/agree.h"

static struct row x, y;

static int set_up(void **state)
{
    (void)state;
    memset(&x, 0, sizeof x);
    memset(&y, 0, sizeof y);
    return 0;
}

/* Equal values have equal hashes; the others, here, have others. */
static void are_equal(enum field_id id, struct value a, struct value b, bool want)
{
    x.v[id] = a;
    y.v[id] = b;
    if (match_field_is_equal(&x, &y, id) != want)
        fail_msg("%s: %s", field_table[id].name, want ? "differ" : "are equal");
    assert_int_equal(match_field_hash(1, &x, id) == match_field_hash(1, &y, id), want);
}

static void test_equal(void **state)
{
    const struct value absent = {.kind = VALUE_ABSENT};
    (void)state;
    are_equal(FIELD_seed, value_int(4), value_num(4), true);
    are_equal(FIELD_seed, value_int(4), value_int(5), false);
    are_equal(FIELD_seed, value_int(0), value_null(), false);
    are_equal(FIELD_seed, absent, value_null(), true);
    are_equal(FIELD_ramp_up_s, value_num(0.0), value_num(-0.0), true);
    are_equal(FIELD_request_rate, value_str("inf"), value_num(4), false);
    are_equal(FIELD_dtype, value_str(""), value_null(), false);
    are_equal(FIELD_enforce_eager, value_bool(true), value_bool(false), false);
    are_equal(FIELD_enforce_eager, value_bool(true), value_int(1), false);
    are_equal(FIELD_extra_body, value_json("{\"a\": [1,\n 2]}"),
              value_json("{\"a\":[1,2]}"), true);
    are_equal(FIELD_extra_body, value_json("{\"a\":\"x y\"}"),
              value_json("{\"a\":\"xy\"}"), false);
    are_equal(FIELD_extra_body, value_json("{\"a\":\"\\\" \"}"),
              value_json("{\"a\":\"\\\"\"}"), false);
    are_equal(FIELD_extra_body, value_json("{\"a\":1}"), value_json("{\"a\":1"), false);
    are_equal(FIELD_definitions, value_null(), value_int(1), true);
    are_equal(FIELD_instance_type, value_null(), value_str("unknown"), true);
    are_equal(FIELD_instance_type, value_str("unknown"), value_str("g5"), false);
}

static void test_notes(void **state)
{
    (void)state;
    x.v[FIELD_notes] = value_str("scenario=short, run=0, warmup=True");
    y.v[FIELD_scenario] = value_str("short");
    assert_true(match_field_is_warmup(&x));
    assert_false(match_field_is_warmup(&y));
    assert_true(match_field_is_equal(&x, &y, FIELD_scenario));
    assert_true(match_field_hash(1, &x, FIELD_scenario) ==
                match_field_hash(1, &y, FIELD_scenario));
}

static void says(enum field_id id, struct value v, const char *text, const char *said)
{
    char out[MATCH_FIELD_BYTES];
    x.v[id] = v;
    match_field_text(&x, id, out);
    assert_string_equal(out, text);
    match_field_say(&x, id, out);
    assert_string_equal(out, said);
}

static void test_texts(void **state)
{
    (void)state;
    says(FIELD_seed, value_null(), "", "unknown");
    says(FIELD_seed, value_int(7), "7", "7");
    says(FIELD_ramp_up_s, value_num(2), "2", "2");
    says(FIELD_ramp_up_s, value_num(0.5), "0.5", "0.5");
    says(FIELD_enforce_eager, value_bool(true), "on", "on");
    says(FIELD_dtype, value_str("a\x1b[1m"), "a\x1b[1m",
         "a\x1b[1m"); /* document.h filters */
    says(FIELD_extra_body, value_json("{\n \"a\": \"b c\"\n}"), "{\"a\":\"b c\"}",
         "{\"a\":\"b c\"}");
    says(FIELD_plan_sha256, value_str("0123456789abcdef"), "0123456789abcdef",
         "01234567");
    says(FIELD_model_fingerprint, value_str("none"), "none", "none");
    says(FIELD_definitions, value_null(), "1", "1");
}

static void test_list(void **state)
{
    (void)state;
    for (enum field_id id = agree_first(); id < FIELD_COUNT; id = agree_next(id)) {
        enum field_role role = field_table[id].role;
        assert_true(role == ROLE_CELL || role == ROLE_SETTING || role == ROLE_LOAD ||
                    role == ROLE_MACHINE || id == FIELD_label || id == FIELD_definitions);
    }
    assert_true(match_field_is_wild(FIELD_driver_version));
    assert_false(match_field_is_wild(FIELD_instance_type));
    assert_false(match_field_is_wild(FIELD_seed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_equal, set_up),
        cmocka_unit_test_setup(test_notes, set_up),
        cmocka_unit_test_setup(test_texts, set_up),
        cmocka_unit_test_setup(test_list, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
