/* A phase of a load, on an engine that does what the test says. */
#include "bench/phase.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "journal_fixture.h"
#include "load_fixture.h"
#include "store/journal_read.h"

struct bed {
    struct journal_fixture fx;
    struct load_fixture engine;
    struct arena arena;
    struct journal journal;
    struct log log;
    struct progress progress;
    struct engine_target target;
    struct bench bench;
    enum status (*start)(void *arg, struct instant *at, struct err *e);
    struct engine_request requests[100];
    int64_t due_ns[100];
    struct load load;
    double in_flight_mean; /* of the repeat before */
    double drain_timeout_s;
    struct repeat_data repeat;
    struct phase phase;
    struct phase_outcome out;
    struct row fields;
    struct err e;
};

static int setup(void **state)
{
    struct bed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    journal_fixture_init(&b->fx);
    arena_init(&b->arena, 64 << 20);
    b->log = (struct log){.level = LOG_ERROR, .fd = -1};
    progress_init(&b->progress, &b->log, true);
    b->drain_timeout_s = 60;
    b->target = (struct engine_target){.endpoint = "completions", .is_stream = true};
    for (int32_t i = 0; i < 100; i++)
        b->requests[i] = (struct engine_request){.index = i, .max_tokens = 3};
    b->load = (struct load){.kind = LOAD_CLOSED,
                            .concurrency = 3,
                            .max_concurrency = OPT_INT_UNSET,
                            .duration_s = NAN};
    b->repeat = (struct repeat_data){
        .repeat = 1, .requests_planned = 10, .expected_cached_tokens = TOKENS_UNKNOWN};
    b->phase = (struct phase){.requests = b->requests,
                              .count = 10,
                              .name = "p",
                              .load = &b->load,
                              .repeat = &b->repeat};
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;
    progress_end(&b->progress);
    arena_fini(&b->arena);
    journal_fixture_fini(&b->fx);
    free(b);
    return 0;
}

/* Runs the phase on so many lanes; what the journal holds of it. */
static enum status go(struct bed *b, size_t lanes, struct repeat_data *read)
{
    struct err e;
    struct run_data *run = arena_alloc(&b->arena, 1, sizeof *run);
    struct journal_note note;
    struct journal *j = &b->journal;
    assert_int_equal(journal_create(j, b->fx.path, clock_now(), &e), STATUS_OK);
    assert_int_equal(journal_run(j, &b->fx.f.run, &e), STATUS_OK);
    assert_int_equal(journal_cell(j, 0, &b->fx.f.run.cells[0], &e), STATUS_OK);
    assert_int_equal(journal_repeat(j, &b->repeat, &e), STATUS_OK);
    b->bench = (struct bench){.session = {.ops = &load_fixture_ops,
                                          .settings = {.target = &b->target},
                                          .lane_count = lanes},
                              .journal = j,
                              .arena = &b->arena,
                              .progress = &b->progress,
                              .watch = {.stop = load_fixture_stop, .arg = &b->engine},
                              .log = &b->log,
                              .with_gaps = true,
                              .in_flight_mean = b->in_flight_mean,
                              .drain_timeout_s = b->drain_timeout_s,
                              .start = b->start};
    struct session *session = &b->bench.session;
    assert_int_equal(session_open(session, &b->bench.watch, &e), STATUS_OK);
    enum status s = phase_run(&b->bench, &b->phase,
                              b->phase.repeat != NULL ? &b->fields : NULL, &b->out,
                              &b->e);
    session_close(session);
    journal_close(j);
    assert_int_equal(journal_read(b->fx.path, &b->arena, run, &note, &e), STATUS_OK);
    *read = run->repeats[0];
    return s;
}

static enum status agreed(void *arg, struct instant *at, struct err *e)
{
    (void)arg;
    (void)e;
    *at = clock_after(*at, clock_seconds(0.05));
    return STATUS_OK;
}

/* Several machines begin at one instant: nothing is sent before it. */
static void a_start_that_others_agree_on(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->start = agreed;
    struct instant now = clock_now();
    assert_int_equal(go(b, 2, &r), STATUS_OK);
    assert_int_equal(b->out.ok, 10);
    assert_true(clock_between(now, b->out.start).ns >= 50 * NS_PER_MS);
    for (size_t i = 0; i < r.request_count; i++)
        assert_true(r.requests[i].sent_ns >=
                    clock_between(b->journal.start, b->out.start).ns);
}

static void every_request_once_shared_by_the_lanes(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    bool seen[10] = {false};
    assert_int_equal(go(b, 2, &r), STATUS_OK);
    assert_int_equal(b->out.ok, 10);
    assert_int_equal(b->out.failed + b->out.interrupted, 0);
    assert_int_equal(r.request_count, 10);
    for (size_t i = 0; i < r.request_count; i++) {
        assert_false(seen[r.requests[i].index]);
        seen[r.requests[i].index] = true;
        assert_int_equal(r.requests[i].status, RECORD_OK);
        assert_int_equal(r.requests[i].tokens_out, 3);
    }
    for (size_t lane = 0; lane < 2; lane++) {
        const struct load_fixture_lane *l = &b->engine.lanes[lane];
        assert_int_equal(l->sent_count, 5);
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(l->sent[i], 2 * i + lane);
        assert_int_equal(l->most_in_flight, lane == 0 ? 2 : 1); /* 3 slots of two */
        assert_int_equal(l->ready.connections, lane == 0 ? 2 : 1);
        assert_true(l->ready.is_closed_load);
    }
    assert_true(b->out.has_cached_tokens);
    assert_true(value_as_num(b->fields.v[FIELD_client_cpu_ratio]) >= 0);
    assert_int_equal(b->fields.v[FIELD_stamp_late_p99_ms].kind, VALUE_NULL);
}

/* The first answer of a closed load has its time even if no drain is wanted. */
static void no_drain_and_yet_answers(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->drain_timeout_s = 0;
    assert_int_equal(go(b, 1, &r), STATUS_OK);
    assert_true(b->out.ok > 0);
}

static void no_more_lanes_than_slots(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->load.concurrency = 1;
    assert_int_equal(go(b, 3, &r), STATUS_OK);
    assert_int_equal(b->engine.lanes[0].sent_count, 10);
    assert_int_equal(b->engine.lanes[1].sent_count, 0);
}

static void nothing_of_a_warm_up_is_written(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->phase.repeat = NULL;
    b->phase.count = 20;
    b->load.duration_s = 1e-9; /* for the measured alone */
    assert_int_equal(go(b, 1, &r), STATUS_OK);
    assert_int_equal(b->out.ok, 20);
    assert_int_equal(r.request_count, 0);
}

static void failures_are_counted_and_the_first_is_kept(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->engine.fails_each = 3;
    b->engine.hides_cached = true;
    assert_int_equal(go(b, 1, &r), STATUS_OK);
    assert_int_equal(b->out.ok, 7);
    assert_int_equal(b->out.failed, 3);
    assert_string_equal(b->out.first_error, "refused by the fake");
    assert_false(b->out.has_cached_tokens);
    assert_int_equal(r.request_count, 10);
}

/* Only a stream tells when the first token was there. */
static void the_first_token_of_a_stream_alone(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    assert_int_equal(go(b, 1, &r), STATUS_OK);
    assert_true(r.requests[0].classes[EVENT_TEXT].count > 0);
}

static void no_first_token_in_one_piece(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->target.is_stream = false;
    assert_int_equal(go(b, 1, &r), STATUS_OK);
    for (size_t i = 0; i < r.request_count; i++) {
        assert_int_equal(r.requests[i].events, RECORD_WHOLE);
        assert_true(r.requests[i].last_ns > r.requests[i].sent_ns);
    }
}

static void a_signal_cancels_what_is_in_flight(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->engine.holds = true;
    b->engine.stops_after = 3;
    assert_int_equal(go(b, 1, &r), STATUS_INTERRUPTED);
    assert_int_equal(b->out.interrupted, 3);
    assert_int_equal(b->out.unanswered, 0);
    assert_int_equal(b->out.ok + b->out.failed, 0);
    assert_int_equal(r.request_count, 3);
    assert_int_equal(r.requests[0].status, RECORD_INTERRUPTED);
}

static void the_engine_dies(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->engine.dies_after = 4;
    assert_int_equal(go(b, 1, &r), STATUS_DIED);
    assert_string_equal(b->e.what, "died after 4");
    assert_int_equal(r.request_count, 4);
}

/* As many as were in flight in the cell's last repeat, no more than could ever be. */
static void connections_of_an_open_load(void **state)
{
    static const struct {
        double rate_rps, in_flight_mean;
        int64_t cap;
        int64_t connections[3];                     /* by lane */
    } loads[] = {{10, 0, OPT_INT_UNSET, {1, 0, 0}}, /* nothing is known */
                 {10, 0.02, OPT_INT_UNSET, {1, 0, 0}},
                 {10, 3.4, OPT_INT_UNSET, {2, 1, 1}},
                 {1000, 7, OPT_INT_UNSET, {3, 2, 2}},
                 {1000, 500, OPT_INT_UNSET, {34, 33, 33}},
                 {1000, 500, 7, {3, 2, 2}},
                 {INFINITY, 0, OPT_INT_UNSET, {34, 33, 33}},
                 {INFINITY, 0, 7, {3, 2, 2}}};
    struct bed *b = *state;
    struct repeat_data r;
    b->phase.count = 100;
    b->phase.due_ns = b->due_ns; /* all at once */
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        b->load = (struct load){.kind = LOAD_OPEN,
                                .rate_rps = loads[i].rate_rps,
                                .max_concurrency = loads[i].cap,
                                .duration_s = NAN};
        b->engine = (struct load_fixture){.opens = 0};
        b->in_flight_mean = loads[i].in_flight_mean;
        (void)remove(b->fx.path);
        assert_int_equal(go(b, 3, &r), STATUS_OK);
        assert_int_equal(b->out.ok, 100);
        for (size_t k = 0; k < 3; k++) {
            const struct load_fixture_lane *l = &b->engine.lanes[k];
            assert_int_equal(l->ready.connections, loads[i].connections[k]);
            assert_int_equal(l->kept, loads[i].connections[k]);
            assert_false(l->ready.is_closed_load);
            if (loads[i].cap != OPT_INT_UNSET)
                assert_int_equal(l->most_in_flight, loads[i].connections[k]);
        }
    }
}

/* Its requests go first and in slots, but no more at a time than the load itself. */
static void connections_of_a_warm_up(void **state)
{
    static const struct {
        struct load load;
        int64_t connections;
        size_t slots;
    } all[] = {
        {{.kind = LOAD_CLOSED, .concurrency = 32}, 8, 8},
        {{.kind = LOAD_CLOSED, .concurrency = 3}, 3, 3},
        {{.kind = LOAD_OPEN, .rate_rps = 4, .max_concurrency = OPT_INT_UNSET}, 2, 8},
        {{.kind = LOAD_OPEN, .rate_rps = 4, .max_concurrency = 1}, 1, 1},
    };
    struct bed *b = *state;
    struct repeat_data r;
    b->phase.repeat = NULL;
    b->phase.count = 20;
    b->in_flight_mean = 1.5;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        b->load = all[i].load;
        b->load.duration_s = NAN;
        b->engine = (struct load_fixture){.opens = 0};
        (void)remove(b->fx.path);
        assert_int_equal(go(b, 1, &r), STATUS_OK);
        assert_int_equal(b->engine.lanes[0].ready.connections, all[i].connections);
        assert_int_equal(b->engine.lanes[0].most_in_flight, all[i].slots);
    }
}

/* What an earlier phase has left there is closed. */
static void a_lane_without_work_keeps_no_connection(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->load.concurrency = 2;
    for (size_t i = 0; i < 4; i++)
        b->engine.lanes[i].kept = 5;
    assert_int_equal(go(b, 4, &r), STATUS_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(b->engine.lanes[i].trims, 1);
        assert_int_equal(b->engine.lanes[i].kept, i < 2 ? 1 : 0);
    }
}

/* Requests that are never answered are in flight all the time. */
/* A chain stays with one lane. */
static void those_that_wait_stay_together(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    for (size_t i = 4; i < 10; i++)
        b->requests[i].after = &b->requests[i - 4]; /* four chains */
    assert_int_equal(go(b, 2, &r), STATUS_OK);
    assert_int_equal(b->out.ok, 10);
    for (size_t lane = 0; lane < 2; lane++) {
        const struct load_fixture_lane *l = &b->engine.lanes[lane];
        assert_int_equal(l->sent_count, 5);
        for (size_t i = 0; i < l->sent_count; i++)
            assert_int_equal(l->sent[i] % 2, lane);
    }
}

static void how_many_were_in_flight(void **state)
{
    struct bed *b = *state;
    struct repeat_data r;
    b->engine.holds = true;
    b->engine.stops_after = 3;
    assert_int_equal(go(b, 1, &r), STATUS_INTERRUPTED);
    assert_true(b->out.in_flight_mean > 0 && b->out.in_flight_mean <= 3);
    b->engine = (struct load_fixture){.opens = 0};
    (void)remove(b->fx.path);
    assert_int_equal(go(b, 1, &r), STATUS_OK);
    double sum_s = 0;
    for (size_t i = 0; i < r.request_count; i++)
        sum_s += (double)(r.requests[i].done_ns - r.requests[i].sent_ns) / 1e9;
    assert_true(fabs(b->out.in_flight_mean * b->out.wall_s - sum_s) < 1e-6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_start_that_others_agree_on),
        TEST(every_request_once_shared_by_the_lanes),
        TEST(no_drain_and_yet_answers),
        TEST(no_more_lanes_than_slots),
        TEST(nothing_of_a_warm_up_is_written),
        TEST(failures_are_counted_and_the_first_is_kept),
        TEST(the_first_token_of_a_stream_alone),
        TEST(no_first_token_in_one_piece),
        TEST(a_signal_cancels_what_is_in_flight),
        TEST(the_engine_dies),
        TEST(connections_of_an_open_load),
        TEST(connections_of_a_warm_up),
        TEST(a_lane_without_work_keeps_no_connection),
        TEST(those_that_wait_stay_together),
        TEST(how_many_were_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
