#include "stats/rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "finding_fixture.h"
#include "stats_fixture.h"

struct bench {
    struct stats_fixture f;
    struct arena arena;
    struct row *rows;
};

static void build(struct bench *b)
{
    struct err e = {0};
    arena_fini(&b->arena);
    arena_init(&b->arena, 16 << 20);
    enum status s = rows_build_all(&b->f.run, &b->arena, &b->rows, &e);
    if (s != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

static void assert_num(const struct row *r, enum field_id id, double want)
{
    double got = field_num(r, id);
    if (!(fabs(got - want) <= 1e-12 * fmax(1, fabs(want))))
        fail_msg("%s: got %.17g, want %.17g", field_table[id].name, got, want);
}

static void assert_text(const struct row *r, enum field_id id, const char *want)
{
    const char *got = field_str(r, id);
    if (got == NULL || strcmp(got, want) != 0)
        fail_msg("%s: got %s, want %s", field_table[id].name, got ? got : "null", want);
}

static void assert_unset(const struct row *r, enum field_id id)
{
    if (r->v[id].kind != VALUE_NULL)
        fail_msg("%s is not null", field_table[id].name);
}

static void test_numbers(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    build(b);
    const struct row *r = &b->rows[1];
    assert_num(r, FIELD_total_time, 0.154);
    assert_num(r, FIELD_actual_input_tokens, 33);
    assert_num(r, FIELD_actual_output_tokens, 10);
    assert_num(r, FIELD_tokens_per_second, 10 / 0.154);
    assert_num(r, FIELD_time_per_token, 15.4);
    assert_num(r, FIELD_total_tokens_per_second, 43 / 0.154);
    assert_num(r, FIELD_requests_per_second, 2 / 0.154);
    assert_num(r, FIELD_window_s, 0.154);
    assert_num(r, FIELD_window_tokens_per_second, 10 / 0.154);
    assert_num(r, FIELD_first_token_latency, 0.110);
    assert_num(r, FIELD_ttft_mean_s, 0.110);
    assert_num(r, FIELD_e2e_mean_s, 0.154);
    assert_num(r, FIELD_prefill_time, 0.090);
    assert_num(r, FIELD_decode_time, 0.044);
    assert_num(r, FIELD_inter_token_latency, 11);
    assert_num(r, FIELD_tpot_mean_ms, 11);
    assert_num(r, FIELD_itl_mean_ms, 11);
    assert_num(r, FIELD_itl_max_ms, 11);
    assert_num(r, FIELD_itl_gaps, 8);
    assert_num(r, FIELD_itl_excluded, 0);
    assert_num(r, FIELD_cache_hit_rate, 0);
    assert_num(r, FIELD_cache_hit_rate_expected, 0);
    assert_num(r, FIELD_usd_per_million_output_tokens, 0.001 / (10 / 0.154) * 1e6);
    assert_num(r, FIELD_requests_wrong_length, 0);
    assert_unset(r, FIELD_ttft_p50_s); /* two requests */
    assert_unset(r, FIELD_itl_p50_ms); /* four instants */
    assert_unset(r, FIELD_send_lag_max_s);
    assert_unset(r, FIELD_ttft_service_mean_s);
    assert_unset(r, FIELD_stamps_exact);
    assert_unset(r, FIELD_error);
}

static void test_identity(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    b->f.repeats[2].start_ns = b->f.repeats[1].start_ns + 5; /* the same second */
    build(b);
    assert_text(&b->rows[0], FIELD_experiment_id,
                "g5.xlarge_offline_short_20251125_180807");
    assert_text(&b->rows[1], FIELD_experiment_id,
                "g5.xlarge_offline_short_20251125_180817");
    assert_text(&b->rows[2], FIELD_experiment_id,
                "g5.xlarge_offline_short_20251125_180817_2");
    b->f.cells[0].fields.v[FIELD_label] = value_str("fast"); /* a setting by name */
    build(b);
    assert_text(&b->rows[2], FIELD_experiment_id,
                "g5.xlarge_offline_short_fast_20251125_180817_2");
    assert_text(&b->rows[2], FIELD_label, "fast");
    b->f.cells[0].fields.v[FIELD_label] = (struct value){0};
    build(b);
    assert_text(&b->rows[1], FIELD_timestamp, "2025-11-25T18:08:17.000000");
    assert_text(&b->rows[1], FIELD_timestamp_utc, "2025-11-25T09:08:17.000000+00:00");
    assert_text(&b->rows[0], FIELD_notes, "scenario=short, run=0, warmup=True");
    assert_text(&b->rows[2], FIELD_notes, "scenario=short, run=2, warmup=False");
    assert_text(&b->rows[0], FIELD_label, "g5.xlarge");
    assert_text(&b->rows[0], FIELD_metadata, "{}");
    assert_num(&b->rows[2], FIELD_row, 2);
    assert_num(&b->rows[2], FIELD_seed, 7);
    assert_num(&b->rows[2], FIELD_input_length, 17);
    assert_unset(&b->rows[0], FIELD_verdict);
    assert_string_equal(finding_fixture_of(&b->rows[0], FIELD_checks), "[]");
    assert_text(&b->rows[1], FIELD_verdict, "VALID");
}

/* Many rows of one second, as of a damaged journal: each has its own id, in order. */
static void test_many_in_one_second(void **state)
{
    enum { MANY = 300 };
    static struct repeat_data repeats[MANY];
    struct bench *b = *state;
    char want[64];
    stats_fixture_init(&b->f);
    for (int i = 0; i < MANY; i++)
        repeats[i] = (struct repeat_data){
            .repeat = i, .start_ns = i % 2 * NS_PER_S + i, .error = "gone"};
    b->f.run.repeats = repeats;
    b->f.run.repeat_count = MANY;
    build(b);
    for (int i = 2; i < MANY; i++) {
        (void)snprintf(want, sizeof want, "g5.xlarge_offline_short_20251125_18080%d_%d",
                       7 + i % 2, i / 2 + 1);
        assert_text(&b->rows[i], FIELD_experiment_id, want);
    }
}

static void test_input_length(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    b->f.repeats[0].requests[0].tokens_in = 40; /* any repeat of the cell counts */
    build(b);
    assert_num(&b->rows[2], FIELD_input_length, 40);
    for (int i = 0; i < 3; i++)
        b->f.repeats[i].request_count = 0;
    build(b);
    assert_num(&b->rows[2], FIELD_input_length, 17);
    b->f.cells[0].longest_prompt_tokens = TOKENS_UNKNOWN;
    build(b);
    assert_unset(&b->rows[2], FIELD_input_length);
}

static void test_no_field_is_absent(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    build(b);
    for (int i = 0; i < FIELD_COUNT; i++)
        assert_true(b->rows[0].v[i].kind != VALUE_ABSENT);
}

static void test_engine_that_counts_no_hits(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    for (size_t i = 0; i < b->f.repeats[1].request_count; i++)
        b->f.repeats[1].requests[i].tokens_cached = TOKENS_UNKNOWN;
    build(b);
    assert_unset(&b->rows[1], FIELD_cached_input_tokens);
    assert_unset(&b->rows[1], FIELD_cache_hit_rate_expected);
    b->f.repeats[1].fields.v[FIELD_cache_source] = value_str("engine");
    build(b);
    assert_num(&b->rows[1], FIELD_cache_hit_rate_expected, 0);
}

static void test_failed(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    b->f.repeats[1].error = "worker killed";
    b->f.repeats[1].requests[1].status = RECORD_FAILED;
    b->f.repeats[1].requests[1].fail = FAIL_engine;
    b->f.repeats[2].is_ended = false;
    b->f.repeats[2].request_count = 0;
    build(b);
    assert_text(&b->rows[1], FIELD_error, "worker killed");
    assert_num(&b->rows[1], FIELD_requests_ok, 1);
    assert_num(&b->rows[1], FIELD_actual_output_tokens, 5);
    assert_text(&b->rows[1], FIELD_failed_by_class, "{\"engine\":1}");
    assert_unset(&b->rows[1], FIELD_tokens_per_second);
    assert_unset(&b->rows[1], FIELD_verdict);
    assert_text(&b->rows[2], FIELD_error, "interrupted");
    assert_num(&b->rows[2], FIELD_requests_cancelled, 2);
    assert_unset(&b->rows[2], FIELD_actual_output_tokens);
}

static void test_nothing_succeeded(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    for (int i = 0; i < 2; i++)
        b->f.repeats[1].requests[i].status = RECORD_FAILED;
    build(b);
    assert_text(&b->rows[1], FIELD_error, "no request succeeded");
    b->f.repeats[1].requests[1].error = "prompt too long";
    build(b);
    assert_text(&b->rows[1], FIELD_error, "prompt too long");
}

static void test_no_gaps(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    b->f.cells[0].has_gaps = false;
    for (int i = 0; i < 2; i++)
        b->f.repeats[1].requests[i].event_count = 0;
    build(b);
    assert_unset(&b->rows[1], FIELD_itl_mean_ms);
    assert_unset(&b->rows[1], FIELD_itl_max_ms);
    assert_num(&b->rows[1], FIELD_tpot_mean_ms, 11);
}

static void test_online(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    b->f.run.serving_mode = "online";
    b->f.cells[0].fields.v[FIELD_arrival] = value_str("poisson");
    b->f.cells[0].fields.v[FIELD_request_rate] = value_num(10);
    b->f.repeats[1].fields.v[FIELD_window_s] = value_num(0.1);
    b->f.repeats[1].fields.v[FIELD_window_tokens_per_second] = value_num(50);
    b->f.repeats[1].requests[1].sent_ns += 2 * NS_PER_MS;
    build(b);
    const struct row *r = &b->rows[1];
    assert_num(r, FIELD_window_s, 0.1); /* what the run knew stays */
    assert_num(r, FIELD_usd_per_million_output_tokens, 0.001 / 50 * 1e6);
    assert_num(r, FIELD_send_lag_max_s, 2.001e-3);
    assert_num(r, FIELD_send_late_share, 0.5); /* one of two above max(1 ms, 1.1 ms) */
    assert_num(r, FIELD_send_stretch_s, 2.001e-3);
    assert_num(r, FIELD_ttft_service_mean_s, 0.110 - 2.001e-3 / 2);
    assert_num(r, FIELD_stamps_exact, 10);
}

static void test_bad_cell(void **state)
{
    struct bench *b = *state;
    struct err e = {0};
    stats_fixture_init(&b->f);
    b->f.repeats[1].cell = 9;
    assert_int_equal(rows_build_all(&b->f.run, &b->arena, &b->rows, &e),
                     STATUS_BAD_INPUT);
}

static void test_no_memory(void **state)
{
    struct bench *b = *state;
    stats_fixture_init(&b->f);
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct err e = {0};
        struct row *rows = NULL;
        arena_fini(&b->arena);
        arena_init(&b->arena, 16 << 20);
        alloc_fixture_arm(&alloc);
        enum status s = rows_build_all(&b->f.run, &b->arena, &rows, &e);
        alloc_fixture_judge(&alloc, s);
        assert_true(s == STATUS_OK || (s == STATUS_NO_MEMORY && rows == NULL));
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
        cmocka_unit_test(test_many_in_one_second),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_input_length),
        cmocka_unit_test(test_no_field_is_absent),
        cmocka_unit_test(test_engine_that_counts_no_hits),
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_nothing_succeeded),
        cmocka_unit_test(test_no_gaps),
        cmocka_unit_test(test_online),
        cmocka_unit_test(test_bad_cell),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
