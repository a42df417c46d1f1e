#include "stats/loadshape.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "online_fixture.h"
#include "stats_fixture.h"

#define MS NS_PER_MS

static struct loadshape shape_of(struct online_fixture *f)
{
    struct loadshape l;
    assert_int_equal(loadshape_init(&l, &f->run, &f->repeat, &f->cell.fields), STATUS_OK);
    return l;
}

static double tokens_of(struct online_fixture *f)
{
    struct loadshape l = shape_of(f);
    return loadshape_tokens(&l);
}

/* Three requests, due 0, 100 and 200 ms after the phase, 120 ms each: tokens at 24, 56,
 * 88 and 120 ms after the send. By the definitions of 1 the window begins with the phase
 * and ends at 200 ms, with the last send. */
static void three(struct online_fixture *f)
{
    online_fixture_init(f, 3, 1);
    f->run.definitions = 1;
    for (size_t i = 0; i < 3; i++) {
        f->requests[i].due_ns = f->repeat.phase_ns + (int64_t)i * 100 * MS;
        f->requests[i].ready_ns = f->requests[i].due_ns;
        online_fixture_serve(f, i, 0, 120 * MS);
    }
}

static void test_tokens(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    struct loadshape l = shape_of(&f);
    assert_false(l.window.is_whole);
    assert_int_equal(l.window.begin_ns, f.repeat.phase_ns);
    assert_int_equal(l.window.end_ns, f.repeat.phase_ns + 200 * MS);
    stats_fixture_near(tokens_of(&f), 4 + 3, 0); /* the second's last comes at 220 ms */
    assert_int_equal(loadshape_answers(&l), 1);
    f.cell.ramp_up_s = 0.1; /* the first has one token left, at 120 ms */
    assert_int_equal(shape_of(&f).window.begin_ns, f.repeat.phase_ns + 100 * MS);
    stats_fixture_near(tokens_of(&f), 1 + 3, 0);
    f.cell.ramp_up_s = 0.12; /* an end belongs to the window */
    stats_fixture_near(tokens_of(&f), 1 + 3, 0);
    f.cell.ramp_up_s = 0.1200001;
    stats_fixture_near(tokens_of(&f), 3, 0);
    f.cell.ramp_up_s = 0;
    f.repeat.phase_ns = 0; /* not told: from the first that was due */
    assert_int_equal(shape_of(&f).window.begin_ns, f.requests[0].due_ns);
    f.requests[0].status = RECORD_FAILED; /* its tokens count nowhere */
    stats_fixture_near(tokens_of(&f), 3, 0);
    f.requests[1].tokens_out = TOKENS_UNKNOWN;
    assert_true(isnan(tokens_of(&f)));
    online_fixture_fini(&f);
}

static void test_whole(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    f.run.definitions = 2; /* 3 x 120 ms after the start nothing is left */
    struct loadshape l = shape_of(&f);
    assert_true(l.window.is_whole);
    assert_int_equal(l.window.begin_ns, f.requests[0].sent_ns);
    assert_int_equal(l.window.end_ns, f.requests[2].last_ns);
    stats_fixture_near(tokens_of(&f), 12, 0);
    assert_int_equal(loadshape_answers(&l), 3);
    assert_int_equal(loadshape_scope(&l).begin_ns, NS_UNKNOWN);
    f.run.definitions = 1;
    assert_false(shape_of(&f).window.is_whole);
    online_fixture_open(&f, INFINITY);
    assert_true(shape_of(&f).window.is_whole);
    online_fixture_closed(&f, 3); /* every send was the first of its slot */
    assert_true(shape_of(&f).window.is_whole);
    f.requests[2].sent_ns += 1; /* one slot sent again */
    assert_false(shape_of(&f).window.is_whole);
    online_fixture_open(&f, 10);
    f.cell.ramp_up_s = 0.3; /* still rising at the last send */
    assert_true(shape_of(&f).window.is_whole);
    online_fixture_fini(&f);
}

/* Several tokens an event: of request 1 at 24 (two), 56, 88 (three), 120. */
static void test_counted_events(void **state)
{
    (void)state;
    struct online_fixture f;
    static int64_t tokens[] = {2, 1, 3, 1};
    three(&f);
    struct request_record *q = &f.requests[1];
    q->event_tokens = tokens;
    q->first_event_tokens = 2;
    q->tokens_out = 7;
    stats_fixture_near(tokens_of(&f), 4 + 6, 0);
    q->sent_ns -= 21 * MS; /* as if sent earlier: no effect, arrivals count */
    stats_fixture_near(tokens_of(&f), 4 + 6, 0);
    q->event_tokens = NULL; /* 7 tokens in 4 events, nobody knows how */
    stats_fixture_near(tokens_of(&f), 4 + 3 * 7.0 / 4, 1e-12);
    online_fixture_fini(&f);
}

/* Without gaps: the first at its instant, the others evenly: 24, 56, 88, 120 again. */
static void test_no_gaps(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    f.cell.has_gaps = false;
    for (size_t i = 0; i < 3; i++)
        f.requests[i].event_count = 0;
    stats_fixture_near(tokens_of(&f), 4 + 3, 0);
    f.cell.ramp_up_s = 0.08;
    stats_fixture_near(tokens_of(&f), 2 + 3, 0);
    f.cell.ramp_up_s = 0;
    f.requests[1].last_ns = f.requests[1].first_ns; /* in one piece */
    stats_fixture_near(tokens_of(&f), 4 + 4, 0);
    f.requests[1].first_ns = NS_UNKNOWN; /* the same, as the journal has it */
    stats_fixture_near(tokens_of(&f), 4 + 4, 0);
    f.requests[1].first_ns = f.requests[1].last_ns;
    f.cell.has_gaps = true;
    f.requests[1].gaps_excluded = 3; /* excluded, and nobody kept them */
    f.requests[1].last_ns += 96 * MS;
    stats_fixture_near(tokens_of(&f), 4 + 3, 0);
    online_fixture_fini(&f);
}

/* `count` requests, one each 100 ms, of so many milliseconds each. */
static void steady(struct online_fixture *f, size_t count, int64_t service_ms)
{
    online_fixture_init(f, count, 1);
    for (size_t i = 0; i < count; i++) {
        f->requests[i].due_ns = f->repeat.phase_ns + (int64_t)i * 100 * MS;
        f->requests[i].ready_ns = f->requests[i].due_ns;
        online_fixture_serve(f, i, 0, service_ms * MS);
    }
}

/* An open load of 10/s with answers of 4 tokens gives 40 tokens a second once it is
 * steady; the window leaves the empty start out, and so do the latencies. */
static void test_open_window(void **state)
{
    (void)state;
    struct online_fixture f;
    steady(&f, 200, 1000);
    struct loadshape l = shape_of(&f);
    stats_fixture_near(l.e0_s, 1, 1e-6);
    assert_false(l.window.is_whole);
    stats_fixture_near((double)(l.window.begin_ns - f.repeat.phase_ns), 3e9, 1e4);
    assert_int_equal(l.window.end_ns, f.requests[199].sent_ns);
    double length_s = (double)(l.window.end_ns - l.window.begin_ns) / 1e9;
    stats_fixture_near(loadshape_tokens(&l) / length_s, 40, 0.4);
    stats_fixture_near((double)loadshape_answers(&l) / length_s, 10, 0.1);
    struct gather_scope scope = loadshape_scope(&l);
    assert_false(gather_is_in(&scope, &f.requests[29]));
    assert_true(gather_is_in(&scope, &f.requests[30]));
    assert_true(gather_is_in(&scope, &f.requests[198]));
    assert_false(gather_is_in(&scope, &f.requests[199])); /* the window ends with it */
    f.cell.ramp_up_s = 2;                                 /* then it begins later */
    stats_fixture_near((double)(shape_of(&f).window.begin_ns - f.repeat.phase_ns), 5e9,
                       1e4);
    online_fixture_fini(&f);
}

/* Of ten answers so many last longer, on a server that takes any number at once. */
static void mixed(struct online_fixture *f, size_t count, size_t longer,
                  int64_t longer_ms)
{
    steady(f, count, 100);
    for (size_t i = 0; i < count; i++)
        if (i * 7 % 10 < longer)
            online_fixture_serve(f, i, 0, longer_ms * MS);
}

/* Long answers are the median of nothing, and half of the tokens all the same: of answers
 * of 10 s, their first token after 2 s, what is missing after 7.3 s is half of
 * (10 - 7.3)^2 / 16, 0.5 % of 45 s. */
static void test_long_answers(void **state)
{
    (void)state;
    struct online_fixture f;
    mixed(&f, 450, 4, 10000);
    struct loadshape l = shape_of(&f);
    stats_fixture_near(l.e0_s, 0.1, 1e-6);
    double end_s = 44.9, late_s = sqrt(0.005 * end_s * 16 / 0.4);
    stats_fixture_near(l.settle_s, 10 - late_s, 1e-3);
    stats_fixture_near((double)(l.window.begin_ns - f.repeat.phase_ns), l.settle_s * 1e9,
                       10);
    double length_s = (double)(l.window.end_ns - l.window.begin_ns) / 1e9;
    stats_fixture_near(loadshape_tokens(&l) / length_s, 40, 0.4);
    struct loadshape_flight flight = loadshape_flight_of(&l); /* judged as ever */
    stats_fixture_near(flight.steady_s, 44.9 - 0.3, 1e-6);
    online_fixture_fini(&f);
}

/* One slow answer of hundreds leaves the window as it is, whatever it took; five of a
 * hundred do not. */
static void test_an_outlier(void **state)
{
    (void)state;
    struct online_fixture f;
    steady(&f, 300, 700);
    online_fixture_serve(&f, 40, 0, 1000 * NS_PER_S);
    stats_fixture_near(shape_of(&f).settle_s, 2.1, 1e-6);
    for (size_t i = 0; i < 300; i += 20)
        online_fixture_serve(&f, i, 0, 10 * NS_PER_S);
    double late_s = sqrt(0.005 * 29.9 * 16 / 0.05);
    stats_fixture_near(shape_of(&f).settle_s, 10 - late_s, 1e-3);
    online_fixture_fini(&f);
}

/* Half of the time is left, whether answers are too long for the run or a queue grows. */
static void test_never_settled(void **state)
{
    (void)state;
    struct online_fixture f;
    mixed(&f, 200, 4, 30000);
    struct loadshape l = shape_of(&f);
    assert_true(l.settle_s > 19.9 * 0.9 && l.settle_s <= 19.9);
    stats_fixture_near((double)(l.window.begin_ns - f.repeat.phase_ns), 19.9e9 / 2, 10);
    assert_false(l.window.is_whole);
    for (size_t i = 0; i < 200; i++) /* four times what the server can do */
        online_fixture_serve(&f, i, 0, (100 + (int64_t)i * 300) * MS);
    l = shape_of(&f);
    stats_fixture_near((double)(l.window.begin_ns - f.repeat.phase_ns), 19.9e9 / 2, 10);
    online_fixture_open(&f, INFINITY);
    assert_true(isnan(shape_of(&f).settle_s));
    online_fixture_closed(&f, 4);
    assert_true(isnan(shape_of(&f).settle_s));
    online_fixture_open(&f, 10);
    f.run.definitions = 1;
    l = shape_of(&f);
    assert_true(isnan(l.settle_s) && l.window.begin_ns == f.repeat.phase_ns);
    f.run.definitions = 2;
    for (size_t i = 0; i < 200; i++) {
        f.requests[i].first_ns = NS_UNKNOWN; /* in one piece, of tokens nobody knows */
        f.requests[i].tokens_out = TOKENS_UNKNOWN;
    }
    assert_true(shape_of(&f).settle_s > 0);
    online_fixture_fini(&f);
}

/* A closed load begins with a burst: a server that prefills one after the other serves
 * the first requests late, and those after them spread out. */
static void test_closed_window(void **state)
{
    (void)state;
    struct online_fixture f;
    online_fixture_init(&f, 40, 1);
    online_fixture_closed(&f, 4);
    for (size_t i = 0; i < 40; i++) {
        struct request_record *q = &f.requests[i];
        q->due_ns = i < 4 ? f.repeat.phase_ns : f.requests[i - 4].done_ns;
        q->ready_ns = q->due_ns;
        online_fixture_serve(&f, i, i < 4 ? 0 : 20000,
                             (i < 4 ? 100 : 60 + (int64_t)i) * MS);
    }
    struct loadshape l = shape_of(&f);
    assert_false(l.window.is_whole);
    stats_fixture_near((double)(l.window.begin_ns - f.repeat.phase_ns), 100e6, 1e4);
    struct gather_scope scope = loadshape_scope(&l);
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(gather_is_in(&scope, &f.requests[i]), i >= 4);
    f.cell.ramp_up_s = 0.2; /* the later one of both */
    stats_fixture_near((double)(shape_of(&f).window.begin_ns - f.repeat.phase_ns), 200e6,
                       1);
    f.cell.ramp_up_s = 0;
    f.requests[0].done_ns += 3600 * NS_PER_S; /* a straggler does not hold it up */
    stats_fixture_near((double)(shape_of(&f).window.begin_ns - f.repeat.phase_ns), 100e6,
                       1e4);
    online_fixture_fini(&f);
}

/* 2.5 in flight from 0.75 s on, until the last send at 19.9 s. */
static void test_in_flight(void **state)
{
    (void)state;
    struct online_fixture f;
    steady(&f, 200, 250);
    struct loadshape l = shape_of(&f);
    struct loadshape_flight s = loadshape_flight_of(&l);
    stats_fixture_near(s.steady_s, 19.9 - 0.75, 1e-6);
    stats_fixture_near(s.middle, 2.5, 0.05);
    stats_fixture_near(s.last, 2.5, 0.05);
    stats_fixture_near(s.end, 2.5, 0.05);
    stats_fixture_near(s.expected, 2.5, 1e-6);
    online_fixture_closed(&f, 4);
    l = shape_of(&f);
    assert_true(isnan(loadshape_flight_of(&l).expected));
    online_fixture_open(&f, 10);
    for (size_t i = 0; i < 200; i++)
        online_fixture_serve(&f, i, 0, 6700 * MS); /* 3 x 6.7 s: nothing is left */
    l = shape_of(&f);
    s = loadshape_flight_of(&l);
    stats_fixture_near(s.steady_s, 0, 0);
    assert_true(s.middle > 0 && s.last < s.middle); /* thirds of the whole */
    f.requests[199].done_ns = f.requests[199].last_ns = NS_UNKNOWN;
    f.requests[0].sent_ns = NS_UNKNOWN;
    l = shape_of(&f);
    assert_false(isnan(loadshape_flight_of(&l).last));
    for (size_t i = 0; i < 200; i++)
        f.requests[i].sent_ns = f.requests[i].due_ns = NS_UNKNOWN;
    l = shape_of(&f);
    assert_true(isnan(loadshape_flight_of(&l).middle));
    online_fixture_fini(&f);
}

/* E0 is that of the requests due first, whatever the order of their ends. */
static void test_early_by_due(void **state)
{
    (void)state;
    struct online_fixture f;
    online_fixture_init(&f, 400, 1);
    for (size_t i = 0; i < 400; i++) {
        size_t turn = 399 - i;
        f.requests[i].due_ns = f.repeat.phase_ns + (int64_t)turn * 100 * MS;
        f.requests[i].ready_ns = f.requests[i].due_ns;
        online_fixture_serve(&f, i, 0, (int64_t)(turn + 1) * 30 * MS);
    }
    stats_fixture_near(shape_of(&f).e0_s, 0.18, 1e-6);          /* of 30 to 330 ms */
    stats_fixture_near(shape_of(&f).early_mean_s, 0.315, 1e-6); /* of 30 to 600 ms */
    for (size_t i = 0; i < 380; i++) /* the later ones are the faster ones */
        online_fixture_serve(&f, i, 0, 100 * MS);
    stats_fixture_near(shape_of(&f).e0_s, 0.1, 1e-6);
    online_fixture_fini(&f);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    f.run.definitions = 2;
    online_fixture_closed(&f, 3);
    for (long nth = 1; nth <= 3; nth++) {
        struct loadshape l;
        mem_fail_at(nth);
        enum status s = loadshape_init(&l, &f.run, &f.repeat, &f.cell.fields);
        mem_fail_at(0);
        assert_int_equal(s, STATUS_NO_MEMORY);
    }
    online_fixture_fini(&f);
}

static void test_sends(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    f.requests[0].connect_ns = 1;
    f.requests[1].ready_ns = f.requests[1].due_ns + 1;
    f.requests[2].sent_ns += 5 * MS;
    struct loadshape l = shape_of(&f);
    struct loadshape_sends s = loadshape_sends_of(&l);
    assert_int_equal(s.sent, 3);
    assert_int_equal(s.held, 1);
    assert_int_equal(s.connected, 1);
    stats_fixture_near(s.stretch_s, 0.005, 1e-12);
    f.requests[0].sent_ns = NS_UNKNOWN; /* its connection served nobody */
    l = shape_of(&f);
    s = loadshape_sends_of(&l);
    assert_int_equal(s.sent, 2);
    assert_int_equal(s.connected, 0);
    f.requests[1].sent_ns = f.requests[2].sent_ns = NS_UNKNOWN;
    l = shape_of(&f);
    assert_true(isnan(loadshape_sends_of(&l).stretch_s));
    online_fixture_fini(&f);
}

/* Of two slots over 200 ms: a request that failed after 50 ms, one never answered, whose
 * slot is lost for good in a closed load, and until the give-up in an open one. */
static void test_lost_slots(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    struct loadshape l = shape_of(&f);
    assert_true(loadshape_lost_share(&l, 2) == 0);
    assert_true(isnan(loadshape_lost_share(&l, (double)NAN)));
    f.requests[0].status = RECORD_FAILED;
    f.requests[0].done_ns = f.requests[0].sent_ns + 50 * MS;
    stats_fixture_near(loadshape_lost_share(&l, 2), 50.0 / 400, 1e-12);
    f.requests[1].status = RECORD_UNANSWERED;
    f.requests[1].done_ns = f.requests[1].sent_ns + 20 * MS;
    stats_fixture_near(loadshape_lost_share(&l, 2), 70.0 / 400, 1e-12);
    l.is_closed = true;
    stats_fixture_near(loadshape_lost_share(&l, 2), 150.0 / 400, 1e-12);
    online_fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),         cmocka_unit_test(test_whole),
        cmocka_unit_test(test_counted_events), cmocka_unit_test(test_no_gaps),
        cmocka_unit_test(test_open_window),    cmocka_unit_test(test_closed_window),
        cmocka_unit_test(test_long_answers),   cmocka_unit_test(test_an_outlier),
        cmocka_unit_test(test_never_settled),  cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_early_by_due),   cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_sends),          cmocka_unit_test(test_lost_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
