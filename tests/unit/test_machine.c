#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "probe/machine.h"
#include "probe_fixture.h"

static void captured_machines_are_read(void **state)
{
    (void)state;
    struct arena a;
    struct machine_facts f;
    arena_init(&a, 1 << 20);
    machine_probe(probe_fixture_path("g5.xlarge"), &a, &f);
    assert_string_equal(f.os, "Amazon Linux 2023.7.20250331");
    assert_string_equal(f.os_id, "amzn");
    assert_string_equal(f.kernel, "6.1.130-139.222.amzn2023.x86_64");
    assert_string_equal(f.hostname, "ip-10-0-0-12");
    assert_string_equal(f.huge_pages, "madvise");
    assert_string_equal(f.clocksource, "tsc");
    assert_true(f.is_ec2);
    assert_true(fabs(f.total_mb - 16073728.0 * 1024 / 1e6) < 1e-6);
    assert_null(f.container);
    machine_probe(probe_fixture_path("inf2.xlarge"), &a, &f);
    assert_string_equal(f.container, "docker");
    assert_string_equal(f.os_id, "ubuntu"); /* without quotes too */
    arena_fini(&a);
}

static void an_empty_tree_is_no_ec2_machine(void **state)
{
    (void)state;
    struct arena a;
    struct machine_facts f;
    arena_init(&a, 1 << 20);
    machine_probe("/nowhere", &a, &f);
    assert_false(f.is_ec2);
    assert_null(f.os);
    assert_true(isnan(f.total_mb));
    arena_fini(&a);
}

/* Xen instances of EC2 (p3, m4): DMI names Xen, firmware or hypervisor tell more. */
static void xen_machines_of_ec2_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text;
        bool is_ec2;
    } trees[] = {
        {"sys/devices/virtual/dmi/id/bios_version", "4.11.amazon\n", true},
        {"sys/devices/virtual/dmi/id/product_version", "4.11.amazon\n", true},
        {"sys/hypervisor/uuid", "ec2e1916-9099-7caf-fd21-012345abcdef\n", true},
        {"sys/hypervisor/uuid", "EC2E1916-9099-7CAF-FD21-012345ABCDEF\n", true},
        {"sys/devices/virtual/dmi/id/bios_version", "4.13.1\n", false},
        {"sys/hypervisor/uuid", "7ec2e191-9099-7caf-fd21-012345abcdef\n", false},
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        struct machine_facts f;
        const char *dir = probe_fixture_dir();
        probe_fixture_file(dir, "sys/devices/virtual/dmi/id/sys_vendor", "Xen\n", false);
        probe_fixture_file(dir, trees[i].file, trees[i].text, false);
        machine_probe(dir, &a, &f);
        assert_int_equal(f.is_ec2, trees[i].is_ec2);
    }
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_machines_are_read),
        cmocka_unit_test(xen_machines_of_ec2_are_known),
        cmocka_unit_test(an_empty_tree_is_no_ec2_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
