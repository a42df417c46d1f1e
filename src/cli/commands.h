/* The table of subcommands. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

/* [commands_count], in the order of the help. */
extern const struct cli_command *const commands_table[];
extern const size_t commands_count;

const struct cli_command *commands_find(const char *name); /* NULL if there is none */

extern const struct cli_command cmd_offline;
extern const struct cli_command cmd_online;
extern const struct cli_command cmd_merge;
extern const struct cli_command cmd_analyze;
extern const struct cli_command cmd_env;
extern const struct cli_command cmd_recover;
extern const struct cli_command cmd_serve;
extern const struct cli_command cmd_selftest;
extern const struct cli_command cmd_mlflow;

#endif
