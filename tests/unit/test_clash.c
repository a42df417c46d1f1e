#include "store/clash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

/* Two rows that agree in the field `id` or not. */
static bool is_clash(enum field_id id, struct value v, struct value kept)
{
    struct row a = {.v = {[FIELD_batch_size] = value_int(4)}};
    struct row b = a;
    enum field_id where = FIELD_COUNT;
    a.v[id] = v;
    b.v[id] = kept;
    bool found = clash_find(&a, &b, &where);
    assert_int_equal(where, found ? id : FIELD_COUNT);
    return found;
}

static void test_values(void **state)
{
    (void)state;
    assert_false(is_clash(FIELD_label, value_str("a"), value_str("a")));
    assert_true(is_clash(FIELD_label, value_str("a"), value_str("b")));
    assert_true(is_clash(FIELD_is_warmup, value_bool(true), value_bool(false)));
    assert_true(is_clash(FIELD_batch_size, value_int(4), value_int(8)));
    assert_true(is_clash(FIELD_error, value_str("died"), value_null()));
    assert_true(is_clash(FIELD_request_rate, value_str("inf"), value_num(4)));
    assert_true(is_clash(FIELD_engine_args, value_json("[1]"), value_json("[2]")));
}

/* What a notebook makes of a value. */
static void test_same_in_other_words(void **state)
{
    (void)state;
    assert_false(is_clash(FIELD_batch_size, value_int(4), value_num(4)));
    assert_false(is_clash(FIELD_tokens_per_second, value_num(0.1 + 0.2), value_num(0.3)));
    assert_true(is_clash(FIELD_tokens_per_second, value_num(1), value_num(1.000001)));
    assert_false(is_clash(FIELD_total_time, value_num(0), value_num(0)));
    assert_false(is_clash(FIELD_error, value_str(""), value_null()));
    assert_false(is_clash(FIELD_engine_args, value_json("[1, 2]"), value_json("[1,2]")));
    assert_false(is_clash(FIELD_metadata, value_json("{\"a\":\"/\\u00e9\",\"b\":1}"),
                          value_json("{\"b\":1,\"a\":\"\\/é\"}")));
    assert_true(is_clash(FIELD_metadata, value_json("{\"a\":1}"), value_json("{\"a\":")));
    assert_false(is_clash(FIELD_total_time, value_num(1.23456789012345e-5),
                          value_num(1.23457e-5)));
    assert_false(is_clash(FIELD_timestamp, value_str("2026-03-01T10:00:00.123456"),
                          value_str("2026-03-01T10:00:00.123000")));
}

/* merge fills in the type where there is none. */
static void test_given_type(void **state)
{
    (void)state;
    assert_false(is_clash(FIELD_instance_type, value_str("g5"), value_null()));
    assert_false(is_clash(FIELD_instance_type, value_str("unknown"), value_str("g5")));
    assert_false(is_clash(FIELD_label, value_null(), value_str("g5")));
    assert_true(is_clash(FIELD_instance_type, value_str("g5"), value_str("g6")));
}

static void note(struct clashes *all, struct arena *a)
{
    struct row kept = {.v = {[FIELD_run_id] = value_str("0123456789abcdef"),
                             [FIELD_row] = value_int(3),
                             [FIELD_batch_size] = value_int(8)}};
    struct row row = kept;
    struct clash_rows two = {
        .file = "b.json", .kept_file = "a.json", .row = &row, .kept = &kept};
    assert_int_equal(clash_note(all, &two, a), STATUS_OK);
    assert_int_equal(all->count, 0);
    row.v[FIELD_batch_size] = value_int(4);
    for (int i = 0; i < 2; i++)
        assert_int_equal(clash_note(all, &two, a), STATUS_OK);
    assert_int_equal(all->count, 1);
    static const char *const files[] = {"c", "d", "e", "f", "g", "h", "i", "j", "k"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        two.file = files[i];
        assert_int_equal(clash_note(all, &two, a), STATUS_OK);
    }
    assert_int_equal(all->count, 10);
}

static void test_texts(void **state)
{
    struct clashes all = {.count = 0};
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    note(&all, &a);
    assert_int_equal(clash_finish(&all, &a), STATUS_OK);
    assert_string_equal(all.items[0].text,
                        "b.json: 2 rows differ from a.json, which was read first and "
                        "counts: row 3 of run 01234567: batch_size is 4, there 8");
    assert_string_equal(all.items[9].text,
                        "k: 1 row differs from a.json, which was read first and counts: "
                        "row 3 of run 01234567: batch_size is 4, there 8");
    arena_fini(&a);
}

static void test_no_memory(void **state)
{
    struct row row = {.v = {[FIELD_batch_size] = value_int(4)}}, kept = {0};
    const struct clash_rows two = {
        .file = "b", .kept_file = "a", .row = &row, .kept = &kept};
    enum status st = STATUS_NO_MEMORY;
    (void)state;
    for (size_t cap = 0; st != STATUS_OK; cap += 8) {
        struct clashes all = {.count = 0};
        struct arena a;
        arena_init(&a, cap);
        st = clash_note(&all, &two, &a);
        if (st == STATUS_OK)
            st = clash_finish(&all, &a);
        assert_true(st == STATUS_OK || st == STATUS_NO_MEMORY);
        assert_true(cap < (1 << 20));
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),     cmocka_unit_test(test_same_in_other_words),
        cmocka_unit_test(test_given_type), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
