#include "base/proc_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

static const char *value_of(const struct proc_env *env, const char *name)
{
    const char *found = NULL;
    size_t len = strlen(name);
    for (size_t i = 0; env->vars[i] != NULL; i++)
        if (strncmp(env->vars[i], name, len) == 0 && env->vars[i][len] == '=') {
            assert_null(found); /* each name once */
            found = env->vars[i] + len + 1;
        }
    return found;
}

static void nothing_of_the_current_folder(void **state)
{
    (void)state;
    struct proc_env env;
    setenv("PATH", ":/a:.:b::/c d:./e:", 1);
    setenv("PYTHONPATH", ".:", 1);
    setenv("PYTHONSAFEPATH", "", 1);
    setenv("OTHER", ".:x", 1);
    const char *const add[] = {"OTHER=1", "NEW=a=b", NULL};
    assert_true(proc_env_make(&env, add));
    assert_string_equal(value_of(&env, "PATH"), "/a:/c d");
    assert_null(value_of(&env, "PYTHONPATH"));
    assert_string_equal(value_of(&env, "PYTHONSAFEPATH"), "1");
    assert_string_equal(value_of(&env, "OTHER"), "1");
    assert_string_equal(value_of(&env, "NEW"), "a=b");
    proc_env_drop(&env);
    setenv("PYTHONPATH", "/x:/y", 1);
    unsetenv("PATH");
    assert_true(proc_env_make(&env, NULL));
    assert_string_equal(value_of(&env, "PYTHONPATH"), "/x:/y");
    assert_null(value_of(&env, "PATH"));
    assert_string_equal(value_of(&env, "OTHER"), ".:x");
    proc_env_drop(&env);
}

static void folders_of_a_list(void **state)
{
    (void)state;
    struct str rest = str_from(":.:/a:x:/b");
    assert_true(str_is(proc_env_folder(&rest), "/a"));
    assert_true(str_is(proc_env_folder(&rest), "/b"));
    assert_int_equal(proc_env_folder(&rest).len, 0);
    rest = str_from(".");
    assert_int_equal(proc_env_folder(&rest).len, 0);
}

static void no_memory(void **state)
{
    (void)state;
    struct proc_env env;
    setenv("PATH", "/a", 1);
    setenv("PYTHONPATH", "/b", 1);
    int failed = 0;
    for (int nth = 1; nth < 10; nth++) {
        mem_fail_at(nth);
        bool is_made = proc_env_make(&env, NULL);
        mem_fail_at(0);
        failed += !is_made;
        proc_env_drop(&env);
    }
    assert_int_equal(failed, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_current_folder),
        cmocka_unit_test(folders_of_a_list),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
