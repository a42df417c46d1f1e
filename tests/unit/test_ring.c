#include "base/ring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"

static void first_in_first_out(void **state)
{
    (void)state;
    struct ring r;
    struct err e;
    int things[5];
    assert_int_equal(ring_init(&r, 3, &e), STATUS_OK);
    assert_null(ring_take(&r));
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++)
            assert_true(ring_put(&r, &things[i]));
        assert_false(ring_put(&r, &things[4]));
        for (int i = 0; i < 4; i++)
            assert_ptr_equal(ring_take(&r), &things[i]);
        assert_null(ring_take(&r));
    }
    ring_fini(&r);
    ring_fini(&r);
}

enum { COUNT = 200000 };

static void *put_all(void *arg)
{
    for (uintptr_t i = 1; i <= COUNT; i++)
        while (!ring_put(arg, (void *)i))
            ;
    return NULL;
}

static void two_threads_lose_nothing(void **state)
{
    (void)state;
    struct ring r;
    struct err e;
    pthread_t thread;
    assert_int_equal(ring_init(&r, 64, &e), STATUS_OK);
    assert_int_equal(pthread_create(&thread, NULL, put_all, &r), 0);
    for (uintptr_t i = 1; i <= COUNT;) {
        void *item = ring_take(&r);
        if (item == NULL)
            continue;
        assert_int_equal((uintptr_t)item, i);
        i++;
    }
    pthread_join(thread, NULL);
    assert_null(ring_take(&r));
    ring_fini(&r);
}

static void no_memory_is_said(void **state)
{
    (void)state;
    struct ring r;
    struct err e;
    mem_fail_at(1);
    enum status s = ring_init(&r, 8, &e);
    mem_fail_at(0);
    assert_int_equal(s, STATUS_NO_MEMORY);
    ring_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(two_threads_lose_nothing),
        cmocka_unit_test(no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
