#include "bench/steady.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

#define MS NS_PER_MS

static struct steady steady;

static int make(void **state)
{
    struct err e;
    (void)state;
    return steady_init(&steady, &e) == STATUS_OK ? 0 : 1;
}

static int drop(void **state)
{
    (void)state;
    steady_fini(&steady);
    return 0;
}

/* An answer of `tokens` tokens, one a step, the first one step after the send. */
static void answered(int64_t due_ns, int64_t sent_ns, int64_t tokens, int64_t step_ns)
{
    int64_t at_ns[512];
    uint8_t marks[512] = {0};
    struct request_record r = {.status = RECORD_OK,
                               .due_ns = due_ns,
                               .sent_ns = sent_ns,
                               .done_ns = sent_ns + tokens * step_ns,
                               .tokens_out = tokens,
                               .at_ns = at_ns,
                               .marks = marks,
                               .event_count = (size_t)tokens + 1};
    for (int64_t i = 0; i <= tokens; i++)
        at_ns[i] = sent_ns + (i < tokens ? i + 1 : tokens) * step_ns;
    marks[tokens] = RECORD_MARK(EVENT_FINISH, EVENT_TAIL); /* no token of its own */
    record_count_classes(&r);
    steady_record(&steady, &r);
}

/* 20 requests/s of 64 tokens each: 1,280 tokens/s once it is steady, whatever the start
 * and the end were, in whatever order they end. */
static void open_load(void **state)
{
    (void)state;
    steady_begin(&steady, (struct steady_load){0}, 1000 * MS);
    for (int64_t i = 299; i >= 0; i--)
        answered((1000 + 50 * i) * MS, (1000 + 50 * i) * MS, 64, 10 * MS);
    assert_float_equal(steady_rate(&steady), 1280, 13);
}

/* Requests that were due and never sent, in the second half of the time. */
static void never_sent(void **state)
{
    struct request_record r = {.status = RECORD_UNANSWERED,
                               .due_ns = 30000 * MS,
                               .sent_ns = NS_UNKNOWN,
                               .done_ns = NS_UNKNOWN,
                               .tokens_out = TOKENS_UNKNOWN};
    (void)state;
    steady_begin(&steady, (struct steady_load){0}, 0);
    for (int64_t i = 0; i <= 300; i++)
        answered(50 * i * MS, 50 * i * MS, 64, 10 * MS);
    double before = steady_rate(&steady);
    assert_float_equal(before, 1280, 13);
    steady_record(&steady, &r);
    /* the last answers' tokens are in it, half of them on average */
    double begin_s = LOADSHAPE_SETTLE_E0 * 0.64;
    double tokens = (15 - begin_s + 0.64 / 2) * 1280;
    assert_float_equal(steady_rate(&steady), tokens / (30 - begin_s), 6);
    r.due_ns = 20000 * MS; /* in whatever order */
    steady_record(&steady, &r);
    assert_float_equal(steady_rate(&steady), tokens / (30 - begin_s), 6);
}

/* A closed load's window ends with its last send. */
static void closed_ends_with_its_last_send(void **state)
{
    struct request_record r = {.status = RECORD_FAILED,
                               .due_ns = 30000 * MS,
                               .sent_ns = NS_UNKNOWN,
                               .done_ns = 30000 * MS,
                               .tokens_out = TOKENS_UNKNOWN};
    (void)state;
    steady_begin(&steady, (struct steady_load){.slots = 1}, 0);
    for (int64_t i = 0; i < 20; i++)
        answered(400 * i * MS, 400 * i * MS + (i > 0), 40, 10 * MS);
    double before = steady_rate(&steady);
    steady_record(&steady, &r);
    assert_true(steady_rate(&steady) == before);
}

/* Two of five answers last for 10 s and have most of the tokens: 4,060/s. */
static void long_answers(void **state)
{
    (void)state;
    steady_begin(&steady, (struct steady_load){0}, 1000 * MS);
    for (int64_t i = 0; i < 800; i++)
        answered((1000 + 50 * i) * MS, (1000 + 50 * i) * MS, i % 5 < 2 ? 500 : 5,
                 20 * MS);
    assert_float_equal(steady_rate(&steady), 4060, 41);
}

static void bins_widen(void **state)
{
    (void)state;
    steady_begin(&steady, (struct steady_load){.ramp_up_s = 2}, 0);
    for (int64_t i = 0; i < 3000; i++)
        answered(50 * i * MS, 50 * i * MS, 64, 10 * MS);
    assert_true(steady.since.bin_ns > NS_PER_S / 100);
    assert_float_equal(steady_rate(&steady), 1280, 5);
}

/* Two slots: the first answers of both are a burst. */
static void closed_load(void **state)
{
    (void)state;
    steady_begin(&steady, (struct steady_load){.slots = 2}, 0);
    for (int64_t slot = 0; slot < 2; slot++) {
        int64_t now_ns = slot * MS;
        for (int64_t i = 0; i < 10; i++) {
            int64_t took_ns = i == 0 ? 4000 * MS : 400 * MS;
            answered(now_ns, now_ns + (i > 0), 40, took_ns / 40);
            now_ns += took_ns;
        }
    }
    assert_float_equal(steady_rate(&steady), 200, 6);
}

static void whole(void **state)
{
    (void)state;
    steady_begin(&steady, (struct steady_load){.is_whole = true}, 0);
    assert_true(isnan(steady_rate(&steady)));
    for (int64_t i = 0; i < 10; i++)
        answered(0, 100 * MS, 9, 100 * MS);
    assert_float_equal(steady_rate(&steady), 100, 1e-9);
}

/* All are sent before the first answer ends. */
static void no_window_left(void **state)
{
    (void)state;
    steady_begin(&steady, (struct steady_load){0}, 0);
    for (int64_t i = 0; i < 20; i++)
        answered(i * MS, i * MS, 10, 10 * MS);
    assert_float_equal(steady_rate(&steady), 200 / 0.119, 1e-6);
}

static void what_was_not_answered(void **state)
{
    struct request_record r = {.status = RECORD_FAILED,
                               .due_ns = 0,
                               .sent_ns = 0,
                               .done_ns = 5 * MS,
                               .tokens_out = TOKENS_UNKNOWN};
    (void)state;
    steady_begin(&steady, (struct steady_load){0}, 0);
    steady_record(&steady, &r);
    r.sent_ns = NS_UNKNOWN;
    steady_record(&steady, &r);
    assert_true(isnan(steady_rate(&steady)));
}

static void no_memory_is_said(void **state)
{
    struct steady s;
    struct err e;
    (void)state;
    mem_fail_at(1);
    enum status got = steady_init(&s, &e);
    mem_fail_at(0);
    assert_int_equal(got, STATUS_NO_MEMORY);
    steady_fini(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        TEST(open_load),
        TEST(never_sent),
        TEST(closed_ends_with_its_last_send),
        TEST(long_answers),
        TEST(bins_widen),
        TEST(closed_load),
        TEST(whole),
        TEST(no_window_left),
        TEST(what_was_not_answered),
        cmocka_unit_test(no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
