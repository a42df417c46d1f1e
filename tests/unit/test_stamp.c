#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/stamp.h"

#define EPOCH_NS (INT64_C(1700000000) * NS_PER_S)

/* Taken at at_ns, `width_ns` wide, of a wall clock that is `offset_ns` ahead. */
static struct stamp_sandwich sandwich(int64_t at_ns, int64_t width_ns, int64_t offset_ns)
{
    return (struct stamp_sandwich){.before = {at_ns},
                                   .wall = {at_ns + width_ns / 2 + offset_ns},
                                   .after = {at_ns + width_ns}};
}

static struct stamp_clock clock_of(struct stamp_sandwich first)
{
    struct stamp_clock c = {.turns = 0};
    stamp_take(&c, first);
    return c;
}

static void narrow_ones_follow_the_wall_clock(void **state)
{
    (void)state;
    struct stamp_clock c = clock_of(sandwich(1000, 50, EPOCH_NS));
    assert_int_equal(c.offset_ns, EPOCH_NS);
    stamp_take(&c, sandwich(2000, 200, EPOCH_NS + 7));
    assert_int_equal(c.offset_ns, EPOCH_NS + 7);
    stamp_take(&c, sandwich(3000, 40, EPOCH_NS - 5));
    assert_int_equal(c.offset_ns, EPOCH_NS - 5);
    assert_int_equal(c.width_ns, 40);
    assert_int_equal(c.offset_min_ns, EPOCH_NS - 5);
    assert_int_equal(c.offset_max_ns, EPOCH_NS + 7);
    assert_int_equal(c.width_max_ns, 200);
    assert_int_equal(c.turns, 3);
    assert_int_equal(c.steps, 0);
}

/* Preempted in the middle: the reading is off by up to half the width, and tells nothing
 * that the one before does not tell better. */
static void a_wide_one_changes_nothing(void **state)
{
    (void)state;
    struct stamp_clock c = clock_of(sandwich(1000, 50, EPOCH_NS));
    struct stamp_sandwich wide = sandwich(2000, 100000, EPOCH_NS);
    wide.wall.ns += 49000;
    stamp_take(&c, wide);
    assert_int_equal(c.offset_ns, EPOCH_NS);
    assert_int_equal(c.width_max_ns, 50);
    assert_int_equal(c.offset_max_ns, EPOCH_NS);
    assert_int_equal(c.turns, 2);
    stamp_take(&c, sandwich(3000, 201, EPOCH_NS + 1));
    assert_int_equal(c.offset_ns, EPOCH_NS);
}

static void a_wide_one_that_contradicts_is_taken(void **state)
{
    (void)state;
    struct stamp_clock c = clock_of(sandwich(1000, 50, EPOCH_NS));
    stamp_take(&c, sandwich(2000, 1000, EPOCH_NS + 526)); /* drift, above 525 */
    assert_int_equal(c.offset_ns, EPOCH_NS + 526);
    assert_int_equal(c.width_ns, 1000);
    assert_int_equal(c.width_max_ns, 1000);
    assert_int_equal(c.steps, 0);
}

static void steps_are_counted(void **state)
{
    (void)state;
    struct stamp_clock c = clock_of(sandwich(1000, 50, EPOCH_NS));
    stamp_take(&c, sandwich(2000, 50, EPOCH_NS - 2 * NS_PER_MS));
    assert_int_equal(c.steps, 1);
    stamp_take(&c, sandwich(3000, 60, EPOCH_NS - NS_PER_MS)); /* 1 ms is no step */
    assert_int_equal(c.steps, 1);
    stamp_take(&c, sandwich(4000, 900, EPOCH_NS + NS_PER_S));
    assert_int_equal(c.steps, 2);
    assert_int_equal(c.offset_ns, EPOCH_NS + NS_PER_S);
}

static void converting(void **state)
{
    (void)state;
    struct stamp_clock c = clock_of(sandwich(1000, 50, EPOCH_NS));
    assert_int_equal(stamp_mono(&c, EPOCH_NS + 123456).ns, 123456);
    assert_int_equal(stamp_mono(&c, 0).ns, NS_UNKNOWN);
}

static void a_real_clock(void **state)
{
    (void)state;
    struct stamp_clock c;
    stamp_init(&c);
    assert_int_equal(c.turns, 1);
    struct instant start = clock_now(), last = start;
    for (int i = 0; i < 1000; i++) {
        struct instant t = stamp_turn(&c);
        assert_true(t.ns >= last.ns);
        last = t;
    }
    assert_true(last.ns <= clock_now().ns);
    assert_int_equal(c.turns, 1001);
    assert_true(c.offset_min_ns <= c.offset_ns && c.offset_ns <= c.offset_max_ns);
    assert_true(c.width_ns >= 0 && c.width_ns <= c.width_max_ns);
    if (c.steps > 0)
        skip(); /* somebody set the clock meanwhile */
    struct stamp_sandwich s = {.before = clock_now(), .wall = clock_wall()};
    s.after = clock_now();
    int64_t slack_ns = c.width_ns + (c.offset_max_ns - c.offset_min_ns) + NS_PER_MS;
    int64_t mono_ns = stamp_mono(&c, s.wall.ns).ns;
    assert_true(mono_ns >= s.before.ns - slack_ns && mono_ns <= s.after.ns + slack_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(narrow_ones_follow_the_wall_clock),
        cmocka_unit_test(a_wide_one_changes_nothing),
        cmocka_unit_test(a_wide_one_that_contradicts_is_taken),
        cmocka_unit_test(steps_are_counted),
        cmocka_unit_test(converting),
        cmocka_unit_test(a_real_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
