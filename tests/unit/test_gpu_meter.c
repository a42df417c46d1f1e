#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "probe/gpu_meter.h"
#include "probe_fixture.h"

static void the_devices_in_use_are_summed(void **state)
{
    (void)state;
    struct gpu_meter *m = NULL;
    struct err e;
    int64_t bytes;
    double watts;
    assert_int_equal(gpu_meter_open(&m, &e), STATUS_OK);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, INT64_C(3001000000)); /* nothing says which: all */
    assert_true(fabs(watts - 170) < 1e-9);
    setenv("CUDA_VISIBLE_DEVICES", "0", 1);
    gpu_meter_choose(m, NULL, 0);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, INT64_C(3000000000));
    assert_true(fabs(watts - 150) < 1e-9);
    /* a process of ours that computes on device 1 says more than the variable */
    setenv("FAKE_NVML_PID", "4242", 1);
    gpu_meter_choose(m, (const int32_t[]){1, 4242}, 2);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, 1000000);
    setenv("FAKE_NVML_POWER", "1", 1);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, 1000000);
    assert_true(isnan(watts));
    unsetenv("FAKE_NVML_PID");
    unsetenv("FAKE_NVML_POWER");
    unsetenv("CUDA_VISIBLE_DEVICES");
    gpu_meter_close(m);
}

/* A GB10: the driver tells the power, and no memory. */
static void each_figure_is_known_by_itself(void **state)
{
    (void)state;
    struct gpu_meter *m = NULL;
    struct err e;
    int64_t bytes;
    double watts;
    const char *root = probe_fixture_dir();
    probe_fixture_file(root, "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 400 kB\n",
                       false);
    setenv("INFERBENCH_PROBE_ROOT", root, 1);
    setenv("FAKE_NVML_MEMORY", "3", 1);
    assert_int_equal(gpu_meter_open(&m, &e), STATUS_OK);
    gpu_meter_read(m, &bytes, &watts);
    assert_true(fabs(watts - 170) < 1e-9);
    assert_int_equal(bytes, 600 * 1024); /* the machine's, once for both devices */
    setenv("FAKE_NVML_PID", "4242", 1);
    gpu_meter_choose(m, (const int32_t[]){4242}, 1);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, 123); /* of the engine's own process */
    assert_true(fabs(watts - 20) < 1e-9);
    gpu_meter_close(m);
    setenv("FAKE_NVML_MEMORY", "4", 1); /* not allowed to know: no memory of others */
    assert_int_equal(gpu_meter_open(&m, &e), STATUS_OK);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, -1);
    assert_true(fabs(watts - 170) < 1e-9);
    unsetenv("FAKE_NVML_PID");
    unsetenv("FAKE_NVML_MEMORY");
    unsetenv("INFERBENCH_PROBE_ROOT");
    gpu_meter_close(m);
}

/* Of a divided device only the slice in use counts, and nobody's watts. */
static void a_slice_has_its_own_memory_and_no_power(void **state)
{
    (void)state;
    struct gpu_meter *m = NULL;
    struct err e;
    int64_t bytes;
    double watts;
    setenv("FAKE_NVML_COUNT", "1", 1);
    setenv("FAKE_NVML_MIG", "3", 1);
    assert_int_equal(gpu_meter_open(&m, &e), STATUS_OK);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, -1); /* which of three is not known */
    assert_true(isnan(watts));
    setenv("CUDA_VISIBLE_DEVICES", "MIG-3", 1);
    gpu_meter_choose(m, NULL, 0);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, 300000000);
    assert_true(isnan(watts));
    unsetenv("CUDA_VISIBLE_DEVICES");
    setenv("FAKE_NVML_PID", "4242", 1);
    gpu_meter_choose(m, (const int32_t[]){4242}, 1);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, 200000000);
    gpu_meter_close(m);
    unsetenv("FAKE_NVML_PID");
    setenv("FAKE_NVML_MIG", "1", 1);
    assert_int_equal(gpu_meter_open(&m, &e), STATUS_OK);
    gpu_meter_read(m, &bytes, &watts);
    assert_int_equal(bytes, 100000000); /* the only one there is */
    assert_true(isnan(watts));
    gpu_meter_close(m);
    unsetenv("FAKE_NVML_MIG");
    unsetenv("FAKE_NVML_COUNT");
}

static void no_device_is_not_found(void **state)
{
    (void)state;
    struct gpu_meter *m = NULL;
    struct err e;
    setenv("FAKE_NVML_COUNT", "0", 1);
    assert_int_equal(gpu_meter_open(&m, &e), STATUS_NOT_FOUND);
    unsetenv("FAKE_NVML_COUNT");
    gpu_meter_close(NULL);
}

int main(int argc, char **argv)
{
    (void)argc;
    probe_fixture_fake_nvml(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_devices_in_use_are_summed),
        cmocka_unit_test(each_figure_is_known_by_itself),
        cmocka_unit_test(a_slice_has_its_own_memory_and_no_power),
        cmocka_unit_test(no_device_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
