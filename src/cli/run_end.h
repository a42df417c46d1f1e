/* From the moment that an offline or online run executes to its exit code: the live line,
 * the end of the journal, files, table, what to do next. */
#ifndef CLI_RUN_END_H
#define CLI_RUN_END_H

#include "bench/offline.h"
#include "cli/cli.h"
#include "cli/tracking.h"

/* Borrowed from the job, but for `results`. */
struct run_end {
    const char *mode; /* "offline" or "online" */
    struct cli *cli;
    struct arena *arena;
    struct journal *journal;
    struct progress *progress;
    struct cells_outcome *outcome;
    const struct row *fields; /* of the run */
    const char *output_dir, *raw_dir, *journal_path;
    const char *accept_invalid; /* NULL: not given */
    struct tracking *tracking;
    int64_t cells_planned;
};

/* How loudly a run speaks. */
void run_end_log_level(struct cli *cli, bool is_quiet, bool is_verbose);
/* The engine's watch of a run: live line, signals, and a terminal that went away. */
struct engine_watch run_end_watch(struct run_end *r);
/* The journal of a run that begins now, with its first line. */
MUST_CHECK enum status run_end_open(const struct run_end *r, const struct run_data *run,
                                    struct err *e);
/* After the run, which gave `s` and *e: ends the journal, writes the files from it as
 * `recover` does, prints the table, and returns the exit code. */
int run_end_finish(struct run_end *r, enum status s, struct err *e);
/* Prints the text of a dry run if `s` is OK, else the error; the exit code. */
int run_end_dry(struct cli *cli, enum status s, const struct buf *text, struct err *e);

#endif
