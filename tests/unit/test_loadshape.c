#include "stats/loadshape.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "online_fixture.h"
#include "stats_fixture.h"

#define MS NS_PER_MS

static struct loadshape shape_of(const struct online_fixture *f)
{
    return (struct loadshape){.cell = &f->cell, .repeat = &f->repeat};
}

/* Three requests, due 0, 100 and 200 ms after the phase, 120 ms each: tokens at 24, 56,
 * 88 and 120 ms after the send. The window ends at 200 ms, with the last send. */
static void three(struct online_fixture *f)
{
    online_fixture_init(f, 3, 1);
    for (size_t i = 0; i < 3; i++) {
        f->requests[i].due_ns = f->repeat.phase_ns + (int64_t)i * 100 * MS;
        f->requests[i].ready_ns = f->requests[i].due_ns;
        online_fixture_serve(f, i, 0, 120 * MS);
    }
}

static void test_window(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    struct loadshape l = shape_of(&f);
    struct loadshape_window w = loadshape_window_of(&l);
    assert_false(w.is_whole);
    assert_int_equal(w.begin_ns, f.repeat.phase_ns);
    assert_int_equal(w.end_ns, f.repeat.phase_ns + 200 * MS);
    stats_fixture_near(w.tokens, 4 + 3, 0); /* the second's last one comes at 220 ms */
    f.cell.ramp_up_s = 0.1;                 /* the first has one token left, at 120 ms */
    w = loadshape_window_of(&l);
    assert_int_equal(w.begin_ns, f.repeat.phase_ns + 100 * MS);
    stats_fixture_near(w.tokens, 1 + 3, 0);
    f.cell.ramp_up_s = 0.12; /* an end belongs to the window */
    stats_fixture_near(loadshape_window_of(&l).tokens, 1 + 3, 0);
    f.cell.ramp_up_s = 0.1200001;
    stats_fixture_near(loadshape_window_of(&l).tokens, 3, 0);
    f.cell.ramp_up_s = 0;
    f.repeat.phase_ns = 0; /* not told: from the first that was due */
    assert_int_equal(loadshape_window_of(&l).begin_ns, f.requests[0].due_ns);
    f.requests[0].status = RECORD_FAILED; /* its tokens count nowhere */
    stats_fixture_near(loadshape_window_of(&l).tokens, 3, 0);
    f.requests[1].tokens_out = TOKENS_UNKNOWN;
    assert_true(isnan(loadshape_window_of(&l).tokens));
    online_fixture_fini(&f);
}

static void test_whole(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    struct loadshape l = shape_of(&f);
    l.is_all_at_once = true;
    struct loadshape_window w = loadshape_window_of(&l);
    assert_true(w.is_whole);
    assert_int_equal(w.begin_ns, f.requests[0].sent_ns);
    assert_int_equal(w.end_ns, f.requests[2].last_ns);
    stats_fixture_near(w.tokens, 12, 0);
    l.is_all_at_once = false;
    l.is_closed = true; /* every send was the first of its slot */
    assert_true(loadshape_window_of(&l).is_whole);
    f.requests[2].sent_ns += 1; /* one slot sent again */
    assert_false(loadshape_window_of(&l).is_whole);
    l.is_closed = false;
    f.cell.ramp_up_s = 0.3; /* still rising at the last send */
    assert_true(loadshape_window_of(&l).is_whole);
    online_fixture_fini(&f);
}

/* Excluded gaps have their place: tokens of request 1 at 24 (two), 56, 88 (three), 120.
 */
static void test_excluded_gaps(void **state)
{
    (void)state;
    struct online_fixture f;
    static int64_t tokens[] = {2, 1, 3, 1}, lengths[] = {32 * MS}, places[] = {2};
    three(&f);
    struct loadshape l = shape_of(&f);
    struct request_record *q = &f.requests[1];
    q->event_tokens = tokens;
    q->event_count = 4;
    q->first_event_tokens = 2;
    q->tokens_out = 7;
    q->gap_count = 2;
    q->gaps_excluded = 1;
    q->excluded_ns = lengths;
    q->excluded_at = places;
    stats_fixture_near(loadshape_window_of(&l).tokens, 4 + 6, 0);
    q->sent_ns -= 21 * MS; /* as if sent earlier: no effect, arrivals count */
    stats_fixture_near(loadshape_window_of(&l).tokens, 4 + 6, 0);
    q->event_tokens = NULL; /* 7 tokens in 4 events, nobody knows how */
    stats_fixture_near(loadshape_window_of(&l).tokens, 4 + 3 * 7.0 / 4, 1e-12);
    static int64_t odd[] = {99};
    q->excluded_at = odd; /* a place that is none: after all others */
    stats_fixture_near(loadshape_window_of(&l).tokens, 4 + 3 * 7.0 / 4, 1e-12);
    online_fixture_fini(&f);
}

/* Without gaps: the first at its instant, the others evenly: 24, 56, 88, 120 again. */
static void test_no_gaps(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    struct loadshape l = shape_of(&f);
    f.cell.has_gaps = false;
    for (size_t i = 0; i < 3; i++)
        f.requests[i].gap_count = 0;
    stats_fixture_near(loadshape_window_of(&l).tokens, 4 + 3, 0);
    f.cell.ramp_up_s = 0.08;
    stats_fixture_near(loadshape_window_of(&l).tokens, 2 + 3, 0);
    f.cell.ramp_up_s = 0;
    f.requests[1].last_ns = f.requests[1].first_ns; /* in one piece */
    stats_fixture_near(loadshape_window_of(&l).tokens, 4 + 4, 0);
    f.requests[1].first_ns = NS_UNKNOWN; /* the same, as the journal has it */
    stats_fixture_near(loadshape_window_of(&l).tokens, 4 + 4, 0);
    f.requests[1].first_ns = f.requests[1].last_ns;
    f.cell.has_gaps = true;
    f.requests[1].gaps_excluded = 3; /* excluded, and nobody kept them */
    f.requests[1].last_ns += 96 * MS;
    f.requests[0].gap_count = 3;
    stats_fixture_near(loadshape_window_of(&l).tokens, 4 + 3, 0);
    online_fixture_fini(&f);
}

/* 40 requests, one each 100 ms, 250 ms each: from 0.75 s on 2.5 are in flight, until the
 * last send at 3.9 s. */
static void test_steady(void **state)
{
    (void)state;
    struct online_fixture f;
    online_fixture_init(&f, 40, 1);
    for (size_t i = 0; i < 40; i++) {
        f.requests[i].due_ns = f.repeat.phase_ns + (int64_t)i * 100 * MS;
        f.requests[i].ready_ns = f.requests[i].due_ns;
        online_fixture_serve(&f, i, 0, 250 * MS);
    }
    struct loadshape l = shape_of(&f);
    struct loadshape_steady s = loadshape_steady_of(&l, 0.25);
    stats_fixture_near(s.steady_s, 3.9 - 0.75, 1e-6);
    stats_fixture_near(s.middle, 2.5, 0.05);
    stats_fixture_near(s.last, 2.5, 0.05);
    f.cell.ramp_up_s = 1;
    stats_fixture_near(loadshape_steady_of(&l, 0.25).steady_s, 2.9 - 0.75, 1e-6);
    f.cell.ramp_up_s = 0;
    /* a median that has grown with the run does not put off the judgement... */
    stats_fixture_near(loadshape_steady_of(&l, 2.0).steady_s, 3.9 - 0.75, 1e-6);
    /* ...and a smaller one counts */
    stats_fixture_near(loadshape_steady_of(&l, 0.1).steady_s, 3.9 - 0.3, 1e-6);
    for (size_t i = 0; i < 40; i++)
        online_fixture_serve(&f, i, 0, 1302 * MS); /* 3 x 1.302 s: nothing is left */
    s = loadshape_steady_of(&l, 1.302);
    stats_fixture_near(s.steady_s, 0, 0);
    stats_fixture_near(s.middle, 13, 0.1); /* thirds of 0 to 5.202 s */
    assert_true(s.last > 0 && s.last < 13);
    f.requests[39].done_ns = f.requests[39].last_ns = NS_UNKNOWN;
    f.requests[0].sent_ns = NS_UNKNOWN;
    assert_false(isnan(loadshape_steady_of(&l, 1.302).last));
    for (size_t i = 0; i < 40; i++)
        f.requests[i].sent_ns = f.requests[i].due_ns = NS_UNKNOWN;
    assert_true(isnan(loadshape_steady_of(&l, (double)NAN).middle));
    online_fixture_fini(&f);
}

/* The early median is that of the requests due first, whatever the order of their ends.
 */
static void test_early_by_due(void **state)
{
    (void)state;
    struct online_fixture f;
    online_fixture_init(&f, 100, 1);
    for (size_t i = 0; i < 100; i++) {
        size_t turn = 99 - i;
        f.requests[i].due_ns = f.repeat.phase_ns + (int64_t)turn * 100 * MS;
        f.requests[i].ready_ns = f.requests[i].due_ns;
        online_fixture_serve(&f, i, 0, (int64_t)(turn + 1) * 30 * MS);
    }
    struct loadshape l = shape_of(&f);
    /* E2E of the first 11: 30 to 330 ms, median 180 */
    stats_fixture_near(loadshape_steady_of(&l, 9).steady_s, 9.9 - 3 * 0.18, 1e-6);
    online_fixture_fini(&f);
}

static void test_sends(void **state)
{
    (void)state;
    struct online_fixture f;
    three(&f);
    struct loadshape l = shape_of(&f);
    f.requests[0].connect_ns = 1;
    f.requests[1].ready_ns = f.requests[1].due_ns + 1;
    f.requests[2].sent_ns += 5 * MS;
    struct loadshape_sends s = loadshape_sends_of(&l);
    assert_int_equal(s.sent, 3);
    assert_int_equal(s.held, 1);
    assert_int_equal(s.connected, 1);
    stats_fixture_near(s.stretch_s, 0.005, 1e-12);
    f.requests[0].sent_ns = NS_UNKNOWN; /* its connection served nobody */
    s = loadshape_sends_of(&l);
    assert_int_equal(s.sent, 2);
    assert_int_equal(s.connected, 0);
    f.requests[1].sent_ns = f.requests[2].sent_ns = NS_UNKNOWN;
    assert_true(isnan(loadshape_sends_of(&l).stretch_s));
    online_fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_excluded_gaps), cmocka_unit_test(test_no_gaps),
        cmocka_unit_test(test_steady),        cmocka_unit_test(test_early_by_due),
        cmocka_unit_test(test_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
