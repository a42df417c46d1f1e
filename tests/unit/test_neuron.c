#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "probe/neuron.h"
#include "probe_fixture.h"

static void write(const void *facts, struct jsonw *w)
{
    neuron_write(facts, w, "neuron");
}

static void a_capture_is_understood(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct neuron_facts f = {.source = NULL};
    assert_true(
        neuron_parse_ls(str_from(probe_fixture_text("neuron-ls.trn1.json", &a)), &a, &f));
    assert_int_equal(f.count, 1);
    assert_null(f.problem);
    assert_int_equal(f.devices[0].cores, 2);
    assert_int_equal(f.devices[0].memory_bytes, INT64_C(34359738368));
    assert_int_equal(f.devices[0].numa_node, -1);
    assert_int_equal(f.devices[0].core_id_count, 2);
    json_t *top = probe_fixture_object(write, &f);
    const json_t *neuron = json_object_get(top, "neuron");
    assert_int_equal(json_int_of(neuron, "core_count", 0), 2);
    assert_true(fabs(json_num_of(neuron, "memory_total_mb") - 34359.738368) < 1e-9);
    json_decref(top);
    arena_fini(&a);
}

static void broken_elements_are_skipped_and_named(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct neuron_facts f = {.source = NULL};
    assert_true(neuron_parse_ls(
        str_from(probe_fixture_text("neuron-ls.wrapped.json", &a)), &a, &f));
    assert_int_equal(f.count, 2);
    assert_string_equal(f.problem, "2 of 4 elements of neuron-ls were not understood");
    assert_string_equal(f.instance_type, "inf2.24xlarge");
    assert_string_equal(f.runtime, "2.28.19.0");
    assert_int_equal(f.devices[1].index, 1);
    assert_int_equal(f.devices[1].numa_node, 1);
    assert_int_equal(f.devices[0].processes, 1);
    assert_int_equal(f.devices[0].pid_count, 1);
    assert_true(f.devices[0].pids[0] > 0);
    arena_fini(&a);
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct neuron_facts f = {.source = NULL};
    assert_false(neuron_parse_ls(str_from("unknown flag -j"), &a, &f));
    assert_false(neuron_parse_ls(str_from("{\"x\": 1}"), &a, &f));
    assert_true(neuron_parse_ls(str_from("[]"), &a, &f));
    assert_int_equal(f.count, 0);
    arena_fini(&a);
}

static void sysfs_serves_without_the_tool(void **state)
{
    (void)state;
    struct arena a;
    struct neuron_facts f;
    arena_init(&a, 1 << 20);
    neuron_probe(probe_fixture_path("inf2.xlarge"), &a, &f);
    assert_string_equal(f.source, "sysfs");
    assert_int_equal(f.count, 1);
    assert_int_equal(f.devices[0].cores, 2);
    assert_string_equal(f.device_name, "Inferentia2");
    assert_string_equal(f.driver, "2.24.7.0");
    neuron_probe(probe_fixture_path("g5.xlarge"), &a, &f);
    json_t *top = probe_fixture_object(write, &f);
    assert_true(json_is_null(json_object_get(top, "neuron")));
    json_decref(top);
    arena_fini(&a);
}

/* The tool in its own folder wins over PATH; exit status 1 and no output: no device. */
static void the_tool_is_asked(void **state)
{
    (void)state;
    struct arena a;
    struct neuron_facts f;
    arena_init(&a, 1 << 20);
    const char *dir = probe_fixture_dir();
    probe_fixture_file(dir, "opt/aws/neuron/bin/neuron-ls",
                       "#!/bin/sh\n[ \"$1\" = -j ] || exit 9\n"
                       "printf '[{\"neuron_device\": 0, \"nc_count\": 2}]'\n",
                       true);
    neuron_probe(dir, &a, &f);
    assert_string_equal(f.source, "neuron-ls");
    assert_int_equal(f.count, 1);
    assert_int_equal(f.devices[0].memory_bytes, -1);
    probe_fixture_file(dir, "opt/aws/neuron/bin/neuron-ls", "#!/bin/sh\nexit 1\n", true);
    neuron_probe(dir, &a, &f);
    assert_int_equal(f.count, 0);
    assert_null(f.problem);
    probe_fixture_file(dir, "opt/aws/neuron/bin/neuron-ls", "#!/bin/sh\necho usage\n",
                       true);
    neuron_probe(dir, &a, &f);
    assert_int_equal(f.count, 0);
    assert_non_null(strstr(f.problem, "usage (neuron-ls gave an answer"));
    probe_fixture_file(dir, "opt/aws/neuron/bin/neuron-ls",
                       "#!/bin/sh\necho 'FATA[0000] Failed to discover neuron devices "
                       "error=\"Unable to read device information from the driver. Make "
                       "sure aws-neuronx-dkms is installed\"' >&2\nexit 1\n",
                       true);
    neuron_probe(dir, &a, &f);
    assert_non_null(strstr(f.problem, "Failed to discover neuron devices"));
    assert_non_null(strstr(f.problem, "neuron-ls ended with exit status 1"));
    assert_non_null(strstr(f.problem, "modprobe neuron"));
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_capture_is_understood),
        cmocka_unit_test(broken_elements_are_skipped_and_named),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(sysfs_serves_without_the_tool),
        cmocka_unit_test(the_tool_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
