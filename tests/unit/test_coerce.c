#include "store/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* json: the value as it stands in a file; false: refused. */
static bool coerce(enum field_id id, const char *json, struct value *out)
{
    struct jsonr r;
    struct jsonr_value v;
    bool ran_out = false;
    jsonr_init(&r, str_from(json), NULL, NULL);
    v = jsonr_value(&r);
    assert_int_equal(r.failed, STATUS_OK);
    bool is_read = coerce_value(id, v, &arena, out, &ran_out);
    assert_false(ran_out);
    return is_read;
}

static void becomes_text(enum field_id id, const char *json, const char *want)
{
    struct value v = value_null();
    if (!coerce(id, json, &v))
        fail_msg("%s is refused", json);
    enum value_kind kind = field_table[id].kind;
    assert_int_equal(v.kind, kind == VALUE_FINDINGS ? VALUE_JSON : kind);
    assert_string_equal(v.s, want);
}

static void is_refused(enum field_id id, const char *json)
{
    struct value v = value_int(99);
    if (coerce(id, json, &v))
        fail_msg("%s is read as a %s", json, field_table[id].name);
    assert_int_equal(v.i, 99); /* untouched */
}

static void test_times(void **state)
{
    (void)state;
    static const char *const units[] = {"1795974127", "1795974127000", "1795974127000000",
                                        "1.795974127e18"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        becomes_text(FIELD_timestamp_utc, units[i], "2026-11-29T17:42:07.000000+00:00");
        becomes_text(FIELD_timestamp, units[i], "2026-11-29T17:42:07.000000");
    }
    is_refused(FIELD_timestamp, "0");
    is_refused(FIELD_timestamp, "-1795974127000");
    is_refused(FIELD_timestamp, "99999999999"); /* s or ms: nobody knows */
    is_refused(FIELD_timestamp, "9.9e18");      /* beyond what fits */
}

static void test_texts_and_numbers(void **state)
{
    struct value v;
    (void)state;
    becomes_text(FIELD_scenario, "128", "128");
    becomes_text(FIELD_scenario, "128.0", "128");
    becomes_text(FIELD_scenario, "-3", "-3");
    is_refused(FIELD_engine_version, "0.1");
    is_refused(FIELD_run_id, "12345678901234567890123456789012"); /* digits are lost */
    is_refused(FIELD_run_id, "[\"a\"]");
    assert_true(coerce(FIELD_seed, "\"12\"", &v));
    assert_int_equal(v.i, 12);
    assert_true(coerce(FIELD_seed, "1e300", &v)); /* not cut to 64 bits */
    assert_true(v.kind == VALUE_NUM && v.n == 1e300);
    is_refused(FIELD_seed, "\"\"");
    is_refused(FIELD_seed, "\"1.5\"");
    is_refused(FIELD_seed, "{}");
    is_refused(FIELD_total_time, "false");
    is_refused(FIELD_total_time, "\"inf\"");
    is_refused(FIELD_is_warmup, "0.5");
    is_refused(FIELD_is_warmup, "\"1\"");
    is_refused(FIELD_is_warmup, "[]");
}

static void test_lists(void **state)
{
    (void)state;
    becomes_text(FIELD_reasons, "\"[]\"", "[]");
    becomes_text(FIELD_metadata, "\"{\\\"a\\\": [1, true]}\"", "{\"a\": [1, true]}");
    becomes_text(FIELD_metadata,
                 "\"{'a': 'say \\\"x\\\"', 'b': [True, False, nan, 1.5]}\"",
                 "{\"a\": \"say \\\"x\\\"\", \"b\": [true, false, null, 1.5]}");
    is_refused(FIELD_reasons, "\"A\"");
    is_refused(FIELD_reasons, "\"7\"");
    is_refused(FIELD_reasons, "\"\"");
    is_refused(FIELD_reasons, "\"[] []\"");
    is_refused(FIELD_reasons, "\"['a\\\\n']\"");
    is_refused(FIELD_reasons, "\"['a]\"");
    is_refused(FIELD_reasons, "false");
}

static void test_kinds(void **state)
{
    (void)state;
    assert_string_equal(coerce_kind(FIELD_is_warmup), "true or false");
    assert_string_equal(coerce_kind(FIELD_row), "a whole number");
    assert_string_equal(coerce_kind(FIELD_total_time), "a number");
    assert_string_equal(coerce_kind(FIELD_label), "a text");
    assert_string_equal(coerce_kind(FIELD_checks), "a list or an object");
}

static void test_no_memory(void **state)
{
    struct jsonr_value v = {.kind = JSONR_STRING, .text = str_from("\"['A']\"")};
    (void)state;
    for (size_t cap = 0; cap < 4; cap++) {
        struct arena small;
        struct value out;
        bool ran_out = false;
        arena_init(&small, cap);
        assert_false(coerce_value(FIELD_reasons, v, &small, &out, &ran_out));
        assert_true(ran_out);
        arena_fini(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts_and_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
