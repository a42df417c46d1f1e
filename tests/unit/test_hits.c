#include "plan/hits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/rng.h"

#define MAX_PROMPTS 24
#define MAX_LENGTH  40

struct prompts {
    int32_t ids[MAX_PROMPTS][MAX_LENGTH];
    size_t length[MAX_PROMPTS];
    size_t count;
};

/* The definition itself, in O(n^2). */
static int64_t reference(const struct prompts *p, size_t i, size_t block)
{
    size_t longest = 0, limit = p->length[i] == 0 ? 0 : p->length[i] - 1;

    for (size_t k = 0; k < i; k++) {
        size_t s = 0;
        while (s < p->length[k] && s < p->length[i] && p->ids[k][s] == p->ids[i][s])
            s++;
        longest = s > longest ? s : longest;
    }
    longest = longest < limit ? longest : limit;
    return (int64_t)(longest / block * block);
}

static void compare(const struct prompts *p, size_t block)
{
    struct hits h;

    hits_init(&h, block);
    for (size_t i = 0; i < p->count; i++) {
        int64_t cached = -1;
        assert_int_equal(hits_add(&h, p->ids[i], p->length[i], &cached), STATUS_OK);
        assert_int_equal(cached, reference(p, i, block));
    }
    hits_fini(&h);
}

static void test_by_hand(void **state)
{
    static const int32_t a[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const int32_t b[] = {1, 2, 3, 4, 5, 9, 9, 9};
    int64_t cached;
    struct hits h;

    (void)state;
    hits_init(&h, 4);
    assert_int_equal(hits_add(&h, a, 8, &cached), STATUS_OK);
    assert_int_equal(cached, 0);
    assert_int_equal(hits_add(&h, a, 8, &cached), STATUS_OK);
    assert_int_equal(cached, 4); /* never the last token: 8 are equal, 7 could be hits */
    assert_int_equal(hits_add(&h, b, 8, &cached), STATUS_OK);
    assert_int_equal(cached, 4);
    assert_int_equal(hits_add(&h, a, 5, &cached), STATUS_OK);
    assert_int_equal(cached, 4);
    assert_int_equal(hits_add(&h, a, 4, &cached), STATUS_OK);
    assert_int_equal(cached, 0);
    assert_int_equal(hits_add(&h, a, 0, &cached), STATUS_OK);
    assert_int_equal(cached, 0);
    hits_fini(&h);
}

/* Two letters make long common beginnings frequent. */
static void test_random(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 7, "hits");
    for (int round = 0; round < 2000; round++) {
        struct prompts p = {.count = 1 + rng_below(&rng, MAX_PROMPTS)};
        for (size_t i = 0; i < p.count; i++) {
            p.length[i] = rng_below(&rng, MAX_LENGTH + 1);
            size_t copied = 0;
            if (i > 0 && rng_below(&rng, 2) == 0)
                copied = rng_below(&rng, MAX_LENGTH);
            for (size_t t = 0; t < p.length[i]; t++) {
                p.ids[i][t] = t < copied ? p.ids[rng_below(&rng, i)][t]
                                         : (int32_t)rng_below(&rng, 2);
            }
        }
        compare(&p, 1 + rng_below(&rng, 8));
    }
}

static void test_many_blocks(void **state)
{
    static int32_t ids[30000];
    struct hits h;
    int64_t cached;

    (void)state;
    for (size_t i = 0; i < 30000; i++) {
        ids[i] = (int32_t)(i % 7); /* equal blocks at different depths are
                                      different nodes */
    }
    hits_init(&h, 7);
    assert_int_equal(hits_add(&h, ids, 30000, &cached), STATUS_OK);
    assert_int_equal(cached, 0);
    assert_int_equal(h.node_count, 30000 / 7);
    assert_int_equal(hits_add(&h, ids, 30000, &cached), STATUS_OK);
    assert_int_equal(cached, 30000 / 7 * 7);
    assert_int_equal(h.node_count, 30000 / 7);
    hits_fini(&h);
}

static void test_no_memory(void **state)
{
    static int32_t ids[200];

    (void)state;
    struct alloc_fixture alloc = {.least = 4};
    while (alloc_fixture_next(&alloc)) {
        struct hits h;
        int64_t cached = -7;
        hits_init(&h, 1);
        alloc_fixture_arm(&alloc);
        enum status s = hits_add(&h, ids, 200, &cached);
        alloc_fixture_judge(&alloc, s);
        assert_int_equal(cached, s == STATUS_OK ? 0 : -7);
        hits_fini(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_many_blocks),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
