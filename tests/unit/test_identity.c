#include "probe/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "probe_fixture.h"

struct machine {
    char root[256], hex[DIGEST_HEX_BYTES];
    struct cpu_facts cpu;
    struct gpu_facts gpu;
    struct neuron_facts neuron;
};

static int set_up(void **state)
{
    static struct machine m;
    memset(&m, 0, sizeof m);
    snprintf(m.root, sizeof m.root, "%s", probe_fixture_dir());
    probe_fixture_file(m.root, "etc/machine-id", "3f1c2a9be0d94c57\n", false);
    m.cpu = (struct cpu_facts){.model = "EPYC", .threads = 4};
    for (int i = 0; i < 2; i++) {
        m.gpu.devices[i] = gpu_blank(i);
        snprintf(m.gpu.devices[i].name, sizeof m.gpu.devices[i].name, "A10G");
        snprintf(m.gpu.devices[i].uuid, sizeof m.gpu.devices[i].uuid, "GPU-%d", i);
    }
    *state = &m;
    return 0;
}

static const char *digest(struct machine *m)
{
    bool is_known = identity_digest(m->root, &m->cpu, &m->gpu, &m->neuron, m->hex);
    assert_int_equal(is_known, m->hex[0] != '\0');
    return m->hex;
}

static void differs(struct machine *m, const char *from)
{
    assert_int_equal(strlen(digest(m)), 64);
    assert_string_not_equal(m->hex, from);
}

static void what_makes_another_machine(void **state)
{
    struct machine *m = *state;
    char first[DIGEST_HEX_BYTES];
    snprintf(first, sizeof first, "%s", digest(m));
    assert_int_equal(strlen(first), 64);
    assert_null(strstr(first, "3f1c2a9b")); /* the id itself is not told */
    assert_string_equal(digest(m), first);
    m->cpu.threads = 8;
    differs(m, first);
    m->cpu.threads = 4;
    m->cpu.model = NULL;
    differs(m, first);
    m->cpu.model = "EPYC";
    m->gpu.count = 1;
    differs(m, first);
    m->gpu.count = 0;
    m->neuron.count = 1;
    differs(m, first);
    m->neuron.count = 0;
    assert_string_equal(digest(m), first);
    probe_fixture_file(m->root, "etc/machine-id", "aaaaaaaaaaaaaaaa\n", false);
    differs(m, first);
}

static void devices_have_no_order(void **state)
{
    struct machine *m = *state;
    char first[DIGEST_HEX_BYTES];
    m->gpu.count = 2;
    snprintf(first, sizeof first, "%s", digest(m));
    struct gpu_device moved = m->gpu.devices[0];
    m->gpu.devices[0] = m->gpu.devices[1];
    m->gpu.devices[1] = moved;
    assert_string_equal(digest(m), first);
    snprintf(m->gpu.devices[1].uuid, sizeof moved.uuid, "GPU-9");
    differs(m, first);
}

/* A model and a number of threads are those of many machines. */
static void what_tells_nothing(void **state)
{
    struct machine *m = *state;
    static const char *const ids[] = {"", "uninitialized\n"};
    for (size_t i = 0; i < 2; i++) {
        probe_fixture_file(m->root, "etc/machine-id", ids[i], false);
        m->gpu.count = 0;
        assert_string_equal(digest(m), "");
        m->neuron.count = 2; /* kinds, no UUIDs */
        assert_string_equal(digest(m), "");
        m->neuron.count = 0;
        m->gpu.count = 1;
        assert_int_equal(strlen(digest(m)), 64);
        m->gpu.devices[0].uuid[0] = '\0';
        assert_string_equal(digest(m), "");
        snprintf(m->gpu.devices[0].uuid, sizeof m->gpu.devices[0].uuid, "GPU-0");
    }
}

/* A container: the boot's id, where there is nothing better. */
static void what_holds_until_the_next_boot(void **state)
{
    struct machine *m = *state;
    char first[DIGEST_HEX_BYTES];
    const char *boot = "proc/sys/kernel/random/boot_id";
    snprintf(first, sizeof first, "%s", digest(m));
    probe_fixture_file(m->root, boot, "5d0c8d5c-1\n", false);
    assert_string_equal(digest(m), first);
    probe_fixture_file(m->root, "etc/machine-id", "", false);
    differs(m, first);
    snprintf(first, sizeof first, "%s", digest(m));
    probe_fixture_file(m->root, boot, "5d0c8d5c-2\n", false);
    differs(m, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_makes_another_machine, set_up),
        cmocka_unit_test_setup(devices_have_no_order, set_up),
        cmocka_unit_test_setup(what_tells_nothing, set_up),
        cmocka_unit_test_setup(what_holds_until_the_next_boot, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
