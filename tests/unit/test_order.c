#include "bench/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"

static struct engine_request requests[6];
static int32_t positions[6];
static struct err e;

/* Six requests with indices from 10 on; -1: waits for none, else for that position. */
static struct order make(const int *after)
{
    for (int32_t i = 0; i < 6; i++) {
        requests[i] = (struct engine_request){
            .index = 10 + i, .after = after[i] >= 0 ? &requests[after[i]] : NULL};
        positions[i] = i;
    }
    struct order o = {
        .requests = requests, .count = 6, .positions = positions, .first_index = 10};
    assert_int_equal(order_init(&o, &e), STATUS_OK);
    return o;
}

static void nobody_waits(void **state)
{
    static const int after[] = {-1, -1, -1, -1, -1, -1};
    (void)state;
    struct order o = make(after);
    for (size_t i = 0; i < 6; i++) {
        assert_true(order_has_more(&o));
        assert_null(order_turn(&o));
        assert_int_equal(order_take(&o), i);
        assert_int_equal(order_follower(&o, i), -1);
    }
    assert_false(order_has_more(&o));
    assert_null(o.turns); /* no memory for what nobody needs */
    order_fini(&o);
}

static void whose_turn_has_come_is_first(void **state)
{
    static const int after[] = {-1, 0, 1, -1, 3, -1};
    (void)state;
    struct order o = make(after);
    assert_int_equal(order_position(&o, 13), 3);
    assert_int_equal(order_follower(&o, 0), 1);
    assert_int_equal(order_follower(&o, 2), -1);
    assert_int_equal(order_take(&o), 0);
    assert_int_equal(order_take(&o), 3);
    order_release(&o, 4, (struct instant){70});
    order_release(&o, 1, (struct instant){80});
    assert_int_equal(order_turn(&o)->at.ns, 70);
    assert_int_equal(order_take(&o), 4);
    assert_int_equal(order_take(&o), 1);
    assert_int_equal(order_take(&o), 5);
    assert_false(order_has_more(&o));
    order_release(&o, 2, (struct instant){90});
    assert_true(order_has_more(&o));
    assert_int_equal(order_take(&o), 2);
    order_fini(&o);
}

static void memory_may_run_out(void **state)
{
    static const int after[] = {-1, 0, -1, -1, -1, -1};
    (void)state;
    for (long nth = 1; nth <= 2; nth++) {
        struct order o = make(after);
        order_fini(&o);
        o = (struct order){
            .requests = requests, .count = 6, .positions = positions, .first_index = 10};
        mem_fail_at(nth);
        assert_int_equal(order_init(&o, &e), STATUS_NO_MEMORY);
        mem_fail_at(0);
        order_fini(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_waits),
                                       cmocka_unit_test(whose_turn_has_come_is_first),
                                       cmocka_unit_test(memory_may_run_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
