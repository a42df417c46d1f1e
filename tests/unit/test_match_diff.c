#include "stats/match_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "match_fixture.h"
#include "stats/match.h"

#define set_up    match_fixture_set_up
#define tear_down match_fixture_tear_down
#define add       match_fixture_add
#define collect   match_fixture_collect

static const enum field_id compared[] = {FIELD_enable_prefix_caching, FIELD_label,
                                         FIELD_instance_type, FIELD_model_name,
                                         FIELD_engine_version};

#define COMPARED (sizeof compared / sizeof *compared)

/* Of cells that differ in one field, by each comparison: Obstacle, Said, - silent. */
static void hinders(struct match_fixture *b, enum field_id id, struct value x,
                    struct value y, const char *want)
{
    char got[] = "?????"; /* caching, label, instance, model, version */
    match_fixture_twins(b);
    b->rows[0].v[id] = x;
    b->rows[1].v[id] = y;
    for (size_t k = 0; k < COMPARED; k++) {
        const enum field_id by = compared[k];
        collect(b, by, 2);
        const struct match_pair p = {.baseline = &b->out.cells[0],
                                     .other = &b->out.cells[1]};
        struct match_diff_list also = {.arena = &b->arena};
        size_t obstacles = match_diff_obstacles(p.baseline, p.other, by, FIELD_COUNT);
        match_diff_add(&also, p.baseline, p.other, by);
        assert_true(obstacles + also.count <= 1);
        assert_int_equal(obstacles > 0,
                         match_diff_obstacles(p.baseline, p.other, by, 1) > 0);
        got[k] = obstacles > 0 ? 'O' : also.count > 0 ? 'S' : '-';
    }
    if (strcmp(got, want) != 0)
        fail_msg("%s: %s, not %s", field_table[id].name, got, want);
}

static void test_cell_and_setting(void **state)
{
    struct match_fixture *b = *state;
    hinders(b, FIELD_scenario, value_str("short"), value_str("long"), "OOOOO");
    hinders(b, FIELD_batch_size, value_int(4), value_int(8), "OOOOO");
    hinders(b, FIELD_enable_prefix_caching, value_bool(false), value_bool(true), "-OOOO");
    hinders(b, FIELD_model_name, value_str("m"), value_str("n"), "OOO-O");
    hinders(b, FIELD_engine_version, value_str("0.32"), value_str("0.13"), "OSSS-");
    hinders(b, FIELD_engine, value_str("vllm"), value_str("openai"), "OSSSS");
    hinders(b, FIELD_max_num_seqs, value_int(4), value_int(8), "OOOOO");
    hinders(b, FIELD_dtype, value_str("bf16"), value_str("fp8"), "OOOOO");
    hinders(b, FIELD_enforce_eager, value_bool(false), value_bool(true), "OSSSS");
    hinders(b, FIELD_devices, value_int(1), value_null(), "OSSSS");
    hinders(b, FIELD_block_size, value_int(16), value_int(32), "SSSSS");
    hinders(b, FIELD_kv_cache_tokens, value_int(1000), value_int(1100), "SSSSS");
    hinders(b, FIELD_settings_sha256, value_str("a"), value_str("b"), "-----");
    hinders(b, FIELD_engine_args, value_json("[\"a=1\"]"), value_json("[]"), "OSSSS");
    hinders(b, FIELD_engine_args, value_null(), value_json("[]"), "OSSSS");
    hinders(b, FIELD_label, value_str("a"), value_str("b"), "O----");
}

static void test_simulated(void **state)
{
    struct match_fixture *b = *state;
    hinders(b, FIELD_is_simulated, value_bool(true), value_bool(false), "OOOOO");
    hinders(b, FIELD_is_simulated, value_bool(true), value_null(), "OOOOO");
    hinders(b, FIELD_is_simulated, value_null(), value_bool(false), "OOOOO");
    match_fixture_twins(b);
    b->rows[1].v[FIELD_label] = value_str("x"); /* two unknown ones match */
    collect(b, FIELD_label, 2);
    assert_int_equal(match_diff_obstacles(&b->out.cells[0], &b->out.cells[1], FIELD_label,
                                          FIELD_COUNT),
                     0);
}

static void test_load(void **state)
{
    struct match_fixture *b = *state;
    hinders(b, FIELD_burstiness, value_num(0.5), value_null(), "OOOOO");
    hinders(b, FIELD_ramp_up_s, value_num(0), value_num(5), "OOOOO");
    hinders(b, FIELD_max_concurrency, value_null(), value_int(8), "OOOOO");
    hinders(b, FIELD_is_streamed, value_bool(true), value_bool(false), "OOOOO");
    hinders(b, FIELD_stop_at_eos, value_bool(true), value_bool(false), "OOOOO");
    hinders(b, FIELD_extra_body, value_null(), value_json("{\"k\":1}"), "OOOOO");
    hinders(b, FIELD_seed, value_int(0), value_int(1), "OSSSS");
    hinders(b, FIELD_temperature, value_num(0), value_num(1), "OSSSS");
    hinders(b, FIELD_num_prompts, value_int(8), value_int(9), "OSSSS");
    hinders(b, FIELD_is_keepalive, value_bool(true), value_bool(false), "OSSSS");
    hinders(b, FIELD_token_counts, value_str("ids"), value_str("usage"), "OSSSS");
    hinders(b, FIELD_plan_sha256, value_str("a"), value_str("b"), "OSSSS");
}

static void test_machine(void **state)
{
    struct match_fixture *b = *state;
    hinders(b, FIELD_instance_type, value_str("g5"), value_str("inf2"), "O--OO");
    hinders(b, FIELD_hardware_type, value_str("gpu"), value_str("cpu"), "O--OO");
    hinders(b, FIELD_driver_version, value_str("570"), value_str("580"), "OSSSS");
    hinders(b, FIELD_machine_sha256, value_str("a"), value_str("b"), "O--SS");
    hinders(b, FIELD_client_machine_sha256, value_str("a"), value_str("b"), "OSSSS");
}

/* The same definitions online, or no comparison; offline it is said. */
static void test_definitions(void **state)
{
    struct match_fixture *b = *state;
    hinders(b, FIELD_definitions, value_int(1), value_int(2), "SSSSS");
    hinders(b, FIELD_definitions, value_null(), value_int(2), "SSSSS");
    match_fixture_twins(b);
    b->rows[0].v[FIELD_serving_mode] = value_str("online");
    b->rows[1].v[FIELD_serving_mode] = value_str("online");
    b->rows[0].v[FIELD_definitions] = value_null();
    for (size_t k = 0; k < COMPARED; k++) {
        const enum field_id by = compared[k];
        collect(b, by, 2);
        assert_true(match_diff_obstacles(&b->out.cells[0], &b->out.cells[1], by, 1) > 0);
    }
}

/* What was not recorded then hinders nothing; two rows that could have said, differ. */
static void test_older_rows(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    b->rows[0].v[FIELD_definitions] = value_null();
    b->rows[1].v[FIELD_ramp_up_s] = value_num(5);
    b->rows[1].v[FIELD_is_streamed] = value_bool(true);
    b->rows[1].v[FIELD_engine_args] = value_json("[\"a=1\"]");
    b->rows[1].v[FIELD_plan_sha256] = value_str("a");
    collect(b, FIELD_instance_type, 2);
    const struct match_cell *x = &b->out.cells[0], *y = &b->out.cells[1];
    assert_false(match_diff_obstacles(x, y, FIELD_instance_type, 1) > 0);
    b->rows[1].v[FIELD_block_size] = value_int(16); /* known then too */
    assert_int_equal(match_diff_obstacles(x, y, FIELD_enable_prefix_caching, 1), 0);
    b->rows[1].v[FIELD_devices] = value_int(1);
    assert_true(match_diff_obstacles(x, y, FIELD_enable_prefix_caching, 1) > 0);
}

static const char *said(struct match_fixture *b, enum field_id by)
{
    const char *text;
    const struct match_pair p = {.baseline = &b->out.cells[0], .other = &b->out.cells[1]};
    struct match_diff_list also = {.arena = &b->arena};
    match_diff_add(&also, p.baseline, p.other, by);
    text = match_diff_text(&also);
    return text;
}

/* Between a GPU and Neuron the compiled batch is another by nature. */
static void test_by_nature(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    b->rows[1].v[FIELD_hardware_type] = value_str("neuron");
    b->rows[1].v[FIELD_max_num_seqs] = value_int(8);
    b->rows[1].v[FIELD_dtype] = value_str("bf16");
    collect(b, FIELD_instance_type, 2);
    const struct match_cell *x = &b->out.cells[0], *y = &b->out.cells[1];
    assert_int_equal(match_diff_obstacles(x, y, FIELD_instance_type, FIELD_COUNT), 0);
    assert_int_equal(match_diff_obstacles(x, y, FIELD_engine_version, FIELD_COUNT), 3);
    assert_string_equal(said(b, FIELD_instance_type),
                        "dtype unknown / bf16, max_num_seqs unknown / 8");
    b->rows[1].v[FIELD_hardware_type] = value_str("cpu");
    assert_int_equal(match_diff_obstacles(x, y, FIELD_instance_type, FIELD_COUNT), 2);
}

/* What matters most first, then by the table. */
static void test_order(void **state)
{
    struct match_fixture *b = *state;
    static const enum field_id ids[] = {
        FIELD_devices,           FIELD_plan_sha256,    FIELD_client_machine_sha256,
        FIELD_model_fingerprint, FIELD_engine_version, FIELD_driver_version,
        FIELD_dataset,           FIELD_token_counts,   FIELD_definitions};
    match_fixture_twins(b);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        bool is_int = field_table[ids[i]].kind == VALUE_INT;
        b->rows[0].v[ids[i]] = is_int ? value_int(1) : value_str("0123456789abcdef");
        b->rows[1].v[ids[i]] = is_int ? value_int(2) : value_str("fedcba9876543210");
    }
    b->rows[0].v[FIELD_model_fingerprint] = value_null();
    b->rows[0].v[FIELD_engine_args] = value_json("[\"a=1\",\"b=2\",\"d=\\u001b\"]");
    b->rows[1].v[FIELD_engine_args] = value_json("[\"b=3\",\"c=4\",\"d=\\u001b\"]");
    collect(b, FIELD_label, 2);
    assert_string_equal(
        said(b, FIELD_label),
        "driver_version 0123456789abcdef / fedcba9876543210, "
        "engine_version 0123456789abcdef / fedcba9876543210, "
        "model_fingerprint unknown / fedcba98, "
        "engine_args a=1 / not set, b=2 / b=3, not set / c=4, "
        "another client machine, another plan, "
        "dataset 0123456789abcdef / fedcba9876543210, devices 1 / 2, "
        "token_counts 0123456789abcdef / fedcba9876543210, definitions 1 / 2");
    b->rows[0].v[FIELD_engine_args] = value_null();
    assert_null(strstr(said(b, FIELD_label), "engine_args")); /* definitions
                                                                 1: older */
    b->rows[0].v[FIELD_definitions] = value_int(2);
    assert_non_null(strstr(said(b, FIELD_label), "engine_args unknown / known"));
}

/* What a field tells, its argument need not. */
static void test_arguments_with_fields(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    b->rows[0].v[FIELD_devices] = value_int(1);
    b->rows[1].v[FIELD_devices] = value_int(2);
    b->rows[0].v[FIELD_engine_args] = value_json("[\"devices=1\",\"dtype=auto\"]");
    b->rows[1].v[FIELD_engine_args] = value_json("[\"devices=2\",\"dtype=half\"]");
    collect(b, FIELD_label, 2);
    assert_string_equal(said(b, FIELD_label),
                        "engine_args dtype=auto / dtype=half, devices 1 / 2");
    b->rows[0].v[FIELD_engine_args] = value_json("[\"devices=1\"]");
    b->rows[1].v[FIELD_engine_args] = value_json("[\"devices=2\"]");
    assert_string_equal(said(b, FIELD_label), "devices 1 / 2");
}

/* A client on the machine itself is no other client. */
static void test_own_client(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    for (int i = 0; i < 2; i++)
        b->rows[i].v[FIELD_machine_sha256] = b->rows[i].v[FIELD_client_machine_sha256] =
            value_str(i == 0 ? "a" : "b");
    collect(b, FIELD_instance_type, 2);
    assert_null(said(b, FIELD_instance_type));
    b->rows[1].v[FIELD_machine_sha256] = value_null(); /* a remote server */
    assert_string_equal(said(b, FIELD_instance_type), "another client machine");
}

/* Several pairs: each difference once, the values of a field together. */
static void test_list(void **state)
{
    struct match_fixture *b = *state;
    struct match_diff_list also = {.arena = &b->arena};
    const char *text;
    text = match_diff_text(&also);
    assert_null(text);
    for (int64_t i = 0; i < 6; i++) {
        match_fixture_twins(b);
        b->rows[1].v[FIELD_devices] = value_int(10 + i);
        b->rows[1].v[FIELD_seed] = value_int(1);
        collect(b, FIELD_label, 2);
        const struct match_pair p = {.baseline = &b->out.cells[0],
                                     .other = &b->out.cells[1]};
        match_diff_add(&also, p.baseline, p.other, FIELD_label);
    }
    text = match_diff_text(&also);
    assert_string_equal(text, "seed unknown / 1, devices unknown / 10, unknown / 11, "
                              "unknown / 12, unknown / 13, ...");
}

static void test_published(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    b->rows[0].v[FIELD_input_length] = value_int(32);
    b->rows[1].v[FIELD_input_length] = value_int(180);
    b->rows[0].v[FIELD_dtype] = value_str("bf16");
    b->rows[0].v[FIELD_is_simulated] = value_bool(false);
    collect(b, FIELD_instance_type, 2);
    assert_int_equal(match_diff_obstacles(&b->out.cells[0], &b->out.cells[1],
                                          FIELD_instance_type, FIELD_COUNT),
                     3);
    b->inputs[1].is_published = true; /* characters, and it knows no dtype */
    b->rows[1].v[FIELD_definitions] = value_null();
    collect(b, FIELD_instance_type, 2);
    assert_int_equal(match_diff_obstacles(&b->out.cells[0], &b->out.cells[1],
                                          FIELD_instance_type, FIELD_COUNT),
                     0);
    b->rows[0].v[FIELD_is_simulated] = value_bool(true); /* it simulated nothing */
    collect(b, FIELD_instance_type, 2);
    assert_int_equal(match_diff_obstacles(&b->out.cells[0], &b->out.cells[1],
                                          FIELD_instance_type, FIELD_COUNT),
                     1);
}

static void test_fingerprint(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    b->rows[0].v[FIELD_model_fingerprint] = value_str("f");
    b->rows[1].v[FIELD_model_fingerprint] = value_str("f");
    b->rows[1].v[FIELD_instance_type] = value_str("inf2");
    b->rows[1].v[FIELD_model_name] = value_str("/elsewhere/m");
    collect(b, FIELD_instance_type, 2);
    const struct match_cell *x = &b->out.cells[0], *y = &b->out.cells[1];
    assert_int_equal(match_diff_obstacles(x, y, FIELD_instance_type, FIELD_COUNT), 0);
    b->rows[1].v[FIELD_model_fingerprint] = value_str("g");
    b->rows[1].v[FIELD_model_name] = value_str("m");
    assert_int_equal(match_diff_obstacles(x, y, FIELD_instance_type, FIELD_COUNT), 1);
    const struct match_pair p = {.baseline = x, .other = y};
    assert_string_equal(
        match_diff_explain(p.baseline, p.other, FIELD_instance_type, &b->arena),
        "nearest cell of inf2 differs in model_fingerprint (f, there g)");
    assert_null(said(b, FIELD_model_name)); /* compared itself */
}

/* Two machines of unknown type are two, where they can be told apart. */
static void test_unknown_types(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    for (int i = 0; i < 2; i++) {
        b->rows[i].v[FIELD_instance_type] = value_str("unknown");
        b->rows[i].v[FIELD_model_name] = value_str(i == 0 ? "m" : "n");
    }
    collect(b, FIELD_model_name, 2);
    const struct match_cell *x = &b->out.cells[0], *y = &b->out.cells[1];
    assert_false(match_diff_obstacles(x, y, FIELD_model_name, 1) > 0);
    b->rows[0].v[FIELD_machine_sha256] = value_str("a");
    assert_false(match_diff_obstacles(x, y, FIELD_model_name, 1) > 0);
    b->rows[1].v[FIELD_machine_sha256] = value_str("b");
    assert_true(match_diff_obstacles(x, y, FIELD_model_name, 1) > 0);
}

static void test_text_lengths(void **state)
{
    struct match_fixture *b = *state;
    hinders(b, FIELD_input_length, value_int(30), value_int(40), "OOOOO");
    match_fixture_twins(b);
    for (int i = 0; i < 2; i++) {
        b->rows[i].v[FIELD_dataset] = value_str("chat.jsonl");
        b->rows[i].v[FIELD_input_length] = value_int(30 + i);
    }
    collect(b, FIELD_model_name, 2);
    assert_false(match_diff_obstacles(&b->out.cells[0], &b->out.cells[1],
                                      FIELD_model_name, 1) > 0);
}

static void test_explain(void **state)
{
    struct match_fixture *b = *state;
    match_fixture_twins(b);
    struct row *r = &b->rows[1];
    r->v[FIELD_instance_type] = value_str("inf2");
    collect(b, FIELD_instance_type, 2);
    const struct match_pair p = {.baseline = &b->out.cells[0], .other = &b->out.cells[1]};
    assert_string_equal(
        match_diff_explain(p.baseline, p.other, FIELD_instance_type, &b->arena),
        "its match of inf2 is paired with a cell nearer to it");
    r->v[FIELD_batch_size] = value_int(8);
    r->v[FIELD_enable_prefix_caching] = value_null();
    assert_string_equal(
        match_diff_explain(p.baseline, p.other, FIELD_instance_type, &b->arena),
        "nearest cell of inf2 differs in batch_size (4, there 8), "
        "enable_prefix_caching (off, there unknown)");
    r->v[FIELD_batch_size] = value_int(4);
    r->v[FIELD_instance_type] = value_str("g5");
    r->v[FIELD_plan_sha256] = value_str("0123456789abcdef");
    r->v[FIELD_engine_args] = value_json("[\"a=1\"]");
    b->rows[0].v[FIELD_engine_args] = value_json("[]");
    b->rows[0].v[FIELD_plan_sha256] = value_str("1");
    assert_string_equal(
        match_diff_explain(p.baseline, p.other, FIELD_enable_prefix_caching, &b->arena),
        "nearest cell of inf2 differs in engine_args (not set / a=1), "
        "plan_sha256 (another plan)");
}

static void test_no_memory(void **state)
{
    struct match_fixture *b = *state;
    enum status s = STATUS_NO_MEMORY;
    match_fixture_twins(b);
    b->rows[0].v[FIELD_engine_args] = value_json("[\"a=1\"]");
    b->rows[1].v[FIELD_engine_args] = value_json("[\"b=1\"]");
    b->rows[1].v[FIELD_seed] = value_int(1);
    collect(b, FIELD_label, 2);
    const struct match_pair p = {.baseline = &b->out.cells[0], .other = &b->out.cells[1]};
    for (size_t cap = 0; s != STATUS_OK; cap += 8) {
        struct arena a;
        const char *text = NULL;
        arena_init(&a, cap);
        struct match_diff_list also = {.arena = &a};
        match_diff_add(&also, p.baseline, p.other, FIELD_label);
        text = match_diff_text(&also);
        s = a.has_failed ? STATUS_NO_MEMORY : STATUS_OK;
        assert_true(s == STATUS_OK || s == STATUS_NO_MEMORY);
        assert_true(cap < (1 << 14));
        if (s == STATUS_OK)
            assert_string_equal(text, "engine_args a=1 / not set, not set / b=1, "
                                      "seed unknown / 1");
        arena_fini(&a);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_cell_and_setting),
        TEST(test_simulated),
        TEST(test_load),
        TEST(test_machine),
        TEST(test_definitions),
        TEST(test_older_rows),
        TEST(test_by_nature),
        TEST(test_order),
        TEST(test_own_client),
        TEST(test_arguments_with_fields),
        TEST(test_list),
        TEST(test_published),
        TEST(test_fingerprint),
        TEST(test_unknown_types),
        TEST(test_text_lengths),
        TEST(test_explain),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
