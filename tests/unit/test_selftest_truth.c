#include "run/selftest_truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"

static const char log_text[] =
    "{\"serve\":1,\"clock\":\"monotonic\"}\n"
    "{\"request\":1,\"id\":\"p-7-1\",\"arrival_ns\":100,\"sent_ns\":[200,300]}\n"
    "{\"request\":0,\"id\":\"p-7-0\",\"arrival_ns\":null,\"sent_ns\":[250]}\n"
    "{\"request\":2,\"id\":\"p-70-2\",\"arrival_ns\":1,\"sent_ns\":[2]}\n"
    "{\"request\":3,\"id\":\"p-7-9\",\"arrival_ns\":1,\"sent_ns\":[2]}\n"
    "{\"request\":4,\"id\":null,\"arrival_ns\":1,\"sent_ns\":[2]}\n"
    "{\"request\":5,\"id\":\"p-7-x\",\"arrival_ns\":1,\"sent_ns\":[2]}\n";

static void lines_are_found_by_phase_and_index(void **state)
{
    (void)state;
    struct arena a;
    struct err e;
    struct selftest_truth t[3] = {{0}};
    const struct selftest_log log = {str_from(log_text), "p-7"};
    arena_init(&a, 1 << 20);
    assert_int_equal(selftest_truth_read(&log, &a, t, 3, &e), STATUS_OK);
    assert_true(t[0].is_known);
    assert_int_equal(t[0].arrival_ns, NS_UNKNOWN);
    assert_int_equal(t[0].sent_count, 1);
    assert_int_equal(t[0].sent_ns[0], 250);
    assert_true(t[1].is_known);
    assert_int_equal(t[1].arrival_ns, 100);
    assert_int_equal(t[1].sent_count, 2);
    assert_int_equal(t[1].sent_ns[1], 300);
    assert_false(t[2].is_known); /* another phase's, an index beyond, no id, no index */
    arena_fini(&a);
}

static void a_line_that_is_no_json_is_named(void **state)
{
    (void)state;
    struct arena a;
    struct err e;
    struct selftest_truth t[1] = {{0}};
    const struct selftest_log log = {str_from("{\"serve\":1}\n\n{\"id\":\"p-"), "p"};
    arena_init(&a, 1 << 20);
    assert_int_equal(selftest_truth_read(&log, &a, t, 1, &e), STATUS_BAD_INPUT);
    assert_non_null(strstr(e.where, ":3"));
    arena_fini(&a);
}

static void an_empty_log_knows_nothing(void **state)
{
    (void)state;
    struct arena a;
    struct err e;
    struct selftest_truth t[1] = {{0}};
    const struct selftest_log log = {str_from(""), "p"};
    arena_init(&a, 1 << 20);
    assert_int_equal(selftest_truth_read(&log, &a, t, 1, &e), STATUS_OK);
    assert_false(t[0].is_known);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_found_by_phase_and_index),
        cmocka_unit_test(a_line_that_is_no_json_is_named),
        cmocka_unit_test(an_empty_log_knows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
