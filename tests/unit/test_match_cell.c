#include "stats/match_cell.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "finding_fixture.h"
#include "match_fixture.h"
#include "stats_fixture.h"

#define set_up    match_fixture_set_up
#define tear_down match_fixture_tear_down
#define add       match_fixture_add
#define collect   match_fixture_collect

static void test_rows_of_a_cell(void **state)
{
    struct match_fixture *b = *state;
    add(b, "short", 1e9)->v[FIELD_is_warmup] = value_bool(true);
    add(b, "short", 1e9)->v[FIELD_error] = value_str("died");
    add(b, "short", 10);
    add(b, "long", 7);
    add(b, "short", 20)->v[FIELD_verdict] = value_str("INVALID");
    collect(b, FIELD_instance_type, 2);
    const struct match_cell *c = &b->out.cells[0];
    assert_int_equal(c->warmups, 1);
    assert_int_equal(c->failed, 1);
    assert_int_equal(c->measured, 2);
    assert_int_equal(c->spread[METRIC_tokens_per_second].count, 2);
    assert_int_equal(c->spread[METRIC_first_token_latency].count, 0);
    assert_true(isnan(c->spread[METRIC_first_token_latency].mean));
    stats_fixture_near(c->spread[METRIC_tokens_per_second].mean, 15, 1e-12);
    stats_fixture_near(c->spread[METRIC_tokens_per_second].max, 20, 0);
    assert_ptr_equal(c->row, &b->rows[2]); /* the first that was measured */
    assert_false(c->is_valid);
    assert_true(b->out.cells[1].is_valid);
    assert_string_equal(c->side, "g5");
    assert_string_equal(c->name, "short bs=4 cache=off");
}

static void test_names(void **state)
{
    struct match_fixture *b = *state;
    add(b, "short", 1)->v[FIELD_input_length] = value_int(32);
    add(b, "short", 1)->v[FIELD_input_length] = value_int(64);
    struct row *r = add(b, "short", 1);
    r->v[FIELD_instance_type] = value_null();
    r->v[FIELD_batch_size] = r->v[FIELD_enable_prefix_caching] = value_null();
    r->v[FIELD_request_rate] = value_num(2.5);
    r->v[FIELD_serving_mode] = value_str("online");
    r->v[FIELD_window_tokens_per_second] = value_num(99);
    r = add(b, "short", 1);
    r->v[FIELD_serving_mode] = value_str("online"); /* 4 slots are no batch of 4 */
    r->v[FIELD_request_rate] = value_null();
    collect(b, FIELD_instance_type, 4);
    assert_string_equal(b->out.cells[3].name, "short c=4 cache=off");
    assert_string_equal(b->out.cells[0].name, "short bs=4 cache=off input_length=32");
    assert_string_equal(b->out.cells[1].name, "short bs=4 cache=off input_length=64");
    assert_string_equal(b->out.cells[2].name, "short rate=2.5");
    assert_string_equal(b->out.cells[2].side, MATCH_UNKNOWN);
    stats_fixture_near(b->out.cells[2].spread[METRIC_tokens_per_second].mean, 99, 0);
    collect(b, FIELD_enable_prefix_caching, 4);
    assert_string_equal(b->out.cells[0].side, "OFF");
    assert_string_equal(b->out.cells[2].side, MATCH_UNKNOWN);
    assert_null(strstr(b->out.cells[0].name, "cache="));
}

static void test_long_names(void **state)
{
    struct match_fixture *b = *state;
    char path[2][400];
    for (int i = 0; i < 2; i++) {
        memset(path[i], 'p', sizeof path[i]);
        (void)snprintf(path[i] + 390, 10, "%d", i);
        add(b, "short", 1)->v[FIELD_model_name] = value_str(path[i]);
    }
    collect(b, FIELD_model_name, 2);
    assert_string_equal(b->out.cells[1].side, path[1]);
}

/* Rows that differ in one field are two cells, or one. */
static void cells_of(struct match_fixture *b, enum field_id id, struct value x,
                     struct value y, size_t want)
{
    match_fixture_twins(b);
    b->rows[0].v[id] = x;
    b->rows[1].v[id] = y;
    const struct match_input in = {.rows = b->inputs, .count = b->count};
    assert_int_equal(match_cell_collect(&in, FIELD_instance_type, &b->arena, &b->out),
                     STATUS_OK);
    if (b->out.count != want)
        fail_msg("%s: %zu cells, not %zu", field_table[id].name, b->out.count, want);
}

/* What once was averaged without a word. */
static void test_what_makes_a_cell(void **state)
{
    static const enum field_id ints[] = {FIELD_block_size,      FIELD_kv_cache_tokens,
                                         FIELD_devices,         FIELD_seed,
                                         FIELD_num_prompts,     FIELD_max_concurrency,
                                         FIELD_warmup_requests, FIELD_max_model_len,
                                         FIELD_definitions};
    static const enum field_id bools[] = {FIELD_enforce_eager, FIELD_stop_at_eos,
                                          FIELD_is_streamed, FIELD_is_keepalive,
                                          FIELD_is_simulated};
    static const enum field_id silent[] = {FIELD_row, FIELD_repeat, FIELD_preemptions,
                                           FIELD_setting_position, FIELD_setting_number};
    struct match_fixture *b = *state;
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        cells_of(b, ints[i], value_int(100), value_int(200), 2);
    for (size_t i = 0; i < sizeof bools / sizeof *bools; i++) {
        cells_of(b, bools[i], value_bool(true), value_bool(false), 2);
        cells_of(b, bools[i], value_bool(true), value_null(), 2);
    }
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
        cells_of(b, silent[i], value_int(1), value_int(2), 1);
    cells_of(b, FIELD_burstiness, value_num(0.5), value_num(0.7), 2);
    cells_of(b, FIELD_ramp_up_s, value_num(0), value_num(5), 2);
    cells_of(b, FIELD_duration_s, value_num(30), value_null(), 2);
    cells_of(b, FIELD_plan_sha256, value_str("a"), value_str("b"), 2);
    cells_of(b, FIELD_settings_sha256, value_str("a"), value_str("b"), 2);
    cells_of(b, FIELD_extra_body, value_json("{\"k\":1}"), value_json("{\"k\":2}"), 2);
    cells_of(b, FIELD_engine_args, value_json("[\"a=1\"]"), value_json("[]"), 2);
}

/* One text, however a file lays it out; one number, however it is written. */
static void test_what_is_one_cell(void **state)
{
    struct match_fixture *b = *state;
    cells_of(b, FIELD_engine_args, value_json("[\"a=1\",\"b=[1, 2]\"]"),
             value_json("[\n  \"a=1\",\n  \"b=[1, 2]\"\n]"), 1);
    cells_of(b, FIELD_engine_args, value_json("[\"b=[1, 2]\"]"),
             value_json("[\"b=[1,2]\"]"), 2); /* within a text blanks count */
    cells_of(b, FIELD_ramp_up_s, value_num(5), value_int(5), 1);
    cells_of(b, FIELD_kv_cache_tokens, value_int(1000), value_int(1009), 1);
    cells_of(b, FIELD_kv_cache_tokens, value_int(1000), value_int(1011), 2);
    cells_of(b, FIELD_kv_cache_tokens, value_int(1000), value_null(), 2);
    cells_of(b, FIELD_definitions, value_int(1), value_null(), 1);
}

/* A machine that is not known may be any. */
static void test_machines_in_a_cell(void **state)
{
    struct match_fixture *b = *state;
    cells_of(b, FIELD_machine_sha256, value_str("a"), value_str("b"), 2);
    cells_of(b, FIELD_machine_sha256, value_str("a"), value_null(), 1);
    cells_of(b, FIELD_driver_version, value_str("570"), value_str("580"), 2);
    cells_of(b, FIELD_driver_version, value_null(), value_str("580"), 1);
    cells_of(b, FIELD_client_machine_sha256, value_str("a"), value_str("b"), 2);
    match_fixture_twins(b);
    add(b, "short", 1)->v[FIELD_hardware_type] = value_str("gpu");
    b->rows[1].v[FIELD_machine_sha256] = value_str("a"); /* the first may be either */
    b->rows[2].v[FIELD_machine_sha256] = value_str("b");
    collect(b, FIELD_instance_type, 3);
    assert_int_equal(b->out.cells[0].measured, 1);
    b->rows[2].v[FIELD_machine_sha256] = value_str("a");
    collect(b, FIELD_instance_type, 1);
    b->rows[1].v[FIELD_driver_version] = value_str("570"); /* so may the third */
    b->rows[0].v[FIELD_driver_version] = value_str("580");
    b->rows[0].v[FIELD_machine_sha256] = value_str("a");
    collect(b, FIELD_instance_type, 3);
}

static void test_models_in_a_cell(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    b->rows[1].v[FIELD_model_name] = value_str("/elsewhere/m");
    collect(b, FIELD_instance_type, 2);
    b->rows[0].v[FIELD_model_fingerprint] = value_str("none"); /* of the null engine */
    b->rows[1].v[FIELD_model_fingerprint] = value_str("none");
    collect(b, FIELD_instance_type, 2);
    b->rows[0].v[FIELD_model_fingerprint] = value_str("f");
    b->rows[1].v[FIELD_model_fingerprint] = value_str("f");
    collect(b, FIELD_instance_type, 1);
    b->rows[1].v[FIELD_model_fingerprint] = value_str("g");
    b->rows[1].v[FIELD_model_name] = value_str("m");
    collect(b, FIELD_instance_type, 2);
    assert_non_null(strstr(b->out.cells[1].name, "model_fingerprint=g"));
}

static void test_launches_and_days(void **state)
{
    struct match_fixture *b = *state;
    static const char *const launches[] = {"a", "b", "a", NULL};
    static const char *const times[] = {"2026-11-01T10:00:00.000000+00:00",
                                        "2026-11-01T23:00:00.000000+00:00",
                                        "2026-11-02T00:00:00.000000+00:00", NULL};
    for (int i = 0; i < 4; i++) {
        struct row *r = add(b, "short", 1);
        r->v[FIELD_launch_id] = value_str(launches[i]);
        r->v[FIELD_timestamp_utc] = value_str(times[i]);
    }
    collect(b, FIELD_instance_type, 1);
    assert_int_equal(b->out.cells[0].launches, 2);
    assert_int_equal(b->out.cells[0].days, 2);
    b->rows[3].v[FIELD_run_id] = value_str("r"); /* an old row: its run is one launch */
    collect(b, FIELD_instance_type, 1);
    assert_int_equal(b->out.cells[0].launches, 3);
    b->rows[3].v[FIELD_is_warmup] = value_bool(true);
    collect(b, FIELD_instance_type, 1);
    assert_int_equal(b->out.cells[0].launches, 2);
}

static void test_no_memory(void **state)
{
    struct match_fixture *b = *state;
    enum status st = STATUS_NO_MEMORY;
    add(b, "short", 1)->v[FIELD_input_length] = value_int(32);
    add(b, "short", 2)->v[FIELD_input_length] = value_int(64);
    const struct match_input in = {.rows = b->inputs, .count = b->count};
    for (size_t cap = 0; st != STATUS_OK; cap += 16) {
        struct arena a;
        arena_init(&a, cap);
        st = match_cell_collect(&in, FIELD_instance_type, &a, &b->out);
        assert_true(st == STATUS_OK || st == STATUS_NO_MEMORY);
        assert_true(cap < (1 << 16));
        if (st == STATUS_OK)
            assert_string_equal(b->out.cells[1].name,
                                "short bs=4 cache=off input_length=64");
        arena_fini(&a);
    }
}

/* What no row can bear is judged over the cell's rows, whatever files they are of. */
static void test_rules_of_a_cell(void **state)
{
    struct match_fixture *b = *state;
    add(b, "short", 100);
    add(b, "short", 119);
    add(b, "long", 100);
    add(b, "long", 121);
    add(b, "rag", 100);
    collect(b, FIELD_instance_type, 3);
    assert_null(strstr(finding_fixture_codes(b->out.cells[0].warnings), "UNREPEATABLE"));
    assert_non_null(
        strstr(finding_fixture_codes(b->out.cells[1].warnings), "UNREPEATABLE"));
    assert_non_null(strstr(finding_fixture_checks(b->out.cells[1].checks),
                           "two repeats 21 % apart, limit 20 %"));
    assert_true(b->out.cells[1].is_valid);
    assert_null(strstr(finding_fixture_codes(b->out.cells[2].warnings), "UNREPEATABLE"));
}

/* By time, not by the order of rows and files. */
static void test_trend_is_of_time(void **state)
{
    struct match_fixture *b = *state;
    static const double shuffled[] = {3, 0, 7, 4, 1, 6, 2, 5};
    for (int i = 0; i < 8; i++) {
        static char times[8][40];
        struct row *r = add(b, "short", 100 + 2 * shuffled[i]);
        (void)snprintf(times[i], sizeof times[i], "2026-11-01T10:00:%02d.000000+00:00",
                       (int)shuffled[i]);
        r->v[FIELD_timestamp_utc] = value_str(times[i]);
    }
    collect(b, FIELD_instance_type, 1);
    assert_non_null(strstr(finding_fixture_codes(b->out.cells[0].warnings), "TREND"));
    for (int i = 0; i < 8; i++) /* rising by position only */
        b->rows[i].v[FIELD_tokens_per_second] = value_num(100 + 2 * i);
    collect(b, FIELD_instance_type, 1);
    assert_null(strstr(finding_fixture_codes(b->out.cells[0].warnings), "TREND"));
}

/* What was taken away from a row is not made up for by another quantity. */
static void test_what_is_missing(void **state)
{
    struct match_fixture *b = *state;
    struct row *r = add(b, "short", 100);
    r->v[FIELD_serving_mode] = value_str("online");
    r->v[FIELD_run_id] = value_str("ours");
    collect(b, FIELD_instance_type, 1);
    assert_int_equal(b->out.cells[0].spread[METRIC_tokens_per_second].count, 0);
    r->v[FIELD_run_id] = value_null(); /* of another program */
    collect(b, FIELD_instance_type, 1);
    assert_int_equal(b->out.cells[0].spread[METRIC_tokens_per_second].count, 1);
    r->v[FIELD_is_warmup] = value_null();
    r->v[FIELD_repeat] = value_int(0);
    collect(b, FIELD_instance_type, 1);
    assert_int_equal(b->out.cells[0].warmups, 1);
}

static void test_verdicts_of_rows(void **state)
{
    struct match_fixture *b = *state;
    struct row *r = add(b, "short", 100);
    r->v[FIELD_run_id] = value_str("ours");
    r->v[FIELD_verdict] = value_str("valid"); /* nobody here writes that */
    collect(b, FIELD_instance_type, 1);
    assert_string_equal(b->out.cells[0].verdict, "INVALID");
    r->v[FIELD_verdict] = value_null();
    collect(b, FIELD_instance_type, 1);
    assert_string_equal(b->out.cells[0].verdict, "INCONCLUSIVE");
    r->v[FIELD_reasons] = finding_fixture_value("[\"ERRORS\"]");
    collect(b, FIELD_instance_type, 1);
    assert_string_equal(b->out.cells[0].verdict, "INVALID");
    assert_ptr_equal(b->out.cells[0].doubtful_row, r);
    r->v[FIELD_reasons] = finding_fixture_value("[\"SHORT_RUN\"]");
    collect(b, FIELD_instance_type, 1);
    assert_string_equal(b->out.cells[0].verdict, "INCONCLUSIVE");
    r->v[FIELD_reasons] = r->v[FIELD_run_id] = value_null();
    collect(b, FIELD_instance_type, 1);
    assert_true(b->out.cells[0].is_valid);
}

/* One list, spelt by two programs. */
static void test_spelling_of_json(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    b->rows[0].v[FIELD_engine_args] = value_json("[\"model=/m\", \"name=\u00e9\"]");
    b->rows[1].v[FIELD_engine_args] = value_json("[\"model=\\/m\",\n\"name=\\u00e9\"]");
    collect(b, FIELD_instance_type, 1);
    b->rows[0].v[FIELD_extra_body] = value_json("{\"a\":1,\"b\":{\"c\":2,\"d\":3}}");
    b->rows[1].v[FIELD_extra_body] = value_json("{\"b\":{\"d\":3,\"c\":2},\"a\":1}");
    collect(b, FIELD_instance_type, 1);
    b->rows[1].v[FIELD_engine_args] = value_json("[\"model=/n\",\"name=\u00e9\"]");
    collect(b, FIELD_instance_type, 2);
}

static void test_worst_row(void **state)
{
    struct match_fixture *b = *state;
    add(b, "short", 100);
    struct row *open = add(b, "short", 100);
    open->v[FIELD_verdict] = value_str("INCONCLUSIVE");
    open->v[FIELD_reasons] = finding_fixture_value("[\"SHORT_RUN\"]");
    collect(b, FIELD_instance_type, 1);
    assert_string_equal(b->out.cells[0].verdict, "INCONCLUSIVE");
    assert_false(b->out.cells[0].is_valid);
    assert_int_equal(b->out.cells[0].doubtful, 1);
    assert_ptr_equal(b->out.cells[0].doubtful_row, open);
    add(b, "short", 100)->v[FIELD_verdict] = value_str("INVALID"); /* it gives no code */
    collect(b, FIELD_instance_type, 1);
    assert_string_equal(b->out.cells[0].verdict, "INVALID");
    assert_ptr_equal(b->out.cells[0].doubtful_row, &b->rows[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_of_a_cell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_makes_a_cell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_one_cell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_machines_in_a_cell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_models_in_a_cell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_launches_and_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_of_a_cell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trend_is_of_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verdicts_of_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_spelling_of_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_worst_row, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
