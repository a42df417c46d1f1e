#include "stats/goodput.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats_fixture.h"

static void test_read(void **state)
{
    (void)state;
    struct goodput g;
    struct err e;
    assert_int_equal(
        goodput_read("{\"ttft_ms\":500,\"tpot_ms\":50.5,\"later\":1}", &g, &e),
        STATUS_OK);
    assert_true(g.ttft_ms == 500 && g.tpot_ms == 50.5 && isnan(g.e2e_ms));
    assert_int_equal(goodput_read("ttft:500ms", &g, &e), STATUS_BAD_INPUT);
    assert_true(g.ttft_ms == 500);
}

static struct gather_scope scope_of(const struct stats_fixture *f)
{
    return (struct gather_scope){
        .repeat = &f->repeats[1], .definitions = RECORD_FORMAT, .begin_ns = NS_UNKNOWN};
}

static struct loadshape shape_of(const struct stats_fixture *f, int repeat)
{
    return (struct loadshape){.repeat = &f->repeats[repeat],
                              .definitions = RECORD_FORMAT,
                              .window = {.is_whole = true}};
}

/* Of repeat 1: TTFT 110 ms, TPOT 11 ms, E2E 154 ms. The limit itself is met. */
static void test_limits(void **state)
{
    static const struct {
        struct goodput limits;
        bool is_met;
    } cases[] = {
        {{(double)NAN, (double)NAN, (double)NAN}, true},
        {{110, (double)NAN, (double)NAN}, true},
        {{109.9, (double)NAN, (double)NAN}, false},
        {{(double)NAN, 11, (double)NAN}, true},
        {{(double)NAN, 10.99, (double)NAN}, false},
        {{(double)NAN, (double)NAN, 154}, true},
        {{(double)NAN, (double)NAN, 153.9}, false},
        {{110, 11, 154}, true},
        {{500, 5, 500}, false},
    };
    static struct stats_fixture f;
    (void)state;
    stats_fixture_init(&f);
    const struct gather_scope scope = scope_of(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (goodput_is_met(&cases[i].limits, &scope, &f.requests[1][0]) !=
            cases[i].is_met)
            fail_msg("case %zu", i);
    struct loadshape l = shape_of(&f, 1);
    assert_int_equal(goodput_count(&cases[7].limits, &l).good, 2);
    l = shape_of(&f, 2);
    assert_int_equal(goodput_count(&cases[7].limits, &l).good, 0);
    assert_int_equal(goodput_count(&cases[7].limits, &l).due, 2);
}

static void test_unknown(void **state)
{
    static struct stats_fixture f;
    (void)state;
    stats_fixture_init(&f);
    struct goodput tpot = {.ttft_ms = NAN, .tpot_ms = 1, .e2e_ms = NAN};
    struct goodput ttft = {.ttft_ms = 500, .tpot_ms = NAN, .e2e_ms = NAN};
    const struct gather_scope scope = scope_of(&f);
    struct request_record *q = &f.requests[1][0];
    for (q->tokens_out = 0; q->tokens_out <= 1; q->tokens_out++) /* none between them */
        assert_true(goodput_is_met(&tpot, &scope, q));
    q->tokens_out = TOKENS_UNKNOWN;
    assert_false(goodput_is_met(&tpot, &scope, q));
    assert_true(goodput_is_met(&ttft, &scope, q));
    q->first_ns = NS_UNKNOWN;
    assert_false(goodput_is_met(&ttft, &scope, q));
    q = &f.requests[1][1];
    q->last_ns = q->first_ns; /* all at once: nobody knows its time per token */
    assert_false(goodput_is_met(&tpot, &scope, q));
    q->status = RECORD_FAILED;
    assert_false(goodput_is_met(&ttft, &scope, q));
}

/* Requests due in the window; what our own stop cut off says nothing. */
static void test_window(void **state)
{
    static struct stats_fixture f;
    const struct goodput any = {.ttft_ms = NAN, .tpot_ms = NAN, .e2e_ms = NAN};
    (void)state;
    stats_fixture_init(&f);
    struct loadshape l = shape_of(&f, 1);
    struct request_record *q = f.requests[1];
    l.window = (struct loadshape_window){.begin_ns = q->due_ns, .end_ns = q->due_ns + 1};
    q[1].due_ns++;
    struct goodput_count n = goodput_count(&any, &l);
    assert_int_equal(n.good, 1);
    assert_int_equal(n.due, 1);
    q[0].status = RECORD_UNANSWERED;
    n = goodput_count(&any, &l);
    assert_int_equal(n.good, 0);
    assert_int_equal(n.due, 1);
    q[0].status = RECORD_INTERRUPTED;
    assert_int_equal(goodput_count(&any, &l).due, 0);
}

/* A closed load's window: what is due at its beginning was sent before it, what is due at
 * its end in it. An open load's the other way round. */
static void test_ends_of_the_window(void **state)
{
    static struct stats_fixture f;
    const struct goodput any = {.ttft_ms = NAN, .tpot_ms = NAN, .e2e_ms = NAN};
    (void)state;
    stats_fixture_init(&f);
    struct loadshape l = shape_of(&f, 1);
    struct request_record *q = f.requests[1];
    q[0].due_ns = 100;
    q[1].due_ns = 200;
    for (int is_closed = 0; is_closed < 2; is_closed++) {
        int64_t counted = is_closed ? 200 : 100;
        l.is_closed = is_closed;
        l.window = (struct loadshape_window){.begin_ns = 100, .end_ns = 200};
        assert_int_equal(goodput_count(&any, &l).due, 1);
        l.window = (struct loadshape_window){.begin_ns = counted - 1, .end_ns = counted};
        assert_int_equal(goodput_count(&any, &l).due, is_closed ? 1 : 0);
        l.window = (struct loadshape_window){.begin_ns = counted, .end_ns = counted + 1};
        assert_int_equal(goodput_count(&any, &l).due, is_closed ? 0 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_ends_of_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
