/* What one invocation of `inferbench offline` or `online` works on, and its way from the
 * words of the command line to the exit code. */
#ifndef CLI_RUN_JOB_H
#define CLI_RUN_JOB_H

#include "cli/cli.h"
#include "cli/run_opts.h"
#include "run/run.h"

struct run_job {
    struct run run;
    struct cli *cli;
    struct cli_words words; /* after the subcommand */
    struct opt_parse parse;
};

/* What differs between the two. arg: the job that holds a struct run_job. */
struct run_steps {
    struct cli_table table;
    const char *mode, *experiment; /* the default one of MLflow */
    void *arg;
    /* A plan from the options, which sets cells_planned; nothing is started. */
    enum status (*plan)(void *arg, struct err *e);
    enum status (*dry_text)(void *arg, struct buf *out, struct err *e);
    /* Opens the run: claims the raw folder, begins the journal. */
    enum status (*prepare)(void *arg, struct err *e);
    enum status (*execute)(void *arg, struct err *e);
};

/* Runs it; returns the exit code. j: words and cli are set, all else is zero. */
int run_job_main(struct run_job *j, const struct run_steps *steps);

#endif
