#include "stats/verdict.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "stats/rows.h"
#include "stats_fixture.h"

struct bench {
    struct stats_fixture f;
    struct arena arena;
    struct row *rows;
};

static void restart(struct bench *b)
{
    stats_fixture_init(&b->f);
    b->f.cells[0].fields.v[FIELD_is_simulated] = value_bool(false);
    b->f.cells[0].fields.v[FIELD_weights] = value_str("real");
}

static void build(struct bench *b)
{
    struct err e = {0};
    arena_fini(&b->arena);
    arena_init(&b->arena, 16 << 20);
    if (rows_build_all(&b->f.run, &b->arena, &b->rows, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

/* Row 1 has exactly these codes, "" for none; the verdict follows. */
static void expect(struct bench *b, const char *reasons, const char *warnings)
{
    build(b);
    const struct row *r = &b->rows[1];
    assert_string_equal(field_str(r, FIELD_reasons), reasons);
    assert_string_equal(field_str(r, FIELD_warnings), warnings);
    bool is_valid = strcmp(reasons, "[]") == 0;
    assert_string_equal(field_str(r, FIELD_verdict), is_valid ? "VALID" : "INVALID");
}

static void set(struct bench *b, enum field_id id, struct value v)
{
    b->f.repeats[1].fields.v[id] = v;
}

static void test_a_good_row(void **state)
{
    struct bench *b = *state;
    restart(b);
    expect(b, "[]", "[]");
    const char *checks = field_str(&b->rows[1], FIELD_checks);
    assert_non_null(strstr(checks, "{\"code\":\"ERRORS\",\"field\":\"requests_failed\","
                                   "\"value\":0.0,\"limit\":0.001}"));
    assert_null(strstr(checks, "OVERLOADED")); /* its fields are null: not judged */
    assert_string_equal(field_str(&b->rows[0], FIELD_checks), "[]"); /* warm-up */
}

static void test_requests(void **state)
{
    struct bench *b = *state;
    restart(b);
    b->f.repeats[1].requests[1].status = RECORD_FAILED;
    expect(b, "[\"ERRORS\"]", "[]");
    restart(b);
    b->f.repeats[1].requests[1].tokens_out = 4;
    expect(b, "[\"SHORT_OUTPUT\"]", "[]");
    b->f.cells[0].has_fixed_lengths = false;
    expect(b, "[]", "[]");
    restart(b);
    b->f.repeats[1].requests[1].source = TOKEN_SOURCE_estimated;
    expect(b, "[\"TOKENS_ESTIMATED\"]", "[]");
    restart(b);
    b->f.repeats[1].requests[1].tokens_out = TOKENS_UNKNOWN;
    b->f.cells[0].has_fixed_lengths = false;
    expect(b, "[\"TOKENS_ESTIMATED\"]", "[]");
}

static void hits(struct bench *b, int64_t expected, double kv_usage, int64_t preemptions)
{
    restart(b);
    b->f.cells[0].fields.v[FIELD_enable_prefix_caching] = value_bool(true);
    b->f.repeats[1].requests[1].tokens_cached = 16;
    b->f.repeats[1].expected_cached_tokens = expected;
    set(b, FIELD_kv_usage_max, value_num(kv_usage));
    set(b, FIELD_preemptions, value_int(preemptions));
}

static void test_cache(void **state)
{
    struct bench *b = *state;
    restart(b);
    b->f.repeats[1].requests[1].tokens_cached = 16; /* caching is off */
    expect(b, "[\"CACHE_UNEXPECTED\"]", "[]");
    hits(b, 16, 0.5, 0);
    expect(b, "[]", "[]");
    hits(b, 0, 0.5, 0); /* more than allowed */
    expect(b, "[\"CACHE_UNEXPECTED\"]", "[]");
    hits(b, 0, 0.95, 0); /* a full cache does not excuse that */
    expect(b, "[\"CACHE_UNEXPECTED\"]", "[]");
    hits(b, 32, 0.5, 0); /* fewer, with room */
    expect(b, "[\"CACHE_UNEXPECTED\"]", "[]");
    hits(b, 32, 0.9, 0);
    expect(b, "[]", "[\"CACHE_EVICTED\"]");
    hits(b, 32, 0.5, 1);
    expect(b, "[]", "[\"CACHE_EVICTED\",\"PREEMPTED\"]");
    hits(b, 32, NAN, 0); /* room unknown: said, not refused */
    expect(b, "[]", "[\"CACHE_EVICTED\"]");
    hits(b, TOKENS_UNKNOWN, 0.5, 0);
    expect(b, "[]", "[]");
    hits(b, 16, 0.5, 0);
    b->f.repeats[1].requests[0].tokens_cached = TOKENS_UNKNOWN;
    expect(b, "[]", "[\"CACHE_UNKNOWN\"]");
}

static void test_machine(void **state)
{
    struct bench *b = *state;
    restart(b);
    set(b, FIELD_steal_ratio, value_num(0.02));
    set(b, FIELD_throttled_s, value_num(0));
    expect(b, "[]", "[]"); /* the limit itself is no breach */
    set(b, FIELD_steal_ratio, value_num(0.021));
    expect(b, "[]", "[\"MACHINE_NOISY\"]");
    set(b, FIELD_steal_ratio, value_num(0));
    set(b, FIELD_throttled_s, value_num(0.01));
    expect(b, "[]", "[\"MACHINE_NOISY\"]");
    restart(b);
    b->f.cells[0].fields.v[FIELD_is_simulated] = value_bool(true);
    b->f.cells[0].fields.v[FIELD_weights] = value_str("dummy");
    expect(b, "[]", "[\"SIMULATED\",\"DUMMY_WEIGHTS\"]");
}

static void online(struct bench *b)
{
    restart(b);
    b->f.run.serving_mode = "online";
    b->f.cells[0].fields.v[FIELD_arrival] = value_str("poisson");
    b->f.cells[0].fields.v[FIELD_request_rate] = value_num(10);
    set(b, FIELD_window_s, value_num(10)); /* long enough to be judged, just so */
    set(b, FIELD_steady_s, value_num(5));
}

/* Whether a code is among the row's warnings. */
static bool warns(struct bench *b, const char *code)
{
    build(b);
    return verdict_has_code(field_str(&b->rows[1], FIELD_warnings), code);
}

static void test_client(void **state)
{
    struct bench *b = *state;
    online(b);
    expect(b, "[]", "[]");
    b->f.repeats[1].requests[1].sent_ns += 5 * NS_PER_MS;
    expect(b, "[]", "[]"); /* half of the sends, but one alone is an accident */
    set(b, FIELD_sends_late, value_int(3));
    expect(b, "[\"CLIENT_LATE\"]", "[]");
    b->f.cells[0].fields.v[FIELD_request_rate] = value_str("inf");
    expect(b, "[]", "[]");
    online(b); /* 1 of 100 is not above 1 %; the limit of 1.1 ms is 1 % of the TTFT */
    set(b, FIELD_sends_late, value_int(3));
    set(b, FIELD_send_late_share, value_num(0.01));
    expect(b, "[]", "[]");
    set(b, FIELD_send_late_share, value_num(0.0101));
    expect(b, "[\"CLIENT_LATE\"]", "[]");
    set(b, FIELD_sends_late, value_int(2));
    expect(b, "[]", "[]");
    online(b);
    set(b, FIELD_sends_late, value_int(3));
    b->f.repeats[1].requests[1].sent_ns = b->f.repeats[1].requests[1].ready_ns + 1100000;
    expect(b, "[]", "[]");
    b->f.repeats[1].requests[1].sent_ns += 50000; /* of the mean of both TTFT: 1.1 ms */
    expect(b, "[\"CLIENT_LATE\"]", "[]");
    online(b);
    set(b, FIELD_client_busy_share, value_num(0.05));
    set(b, FIELD_client_busy_windows, value_int(50));
    expect(b, "[]", "[]");
    set(b, FIELD_client_busy_share, value_num(0.06));
    set(b, FIELD_client_busy_windows, value_int(2));
    expect(b, "[]", "[]");
    set(b, FIELD_client_busy_windows, value_int(3));
    expect(b, "[\"CLIENT_BUSY\"]", "[]");
}

static void test_stamps(void **state)
{
    struct bench *b = *state;
    struct request_record *q = &b->f.repeats[1].requests[1];
    online(b);
    q->stamps_exact = 99;
    q->stamps_bounded = 1;
    expect(b, "[]", "[]");
    q->stamps_exact = 98;
    expect(b, "[]", "[\"STAMPS_BOUNDED\"]");
    q->stamps_tail = 1000; /* counted apart */
    expect(b, "[]", "[\"STAMPS_BOUNDED\"]");
    q->stamps_bounded = 0;
    expect(b, "[]", "[]");
}

/* A server that is not ours: what it does not tell is not held against it. */
static void test_other_servers(void **state)
{
    struct bench *b = *state;
    online(b);
    b->f.cells[0].fields.v[FIELD_enable_prefix_caching] = value_null();
    b->f.repeats[1].requests[1].tokens_cached = 16;
    expect(b, "[]", "[]");
    b->f.repeats[1].requests[1].source = TOKEN_SOURCE_usage;
    expect(b, "[]", "[]");
    b->f.repeats[1].requests[1].source = TOKEN_SOURCE_estimated;
    expect(b, "[\"TOKENS_ESTIMATED\"]", "[]");
}

static void test_load(void **state)
{
    struct bench *b = *state;
    online(b); /* the plan spans 1 s: 10 ms + 10 ms are allowed */
    b->f.repeats[1].requests[1].due_ns += NS_PER_S;
    set(b, FIELD_send_stretch_s, value_num(0.02));
    expect(b, "[]", "[]");
    set(b, FIELD_send_stretch_s, value_num(0.0201));
    expect(b, "[\"RATE_MISSED\"]", "[]");
    set(b, FIELD_requests_held, value_int(1));
    expect(b, "[]", "[\"RATE_CAPPED\"]");
    online(b);
    set(b, FIELD_send_stretch_s, value_num(99));
    b->f.cells[0].fields.v[FIELD_request_rate] = value_str("inf");
    expect(b, "[]", "[]");
    b->f.cells[0].fields.v[FIELD_request_rate] = value_null();
    b->f.cells[0].fields.v[FIELD_arrival] = value_str("closed");
    expect(b, "[]", "[]");
}

static void test_overload(void **state)
{
    struct bench *b = *state;
    online(b);
    set(b, FIELD_steady_s, value_num(4.99)); /* less than half of the window */
    set(b, FIELD_inflight_middle, value_num(100));
    set(b, FIELD_inflight_last, value_num(1000));
    expect(b, "[]", "[\"SHORT_RUN\"]");
    b->f.cells[0].fields.v[FIELD_request_rate] = value_str("inf");
    expect(b, "[]", "[]");
    b->f.cells[0].fields.v[FIELD_request_rate] = value_num(10);
    assert_true(warns(b, "SHORT_RUN"));
    online(b);
    set(b, FIELD_inflight_middle, value_num(400));
    set(b, FIELD_inflight_last, value_num(480));
    expect(b, "[]", "[]");
    set(b, FIELD_inflight_last, value_num(481));
    expect(b, "[\"OVERLOADED\"]", "[]");
    assert_false(warns(b, "SHORT_RUN"));
    b->f.cells[0].fields.v[FIELD_request_rate] = value_null();
    b->f.cells[0].fields.v[FIELD_arrival] = value_str("closed");
    expect(b, "[]", "[]");
    online(b); /* 3 sqrt of the mean, 8, is more than 20 % of 4 */
    set(b, FIELD_inflight_middle, value_num(4));
    set(b, FIELD_inflight_last, value_num(12));
    expect(b, "[]", "[]");
    set(b, FIELD_inflight_last, value_num(14)); /* 4 + 3 x 3 = 13 */
    expect(b, "[\"OVERLOADED\"]", "[]");
    set(b, FIELD_inflight_middle, value_num(0)); /* a third in which nothing was due */
    set(b, FIELD_inflight_last, value_num(0.5));
    expect(b, "[]", "[]");
}

static void test_limits(void **state)
{
    struct bench *b = *state;
    struct limit limits[] = {{"MACHINE_NOISY", 0.5}, {"SIMULATED", 9}};
    restart(b);
    b->f.run.limits = limits;
    b->f.run.limit_count = 2;
    set(b, FIELD_steal_ratio, value_num(0.4));
    expect(b, "[]", "[]");
    assert_non_null(strstr(field_str(&b->rows[1], FIELD_checks), "\"limit\":0.5}"));
    assert_true(isnan(verdict_limit(&b->f.run, verdict_find("SIMULATED"))));
}

static void test_table(void **state)
{
    (void)state;
    size_t count = 0;
    const struct verdict_rule *rules = verdict_rules(&count);
    assert_int_equal(count, 21);
    bool has_cell = false;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(verdict_find(rules[i].code), &rules[i]);
        assert_non_null(rules[i].judge);
        has_cell |= rules[i].is_cell;
        assert_true(rules[i].is_cell == has_cell); /* cell rules come last */
    }
    assert_null(verdict_find("NO_SUCH"));
    assert_null(verdict_find(NULL));
    assert_true(verdict_has_code("[\"A\",\"BC\"]", "BC"));
    assert_false(verdict_has_code("[\"A\",\"BC\"]", "B"));
    assert_false(verdict_has_code("[\"A_B\"]", "B"));
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
        cmocka_unit_test(test_a_good_row),    cmocka_unit_test(test_requests),
        cmocka_unit_test(test_cache),         cmocka_unit_test(test_machine),
        cmocka_unit_test(test_client),        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_other_servers), cmocka_unit_test(test_load),
        cmocka_unit_test(test_overload),      cmocka_unit_test(test_limits),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
