#include "stats/match.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "row_fixture.h"
#include "stats_fixture.h"

#define MAX_ROWS 40

struct bench {
    struct row rows[MAX_ROWS];
    struct match_row inputs[MAX_ROWS];
    size_t count;
    struct arena arena;
    struct match_result result;
};

static struct row *add(struct bench *b, const char *machine, const char *scenario,
                       double tokens_per_second)
{
    struct row *r = &b->rows[b->count];
    b->inputs[b->count++] = (struct match_row){.row = r};
    row_fixture_fill(r, machine, scenario, 4, tokens_per_second);
    r->v[FIELD_input_length] = value_int(32);
    return r;
}

/* Three repeats, 1 % apart around the mean. */
static void add_three(struct bench *b, const char *machine, const char *scenario,
                      double mean)
{
    for (int i = -1; i <= 1; i++)
        add(b, machine, scenario, mean * (1 + i / 100.0));
}

static enum status try_build(struct bench *b, enum field_id by, struct err *e)
{
    struct match_input in = {.rows = b->inputs, .count = b->count};
    struct match_options options = {.by = by};
    arena_fini(&b->arena);
    arena_init(&b->arena, 16 << 20);
    return match_build(&in, &options, &b->arena, &b->result, e);
}

static void build(struct bench *b, enum field_id by)
{
    struct err e = {0};
    if (try_build(b, by, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

static void test_pairs_and_geomean(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    add_three(b, "g5", "short", 100);
    add_three(b, "g5", "long", 200);
    add_three(b, "inf2", "long", 100);
    add_three(b, "inf2", "short", 200);
    add(b, "inf2", "short", 1e9)->v[FIELD_is_warmup] = value_bool(true);
    add(b, "inf2", "short", 1e9)->v[FIELD_error] = value_str("died");
    build(b, FIELD_instance_type);
    assert_int_equal(b->result.cell_count, 4);
    assert_int_equal(b->result.group_count, 1);
    assert_int_equal(b->result.lone_count, 0);
    const struct match_group *g = &b->result.groups[0];
    assert_string_equal(g->baseline, "g5");
    assert_string_equal(g->other, "inf2");
    assert_int_equal(g->pair_count, 2);
    const struct match_ratio *r = &g->pairs[0].ratios[METRIC_tokens_per_second];
    assert_string_equal(g->pairs[0].baseline->name, "short bs=4 cache=off");
    assert_int_equal(g->pairs[0].other->warmups, 1);
    assert_int_equal(g->pairs[0].other->failed, 1);
    stats_fixture_near(r->ratio, 2, 1e-12);
    /* numpy.var(numpy.log([.99, 1, 1.01]), ddof=1) / 3: of the mean of each side's
     * logs */
    double variance = 3.333583353149806e-05;
    /* Welch: 4 degrees; scipy t.ppf(.975, 4) */
    double half = 2.7764451051977987 * sqrt(2 * variance);
    stats_fixture_near(r->low, 2 * exp(-half), 1e-9);
    stats_fixture_near(r->high, 2 * exp(half), 1e-9);
    /* 2.0 and 0.5: even; 8 degrees; scipy t.ppf(.975, 8) */
    half = 2.306004135204166 * sqrt(4 * variance) / 2;
    stats_fixture_near(g->geomean[METRIC_tokens_per_second].ratio, 1, 1e-12);
    stats_fixture_near(g->geomean[METRIC_tokens_per_second].high, exp(half), 1e-9);
    assert_int_equal(g->geomean[METRIC_tokens_per_second].pairs, 2);
    assert_true(isnan(g->geomean[METRIC_usd_per_million_output_tokens].ratio)); /* no
                                                                                   prices
                                                                                   */
    assert_int_equal(g->geomean[METRIC_usd_per_million_output_tokens].pairs, 0);
}

/* Repeats that --target-ci asked for: the variance is s0^2 / n, of nine degrees. */
static void test_target(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    add_three(b, "g5", "short", 100);
    add_three(b, "inf2", "short", 200);
    for (size_t i = 0; i < b->count; i++) {
        b->rows[i].v[FIELD_target_metric] = value_str("tokens_per_second");
        b->rows[i].v[FIELD_stein_s0] = value_num(0.03);
    }
    build(b, FIELD_instance_type);
    const struct match_ratio *r =
        &b->result.groups[0].pairs[0].ratios[METRIC_tokens_per_second];
    double half = 2.10092204024096 * sqrt(2 * 0.0009 / 3); /* scipy t.ppf(.975, 18) */
    stats_fixture_near(r->ratio, 2, 1e-12);
    stats_fixture_near(r->low, 2 * exp(-half), 1e-9);
    stats_fixture_near(r->high, 2 * exp(half), 1e-9);
    for (size_t i = 0; i < b->count; i++)
        b->rows[i].v[FIELD_target_metric] = value_str("requests_per_second");
    build(b, FIELD_instance_type); /* of another figure */
    r = &b->result.groups[0].pairs[0].ratios[METRIC_tokens_per_second];
    assert_true(r->high < 2 * exp(half) - 0.01);
}

static void test_no_interval_of_two(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    add_three(b, "g5", "short", 100);
    add(b, "inf2", "short", 50);
    add(b, "inf2", "short", 52);
    build(b, FIELD_instance_type);
    const struct match_ratio *r =
        &b->result.groups[0].pairs[0].ratios[METRIC_tokens_per_second];
    /* of the means of logarithms */
    stats_fixture_near(r->ratio, sqrt(0.50 * 0.52) / cbrt(0.99 * 1.01), 1e-12);
    assert_true(isnan(r->low) && isnan(r->high));
    assert_true(isnan(b->result.groups[0].geomean[METRIC_tokens_per_second].low));
}

static void test_what_hinders(void **state)
{
    static const enum field_id settings[] = {
        FIELD_batch_size,   FIELD_max_output_tokens, FIELD_input_length,
        FIELD_max_num_seqs, FIELD_request_rate,      FIELD_max_num_batched_tokens};
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        b->count = 0;
        add(b, "g5", "short", 100);
        add(b, "inf2", "short", 100)->v[settings[i]] = value_int(7);
        build(b, FIELD_instance_type);
        assert_int_equal(b->result.group_count, 0);
        assert_int_equal(b->result.lone_count, 2);
        assert_non_null(strstr(b->result.lone[0].why, field_table[settings[i]].name));
    }
    static const enum field_id texts[] = {FIELD_dtype,        FIELD_quantization,
                                          FIELD_prefix_reuse, FIELD_model_name,
                                          FIELD_scenario,     FIELD_model_fingerprint};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        b->count = 0;
        add(b, "g5", "short", 100)->v[FIELD_model_fingerprint] = value_str("f");
        struct row *r = add(b, "inf2", "short", 100);
        r->v[FIELD_model_fingerprint] = value_str("f");
        r->v[texts[i]] = value_str("other");
        build(b, FIELD_instance_type);
        /* equal fingerprints make equal models, whatever their names */
        assert_int_equal(b->result.group_count, texts[i] == FIELD_model_name);
    }
}

static void add_kind(struct bench *b, const char *machine, const char *hardware,
                     int64_t batch)
{
    bool is_neuron = strcmp(hardware, "neuron") == 0;
    struct row *r = add(b, machine, "short", 100);
    r->v[FIELD_batch_size] = value_int(batch);
    r->v[FIELD_hardware_type] = value_str(hardware);
    r->v[FIELD_engine_version] = value_str(is_neuron ? "0.13.0" : "0.32.0");
    r->v[FIELD_max_num_seqs] = value_int(is_neuron ? batch : 256);
    r->v[FIELD_max_num_batched_tokens] = value_int(is_neuron ? 131072 : 8192);
}

/* The compiled batch of Neuron and its fixed step are said, and hinder nothing between
 * machines of two kinds; between two of one kind they do. */
static void test_what_differs_by_nature(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    for (int64_t batch = 1; batch <= 16; batch *= 4) {
        add_kind(b, "g5", "gpu", batch);
        add_kind(b, "inf2", "neuron", batch);
    }
    static const enum field_id both[] = {FIELD_label, FIELD_instance_type};
    for (int i = 0; i < 2; i++) {
        build(b, both[i]);
        assert_int_equal(b->result.group_count, 1);
        assert_int_equal(b->result.groups[0].counted, 3);
        assert_int_equal(b->result.lone_count, 0);
        assert_string_equal(b->result.groups[0].differs,
                            "engine_version 0.32.0 / 0.13.0, "
                            "max_num_seqs 256 / 1, 256 / 4, 256 / 16, "
                            "max_num_batched_tokens 8192 / 131072");
    }
    b->rows[0].v[FIELD_hardware_type] = value_str("neuron");
    build(b, FIELD_label);
    assert_int_equal(b->result.groups[0].counted, 2);
    assert_int_equal(b->result.lone_count, 2);
    assert_non_null(strstr(b->result.lone[0].why, "max_num_seqs (256, there 1)"));
}

static void test_caching(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    add(b, "g5", "prefix", 150)->v[FIELD_enable_prefix_caching] = value_bool(true);
    add(b, "g5", "prefix", 100);
    add(b, "inf2", "prefix", 300)->v[FIELD_enable_prefix_caching] = value_bool(true);
    struct row *r = add(b, "g5", "short", 999);
    r->v[FIELD_enable_prefix_caching] = value_bool(true);
    r->v[FIELD_cache_hit_rate_expected] = value_num(0);
    add(b, "g5", "short", 111);
    build(b, FIELD_enable_prefix_caching);
    const struct match_group *g = &b->result.groups[0];
    assert_string_equal(g->baseline, "OFF");
    assert_int_equal(g->pair_count, 2);
    assert_int_equal(g->counted, 1); /* "short" shares nothing: no claim */
    stats_fixture_near(g->geomean[METRIC_tokens_per_second].ratio, 1.5, 1e-12);
    assert_string_equal(g->pairs[0].other->row->v[FIELD_instance_type].s, "g5");
    assert_non_null(strstr(g->pairs[1].note, "share no prefix"));
    assert_int_equal(b->result.lone_count, 1); /* inf2: ON alone */
    assert_non_null(strstr(b->result.lone[0].why, "instance_type (inf2, there g5)"));
}

/* Settings of one run: as they were given, whichever ran first; their user has chosen
 * them, so that what one kind of hardware must share elsewhere may differ here, prefix
 * caching too. */
static void test_settings_of_a_run(void **state)
{
    static const char *const labels[] = {"c", "a", "b"};
    struct bench *b = *state;
    for (int one_run = 0; one_run < 2; one_run++) {
        b->count = 0;
        for (int i = 0; i < 3; i++) {
            struct row *r = add(b, "g5", "short", 100);
            r->v[FIELD_label] = value_str(labels[i]);
            r->v[FIELD_run_id] = value_str(one_run || i == 0 ? "run" : "another");
            r->v[FIELD_setting_number] = value_int((i + 2) % 3 + 1);
            r->v[FIELD_max_num_seqs] = value_int(i + 1);
            r->v[FIELD_enable_prefix_caching] = value_bool(i == 2);
        }
        build(b, FIELD_label);
        assert_int_equal(b->result.side_count, 3);
        assert_string_equal(b->result.sides[0], one_run ? "a" : "c");
        assert_string_equal(b->result.sides[1], one_run ? "b" : "a");
        assert_string_equal(b->result.sides[2], one_run ? "c" : "b");
        assert_int_equal(b->result.group_count, one_run ? 2 : 0);
    }
    build(b, FIELD_COUNT); /* chosen by name */
    assert_int_equal(b->result.group_count, 2);
}

static void test_invalid_is_left_out(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    add(b, "g5", "short", 100);
    add(b, "inf2", "short", 50)->v[FIELD_verdict] = value_str("INVALID");
    build(b, FIELD_instance_type);
    assert_int_equal(b->result.groups[0].pair_count, 1);
    assert_int_equal(b->result.groups[0].counted, 0);
    assert_true(isnan(b->result.groups[0].geomean[METRIC_tokens_per_second].ratio));
    assert_string_equal(b->result.groups[0].pairs[0].note, "the other cell is INVALID");
    add(b, "g5", "short", 90)->v[FIELD_verdict] = value_str("INVALID");
    build(b, FIELD_instance_type);
    assert_int_equal(b->result.cells[0].measured, 2);
    assert_int_equal(b->result.cells[0].doubtful, 1);
    assert_ptr_equal(b->result.cells[0].doubtful_row, &b->rows[2]);
}

/* Made numbers go into no mean of real ones. */
static void test_simulated_beside_real(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    for (int i = 0; i < 4; i++) {
        struct row *r = add(b, i % 2 == 0 ? "g5" : "inf2", "short",
                            (double[]){100, 200, 9000, 9000}[i]);
        r->v[FIELD_is_simulated] = value_bool(i >= 2);
    }
    build(b, FIELD_instance_type);
    const struct match_group *g = &b->result.groups[0];
    assert_int_equal(g->pair_count, 2);
    assert_int_equal(g->counted, 1);
    stats_fixture_near(g->geomean[METRIC_tokens_per_second].ratio, 2, 1e-12);
    assert_non_null(strstr(g->pairs[1].note, "simulated"));
    for (int i = 0; i < 4; i++)
        b->rows[i].v[FIELD_is_simulated] = value_bool(true);
    build(b, FIELD_instance_type);
    assert_int_equal(b->result.groups[0].counted, 1);
}

static void test_published_rows(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    struct row *r = add(b, "g5", "short", 100);
    r->v[FIELD_dtype] = value_str("float16");
    r = add(b, "inf2", "?", 50);
    r->v[FIELD_scenario] = (struct value){.kind = VALUE_ABSENT};
    r->v[FIELD_is_warmup] = (struct value){.kind = VALUE_ABSENT};
    r->v[FIELD_notes] = value_str("scenario=short, run=1, warmup=False");
    r->v[FIELD_input_length] = value_int(180); /* characters */
    b->inputs[1].is_published = true;
    r = add(b, "inf2", "?", 1e9);
    r->v[FIELD_scenario] = r->v[FIELD_is_warmup] = (struct value){.kind = VALUE_ABSENT};
    r->v[FIELD_notes] = value_str("scenario=short, run=0, warmup=True");
    r->v[FIELD_input_length] = value_int(180);
    b->inputs[2].is_published = true;
    build(b, FIELD_instance_type);
    assert_int_equal(b->result.group_count, 1);
    assert_int_equal(b->result.groups[0].pairs[0].other->warmups, 1);
    stats_fixture_near(b->result.groups[0].geomean[METRIC_tokens_per_second].ratio, 0.5,
                       1e-12);
}

static void test_nearest_context_first(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    add(b, "g5", "short", 100)->v[FIELD_engine_version] = value_str("0.32");
    add(b, "inf2", "short", 40)->v[FIELD_engine_version] = value_str("0.13");
    add(b, "inf2", "short", 50)->v[FIELD_engine_version] = value_str("0.32");
    build(b, FIELD_instance_type);
    assert_int_equal(b->result.groups[0].pair_count, 1);
    stats_fixture_near(b->result.groups[0].geomean[METRIC_tokens_per_second].ratio, 0.5,
                       1e-12);
    assert_null(b->result.groups[0].differs);
    assert_int_equal(b->result.lone_count, 1);
    b->count = 2;
    build(b, FIELD_instance_type);
    assert_string_equal(b->result.groups[0].differs, "engine_version 0.32 / 0.13");
}

static void test_one_side_or_none(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    build(b, FIELD_instance_type);
    assert_int_equal(b->result.cell_count, 0);
    add(b, "g5", "short", 1)->v[FIELD_is_warmup] = value_bool(true);
    build(b, FIELD_instance_type);
    assert_int_equal(b->result.cell_count, 1);
    assert_int_equal(b->result.side_count, 0);
    add(b, "g5", "short", 1);
    build(b, FIELD_instance_type);
    assert_int_equal(b->result.side_count, 1);
    assert_int_equal(b->result.group_count, 0);
    assert_int_equal(b->result.lone_count, 0);
}

static void test_no_memory(void **state)
{
    struct bench *b = *state;
    b->count = 0;
    add_three(b, "g5", "short", 100);
    add_three(b, "inf2", "short", 200);
    add_three(b, "inf2", "long", 200);
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct err e = {0};
        alloc_fixture_arm(&alloc);
        enum status s = try_build(b, FIELD_instance_type, &e);
        alloc_fixture_judge(&alloc, s);
    }
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    *state = b;
    if (b != NULL)
        arena_init(&b->arena, 16 << 20);
    return b == NULL;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    arena_fini(&b->arena);
    free(b);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_and_geomean),
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_no_interval_of_two),
        cmocka_unit_test(test_what_hinders),
        cmocka_unit_test(test_what_differs_by_nature),
        cmocka_unit_test(test_caching),
        cmocka_unit_test(test_settings_of_a_run),
        cmocka_unit_test(test_invalid_is_left_out),
        cmocka_unit_test(test_simulated_beside_real),
        cmocka_unit_test(test_published_rows),
        cmocka_unit_test(test_nearest_context_first),
        cmocka_unit_test(test_one_side_or_none),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
