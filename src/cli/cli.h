/* What all subcommands share. A subcommand is one file, cmd_<name>.c, that exports
 *     const struct cli_command cmd_<name>;
 * and one row in commands.c. Its `run` gets the words after the subcommand's name in
 * argv[0..), returns an exit code and never exits itself; --help is answered before it is
 * called. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "base/opt.h"
#include "base/status.h"

enum cli_exit { /* FORMAT.md 9; precedence 2, 4, 1, 3, 0 */
                CLI_DONE = 0,
                CLI_FAILED = 1,
                CLI_USAGE = 2,
                CLI_INVALID = 3,
                CLI_SIGNAL = 4
};

struct cli {
    struct log log;
    const char *tool; /* "inferbench 0.1.0+g1a2b3c4" */
};

struct cli_command {
    const char *name;
    const char *synopsis; /* what follows the name in the usage line */
    const char *summary;  /* one line */
    int (*run)(struct cli *cli, int argc, char **argv);
    const struct opt *(*table)(size_t *count); /* its options */
};

/* First of all that the program does: makes a failed write an error that is told, not the
 * end, and closed descriptors harmless. */
void cli_start(void);
/* Prints the error and returns its exit code: BAD_OPTION 2, INTERRUPTED 4, all others 1.
 */
int cli_fail(struct cli *cli, const struct err *e);

struct cli_table {
    const struct opt *rows; /* [count] */
    size_t count;
    void *target;
};

struct cli_words {
    int argc;
    char **argv;
};

/* The usual start of a subcommand: fills the target by the table from the defaults, argv
 * and
 * --config (if the table has a "config" option of type OPT_STRING). */
MUST_CHECK enum status cli_parse(const struct cli_table *table, const struct cli_words *w,
                                 struct arena *arena, struct opt_parse *parse,
                                 struct err *e);

/* True if --help or -h stands before "--": the caller (main) prints help instead. */
bool cli_wants_help(int argc, char **argv);

/* Writes text to stdout whole; an error is reported (a closed pipe is not) and gives
 * false. */
bool cli_print(struct cli *cli, const char *text);

#endif
