#include "stats/rows_measure.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/mem.h"
#include "stats_fixture.h"

struct bench {
    struct stats_fixture f;
    struct arena arena;
    struct row row;
    struct rows_measure m;
};

static int set_up(void **state)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    stats_fixture_init(&b.f);
    arena_init(&b.arena, 1 << 20);
    b.m = (struct rows_measure){.run = &b.f.run,
                                .cell = &b.f.cells[0],
                                .repeat = &b.f.repeats[1],
                                .row = &b.row,
                                .arena = &b.arena};
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    arena_fini(&b->arena);
    return 0;
}

static enum status measure_all(struct bench *b)
{
    struct rows_measure *m = &b->m;
    m->row->v[FIELD_serving_mode] = value_str(m->is_online ? "online" : "offline");
    enum status s = loadshape_init(&m->shape, m->run, m->repeat, m->row);
    m->scope = loadshape_scope(&m->shape);
    tally_count(m->repeat, &m->tally);
    rows_measure_counts(m);
    if (s == STATUS_OK && m->is_online)
        s = rows_online_fill(m);
    if (s == STATUS_OK)
        s = rows_measure_times(m);
    return m->arena->has_failed ? STATUS_NO_MEMORY : s;
}

static void measure(struct bench *b)
{
    assert_int_equal(measure_all(b), STATUS_OK);
}

static void is(const struct bench *b, enum field_id id, double want)
{
    double got = field_num(&b->row, id);
    if (!(fabs(got - want) <= 1e-9 * fmax(1e-3, fabs(want))))
        fail_msg("%s: got %.17g, want %.17g", field_table[id].name, got, want);
}

static void is_kind(const struct bench *b, enum field_id id, enum value_kind want)
{
    if (b->row.v[id].kind != want)
        fail_msg("%s is of kind %d", field_table[id].name, b->row.v[id].kind);
}

static void test_offline(void **state)
{
    struct bench *b = *state;
    b->row.v[FIELD_price_usd_per_hour] = value_num(3.6);
    measure(b);
    is(b, FIELD_requests_ok, 2);
    is(b, FIELD_actual_output_tokens, 10);
    is(b, FIELD_tokens_per_second, 10 / 0.154);
    is(b, FIELD_first_token_latency, 0.110);
    is(b, FIELD_e2e_mean_s, 0.154);
    is(b, FIELD_tpot_mean_ms, 11);
    is(b, FIELD_itl_gaps, 8);
    is(b, FIELD_usd_per_million_output_tokens, 15.4);
    assert_string_equal(field_str(&b->row, FIELD_failed_by_class), "{}");
    assert_string_equal(field_str(&b->row, FIELD_token_source), "engine");
    is_kind(b, FIELD_ttft_p50_s, VALUE_NULL); /* below its floor of 11 */
    is_kind(b, FIELD_send_lag_max_s, VALUE_ABSENT);
    is_kind(b, FIELD_stamps_exact, VALUE_ABSENT);
    is_kind(b, FIELD_e2e_service_mean_s, VALUE_ABSENT);
    is_kind(b, FIELD_steady_s, VALUE_ABSENT);
    is_kind(b, FIELD_connections_new, VALUE_ABSENT);
}

static void test_online(void **state)
{
    struct bench *b = *state;
    struct request_record *q = b->f.requests[1];
    b->m.is_online = true;
    static uint8_t marks[] = {0, 4, 4, 4, 8}; /* exact, bounded thrice, tail */
    q[1].marks = marks;
    q[1].due_ns -= 50 * NS_PER_MS;
    q[1].sent_ns = q[1].ready_ns + 20 * NS_PER_MS;
    b->row.v[FIELD_price_usd_per_hour] = value_num(3.6);
    b->row.v[FIELD_window_tokens_per_second] = value_num(100); /* known better */
    measure(b);
    is(b, FIELD_stamps_exact, 6);
    is(b, FIELD_stamps_bounded, 3);
    is(b, FIELD_stamps_tail, 1);
    is(b, FIELD_ttft_mean_s, (0.110 + 0.160) / 2);         /* from due */
    is(b, FIELD_ttft_service_mean_s, (0.110 + 0.090) / 2); /* from sent */
    is(b, FIELD_send_lag_max_s, 0.020);
    is(b, FIELD_send_late_share, 0.5);
    is(b, FIELD_send_stretch_s, 0.020); /* last sent 20 ms after the last was due */
    is(b, FIELD_window_tokens_per_second, 100);
    is(b, FIELD_usd_per_million_output_tokens, 10);
    marks[0] = 4; /* nobody knows when that answer began */
    b->row.v[FIELD_ttft_mean_s] = b->row.v[FIELD_decode_time] = (struct value){0};
    measure(b);
    assert_true(isnan(field_num(&b->row, FIELD_ttft_mean_s)));
    assert_true(isnan(field_num(&b->row, FIELD_decode_time)));
    marks[0] = 0;
}

static void test_failures(void **state)
{
    struct bench *b = *state;
    static const enum fail_class fails[] = {FAIL_none, FAIL_timeout, FAIL_timeout};
    struct request_record *q = b->f.requests[1];
    b->f.repeats[1].request_count = 4;
    b->f.repeats[1].requests_planned = 5;
    for (int i = 0; i < 3; i++) {
        q[i + 1].status = RECORD_FAILED;
        q[i + 1].fail = fails[i];
    }
    q[0].tokens_out = 3;
    measure(b);
    assert_string_equal(field_str(&b->row, FIELD_failed_by_class),
                        "{\"other\":1,\"timeout\":2}");
    is(b, FIELD_requests_failed, 3);
    is(b, FIELD_requests_cancelled, 1);
    is(b, FIELD_requests_wrong_length, 1);
    is(b, FIELD_actual_output_tokens, 3);
}

static void test_none_succeeded(void **state)
{
    struct bench *b = *state;
    b->f.repeats[1].request_count = 0;
    measure(b);
    is(b, FIELD_requests_cancelled, 2);
    is_kind(b, FIELD_actual_output_tokens, VALUE_ABSENT);
    is_kind(b, FIELD_tokens_per_second, VALUE_NULL);
    is_kind(b, FIELD_usd_per_million_output_tokens, VALUE_NULL);
    is_kind(b, FIELD_cache_hit_rate, VALUE_NULL);
}

static void test_what_is_set_stays(void **state)
{
    struct bench *b = *state;
    b->row.v[FIELD_tokens_per_second] = value_num(1);
    b->row.v[FIELD_cache_hit_rate] = value_null();
    field_fill(&b->row, FIELD_total_time, value_num(2));
    field_fill(&b->row, FIELD_total_time, value_num(3));
    measure(b);
    is(b, FIELD_tokens_per_second, 1);
    is(b, FIELD_total_time, 2);
    is_kind(b, FIELD_cache_hit_rate, VALUE_NULL);
}

static void test_settings(void **state)
{
    struct bench *b = *state;
    struct request_record *q = b->f.requests[1];
    b->f.cells[0].has_gaps = b->f.cells[0].has_fixed_lengths = false;
    b->f.repeats[1].expected_cached_tokens = 11;
    q[0].tokens_cached = 8;
    q[1].tokens_cached = 3;
    q[1].max_tokens = 50;
    measure(b);
    is(b, FIELD_requests_wrong_length, 0); /* an answer may end early */
    is(b, FIELD_cached_input_tokens, 11);
    is(b, FIELD_cache_hit_rate, 11.0 / 33);
    is(b, FIELD_cache_hit_rate_expected, 11.0 / 33);
    is_kind(b, FIELD_itl_mean_ms, VALUE_ABSENT);
    is_kind(b, FIELD_itl_max_ms, VALUE_ABSENT);
}

static void test_nobody_counted(void **state)
{
    struct bench *b = *state;
    b->f.requests[1][1].tokens_cached = b->f.requests[1][1].tokens_out = TOKENS_UNKNOWN;
    measure(b);
    is_kind(b, FIELD_actual_output_tokens, VALUE_NULL);
    is_kind(b, FIELD_tokens_per_second, VALUE_NULL);
    is_kind(b, FIELD_cached_input_tokens, VALUE_NULL);
    is(b, FIELD_actual_input_tokens, 33);
}

static void test_no_memory(void **state)
{
    struct bench *b = *state;
    b->m.is_online = true;
    struct alloc_fixture alloc = {.least = 5};
    while (alloc_fixture_next(&alloc)) {
        arena_fini(&b->arena);
        memset(&b->row, 0, sizeof b->row);
        alloc_fixture_arm(&alloc);
        alloc_fixture_judge(&alloc, measure_all(b));
    }
    is(b, FIELD_tpot_mean_ms, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_offline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_online, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_none_succeeded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_set_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
