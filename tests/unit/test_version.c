#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "version.h"

static void version_has_three_numbers(void **state)
{
    (void)state;
    const char *version = INFERBENCH_VERSION;
    assert_true(isdigit((unsigned char)version[0]));
    assert_non_null(strchr(version, '.'));
}

static void commit_is_empty_or_names_one(void **state)
{
    (void)state;
    const char *commit = INFERBENCH_COMMIT;
    assert_true(commit[0] == '\0' || commit[0] == 'g');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_has_three_numbers),
        cmocka_unit_test(commit_is_empty_or_names_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
