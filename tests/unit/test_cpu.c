#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "probe/cpu.h"
#include "probe_fixture.h"

static void write(const void *facts, struct jsonw *w)
{
    cpu_write(facts, w);
}

static void a_captured_machine_is_read(void **state)
{
    (void)state;
    struct arena a;
    struct cpu_facts f;
    arena_init(&a, 1 << 20);
    cpu_probe(probe_fixture_path("g5.xlarge"), &a, &f);
    assert_string_equal(f.model, "AMD EPYC 7R32");
    assert_string_equal(f.vendor, "AuthenticAMD");
    assert_int_equal(f.sockets, 1);
    assert_int_equal(f.cores, 2);
    assert_int_equal(f.threads, 4);
    assert_int_equal(f.usable_threads, 3);
    assert_true(fabs(f.mhz - 2799.998) < 1e-6);
    assert_true(fabs(f.max_mhz - 3300) < 1e-6);
    assert_string_equal(f.governor, "performance");
    assert_int_equal(f.l3_kb, 8192);
    assert_int_equal(f.node_count, 1);
    assert_true(fabs(f.nodes[0].memory_mb - 16073728.0 * 1024 / 1e6) < 1e-6);
    json_t *top = probe_fixture_object(write, &f);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(top, "flags"), 0)), "fpu");
    json_decref(top);
    arena_fini(&a);
}

static void what_a_tree_lacks_is_null(void **state)
{
    (void)state;
    struct arena a;
    struct cpu_facts f;
    arena_init(&a, 1 << 20);
    cpu_probe("/nowhere", &a, &f);
    json_t *top = probe_fixture_object(write, &f);
    assert_true(json_is_null(json_object_get(top, "model")));
    assert_true(json_is_null(json_object_get(top, "sockets")));
    assert_true(json_is_null(json_object_get(top, "frequency_mhz")));
    assert_true(json_is_null(json_object_get(top, "flags")));
    json_decref(top);
    arena_fini(&a);
}

static void an_arm_core_is_named_by_its_numbers(void **state)
{
    (void)state;
    struct arena a;
    struct cpu_facts f;
    arena_init(&a, 1 << 20);
    const char *dir = probe_fixture_dir();
    probe_fixture_file(dir, "proc/cpuinfo",
                       "processor\t: 0\nFeatures\t: fp asimd sve\n"
                       "CPU implementer\t: 0x41\nCPU part\t: 0xd40\n",
                       false);
    cpu_probe(dir, &a, &f);
    assert_string_equal(f.model, "Arm Neoverse-V1");
    assert_string_equal(f.flags, "fp asimd sve");
    probe_fixture_file(dir, "proc/cpuinfo", "CPU implementer: 0x99\nCPU part: 0x001\n",
                       false);
    cpu_probe(dir, &a, &f);
    assert_string_equal(f.model, "implementer 0x99 part 0x001");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_captured_machine_is_read),
        cmocka_unit_test(what_a_tree_lacks_is_null),
        cmocka_unit_test(an_arm_core_is_named_by_its_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
