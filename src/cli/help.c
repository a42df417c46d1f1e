#include "cli/help.h"

#include <string.h>

#include "base/opt.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/help_bash.h"

#define HELP_CAP_BYTES (1 << 20)

static void overview(struct buf *out)
{
    buf_text(out, "inferbench measures LLM inference and says how far each number can be "
                  "trusted.\n\nUsage: inferbench COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < commands_count; i++)
        buf_printf(out, "  %-10s %s\n", commands_table[i]->name,
                   commands_table[i]->summary);
    buf_text(out,
             "\n  inferbench COMMAND --help    options of a command\n"
             "  inferbench --version         version\n\n"
             "Exit codes: 0 done, none INVALID; 1 failed; 2 wrong usage; 3 measured, "
             "but\nINVALID; 4 stopped by a signal.\n");
}

static void manual(struct buf *out)
{
    for (size_t i = 0; i < commands_count; i++) {
        const struct cli_command *c = commands_table[i];
        buf_printf(out, ".SS inferbench %s %s\n%s.\n", c->name, c->synopsis, c->summary);
        opt_help_man(c->options, c->option_count, out);
    }
}

static void command_help(const struct cli_command *c, struct buf *out)
{
    buf_printf(out, "Usage: inferbench %s %s\n\n%s.\n\n", c->name, c->synopsis,
               c->summary);
    opt_help_text(c->options, c->option_count, out);
}

int help_run(struct cli *cli, const char *topic)
{
    const struct cli_command *c = topic != NULL ? commands_find(topic) : NULL;
    bool is_bash = topic != NULL && strcmp(topic, "--bash") == 0;
    if (topic != NULL && c == NULL && !is_bash && strcmp(topic, "--man") != 0)
        return help_unknown(cli, topic);
    struct buf out;
    buf_init(&out, HELP_CAP_BYTES);
    if (topic == NULL)
        overview(&out);
    else if (is_bash)
        help_bash_put(&out);
    else if (c == NULL)
        manual(&out);
    else
        command_help(c, &out);
    bool is_printed = out.failed == STATUS_OK && cli_print(cli, buf_cstr(&out));
    buf_fini(&out);
    return is_printed ? CLI_DONE : CLI_FAILED;
}

int help_unknown(struct cli *cli, const char *name)
{
    const char *nearest = NULL;
    size_t least = strlen(name) / 3 + 2; /* as of options */
    struct err e;
    for (size_t i = 0; i < commands_count; i++) {
        size_t d = (size_t)str_distance(name, commands_table[i]->name);
        nearest = d < least ? commands_table[i]->name : nearest;
        least = d < least ? d : least;
    }
    status_fail(&e, STATUS_BAD_OPTION, name, "no such command");
    if (nearest != NULL)
        status_hint(&e, "Did you mean %s? See inferbench --help", nearest);
    else
        status_hint(&e, "inferbench --help names all commands");
    return cli_fail(cli, &e);
}

int help_stray(struct cli *cli, const char *topic, const char *word)
{
    struct err e;
    const struct cli_command *c = commands_find(topic);
    if (c == NULL && strcmp(topic, "--bash") != 0 && strcmp(topic, "--man") != 0)
        return help_unknown(cli, topic);
    status_fail(&e, STATUS_BAD_OPTION, word, "help is of one command");
    if (c != NULL)
        status_hint(&e, "inferbench help %s has all options of it", c->name);
    else
        status_hint(&e, "Write inferbench help %s", topic);
    return cli_fail(cli, &e);
}
