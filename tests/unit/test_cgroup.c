#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "probe/cgroup.h"
#include "probe_fixture.h"

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void v2_takes_the_least_of_all_parents(void **state)
{
    (void)state;
    struct cgroup g;
    struct cgroup_limits l;
    int64_t periods;
    const char *root = probe_fixture_path("g5.xlarge");
    cgroup_find(root, &g);
    assert_int_equal(g.cpu.version, 2);
    assert_string_equal(g.cpu.path,
                        "/sys/fs/cgroup/kubepods.slice/pod1.slice/bench.scope");
    cgroup_limits(root, &g, &l);
    assert_true(near(l.cpu_limit_cores, 2.5));
    assert_int_equal(l.memory_limit_bytes, INT64_C(12000000000));
    assert_true(near(cgroup_throttled_s(root, &g, &periods), 1.5));
    assert_int_equal(periods, 12);
}

static void v1_within_a_container_takes_the_mounts_root_off(void **state)
{
    (void)state;
    struct cgroup g;
    struct cgroup_limits l;
    const char *root = probe_fixture_path("inf2.xlarge");
    cgroup_find(root, &g);
    assert_int_equal(g.cpu.version, 1);
    assert_string_equal(g.cpu.path, "/sys/fs/cgroup/cpu,cpuacct");
    cgroup_limits(root, &g, &l);
    assert_true(near(l.cpu_limit_cores, 1.5));
    assert_int_equal(l.memory_limit_bytes, -1);
    assert_true(near(cgroup_throttled_s(root, &g, NULL), 2.5));
}

static void no_cgroup_limits_and_throttles_nothing(void **state)
{
    (void)state;
    struct cgroup g;
    struct cgroup_limits l;
    int64_t periods = 99;
    cgroup_find("/nowhere", &g);
    cgroup_limits("/nowhere", &g, &l);
    assert_int_equal(g.cpu.version, 0);
    assert_true(isnan(l.cpu_limit_cores));
    assert_int_equal(l.memory_limit_bytes, -1);
    assert_true(near(cgroup_throttled_s("/nowhere", &g, &periods), 0));
    assert_int_equal(periods, 0);
}

static void a_namespace_that_shows_parents_stays_at_the_mount(void **state)
{
    (void)state;
    struct cgroup g;
    const char *dir = probe_fixture_dir();
    probe_fixture_file(dir, "proc/self/cgroup", "0::/../../outside\n", false);
    probe_fixture_file(dir, "proc/self/mountinfo",
                       "28 22 0:25 / /cg rw shared:9 - cgroup2 cgroup2 rw\n", false);
    cgroup_find(dir, &g);
    assert_string_equal(g.memory.path, "/cg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v2_takes_the_least_of_all_parents),
        cmocka_unit_test(v1_within_a_container_takes_the_mounts_root_off),
        cmocka_unit_test(no_cgroup_limits_and_throttles_nothing),
        cmocka_unit_test(a_namespace_that_shows_parents_stays_at_the_mount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
