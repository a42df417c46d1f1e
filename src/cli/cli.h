/* What all subcommands share. A subcommand is one file, cmd_<name>.c, that exports
 *     const struct cli_command cmd_<name>;
 * and one row in commands.c. Its `run` is called with its options parsed; it returns an
 * exit code and never exits itself. --help is answered before. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    const char *tool;     /* "inferbench 0.1.0+g1a2b3c4" */
    bool has_lost_output; /* something could not be printed: exit code 1 */
};

struct cli_words {
    int argc;
    char **argv;
};

/* One call of a subcommand. */
struct cli_call {
    struct cli *cli;
    const struct cli_command *command;
    struct cli_words words; /* after its name */
    void *opts;             /* filled by its options */
    struct opt_parse parse;
    struct arena arena;
    struct err e;
};

struct cli_command {
    const char *name;
    const char *synopsis; /* what follows the name in the usage line */
    const char *summary;  /* one line */
    int (*run)(struct cli_call *c);
    const struct opt *options;         /* [option_count] */
    size_t option_count, opts_bytes;   /* of the struct that they fill */
    size_t operands_min, operands_max; /* words beside options: files, folders */
    const char *needs, *example;       /* what is said where there are too few */
};
#define CLI_MANY SIZE_MAX
/* The members of a table that fills a struct. */
#define CLI_OPTIONS(rows, type)                                       \
    .options = (rows), .option_count = sizeof(rows) / sizeof *(rows), \
    .opts_bytes = sizeof(type)

/* Parses the words, calls the command, and returns its exit code. */
int cli_run(struct cli *cli, const struct cli_command *command, struct cli_words words);

/* Fills the options of a call whose cli, command, words and arena are set. */
MUST_CHECK enum status cli_call_parse(struct cli_call *c);
/* First of all that the program does: makes a failed write an error that is told, not the
 * end, and closed descriptors harmless. */
void cli_start(void);
/* The exit code of a call: OK 0, BAD_OPTION 2, INTERRUPTED 4, all others 1. */
int cli_code(enum status s);
/* Prints the error and returns its exit code. */
int cli_fail(struct cli *cli, const struct err *e);

struct cli_table {
    const struct opt *rows; /* [count] */
    size_t count;
    void *target;
};

/* Fills the target by the table from the defaults, argv and --config (if the table has a
 * "config" option of type OPT_STRING). */
MUST_CHECK enum status cli_parse(const struct cli_table *table, const struct cli_words *w,
                                 struct arena *arena, struct opt_parse *parse,
                                 struct err *e);

/* True if --help or -h stands before "--": the caller (main) prints help instead. */
bool cli_wants_help(int argc, char **argv);

/* Writes text to stdout whole; an error is reported (a closed pipe is not) and gives
 * false. */
bool cli_print(struct cli *cli, const char *text);

/* cli_print, as a run asks for it: `print` of struct run_host, whose arg is the cli. A
 * closed pipe is no fault. */
bool cli_tell(void *cli, const char *text);

#endif
