#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/sampler.h"
#include "probe_fixture.h"

static void wait_s(double seconds)
{
    clock_sleep_until(clock_after(clock_now(), clock_seconds(seconds)));
}

static void a_gpu_gives_memory_peak_and_energy(void **state)
{
    (void)state;
    struct sampler *s = NULL;
    struct err e;
    struct row row = {0};
    char path[512];
    const char *dir = probe_fixture_dir();
    snprintf(path, sizeof path, "%s/used", dir);
    setenv("FAKE_NVML_USED", path, 1);
    setenv("CUDA_VISIBLE_DEVICES", "0", 1);
    probe_fixture_file(dir, "used", "2000000000", false);
    assert_int_equal(sampler_start(0, "gpu", &s, &e), STATUS_OK);
    sampler_after_load(s);
    probe_fixture_file(dir, "used", "9000000000", false); /* before the repeat: no peak */
    sampler_after_load(s);
    probe_fixture_file(dir, "used", "2000000000", false);
    sampler_after_load(s);
    sampler_begin(s);
    probe_fixture_file(dir, "used", "5000000000", false);
    wait_s(1.3);
    probe_fixture_file(dir, "used", "2500000000", false);
    sampler_end(s, &row);
    double energy_j = field_num(&row, FIELD_energy_j);
    assert_true(fabs(field_num(&row, FIELD_memory_used_mb) - 2000) < 1e-6);
    assert_true(fabs(field_num(&row, FIELD_peak_memory_mb) - 5000) < 1e-6);
    assert_true(fabs(field_num(&row, FIELD_power_mean_w) - 150) < 1e-6);
    assert_true(energy_j >= 150 * 1.3);
    sampler_stop(s);
    unsetenv("FAKE_NVML_USED");
    unsetenv("CUDA_VISIBLE_DEVICES");
}

static void unknown_power_is_null(void **state)
{
    (void)state;
    struct sampler *s = NULL;
    struct err e;
    struct row row = {0};
    setenv("FAKE_NVML_POWER", "1", 1);
    assert_int_equal(sampler_start(0, "gpu", &s, &e), STATUS_OK);
    sampler_begin(s);
    sampler_end(s, &row);
    unsetenv("FAKE_NVML_POWER");
    assert_int_equal(row.v[FIELD_power_mean_w].kind, VALUE_NULL);
    assert_int_equal(row.v[FIELD_energy_j].kind, VALUE_NULL);
    assert_true(field_num(&row, FIELD_memory_used_mb) > 0);
    sampler_stop(s);
}

static void a_cpu_gives_our_own_memory_and_the_machines_time(void **state)
{
    (void)state;
    struct sampler *s = NULL;
    struct err e;
    struct row row = {0};
    assert_int_equal(sampler_start(0, "cpu", &s, &e), STATUS_OK);
    sampler_after_load(s);
    sampler_begin(s);
    struct instant end = clock_after(clock_now(), clock_seconds(0.2));
    while (clock_before(clock_now(), end))
        continue;
    sampler_end(s, &row);
    sampler_stop(s);
    sampler_stop(NULL);
    assert_in_range((int64_t)(field_num(&row, FIELD_memory_used_mb) * 1e6), 100000,
                    1000000000);
    assert_true(field_num(&row, FIELD_peak_memory_mb) > 0);
    assert_true(field_num(&row, FIELD_client_rss_mb) > 0);
    assert_true(field_num(&row, FIELD_cpu_user_s) + field_num(&row, FIELD_cpu_system_s) >
                0.1);
    assert_true(field_num(&row, FIELD_steal_ratio) >= 0);
    assert_true(field_num(&row, FIELD_throttled_s) >= 0);
    assert_int_equal(row.v[FIELD_power_mean_w].kind, VALUE_NULL);
}

/* Counters of a captured tree that are changed between the ends of a repeat. */
static void machine_counters_are_differences(void **state)
{
    (void)state;
    struct sampler *s = NULL;
    struct err e;
    struct row row = {0};
    const char *dir = probe_fixture_dir();
    setenv("INFERBENCH_PROBE_ROOT", dir, 1);
    double hz = (double)sysconf(_SC_CLK_TCK);
    probe_fixture_file(dir, "proc/self/cgroup", "0::/a\n", false);
    probe_fixture_file(dir, "proc/self/mountinfo",
                       "28 22 0:25 / /cg rw shared:9 - cgroup2 cgroup2 rw\n", false);
    probe_fixture_file(dir, "cg/a/cpu.stat", "nr_throttled 1\nthrottled_usec 1000000\n",
                       false);
    probe_fixture_file(dir, "proc/stat", "cpu  100 10 20 700 5 1 4 60 0 0\n", false);
    assert_int_equal(sampler_start(0, "cpu", &s, &e), STATUS_OK);
    sampler_begin(s);
    probe_fixture_file(dir, "cg/a/cpu.stat", "nr_throttled 9\nthrottled_usec 3500000\n",
                       false);
    probe_fixture_file(dir, "proc/stat", "cpu  150 20 40 790 5 3 8 84 0 0\n", false);
    sampler_end(s, &row);
    assert_true(fabs(field_num(&row, FIELD_cpu_user_s) - 60 / hz) < 1e-9);
    assert_true(fabs(field_num(&row, FIELD_cpu_system_s) - 26 / hz) < 1e-9);
    assert_true(fabs(field_num(&row, FIELD_steal_ratio) - 24.0 / 200) < 1e-9);
    assert_true(fabs(field_num(&row, FIELD_throttled_s) - 2.5) < 1e-9);
    assert_int_equal(row.v[FIELD_memory_used_mb].kind, VALUE_NULL); /* not in this tree */
    sampler_begin(s);
    sampler_end(s, &row); /* no tick went by: nothing was stolen */
    assert_true(fabs(field_num(&row, FIELD_steal_ratio)) < 1e-12);
    sampler_stop(s);
    unsetenv("INFERBENCH_PROBE_ROOT");
}

static void neuron_memory_is_read_from_sysfs(void **state)
{
    (void)state;
    struct sampler *s = NULL;
    struct err e;
    struct row row = {0};
    setenv("INFERBENCH_PROBE_ROOT", probe_fixture_path("inf2.xlarge"), 1);
    assert_int_equal(sampler_start(0, "neuron", &s, &e), STATUS_OK);
    sampler_begin(s);
    sampler_end(s, &row);
    sampler_stop(s);
    unsetenv("INFERBENCH_PROBE_ROOT");
    assert_true(fabs(field_num(&row, FIELD_peak_memory_mb) - 2200) < 1e-6);
    assert_int_equal(row.v[FIELD_energy_j].kind, VALUE_NULL);
}

int main(int argc, char **argv)
{
    (void)argc;
    probe_fixture_fake_nvml(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gpu_gives_memory_peak_and_energy),
        cmocka_unit_test(unknown_power_is_null),
        cmocka_unit_test(a_cpu_gives_our_own_memory_and_the_machines_time),
        cmocka_unit_test(machine_counters_are_differences),
        cmocka_unit_test(neuron_memory_is_read_from_sysfs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
