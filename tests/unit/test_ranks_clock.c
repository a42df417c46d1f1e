#include "store/ranks_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/journal.h"

#define FAR INT64_C(4000000000000000000) /* what a journal may hold at most */

/* Any clocks that a journal can hold: no overflow, and time never runs backwards. */
static void test_hostile(void **state)
{
    static const int64_t odd[] = {-FAR, -10000000000000000, -1, 0, 1, 50000, FAR};
    enum { ODD = sizeof odd / sizeof *odd };
    const struct repeat_data r = {.start_ns = 10};
    (void)state;
    for (int i = 0; i < ODD * ODD * ODD; i++) {
        struct clock_data clocks[] = {{0, odd[i % ODD], 9},
                                      {1000000, odd[i / ODD % ODD], 9}};
        struct journal_note rank = {
            .clocks = clocks, .clock_count = 2, .start_monotonic_ns = odd[i / ODD / ODD]};
        struct journal_note first = {.start_monotonic_ns = 5};
        struct ranks_clock_map m;
        if (ranks_clock_find(&rank, &first, &r, &m) != NULL)
            continue;
        int64_t before_ns = ranks_clock_at(&m, -10000000000000000);
        for (int64_t at_ns = -5; at_ns < 1000100; at_ns += 7) {
            int64_t now_ns = ranks_clock_at(&m, at_ns);
            assert_true(now_ns >= before_ns);
            before_ns = now_ns;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
