#include "run/env_show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/file.h"
#include "folder_fixture.h"
#include "text/json.h"

static char folder[FOLDER_FIXTURE_BYTES];
static struct arena arena;
static struct buf out;
static struct err e;

/* folder/NAME, a program that prints this. */
static const char *program(const char *name, const char *says)
{
    const char *path = arena_printf(&arena, "%s/%s", folder, name);
    const char *text = arena_printf(&arena, "#!/bin/sh\necho '%s'\n", says);
    assert_int_equal(file_replace(path, str_from(text), &e), STATUS_OK);
    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

static int make(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 24);
    buf_init(&out, 1 << 20);
    folder_fixture_make(folder);
    unsetenv("INFERBENCH_PYTHON");
    unsetenv("VIRTUAL_ENV");
    unsetenv("CONDA_PREFIX");
    setenv("INFERBENCH_HOME", folder, 1);
    setenv("PATH", folder, 1);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    folder_fixture_remove(folder);
    buf_fini(&out);
    arena_fini(&arena);
    return 0;
}

static struct env_query query(const char *python, bool as_json)
{
    buf_clear(&out);
    return (struct env_query){.as_json = as_json,
                              .no_imds = true,
                              .python = python,
                              .tool = "inferbench test",
                              .arena = &arena,
                              .out = &out};
}

static void has(const char *part)
{
    if (strstr(buf_cstr(&out), part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, buf_cstr(&out));
}

/* One that has vLLM, one that has none, one that does not run. */
static void interpreters(void **state)
{
    (void)state;
    const char *good = program(
        "good", "{\"vllm\": \"0.16.0\", \"python\": \"3.10.12\", \"neuron\": \"0.5.1\"}");
    const char *none = program("none", "{\"vllm\": null, \"python\": \"3.11.2\"}");
    const char *broken = program("python3", "no JSON");
    setenv("INFERBENCH_PYTHON", none, 1);
    struct env_query q = query(good, false);
    assert_int_equal(env_show_engines(&q, &e), STATUS_OK);
    has(arena_printf(
        &arena, "%s\n    vLLM 0.16.0, vllm-neuron 0.5.1 (named by --python)\n", good));
    has(arena_printf(&arena, "%s\n    has no vLLM (named by INFERBENCH_PYTHON)\n", none));
    has(arena_printf(&arena, "%s\n    does not run (named by python3)\n", broken));
    q = query(good, true);
    json_t *list = NULL;
    assert_int_equal(env_show_engines(&q, &e), STATUS_OK);
    assert_int_equal(json_from_text(buf_str(&out), "engines", &list, &e), STATUS_OK);
    const json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
    assert_string_equal(json_str_of(first, "path"), good);
    assert_string_equal(json_str_of(first, "vllm"), "0.16.0");
    assert_string_equal(json_str_of(first, "vllm_neuron"), "0.5.1");
    assert_string_equal(json_str_of(first, "python"), "3.10.12");
    assert_true(json_is_null(json_object_get(second, "vllm")));
    json_decref(list);
}

/* As JSON it is what a run records, and of no engine. */
static void the_machine(void **state)
{
    (void)state;
    struct env_query q = query(NULL, true);
    json_t *env = NULL;
    assert_int_equal(env_show_machine(&q, &e), STATUS_OK);
    assert_int_equal(json_from_text(buf_str(&out), "env", &env, &e), STATUS_OK);
    assert_true(json_is_null(json_object_get(env, "engine")));
    assert_true(json_is_object(json_object_get(env, "cpu")));
    json_decref(env);
    q = query(NULL, false);
    assert_int_equal(env_show_machine(&q, &e), STATUS_OK);
    assert_true(out.len > 0 && buf_cstr(&out)[0] != '{');
}

/* Without an interpreter that has vLLM nothing can run here: what was tried is said. */
static void what_a_benchmark_lacks(void **state)
{
    (void)state;
    bool is_short = false;
    const char *none = program("none", "{\"vllm\": null, \"python\": \"3.11.2\"}");
    setenv("INFERBENCH_PYTHON", none, 1);
    struct env_query q = query(NULL, false);
    assert_int_equal(env_show_check(&q, &is_short, &e), STATUS_OK);
    assert_true(is_short);
    has(none);
    q = query(NULL, true);
    json_t *list = NULL;
    assert_int_equal(env_show_check(&q, &is_short, &e), STATUS_OK);
    assert_int_equal(json_from_text(buf_str(&out), "check", &list, &e), STATUS_OK);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(interpreters, make, drop),
        cmocka_unit_test_setup_teardown(the_machine, make, drop),
        cmocka_unit_test_setup_teardown(what_a_benchmark_lacks, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
