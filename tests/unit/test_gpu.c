#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "probe/gpu.h"
#include "probe_fixture.h"

static void write(const void *facts, struct jsonw *w)
{
    gpu_write(facts, w, "gpu");
}

static void an_answer_of_nvidia_smi_is_read(void **state)
{
    (void)state;
    struct arena a;
    struct gpu_facts f = {.count = 0};
    arena_init(&a, 1 << 20);
    gpu_parse_smi(str_from(probe_fixture_text("nvidia-smi.g5.csv", &a)), &f);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.devices[0].name, "NVIDIA A10G");
    assert_string_equal(f.devices[0].compute_capability, "8.6");
    assert_string_equal(f.driver, "570.133.20");
    assert_int_equal(f.devices[0].total_bytes, INT64_C(23028) * 1048576);
    assert_true(fabs(f.devices[0].power_w - 58.11) < 1e-9);
    json_t *top = probe_fixture_object(write, &f);
    const json_t *gpu = json_object_get(top, "gpu");
    assert_string_equal(json_str_of(gpu, "name"), "NVIDIA A10G");
    assert_int_equal(json_array_size(json_object_get(gpu, "devices")), 1);
    assert_true(json_is_null(json_object_get(gpu, "cuda_version")));
    json_decref(top);
    arena_fini(&a);
}

static void odd_lines_are_skipped_and_odd_values_null(void **state)
{
    (void)state;
    struct arena a;
    struct gpu_facts f = {.count = 0};
    arena_init(&a, 1 << 20);
    gpu_parse_smi(str_from(probe_fixture_text("nvidia-smi.odd.csv", &a)), &f);
    assert_int_equal(f.count, 2);
    assert_true(isnan(f.devices[0].power_w));
    assert_int_equal(f.devices[0].pcie_generation, -1);
    assert_int_equal(f.devices[0].used_bytes, 0);
    assert_int_equal(f.devices[1].total_bytes, -1);
    assert_int_equal(f.devices[1].used_bytes, -1);
    arena_fini(&a);
}

/* A GB10 as its users show it, a divided device, and one that fell off the bus. */
static void what_is_not_told_is_null_by_itself(void **state)
{
    (void)state;
    struct gpu_facts f = {.count = 0};
    gpu_parse_smi(
        str_from("0, NVIDIA GB10, GPU-a, 000F:01:00.0, 580.95.05, [N/A], [N/A], 11.17, "
                 "[N/A], 2405, 3003, [N/A], 44, 1, 1, 12.1, [N/A]\n"
                 "1, NVIDIA H100, GPU-b, 0:2, 580.95.05, 81559, 5, 70.1, 700, 1, 2, 3, "
                 "30, 5, 16, 9.0, Enabled\n"
                 "2, [GPU is lost], GPU-c, 0:3, 580.95.05, [GPU is lost], [GPU is lost], "
                 "[GPU is lost], N/A, N/A, N/A, N/A, N/A, N/A, N/A, N/A, N/A\n"),
        &f);
    assert_int_equal(f.count, 3);
    assert_true(fabs(f.devices[0].power_w - 11.17) < 1e-9);
    assert_int_equal(f.devices[0].used_bytes, -1);
    assert_int_equal(f.devices[0].is_shared, 1);
    assert_int_equal(f.devices[0].is_mig, -1);
    assert_int_equal(f.devices[1].is_mig, 1);
    assert_int_equal(f.devices[1].is_shared, 0);
    assert_string_equal(f.devices[2].name, "");
    assert_string_equal(f.devices[2].compute_capability, "");
    assert_int_equal(f.devices[2].is_shared, 0);
    assert_true(isnan(f.devices[2].power_w));
    json_t *top = probe_fixture_object(write, &f);
    const json_t *gpu = json_object_get(top, "gpu");
    assert_true(json_is_true(json_object_get(gpu, "memory_is_shared")));
    assert_non_null(strstr(json_str_of(gpu, "note"), "shares the machine's memory"));
    json_decref(top);
}

static void cuda_visible_devices_is_followed(void **state)
{
    (void)state;
    struct gpu_device d = gpu_blank(1);
    snprintf(d.uuid, sizeof d.uuid, "GPU-bbbb-cccc");
    assert_true(gpu_is_visible(&d, NULL));
    assert_false(gpu_is_visible(&d, ""));
    assert_true(gpu_is_visible(&d, "0,1"));
    assert_false(gpu_is_visible(&d, "0,2"));
    assert_false(gpu_is_visible(&d, "-1,1"));
    assert_true(gpu_is_visible(&d, "GPU-bbbb"));
    assert_false(gpu_is_visible(&d, "GPU-aaaa"));
    assert_true(gpu_is_visible(&d, "MIG-1234"));
    assert_true(gpu_is_visible(&d, "MIG-GPU-bbbb-cccc/7/0"));
    assert_false(gpu_is_visible(&d, "MIG-GPU-dddd/7/0"));
    d.slice_count = 1;
    snprintf(d.slices[0].uuid, sizeof d.slices[0].uuid, "MIG-5678");
    assert_false(gpu_is_visible(&d, "MIG-1234"));
    assert_true(gpu_is_visible(&d, "MIG-5678"));
}

/* What nvidia-smi has been seen to print, and what cures it. */
static const struct {
    const char *said, *to;
    int code;
    const char *cause, *cure;
} faults[] = {
    {"Failed to initialize NVML: Driver/library version mismatch\nNVML library version: "
     "550.144",
     "", 18, "version mismatch (nvidia-smi ended with exit status 18)", "reboot"},
    {"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make "
     "sure that the latest NVIDIA driver is installed and running.",
     "", 9, "couldn't communicate", "modprobe nvidia"},
    {"Failed to initialize NVML: Unknown Error", "", 255, "Unknown Error",
     "start it again"},
    {"No devices were found", "", 6, "No devices were found", "--gpus all"},
    {"Unable to determine the device handle for GPU 0000:00:1E.0: GPU is lost.  Reboot "
     "the system to recover this GPU",
     ">&2", 15, "GPU is lost", "Xid"},
    {"something new", ">&2", 3, "something new", "Run nvidia-smi"},
    {"No devices were found", "", 0, "lists no device", "--gpus all"},
};

/* A stand-in for nvidia-smi that, as an older one, does not know compute_cap. */
static void nvidia_smi_is_the_fallback(void **state)
{
    (void)state;
    const char *dir = probe_fixture_dir();
    char *before = mem_strdup(getenv("PATH"));
    char path[2048];
    snprintf(path, sizeof path, "%s:%s", dir, before);
    setenv("PATH", path, 1);
    probe_fixture_file(
        dir, "nvidia-smi",
        "#!/bin/sh\ncase $1 in *compute_cap*) echo 'Field not valid'; exit 2;; "
        "esac\necho '0, Tesla T4, GPU-1, 0:0, 450.1, 15109, 3, 9.5, 70, 300, "
        "1590, 5001, 30, 3, 16'\n",
        true);
    struct gpu_facts f = {.count = 0};
    assert_true(gpu_ask_smi(&f));
    assert_string_equal(f.source, "nvidia-smi");
    assert_string_equal(f.devices[0].name, "Tesla T4");
    assert_string_equal(f.devices[0].compute_capability, "");
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char script[512];
        snprintf(script, sizeof script, "#!/bin/sh\necho \"%s\" %s\nexit %d\n",
                 faults[i].said, faults[i].to, faults[i].code);
        probe_fixture_file(dir, "nvidia-smi", script, true);
        f = (struct gpu_facts){.count = 0};
        assert_false(gpu_ask_smi(&f));
        if (strstr(f.problem, faults[i].cause) == NULL ||
            strstr(f.problem, faults[i].cure) == NULL)
            fail_msg("%s gave: %s", faults[i].said, f.problem);
    }
    json_t *top = probe_fixture_object(write, &f);
    assert_true(json_is_object(json_object_get(top, "gpu"))); /* the problem is told */
    json_decref(top);
    setenv("PATH", before, 1);
    mem_free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_of_nvidia_smi_is_read),
        cmocka_unit_test(odd_lines_are_skipped_and_odd_values_null),
        cmocka_unit_test(what_is_not_told_is_null_by_itself),
        cmocka_unit_test(cuda_visible_devices_is_followed),
        cmocka_unit_test(nvidia_smi_is_the_fallback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
