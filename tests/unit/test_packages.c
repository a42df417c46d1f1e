#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "probe/packages.h"
#include "probe_fixture.h"

static void write(const void *facts, struct jsonw *w)
{
    packages_write(facts, w, "p");
}

/* An interpreter that answers what the script says. */
static void answers_are_understood(void **state)
{
    (void)state;
    struct arena a;
    struct packages_facts f;
    char python[512];
    arena_init(&a, 1 << 20);
    const char *dir = probe_fixture_dir();
    snprintf(python, sizeof python, "%s/python", dir);
    probe_fixture_file(dir, "python",
                       "#!/bin/sh\necho 'a greeting of sitecustomize'\n"
                       "echo '{\"python\": \"3.11.2\", \"executable\": \"/v/python\", "
                       "\"packages\": {\"vllm\": \"0.13.0\", \"torch\": null}}'\n",
                       true);
    packages_probe(python, &a, &f);
    assert_string_equal(f.python, "3.11.2");
    assert_null(f.problem);
    json_t *top = probe_fixture_object(write, &f);
    const json_t *p = json_object_get(top, "p");
    assert_string_equal(json_str_of(p, "vllm"), "0.13.0");
    assert_true(json_is_null(json_object_get(p, "torch")));
    json_decref(top);
    probe_fixture_file(dir, "python", "#!/bin/sh\necho broken\n", true);
    packages_probe(python, &a, &f);
    assert_non_null(f.problem);
    probe_fixture_file(dir, "python", "#!/bin/sh\nexit 3\n", true);
    packages_probe(python, &a, &f);
    assert_string_equal(f.problem, "the interpreter failed");
    packages_probe("/nowhere/python", &a, &f);
    assert_string_equal(f.problem, "no such interpreter");
    packages_probe(NULL, &a, &f);
    assert_null(f.problem);
    arena_fini(&a);
}

static void a_real_interpreter_answers(void **state)
{
    (void)state;
    struct arena a;
    struct packages_facts f;
    arena_init(&a, 1 << 20);
    packages_probe("python3", &a, &f);
    assert_null(f.problem);
    assert_true(strncmp(f.python, "3.", 2) == 0);
    assert_non_null(strstr(f.versions, "\"vllm\""));
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_understood),
        cmocka_unit_test(a_real_interpreter_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
