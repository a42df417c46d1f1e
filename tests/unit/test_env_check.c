#include "run/env_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "journal_fixture.h"
#include "text/json.h"

static const struct vllm_python good = {.path = "/v/bin/python", .vllm = "0.32.0"};
static const char plenty[] =
    "{\"memory\":{\"available_mb\":9000,\"limit_mb\":8000},\"gpu\":{},\"neuron\":null}";

struct bench {
    struct journal_fixture fx;
    struct arena arena;
    struct env_check_list list;
    struct buf out;
};

static int setup(void **state)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    journal_fixture_init(&b.fx);
    arena_init(&b.arena, 1 << 20);
    buf_init(&b.out, 1 << 20);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    unsetenv("INFERBENCH_PROBE_ROOT");
    buf_fini(&b->out);
    arena_fini(&b->arena);
    journal_fixture_fini(&b->fx);
    return 0;
}

static const struct env_check *check(struct bench *b, const char *env,
                                     const struct vllm_python *python, const char *code)
{
    const struct env_check_facts f = {
        .env_json = env, .python = python, .why = "no vLLM anywhere"};
    env_check_all(&f, &b->arena, &b->list);
    assert_true(b->list.count <= ENV_CHECK_MAX);
    for (size_t i = 0; i < b->list.count; i++)
        if (strcmp(b->list.items[i].code, code) == 0)
            return &b->list.items[i];
    return NULL;
}

static void a_good_machine(void **state)
{
    struct bench *b = *state;
    const struct env_check *c = check(b, plenty, &good, "ENGINE");
    assert_false(c->is_short);
    assert_string_equal(c->text, "vLLM 0.32.0 in /v/bin/python");
    assert_false(check(b, plenty, &good, "PROC")->is_short);
    c = check(b, plenty, &good, "MEMORY");
    assert_false(c->is_short);
    assert_string_equal(c->text, "8.0 GB available"); /* the cgroup's, if less */
    assert_null(check(b, plenty, &good, "GPU"));
    assert_null(check(b, plenty, &good, "NEURON"));
    assert_non_null(check(b, plenty, &good, "DISK"));
    assert_non_null(check(b, plenty, &good, "GNUPLOT"));
}

static void what_falls_short_is_named(void **state)
{
    struct bench *b = *state;
    static const char poor[] =
        "{\"memory\":{\"available_mb\":1500},\"gpu\":{\"problem\":\"no driver\"},"
        "\"neuron\":{\"problem\":\"no runtime\"}}";
    static const char inferentia[] = "{\"neuron\":{\"devices\":[1]}}";
    const struct vllm_python plugin = {
        .path = "/n/bin/python", .vllm = "0.13.0", .neuron = "0.4.1"};
    assert_string_equal(check(b, poor, NULL, "ENGINE")->text, "no vLLM anywhere");
    assert_true(b->list.items[0].is_short);
    assert_true(env_check_is_short(&b->list));
    assert_non_null(strstr(check(b, poor, &good, "MEMORY")->text, "1.5 GB available;"));
    assert_non_null(strstr(check(b, poor, &good, "GPU")->text, "no driver"));
    assert_string_equal(check(b, poor, &good, "NEURON")->text, "no runtime");
    assert_true(check(b, inferentia, &good, "NEURON")->is_short);
    assert_non_null(
        strstr(b->list.items[b->list.count - 2].text, "lacks the vllm-neuron"));
    assert_null(check(b, inferentia, &plugin, "NEURON"));
    assert_true(check(b, inferentia, &plugin, "MEMORY")->is_short); /* not known */
    static const char named[] = "{\"neuron\":{\"name\":\"Inferentia2\",\"devices\":[1]}}";
    const struct vllm_python newer = {
        .path = "/n/bin/python", .vllm = "0.24.0", .neuron = "0.24.0.1.1.0"};
    assert_non_null(strstr(check(b, named, &newer, "NEURON")->text, "too new"));
    assert_null(check(b, named, &plugin, "NEURON"));
    static const char busy[] =
        "{\"neuron\":{\"devices\":[{\"index\":0,\"core_ids\":[0,1],\"process_count\":2,"
        "\"process_ids\":[71,72]},{\"index\":1,\"core_ids\":[2,3],\"process_count\":0,"
        "\"process_ids\":[]}]}}";
    unsetenv("NEURON_RT_VISIBLE_CORES");
    assert_true(check(b, busy, &plugin, "NEURON")->is_short);
    assert_non_null(strstr(check(b, busy, &plugin, "NEURON")->text,
                           "in use by process 71, 72 (device 0)"));
    setenv("NEURON_RT_VISIBLE_CORES", "2-3", 1);
    assert_null(check(b, busy, &plugin, "NEURON"));
    setenv("NEURON_RT_VISIBLE_CORES", "1-2", 1);
    assert_true(check(b, busy, &plugin, "NEURON")->is_short);
    unsetenv("NEURON_RT_VISIBLE_CORES");
    setenv("INFERBENCH_PROBE_ROOT", b->fx.dir, 1);
    assert_true(check(b, plenty, &good, "PROC")->is_short);
    setenv("INFERBENCH_PROBE_ROOT", "", 1);
    assert_null(check(b, "{", &good, "MEMORY")); /* unreadable: the rest is still there */
    assert_non_null(check(b, "{", &good, "GNUPLOT"));
}

static void short_is_one_that_is(void **state)
{
    (void)state;
    struct env_check_list list = {.items = {{"A", false, "x"}, {"B", false, "y"}},
                                  .count = 2};
    assert_false(env_check_is_short(&list));
    list.items[1].is_short = true;
    assert_true(env_check_is_short(&list));
    list.count = 1;
    assert_false(env_check_is_short(&list));
}

static void text_and_json(void **state)
{
    struct bench *b = *state;
    struct env_check_list list = {
        .items = {{"DISK", false, "12.0 GB free in the current folder"},
                  {"GPU", true,
                   "one two three four five six seven eight nine ten eleven twelve "
                   "thirteen \"fourteen\""}},
        .count = 2};
    env_check_text(&list, &b->out);
    assert_string_equal(buf_cstr(&b->out),
                        "ok    DISK     12.0 GB free in the current folder\n"
                        "SHORT GPU      one two three four five six seven eight nine ten "
                        "eleven twelve\n"
                        "               thirteen \"fourteen\"\n");
    buf_clear(&b->out);
    env_check_json(&list, &b->out);
    json_t *root = NULL;
    struct err e;
    assert_int_equal(json_from_text(str_from(buf_cstr(&b->out)), "checks", &root, &e),
                     STATUS_OK);
    assert_int_equal(json_array_size(root), 2);
    const json_t *gpu = json_array_get(root, 1);
    assert_string_equal(json_str_of(gpu, "code"), "GPU");
    assert_true(json_bool_of(gpu, "is_short", false));
    assert_string_equal(json_str_of(gpu, "text"), list.items[1].text);
    json_decref(root);
}

static void memory_may_run_out(void **state)
{
    struct bench *b = *state;
    struct arena none;
    const struct env_check_facts f = {.env_json = plenty, .python = &good};
    arena_init(&none, 1);
    env_check_all(&f, &none, &b->list);
    assert_string_equal(b->list.items[0].text, "out of memory");
    for (size_t i = 0; i < b->list.count; i++)
        assert_non_null(b->list.items[i].text);
    arena_fini(&none);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_good_machine), TEST(what_falls_short_is_named), TEST(short_is_one_that_is),
        TEST(text_and_json),  TEST(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
