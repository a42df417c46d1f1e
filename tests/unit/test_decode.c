#include "store/decode.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "finding_fixture.h"
#include "results_file_fixture.h"

static enum status decode(struct results_file_fixture *f, struct decode *d, size_t row,
                          struct row *out, bool *is_published)
{
    struct err e;
    return decode_row(d, &f->rows[row], out, is_published, &e);
}

static void test_kinds(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct row r;
    bool is_published;
    results_file_fixture_read(
        f, "[{\"run_id\":\"a\",\"batch_size\":4,\"top_p\":1,"
           "\"is_warmup\":true,\"reasons\":[\"A\"],\"model_name\":\"a\\u00e9\\\"b\","
           "\"weather\":3,\"request_rate\":\"inf\",\"seed\":1e300,"
           "\"total_time\":NaN,\"dtype\":null}]");
    decode_init(&d, &f->arena);
    assert_int_equal(decode(f, &d, 0, &r, &is_published), STATUS_OK);
    assert_false(is_published);
    assert_int_equal(r.v[FIELD_batch_size].kind, VALUE_INT);
    assert_int_equal(r.v[FIELD_batch_size].i, 4);
    assert_int_equal(r.v[FIELD_top_p].kind, VALUE_NUM);
    assert_true(r.v[FIELD_is_warmup].b);
    assert_string_equal(finding_fixture_of(&r, FIELD_reasons), "[\"A\"]");
    assert_string_equal(field_str(&r, FIELD_model_name), "a\xc3\xa9\"b");
    assert_string_equal(field_str(&r, FIELD_request_rate), "inf");
    assert_true(field_num(&r, FIELD_seed) == 1e300); /* not cut to 64 bits */
    assert_int_equal(r.v[FIELD_total_time].kind, VALUE_NULL);
    for (int i = 0; i < FIELD_COUNT; i++)
        assert_int_not_equal(r.v[i].kind, VALUE_ABSENT);
}

/* What a notebook makes of values, and what they were. */
static void test_other_types(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct row r;
    bool is_published;
    results_file_fixture_read(
        f, "[{\"run_id\":\"a\",\"is_warmup\":1.0,\"is_simulated\":0,"
           "\"enforce_eager\":\"True\",\"batch_size\":4.0,\"repeat\":\"2\","
           "\"total_time\":\"2.5\",\"label\":12,\"notes\":7.0,"
           "\"reasons\":\"[\\\"A\\\"]\",\"warnings\":\"['B', \\\"it's\\\", None]\","
           "\"timestamp\":1795974127376,\"timestamp_utc\":1795974127.5}]");
    decode_init(&d, &f->arena);
    assert_int_equal(decode(f, &d, 0, &r, &is_published), STATUS_OK);
    assert_true(r.v[FIELD_is_warmup].b);
    assert_int_equal(r.v[FIELD_is_simulated].kind, VALUE_BOOL);
    assert_false(r.v[FIELD_is_simulated].b);
    assert_true(r.v[FIELD_enforce_eager].b);
    assert_int_equal(r.v[FIELD_batch_size].kind, VALUE_INT);
    assert_int_equal(r.v[FIELD_batch_size].i, 4);
    assert_int_equal(r.v[FIELD_repeat].i, 2);
    assert_true(field_num(&r, FIELD_total_time) == 2.5);
    assert_string_equal(field_str(&r, FIELD_label), "12");
    assert_string_equal(field_str(&r, FIELD_notes), "7");
    assert_string_equal(finding_fixture_of(&r, FIELD_reasons), "[\"A\"]");
    assert_string_equal(finding_fixture_of(&r, FIELD_warnings), "[\"B\",\"it's\"]");
    assert_string_equal(field_str(&r, FIELD_timestamp), "2026-11-29T17:42:07.376000");
    assert_string_equal(field_str(&r, FIELD_timestamp_utc),
                        "2026-11-29T17:42:07.500000+00:00");
}

/* Never taken for nothing: the row is refused, by name. */
static void test_refused(void **state)
{
    static const struct {
        const char *member, *want;
    } cases[] = {
        {"\"is_warmup\":2", "row 0: is_warmup is 2, not true or false"},
        {"\"is_warmup\":\"maybe\"", "is_warmup is \"maybe\", not true or false"},
        {"\"batch_size\":4.5", "batch_size is 4.5, not a whole number"},
        {"\"batch_size\":true", "batch_size is true, not a whole number"},
        {"\"total_time\":[1]", "total_time is [1], not a number"},
        {"\"request_rate\":\"fast\"", "request_rate is \"fast\", not a number"},
        {"\"dtype\":0.1", "dtype is 0.1, not a text"},
        {"\"dtype\":false", "dtype is false, not a text"},
        {"\"timestamp_utc\":12", "timestamp_utc is 12, not a text"},
        {"\"reasons\":\"['A\"", "reasons is \"['A\", not a list or an object"},
        {"\"reasons\":\"['a\\\\n']\"", "not a list or an object"},
        {"\"reasons\":7", "reasons is 7, not a list or an object"},
    };
    struct results_file_fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decode d;
        struct row r;
        struct err e;
        bool is_published;
        char text[200];
        (void)snprintf(text, sizeof text, "[{\"run_id\":\"a\",%s}]", cases[i].member);
        f->count = 0;
        results_scan_fini(&f->file);
        results_file_fixture_read(f, text);
        decode_init(&d, &f->arena);
        d.file = "notebook.json";
        assert_int_equal(decode_row(&d, &f->rows[0], &r, &is_published, &e),
                         STATUS_BAD_INPUT);
        assert_string_equal(e.where, "notebook.json");
        if (strstr(e.what, cases[i].want) == NULL)
            fail_msg("%s: %s, not %s", cases[i].member, e.what, cases[i].want);
    }
}

static void test_long_value_is_cut(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct row r;
    struct err e;
    bool is_published;
    struct buf text;
    buf_init(&text, 1 << 10);
    buf_text(&text, "[{\"is_warmup\":\"x");
    for (int i = 0; i < 60; i++)
        buf_text(&text, "\xc3\xa9"); /* the cut is not within a letter */
    buf_text(&text, "\"}]");
    results_file_fixture_read(f, buf_cstr(&text));
    decode_init(&d, &f->arena);
    assert_int_equal(decode_row(&d, &f->rows[0], &r, &is_published, &e),
                     STATUS_BAD_INPUT);
    assert_non_null(strstr(e.what, "\xc3\xa9..., not"));
    buf_fini(&text);
}

/* JSON has no infinity: where a load is open, a rate that is missing was "inf". */
static void test_lost_rate(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct row r;
    bool is_published;
    results_file_fixture_read(
        f, "[{\"serving_mode\":\"online\",\"arrival\":\"poisson\",\"request_rate\":null},"
           "{\"serving_mode\":\"online\",\"arrival\":\"closed\",\"request_rate\":null},"
           "{\"serving_mode\":\"online\",\"arrival\":\"poisson\",\"request_rate\":4}]");
    decode_init(&d, &f->arena);
    assert_int_equal(decode(f, &d, 0, &r, &is_published), STATUS_OK);
    assert_string_equal(field_str(&r, FIELD_request_rate), "inf");
    assert_int_equal(decode(f, &d, 1, &r, &is_published), STATUS_OK);
    assert_int_equal(r.v[FIELD_request_rate].kind, VALUE_NULL);
    assert_int_equal(decode(f, &d, 2, &r, &is_published), STATUS_OK);
    assert_true(field_num(&r, FIELD_request_rate) == 4);
}

/* Every name of the table is found, whatever shares its slot. */
static void test_every_field(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct row r;
    struct buf text;
    bool is_published;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < FIELD_COUNT; i++) {
        enum value_kind kind = field_table[i].kind;
        buf_printf(&text, "%s\"%s\":%s", i == 0 ? "[{" : ",", field_table[i].name,
                   kind == VALUE_STR        ? "\"s\""
                   : kind == VALUE_JSON     ? "{}"
                   : kind == VALUE_FINDINGS ? "[]"
                   : kind == VALUE_BOOL     ? "false"
                                            : "5");
    }
    buf_text(&text, "}]");
    results_file_fixture_read(f, buf_cstr(&text));
    decode_init(&d, &f->arena);
    assert_int_equal(decode(f, &d, 0, &r, &is_published), STATUS_OK);
    for (int i = 0; i < FIELD_COUNT; i++)
        if (r.v[i].kind != field_table[i].kind)
            fail_msg("%s is of kind %d", field_table[i].name, r.v[i].kind);
    buf_fini(&text);
}

static void test_published(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct row r;
    bool is_published;
    results_file_fixture_read(f,
                              "[{\"notes\":\"scenario=short, run=2, warmup=False\"},"
                              "{\"notes\":\"scenario=long, run=0, warmup=True\","
                              "\"instance_type\":\"unknown\"},"
                              "{\"notes\":\"free text, run=x\",\"instance_type\":\"g5\","
                              "\"scenario\":\"own\"}]");
    decode_init(&d, &f->arena);
    assert_int_equal(decode(f, &d, 0, &r, &is_published), STATUS_OK);
    assert_true(is_published);
    assert_string_equal(field_str(&r, FIELD_scenario), "short");
    assert_int_equal(r.v[FIELD_repeat].i, 2);
    assert_int_equal(r.v[FIELD_is_warmup].kind, VALUE_BOOL);
    assert_false(r.v[FIELD_is_warmup].b);
    assert_null(field_str(&r, FIELD_label));
    d.instance_type = "inf2";
    assert_int_equal(decode(f, &d, 1, &r, &is_published), STATUS_OK);
    assert_string_equal(field_str(&r, FIELD_scenario), "long");
    assert_true(r.v[FIELD_is_warmup].b);
    assert_string_equal(field_str(&r, FIELD_instance_type), "inf2");
    assert_string_equal(field_str(&r, FIELD_label), "inf2");
    assert_int_equal(decode(f, &d, 2, &r, &is_published), STATUS_OK);
    assert_string_equal(field_str(&r, FIELD_instance_type), "g5"); /* its own stays */
    assert_string_equal(field_str(&r, FIELD_scenario), "own");
    assert_int_equal(r.v[FIELD_repeat].kind, VALUE_NULL);
    assert_int_equal(r.v[FIELD_is_warmup].kind, VALUE_NULL);
}

static void test_texts_are_shared(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct row r[3];
    bool is_published;
    results_file_fixture_read(f, "[{\"dtype\":\"bf16\"},{\"dtype\":\"bf16\"},"
                                 "{\"dtype\":\"bf1\"}]");
    decode_init(&d, &f->arena);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(decode(f, &d, i, &r[i], &is_published), STATUS_OK);
    assert_ptr_equal(field_str(&r[0], FIELD_dtype), field_str(&r[1], FIELD_dtype));
    assert_string_equal(field_str(&r[2], FIELD_dtype), "bf1");
}

static void test_check(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct err e;
    static const char *const said[] = {
        "row 1: is_warmup is 1.0, not true or false",
        "row 2: batch_size is 4.0, not a whole number",
        "row 3: total_time is \"1.5\", not a number",
        "row 4: label is 12, not a text",
        "row 5: reasons is \"[]\", not a list or an object",
        "row 6: row is \"3\", not a whole number"};
    results_file_fixture_read(
        f, "[{\"is_warmup\":true,\"batch_size\":4,\"total_time\":2,\"label\":\"12\","
           "\"reasons\":[],\"request_rate\":\"inf\",\"error\":null,\"top_p\":NaN,"
           "\"weather\":\"fine\"},"
           "{\"is_warmup\":1.0},{\"batch_size\":4.0},{\"total_time\":\"1.5\"},"
           "{\"label\":12},{\"reasons\":\"[]\"},{\"row\":\"3\"}]");
    decode_init(&d, &f->arena);
    d.file = "results.json";
    assert_int_equal(decode_check(&d, &f->rows[0], &e), STATUS_OK);
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        assert_int_equal(decode_check(&d, &f->rows[i + 1], &e), STATUS_BAD_INPUT);
        assert_string_equal(e.where, "results.json");
        assert_string_equal(e.what, said[i]);
    }
}

static void test_no_memory(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct row r;
    bool is_published;
    static const char text[] = "[{\"dtype\":\"bf16\",\"reasons\":[],\"notes\":\"a\\n\","
                               "\"label\":5,\"warnings\":\"['A']\"}]";
    results_file_fixture_read(f, text);
    enum status st = STATUS_NO_MEMORY;
    for (size_t cap = 0; st != STATUS_OK; cap += 8) {
        struct arena a;
        arena_init(&a, cap);
        decode_init(&d, &a);
        st = decode(f, &d, 0, &r, &is_published);
        if (st == STATUS_OK)
            assert_string_equal(field_str(&r, FIELD_notes), "a\n");
        else
            assert_int_equal(st, STATUS_NO_MEMORY);
        assert_true(cap < 4096);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESULTS_FILE_TEST(test_kinds),     RESULTS_FILE_TEST(test_other_types),
        RESULTS_FILE_TEST(test_refused),   RESULTS_FILE_TEST(test_long_value_is_cut),
        RESULTS_FILE_TEST(test_lost_rate), RESULTS_FILE_TEST(test_every_field),
        RESULTS_FILE_TEST(test_published), RESULTS_FILE_TEST(test_texts_are_shared),
        RESULTS_FILE_TEST(test_check),     RESULTS_FILE_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
