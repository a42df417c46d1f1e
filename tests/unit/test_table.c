#include "report/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "finding_fixture.h"
#include "journal_fixture.h"

#define CELLS 4
#define ROWS  6

struct bench {
    struct run_data run;
    struct row rows[ROWS];
    struct summary_entry cells[CELLS];
    struct buf out;
};

static struct spread spread_of(double mean)
{
    return (struct spread){.mean = mean,
                           .min = mean,
                           .max = mean,
                           .std = NAN,
                           .ci95_low = NAN,
                           .ci95_high = NAN};
}

static void set_cell(struct bench *b, size_t at, const char *scenario, int64_t batch,
                     bool caching)
{
    struct row *r = &b->rows[at];
    r->v[FIELD_model_name] = value_str("tiny");
    r->v[FIELD_instance_type] = value_str("g5.xlarge");
    r->v[FIELD_engine] = value_str("vllm");
    r->v[FIELD_serving_mode] = value_str("offline");
    r->v[FIELD_scenario] = value_str(scenario);
    r->v[FIELD_batch_size] = value_int(batch);
    r->v[FIELD_max_output_tokens] = value_int(5);
    r->v[FIELD_enable_prefix_caching] = value_bool(caching);
    b->cells[at] = (struct summary_entry){
        .row = r,
        .count = 2,
        .verdict = "VALID",
        .spread[METRIC_tokens_per_second] = spread_of(caching ? 200 : 100),
        .spread[METRIC_time_per_token] = spread_of(caching ? 5 : 10),
        .spread[METRIC_first_token_latency] = spread_of(caching ? 0.05 : 0.2),
        .spread[METRIC_inter_token_latency] = spread_of(NAN),
        .spread[METRIC_cache_hit_rate] = spread_of(caching ? 0.5 : 0),
        .spread[METRIC_usd_per_million_output_tokens] = spread_of(2.431),
    };
}

static int set_up(void **state)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    buf_init(&b.out, 1 << 20);
    set_cell(&b, 0, "short", 8, true);
    set_cell(&b, 1, "short", 8, false);
    set_cell(&b, 2, "long", 1, false);
    set_cell(&b, 3, "short", 1, false);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    buf_fini(&b->out);
    return 0;
}

static struct table_input input_of(struct bench *b, size_t count)
{
    return (struct table_input){
        .run = &b->run, .rows = b->rows, .cells = b->cells, .count = count};
}

static const char *table(struct bench *b, size_t count)
{
    struct err e;
    const struct table_input in = input_of(b, count);
    buf_clear(&b->out);
    assert_int_equal(table_run(&in, &b->out, &e), STATUS_OK);
    const char *text = buf_cstr(&b->out);
    size_t column = 0;
    for (size_t i = 0; i < b->out.len; i++) {
        column = text[i] == '\n' ? 0 : column + 1;
        if (column > 80)
            fail_msg("wider than 80 columns: %s", text);
    }
    return text;
}

/* Scenarios as they came; in them by batch size, then OFF before ON. */
static void test_order(void **state)
{
    struct bench *b = *state;
    const char *text = table(b, 4);
    assert_true(strstr(text, "  tiny on g5.xlarge: vllm, offline\n") == text);
    journal_fixture_has(
        text, "batch cache      tokens/s  ms/tok TTFT ms   TPOT hits $/1Mtok  verdict\n"
              "short\n"
              "    1   off     100.0 +-?   10.00   200.0      -   0%   2.431  VALID\n"
              "    8   off     100.0 +-?   10.00   200.0      -   0%   2.431  VALID\n"
              "    8    on     200.0 +-?   5.000   50.00      -  50%   2.431  VALID\n"
              "long\n"
              "    1   off     100.0 +-?   10.00   200.0      -   0%   2.431  VALID\n");
}

/* A row of a repeat: test_caching matches them, the other tests have none. */
static void measure(struct bench *b, size_t at, double rate, double ttft, double hits)
{
    struct row *r = &b->rows[at];
    r->v[FIELD_run_id] = r->v[FIELD_launch_id] = value_str("r");
    r->v[FIELD_definitions] = value_int(2);
    r->v[FIELD_is_warmup] = value_bool(false);
    r->v[FIELD_verdict] = value_str("VALID");
    r->v[FIELD_tokens_per_second] = value_num(rate);
    r->v[FIELD_first_token_latency] = value_num(ttft);
    r->v[FIELD_cache_hit_rate] = value_num(hits);
}

static void test_caching(void **state)
{
    struct bench *b = *state;
    measure(b, 0, 200, 0.05, 0.5);
    measure(b, 1, 100, 0.2, 0);
    b->run.repeat_count = 2;
    journal_fixture_has(
        table(b, 4),
        "\nPrefix caching, ON / OFF  tokens/s   TTFT  hits  95 % of tokens/s\n"
        "short bs=8                   2.00x  0.25x   50%  spread unknown\n");
    b->rows[0].v[FIELD_cache_hit_rate_expected] = value_num(0);
    b->rows[0].v[FIELD_cache_hit_rate] = value_num(0);
    journal_fixture_has(table(b, 4), "  nothing shared\n");
    b->rows[0].v[FIELD_verdict] = value_str("INCONCLUSIVE");
    b->rows[0].v[FIELD_cache_hit_rate_expected] = value_num(0.5);
    journal_fixture_has(table(b, 4), "  the other cell is INCONCLUSIVE\n");
    b->rows[0].v[FIELD_max_output_tokens] = value_int(6); /* another cell */
    assert_null(strstr(table(b, 4), "Prefix caching"));
}

/* Three repeats of each: the interval is that of one launch unless there were several. */
static void test_caching_in_launches(void **state)
{
    struct bench *b = *state;
    static const char *const launches[] = {"one", "two", "three"};
    b->rows[2] = b->rows[4] = b->rows[0];
    b->rows[3] = b->rows[5] = b->rows[1];
    for (size_t i = 0; i < ROWS; i += 2) {
        measure(b, i, 200 + (double)i, 0.05, 0.5);
        measure(b, i + 1, 100 + (double)i, 0.2, 0);
    }
    b->run.repeat_count = ROWS;
    const char *note =
        "\nIntervals are within one launch of each: launches may differ by more.\n";
    journal_fixture_has(table(b, 2), note);
    for (size_t i = 0; i < ROWS; i++)
        b->rows[i].v[FIELD_launch_id] = value_str(launches[i / 2]);
    assert_null(strstr(table(b, 2), note));
    journal_fixture_has(table(b, 2), "short bs=8                   1.98x");
}

static void test_spread_notes(void **state)
{
    struct bench *b = *state;
    journal_fixture_has(table(b, 4),
                        "+-?: spread unknown (2 repeats); --num-runs 6 shows it, and "
                        "what +-2 % takes\n");
    b->cells[2].count = 1;
    b->cells[3].failed_rows = 1;
    const char *text = table(b, 4);
    journal_fixture_has(text, "(1 repeat); --num-runs 4 or more");
    journal_fixture_has(text, "\n1 repeat failed and is left out.\n");
    for (int i = 0; i < 4; i++) {
        b->cells[i].spread[METRIC_tokens_per_second].ci95_low = 90;
        b->cells[i].spread[METRIC_tokens_per_second].ci95_high = 110;
    }
    assert_null(strstr(table(b, 4), "spread unknown"));
    b->cells[2].repeats_range = (struct interval_repeats){5, 28};
    journal_fixture_has(table(b, 4), "+-2 % takes 5..28 repeats (--num-runs 29)\n");
    b->cells[0].repeats_range = (struct interval_repeats){12, 51};
    journal_fixture_has(table(b, 4),
                        "+-2 % may take more than 50 repeats: too noisy, see "
                        "inferbench env --check\n");
    for (int i = 0; i < 4; i++) /* within 2 % already */
        b->cells[i].spread[METRIC_tokens_per_second].ci95_low = 109;
    for (int i = 0; i < 4; i++)
        b->cells[i].spread[METRIC_tokens_per_second].mean = 109.5;
    assert_null(strstr(table(b, 4), "+-2 %"));
}

static void test_codes(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < 4; i++)
        b->cells[i].warnings = finding_fixture_read(
            "[\"DUMMY_WEIGHTS\",\"FEW_REPEATS\"]");
    b->cells[0].verdict = "INVALID";
    b->cells[0].reasons = finding_fixture_read("[\"ERRORS\"]");
    b->cells[0].checks = finding_fixture_read(
        "[{\"code\":\"ERRORS\",\"field\":\"requests_failed\","
        "\"value\":3,\"limit\":0}]");
    const char *text = table(b, 4);
    journal_fixture_has(text, "  INVALID\n");
    journal_fixture_has(
        text, "\n  INVALID: ERRORS (short 8 on: requests_failed 3, limit 0.0): ");
    journal_fixture_has(text, "\n  DUMMY_WEIGHTS (every cell): ");
    assert_null(strstr(text, "FEW_REPEATS")); /* the +-? lines say it */
    assert_true(strstr(text, "INVALID: ERRORS") < strstr(text, "DUMMY_WEIGHTS"));
}

static void test_online(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < 4; i++)
        b->rows[i].v[FIELD_serving_mode] = value_str("online");
    b->rows[1].v[FIELD_request_rate] = value_str("inf");
    b->rows[3].v[FIELD_request_rate] = value_num(2.5);
    const char *text = table(b, 4);
    journal_fixture_has(text, "   load cache ");
    journal_fixture_has(text, "short\n  2.5/s   off ");
    journal_fixture_has(text, "\n    inf   off ");
    assert_true(strstr(text, "    inf ") > strstr(text, "2.5/s")); /* last of all */
    journal_fixture_has(text, "\n    c=8    on ");
}

static void test_percentiles(void **state)
{
    struct bench *b = *state;
    static double asked[] = {90, 99, 50, 99.9};
    static struct percentile ttft[] = {{90, 0.3, 0.25, 0.4, 1, 1},
                                       {99, 1.25, 1.1, NAN, 1, 1},
                                       {50, 0.0234, 0.02, 0.03125, 1, 1},
                                       {99.9, NAN, NAN, NAN, 1, 1}};
    static struct percentile itl[] = {{90, 13, NAN, NAN, 1, 1},
                                      {99, 41.5, NAN, NAN, 1, 1},
                                      {50, 9.876, NAN, NAN, 1, 1},
                                      {99.9, 77, NAN, NAN, 1, 1}};
    for (int i = 0; i < 4; i++) {
        b->rows[i].v[FIELD_serving_mode] = value_str("online");
        b->cells[i].pools[SUMMARY_POOL_ttft_s] = ttft;
        b->cells[i].pools[SUMMARY_POOL_itl_ms] = itl;
        b->cells[i].requests_failed = i == 3 ? 1234 : 0;
    }
    b->run.percentiles = asked;
    b->run.percentile_count = 4;
    const char *text = table(b, 4);
    journal_fixture_has(text, "   load cache        tokens/s    req/s failed  verdict\n"
                              "short\n"
                              "    c=1   off       100.0 +-?        0   1234  VALID\n");
    journal_fixture_has(
        text, "   load cache TTFT p50        high ITL p50       high   TPOT E2E p50"
              "        high\n"
              "short\n"
              "    c=1   off    23.40    1250 p99   9.876 77.0 p99.9      -       -"
              "           -\n");
    journal_fixture_has(
        text,
        "   load cache     TTFT p50         high     ITL p50      E2E p50         "
        "high\n"
        "short\n"
        "    c=1   off    20.0-31.2       1100-?           -            -            "
        "-\n");
    asked[1] = 95; /* no p50: the lowest */
    asked[2] = 75;
    journal_fixture_has(table(b, 4), " TTFT p75        high ITL p75 ");
    itl[2].value = itl[3].value = NAN; /* too few gaps */
    b->cells[3].spread[METRIC_inter_token_latency] = spread_of(10.5);
    journal_fixture_has(table(b, 4), "       -   41.5 p99  10.50 ");
    b->run.percentile_count = 0;
    text = table(b, 4);
    journal_fixture_has(text, "     TTFT        high     ITL ");
    assert_null(strstr(text, "intervals of these"));
}

static void test_goodput(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < 4; i++) {
        b->rows[i].v[FIELD_serving_mode] = value_str("online");
        b->cells[i].spread[METRIC_goodput_rps] = spread_of(NAN);
        b->cells[i].spread[METRIC_requests_per_second] = spread_of(4.25);
    }
    assert_null(strstr(table(b, 4), "good/s"));
    b->rows[3].v[FIELD_slo] = value_json("{\"e2e_ms\":100}");
    b->cells[3].spread[METRIC_goodput_rps] = spread_of(3.5);
    const char *text = table(b, 4);
    journal_fixture_has(text, "req/s   good/s failed ");
    journal_fixture_has(text, "4.250    3.500      0  VALID");
}

static void test_marks(void **state)
{
    struct bench *b = *state;
    assert_null(strstr(table(b, 4), "SIMULATED"));
    b->rows[0].v[FIELD_weights] = value_str("dummy");
    journal_fixture_has(table(b, 4), "\nDummy weights: ");
    b->rows[0].v[FIELD_is_simulated] = value_bool(true);
    journal_fixture_has(table(b, 4), "\nSIMULATED: ");
    journal_fixture_has(table(b, 4), "  VALID (simulated)\n");
    b->cells[0].verdict = NULL;
    b->cells[0].failed_rows = 2;
    b->cells[0].spread[METRIC_tokens_per_second] = spread_of(NAN);
    journal_fixture_has(table(b, 4), "  failed\n");
}

static void test_failures(void **state)
{
    struct bench *b = *state;
    struct err e;
    assert_string_equal(table(b, 0), "Nothing was measured.\n");
    mem_fail_at(1);
    const struct table_input in = input_of(b, 4);
    assert_int_equal(table_run(&in, &b->out, &e), STATUS_NO_MEMORY);
    mem_fail_at(0);
    buf_fini(&b->out);
    buf_init(&b->out, 200);
    assert_int_equal(table_run(&in, &b->out, &e), STATUS_TOO_BIG);
    assert_string_equal(e.what, "the table is too large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_caching, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_caching_in_launches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_spread_notes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_codes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_online, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_percentiles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_goodput, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_marks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
