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
#include "stats/verdict.h"
#include "finding_fixture.h"
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
    assert_string_equal(finding_fixture_of(r, FIELD_reasons), reasons);
    assert_string_equal(finding_fixture_of(r, FIELD_warnings), warnings);
    const char *verdict = "INVALID";
    if (strcmp(reasons, "[]") == 0)
        verdict = "VALID";
    else if (strcmp(reasons, "[\"SHORT_RUN\"]") == 0 ||
             strcmp(reasons, "[\"TOKENS_UNDERCOUNTED\"]") == 0)
        verdict = "INCONCLUSIVE";
    assert_string_equal(field_str(r, FIELD_verdict), verdict);
}

/* Row 1 has a finding with these words for people. */
static bool has_text(struct bench *b, const char *words)
{
    return strstr(finding_fixture_of(&b->rows[1], FIELD_checks), words) != NULL;
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
    const char *checks = finding_fixture_of(&b->rows[1], FIELD_checks);
    assert_non_null(strstr(checks, "{\"code\":\"ERRORS\",\"field\":\"requests_failed\","
                                   "\"value\":0.0,\"limit\":0.001}"));
    assert_null(strstr(checks, "OVERLOADED")); /* its fields are null: not judged */
    assert_string_equal(finding_fixture_of(&b->rows[0], FIELD_checks), "[]"); /* warm-up
                                                                                 */
}

static void test_requests(void **state)
{
    struct bench *b = *state;
    restart(b);
    b->f.repeats[1].requests[1].status = RECORD_FAILED;
    b->f.repeats[1].requests[1].fail = FAIL_http;
    b->f.repeats[1].requests[1].http_status = 429;
    b->f.repeats[1].requests[1].error = "HTTP 429: rate limit";
    expect(b, "[\"ERRORS\"]", "[]");
    assert_true(has_text(b, "\"429 x 1: rate limit\""));
    restart(b);
    b->f.repeats[1].requests[1].status = RECORD_UNANSWERED;
    b->f.repeats[1].requests[1].error = "no end of the answer";
    expect(b, "[\"ERRORS\"]", "[]");
    assert_true(has_text(b, "\"unanswered x 1: no end of the answer\""));
    /* a mean over the others would stand for all */
    assert_int_equal(b->rows[1].v[FIELD_ttft_mean_s].kind, VALUE_NULL);
    assert_int_equal(b->rows[1].v[FIELD_first_token_latency].kind, VALUE_NULL);
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
    expect(b, "[\"TOKENS_ESTIMATED\"]", "[\"PARTIAL_ITL\",\"PARTIAL_TPOT\"]");
}

/* Each slot of a closed load ended unanswered: the server fell silent, after whatever
 * number of answers. */
static void test_silence(void **state)
{
    struct bench *b = *state;
    restart(b);
    struct row row = b->f.repeats[1].fields;
    row.v[FIELD_arrival] = value_str("closed");
    row.v[FIELD_batch_size] = value_int(2);
    row.v[FIELD_requests_planned] = value_int(5002);
    row.v[FIELD_requests_failed] = value_int(0);
    row.v[FIELD_requests_unanswered] = value_int(1);
    assert_false(verdict_load_has_errors(&b->f.run, &row));
    row.v[FIELD_requests_unanswered] = value_int(2);
    assert_true(verdict_load_has_errors(&b->f.run, &row));
    row.v[FIELD_arrival] = value_str("poisson");
    assert_false(verdict_load_has_errors(&b->f.run, &row));
    row.v[FIELD_slots_lost_share] = value_num(0.01);
    assert_false(verdict_load_has_errors(&b->f.run, &row));
    row.v[FIELD_slots_lost_share] = value_num(0.011);
    assert_true(verdict_load_has_errors(&b->f.run, &row));
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
    set(b, FIELD_window_s, value_num(12)); /* long enough to be judged, just so */
    set(b, FIELD_steady_s, value_num(12));
    set(b, FIELD_e2e_early_s, value_num(1));
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

/* So many stamps of each kind, in answers whose events nobody kept. */
/* More pieces of text than tokens, in both answers together. */
static void test_undercounted(void **state)
{
    struct bench *b = *state;
    online(b);
    struct request_record *q = b->f.repeats[1].requests;
    q[0].tokens_out = q[0].max_tokens = q[1].tokens_out = q[1].max_tokens = 100;
    q[0].classes[EVENT_TEXT].count = 102; /* 1 % */
    q[1].classes[EVENT_TEXT].count = 50;
    expect(b, "[]", "[]");
    q[0].classes[EVENT_TEXT].count = 103;
    expect(b, "[\"TOKENS_UNDERCOUNTED\"]", "[]");
    b->f.run.definitions = 1;
    expect(b, "[]", "[]");
}

/* Of answers of which --no-gaps left the classes: what their TPOT hangs on is unknown. */
static void stamps(struct bench *b, int64_t exact, int64_t bounded, int64_t tail)
{
    static struct limit any = {"PARTIAL_TPOT", 0};
    b->f.run.limits = &any;
    b->f.run.limit_count = 1;
    struct request_record *q = b->f.repeats[1].requests;
    for (int i = 0; i < 2; i++) {
        q[i].event_count = 0;
        memset(q[i].classes[EVENT_TEXT].stamps, 0,
               sizeof q[i].classes[EVENT_TEXT].stamps);
    }
    q[1].classes[EVENT_TEXT].stamps[EVENT_EXACT] = exact;
    q[1].classes[EVENT_TEXT].stamps[EVENT_BOUNDED] = bounded;
    q[1].classes[EVENT_TEXT].stamps[EVENT_TAIL] = tail;
}

static void test_stamps(void **state)
{
    struct bench *b = *state;
    online(b);
    b->f.cells[0].has_gaps = false;
    stamps(b, 99, 1, 0);
    expect(b, "[]", "[]");
    stamps(b, 98, 1, 0);
    expect(b, "[]", "[\"STAMPS_BOUNDED\"]");
    stamps(b, 98, 1, 1000); /* counted apart */
    expect(b, "[]", "[\"STAMPS_BOUNDED\"]");
    assert_true(has_text(b, "1.01 % of stamps bounded, limit 1 %"));
    stamps(b, 98, 0, 1000);
    expect(b, "[]", "[]");
}

/* More than half bounded, although our reads were closer than what they found apart. */
static void test_buffered(void **state)
{
    struct bench *b = *state;
    online(b);
    b->f.cells[0].has_gaps = false;
    set(b, FIELD_loop_lag_p99_s, value_num(0.001));
    set(b, FIELD_drain_interval_us, value_num(1000));
    set(b, FIELD_read_interval_p50_s, value_num(0.1));
    stamps(b, 40, 50, 10); /* the limit itself is no breach */
    expect(b, "[]", "[\"STAMPS_BOUNDED\"]");
    stamps(b, 39, 51, 10);
    expect(b, "[\"ANSWERS_BUFFERED\"]", "[\"STAMPS_BOUNDED\"]");
    const struct row *r = &b->rows[1];
    static const enum field_id gone[] = {
        FIELD_ttft_mean_s,  FIELD_first_token_latency, FIELD_ttft_service_mean_s,
        FIELD_tpot_mean_ms, FIELD_inter_token_latency, FIELD_decode_time};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_int_equal(r->v[gone[i]].kind, VALUE_NULL);
    assert_true(field_num(r, FIELD_tokens_per_second) > 0);
    assert_true(field_num(r, FIELD_e2e_mean_s) > 0);
    set(b, FIELD_loop_lag_p99_s, value_num(0.05)); /* with 1 ms of draining: just so */
    expect(b, "[]", "[\"STAMPS_BOUNDED\"]");
    set(b, FIELD_loop_lag_p99_s, value_num(0.06)); /* too late to tell */
    expect(b, "[]", "[\"STAMPS_BOUNDED\"]");
    /* so late that each answer has few reads of its own: the client is to blame */
    stamps(b, 10, 90, 10); /* ten are enough */
    expect(b, "[]", "[\"STAMPS_BOUNDED\"]");
    stamps(b, 10, 90, 9);
    expect(b, "[\"CLIENT_LATE\"]", "[\"STAMPS_BOUNDED\"]");
    stamps(b, 5, 90, 5);
    expect(b, "[\"CLIENT_LATE\"]", "[\"STAMPS_BOUNDED\"]");
    assert_int_equal(b->rows[1].v[FIELD_ttft_mean_s].kind, VALUE_NULL);
    set(b, FIELD_loop_lag_p99_s, value_num(0));
    expect(b, "[\"ANSWERS_BUFFERED\"]", "[\"STAMPS_BOUNDED\"]");
    set(b, FIELD_core_wait_mean_s, value_num(0.06)); /* no lag: nothing was timed */
    expect(b, "[\"CLIENT_LATE\"]", "[\"STAMPS_BOUNDED\"]");
    assert_true(
        has_text(b, "60 ms of waiting for a core each time, 100 ms between reads"));
    set(b, FIELD_loop_lag_p99_s, value_null());
    expect(b, "[]", "[\"STAMPS_BOUNDED\"]");
}

/* What the answers' events and counts tell. */
static void test_tokens(void **state)
{
    struct bench *b = *state;
    online(b);
    for (int i = 0; i < 2; i++) {
        b->f.repeats[1].requests[i].events = RECORD_UNSETTLED;
        b->f.repeats[1].requests[i].tokens_out = 6;
    }
    b->f.cells[0].has_fixed_lengths = false;
    expect(b, "[]", "[\"TOKENS_PER_EVENT_UNKNOWN\",\"PARTIAL_ITL\",\"PARTIAL_TPOT\"]");
    assert_string_equal(field_str(&b->rows[1], FIELD_token_differences), "{\"-1\":2}");
    assert_true(has_text(b, "events less tokens: -1 in 2 answers"));
    assert_int_equal(b->rows[1].v[FIELD_itl_mean_ms].kind, VALUE_NULL);
    /* the first of 5 texts may have held 2 of 6 tokens: too much to neglect */
    assert_int_equal(b->rows[1].v[FIELD_tpot_mean_ms].kind, VALUE_NULL);
    online(b);
    b->f.repeats[1].requests[1].last_ns = b->f.repeats[1].requests[1].first_ns;
    expect(b, "[]", "[\"PARTIAL_TPOT\"]");
    assert_true(has_text(b, "TPOT of 50 % of the answers (1), limit 95 %"));
    assert_int_equal(b->rows[1].v[FIELD_tpot_mean_ms].kind, VALUE_NULL);
    struct limit limit = {"PARTIAL_TPOT", 0.5};
    b->f.run.limits = &limit;
    b->f.run.limit_count = 1;
    expect(b, "[]", "[]");
    assert_true(field_num(&b->rows[1], FIELD_tpot_mean_ms) > 0);
}

/* A first token that half of the answers have stands for none, and a row says so. */
static void test_first_tokens(void **state)
{
    struct bench *b = *state;
    online(b);
    b->f.repeats[1].requests[1].first_ns = NS_UNKNOWN;
    expect(b, "[]", "[\"PARTIAL_TTFT\",\"PARTIAL_TPOT\"]");
    assert_true(has_text(b, "first tokens of 50 % of the answers, limit 95 %"));
    static const enum field_id gone[] = {FIELD_ttft_mean_s, FIELD_ttft_service_p99_s,
                                         FIELD_first_token_latency, FIELD_decode_time};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_int_equal(b->rows[1].v[gone[i]].kind, VALUE_NULL);
    set(b, FIELD_is_streamed, value_bool(false));
    expect(b, "[]", "[\"PARTIAL_TPOT\"]");
    struct limit limits[] = {{"PARTIAL_TTFT", 0.5}, {"PARTIAL_TPOT", 0.5}};
    b->f.run.limits = limits;
    b->f.run.limit_count = 2;
    set(b, FIELD_is_streamed, value_bool(true));
    expect(b, "[]", "[]");
    assert_true(field_num(&b->rows[1], FIELD_ttft_mean_s) > 0);
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
    set(b, FIELD_requests_held, value_int(0));
    set(b, FIELD_requests_ok, value_int(200));
    set(b, FIELD_requests_failed, value_int(0));
    set(b, FIELD_requests_resent, value_int(2)); /* of 200: 1 % */
    expect(b, "[\"RATE_MISSED\"]", "[]");
    set(b, FIELD_requests_resent, value_int(3));
    expect(b, "[\"RATE_MISSED\"]", "[\"RESENT\"]");
    set(b, FIELD_requests_elsewhere, value_int(0));
    set(b, FIELD_answered_by, value_json("{\"m\":200}"));
    expect(b, "[\"RATE_MISSED\"]", "[\"RESENT\"]");
    set(b, FIELD_requests_elsewhere, value_int(1));
    expect(b, "[\"RATE_MISSED\"]", "[\"RESENT\",\"OTHER_MODEL\"]");
    online(b);
    set(b, FIELD_send_stretch_s, value_num(99));
    b->f.cells[0].fields.v[FIELD_request_rate] = value_str("inf");
    expect(b, "[]", "[]");
    b->f.cells[0].fields.v[FIELD_request_rate] = value_null();
    b->f.cells[0].fields.v[FIELD_arrival] = value_str("closed");
    expect(b, "[]", "[]");
}

/* Requests in flight: means of the middle and the last third, at the end, and as early
 * answers let expect. */
static void in_flight(struct bench *b, double middle, double last, double end,
                      double expected)
{
    set(b, FIELD_inflight_middle, value_num(middle));
    set(b, FIELD_inflight_last, value_num(last));
    set(b, FIELD_inflight_end, value_num(end));
    set(b, FIELD_inflight_expected, value_num(expected));
}

/* 200 requests/s for 15 s are 3,000: chance 155, 859 may hide an overload of 1.5. */
static void at_200_rps(struct bench *b)
{
    online(b);
    b->f.cells[0].fields.v[FIELD_request_rate] = value_num(200);
}

static void test_overload(void **state)
{
    struct bench *b = *state;
    at_200_rps(b);
    in_flight(b, 400, 480, 600, 100);
    expect(b, "[]", "[]");
    in_flight(b, 400, 481, 600, 100);
    expect(b, "[\"OVERLOADED\"]", "[]");
    assert_true(has_text(b, "in flight from 400 to 481, limit 480"));
    in_flight(b, 400, 481, 254.9, 100); /* 100 + 2 sqrt(6,000): a queue by chance */
    expect(b, "[]", "[]");
    in_flight(b, 400, 481, 255, 100);
    expect(b, "[\"OVERLOADED\"]", "[]");
    in_flight(b, 400, 481, 568, 400); /* 1.25 x 400 + 60 is more than 400 + 155 */
    expect(b, "[\"OVERLOADED\"]", "[]");
    in_flight(b, 400, 481, 559, 400);
    expect(b, "[]", "[]");
    b->f.cells[0].fields.v[FIELD_request_rate] = value_null();
    b->f.cells[0].fields.v[FIELD_arrival] = value_str("closed");
    in_flight(b, 400, 481, 568, 400);
    expect(b, "[]", "[]");
    at_200_rps(b);
    in_flight(b, 0, 0.5, 99, 1); /* a third in which nothing was due */
    expect(b, "[]", "[]");
}

/* Too short for OVERLOADED: neither VALID nor INVALID, with the way out. */
static void test_short_run(void **state)
{
    struct bench *b = *state;
    at_200_rps(b);
    set(b, FIELD_steady_s, value_num(2.99)); /* less than 3 answers long */
    in_flight(b, 100, 1000, 1000, 1);
    expect(b, "[\"SHORT_RUN\"]", "[]");
    assert_true(has_text(b, "too short to judge overload; --num-prompts 4000"));
    assert_true(has_text(b, "\"field\":\"steady_s\",\"value\":2.99,\"limit\":3.0"));
    b->f.cells[0].ramp_up_s = 1; /* half as many requests in that time */
    expect(b, "[\"SHORT_RUN\"]", "[]");
    assert_true(has_text(b, "too short to judge overload; --num-prompts 4100"));
    b->f.cells[0].fields.v[FIELD_duration_s] = value_num(5);
    expect(b, "[\"SHORT_RUN\"]", "[]");
    assert_true(has_text(b, "too short to judge overload; --duration 21s\""));
    b->f.repeats[1].requests[1].source = TOKEN_SOURCE_estimated;
    build(b);
    assert_string_equal(field_str(&b->rows[1], FIELD_verdict), "INVALID");
    assert_string_equal(finding_fixture_of(&b->rows[1], FIELD_reasons),
                        "[\"TOKENS_ESTIMATED\",\"SHORT_RUN\"]");
    online(b);
    set(b, FIELD_steady_s, value_num(1));
    b->f.cells[0].fields.v[FIELD_request_rate] = value_str("inf"); /* does not apply */
    expect(b, "[]", "[]");
}

/* A closed load that ended in its start: as many waves of answers as the default has. */
static void test_no_steady_part(void **state)
{
    struct bench *b = *state;
    online(b);
    b->f.cells[0].fields.v[FIELD_arrival] = value_str("closed");
    b->f.cells[0].fields.v[FIELD_request_rate] = value_null();
    set(b, FIELD_e2e_early_s, value_num(1.5));
    expect(b, "[]", "[]");
    set(b, FIELD_steady_s, value_num(0));
    expect(b, "[\"SHORT_RUN\"]", "[]");
    assert_true(has_text(b, "too short to have a steady part; --num-prompts 18\""));
    b->f.cells[0].fields.v[FIELD_duration_s] = value_num(5);
    b->f.cells[0].ramp_up_s = 2;
    expect(b, "[\"SHORT_RUN\"]", "[]");
    assert_true(has_text(b, "too short to have a steady part; --duration 16s\""));
}

/* Few answers long: VALID where in flight has not risen, INVALID where it grows and that
 * can be seen. */
static void test_a_few_answers_long(void **state)
{
    struct bench *b = *state;
    at_200_rps(b);
    set(b, FIELD_steady_s, value_num(4.99));
    in_flight(b, 200, 210, 292, 200); /* 1.25 x 200 + 42 */
    expect(b, "[]", "[]");
    in_flight(b, 400, 600, 900, 200); /* 5 answers are needed for growth */
    expect(b, "[\"SHORT_RUN\"]", "[]");
    set(b, FIELD_steady_s, value_num(5));
    expect(b, "[\"OVERLOADED\"]", "[]");
    set(b, FIELD_steady_s, value_num(11.99));
    in_flight(b, 400, 480, 500, 200); /* high, and not yet seen to have come to rest */
    expect(b, "[\"SHORT_RUN\"]", "[]");
    set(b, FIELD_steady_s, value_num(12));
    expect(b, "[]", "[]");
}

/* Few requests: an overload of 1.5 leaves a third of them in flight. */
static void test_few_requests(void **state)
{
    struct bench *b = *state;
    online(b); /* 150 are due: 50 - 2 sqrt(250) = 18.38 */
    in_flight(b, 10, 11, 18.37, 5);
    expect(b, "[]", "[]");
    in_flight(b, 10, 11, 18.39, 5);
    expect(b, "[\"SHORT_RUN\"]", "[]");
    assert_true(has_text(b, "too short to judge overload; --num-prompts 300"));
    assert_true(
        has_text(b, "\"field\":\"inflight_end\",\"value\":18.39,\"limit\":18.377"));
    in_flight(b, 10, 30, 39, 4); /* 4 + 2 sqrt(300) = 38.6 */
    expect(b, "[\"OVERLOADED\"]", "[]");
    struct limit limit = {"OVERLOADED", 9}; /* it shows, and is allowed */
    b->f.run.limits = &limit;
    b->f.run.limit_count = 1;
    expect(b, "[]", "[]");
    b->f.run.limit_count = 0;
    online(b); /* 45 are due */
    set(b, FIELD_e2e_early_s, value_num(0.5));
    set(b, FIELD_steady_s, value_num(3));
    in_flight(b, 0, 0, 0, 1);
    expect(b, "[\"SHORT_RUN\"]", "[]");
}

/* Long enough by its E0, and long answers make it steady in the second half only: no
 * verdict, unless it is an overload. */
static void test_unsettled(void **state)
{
    struct bench *b = *state;
    online(b); /* 15 s from the start */
    in_flight(b, 10, 11, 11, 8);
    set(b, FIELD_settle_s, value_num(7.5));
    expect(b, "[]", "[]");
    set(b, FIELD_settle_s, value_num(7.6));
    expect(b, "[\"SHORT_RUN\"]", "[]");
    assert_true(has_text(b, "too short to be steady; --num-prompts 300"));
    assert_true(has_text(b, "\"field\":\"settle_s\",\"value\":7.6,\"limit\":7.5"));
    b->f.cells[0].fields.v[FIELD_duration_s] = value_num(15);
    set(b, FIELD_settle_s, value_num(14));
    expect(b, "[\"SHORT_RUN\"]", "[]");
    assert_true(has_text(b, "too short to be steady; --duration 42s\""));
    in_flight(b, 10, 30, 39, 4);
    expect(b, "[\"OVERLOADED\"]", "[]");
}

/* Definitions 1: half of the window is long enough, and a shorter run is VALID,
 * warned. */
static void test_old_definitions(void **state)
{
    struct bench *b = *state;
    online(b);
    b->f.run.definitions = 1;
    set(b, FIELD_window_s, value_num(10));
    set(b, FIELD_steady_s, value_num(4.99));
    in_flight(b, 100, 1000, 1000, 1);
    expect(b, "[]", "[\"SHORT_RUN\"]");
    set(b, FIELD_steady_s, value_num(5));
    in_flight(b, 400, 481, 100, 100);
    expect(b, "[\"OVERLOADED\"]", "[]");
}

static struct row with_rate(const struct row *of, double tokens_per_second)
{
    struct row row = *of;
    row.v[FIELD_tokens_per_second] = value_num(tokens_per_second);
    row.v[FIELD_window_tokens_per_second] = row.v[FIELD_tokens_per_second];
    return row;
}

static void test_two_repeats(void **state)
{
    struct bench *b = *state;
    struct verdict_outcome o;
    restart(b);
    build(b);
    struct row one = with_rate(&b->rows[1], 100), two = with_rate(&b->rows[2], 119);
    const struct row *rows[] = {&one, &two};
    struct verdict_cell cell = {.run = &b->f.run, .rows = rows, .row_count = 2};
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_string_equal(finding_fixture_codes(o.warnings), "[\"FEW_REPEATS\"]");
    one = with_rate(&one, 121);
    two = with_rate(&two, 500);
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_string_equal(finding_fixture_codes(o.warnings),
                        "[\"UNREPEATABLE\",\"FEW_REPEATS\"]");
    assert_non_null(
        strstr(finding_fixture_checks(o.checks), "two repeats 313 % apart, limit 20 %"));
    cell.run = NULL; /* rows of a file: the rules' own limits */
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_string_equal(o.verdict, "VALID");
    assert_string_equal(finding_fixture_codes(o.warnings),
                        "[\"UNREPEATABLE\",\"FEW_REPEATS\"]");
}

static struct value drift_of(const struct verdict_outcome *o)
{
    for (size_t i = 0; i < o->checks->count; i++)
        if (strcmp(o->checks->items[i].code, "TREND") == 0)
            return o->checks->items[i].value;
    return value_null();
}

/* Faster and faster: five repeats in a row are not yet proof, six are. */
static void test_trend(void **state)
{
    struct bench *b = *state;
    struct verdict_outcome o;
    struct row made[6];
    const struct row *rows[6];
    restart(b);
    build(b);
    for (int i = 0; i < 6; i++) {
        made[i] = with_rate(&b->rows[1], 100 + i);
        rows[i] = &made[i];
    }
    struct verdict_cell cell = {.run = &b->f.run, .rows = rows, .row_count = 4};
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_false(value_is_known(drift_of(&o)));
    cell.row_count = 5;
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_string_equal(finding_fixture_codes(o.warnings), "[]");
    assert_true(fabs(value_as_num(drift_of(&o)) - 4.0 / 102) < 1e-12);
    cell.row_count = 6;
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_string_equal(finding_fixture_codes(o.warnings), "[\"TREND\"]");
    assert_non_null(strstr(finding_fixture_checks(o.checks), "faster over the repeats"));
}

/* As many samples as the highest percentile takes are enough; what nobody asked for, or
 * does not exist, lacks none. */
static void test_few_samples(void **state)
{
    struct bench *b = *state;
    struct verdict_outcome o;
    restart(b);
    build(b);
    const struct row *rows[] = {&b->rows[1], &b->rows[2], &b->rows[1]};
    struct verdict_cell cell = {
        .run = &b->f.run,
        .rows = rows,
        .row_count = 3,
        .samples = {{"ttft_s", 100, 100}, {"itl_ms", 0, 100}, {"e2e_s", 101, 100}}};
    b->f.run.has_asked_percentiles = true;
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_null(strstr(finding_fixture_codes(o.warnings), "FEW_SAMPLES"));
    cell.samples[2].samples = 99;
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_non_null(strstr(finding_fixture_codes(o.warnings), "FEW_SAMPLES"));
    assert_non_null(strstr(finding_fixture_checks(o.checks),
                           "e2e_s: 99 independent samples, 100 needed"));
    b->f.run.has_asked_percentiles = false;
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_null(strstr(finding_fixture_codes(o.warnings), "FEW_SAMPLES"));
}

/* A cell is what its worst repeat is, with what that found, whatever is in its text. */
static void test_cell_of_rows(void **state)
{
    struct bench *b = *state;
    struct verdict_outcome o;
    struct row one = {0}, two = {0};
    const struct row *rows[] = {&one, &two};
    const struct verdict_cell cell = {.rows = rows, .row_count = 2};
    one.v[FIELD_reasons] = finding_fixture_value("[\"SHORT_RUN\"]");
    one.v[FIELD_checks] = finding_fixture_value(
        "[{\"code\":\"SHORT_RUN\",\"text\":\"a } b\"}]");
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_string_equal(o.verdict, "INCONCLUSIVE");
    assert_non_null(strstr(finding_fixture_checks(o.checks), "a } b"));
    two.v[FIELD_reasons] = finding_fixture_value("[\"ERRORS\"]");
    assert_int_equal(verdict_judge_cell(&cell, &b->arena, &o), STATUS_OK);
    assert_string_equal(o.verdict, "INVALID");
    assert_string_equal(finding_fixture_codes(o.reasons), "[\"ERRORS\",\"SHORT_RUN\"]");
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
    assert_non_null(
        strstr(finding_fixture_of(&b->rows[1], FIELD_checks), "\"limit\":0.5}"));
    assert_true(isnan(verdict_limit(&b->f.run, RULE_SIMULATED)));
}

static void test_table(void **state)
{
    (void)state;
    const struct verdict_rule *rules = verdict_rules;
    for (int i = 0; i < RULE_COUNT; i++) {
        assert_ptr_equal(verdict_find(rules[i].code), &rules[i]); /* each code once */
        assert_non_null(rules[i].judge);
        if (i == 0)
            continue;
        assert_true(rules[i].kind >= rules[i - 1].kind); /* the gravest come first */
        assert_true(rules[i].is_cell >= rules[i - 1].is_cell); /* cell rules come last */
    }
    assert_null(verdict_find("NO_SUCH"));
    assert_null(verdict_find(NULL));
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
        cmocka_unit_test(test_a_good_row),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_client),
        cmocka_unit_test(test_undercounted),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_other_servers),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_overload),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_buffered),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_first_tokens),
        cmocka_unit_test(test_short_run),
        cmocka_unit_test(test_no_steady_part),
        cmocka_unit_test(test_unsettled),
        cmocka_unit_test(test_few_requests),
        cmocka_unit_test(test_a_few_answers_long),
        cmocka_unit_test(test_two_repeats),
        cmocka_unit_test(test_trend),
        cmocka_unit_test(test_few_samples),
        cmocka_unit_test(test_cell_of_rows),
        cmocka_unit_test(test_old_definitions),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
