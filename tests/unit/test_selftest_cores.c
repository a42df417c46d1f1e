#include "run/selftest_cores.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct selftest_cores of(const int *cpus, size_t count)
{
    struct selftest_cores c = {.usable = (int64_t)count};
    for (size_t i = 0; i < count; i++)
        CPU_SET((size_t)cpus[i], &c.all);
    selftest_cores_split(&c);
    return c;
}

static void is_text(const cpu_set_t *set, const char *wanted)
{
    char text[SELFTEST_CORES_BYTES];
    selftest_cores_text(set, text);
    assert_string_equal(text, wanted);
}

static void the_server_gets_the_last_core(void **state)
{
    (void)state;
    struct selftest_cores c = of((const int[]){0, 1, 2, 5, 7, 8}, 6);
    assert_int_equal(c.server_core, 8);
    is_text(&c.server, "8");
    is_text(&c.client, "0-2,5,7");
    is_text(&c.all, "0-2,5,7-8");
}

static void one_core_is_shared(void **state)
{
    (void)state;
    struct selftest_cores c = of((const int[]){3}, 1);
    assert_int_equal(c.server_core, -1);
    is_text(&c.server, "3");
    is_text(&c.client, "3");
}

static void a_long_list_is_cut_at_a_number(void **state)
{
    (void)state;
    cpu_set_t set;
    char text[SELFTEST_CORES_BYTES];
    CPU_ZERO(&set);
    for (size_t i = 0; i < CPU_SETSIZE; i += 2)
        CPU_SET(i, &set);
    selftest_cores_text(&set, text);
    assert_true(text[0] == '0' && text[1] == ',');
}

/* A thread that was moved is where it was told to be, and comes back. */
static void threads_move(void **state)
{
    (void)state;
    struct selftest_cores c;
    cpu_set_t now;
    selftest_cores_find(&c);
    assert_true(c.usable >= 1);
    selftest_cores_move(&c, SELFTEST_SERVER);
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_true(CPU_EQUAL(&now, &c.server));
    selftest_cores_move(&c, SELFTEST_ALL);
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_true(CPU_EQUAL(&now, &c.all));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_gets_the_last_core),
        cmocka_unit_test(one_core_is_shared),
        cmocka_unit_test(a_long_list_is_cut_at_a_number),
        cmocka_unit_test(threads_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
