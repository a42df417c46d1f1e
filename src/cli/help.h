/* Help for people and the man page's OPTIONS, from the tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cli.h"

/* Help of one subcommand, "--man" for the OPTIONS sections of all in man(7) macros,
 * "--bash" for completion in bash, or the overview for NULL. Exit code. */
int help_run(struct cli *cli, const char *topic);
/* Says that there is no such subcommand and names the nearest, if one is near. Exit
 * code. */
int help_unknown(struct cli *cli, const char *name);
/* Refuses a word behind the topic. Exit code. */
int help_stray(struct cli *cli, const char *topic, const char *word);

#endif
