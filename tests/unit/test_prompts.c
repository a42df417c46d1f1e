#include "plan/prompts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"

#define ARENA_BYTES ((size_t)64 << 20)

static int32_t *draw(const struct prompts *p, int64_t repeat, struct arena *a)
{
    struct err e = {0};
    int32_t *ids = NULL;
    enum status s = prompts_draw(p, repeat, a, &ids, &e);

    if (s != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    return ids;
}

/* Every prompt of every repeat against every other; all ids in range. */
static void check_cell(const struct prompts *p)
{
    size_t length = (size_t)(p->shared_tokens + p->own_tokens);
    int64_t total = p->batch_size * p->num_runs;
    struct arena a;

    arena_init(&a, ARENA_BYTES);
    int32_t **all = arena_alloc(&a, (size_t)total, sizeof *all);
    for (int64_t r = 0; r < p->num_runs; r++) {
        int32_t *ids = draw(p, r, &a);
        for (int64_t i = 0; i < p->batch_size; i++)
            all[r * p->batch_size + i] = ids + (size_t)i * length;
    }
    for (int64_t i = 0; i < total; i++) {
        for (size_t t = 0; t < length; t++)
            assert_in_range(all[i][t], 16, prompts_id_end(p->vocab_size) - 1);
        for (int64_t k = 0; k < i; k++) {
            assert_memory_not_equal(all[i] + p->shared_tokens, all[k] + p->shared_tokens,
                                    (size_t)p->own_tokens * sizeof(int32_t));
        }
    }
    arena_fini(&a);
}

static void test_unique(void **state)
{
    struct prompts p = {.scenario = "s", .seed = 3, .vocab_size = 33};

    (void)state;
    assert_int_equal(prompts_id_end(33), 32); /* 16 ids */
    for (int64_t own = 1; own <= 3; own++) {
        p.own_tokens = own;
        p.shared_tokens = own % 2 * 5;
        for (p.batch_size = 1; p.batch_size <= 16; p.batch_size++) {
            p.num_runs = own == 1 ? 16 / p.batch_size : 12; /* up to every
                                                               possible prompt */
            check_cell(&p);
        }
    }
    p = (struct prompts){.scenario = "s",
                         .batch_size = 256,
                         .num_runs = 4,
                         .own_tokens = 32,
                         .vocab_size = 10000};
    check_cell(&p);
}

static void test_first_own_token_differs(void **state)
{
    struct prompts p = {.scenario = "prefix_caching",
                        .batch_size = 64,
                        .num_runs = 3,
                        .shared_tokens = 1024,
                        .own_tokens = 64,
                        .vocab_size = 151936};
    struct arena a;

    (void)state;
    arena_init(&a, ARENA_BYTES);
    int32_t *ids = draw(&p, 1, &a);
    for (size_t i = 1; i < 64; i++) {
        assert_memory_equal(ids, ids + i * 1088, 1024 * sizeof *ids);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(ids[i * 1088 + 1024], ids[k * 1088 + 1024]);
    }
    arena_fini(&a);
}

/* Prompt i has prefix i modulo N; the first one is what it is alone. */
static void test_prefixes_in_turn(void **state)
{
    struct prompts p = {.scenario = "s",
                        .batch_size = 8,
                        .num_runs = 3,
                        .shared_tokens = 40,
                        .own_tokens = 8,
                        .vocab_size = 1000};
    size_t prefix_bytes = 40 * sizeof(int32_t), repeat_bytes = 8 * 48 * sizeof(int32_t);
    struct arena a;

    (void)state;
    arena_init(&a, ARENA_BYTES);
    int32_t *alone = draw(&p, 1, &a);
    p.prefixes = 1;
    assert_memory_equal(draw(&p, 1, &a), alone, repeat_bytes);
    for (p.prefixes = 2; p.prefixes <= 9; p.prefixes += 7) {
        int32_t *ids = draw(&p, 1, &a);
        assert_memory_equal(ids, alone, prefix_bytes);
        for (int64_t i = 0; i < 8; i++) {
            assert_memory_equal(ids + i * 48 + 40, alone + i * 48 + 40, 8 * sizeof *ids);
            for (int64_t k = 0; k < i; k++)
                if (i % p.prefixes == k % p.prefixes)
                    assert_memory_equal(ids + i * 48, ids + k * 48, prefix_bytes);
                else
                    assert_memory_not_equal(ids + i * 48, ids + k * 48, prefix_bytes);
        }
    }
    arena_fini(&a);
}

static void test_prefix_by_repeat(void **state)
{
    struct prompts p = {.scenario = "s",
                        .batch_size = 2,
                        .num_runs = 3,
                        .shared_tokens = 40,
                        .own_tokens = 8,
                        .vocab_size = 1000};
    size_t prefix_bytes = 40 * sizeof(int32_t);
    struct arena a;

    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_memory_not_equal(draw(&p, 0, &a), draw(&p, 1, &a), prefix_bytes);
    int32_t *cold = draw(&p, 1, &a);
    p.is_prefix_warm = true;
    int32_t *warm = draw(&p, 1, &a);
    assert_memory_equal(draw(&p, 0, &a), warm, prefix_bytes);
    assert_memory_equal(draw(&p, 2, &a), warm, prefix_bytes);
    assert_memory_equal(cold + 40, warm + 40, 8 * sizeof *warm); /* own parts stay */
    arena_fini(&a);
}

/* The same seed gives the same prompts; anything that names the stream gives others. */
static void test_streams(void **state)
{
    struct prompts p = {.scenario = "s",
                        .batch_size = 2,
                        .num_runs = 3,
                        .own_tokens = 64,
                        .vocab_size = 1000};
    size_t bytes = 2 * 64 * sizeof(int32_t);
    struct arena a;

    (void)state;
    arena_init(&a, ARENA_BYTES);
    int32_t *ids = draw(&p, 1, &a);
    assert_memory_equal(ids, draw(&p, 1, &a), bytes);
    assert_memory_not_equal(ids, draw(&p, 2, &a), bytes);
    p.num_runs = 9; /* more repeats leave the first ones alone */
    assert_memory_equal(ids, draw(&p, 1, &a), bytes);
    p.seed = 1;
    assert_memory_not_equal(ids, draw(&p, 1, &a), bytes);
    p.seed = 0;
    p.scenario = "t";
    assert_memory_not_equal(ids, draw(&p, 1, &a), bytes);
    arena_fini(&a);
}

static void refused(struct prompts p, const char *what)
{
    struct err e = {0};
    struct arena a;
    int32_t *ids = NULL;

    arena_init(&a, ARENA_BYTES);
    assert_int_equal(prompts_draw(&p, 0, &a, &ids, &e), STATUS_BAD_OPTION);
    assert_null(ids);
    if (strstr(e.what, what) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", what, e.what);
    arena_fini(&a);
}

static void test_refused(void **state)
{
    struct prompts p = {.scenario = "s",
                        .batch_size = 17,
                        .num_runs = 1,
                        .own_tokens = 1,
                        .vocab_size = 33};

    (void)state;
    refused(p, "cannot make 17 different prompts");
    p.vocab_size = 32;
    refused(p, "32 ids");
    p.vocab_size = PROMPTS_MAX_VOCAB + 1;
    refused(p, "33 to");
    p.vocab_size = 1000;
    p.batch_size = 0;
    refused(p, "batch size 0");
    p.batch_size = 1000000;
    p.num_runs = 1001;
    refused(p, "more than 1000000000");
}

/* Largest numbers that are accepted: no overflow (UBSan would say so) and no id out of
 * range. */
static void test_extremes(void **state)
{
    struct prompts p = {.scenario = "s",
                        .batch_size = 1,
                        .num_runs = PROMPTS_MAX_COUNT,
                        .own_tokens = 12};
    struct arena a;

    (void)state;
    arena_init(&a, ARENA_BYTES);
    for (int64_t v = 33; v <= PROMPTS_MAX_VOCAB; v = v * 2 - 17) {
        p.vocab_size = v;
        int32_t *ids = draw(&p, p.num_runs - 1, &a);
        for (size_t i = 0; i < 12; i++)
            assert_in_range(ids[i], 16, prompts_id_end(v) - 1);
    }
    arena_fini(&a);
}

/* Uniform over the ids: each of 64 bins of 160,000 draws within 6 sigma of 2,500. */
static void test_uniform(void **state)
{
    struct prompts p = {.scenario = "s",
                        .batch_size = 100,
                        .num_runs = 2,
                        .own_tokens = 1600,
                        .vocab_size = 6558};
    int bins[64] = {0};
    struct arena a;

    (void)state;
    assert_int_equal(prompts_id_end(6558) - 16, 6410);
    arena_init(&a, ARENA_BYTES);
    int32_t *ids = draw(&p, 0, &a);
    for (size_t i = 0; i < 160000; i++)
        bins[(size_t)(ids[i] - 16) * 64 / 6410]++;
    for (size_t b = 0; b < 64; b++)
        assert_in_range(bins[b], 2200, 2800);
    arena_fini(&a);
}

static void test_no_memory(void **state)
{
    struct prompts p = {.scenario = "s",
                        .batch_size = 4,
                        .num_runs = 2,
                        .own_tokens = 8,
                        .vocab_size = 100};

    (void)state;
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        struct err e = {0};
        int32_t *ids;
        arena_init(&a, ARENA_BYTES);
        alloc_fixture_arm(&alloc);
        enum status s = prompts_draw(&p, 0, &a, &ids, &e);
        alloc_fixture_judge(&alloc, s);
        assert_true(s == STATUS_OK || e.code == s);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unique),
        cmocka_unit_test(test_first_own_token_differs),
        cmocka_unit_test(test_prefixes_in_turn),
        cmocka_unit_test(test_prefix_by_repeat),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
