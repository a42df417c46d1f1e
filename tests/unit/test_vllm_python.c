/* vllm_python.c: interpreters are found in the documented order, by what they say of
 * themselves. Stand-ins answer with their own version of vLLM, or that they have none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engines/vllm_python.h"

static char folder[] = "/tmp/test_python_XXXXXX";
static struct arena arena;

static const char *at(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

/* An environment folder/NAME whose Python has this vLLM; NULL: none. */
static const char *make_venv(const char *name, const char *version)
{
    const char *python = arena_printf(&arena, "%s/%s/bin/python", folder, name);
    mkdir(at(name), 0700);
    mkdir(arena_printf(&arena, "%s/%s/bin", folder, name), 0700);
    FILE *f = fopen(python, "w");
    assert_non_null(f);
    fprintf(f,
            "#!/bin/sh\necho '{\"vllm\": %s%s%s, \"python\": \"3.11\", \"cpu\": %s, "
            "\"neuron\": null}'\n",
            version != NULL ? "\"" : "", version != NULL ? version : "null",
            version != NULL ? "\"" : "", strcmp(name, "c") == 0 ? "true" : "false");
    fclose(f);
    assert_int_equal(chmod(python, 0700), 0);
    return python;
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 22);
    return mkdtemp(folder) == NULL;
}

static int clean(void **state)
{
    (void)state;
    unsetenv("INFERBENCH_PYTHON");
    unsetenv("VIRTUAL_ENV");
    unsetenv("CONDA_PREFIX");
    setenv("INFERBENCH_HOME", folder, 1); /* no venv there */
    setenv("PATH", folder, 1);            /* no python3 there */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    const char *names[] = {"a", "b", "c", "venv", "none"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unlink(arena_printf(&arena, "%s/%s/bin/python", folder, names[i]));
        rmdir(arena_printf(&arena, "%s/%s/bin", folder, names[i]));
        rmdir(at(names[i]));
    }
    arena_fini(&arena);
    return rmdir(folder);
}

static void the_first_with_vllm_is_taken(void **state)
{
    (void)state;
    struct vllm_python p;
    struct err e;
    const char *venv = make_venv("venv", "0.32.0"), *b = make_venv("b", "0.13.0");
    make_venv("a", NULL);
    setenv("INFERBENCH_PYTHON", at("a"), 1);
    assert_int_equal(vllm_python_find(NULL, &arena, &p, &e), STATUS_OK);
    assert_string_equal(p.path, venv);
    assert_string_equal(p.source, "inferbench's venv");
    assert_string_equal(p.vllm, "0.32.0");
    assert_string_equal(p.python, "3.11");
    assert_null(p.neuron);
    assert_false(p.is_cpu);
    setenv("CONDA_PREFIX", at("b"), 1);
    assert_int_equal(vllm_python_find(NULL, &arena, &p, &e), STATUS_OK);
    assert_string_equal(p.path, b);
    assert_string_equal(p.source, "CONDA_PREFIX");
}

static void a_named_interpreter_is_used_or_refused(void **state)
{
    (void)state;
    struct vllm_python p;
    struct err e;
    make_venv("venv", "0.32.0");
    const char *c = make_venv("c", "0.20.0");
    make_venv("none", NULL);
    assert_int_equal(vllm_python_find(at("c"), &arena, &p, &e), STATUS_OK);
    assert_string_equal(p.path, c);
    assert_true(p.is_cpu);
    assert_int_equal(vllm_python_find(at("none"), &arena, &p, &e), STATUS_NOT_FOUND);
    assert_non_null(strstr(e.what, "has no vLLM"));
    assert_non_null(strstr(e.hint, "pip install vllm"));
    assert_int_equal(vllm_python_find("/no/python", &arena, &p, &e), STATUS_NOT_FOUND);
    assert_string_equal(e.where, "--python");
    assert_non_null(strstr(e.what, "/no/python"));
    assert_int_equal(vllm_python_find("/bin/true", &arena, &p, &e), STATUS_NOT_FOUND);
}

static void all_are_listed(void **state)
{
    (void)state;
    struct vllm_python *list = NULL;
    struct err e;
    size_t n = 0;
    make_venv("venv", "0.32.0");
    make_venv("a", NULL);
    setenv("VIRTUAL_ENV", at("a"), 1);
    setenv("INFERBENCH_PYTHON", "/no/python", 1);
    assert_int_equal(vllm_python_list(NULL, &arena, &list, &n, &e), STATUS_OK);
    assert_true(n >= 3); /* a Deep Learning AMI adds its own */
    assert_string_equal(list[0].path, "/no/python");
    assert_null(list[0].python);
    assert_string_equal(list[1].source, "VIRTUAL_ENV");
    assert_null(list[1].vllm);
    assert_string_equal(list[2].vllm, "0.32.0");
}

static void nothing_found_says_how_to_install(void **state)
{
    (void)state;
    struct vllm_python p;
    struct err e;
    unlink(arena_printf(&arena, "%s/venv/bin/python", folder));
    make_venv("a", NULL);
    setenv("VIRTUAL_ENV", at("a"), 1);
    enum status st = vllm_python_find(NULL, &arena, &p, &e);
    if (st == STATUS_OK) { /* this machine has a Deep Learning AMI's environment */
        assert_int_equal(strncmp(p.path, "/opt/", 5), 0);
        return;
    }
    assert_int_equal(st, STATUS_NOT_FOUND);
    assert_non_null(strstr(e.what, "a/bin/python"));
    assert_non_null(strstr(e.hint, "pip install vllm"));
    assert_non_null(strstr(e.hint, "Inferentia2"));
}

/* As `vllm serve` reads its variables; a path by itself is a wish as well. */
static void front_ends(void **state)
{
    (void)state;
    static const struct {
        const char *use, *path, *own, *expected;
        bool is_missing;
    } cases[] = {
        {NULL, NULL, "/bin/true", NULL, false}, /* vLLM's own default */
        {"0", NULL, "/bin/true", NULL, false},
        {"0", "/bin/false", "/bin/true", NULL, false},
        {"1", NULL, "/bin/true", "/bin/true", false},
        {"1", "auto", "/bin/true", "/bin/true", false},
        {"1", "AUTO", "/bin/true", "/bin/true", false},
        {"1", "True", "/bin/true", "/bin/true", false},
        {"1", "", "/bin/true", "/bin/true", false},
        {"1", "/bin/false", "/bin/true", "/bin/false", false},
        {NULL, "/bin/false", NULL, "/bin/false", false},
        {NULL, "auto", "/bin/true", NULL, false},
        {"1", NULL, NULL, NULL, true},
        {"1", "/nowhere/vllm-rs", "/bin/true", NULL, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct vllm_python p = {
            .path = "python", .vllm = "0.33.0", .rust = cases[i].own};
        const char *path = NULL;
        struct err e = {.code = STATUS_OK};
        unsetenv("VLLM_USE_RUST_FRONTEND");
        unsetenv("VLLM_RUST_FRONTEND_PATH");
        if (cases[i].use != NULL)
            setenv("VLLM_USE_RUST_FRONTEND", cases[i].use, 1);
        if (cases[i].path != NULL)
            setenv("VLLM_RUST_FRONTEND_PATH", cases[i].path, 1);
        enum status st = vllm_python_front_end(&p, &path, &e);
        assert_int_equal(st, cases[i].is_missing ? STATUS_NOT_FOUND : STATUS_OK);
        if (!cases[i].is_missing && cases[i].expected == NULL)
            assert_null(path);
        else if (!cases[i].is_missing)
            assert_string_equal(path, cases[i].expected);
    }
    unsetenv("VLLM_USE_RUST_FRONTEND");
    unsetenv("VLLM_RUST_FRONTEND_PATH");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(front_ends),
        cmocka_unit_test_setup(the_first_with_vllm_is_taken, clean),
        cmocka_unit_test_setup(a_named_interpreter_is_used_or_refused, clean),
        cmocka_unit_test_setup(all_are_listed, clean),
        cmocka_unit_test_setup(nothing_found_says_how_to_install, clean),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
