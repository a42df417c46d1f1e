#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "probe/gpu_meter.h"
#include "probe/nvml.h"
#include "probe_fixture.h"

static void the_library_is_read(void **state)
{
    (void)state;
    struct gpu_facts f;
    gpu_meter_probe(&f);
    assert_string_equal(f.source, "nvml");
    assert_int_equal(f.count, 2);
    assert_string_equal(f.driver, "570.133.20");
    assert_string_equal(f.cuda, "12.8");
    assert_string_equal(f.devices[0].name, "NVIDIA A10G");
    assert_string_equal(f.devices[1].uuid, "GPU-1");
    assert_string_equal(f.devices[0].compute_capability, "8.6");
    assert_int_equal(f.devices[0].used_bytes, INT64_C(3000000000));
    assert_true(fabs(f.devices[0].power_w - 150) < 1e-9);
    assert_true(isnan(f.devices[0].sm_clock_mhz)); /* this library lacks the function */
    assert_int_equal(f.devices[0].is_mig, -1);
}

static void a_driver_that_does_not_answer_is_told(void **state)
{
    (void)state;
    struct nvml *n = NULL;
    struct err e;
    struct gpu_facts f;
    setenv("FAKE_NVML_INIT", "18", 1);
    assert_int_equal(nvml_open(&n, &e), STATUS_UNSUPPORTED);
    gpu_meter_probe(&f);
    unsetenv("FAKE_NVML_INIT");
    assert_int_equal(f.count, 0);
    assert_non_null(strstr(f.problem, "Driver/library version mismatch"));
    assert_non_null(strstr(f.problem, "reboot"));
}

static void samples_of_a_device_that_is_not_there_are_unknown(void **state)
{
    (void)state;
    struct nvml *n = NULL;
    struct err e;
    int64_t bytes = 5;
    double watts = 5;
    struct nvml_process found[4];
    assert_int_equal(nvml_open(&n, &e), STATUS_OK);
    nvml_sample(n, (struct nvml_unit){7, -1}, &bytes, &watts);
    nvml_sample(n, (struct nvml_unit){0, 1}, &bytes, &watts);
    assert_int_equal(bytes, -1);
    assert_true(isnan(watts));
    assert_int_equal(nvml_processes(n, (struct nvml_unit){7, -1}, found, 4), 0);
    setenv("FAKE_NVML_PID", "4242", 1);
    assert_int_equal(nvml_processes(n, (struct nvml_unit){1, -1}, found, 4), 1);
    unsetenv("FAKE_NVML_PID");
    assert_int_equal(found[0].pid, 4242);
    nvml_close(n);
    nvml_close(NULL);
}

int main(int argc, char **argv)
{
    (void)argc;
    probe_fixture_fake_nvml(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_is_read),
        cmocka_unit_test(a_driver_that_does_not_answer_is_told),
        cmocka_unit_test(samples_of_a_device_that_is_not_there_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
