#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "probe/packages.h"
#include "text/json.h"
#include "probe_fixture.h"

/* What it says under that name. */
static const char *told(const char *python, const char *name, struct arena *a)
{
    json_t *top = json_loads(packages_probe(python, a), 0, NULL);
    assert_non_null(top);
    const char *text = arena_strdup(a, json_string_value(json_object_get(top, name)));
    json_decref(top);
    return text;
}

/* An interpreter that answers what the script says. */
static void answers_are_understood(void **state)
{
    (void)state;
    struct arena a;
    char python[512];
    arena_init(&a, 1 << 20);
    const char *dir = probe_fixture_dir();
    snprintf(python, sizeof python, "%s/python", dir);
    probe_fixture_file(dir, "python",
                       "#!/bin/sh\necho 'a greeting of sitecustomize'\n"
                       "echo '{\"python\": \"3.11.2\", \"executable\": \"/v/python\", "
                       "\"packages\": {\"vllm\": \"0.13.0\", \"torch\": null}}'\n",
                       true);
    assert_string_equal(packages_probe(python, &a),
                        "{\"vllm\":\"0.13.0\",\"torch\":null,\"python\":\"3.11.2\","
                        "\"python_executable\":\"/v/python\"}");
    probe_fixture_file(dir, "python", "#!/bin/sh\necho broken\n", true);
    assert_non_null(told(python, "problem", &a));
    probe_fixture_file(dir, "python", "#!/bin/sh\nexit 3\n", true);
    assert_string_equal(told(python, "problem", &a), "the interpreter failed");
    assert_string_equal(told("/nowhere/python", "problem", &a), "no such interpreter");
    assert_string_equal(packages_probe(NULL, &a), "{}");
    arena_fini(&a);
}

static void a_real_interpreter_answers(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_true(strncmp(told("python3", "python", &a), "3.", 2) == 0);
    assert_null(told("python3", "problem", &a));
    assert_non_null(strstr(packages_probe("python3", &a), "\"vllm\""));
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
