/* inferbench: a table of subcommands. */
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "version.h"

/* "+" only where the commit is known. */
#define TOOL                                                         \
    (INFERBENCH_COMMIT[0] != '\0' ? "inferbench " INFERBENCH_VERSION \
                                    "+" INFERBENCH_COMMIT            \
                                  : "inferbench " INFERBENCH_VERSION)

static int print_version(struct cli *cli)
{
    return cli_print(cli, cli->tool) && cli_print(cli, "\n") ? CLI_DONE : CLI_FAILED;
}

int main(int argc, char **argv)
{
    struct cli cli = {.tool = TOOL};
    cli_start();
    log_init(&cli.log, LOG_NOTE);
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return print_version(&cli);
    if (strcmp(name, "help") == 0 && argc > 3)
        return help_stray(&cli, argv[2], argv[3]);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0)
        return help_run(&cli, argc > 2 ? argv[2] : NULL);
    const struct cli_command *command = commands_find(name);
    if (command == NULL)
        return help_unknown(&cli, name);
    if (cli_wants_help(argc - 2, argv + 2))
        return help_run(&cli, name);
    return cli_run(&cli, command, (struct cli_words){argc - 2, argv + 2});
}
