/* vllm_rules.c: each captured failure hits its own rule and no other, from the log of a
 * dead process to the advice. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engines/vllm_cause.h"
#include "engines/vllm_errors.h"
#include "engines/vllm_rules.h"
#include "probe_fixture.h"

static glob_t found;
static struct arena arena;

static int make(void **state)
{
    (void)state;
    arena_init(&arena, 8 << 20);
    return glob(probe_fixture_path("failures/*.txt"), 0, NULL, &found);
}

static int drop(void **state)
{
    (void)state;
    arena_fini(&arena);
    globfree(&found);
    return 0;
}

/* "path/NAME.2.txt" is an example of NAME. */
static struct str name_of(const char *path)
{
    struct str rest = str_from(strrchr(path, '/') + 1);
    return str_cut(&rest, '.');
}

static const char *text_of(const char *path)
{
    return probe_fixture_text(strstr(path, "failures/"), &arena);
}

static void each_example_hits_its_rule_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct vllm_cause c = {0};
        char text[8192];
        bool is_hit = false;
        const char *path = found.gl_pathv[i];
        if (!vllm_cause_find(str_from(text_of(path)), &arena, &c))
            fail_msg("%s: no cause", path);
        snprintf(text, sizeof text, "%s: %s", c.type, c.text);
        for (size_t k = 0; k < vllm_rules_count; k++) {
            bool is_own = str_is(name_of(path), vllm_rules_list[k].name);
            bool fits = vllm_rules_fits(&vllm_rules_list[k], text);
            is_hit = is_hit || (is_own && fits);
            if (fits && !is_own)
                fail_msg("%s hits %s too: %s", path, vllm_rules_list[k].name, text);
        }
        if (!is_hit)
            fail_msg("%s does not hit its rule: %s", path, text);
    }
}

static void each_rule_has_an_example(void **state)
{
    (void)state;
    for (size_t k = 0; k < vllm_rules_count; k++) {
        size_t count = 0;
        for (size_t i = 0; i < found.gl_pathc; i++)
            count += str_is(name_of(found.gl_pathv[i]), vllm_rules_list[k].name);
        if (count == 0)
            fail_msg("%s has no example in tests/captures/failures",
                     vllm_rules_list[k].name);
    }
}

/* What reaches the screen: the rule's advice, in room for all of it, and nothing that
 * points above. */
static void each_example_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct err e;
        const char *path = found.gl_pathv[i];
        const struct vllm_failure f = {.log_tail = text_of(path),
                                       .log_path = "results/raw_20261130/engine.log",
                                       .stage = "loading",
                                       .end = {.exit_code = 1}};
        vllm_errors_explain(&f, &e);
        const struct vllm_rule *rule = NULL;
        for (size_t k = 0; k < vllm_rules_count; k++)
            if (str_is(name_of(path), vllm_rules_list[k].name))
                rule = &vllm_rules_list[k];
        assert_non_null(rule);
        if (strstr(e.hint, rule->hint) == NULL || strstr(e.hint, "/engine.log") == NULL ||
            strstr(e.what, "above") != NULL || strlen(e.what) + 1 >= sizeof e.what)
            fail_msg("%s: %s. %s", path, e.what, e.hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_example_hits_its_rule_and_no_other),
        cmocka_unit_test(each_rule_has_an_example),
        cmocka_unit_test(each_example_is_explained),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
