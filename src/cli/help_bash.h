/* Completion of command lines in bash, from the tables. */
#ifndef CLI_HELP_BASH_H
#define CLI_HELP_BASH_H

#include "base/buf.h"

/* A script to source, or to install as completion: names of subcommands and of their
 * options, and values where there is a choice; files elsewhere. */
void help_bash_put(struct buf *out);

#endif
