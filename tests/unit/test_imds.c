#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "probe/imds.h"

static void only_instance_types_look_like_one(void **state)
{
    (void)state;
    const char *good[] = {"g5.xlarge", "inf2.48xlarge", "u-6tb1.metal", "x2gd.metal"};
    const char *bad[] = {"",
                         "g5",
                         "g5.",
                         ".xlarge",
                         "G5.xlarge",
                         "g5.xlarge\n",
                         "<html>a.b</html>",
                         "a.b.c",
                         "g5 xlarge"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(imds_is_type(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(imds_is_type(bad[i]));
}

static void it_can_be_switched_off(void **state)
{
    (void)state;
    struct arena a;
    struct imds_facts f;
    arena_init(&a, 4096);
    setenv("AWS_EC2_METADATA_DISABLED", "True", 1);
    imds_ask(&a, &f);
    assert_null(f.type);
    assert_non_null(strstr(f.problem, "AWS_EC2_METADATA_DISABLED"));
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_instance_types_look_like_one),
        cmocka_unit_test(it_can_be_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
