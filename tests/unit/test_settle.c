#include "stats/settle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define REQUESTS 64
#define EVENTS   16

static struct repeat_data repeat;
static struct request_record requests[REQUESTS];
static int64_t at_ns[REQUESTS][EVENTS], counts[REQUESTS][EVENTS];
static uint8_t marks[REQUESTS][EVENTS];

static int set_up(void **state)
{
    (void)state;
    memset(requests, 0, sizeof requests);
    repeat = (struct repeat_data){.requests = requests};
    return 0;
}

/* An answer whose events are these classes ("T", "E", "F"), one each 10 ns from 100 on,
 * and of which the server counted so many tokens. */
static struct request_record *answer(const char *classes, int64_t tokens)
{
    size_t at = repeat.request_count++;
    struct request_record *q = &requests[at];
    *q = (struct request_record){.first_ns = NS_UNKNOWN,
                                 .last_ns = NS_UNKNOWN,
                                 .done_ns = 1000,
                                 .tokens_out = tokens,
                                 .source = TOKEN_SOURCE_usage,
                                 .at_ns = at_ns[at],
                                 .marks = marks[at],
                                 .event_count = strlen(classes)};
    for (size_t i = 0; i < q->event_count; i++) {
        const char *which = strchr(RECORD_CLASS_LETTERS, classes[i]);
        q->at_ns[i] = 100 + 10 * (int64_t)i;
        q->marks[i] = RECORD_MARK((int)(which - RECORD_CLASS_LETTERS), EVENT_EXACT);
    }
    record_count_classes(q);
    return q;
}

static void is(const struct request_record *q, enum record_events events, int64_t first,
               int64_t last)
{
    assert_int_equal(q->events, events);
    assert_int_equal(q->first_ns, first);
    assert_int_equal(q->last_ns, last);
}

/* A finish reason of its own, and an opening, are no tokens where the counts say so. */
static void test_framings(void **state)
{
    static const struct {
        const char *classes;
        int64_t tokens, first, last;
        enum token_set set;
    } cases[] = {
        {"TTT", 3, 100, 120, TOKEN_SET_text},
        {"TTTF", 3, 100, 120, TOKEN_SET_text},   /* llama.cpp, OpenAI */
        {"ETTTF", 3, 110, 130, TOKEN_SET_text},  /* an empty opening */
        {"TETT", 4, 100, 130, TOKEN_SET_empty},  /* half a character */
        {"TTTF", 4, 100, 130, TOKEN_SET_finish}, /* vLLM's end of text */
        {"TETF", 4, 100, 130, TOKEN_SET_all},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up(NULL);
        struct request_record *q = answer(cases[i].classes, cases[i].tokens);
        settle_repeat(&repeat);
        if (repeat.tokens != cases[i].set)
            fail_msg("%s: %s", cases[i].classes, record_set_name(repeat.tokens));
        is(q, RECORD_SETTLED, cases[i].first, cases[i].last);
        assert_int_equal(q->event_count, cases[i].tokens);
        settle_repeat(&repeat); /* once more changes nothing */
        is(q, RECORD_SETTLED, cases[i].first, cases[i].last);
        assert_int_equal(repeat.tokens, cases[i].set);
    }
}

/* Settled for the repeat: a coincidence in a few answers settles nothing. */
static void test_majority(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++)
        (void)answer("TTTF", 3);
    struct request_record *odd = answer("TTTF", 4); /* half a character was withheld */
    settle_repeat(&repeat);
    assert_int_equal(repeat.tokens, TOKEN_SET_text);
    is(&requests[0], RECORD_SETTLED, 100, 120);
    is(odd, RECORD_UNSETTLED, 100, 120); /* its texts, not its end */
    assert_int_equal(odd->event_count, 3);
    assert_int_equal(odd->first_event_tokens, TOKENS_UNKNOWN);
}

/* The only event of a class stands off the text by so much. */
static void lone_at(enum event_class cls, int64_t at)
{
    for (size_t i = 0; i < repeat.request_count; i++) {
        struct request_record *q = &requests[i];
        for (size_t k = 0; k < q->event_count; k++)
            if (RECORD_CLASS(q->marks[k]) == cls)
                q->at_ns[k] = at;
        record_count_classes(q);
    }
}

/* A chance that all answers share: the first text is two tokens, and what is no token
 * fills the number up. It does not come when a token would. */
static void test_out_of_step(void **state)
{
    static const struct {
        const char *classes;
        enum event_class cls;
        int64_t at;
        enum token_set set;
    } cases[] = {
        {"TTTF", EVENT_FINISH, 140, TOKEN_SET_finish}, /* a slow step */
        {"TTTF", EVENT_FINISH, 141, TOKEN_SET_none},   /* a late end */
        {"TTTF", EVENT_FINISH, 125, TOKEN_SET_finish},
        {"TTTF", EVENT_FINISH, 124, TOKEN_SET_none}, /* an end with the last text */
        {"TTTE", EVENT_EMPTY, 130, TOKEN_SET_empty},
        {"TTTE", EVENT_EMPTY, 141, TOKEN_SET_none},
        {"ETTT", EVENT_EMPTY, 90, TOKEN_SET_none},   /* an opening, or a token */
        {"TETT", EVENT_EMPTY, 110, TOKEN_SET_empty}, /* within the text */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up(NULL);
        for (int k = 0; k < 4; k++)
            (void)answer(cases[i].classes, 4);
        lone_at(cases[i].cls, cases[i].at);
        settle_repeat(&repeat);
        if (repeat.tokens != cases[i].set)
            fail_msg("%zu: %s", i, record_set_name(repeat.tokens));
        bool opens = cases[i].classes[0] == 'E'; /* nobody knows the first token */
        assert_int_equal(requests[0].first_ns, opens ? NS_UNKNOWN : 100);
    }
}

/* One long wait makes no slow text: the median step counts. */
static void test_a_stall(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        struct request_record *q = answer("TTTTTF", 6);
        for (size_t i = 3; i < 6; i++)
            q->at_ns[i] += 1000;
        record_count_classes(q);
    }
    settle_repeat(&repeat);
    assert_int_equal(repeat.tokens, TOKEN_SET_finish);
}

/* A single text has no step: nothing tells a token from an end. */
static void test_one_text(void **state)
{
    (void)state;
    struct request_record *q = answer("TF", 2);
    settle_repeat(&repeat);
    assert_int_equal(repeat.tokens, TOKEN_SET_none);
    is(q, RECORD_UNSETTLED, 100, 100);
}

/* Half of them is enough, fewer are not; ties go to the simpler set. */
static void test_half(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        (void)answer("TTF", 2);
    for (int i = 0; i < 2; i++)
        (void)answer("TTF", 3);
    settle_repeat(&repeat);
    assert_int_equal(repeat.tokens, TOKEN_SET_text);
    set_up(NULL);
    (void)answer("TT", 2);
    (void)answer("TT", 8);
    (void)answer("TT", 9);
    settle_repeat(&repeat);
    assert_int_equal(repeat.tokens, TOKEN_SET_none);
    is(&requests[0], RECORD_UNSETTLED, 100, 110);
}

/* An end of text makes the finish reason a token in those answers that end so. */
static void test_end_of_text(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        (void)answer("TTF", 3);
    struct request_record *cut = answer("TTTT", 4); /* by its length */
    settle_repeat(&repeat);
    assert_int_equal(repeat.tokens, TOKEN_SET_finish);
    is(&requests[0], RECORD_SETTLED, 100, 120);
    is(cut, RECORD_SETTLED, 100, 130);
}

static void test_counted(void **state)
{
    (void)state;
    struct request_record *q = answer("TET", 5);
    counts[0][0] = 3;
    counts[0][1] = counts[0][2] = 1;
    q->event_tokens = counts[0];
    q->is_counted = true;
    settle_repeat(&repeat);
    assert_int_equal(repeat.tokens, TOKEN_SET_counted);
    is(q, RECORD_SETTLED, 100, 120);
    assert_int_equal(q->event_count, 3);
    assert_int_equal(q->first_event_tokens, 3);
    assert_int_equal(record_event_tokens(q, 0), 3);
    assert_true(record_has_gap(q, 1));
}

/* A text without a token ends no gap, and may be the last arrival. */
static void test_counted_none(void **state)
{
    (void)state;
    struct request_record *q = answer("TTTT", 3);
    counts[0][0] = counts[0][2] = 1;
    counts[0][1] = counts[0][3] = 0;
    q->tokens_out = 2;
    q->event_tokens = counts[0];
    q->is_counted = true;
    settle_repeat(&repeat);
    is(q, RECORD_SETTLED, 100, 130);
    assert_int_equal(q->event_count, 2);
    assert_int_equal(q->at_ns[1], 120);
    assert_int_equal(record_event_tokens(q, 1), 1);
    assert_true(record_has_gap(q, 1));
}

/* Two tokens of one read share its stamp, which is the later one's. */
static void test_one_read(void **state)
{
    (void)state;
    struct request_record *q = answer("TTF", 3);
    q->at_ns[2] = q->at_ns[1];
    q->marks[1] = RECORD_MARK(EVENT_TEXT, EVENT_TAIL);
    q->marks[2] = RECORD_MARK(EVENT_FINISH, EVENT_TAIL);
    settle_repeat(&repeat);
    assert_int_equal(RECORD_STAMP(q->marks[1]), EVENT_BOUNDED);
    assert_false(record_has_gap(q, 1));
    set_up(NULL);
    q = answer("TTF", 2); /* the same read, and the end is no token */
    q->at_ns[2] = q->at_ns[1];
    q->marks[1] = RECORD_MARK(EVENT_TEXT, EVENT_TAIL);
    settle_repeat(&repeat);
    assert_int_equal(RECORD_STAMP(q->marks[1]), EVENT_TAIL);
    assert_true(record_has_gap(q, 1));
}

/* Without the events their classes settle it as well. */
static void test_no_gaps(void **state)
{
    (void)state;
    struct request_record *q = answer("ETTF", 2);
    q->event_count = 0;
    q->marks = NULL;
    q->at_ns = NULL;
    settle_repeat(&repeat);
    assert_int_equal(repeat.tokens, TOKEN_SET_text);
    is(q, RECORD_SETTLED, 110, 120);
}

/* What has no token at all: an end that nobody took for one. */
static void test_without_text(void **state)
{
    (void)state;
    struct request_record *q = answer("F", 20);
    settle_repeat(&repeat);
    assert_int_equal(repeat.tokens, TOKEN_SET_none);
    is(q, RECORD_UNSETTLED, NS_UNKNOWN, 1000);
    set_up(NULL);
    q = answer("T", TOKENS_UNKNOWN);
    struct request_record *failed = answer("TT", 2);
    failed->status = RECORD_FAILED;
    struct request_record *whole = answer("", 2);
    whole->events = RECORD_WHOLE;
    whole->last_ns = 7;
    settle_repeat(&repeat);
    is(q, RECORD_UNSETTLED, 100, 100);
    is(failed, RECORD_RAW, NS_UNKNOWN, NS_UNKNOWN);
    is(whole, RECORD_WHOLE, NS_UNKNOWN, 7);
}

static void test_old_runs_stay(void **state)
{
    (void)state;
    struct run_data run = {.definitions = 1, .repeats = &repeat, .repeat_count = 1};
    struct request_record *q = answer("TTF", 2);
    settle_run(&run);
    assert_int_equal(q->event_count, 3);
    run.definitions = 2;
    settle_run(&run);
    assert_int_equal(q->event_count, 2);
}

static void test_differences(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 16);
    for (int i = 0; i < 3; i++)
        (void)answer("TTTT", 3);
    (void)answer("TT", 9);
    (void)answer("TT", TOKENS_UNKNOWN);
    assert_string_equal(settle_differences(&repeat, &a), "{\"-7\":1,\"1\":3}");
    set_up(NULL);
    for (int i = 0; i < 20; i++)
        (void)answer("T", i);
    for (int i = 0; i < 4; i++)
        (void)answer("T", 19);
    const char *text = settle_differences(&repeat, &a);
    assert_non_null(strstr(text, "\"-18\":5"));
    assert_non_null(strstr(text, ",\"other\":4}"));
    arena_fini(&a);
    arena_init(&a, 16);
    assert_null(settle_differences(&repeat, &a));
    arena_fini(&a);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(test_framings),      TEST(test_out_of_step), TEST(test_a_stall),
        TEST(test_one_text),      TEST(test_majority),    TEST(test_half),
        TEST(test_end_of_text),   TEST(test_counted),     TEST(test_counted_none),
        TEST(test_one_read),      TEST(test_no_gaps),     TEST(test_without_text),
        TEST(test_old_runs_stay), TEST(test_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
