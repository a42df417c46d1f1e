/* The driver on a server: cells and repeats, on an engine that does what the test
 * says. */
#include "bench/served.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "bench/driver.h"
#include "journal_fixture.h"
#include "load_fixture.h"
#include "plan/scenario.h"
#include "store/journal_read.h"

struct bed {
    struct journal_fixture fx;
    struct load_fixture engine;
    struct arena arena;
    struct load loads[2];
    struct engine_target target;
    bool is_warm;
    int64_t warmup_requests, threads;
    struct driver_outcome out;
    struct run_data read;
    char told[4096];
    struct err e;
};

static int setup(void **state)
{
    struct bed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    journal_fixture_init(&b->fx);
    arena_init(&b->arena, 64 << 20);
    b->target = (struct engine_target){.endpoint = "completions", .is_stream = true};
    for (int i = 0; i < 2; i++)
        b->loads[i] = (struct load){.kind = LOAD_CLOSED,
                                    .concurrency = i + 1,
                                    .max_concurrency = OPT_INT_UNSET,
                                    .num_prompts = 4,
                                    .duration_s = NAN};
    b->threads = 1;
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;
    arena_fini(&b->arena);
    journal_fixture_fini(&b->fx);
    free(b);
    return 0;
}

/* Two cells (1 and 2 slots), a warm-up and two measured repeats of 4 requests each. */
static enum status go(struct bed *b)
{
    struct plan plan;
    struct journal j;
    struct journal_note note;
    struct progress progress;
    struct err why;
    int told[2];
    static const struct plan_setting setting = {.caching = true};
    const struct plan_options o = {.scenarios = scenario_builtin().items,
                                   .scenario_count = 1,
                                   .loads = b->loads,
                                   .load_count = 2,
                                   .max_tokens = 3,
                                   .num_runs = 3,
                                   .warmup_requests = b->warmup_requests,
                                   .settings = &setting,
                                   .setting_count = 1,
                                   .is_prefix_warm = b->is_warm};
    assert_int_equal(pipe2(told, O_NONBLOCK), 0);
    struct log log = {.level = LOG_WARN, .fd = told[1]};
    assert_int_equal(plan_build(&o, &b->arena, &plan, &b->e), STATUS_OK);
    assert_int_equal(journal_create(&j, b->fx.path, clock_now(), &b->e), STATUS_OK);
    assert_int_equal(journal_run(&j, &b->fx.f.run, &b->e), STATUS_OK);
    progress_init(&progress, &log, true);
    struct bench bench = {.session = {.ops = &load_fixture_ops,
                                      .settings = {.target = &b->target},
                                      .lane_count = (size_t)b->threads},
                          .plan = &plan,
                          .journal = &j,
                          .arena = &b->arena,
                          .progress = &progress,
                          .watch = {.stop = load_fixture_stop, .arg = &b->engine},
                          .log = &log,
                          .run_id = "run",
                          .with_gaps = true,
                          .drain_timeout_s = 60};
    enum status s = driver_run(&(struct driver){.bench = &bench}, &b->out, &b->e);
    progress_end(&progress);
    journal_close(&j);
    assert_null(bench.session.engine);
    assert_int_equal(b->engine.closes,
                     b->engine.opens - (b->engine.at_open != STATUS_OK));
    ssize_t got = read(told[0], b->told, sizeof b->told - 1);
    b->told[got > 0 ? got : 0] = '\0';
    close(told[0]);
    close(told[1]);
    if (journal_read(b->fx.path, &b->arena, &b->read, &note, &why) != STATUS_OK)
        fail_msg("%s: %s", why.where, why.what);
    return s;
}

static int times_told(const struct bed *b, const char *text)
{
    int n = 0;
    for (const char *at = b->told; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static void all_well(void **state)
{
    struct bed *b = *state;
    b->threads = 2;
    assert_int_equal(go(b), STATUS_OK);
    assert_true(b->out.is_complete);
    assert_int_equal(b->engine.opens, 1);
    assert_int_equal(b->engine.lane_count, 2);
    assert_int_equal(b->read.cell_count, 2);
    assert_int_equal(b->read.repeat_count, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct repeat_data *r = &b->read.repeats[i];
        assert_true(r->is_ended && r->error == NULL);
        assert_int_equal(r->cell, i / 3);
        assert_int_equal(r->is_warmup, i % 3 == 0);
        assert_int_equal(r->requests_planned, 4);
        assert_int_equal(r->request_count, 4);
        assert_true(r->phase_ns >= r->start_ns);
        assert_int_equal(r->fields.v[FIELD_memory_used_mb].kind, VALUE_NULL);
    }
    const struct row *f = &b->read.cells[1].fields;
    assert_int_equal(f->v[FIELD_batch_size].i, 2);
    assert_string_equal(f->v[FIELD_arrival].s, "closed");
    assert_string_equal(f->v[FIELD_endpoint].s, "completions");
    assert_int_equal(f->v[FIELD_request_rate].kind, VALUE_NULL);
    assert_int_equal(f->v[FIELD_enable_prefix_caching].kind, VALUE_NULL);
    assert_int_equal(f->v[FIELD_num_prompts].i, 4);
    assert_int_equal(f->v[FIELD_duration_s].kind, VALUE_NULL);
    assert_int_equal(f->v[FIELD_max_concurrency].kind, VALUE_NULL);
    assert_int_equal(f->v[FIELD_burstiness].kind, VALUE_NULL);
    assert_int_equal(f->v[FIELD_extra_body].kind, VALUE_NULL);
    assert_true(field_num(f, FIELD_ramp_up_s) == 0);
    assert_int_equal(f->v[FIELD_warmup_requests].i, 0);
    assert_int_equal(f->v[FIELD_setting_position].i, 1);
    assert_int_equal(strlen(field_str(f, FIELD_plan_sha256)), 64);
    assert_string_equal(field_str(f, FIELD_launch_source), "started");
    assert_string_equal(field_str(f, FIELD_launch_id),
                        field_str(&b->read.cells[0].fields, FIELD_launch_id));
    assert_string_equal(b->told, "");
}

static void warm_up_requests_are_sent_and_not_written(void **state)
{
    struct bed *b = *state;
    b->warmup_requests = 5;
    assert_int_equal(go(b), STATUS_OK);
    assert_int_equal(b->engine.sent, 6 * (4 + 5));
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(b->read.repeats[i].request_count, 4);
}

static void a_cold_cache_is_emptied_before_each_repeat(void **state)
{
    struct bed *b = *state;
    assert_int_equal(go(b), STATUS_OK);
    assert_int_equal(b->engine.resets, 6);
}

static void a_warm_cache_before_the_first(void **state)
{
    struct bed *b = *state;
    b->is_warm = true;
    assert_int_equal(go(b), STATUS_OK);
    assert_int_equal(b->engine.resets, 2);
}

/* What the answers tell goes before the server's counters, which count others too. */
static void hits_of_the_answers(void **state)
{
    struct bed *b = *state;
    assert_int_equal(go(b), STATUS_OK);
    const struct row *f = &b->read.repeats[1].fields;
    assert_string_equal(f->v[FIELD_cache_source].s, "usage");
    assert_int_equal(f->v[FIELD_cached_input_tokens].kind, VALUE_ABSENT);
}

static void hits_of_the_counters(void **state)
{
    struct bed *b = *state;
    b->engine.hides_cached = true;
    assert_int_equal(go(b), STATUS_OK);
    const struct row *f = &b->read.repeats[1].fields;
    assert_string_equal(f->v[FIELD_cache_source].s, "metrics");
    assert_int_equal(f->v[FIELD_cached_input_tokens].i, 7);
}

/* A repeat of which nothing succeeded ends its cell; the next one gets another engine,
 * and after two such cells the run ends. */
static void nothing_succeeds(void **state)
{
    struct bed *b = *state;
    b->engine.fails_each = 1;
    assert_int_equal(go(b), STATUS_OK);
    assert_int_equal(b->out.cells_failed, 2);
    assert_int_equal(b->engine.opens, 2);
    assert_int_equal(b->read.repeat_count, 2);
    const struct repeat_data *r = &b->read.repeats[0];
    assert_string_equal(r->error, "all 4 failed, the first: refused by the fake");
    assert_int_equal(r->request_count, 4);
}

static void some_fail(void **state)
{
    struct bed *b = *state;
    b->engine.fails_each = 2;
    assert_int_equal(go(b), STATUS_OK);
    assert_true(b->out.is_complete);
    assert_null(b->read.repeats[0].error);
}

static void no_server(void **state)
{
    struct bed *b = *state;
    b->engine.at_open = STATUS_NOT_FOUND; /* another try would not mend it */
    b->engine.open_from = 1;
    assert_int_equal(go(b), STATUS_OK);
    assert_int_equal(b->out.first.code, STATUS_NOT_FOUND);
    assert_int_equal(b->engine.opens, 1);
    assert_int_equal(b->read.repeat_count, 1);
    assert_string_equal(b->read.repeats[0].error, "open number 1 fails");
    assert_true(b->read.repeats[0].is_warmup);
}

static void a_signal(void **state)
{
    struct bed *b = *state;
    b->engine.stops_after = 6; /* in the second repeat */
    assert_int_equal(go(b), STATUS_OK);
    assert_true(b->out.is_interrupted && !b->out.is_complete);
    assert_int_equal(b->read.cell_count, 1);
    const struct repeat_data *last = &b->read.repeats[b->read.repeat_count - 1];
    assert_true(last->is_ended);
    assert_true(b->read.repeat_count == 2);
}

/* Told after each repeat, and for what came before it. */
static void steps_of_the_clock(void **state)
{
    struct bed *b = *state;
    b->engine.clock_steps = 2;
    assert_int_equal(go(b), STATUS_OK);
    assert_int_equal(b->read.repeats[1].fields.v[FIELD_clock_steps].i, 2);
    assert_int_equal(times_told(b, "the machine's clock was set 2 times"), 12);
}

/* Once a cell, though each of its repeats ends early; not where time is no limit. */
static void a_plan_used_up_before_its_time(void **state)
{
    struct bed *b = *state;
    b->loads[1].duration_s = 1000;
    assert_int_equal(go(b), STATUS_OK);
    assert_int_equal(times_told(b, "all 4 planned requests ended"), 1);
    assert_int_equal(b->read.repeats[4].requests_planned, 0); /* as many as fit */
    assert_int_equal(b->read.repeats[4].request_count, 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_well),
        TEST(warm_up_requests_are_sent_and_not_written),
        TEST(a_cold_cache_is_emptied_before_each_repeat),
        TEST(a_warm_cache_before_the_first),
        TEST(hits_of_the_answers),
        TEST(hits_of_the_counters),
        TEST(nothing_succeeds),
        TEST(some_fail),
        TEST(no_server),
        TEST(a_signal),
        TEST(steps_of_the_clock),
        TEST(a_plan_used_up_before_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
