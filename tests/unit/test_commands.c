#include "cli/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void each_is_found_by_its_name(void **state)
{
    (void)state;
    assert_true(commands_count > 0);
    for (size_t i = 0; i < commands_count; i++)
        assert_ptr_equal(commands_find(commands_table[i]->name), commands_table[i]);
    assert_string_equal(commands_find("offline")->name, "offline");
    assert_null(commands_find("offlin"));
    assert_null(commands_find(""));
    assert_null(commands_find("--help"));
}

/* Help, usage lines and the man page are made of these. */
static void each_describes_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < commands_count; i++) {
        const struct cli_command *c = commands_table[i];
        assert_non_null(c->run);
        assert_non_null(c->synopsis);
        assert_true(c->option_count > 0 && c->options != NULL && c->opts_bytes > 0);
        size_t len = strlen(c->summary);
        if (len == 0 || len > 66 || c->summary[len - 1] == '.')
            fail_msg("%s: \"%s\" is no line of the overview", c->name, c->summary);
    }
}

/* Its user:pass@ must leave the process list. */
static void the_address_of_a_server_is_one(void **state)
{
    (void)state;
    size_t found = 0;
    for (size_t i = 0; i < commands_count; i++) {
        const struct cli_command *c = commands_table[i];
        for (size_t k = 0; k < c->option_count; k++) {
            const struct opt *o = &c->options[k];
            if (strcmp(o->name, "mlflow-uri") != 0 && strcmp(o->name, "base-url") != 0)
                continue;
            found++;
            if (!o->is_address)
                fail_msg("%s: --%s lacks .is_address = true", c->name, o->name);
        }
    }
    assert_true(found >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_by_its_name),
        cmocka_unit_test(each_describes_itself),
        cmocka_unit_test(the_address_of_a_server_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
