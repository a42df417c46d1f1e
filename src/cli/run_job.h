/* What one invocation of `inferbench offline` or `online` works on, and its way from the
 * words of the command line to the exit code. */
#ifndef CLI_RUN_JOB_H
#define CLI_RUN_JOB_H

#include "base/arena.h"
#include "bench/cells.h"
#include "cli/cli.h"
#include "cli/run_opts.h"
#include "track/tracking.h"
#include "probe/env.h"
#include "report/progress.h"
#include "store/journal.h"
#include "store/results.h"

struct run_job {
    const char *mode; /* "offline" or "online": the subcommand and the serving mode */
    struct cli *cli;
    struct cli_words words; /* after the subcommand */
    struct arena arena;
    struct opt_parse parse;
    const struct run_opts *opts;
    struct env env;
    struct run_data run;
    struct journal journal;
    struct progress progress;
    struct cells_outcome outcome;
    struct tracking tracking;
    const char *raw_dir, *journal_path;
    int64_t cells_planned;
    struct instant saved; /* when results were last saved, the start at first */
    double save_s;        /* what that took */
};

/* What differs between the two. arg: the job that holds a struct run_job. */
struct run_steps {
    struct cli_table table;
    const char *mode, *experiment; /* the default one of MLflow */
    void *arg;
    /* A plan from the options, which sets cells_planned; nothing is started. */
    enum status (*plan)(void *arg, struct err *e);
    enum status (*dry_text)(void *arg, struct buf *out, struct err *e);
    /* Claims the raw folder, and fills run, the journal's header. */
    enum status (*prepare)(void *arg, struct err *e);
    double (*estimate_s)(void *arg); /* of all repeats; NAN: unknown */
    enum status (*execute)(void *arg, struct err *e);
};

/* Runs it; returns the exit code. j: words and cli are set, all else is zero. */
int run_job_main(struct run_job *j, const struct run_steps *steps);

#endif
