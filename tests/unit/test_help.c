#include "cli/help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "cli/commands.h"
#include "journal_fixture.h"

static char text[1 << 17];

/* Help on a topic, as standard output has it, in `text`. */
static int ask(const char *topic)
{
    struct cli cli = {.log = {.level = LOG_ERROR, .fd = -1}};
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    int code = help_run(&cli, topic);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return code;
}

static void every_page_fits_into_80_columns(const char *page)
{
    for (const char *line = page; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        if (len > 80)
            fail_msg("%zu columns: %.*s", len, (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static void the_overview_names_all_commands(void **state)
{
    (void)state;
    assert_int_equal(ask(NULL), CLI_DONE);
    for (size_t i = 0; i < commands_count; i++) {
        journal_fixture_has(text, commands_table[i]->name);
        journal_fixture_has(text, commands_table[i]->summary);
    }
    every_page_fits_into_80_columns(text);
}

static void completion_has_all_names_and_choices(void **state)
{
    (void)state;
    char word[128];
    assert_int_equal(ask("--bash"), CLI_DONE);
    for (size_t i = 0; i < commands_count; i++) {
        const struct cli_command *c = commands_table[i];
        snprintf(word, sizeof word, "    *:%s)\n", c->name);
        const char *own = strstr(text, word);
        assert_non_null(own);
        for (size_t k = 0; k < c->option_count; k++) {
            snprintf(word, sizeof word, " --%s", c->options[k].name);
            journal_fixture_has(own, word);
        }
    }
    journal_fixture_has(text, "--engine-mode) words='mp inproc'");
}

static void a_command_tells_its_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < commands_count; i++) {
        const struct cli_command *c = commands_table[i];
        char dashed[64];
        assert_int_equal(ask(c->name), CLI_DONE);
        journal_fixture_has(text, c->synopsis);
        for (size_t k = 0; k < c->option_count; k++) {
            snprintf(dashed, sizeof dashed, "--%s", c->options[k].name);
            journal_fixture_has(text, dashed);
        }
        every_page_fits_into_80_columns(text);
    }
}

static void the_manual_has_a_section_each(void **state)
{
    (void)state;
    assert_int_equal(ask("--man"), CLI_DONE);
    for (size_t i = 0; i < commands_count; i++) {
        char heading[64];
        snprintf(heading, sizeof heading, ".SS inferbench %s ", commands_table[i]->name);
        journal_fixture_has(text, heading);
    }
}

static void the_nearest_name_is_offered(void **state)
{
    int fds[2];
    char said[600] = "";
    (void)state;
    assert_int_equal(pipe(fds), 0);
    struct cli cli = {.log = {.level = LOG_ERROR, .fd = fds[1]}};
    assert_int_equal(help_unknown(&cli, "recovr"), CLI_USAGE);
    assert_true(read(fds[0], said, sizeof said - 1) > 0);
    journal_fixture_has(said, "recovr: no such command. Did you mean recover?");
    assert_int_equal(help_run(&cli, "ofline"), CLI_USAGE);
    close(fds[0]);
    close(fds[1]);
}

static void no_memory_is_no_page(void **state)
{
    (void)state;
    mem_fail_at(1);
    int code = ask(NULL);
    mem_fail_at(0);
    assert_int_equal(code, CLI_FAILED);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_overview_names_all_commands),
        cmocka_unit_test(completion_has_all_names_and_choices),
        cmocka_unit_test(a_command_tells_its_options),
        cmocka_unit_test(the_manual_has_a_section_each),
        cmocka_unit_test(the_nearest_name_is_offered),
        cmocka_unit_test(no_memory_is_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
