#include "bench/lane.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* An engine of a lane: every request gets two tokens and ends, in the order of the sends,
 * one a call of next; `holds` keeps all answers back, `holds_after` those
 * after the first so many; `refuses` fails every request at once, `fails` instead of an
 * answer. */
#define FAKE_MAX 4000

struct engine_lane {
    int32_t sent[FAKE_MAX];
    size_t sent_count, told, ended;
    int64_t in_flight, in_flight_most;
    bool holds, refuses;
    size_t holds_after; /* 0: never */
    enum fail_class fails;
    double slow_s; /* before each answer */
    int cancelled;
    struct event pending[FAKE_MAX];
    size_t pending_count;
};

static struct event make(enum event_kind kind, int32_t request)
{
    return (struct event){.kind = kind,
                          .request = request,
                          .at = clock_now(),
                          .read_at = {NS_UNKNOWN},
                          .tokens = 1,
                          .tokens_in = 5,
                          .tokens_out = 2,
                          .tokens_cached = TOKENS_UNKNOWN,
                          .source = TOKEN_SOURCE_usage,
                          .connect_ns = NS_UNKNOWN,
                          .tls_ns = NS_UNKNOWN};
}

static enum status fake_submit(struct engine_lane *l, const struct engine_request *r,
                               struct err *e)
{
    (void)e;
    l->sent[l->sent_count++] = r->index;
    l->in_flight++;
    if (l->in_flight > l->in_flight_most)
        l->in_flight_most = l->in_flight;
    struct event ev = make(l->refuses ? EVENT_FAILED : EVENT_SENT, r->index);
    ev.fail = l->refuses ? FAIL_refused : FAIL_none;
    l->in_flight -= l->refuses;
    l->ended += l->refuses;
    l->pending[l->pending_count++] = ev;
    return STATUS_OK;
}

static enum status fake_cancel(struct engine_lane *l, int32_t request, struct err *e)
{
    (void)e;
    struct event ev = make(EVENT_FAILED, request);
    ev.fail = FAIL_none;
    l->pending[l->pending_count++] = ev;
    l->cancelled++;
    return STATUS_OK;
}

static enum status fake_next(struct engine_lane *l, struct instant until,
                             const struct engine_watch *w, struct event_list *out,
                             struct err *e)
{
    (void)w;
    (void)e;
    memcpy(out->items, l->pending, l->pending_count * sizeof *l->pending);
    out->count = l->pending_count;
    l->pending_count = 0;
    if (out->count > 0)
        return STATUS_OK;
    bool is_over = l->holds_after > 0 && l->ended >= l->holds_after;
    if (l->holds || is_over || l->ended == l->sent_count) {
        clock_sleep_until(until);
        return STATUS_OK;
    }
    clock_sleep_until(clock_after(clock_now(), clock_seconds(l->slow_s)));
    int32_t request = l->sent[l->ended++];
    l->in_flight--;
    if (l->fails != FAIL_none) {
        out->items[0] = make(EVENT_FAILED, request);
        out->items[0].fail = l->fails;
        out->count = 1;
        return STATUS_OK;
    }
    out->items[0] = make(EVENT_TOKENS, request);
    out->items[1] = make(EVENT_TOKENS, request);
    out->items[2] = make(EVENT_DONE, request);
    out->count = 3;
    return STATUS_OK;
}

static const struct engine_ops fake = {
    .name = "fake", .submit = fake_submit, .cancel = fake_cancel, .next = fake_next};

static struct engine_request requests[1000];
static int32_t positions[4000]; /* in `requests`, by index */
static int64_t due_ns[1000];

static void plan(size_t count, int32_t step)
{
    for (size_t i = 0; i < count; i++) {
        requests[i] = (struct engine_request){.index = (int32_t)i * step,
                                              .max_tokens = 2};
        positions[requests[i].index] = (int32_t)i;
    }
}

/* Runs the lane to its end; records by position. */
static void run(struct lane *l, struct engine_lane *engine, const struct lane_work *work,
                struct request_record *records)
{
    struct err e;
    struct request_record_scratch scratch;
    struct flight *f;
    const struct instant zero = {0};
    bool is_over = false;
    struct lane_work own = *work;
    own.positions = positions;
    assert_int_equal(lane_init(l, &fake, engine, &own, &e), STATUS_OK);
    assert_int_equal(
        request_record_scratch_init(&scratch, lane_room(work->requests, work->count), &e),
        STATUS_OK);
    assert_int_equal(lane_start(l, clock_now(), &e), STATUS_OK);
    while (!is_over) {
        is_over = atomic_load(&l->is_over);
        while ((f = lane_take(l)) != NULL) {
            struct request_record *r = &records[positions[f->request]];
            assert_int_equal(r->max_tokens, 0); /* told once */
            request_record_finish(f, zero, false, &scratch, r);
            r->at_ns = NULL; /* of the scratch */
            r->event_count = 0;
            lane_give_back(l, f);
        }
        clock_sleep_until(clock_after(clock_now(), clock_seconds(0.001)));
    }
    lane_join(l);
    request_record_scratch_fini(&scratch);
}

static struct lane lane;
static struct engine_lane engine;
static struct request_record records[1000];

static int clear(void **state)
{
    (void)state;
    memset(&engine, 0, sizeof engine);
    memset(records, 0, sizeof records);
    memset(due_ns, 0, sizeof due_ns);
    return 0;
}

static int fini(void **state)
{
    (void)state;
    lane_fini(&lane);
    return 0;
}

static void closed_keeps_its_slots_full(void **state)
{
    (void)state;
    plan(500, 3);
    const struct lane_work w = {.requests = requests,
                                .count = 500,
                                .in_flight_max = 4,
                                .is_closed = true,
                                .duration_s = (double)NAN,
                                .cpu = -1,
                                .drain_timeout_s = 60};
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 500);
    assert_int_equal(engine.in_flight_most, 4);
    for (size_t i = 0; i < 500; i++) {
        const struct request_record *r = &records[i];
        assert_int_equal(r->status, RECORD_OK);
        assert_int_equal(r->index, (int)i * 3);
        assert_int_equal(r->tokens_out, 2);
        assert_true(r->due_ns <= r->sent_ns);
        if (i < 4)
            assert_int_equal(r->due_ns, r->sent_ns);
        else /* one answer a turn, in order: the slot of the fourth before */
            assert_int_equal(r->due_ns, records[i - 4].done_ns);
    }
}

static void a_refused_slot_waits(void **state)
{
    (void)state;
    plan(9, 1);
    engine.refuses = true;
    const struct lane_work w = {.requests = requests,
                                .count = 9,
                                .in_flight_max = 3,
                                .is_closed = true,
                                .duration_s = (double)NAN,
                                .cpu = -1,
                                .drain_timeout_s = 60};
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(records[i].status, RECORD_FAILED);
        if (i >= 3)
            assert_int_equal(records[i].due_ns, records[i - 3].done_ns + LANE_PAUSE_NS);
    }
}

static void open_sends_when_due_and_never_before(void **state)
{
    (void)state;
    plan(200, 1);
    for (size_t i = 0; i < 200; i++)
        due_ns[i] = (int64_t)i * NS_PER_MS / 4;
    const struct lane_work w = {.requests = requests,
                                .due_ns = due_ns,
                                .count = 200,
                                .in_flight_max = 200,
                                .cpu = -1,
                                .drain_timeout_s = 60};
    run(&lane, &engine, &w, records);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(records[i].status, RECORD_OK);
        assert_int_equal(records[i].due_ns, lane.start.ns + due_ns[i]);
        assert_int_equal(records[i].ready_ns, records[i].due_ns);
        assert_true(records[i].sent_ns >= records[i].due_ns);
    }
}

static void a_full_client_holds_requests_back(void **state)
{
    (void)state;
    plan(100, 1); /* all due at once, two at a time */
    const struct lane_work w = {.requests = requests,
                                .due_ns = due_ns,
                                .count = 100,
                                .in_flight_max = 2,
                                .cpu = -1,
                                .drain_timeout_s = 60};
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.in_flight_most, 2);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(records[i].due_ns, lane.start.ns);
        if (i < 2)
            assert_int_equal(records[i].ready_ns, records[i].due_ns);
        else
            assert_int_equal(records[i].ready_ns, records[i - 2].done_ns);
        assert_true(records[i].sent_ns >= records[i].ready_ns);
    }
}

static void what_never_ends_is_unanswered(void **state)
{
    (void)state;
    plan(10, 1);
    engine.holds = true;
    const struct lane_work w = {.requests = requests,
                                .due_ns = due_ns,
                                .count = 10,
                                .in_flight_max = 10,
                                .cpu = -1,
                                .drain_timeout_s = 0.05};
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.cancelled, 10);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(records[i].status, RECORD_UNANSWERED);
    assert_non_null(strstr(lane.of[0]->error, "0.05 s after the last send"));
}

static void no_send_after_the_duration(void **state)
{
    (void)state;
    plan(1000, 1);
    const struct lane_work w = {.requests = requests,
                                .count = 1000,
                                .in_flight_max = 3,
                                .is_closed = true,
                                .duration_s = 1e-9,
                                .cpu = -1,
                                .drain_timeout_s = 60};
    run(&lane, &engine, &w, records);
    assert_true(engine.sent_count <= 3); /* what starts before the clock is read */
    for (size_t i = 0; i < engine.sent_count; i++)
        assert_int_equal(records[i].status, RECORD_OK);
}

/* An open load whose requests wait for slots that nobody frees. */
static struct lane_work held(double duration_s, double drain_timeout_s)
{
    plan(100, 1);
    for (size_t i = 0; i < 100; i++)
        due_ns[i] = (int64_t)i * NS_PER_MS;
    engine.holds = true;
    return (struct lane_work){.requests = requests,
                              .due_ns = due_ns,
                              .count = 100,
                              .in_flight_max = 2,
                              .cpu = -1,
                              .duration_s = duration_s,
                              .drain_timeout_s = drain_timeout_s};
}

/* Those in flight, and those that found no slot: these are due, and were never sent. */
static void all_unanswered(void)
{
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(records[i].status, RECORD_UNANSWERED);
        assert_int_equal(records[i].due_ns, lane.start.ns + due_ns[i]);
        assert_int_equal(records[i].sent_ns == NS_UNKNOWN, i >= 2);
        assert_int_equal(records[i].ready_ns == NS_UNKNOWN, i >= 2);
    }
    assert_string_equal(records[99].error, "never sent: no free slot");
    /* the live line subtracts these: none is open any more */
    assert_int_equal(atomic_load(&lane.sent), 100);
    assert_int_equal(atomic_load(&lane.ok) + atomic_load(&lane.bad), 100);
}

static void nobody_waits_for_a_slot_for_ever(void **state)
{
    (void)state;
    const struct lane_work w = held((double)NAN, 0.05);
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 2);
    assert_int_equal(engine.cancelled, 2);
    /* not before all were due, and none was sent for the time that a drain may take */
    assert_true(clock_since(lane.start).ns >= due_ns[99] + NS_PER_S / 20);
    all_unanswered();
}

static void waiting_ends_after_the_duration(void **state)
{
    (void)state;
    const struct lane_work w = held(0.1, 0.05);
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 2);
    assert_int_equal(engine.cancelled, 2);
    assert_true(clock_since(lane.start).ns >= NS_PER_S / 10 + NS_PER_S / 20);
    all_unanswered();
}

/* A closed load of three slots. */
static struct lane_work closed(double drain_timeout_s, double first_answer_s)
{
    plan(100, 1);
    return (struct lane_work){.requests = requests,
                              .count = 100,
                              .in_flight_max = 3,
                              .is_closed = true,
                              .cpu = -1,
                              .duration_s = (double)NAN,
                              .drain_timeout_s = drain_timeout_s,
                              .first_answer_s = first_answer_s};
}

/* The last three are unanswered, and why. */
static void ended_silent(const char *why)
{
    size_t n = engine.sent_count;
    assert_in_range(n, 3, 99);
    assert_int_equal(engine.cancelled, 3);
    for (size_t i = n - 3; i < n; i++)
        assert_int_equal(records[i].status, RECORD_UNANSWERED);
    assert_string_equal(lane.of[n - 1]->error, why);
}

/* A server that never answers. */
static void silence_ends_a_closed_load(void **state)
{
    (void)state;
    const struct lane_work w = closed(0.05, 0.01);
    engine.holds = true;
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 3);
    assert_true(clock_since(lane.start).ns >= NS_PER_S / 20);
    ended_silent("no data received for 0.05 s (--drain-timeout), all slots busy");
}

static void the_first_answer_may_take_longer(void **state)
{
    (void)state;
    const struct lane_work w = closed(0, 0.05);
    engine.holds = true;
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 3);
    assert_true(clock_since(lane.start).ns >= NS_PER_S / 20);
    ended_silent("no data received for 0.05 s, all slots busy");
}

/* Once there are answers, the longest of them tells what a silence is. */
static void a_short_drain_ends_no_closed_load(void **state)
{
    (void)state;
    char why[REQUEST_RECORD_ERROR_BYTES];
    int64_t longest_ns = 0;
    const struct lane_work w = closed(0, 60);
    engine.slow_s = 0.01;
    engine.holds_after = 12;
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 15);
    for (size_t i = 0; i < 12; i++) {
        int64_t took_ns = records[i].done_ns - records[i].sent_ns;
        assert_int_equal(records[i].status, RECORD_OK);
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    }
    assert_true(records[14].done_ns - records[11].done_ns > 10 * longest_ns);
    (void)snprintf(why, sizeof why, "no data received for %g s, all slots busy",
                   10 * (double)longest_ns / (double)NS_PER_S);
    ended_silent(why);
}

/* What this client says of a request is no sign of the server, nor is the next send. */
static void timeouts_are_silence(void **state)
{
    (void)state;
    const struct lane_work w = closed(0.2, 0);
    engine.slow_s = 0.02;
    engine.fails = FAIL_timeout;
    run(&lane, &engine, &w, records);
    assert_in_range(engine.sent_count, 4, 3 + 11); /* 20 ms each at least */
    for (size_t i = 0; i + 3 < engine.sent_count; i++)
        assert_int_equal(records[i].fail, FAIL_timeout);
    ended_silent("no data received for 0.2 s (--drain-timeout), all slots busy");
}

static void errors_of_the_server_are_no_silence(void **state)
{
    (void)state;
    const struct lane_work w = closed(0.25, 0);
    engine.slow_s = 0.005;
    engine.fails = FAIL_http;
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 100);
    assert_true(clock_since(lane.start).ns >= NS_PER_S / 2);
}

/* After the duration there is nothing to send: it is the drain that ends. */
static void a_drain_after_the_duration_is_no_silence(void **state)
{
    (void)state;
    struct lane_work w = closed(0.05, 60);
    w.duration_s = 0.5; /* in which a busy machine, too, starts the thread and sends */
    engine.holds = true;
    run(&lane, &engine, &w, records);
    ended_silent("answer unfinished 0.05 s after the last send");
}

/* Slots that wait for the ramp-up are not busy. */
static void a_ramp_up_is_no_silence(void **state)
{
    (void)state;
    plan(100, 1);
    engine.holds = true;
    const struct lane_work w = {.requests = requests,
                                .count = 100,
                                .in_flight_max = 2,
                                .is_closed = true,
                                .cpu = -1,
                                .ramp_up_s = 0.5,
                                .duration_s = (double)NAN,
                                .drain_timeout_s = 0.05};
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 2);
    assert_true(clock_since(lane.start).ns >= NS_PER_S / 4);
}

/* Each answer takes longer than a drain may, and something comes all the time. */
static void long_answers_are_no_silence(void **state)
{
    (void)state;
    plan(150, 1);
    engine.slow_s = 0.01;
    const struct lane_work w = {.requests = requests,
                                .count = 150,
                                .in_flight_max = 100,
                                .is_closed = true,
                                .cpu = -1,
                                .duration_s = (double)NAN,
                                .drain_timeout_s = 0.5};
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 150);
    for (size_t i = 0; i < 50; i++) /* the last ones are what the drain is for */
        assert_int_equal(records[i].status, RECORD_OK);
    assert_true(records[99].done_ns - records[99].sent_ns > NS_PER_S / 2);
}

/* Answers that free slots keep the load going, however long it takes them all. */
static void slots_that_become_free_are_used(void **state)
{
    (void)state;
    plan(100, 1);
    engine.slow_s = 0.005;
    const struct lane_work w = {.requests = requests,
                                .due_ns = due_ns,
                                .count = 100,
                                .in_flight_max = 2,
                                .cpu = -1,
                                .duration_s = (double)NAN,
                                .drain_timeout_s = 0.25};
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 100);
    assert_true(clock_since(lane.start).ns > NS_PER_S / 2);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(records[i].status, RECORD_OK);
}

/* Requests that wait for a slot when the time is over are sent for as long as a drain may
 * take; those that are due in time and find one are, late as the client may be. */
static void what_waits_is_sent_after_the_duration(void **state)
{
    (void)state;
    plan(100, 1);
    engine.slow_s = 0.005;
    const struct lane_work w = {.requests = requests,
                                .due_ns = due_ns,
                                .count = 100,
                                .in_flight_max = 2,
                                .cpu = -1,
                                .duration_s = 0.05,
                                .drain_timeout_s = 0.05};
    run(&lane, &engine, &w, records);
    assert_true(engine.sent_count >= 2 && engine.sent_count < 60);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(records[i].sent_ns != NS_UNKNOWN, i < engine.sent_count);
        assert_true(i < 2 ? records[i].status == RECORD_OK
                          : records[i].status != RECORD_INTERRUPTED);
    }
    assert_int_equal(records[99].status, RECORD_UNANSWERED);
    const struct lane_work free_slots = {.requests = requests,
                                         .due_ns = due_ns,
                                         .count = 100,
                                         .in_flight_max = 100,
                                         .cpu = -1,
                                         .duration_s = 1e-9,
                                         .drain_timeout_s = 60};
    lane_fini(&lane);
    (void)clear(NULL);
    run(&lane, &engine, &free_slots, records);
    assert_int_equal(engine.sent_count, 100);
}

static void complete(void *arg, struct engine_request *r, const struct flight *ended)
{
    int32_t *completed = arg;
    assert_int_equal(r->after->index, ended->request);
    assert_int_equal(ended->status, RECORD_OK);
    completed[r->index] = ended->request;
}

/* Chains 0 <- 1 <- 2, 3 <- 4 <- 5, ... */
static void chain(size_t count)
{
    plan(count, 1);
    for (size_t i = 0; i < count; i++)
        requests[i].after = i % 3 != 0 ? &requests[i - 1] : NULL;
}

static size_t sent_at(int32_t request)
{
    for (size_t i = 0; i < engine.sent_count; i++)
        if (engine.sent[i] == request)
            return i;
    fail_msg("%d was not sent", (int)request);
    return 0;
}

static void those_that_wait_come_after_and_first(void **state)
{
    (void)state;
    static int32_t completed[30];
    chain(30);
    const struct lane_work w = {.requests = requests,
                                .count = 30,
                                .in_flight_max = 2,
                                .is_closed = true,
                                .duration_s = (double)NAN,
                                .cpu = -1,
                                .drain_timeout_s = 60,
                                .release = complete,
                                .release_arg = completed};
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 30);
    for (int32_t i = 0; i < 30; i++) {
        assert_int_equal(records[i].status, RECORD_OK);
        if (i % 3 == 0)
            continue;
        assert_true(sent_at(i) > sent_at(i - 1));
        assert_true(sent_at(i) <= sent_at(i - 1) + 2); /* before new chains begin */
        assert_int_equal(completed[i], i - 1);
        assert_int_equal(records[i].due_ns, records[i - 1].done_ns);
    }
}

static void those_that_wait_in_an_open_load(void **state)
{
    (void)state;
    chain(30);
    for (size_t i = 0; i < 30; i += 3)
        due_ns[i] = (int64_t)i * NS_PER_MS;
    const struct lane_work w = {.requests = requests,
                                .due_ns = due_ns,
                                .count = 30,
                                .in_flight_max = 30,
                                .cpu = -1,
                                .drain_timeout_s = 60};
    run(&lane, &engine, &w, records);
    for (int32_t i = 0; i < 30; i++) {
        assert_int_equal(records[i].status, RECORD_OK);
        assert_int_equal(records[i].due_ns,
                         i % 3 == 0 ? lane.start.ns + due_ns[i] : records[i - 1].done_ns);
    }
}

static void a_failure_ends_its_chain(void **state)
{
    (void)state;
    chain(9);
    engine.fails = FAIL_http;
    const struct lane_work w = {.requests = requests,
                                .count = 9,
                                .in_flight_max = 1,
                                .is_closed = true,
                                .duration_s = (double)NAN,
                                .cpu = -1,
                                .drain_timeout_s = 60};
    run(&lane, &engine, &w, records);
    assert_int_equal(engine.sent_count, 3);
    for (int32_t i = 0; i < 9; i++)
        assert_int_equal(records[i].status,
                         i % 3 == 0 ? RECORD_FAILED : RECORD_UNANSWERED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, clear, fini)
    const struct CMUnitTest tests[] = {
        TEST(closed_keeps_its_slots_full),
        TEST(a_refused_slot_waits),
        TEST(open_sends_when_due_and_never_before),
        TEST(a_full_client_holds_requests_back),
        TEST(what_never_ends_is_unanswered),
        TEST(no_send_after_the_duration),
        TEST(nobody_waits_for_a_slot_for_ever),
        TEST(waiting_ends_after_the_duration),
        TEST(slots_that_become_free_are_used),
        TEST(silence_ends_a_closed_load),
        TEST(the_first_answer_may_take_longer),
        TEST(a_short_drain_ends_no_closed_load),
        TEST(timeouts_are_silence),
        TEST(errors_of_the_server_are_no_silence),
        TEST(a_drain_after_the_duration_is_no_silence),
        TEST(a_ramp_up_is_no_silence),
        TEST(long_answers_are_no_silence),
        TEST(what_waits_is_sent_after_the_duration),
        TEST(those_that_wait_come_after_and_first),
        TEST(those_that_wait_in_an_open_load),
        TEST(a_failure_ends_its_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
