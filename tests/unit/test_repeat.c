#include "bench/repeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct seen {
    int64_t ran, last, fails_at, stops_after; /* -1: never */
};

static enum status run(void *arg, int64_t repeat, struct err *why, struct err *e)
{
    struct seen *s = arg;
    (void)e;
    assert_int_equal(repeat, s->ran);
    s->ran++;
    s->last = repeat;
    return repeat == s->fails_at
               ? status_fail(why, STATUS_ENGINE, "fake", "number %d", (int)repeat)
               : STATUS_OK;
}

static bool stop(void *arg)
{
    const struct seen *s = arg;
    return s->stops_after >= 0 && s->ran > s->stops_after;
}

static enum status all(struct seen *s, struct err *why)
{
    struct err e;
    const struct engine_watch w = {.stop = stop, .arg = s};
    const struct repeats r = {.count = 4, .watch = &w, .arg = s, .run = run};
    return repeat_all(&r, why, &e);
}

static void until_the_end_a_failure_or_a_signal(void **state)
{
    struct err why;
    (void)state;
    struct seen s = {.fails_at = -1, .stops_after = -1};
    assert_int_equal(all(&s, &why), STATUS_OK);
    assert_int_equal(s.ran, 4);
    s = (struct seen){.fails_at = 2, .stops_after = -1};
    assert_int_equal(all(&s, &why), STATUS_ENGINE);
    assert_string_equal(why.what, "number 2");
    assert_int_equal(s.ran, 3);
    s = (struct seen){.fails_at = -1, .stops_after = 1};
    assert_int_equal(all(&s, &why), STATUS_INTERRUPTED);
    assert_int_equal(s.ran, 2);
    s = (struct seen){.fails_at = 0, .stops_after = 0}; /* the cause is the failure */
    assert_int_equal(all(&s, &why), STATUS_ENGINE);
}

static int resets;

static enum status reset(struct engine *en, bool *done, struct err *e)
{
    (void)en;
    (void)e;
    resets++;
    *done = resets != 2;
    return STATUS_OK;
}

/* How many of four repeats emptied the cache. */
static int emptied(bool is_caching, bool is_warm)
{
    const struct engine_ops ops = {.reset_prefix = reset};
    const struct session s = {.ops = &ops, .facts = {.is_caching = is_caching}};
    struct err e;
    resets = 0;
    for (int64_t k = 0; k < 4; k++) {
        bool is_done = false;
        assert_int_equal(repeat_empty_cache(&s, is_warm, k, &is_done, &e), STATUS_OK);
        assert_int_equal(is_done, !(is_caching && !is_warm && k == 1));
    }
    return resets;
}

static void emptied_when_cold_only(void **state)
{
    (void)state;
    assert_int_equal(emptied(true, false), 4);
    assert_int_equal(emptied(true, true), 1);
    assert_int_equal(emptied(false, false), 0);
}

static void causes(void **state)
{
    struct arena a;
    struct err why = {.code = STATUS_OK};
    (void)state;
    arena_init(&a, 4096);
    (void)status_fail(&why, STATUS_DIED, "engine", "it died");
    assert_null(repeat_cause(STATUS_OK, &why, &a));
    assert_string_equal(repeat_cause(STATUS_INTERRUPTED, &why, &a), "interrupted");
    const char *text = repeat_cause(STATUS_DIED, &why, &a);
    assert_string_equal(repeat_unopened(3, 7, &why).error, "it died");
    memset(why.what, 0, sizeof why.what);
    assert_string_equal(text, "it died"); /* a copy */
    arena_fini(&a);
}

static void the_repeat_of_an_engine_that_did_not_open(void **state)
{
    struct err why;
    (void)state;
    (void)status_fail(&why, STATUS_INTERRUPTED, "run", "stopped by a signal");
    const struct repeat_data r = repeat_unopened(3, 7, &why);
    assert_int_equal(r.cell, 3);
    assert_int_equal(r.start_ns, 7);
    assert_int_equal(r.expected_cached_tokens, TOKENS_UNKNOWN);
    assert_int_equal(r.request_count, 0);
    assert_true(r.is_warmup);
    assert_string_equal(r.error, "interrupted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_the_end_a_failure_or_a_signal),
        cmocka_unit_test(emptied_when_cold_only),
        cmocka_unit_test(causes),
        cmocka_unit_test(the_repeat_of_an_engine_that_did_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
