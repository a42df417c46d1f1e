/* The null engine through its table alone, as bench drives it. */
#include "engines/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "engines/vllm_settings.h"

struct bench {
    struct engine_ops ops;
    struct engine_settings settings;
    struct engine_facts facts;
    struct engine *engine;
    struct engine_lane *lane;
    struct event events[64];
    struct err e;
    bool is_stopped;
    int ticks;
    struct engine_progress seen;
};

static void tick(void *arg, const struct engine_progress *p)
{
    struct bench *b = arg;
    b->ticks++;
    b->seen = *p;
}

static bool stop(void *arg)
{
    return ((struct bench *)arg)->is_stopped;
}

static int setup(void **state)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    b.settings = (struct engine_settings){
        .max_model_len = 4096, .max_num_seqs = 7, .enable_prefix_caching = true};
    if (registry_find("null", ENGINE_OFFLINE, &b.ops, &b.e) != STATUS_OK)
        return -1;
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    b->ops.close(b->engine);
    return 0;
}

static void load(struct bench *b)
{
    const struct engine_watch none = {0};
    assert_int_equal(b->ops.open(&b->settings, &none, &b->engine, &b->facts, &b->e),
                     STATUS_OK);
    assert_int_equal(b->ops.lane_new(b->engine, &b->lane, &b->e), STATUS_OK);
}

static void submit(struct bench *b, int32_t index, size_t prompt, int64_t answer)
{
    const struct engine_request r = {
        .index = index, .id_count = prompt, .max_tokens = answer};
    assert_int_equal(b->ops.submit(b->lane, &r, &b->e), STATUS_OK);
}

static enum status next(struct bench *b, size_t cap, size_t *count)
{
    const struct engine_watch w = {.tick = tick, .stop = stop, .arg = b};
    struct event_list list = {.items = b->events, .cap = cap};
    enum status s = b->ops.next(b->lane, clock_now(), &w, &list, &b->e);
    *count = list.count;
    return s;
}

static void facts_say_what_it_is(void **state)
{
    struct bench *b = *state;
    load(b);
    const struct value *f = b->facts.fields.v;
    assert_int_equal(b->facts.vocab_size, 10000);
    assert_int_equal(b->facts.block_size, 16);
    assert_int_equal(b->facts.root_pid, 0);
    assert_true(b->facts.is_caching);
    assert_non_null(strstr(b->facts.notes, "does no inference"));
    assert_true(f[FIELD_is_simulated].b);
    assert_string_equal(field_str(&b->facts.fields, FIELD_weights), "dummy");
    assert_int_equal(f[FIELD_max_num_seqs].i, 7);
    assert_int_equal(f[FIELD_max_model_len].i, 4096);
    assert_true((b->ops.flags & ENGINE_SIMULATED) != 0);
    b->ops.close(b->engine);
    b->settings.vocab_size = 500;
    b->settings.enable_prefix_caching = false;
    load(b);
    assert_int_equal(b->facts.vocab_size, 500);
    assert_false(b->facts.is_caching);
}

/* 100 prompt tokens a millisecond of TTFT, a millisecond a token after that. */
static void events_have_the_times_it_promises(void **state)
{
    struct bench *b = *state;
    size_t n;
    load(b);
    submit(b, 0, 100, 3);
    submit(b, 1, 200, 1);
    assert_int_equal(next(b, 64, &n), STATUS_OK);
    static const enum event_kind kinds[] = {EVENT_DUE,    EVENT_SENT,   EVENT_TOKENS,
                                            EVENT_TOKENS, EVENT_TOKENS, EVENT_DONE,
                                            EVENT_SENT,   EVENT_TOKENS, EVENT_DONE};
    static const int64_t at_us[] = {0, 0, 1000, 2000, 3000, 3000, 0, 2000, 2000};
    assert_int_equal(n, sizeof kinds / sizeof *kinds);
    for (size_t i = 0; i < n; i++) {
        const struct event *ev = &b->events[i];
        assert_int_equal(ev->kind, kinds[i]);
        assert_int_equal(ev->request, i == 0 ? -1 : i >= 6);
        assert_int_equal(ev->at.ns - b->events[0].at.ns, at_us[i] * 1000);
        if (ev->kind == EVENT_TOKENS)
            assert_int_equal(ev->tokens, 1);
    }
    const struct event *done = &b->events[5];
    assert_int_equal(done->tokens_in, 100);
    assert_int_equal(done->tokens_out, 3);
    assert_int_equal(done->tokens_cached, TOKENS_UNKNOWN);
    assert_int_equal(done->prefill_ns, NS_PER_MS);
    assert_int_equal(done->decode_ns, 2 * NS_PER_MS);
    assert_int_equal(next(b, 64, &n), STATUS_OK);
    assert_int_equal(n, 0);
    assert_int_equal(b->seen.tokens_out, 4);
    assert_string_equal(b->seen.stage, "running");
}

/* Two machines of made speeds can be compared. */
static void a_speed_can_be_given(void **state)
{
    struct bench *b = *state;
    const char *words[] = {"speed=0.5"};
    struct vllm_settings own = {.engine_args = {.items = words, .count = 1}};
    size_t n;
    b->settings.own = &own;
    load(b);
    submit(b, 0, 100, 2);
    assert_int_equal(next(b, 64, &n), STATUS_OK);
    assert_int_equal(b->events[2].at.ns - b->events[0].at.ns, 2 * NS_PER_MS);
    assert_int_equal(b->events[3].at.ns - b->events[0].at.ns, 4 * NS_PER_MS);
    b->ops.close(b->engine);
    b->engine = NULL;
    static const char *const bad[] = {"speed=0",   "speed=-1",   "speed=fast",
                                      "speed=inf", "speed=1001", "speed="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        words[0] = bad[i];
        assert_int_equal(b->ops.settle(&b->settings, &own, &b->e), STATUS_BAD_OPTION);
        assert_non_null(strstr(b->e.hint, "speed=0.5"));
    }
}

/* However little fits at a time, the same events come, and each repeat begins anew. */
static void events_come_in_any_portions(void **state)
{
    struct bench *b = *state;
    size_t n;
    load(b);
    for (int repeat = 0; repeat < 2; repeat++) {
        int64_t tokens = 0, done = 0, due = 0;
        submit(b, 0, 10, 5);
        submit(b, 1, 10, 5);
        for (size_t cap = 0; done < 2; cap = (cap + 1) % 4) {
            assert_int_equal(next(b, cap, &n), STATUS_OK);
            assert_true(n <= cap);
            for (size_t i = 0; i < n; i++) {
                tokens += b->events[i].kind == EVENT_TOKENS;
                done += b->events[i].kind == EVENT_DONE;
                due += b->events[i].kind == EVENT_DUE;
            }
        }
        assert_int_equal(tokens, 10);
        assert_int_equal(due, 1);
    }
    assert_true(b->ticks > 10);
}

static void a_stop_ends_next(void **state)
{
    struct bench *b = *state;
    size_t n;
    load(b);
    submit(b, 0, 10, 5);
    b->is_stopped = true;
    assert_int_equal(next(b, 64, &n), STATUS_INTERRUPTED);
    assert_int_equal(n, 0);
    bool is_done = false;
    assert_int_equal(b->ops.cancel(b->lane, 0, &b->e), STATUS_OK);
    assert_int_equal(b->ops.reset_prefix(b->engine, &is_done, &b->e), STATUS_OK);
    assert_true(is_done);
}

static void memory_may_run_out(void **state)
{
    struct bench *b = *state;
    const struct engine_watch none = {0};
    const struct engine_request r = {.id_count = 1, .max_tokens = 1};
    mem_fail_at(1);
    assert_int_equal(b->ops.open(&b->settings, &none, &b->engine, &b->facts, &b->e),
                     STATUS_NO_MEMORY);
    assert_null(b->engine);
    mem_fail_at(0);
    load(b);
    for (int32_t i = 0; i < 64; i++)
        submit(b, i, 1, 1);
    mem_fail_at(1);
    assert_int_equal(b->ops.submit(b->lane, &r, &b->e), STATUS_NO_MEMORY);
    mem_fail_at(0);
    size_t n, done = 0;
    while (done < 64) { /* what was accepted still ends */
        assert_int_equal(next(b, 64, &n), STATUS_OK);
        for (size_t i = 0; i < n; i++)
            done += b->events[i].kind == EVENT_DONE;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(facts_say_what_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(events_have_the_times_it_promises, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_speed_can_be_given, setup, teardown),
        cmocka_unit_test_setup_teardown(events_come_in_any_portions, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_ends_next, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_run_out, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
