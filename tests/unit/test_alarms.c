/* Rules of load over whole made repeats: clean ones raise no alarm, overload does. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "finding_fixture.h"
#include "online_fixture.h"
#include "stats/rows.h"
#include "stats/verdict.h"

struct judged {
    struct arena arena;
    struct row row;
};

static void judge(struct online_fixture *f, struct judged *out)
{
    struct err e;
    struct row *rows;
    arena_init(&out->arena, 1 << 20);
    if (rows_build_all(&f->run, &out->arena, &rows, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    out->row = rows[0];
}

static bool has(const struct judged *j, enum field_id list, const char *code)
{
    return verdict_has(field_findings(&j->row, list), code);
}

static void is_clean(struct online_fixture *f, uint64_t seed)
{
    struct judged j;
    judge(f, &j);
    const char *reasons = finding_fixture_of(&j.row, FIELD_reasons);
    if (strcmp(reasons, "[]") != 0 ||
        strcmp(field_str(&j.row, FIELD_verdict), "VALID") != 0)
        fail_msg("seed %d: %s", (int)seed, reasons);
    arena_fini(&j.arena);
}

/* Sends as punctual as a good client's: most within 100 us, one in a thousand later. */
static int64_t lag_of(struct online_fixture *f)
{
    return rng_below(&f->rng, 1000) == 0 ? 2 * NS_PER_MS
                                         : (int64_t)rng_below(&f->rng, 100000);
}

/* 4 requests/s; answers of 0.2 to 4 s, each between half and one and a half of that. */
static void test_poisson_plans_are_clean(void **state)
{
    static const int64_t service_ms[] = {200, 1000, 2000, 4000};
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        for (size_t k = 0; k < sizeof service_ms / sizeof *service_ms; k++) {
            struct online_fixture f;
            online_fixture_init(&f, 400, seed);
            online_fixture_open(&f, 4);
            online_fixture_poisson(&f, 4);
            for (size_t i = 0; i < 400; i++)
                online_fixture_serve(&f, i, (int64_t)rng_below(&f.rng, 100000),
                                     (int64_t)((0.5 + rng_unit(&f.rng)) *
                                               (double)(service_ms[k] * NS_PER_MS)));
            is_clean(&f, seed);
            online_fixture_fini(&f);
        }
}

/* A queue in which each request takes service_ns, one after the other. */
static void queue(struct online_fixture *f, int64_t service_ns)
{
    int64_t free_ns = 0;
    for (size_t i = 0; i < f->repeat.request_count; i++) {
        int64_t due_ns = f->requests[i].due_ns;
        free_ns = (due_ns > free_ns ? due_ns : free_ns) + service_ns;
        online_fixture_serve(f, i, 0, free_ns - due_ns);
    }
}

/* M/D/1 at 60 %: queues come and go. */
static void test_queues_that_keep_up_are_clean(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct online_fixture f;
        online_fixture_init(&f, 400, seed);
        online_fixture_open(&f, 6);
        online_fixture_poisson(&f, 6);
        queue(&f, 100 * NS_PER_MS);
        is_clean(&f, seed);
        online_fixture_fini(&f);
    }
}

/* M/D/1 at 130 % and far beyond: found whatever the seed, once there are enough
 * requests. */
static void test_overload_is_found(void **state)
{
    static const double rates[] = {13, 20, 40};
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
            struct online_fixture f;
            struct judged j;
            online_fixture_init(&f, 2000, seed);
            online_fixture_open(&f, rates[k]);
            online_fixture_poisson(&f, rates[k]);
            queue(&f, 100 * NS_PER_MS);
            judge(&f, &j);
            if (!has(&j, FIELD_reasons, "OVERLOADED"))
                fail_msg("seed %d at %g/s: middle %g, last %g, steady %g s of %g",
                         (int)seed, rates[k], field_num(&j.row, FIELD_inflight_middle),
                         field_num(&j.row, FIELD_inflight_last),
                         field_num(&j.row, FIELD_steady_s),
                         field_num(&j.row, FIELD_window_s));
            assert_false(has(&j, FIELD_reasons, "SHORT_RUN"));
            arena_fini(&j.arena);
            online_fixture_fini(&f);
        }
}

/* Answers that last longer than the sending: in flight only grows, and that is no
 * overload but too short a run. */
static void test_short_runs_are_not_judged(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct online_fixture f;
        struct judged j;
        online_fixture_init(&f, 1000, seed);
        online_fixture_poisson(&f, 10);
        for (size_t i = 0; i < 1000; i++)
            online_fixture_serve(&f, i, 0, 90 * NS_PER_S);
        judge(&f, &j);
        assert_string_equal(finding_fixture_of(&j.row, FIELD_reasons), "[\"SHORT_RUN\"]");
        assert_string_equal(field_str(&j.row, FIELD_verdict), "INCONCLUSIVE");
        assert_int_equal(field_num(&j.row, FIELD_steady_s), 0);
        assert_false(isnan(field_num(&j.row, FIELD_inflight_last)));
        arena_fini(&j.arena);
        online_fixture_fini(&f);
    }
}

/* 200 slots begin at once: their first sends take 40 ms in all, and none is late. */
static void test_a_burst_of_slots_is_clean(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct online_fixture f;
        online_fixture_init(&f, 1600, seed);
        online_fixture_closed(&f, 200);
        for (size_t i = 0; i < 1600; i++) {
            struct request_record *q = &f.requests[i];
            q->due_ns = i < 200 ? f.repeat.phase_ns + (int64_t)i * 200000
                                : f.requests[i - 200].done_ns;
            q->ready_ns = q->due_ns;
            online_fixture_serve(&f, i, i < 200 ? 0 : lag_of(&f),
                                 500 * NS_PER_MS + (int64_t)rng_below(&f.rng, 100000000));
        }
        is_clean(&f, seed);
        online_fixture_fini(&f);
    }
}

/* All at once: the last of 200 sends is 40 ms late, which is not held against it. */
static void test_inf_is_clean(void **state)
{
    (void)state;
    struct online_fixture f;
    struct judged j;
    online_fixture_init(&f, 200, 1);
    online_fixture_open(&f, (double)INFINITY);
    for (size_t i = 0; i < 200; i++) {
        f.requests[i].due_ns = f.requests[i].ready_ns = f.repeat.phase_ns;
        online_fixture_serve(&f, i, (int64_t)i * 200000, 500 * NS_PER_MS);
    }
    judge(&f, &j);
    assert_string_equal(finding_fixture_of(&j.row, FIELD_reasons), "[]");
    assert_string_equal(finding_fixture_of(&j.row, FIELD_warnings), "[]");
    assert_true(field_num(&j.row, FIELD_send_late_share) > 0.9);
    assert_true(field_num(&j.row, FIELD_window_s) == field_num(&j.row, FIELD_total_time));
    arena_fini(&j.arena);
    online_fixture_fini(&f);
}

/* A client that stalls for 30 ms in each second is late, and so is its last send. */
static void test_a_stalling_client_is_found(void **state)
{
    (void)state;
    struct online_fixture f;
    struct judged j;
    online_fixture_init(&f, 1000, 1);
    online_fixture_open(&f, 100);
    online_fixture_poisson(&f, 100);
    for (size_t i = 0; i < 1000; i++) {
        int64_t in_second = (f.requests[i].due_ns - f.repeat.phase_ns) % NS_PER_S;
        int64_t stall_ns = 30 * NS_PER_MS;
        online_fixture_serve(&f, i, in_second < stall_ns ? stall_ns - in_second : 0,
                             50 * NS_PER_MS);
    }
    judge(&f, &j);
    assert_true(has(&j, FIELD_reasons, "CLIENT_LATE"));
    assert_false(has(&j, FIELD_reasons, "RATE_MISSED"));
    arena_fini(&j.arena);
    for (size_t i = 0; i < 1000; i++) /* a clock that runs 2 % slow */
        online_fixture_serve(&f, i, (f.requests[i].due_ns - f.repeat.phase_ns) / 50,
                             50 * NS_PER_MS);
    judge(&f, &j);
    assert_true(has(&j, FIELD_reasons, "RATE_MISSED"));
    arena_fini(&j.arena);
    online_fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_poisson_plans_are_clean),
        cmocka_unit_test(test_queues_that_keep_up_are_clean),
        cmocka_unit_test(test_overload_is_found),
        cmocka_unit_test(test_short_runs_are_not_judged),
        cmocka_unit_test(test_a_burst_of_slots_is_clean),
        cmocka_unit_test(test_inf_is_clean),
        cmocka_unit_test(test_a_stalling_client_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
