#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "probe/tree.h"
#include "probe_fixture.h"

static void a_captured_tree_is_found(void **state)
{
    (void)state;
    int32_t pids[8] = {0};
    const char *root = probe_fixture_path("g5.xlarge");
    assert_int_equal(tree_pids(root, 100, pids, 8), 4);
    assert_int_equal(pids[0], 100);
    assert_int_equal(pids[1] + pids[2] + pids[3], 101 + 102 + 103);
    assert_int_equal(tree_pids(root, 101, pids, 8), 2);
    assert_int_equal(tree_pids(root, 999, pids, 8), 0);
    assert_int_equal(tree_pids(root, 100, pids, 1), 4); /* more than fit are counted */
    assert_int_equal(tree_memory_bytes(root, 100),
                     INT64_C(1024) * (250000 + 4000000 + 1000 + 500));
    assert_int_equal(tree_memory_bytes(root, 999), -1);
    assert_int_equal(tree_pss_bytes(root, 200), INT64_C(1024) * 900000);
}

/* A shell whose child holds 40 MB: real PSS of a real tree. */
static void a_real_tree_is_summed(void **state)
{
    (void)state;
    const char *argv[] = {"sh", "-c",
                          "(x=$(head -c 40000000 /dev/zero | tr '\\0' a); sleep 60; "
                          "echo \"$x\" >/dev/null) & wait",
                          NULL};
    struct proc_spec spec = {.argv = argv};
    struct proc p = {0};
    struct err e;
    assert_int_equal(proc_start(&spec, &p, &e), STATUS_OK);
    int64_t bytes = 0;
    for (int i = 0; i < 400 && bytes < 35000000; i++) {
        clock_sleep_until(clock_after(clock_now(), clock_seconds(0.05)));
        bytes = tree_memory_bytes("", p.child_pid);
    }
    proc_stop(&p, clock_seconds(0));
    assert_in_range(bytes, 35000000, 400000000);
    assert_int_equal(tree_memory_bytes("", p.child_pid), -1);
}

static void our_own_memory_grows_with_what_we_touch(void **state)
{
    (void)state;
    size_t size = 32 << 20;
    int64_t before = tree_own_rss_bytes("");
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
    assert_true(block != MAP_FAILED);
    memset(block, 1, size);
    int64_t after = tree_own_rss_bytes("");
    munmap(block, size);
    assert_true(before > 0);
    assert_in_range(after - before, 30 << 20, 40 << 20);
    assert_int_equal(tree_own_rss_bytes("/nowhere"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_captured_tree_is_found),
        cmocka_unit_test(a_real_tree_is_summed),
        cmocka_unit_test(our_own_memory_grows_with_what_we_touch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
