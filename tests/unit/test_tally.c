#include "stats/tally.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "stats_fixture.h"

static void test_sums(void **state)
{
    struct stats_fixture *f = *state;
    struct tally t;
    stats_fixture_init(f);
    tally_count(&f->repeats[1], &t);
    assert_int_equal(t.planned, 2);
    assert_int_equal(t.ok, 2);
    assert_int_equal(t.failed + t.cancelled + t.wrong_length, 0);
    assert_int_equal(t.tokens_in, 33);
    assert_int_equal(t.tokens_out, 10);
    assert_int_equal(t.gaps, 8);
    stats_fixture_near(t.prompt_tokens_planned, 33, 0);
    stats_fixture_near(tally_total_s(&t), 0.154, 1e-12);
    assert_int_equal(t.source, TOKEN_SOURCE_engine);
}

static void test_failures(void **state)
{
    struct stats_fixture *f = *state;
    struct tally t;
    stats_fixture_init(f);
    struct repeat_data *r = &f->repeats[1];
    r->request_count = 4;
    r->requests_planned = 6; /* two left no record */
    r->requests[0].status = RECORD_FAILED;
    r->requests[0].fail = FAIL_timeout;
    r->requests[0].error = "too slow";
    r->requests[1].status = RECORD_INTERRUPTED;
    r->requests[2].tokens_out = 4;
    r->requests[3].source = TOKEN_SOURCE_estimated;
    tally_count(r, &t);
    assert_int_equal(t.planned, 6);
    assert_int_equal(t.ok, 2);
    assert_int_equal(t.failed, 1);
    assert_int_equal(t.failed_by[FAIL_timeout], 1);
    assert_int_equal(t.unanswered, 0);
    assert_int_equal(t.cancelled, 3);
    assert_int_equal(t.wrong_length, 1);
    assert_int_equal(t.source, TOKEN_SOURCE_estimated);
    assert_string_equal(t.first_error, "too slow");
    assert_int_equal(t.tokens_in, 18 + 19);
    stats_fixture_near(t.prompt_tokens_planned, (16 + 17 + 18 + 19) / 4.0 * 6, 1e-9);
}

/* Answers that may have a time between tokens. */
static void test_several_tokens(void **state)
{
    static const int64_t tokens[] = {0, 1, 2, TOKENS_UNKNOWN};
    struct stats_fixture *f = *state;
    struct tally t;
    stats_fixture_init(f);
    struct repeat_data *r = &f->repeats[1];
    r->request_count = 4;
    for (int i = 0; i < 4; i++)
        r->requests[i].tokens_out = tokens[i];
    tally_count(r, &t);
    assert_int_equal(t.multi, 2);
}

static void test_unanswered_and_http(void **state)
{
    struct stats_fixture *f = *state;
    struct tally t;
    stats_fixture_init(f);
    struct repeat_data *r = &f->repeats[1];
    r->request_count = r->requests_planned = 4;
    for (int i = 0; i < 3; i++) {
        r->requests[i].status = RECORD_FAILED;
        r->requests[i].fail = FAIL_http;
        r->requests[i].http_status = i < 2 ? 429 : 0;
    }
    r->requests[3].status = RECORD_UNANSWERED;
    tally_count(r, &t);
    assert_int_equal(t.planned, t.ok + t.failed + t.unanswered + t.cancelled);
    assert_int_equal(t.unanswered, 1);
    assert_int_equal(t.failed_by[FAIL_http], 3);
    assert_int_equal(t.http_by[429], 2);
    assert_int_equal(t.http_by[0], 1);
    assert_int_equal(t.cancelled, 0);
}

/* Stamps are those of the tokens' events; where nobody kept the events, of all. */
static void test_stamps(void **state)
{
    struct stats_fixture *f = *state;
    struct tally t;
    static uint8_t marks[STATS_FIXTURE_TOKENS];
    stats_fixture_init(f);
    struct request_record *q = f->repeats[1].requests;
    f->repeats[1].request_count = 1;
    memset(marks, 0, sizeof marks);
    marks[1] = RECORD_MARK(EVENT_TEXT, EVENT_BOUNDED);
    marks[4] = RECORD_MARK(EVENT_TEXT, EVENT_TAIL);
    q->marks = marks;
    tally_count(&f->repeats[1], &t);
    assert_int_equal(t.stamps_exact, 3);
    assert_int_equal(t.stamps_bounded, 1);
    assert_int_equal(t.stamps_tail, 1);
    assert_int_equal(t.gaps, 2);
    assert_int_equal(t.gaps_excluded, 2);
    q->event_count = 0;
    q->classes[EVENT_TEXT].stamps[EVENT_BOUNDED] = 7;
    tally_count(&f->repeats[1], &t); /* no event was a token */
    assert_int_equal(t.stamps_bounded, 0);
    q->marks = NULL; /* nobody kept the events */
    tally_count(&f->repeats[1], &t);
    assert_int_equal(t.stamps_bounded, 7);
}

static void test_unknown(void **state)
{
    struct stats_fixture *f = *state;
    struct tally t;
    stats_fixture_init(f);
    f->repeats[1].requests[0].tokens_cached = TOKENS_UNKNOWN;
    f->repeats[1].requests[1].tokens_out = TOKENS_UNKNOWN;
    tally_count(&f->repeats[1], &t);
    assert_int_equal(t.tokens_cached, TOKENS_UNKNOWN);
    assert_int_equal(t.tokens_out, TOKENS_UNKNOWN);
    f->repeats[1].request_count = 0;
    tally_count(&f->repeats[1], &t);
    assert_int_equal(t.cancelled, 2);
    assert_true(isnan(tally_total_s(&t)));
    assert_true(isnan(t.prompt_tokens_planned));
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct stats_fixture));
    return *state == NULL;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),           cmocka_unit_test(test_failures),
        cmocka_unit_test(test_several_tokens), cmocka_unit_test(test_unanswered_and_http),
        cmocka_unit_test(test_stamps),         cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
