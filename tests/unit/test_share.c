#include "bench/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define REQUESTS 23
#define WARMUPS  5

/* Request 4 waits for 1, and 9 for 4: one conversation. */
static struct plan_repeat whole(struct arena *a, bool has_due)
{
    struct plan_repeat p = {.count = REQUESTS, .warmup_count = WARMUPS};
    p.requests = arena_alloc(a, REQUESTS, sizeof *p.requests);
    p.due_ns = has_due ? arena_alloc(a, REQUESTS - WARMUPS, sizeof *p.due_ns) : NULL;
    for (int32_t i = 0; i < REQUESTS; i++) {
        p.requests[i] = (struct engine_request){.index = i};
        if (has_due && i < REQUESTS - WARMUPS)
            p.due_ns[i] = i * 1000;
    }
    p.requests[4].after = &p.requests[1];
    p.requests[9].after = &p.requests[4];
    return p;
}

static void check_parts(int count, bool has_due)
{
    int seen[REQUESTS] = {0}, owner[REQUESTS] = {0};
    size_t least = REQUESTS, most = 0;
    struct err e;
    struct arena a;
    arena_init(&a, 1 << 20);
    for (int rank = 0; rank < count; rank++) {
        struct plan_repeat p = whole(&a, has_due);
        const struct bench_share s = {rank, count};
        assert_int_equal(share_take(&s, &a, &p, &e), STATUS_OK);
        size_t measured = p.count - p.warmup_count;
        for (size_t i = 0; i < p.count; i++) {
            int32_t index = p.requests[i].index;
            seen[index]++;
            owner[index] = rank;
            assert_true(i == 0 || index > p.requests[i - 1].index);
            assert_true((index >= REQUESTS - WARMUPS) == (i >= measured));
            if (has_due && i < measured)
                assert_int_equal(p.due_ns[i], index * 1000);
        }
        least = measured < least ? measured : least;
        most = measured > most ? measured : most;
    }
    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(seen[i], 1);
    assert_true(owner[1] == owner[4] && owner[4] == owner[9]);
    assert_true(most - least <= 3); /* one, and the two that follow */
    arena_fini(&a);
}

static void test_all_together_send_all(void **state)
{
    (void)state;
    for (int count = 1; count <= 9; count++) {
        check_parts(count, false);
        check_parts(count, true);
    }
}

static void test_parts_of_a_whole(void **state)
{
    (void)state;
    for (int64_t n = 1; n < 12; n++)
        for (int64_t whole_of = 0; whole_of < 40; whole_of++) {
            int64_t sum = 0;
            for (int64_t i = 0; i < n; i++) {
                int64_t part = share_part(whole_of, i, n);
                assert_true(part == whole_of / n || part == whole_of / n + 1);
                sum += part;
            }
            assert_int_equal(sum, whole_of);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_together_send_all),
        cmocka_unit_test(test_parts_of_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
