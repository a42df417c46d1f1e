#include "stats/rows_measure.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "finding_fixture.h"
#include "online_fixture.h"
#include "stats/rows.h"

#define MS NS_PER_MS

static struct arena arena;
static struct row row;

static void build(struct online_fixture *f)
{
    struct err e;
    struct row *rows;
    arena_fini(&arena);
    arena_init(&arena, 1 << 20);
    if (rows_build_all(&f->run, &arena, &rows, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    row = rows[0];
}

static void is(enum field_id id, double want)
{
    double got = field_num(&row, id);
    if (!(fabs(got - want) <= 1e-9 * fmax(1e-3, fabs(want))))
        fail_msg("%s: got %.17g, want %.17g", field_table[id].name, got, want);
}

static void is_null(enum field_id id)
{
    if (row.v[id].kind != VALUE_NULL)
        fail_msg("%s: %.17g", field_table[id].name, field_num(&row, id));
}

/* 20 requests, one each 100 ms, of 60 ms. */
static void open_load(struct online_fixture *f)
{
    online_fixture_init(f, 20, 1);
    for (size_t i = 0; i < 20; i++) {
        f->requests[i].due_ns = f->repeat.phase_ns + (int64_t)i * 100 * MS;
        f->requests[i].ready_ns = f->requests[i].due_ns;
        online_fixture_serve(f, i, 20000, 60 * MS);
    }
}

static void test_open(void **state)
{
    (void)state;
    struct online_fixture f;
    open_load(&f);
    f.requests[7].ready_ns += 10 * MS; /* held back */
    online_fixture_serve(&f, 7, 5 * MS, 60 * MS);
    for (size_t i = 0; i < 12; i++) {
        f.requests[i].connect_ns = (int64_t)(i + 1) * 100000;
        f.requests[i].tls_ns = (int64_t)(i + 1) * 200000;
    }
    build(&f);
    is(FIELD_total_time, 1.96);
    is(FIELD_tokens_per_second, 80 / 1.96);
    is(FIELD_window_s, 1.71996);                      /* 3 x 60.02 ms after the start */
    is(FIELD_window_tokens_per_second, 68 / 1.71996); /* the last answer comes after */
    is(FIELD_window_requests_per_second, 17 / 1.71996);
    is(FIELD_e2e_early_s, 0.06002);
    is(FIELD_settle_s, 3 * 0.06002);
    is(FIELD_inflight_expected, 10 * (0.06002 + 0.01498 / 11)); /* one was held */
    is(FIELD_read_interval_p50_s, 0.016);
    is(FIELD_requests_held, 1);
    is(FIELD_send_lag_p50_s, 20e-6);
    is_null(FIELD_send_lag_p99_s);
    is(FIELD_send_lag_max_s, 0.005);
    is(FIELD_send_late_share, 0.05);
    is(FIELD_sends_late, 1);
    is(FIELD_send_stretch_s, 20e-6);
    is(FIELD_ttft_p50_s, 0.01202);
    is(FIELD_ttft_service_p50_s, 0.012);
    is(FIELD_connections_new, 12);
    is(FIELD_connections_reused, 8);
    is(FIELD_connect_p50_s, 0.0006);
    is(FIELD_connect_max_s, 0.0012);
    is(FIELD_tls_p50_s, 0.0012);
    is(FIELD_tls_max_s, 0.0024);
    is(FIELD_steady_s, 1.90002 - 3 * 0.06002);
    is(FIELD_stamps_exact, 60);
    is(FIELD_stamps_tail, 20);
    assert_true(fabs(field_num(&row, FIELD_inflight_last) - 0.6) < 0.05);
    is_null(FIELD_goodput_rps);
    assert_string_equal(field_str(&row, FIELD_token_source), "usage");
    online_fixture_fini(&f);
}

/* 4 slots of 5 requests each. The first of each has no lag; 16 have 20 us. */
static void test_closed(void **state)
{
    (void)state;
    struct online_fixture f;
    online_fixture_init(&f, 20, 1);
    online_fixture_closed(&f, 4);
    online_fixture_slots(&f, 4, 60 * MS);
    build(&f);
    is(FIELD_send_lag_p50_s, 20e-6);
    is(FIELD_send_lag_max_s, 20e-6);
    is(FIELD_send_late_share, 0);
    is(FIELD_window_s, 3 * 0.06002 + 22e-6); /* when two of the first four had ended */
    is_null(FIELD_inflight_expected);
    is_null(FIELD_settle_s);
    is(FIELD_requests_held, 0);
    is(FIELD_connections_new, 0);
    is(FIELD_connections_reused, 20);
    is(FIELD_connect_max_s, 0); /* no request waited for a connection */
    is_null(FIELD_connect_p50_s);
    assert_true(fabs(field_num(&row, FIELD_inflight_last) - 4 * 0.06 / 0.06002) < 0.01);
    online_fixture_fini(&f);
}

/* No slot sends twice: everything counts, and nothing could be late. */
static void test_one_round(void **state)
{
    (void)state;
    struct online_fixture f;
    online_fixture_init(&f, 20, 1);
    online_fixture_closed(&f, 20);
    online_fixture_slots(&f, 20, 60 * MS);
    build(&f);
    is(FIELD_window_s, 0.060019);
    is(FIELD_window_tokens_per_second, 80 / 0.060019);
    is(FIELD_send_lag_max_s, 0);
    is(FIELD_send_late_share, 0);
    is_null(FIELD_send_lag_p50_s);
    is_null(FIELD_steady_s); /* one burst has no steady part, and needs none */
    assert_true(field_num(&row, FIELD_inflight_middle) > 19);
    online_fixture_fini(&f);
}

static void test_goodput(void **state)
{
    (void)state;
    struct online_fixture f;
    open_load(&f);
    f.run.fields.v[FIELD_slo] = value_json("{\"ttft_ms\":12.02,\"e2e_ms\":100}");
    f.requests[3].first_ns += MS;
    f.requests[4].status = RECORD_FAILED;
    build(&f);
    is(FIELD_goodput_rps, 16 / 1.71996);
    is(FIELD_goodput_share, 16 / 18.0);
    is(FIELD_requests_per_second, 19 / 1.96);
    f.run.fields.v[FIELD_slo] = value_str("ttft:12ms"); /* nobody can read that */
    build(&f);
    is_null(FIELD_goodput_rps);
    online_fixture_fini(&f);
}

/* A third unanswered: they are the slowest, and no mean stands for all. */
static void test_unanswered(void **state)
{
    (void)state;
    struct online_fixture f;
    open_load(&f);
    for (size_t i = 0; i < 20; i += 3) {
        f.requests[i].status = RECORD_UNANSWERED;
        f.requests[i].first_ns = f.requests[i].last_ns = NS_UNKNOWN;
        f.requests[i].error = "no end of the answer";
    }
    build(&f);
    is(FIELD_requests_unanswered, 7);
    is(FIELD_requests_failed, 0);
    is(FIELD_requests_cancelled, 0);
    is(FIELD_ttft_p50_s, 0.01202); /* 6 of 18 in the window have none */
    is_null(FIELD_ttft_mean_s);
    is_null(FIELD_e2e_mean_s);
    is_null(FIELD_first_token_latency);
    assert_string_equal(finding_fixture_of(&row, FIELD_reasons),
                        "[\"ERRORS\",\"SHORT_RUN\"]");
    assert_string_equal(field_str(&row, FIELD_first_error), "no end of the answer");
    for (size_t i = 0; i < 20; i += 2)
        f.requests[i].status = RECORD_UNANSWERED;
    build(&f);
    is_null(FIELD_ttft_p50_s); /* the rank is among those without an answer */
    is_null(FIELD_e2e_service_p50_s);
    online_fixture_fini(&f);
}

/* What bench has told stays. */
static void test_told(void **state)
{
    (void)state;
    struct online_fixture f;
    open_load(&f);
    f.repeat.fields.v[FIELD_window_tokens_per_second] = value_num(7);
    f.repeat.fields.v[FIELD_connections_new] = value_int(3);
    f.repeat.fields.v[FIELD_loop_lag_p99_s] = value_num(0.25);
    f.repeat.fields.v[FIELD_client_cpu_ratio] = value_num(0.5);
    f.repeat.fields.v[FIELD_stamp_late_p99_ms] = value_num(0.1);
    f.repeat.fields.v[FIELD_drain_interval_us] = value_num(250);
    build(&f);
    is(FIELD_window_tokens_per_second, 7);
    is(FIELD_window_s, 1.71996);
    is(FIELD_connections_new, 3);
    is(FIELD_loop_lag_p99_s, 0.25);
    is(FIELD_client_cpu_ratio, 0.5);
    is(FIELD_stamp_late_p99_ms, 0.1);
    is(FIELD_drain_interval_us, 250);
    online_fixture_fini(&f);
}

/* Each allocation failing in turn: an error, never a row with holes. */
static void test_no_memory(void **state)
{
    (void)state;
    struct online_fixture f;
    open_load(&f);
    f.run.fields.v[FIELD_slo] = value_json("{\"ttft_ms\":12.02}");
    f.requests[0].connect_ns = f.requests[0].tls_ns = 1000;
    struct alloc_fixture alloc = {.least = 10};
    while (alloc_fixture_next(&alloc)) {
        struct err e;
        struct row *rows = NULL;
        arena_fini(&arena);
        arena_init(&arena, 1 << 20);
        alloc_fixture_arm(&alloc);
        enum status st = rows_build_all(&f.run, &arena, &rows, &e);
        alloc_fixture_judge(&alloc, st);
        if (st == STATUS_OK)
            row = rows[0];
    }
    is(FIELD_connections_new, 1);
    is(FIELD_goodput_rps, 18 / 1.71996);
    online_fixture_fini(&f);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),       cmocka_unit_test(test_closed),
        cmocka_unit_test(test_one_round),  cmocka_unit_test(test_goodput),
        cmocka_unit_test(test_told),       cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_unanswered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
