#include "stats/told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* A new setting is told; what inferbench itself says, and what is measured, is not. */
static void by_the_engine(void **state)
{
    (void)state;
    size_t count = 0;
    for (int id = 0; id < FIELD_COUNT; id++) {
        bool is_told = told_by_engine((enum field_id)id);
        count += is_told;
        if (is_told)
            assert_true(field_table[id].role == ROLE_SETTING ||
                        field_table[id].role == ROLE_METRIC);
    }
    assert_int_equal(count, 21);
    assert_true(told_by_engine(FIELD_dtype) && told_by_engine(FIELD_is_simulated));
    assert_true(told_by_engine(FIELD_load_time_s) && told_by_engine(FIELD_kv_cache_mb));
    assert_false(told_by_engine(FIELD_engine) || told_by_engine(FIELD_engine_args));
    assert_false(told_by_engine(FIELD_settings_sha256));
    assert_false(told_by_engine(FIELD_total_time) || told_by_engine(FIELD_batch_size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_the_engine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
