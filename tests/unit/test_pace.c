#include "stats/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void without_jitter_every_span_is_exact(void **state)
{
    (void)state;
    const struct pace p = {.first_ns = 500, .first_ns_per_token = 10, .gap_ns = 70};
    assert_int_equal(pace_first(&p, 0, NULL).ns, 500);
    assert_int_equal(pace_first(&p, 100, NULL).ns, 1500);
    assert_int_equal(pace_gap(&p, NULL).ns, 70);
}

static void jitter_stays_within_its_share(void **state)
{
    (void)state;
    const struct pace p = {.first_ns = 10000, .gap_ns = 1000, .jitter = 0.5};
    int64_t least = INT64_MAX, most = 0;
    struct rng r;
    rng_init(&r, 1, "pace");
    for (int i = 0; i < 1000; i++) {
        int64_t gap_ns = pace_gap(&p, &r).ns;
        assert_in_range(pace_first(&p, 7, &r).ns, 5000, 15000);
        least = gap_ns < least ? gap_ns : least;
        most = gap_ns > most ? gap_ns : most;
    }
    assert_in_range(least, 500, 520);
    assert_in_range(most, 1480, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_jitter_every_span_is_exact),
        cmocka_unit_test(jitter_stays_within_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
