/* What plan and online plan have in common; test_plan.c has the prompts of ids and their
 * hits. */
#include "plan/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/mem.h"

#define ARENA_BYTES ((size_t)64 << 20)

struct fixture {
    struct arena a;
    struct scenario s;
    struct draw d;
    struct err e;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.s = {.name = "s", .own_tokens = 40, .max_tokens = 8}};
    f.d = (struct draw){.scenario = &f.s,
                        .cell = "c4",
                        .most = 4,
                        .num_runs = 3,
                        .max_tokens = OPT_INT_UNSET,
                        .vocab_size = 1000,
                        .block_size = 16,
                        .caching = true};
    arena_init(&f.a, ARENA_BYTES);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mem_fail_at(0);
    arena_fini(&f->a);
    return 0;
}

static struct plan_repeat draw(struct fixture *f, int64_t repeat)
{
    struct plan_repeat r = {.count = 0};
    if (draw_repeat(&f->d, repeat, &f->a, &r, &f->e) != STATUS_OK)
        fail_msg("%s: %s", f->e.where, f->e.what);
    return r;
}

/* Counts of repeats may differ: a longer one begins as the shorter would. */
static void repeats_of_their_own_count(void **state)
{
    struct fixture *f = *state;
    const int64_t counts[] = {2, 4, 3};
    struct plan_repeat all = draw(f, 0);
    f->d.counts = counts;
    struct plan_repeat two = draw(f, 0), four = draw(f, 1), three = draw(f, 2);
    assert_int_equal(two.count, 2);
    assert_int_equal(four.count, 4);
    assert_int_equal(three.count, 3);
    for (size_t i = 0; i < 2; i++)
        assert_memory_equal(two.requests[i].ids, all.requests[i].ids, 40 * 4);
    f->s.shared_tokens = 32;
    f->d.is_prefix_warm = true;
    assert_int_equal(draw(f, 0).expected_cached_tokens, 1 * 32);
    assert_int_equal(draw(f, 2).expected_cached_tokens, 3 * 32);
}

/* What vLLM's server takes: at most 128 bytes, no '/', '@' or '\\'. */
static void fits_a_server(const char *salt)
{
    assert_in_range(strlen(salt), 16, 128);
    assert_int_equal(strspn(salt, "0123456789abcdef"), strlen(salt));
}

/* A cell's name makes other prompts, the run's only another salt. */
static void names_in_streams_and_salts(void **state)
{
    struct fixture *f = *state;
    struct plan_repeat first = draw(f, 1);
    assert_null(first.requests[0].salt);
    f->d.is_online = true;
    f->s.name = "a/name@with\\all";
    struct plan_repeat plain = draw(f, 1), again = draw(f, 1);
    fits_a_server(plain.requests[0].salt);
    assert_string_equal(plain.requests[0].salt, plain.requests[3].salt);
    assert_string_equal(plain.requests[0].salt, again.requests[0].salt);
    assert_string_not_equal(plain.requests[0].salt, draw(f, 2).requests[0].salt);
    f->d.run = "0af";
    struct plan_repeat other = draw(f, 1);
    fits_a_server(other.requests[0].salt);
    assert_string_not_equal(other.requests[0].salt, plain.requests[0].salt);
    assert_memory_equal(other.requests[0].ids, plain.requests[0].ids, 40 * 4);
    f->d.is_prefix_warm = true;
    assert_string_equal(draw(f, 2).requests[0].salt, draw(f, 1).requests[0].salt);
    fits_a_server(draw(f, 2).requests[0].salt);
    f->d.is_prefix_warm = false;
    f->d.cell = "c5";
    assert_memory_not_equal(draw(f, 1).requests[0].ids, plain.requests[0].ids, 40 * 4);
}

/* Arms have the same prompts; OFF keeps its requests apart, ON lets them meet. */
static void arms(void **state)
{
    struct fixture *f = *state;
    f->s.shared_tokens = 32;
    for (int i = 0; i < 4; i++) {
        f->d.is_online = i % 2 == 1;
        f->d.as_text = i == 3;
        f->d.arm = PLAN_ARM_ON;
        struct plan_repeat on = draw(f, 1);
        f->d.arm = PLAN_ARM_OFF;
        struct plan_repeat off = draw(f, 1);
        assert_int_equal(on.expected_cached_tokens, f->d.as_text ? TOKENS_UNKNOWN : 96);
        assert_int_equal(off.expected_cached_tokens, 0);
        assert_true(on.shares_prefix && off.shares_prefix);
        for (size_t k = 0; k < on.count; k++) {
            const struct engine_request *a = &on.requests[k], *b = &off.requests[k];
            if (f->d.as_text)
                assert_string_equal(a->text, b->text);
            else
                assert_memory_equal(a->ids, b->ids, 72 * 4);
            assert_string_equal(a->salt, on.requests[0].salt);
            assert_string_not_equal(b->salt, a->salt);
            if (f->d.is_online)
                fits_a_server(b->salt);
            for (size_t j = 0; j < k; j++)
                assert_string_not_equal(b->salt, off.requests[j].salt);
        }
    }
}

/* A server that takes no salt: its cache must not know the prompts of an earlier run. */
static void runs_without_salts(void **state)
{
    struct fixture *f = *state;
    f->d.is_online = f->d.is_unsalted = true;
    for (int text = 0; text < 2; text++) {
        f->d.as_text = text == 1;
        f->d.run = "one";
        struct plan_repeat one = draw(f, 1), again = draw(f, 1);
        f->d.run = "two";
        struct plan_repeat two = draw(f, 1);
        for (size_t i = 0; i < one.count; i++)
            if (f->d.as_text) {
                assert_string_equal(one.requests[i].text, again.requests[i].text);
                assert_string_not_equal(one.requests[i].text, two.requests[i].text);
            } else {
                assert_memory_equal(one.requests[i].ids, again.requests[i].ids, 160);
                assert_memory_not_equal(one.requests[i].ids, two.requests[i].ids, 160);
                assert_int_equal(one.requests[i].id_count, two.requests[i].id_count);
            }
    }
    f->d.as_text = false;
    f->d.run = NULL; /* as the seed has them */
    struct plan_repeat none = draw(f, 1);
    f->d.is_unsalted = false;
    assert_memory_equal(none.requests[0].ids, draw(f, 1).requests[0].ids, 160);
}

static size_t words_in(const char *text)
{
    size_t count = 1;
    for (; *text != '\0'; text++)
        count += *text == ' ';
    return count;
}

static void lengths_as_text(void **state)
{
    struct fixture *f = *state;
    f->d.as_text = true;
    struct plan_repeat r = draw(f, 0), next = draw(f, 1);
    for (size_t i = 0; i < r.count; i++) {
        const struct engine_request *q = &r.requests[i];
        assert_null(q->ids);
        assert_int_equal(q->id_count, 0);
        assert_int_equal(words_in(q->text), 40);
        assert_non_null(q->salt);
        assert_string_not_equal(q->text, next.requests[i].text);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(q->text, r.requests[k].text);
    }
    assert_int_equal(r.longest_tokens, TOKENS_UNKNOWN);
    assert_int_equal(r.expected_cached_tokens, TOKENS_UNKNOWN);
    assert_false(r.shares_prefix);
    f->s.shared_tokens = 20;
    r = draw(f, 0);
    assert_true(r.shares_prefix);
    assert_int_equal(words_in(r.requests[0].text), 60);
    f->d.caching = false;
    assert_int_equal(draw(f, 0).expected_cached_tokens, 0);
}

#define FIFTY "12345678901234567890123456789012345678901234567890"

static void given_texts_as_text(void **state)
{
    struct fixture *f = *state;
    struct scenario_text texts[] = {{.text = "one", .max_tokens = OPT_INT_UNSET},
                                    {.text = "two", .max_tokens = 3},
                                    {.text = "six", .max_tokens = OPT_INT_UNSET}};
    f->s.texts = texts;
    f->s.text_count = 3;
    f->d.as_text = true;
    struct plan_repeat r = draw(f, 0);
    assert_string_equal(r.requests[0].text, "one");
    assert_string_equal(r.requests[1].text, "two");
    assert_string_equal(r.requests[3].text, "one");
    assert_int_equal(r.requests[1].max_tokens, 3);
    assert_int_equal(r.requests[3].max_tokens, 8);
    assert_false(r.shares_prefix); /* the same text, but shorter than a block */
    f->d.first_text = 4;
    r = draw(f, 0);
    assert_string_equal(r.requests[0].text, "two");
    assert_string_equal(r.requests[1].text, "six");
    texts[2].text = FIFTY FIFTY "a";
    texts[1].text = FIFTY FIFTY "b";
    assert_true(draw(f, 0).shares_prefix);
    f->d.as_text = false;
    assert_int_equal(draw_repeat(&f->d, 0, &f->a, &r, &f->e), STATUS_INTERNAL);
}

static void memory_may_run_out(void **state)
{
    struct fixture *f = *state;
    struct scenario_text text = {.text = "one", .max_tokens = 3};
    f->s.shared_tokens = 16;
    f->d.as_text = true;
    f->d.is_prefix_warm = true;
    for (int round = 0; round < 2; round++) {
        enum status s = STATUS_NO_MEMORY;
        struct alloc_fixture alloc = {.least = 2};
        while (alloc_fixture_next(&alloc)) {
            struct arena a;
            struct plan_repeat r;
            arena_init(&a, ARENA_BYTES);
            alloc_fixture_arm(&alloc);
            s = draw_repeat(&f->d, 1, &a, &r, &f->e);
            alloc_fixture_judge(&alloc, s);
            arena_fini(&a);
        }
        f->s.texts = &text;
        f->s.text_count = 1;
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(repeats_of_their_own_count), TEST(names_in_streams_and_salts),
        TEST(runs_without_salts),         TEST(lengths_as_text),
        TEST(given_texts_as_text),        TEST(arms),
        TEST(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
