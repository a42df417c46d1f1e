#include "run/estimate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "run_fixture.h"

static void put(struct run_fixture *f, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", f->fx.dir, name);
    assert_int_equal(file_replace(path, str_from(text), &f->e), STATUS_OK);
}

#define ROW(batch, more, time)                                                        \
    "{\"model_name\":\"Qwen/Qwen3-0.6B\",\"engine\":\"null\",\"scenario\":\"short\"," \
    "\"batch_size\":" batch ",\"max_output_tokens\":128,"                             \
    "\"enable_prefix_caching\":false" more ",\"total_time\":" time "}"
#define FILE_OF(rows) "{\"metadata\":{},\"results\":[" rows "]}"
#define WORDS         "--scenarios short --batch-sizes 1 4 --num-runs 3 --max-tokens 128"

/* The mean of what was measured of each cell, times the repeats. */
static void of_earlier_runs(void **state)
{
    struct run_fixture *f = *state;
    run_fixture_ok(f, WORDS);
    assert_true(isnan(run_estimate_s(&f->run))); /* nothing measured yet */
    put(f, "offline_results_1.json",
        FILE_OF(ROW("1", "", "2.0") "," ROW("1", "", "4.0")));
    assert_true(isnan(run_estimate_s(&f->run))); /* of one cell nothing */
    put(f, "offline_results_2.json", FILE_OF(ROW("4", ",\"x\":1", "10")));
    assert_true(run_estimate_s(&f->run) == 3 * 3 + 3 * 10);
}

/* Other settings, other tools' files and broken ones say nothing. */
static void what_does_not_count(void **state)
{
    struct run_fixture *f = *state;
    run_fixture_ok(f, WORDS);
    put(f, "offline_results_1.json", FILE_OF(ROW("1", "", "2") "," ROW("4", "", "10")));
    put(f, "offline_results_2.json",
        FILE_OF(ROW("1", "", "null") "," ROW("1", "", "\"9\"") "," ROW(
            "8", "", "99") ","
                           "{\"total_time\":99},7,[]"));
    put(f, "offline_results_3.json", "{\"results\":[");
    put(f, "online_results_1.json", FILE_OF(ROW("1", "", "99")));
    put(f, "offline_summary_1.json", FILE_OF(ROW("1", "", "99")));
    assert_true(run_estimate_s(&f->run) == 3 * 2 + 3 * 10);
}

/* No time at all, or one that no repeat takes. */
static void times_that_cannot_be(void **state)
{
    struct run_fixture *f = *state;
    run_fixture_ok(f, WORDS);
    put(f, "offline_results_1.json",
        FILE_OF(ROW("1", "", "2") "," ROW("1", "", "-1e9") "," ROW("1", "", "0") "," ROW(
            "1", "", "1e300") "," ROW("4", "", "10")));
    assert_true(run_estimate_s(&f->run) == 3 * 2 + 3 * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_earlier_runs, run_fixture_set_up_offline,
                                        run_fixture_tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_count, run_fixture_set_up_offline,
                                        run_fixture_tear_down),
        cmocka_unit_test_setup_teardown(times_that_cannot_be, run_fixture_set_up_offline,
                                        run_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
