/* openai_cpu.c: the KV cache and threads of a server on a CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "engines/openai_cpu.h"
#include "probe/sysfile.h"

#define MIB         ((int64_t)1 << 20)
#define TOKEN_BYTES (2 * 2 * 2 * 64 * 4) /* of the model below in float32 */

static char folder[] = "/tmp/test_cpu_XXXXXX";
static struct arena arena;

static void put(const char *path, const char *text)
{
    struct err e;
    const char *full = arena_printf(&arena, "%s%s", folder, path);
    char *end = strrchr(full, '/');
    const char *dir = arena_printf(&arena, "%.*s", (int)(end - full), full);
    assert_int_equal(file_make_dirs(dir, &e), STATUS_OK);
    assert_int_equal(file_replace(full, str_from(text), &e), STATUS_OK);
}

/* A machine with so much memory free. */
static void machine(int64_t free_mib)
{
    put("/proc/meminfo", arena_printf(&arena, "MemTotal: 99 kB\nMemAvailable: %lld kB\n",
                                      (long long)free_mib * 1024));
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 22);
    if (mkdtemp(folder) == NULL)
        return 1;
    setenv("INFERBENCH_PROBE_ROOT", folder, 1);
    put("/model/config.json",
        "{\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"hidden_size\": 128, "
        "\"num_key_value_heads\": 2, \"head_dim\": 64}");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unsetenv("INFERBENCH_PROBE_ROOT");
    arena_fini(&arena);
    return 0;
}

static int64_t kv(int64_t seqs, int64_t length, const char *dtype)
{
    const struct openai_cpu_need need = {
        .folder = arena_printf(&arena, "%s/model", folder),
        .dtype = dtype,
        .max_model_len = length,
        .max_num_seqs = seqs};
    return openai_cpu_kv_bytes(&need, &arena);
}

static void what_the_sequences_need(void **state)
{
    (void)state;
    machine(100000);
    assert_int_equal(kv(256, 2048, "float32"),
                     (256 * 2048 + 128 * 258) * (int64_t)TOKEN_BYTES);
    assert_int_equal(kv(256, 2048, "bfloat16"),
                     (256 * 2048 + 128 * 258) * (int64_t)TOKEN_BYTES / 2);
}

static void a_quarter_of_the_memory(void **state)
{
    (void)state;
    machine(1000);
    assert_int_equal(kv(256, 2048, "float32"), 250 * MIB);
}

static void one_sequence_and_64_mib_at_least(void **state)
{
    (void)state;
    machine(4);
    assert_int_equal(kv(1, 16, "float32"), 64 * MIB);
    assert_int_equal(kv(1, 1 << 20, "float32"), ((1 << 20) + 256) * (int64_t)TOKEN_BYTES);
}

static void an_unknown_model(void **state)
{
    (void)state;
    machine(100000);
    const struct openai_cpu_need need = {.max_model_len = 1024, .max_num_seqs = 2};
    assert_int_equal(openai_cpu_kv_bytes(&need, &arena),
                     (2 * 1024 + 128 * 4) * (int64_t)(256 << 10));
}

/* How many CPUs a list names, and that they are ascending. */
static size_t count(const char *list)
{
    int cpus[1024];
    assert_non_null(list);
    size_t n = sysfile_cpu_list(list, cpus, 1024);
    for (size_t i = 1; i < n; i++)
        assert_true(cpus[i - 1] < cpus[i]);
    return n;
}

static void one_cpu_of_each_core(void **state)
{
    (void)state;
    size_t all = count(openai_cpu_list("/no/such/machine", &arena));
    assert_true(all >= 1);
    for (int i = 0; i < 1024; i++) /* pairs: 0 and 1, 2 and 3 ... */
        put(arena_printf(
                &arena, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i),
            arena_printf(&arena, "%d-%d\n", i / 2 * 2, i / 2 * 2 + 1));
    size_t firsts = count(openai_cpu_list(folder, &arena));
    assert_true(firsts == all || (firsts >= 2 && firsts < all));
    if (all >= 4)
        assert_true(firsts < all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_sequences_need),
        cmocka_unit_test(a_quarter_of_the_memory),
        cmocka_unit_test(one_sequence_and_64_mib_at_least),
        cmocka_unit_test(an_unknown_model),
        cmocka_unit_test(one_cpu_of_each_core),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
