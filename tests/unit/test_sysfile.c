#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "probe/sysfile.h"
#include "probe_fixture.h"

static void fields_are_whole_words(void **state)
{
    (void)state;
    const char *text = "VmRSSX: 1\nVmRSS:\t 12 kB\nnr_throttled 7\nnr 8\nempty:\n";
    assert_int_equal(sysfile_field_i64(text, "VmRSS", ':', -1), 12);
    assert_int_equal(sysfile_field_i64(text, "nr", '\0', -1), 8);
    assert_int_equal(sysfile_field_i64(text, "nr_throttled", '\0', -1), 7);
    assert_int_equal(sysfile_field_i64(text, "empty", ':', -5), -5);
    assert_int_equal(sysfile_field_i64(text, "absent", ':', -5), -5);
}

static void cpu_lists_have_ranges(void **state)
{
    (void)state;
    int ids[4] = {0};
    assert_int_equal(sysfile_cpu_list("0-2,8", ids, 4), 4);
    assert_int_equal(ids[2], 2);
    assert_int_equal(ids[3], 8);
    assert_int_equal(sysfile_cpu_list("0-1023", ids, 4), 1024);
    assert_int_equal(sysfile_cpu_list("", ids, 4), 0);
    assert_int_equal(sysfile_cpu_list("x,3", ids, 4), 1);
}

static void a_long_file_is_cut_and_a_missing_one_empty(void **state)
{
    (void)state;
    char text[6];
    const char *dir = probe_fixture_dir();
    probe_fixture_file(dir, "f", "0123456789\n", false);
    assert_true(sysfile_read(dir, "/f", text, sizeof text));
    assert_string_equal(text, "01234");
    assert_false(sysfile_read(dir, "/g", text, sizeof text));
    assert_string_equal(text, "");
    assert_int_equal(sysfile_i64f(dir, -1, "/%s", "f"), 123456789);
    assert_int_equal(sysfile_i64f(dir, -7, "/%s", "g"), -7);
    assert_false(sysfile_read(dir, "", text, sizeof text)); /* a folder */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_whole_words),
        cmocka_unit_test(cpu_lists_have_ranges),
        cmocka_unit_test(a_long_file_is_cut_and_a_missing_one_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
