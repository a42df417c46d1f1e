/* The table of subcommands. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

/* [commands_count], in the order of the help. */
extern const struct cli_command *const commands_table[];
extern const size_t commands_count;

const struct cli_command *commands_find(const char *name); /* NULL if there is none */

#endif
