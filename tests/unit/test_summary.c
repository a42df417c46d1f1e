#include "stats/summary.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "stats/rows.h"
#include "stats/verdict.h"
#include "finding_fixture.h"
#include "stats_fixture.h"

struct bench {
    struct stats_fixture f;
    struct arena arena;
    struct summary summary;
};

static void build(struct bench *b)
{
    struct err e = {0};
    struct row *rows = NULL;
    arena_fini(&b->arena);
    arena_init(&b->arena, 16 << 20);
    enum status s = rows_build_all(&b->f.run, &b->arena, &rows, &e);
    if (s == STATUS_OK)
        s = summary_build(&b->f.run, rows, &b->arena, &b->summary, &e);
    if (s != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

static void test_entry(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    build(b);
    assert_int_equal(b->summary.count, 1);
    const struct summary_entry *c = &b->summary.entries[0];
    assert_string_equal(c->key, "g5.xlarge_offline_bs2_in17_out5_cacheFalse");
    assert_int_equal(c->count, 2); /* without the warm-up */
    assert_int_equal(c->failed_rows, 0);
    double first = 10 / 0.154, second = 10 / 0.168;
    stats_fixture_near(c->spread[METRIC_tokens_per_second].mean, (first + second) / 2,
                       1e-12);
    stats_fixture_near(c->spread[METRIC_tokens_per_second].min, second, 1e-12);
    stats_fixture_near(c->spread[METRIC_tokens_per_second].max, first, 1e-12);
    stats_fixture_near(c->spread[METRIC_tokens_per_second].std,
                       (first - second) / sqrt(2.0), 1e-12);
    assert_true(isnan(c->spread[METRIC_tokens_per_second].ci95_low)); /* two repeats */
    stats_fixture_near(c->spread[METRIC_first_token_latency].mean, 0.115, 1e-12);
    assert_true(isnan(c->pools[SUMMARY_POOL_ttft_s][0].value)); /* 4 requests of 11 */
    assert_int_equal(c->repeats_for_2_percent, 39);
    assert_int_equal(c->repeats_range.high, 0); /* of two repeats */
    assert_string_equal(c->verdict, "VALID");
    assert_string_equal(finding_fixture_codes(c->warnings),
                        "[\"FEW_REPEATS\",\"FEW_SAMPLES\"]");
}

static void test_pooled_percentiles(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    for (int32_t i = 3; i < 9; i++)
        stats_fixture_repeat(&b->f, 0, i);
    build(b);
    const struct summary_entry *c = &b->summary.entries[0];
    assert_int_equal(c->count, 8);
    /* 16 TTFTs, 110 to 180 ms in pairs: the 8th is 140 ms; 90 % needs 64 */
    stats_fixture_near(c->pools[SUMMARY_POOL_ttft_s][0].value, 0.140, 1e-12);
    assert_true(isnan(c->pools[SUMMARY_POOL_ttft_s][1].value));
    /* 32 distinct instants of 64 gaps, 11 to 18 ms */
    stats_fixture_near(c->pools[SUMMARY_POOL_itl_ms][0].value, 14, 1e-12);
    assert_true(isnan(c->pools[SUMMARY_POOL_itl_ms][1].value));
    /* slower with every repeat */
    assert_true(verdict_has(c->warnings, "TREND"));
    assert_true(verdict_has(c->warnings, "UNREPEATABLE"));
    assert_false(verdict_has(c->warnings, "FEW_REPEATS"));
    assert_false(isnan(c->spread[METRIC_tokens_per_second].ci95_low));
}

static void test_failed_and_invalid(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    b->f.repeats[1].error = "died";
    b->f.repeats[2].requests[0].tokens_out = 4;
    build(b);
    const struct summary_entry *c = &b->summary.entries[0];
    assert_int_equal(c->count, 1);
    assert_int_equal(c->failed_rows, 1);
    assert_int_equal(c->repeats_for_2_percent, 0);
    assert_string_equal(c->verdict, "INVALID");
    assert_string_equal(finding_fixture_codes(c->reasons), "[\"SHORT_OUTPUT\"]");
    assert_non_null(
        strstr(finding_fixture_checks(c->checks), "\"code\":\"SHORT_OUTPUT\""));
    b->f.repeats[2].error = "died too";
    build(b);
    c = &b->summary.entries[0];
    assert_null(c->verdict);
    assert_true(isnan(c->spread[METRIC_tokens_per_second].mean));
    assert_string_equal(finding_fixture_codes(c->reasons), "[]");
    assert_int_equal(c->failed_rows, 2);
}

static void test_keys(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    int32_t medium = stats_fixture_cell(&b->f, "medium", 2);
    int32_t again = stats_fixture_cell(&b->f, "medium", 2);
    stats_fixture_cell(&b->f, "never begun", 2);
    stats_fixture_repeat(&b->f, medium, 0);
    stats_fixture_repeat(&b->f, again, 0);
    build(b);
    assert_int_equal(b->summary.count, 3);
    const struct summary_entry *c = b->summary.entries;
    assert_string_equal(c[0].key, "g5.xlarge_offline_bs2_in17_out5_cacheFalse_short");
    assert_string_equal(c[1].key,
                        "g5.xlarge_offline_bs2_in17_out5_cacheFalse_medium_rateNone");
    assert_string_equal(c[2].key,
                        "g5.xlarge_offline_bs2_in17_out5_cacheFalse_medium_rateNone_2");
    b->f.cells[medium].fields.v[FIELD_request_rate] = value_num(10);
    b->f.cells[again].fields.v[FIELD_request_rate] = value_str("inf");
    build(b);
    c = b->summary.entries;
    assert_string_equal(c[1].key,
                        "g5.xlarge_offline_bs2_in17_out5_cacheFalse_medium_rate10");
    assert_string_equal(c[2].key,
                        "g5.xlarge_offline_bs2_in17_out5_cacheFalse_medium_rateinf");
}

static void test_no_memory(void **state)
{
    struct bench *b = *state;
    struct err e = {0};
    struct row *rows = NULL;
    stats_fixture_init(&b->f);
    for (int32_t i = 3; i < 8; i++)
        stats_fixture_repeat(&b->f, 0, i);
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct summary out = {.count = 77};
        arena_fini(&b->arena);
        arena_init(&b->arena, 16 << 20);
        assert_int_equal(rows_build_all(&b->f.run, &b->arena, &rows, &e), STATUS_OK);
        alloc_fixture_arm(&alloc);
        enum status s = summary_build(&b->f.run, rows, &b->arena, &out, &e);
        alloc_fixture_judge(&alloc, s);
        assert_true(s == STATUS_OK || (s == STATUS_NO_MEMORY && out.count == 77));
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

/* A cost is its rate's inverse, in its mean and at both ends of its interval. numpy: the
 * mean of log(v), scipy's t.ppf(.975, 4). */
static void test_cost(void **state)
{
    (void)state;
    double rates[] = {100, 80, 125, 90, 110};
    double costs[5];
    for (int i = 0; i < 5; i++)
        costs[i] = 1e4 / rates[i];
    const enum metric cost = METRIC_usd_per_million_output_tokens;
    struct spread r = metric_spread(cost, RECORD_FORMAT, rates, 5);
    struct spread c = metric_spread(cost, RECORD_FORMAT, costs, 5);
    stats_fixture_near(r.mean, 99.79919516614252, 1e-9);
    stats_fixture_near(r.ci95_low, 80.50514279538703, 1e-6);
    stats_fixture_near(c.mean * r.mean, 1e4, 1e-8);
    stats_fixture_near(c.ci95_low * r.ci95_high, 1e4, 1e-8);
    stats_fixture_near(c.ci95_high * r.ci95_low, 1e4, 1e-8);
    assert_true(c.min == 80 && c.max == 125);
    assert_true(isnan(metric_spread(cost, RECORD_FORMAT, rates, 2).ci95_low));
    assert_true(isnan(metric_spread(cost, RECORD_FORMAT, rates, 0).mean));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_pooled_percentiles),
        cmocka_unit_test(test_failed_and_invalid),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
