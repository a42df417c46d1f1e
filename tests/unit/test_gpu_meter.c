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
        cmocka_unit_test(no_device_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
