#include "serve/due.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"

enum { MEMBERS = 200 };

static void nobody_is_due(void **state)
{
    (void)state;
    struct due d;
    uint32_t who = 7;
    due_init(&d);
    assert_int_equal(due_next(&d, &who).ns, INT64_MAX);
    assert_int_equal(who, 7);
    due_remove(&d, 3);
    assert_int_equal(due_reserve(&d, 1), STATUS_OK);
    due_remove(&d, 0);
    assert_int_equal(due_next(&d, &who).ns, INT64_MAX);
    due_fini(&d);
}

/* The earliest of a plain array, for comparison. */
static int64_t least(const int64_t *at, size_t count)
{
    int64_t found = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (at[i] < found)
            found = at[i];
    return found;
}

static void as_a_plain_array(void **state)
{
    (void)state;
    struct due d;
    struct rng r;
    int64_t at[MEMBERS];
    rng_init(&r, 1, "due");
    due_init(&d);
    for (size_t i = 0; i < MEMBERS; i++)
        at[i] = INT64_MAX;
    for (int step = 0; step < 20000; step++) {
        uint32_t i = (uint32_t)rng_below(&r, MEMBERS), who = 0;
        assert_int_equal(due_reserve(&d, i + 1), STATUS_OK);
        if (rng_below(&r, 3) == 0) {
            at[i] = INT64_MAX;
            due_remove(&d, i);
        } else {
            at[i] = (int64_t)rng_below(&r, 1000);
            due_set(&d, i, (struct instant){at[i]});
        }
        int64_t next = due_next(&d, &who).ns;
        assert_int_equal(next, least(at, MEMBERS));
        if (next != INT64_MAX)
            assert_int_equal(at[who], next);
    }
    due_fini(&d);
}

static void no_memory_keeps_it(void **state)
{
    (void)state;
    for (long n = 1; n <= 2; n++) {
        struct due d;
        uint32_t who = 0;
        due_init(&d);
        assert_int_equal(due_reserve(&d, 1), STATUS_OK);
        due_set(&d, 0, (struct instant){5});
        mem_fail_at(n);
        assert_int_equal(due_reserve(&d, 1000), STATUS_NO_MEMORY);
        mem_fail_at(0);
        assert_int_equal(due_next(&d, &who).ns, 5);
        assert_int_equal(due_reserve(&d, 1000), STATUS_OK);
        due_set(&d, 999, (struct instant){4});
        assert_int_equal(due_next(&d, &who).ns, 4);
        assert_int_equal(who, 999);
        due_fini(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_due),
        cmocka_unit_test(as_a_plain_array),
        cmocka_unit_test(no_memory_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
