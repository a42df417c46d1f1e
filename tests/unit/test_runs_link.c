/* runs_link.c: addresses of MLflow's pages. */
#include "track/runs_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void links(void **state)
{
    (void)state;
    struct arena a;
    const struct account below = {.base = "http://h:5000/p"}, top = {.base = "http://h"},
                         team = {.base = "http://h", .workspace = "team-1"};
    arena_init(&a, 1 << 16);
    assert_string_equal(runs_link(&below, "7", "ab", &a),
                        "http://h:5000/p/#/experiments/7/runs?searchFilter=tags.is_warmup"
                        "%20%3D%20'False'%20and%20tags.run_id%20%3D%20'ab'"
                        "&workflowType=machine_learning");
    assert_string_equal(runs_link(&top, "7", NULL, &a),
                        "http://h/#/experiments/7/runs?searchFilter=tags.is_warmup"
                        "%20%3D%20'False'&workflowType=machine_learning");
    assert_string_equal(
        runs_link(&team, "7", NULL, &a),
        "http://h/#/experiments/7/runs?searchFilter=tags.is_warmup"
        "%20%3D%20'False'&workflowType=machine_learning&workspace=team-1");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(links)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
