/* What one invocation of `inferbench offline` works on, from options to the end. */
#ifndef CLI_OFFLINE_JOB_H
#define CLI_OFFLINE_JOB_H

#include "base/arena.h"
#include "bench/offline.h"
#include "cli/cli.h"
#include "cli/offline_opts.h"
#include "cli/tracking.h"
#include "probe/env.h"
#include "store/results.h"

struct offline_job {
    struct cli *cli;
    struct arena arena;
    struct offline_opts opts;
    struct opt_parse parse;
    struct engine_ops ops;
    struct engine_settings settings;
    struct plan plan;
    struct env env;
    struct run_data run;
    struct journal journal;
    struct progress progress;
    struct cells_outcome outcome;
    struct tracking tracking;
    const char *raw_dir, *journal_path;
    bool is_neuron;
    int argc;
    char **argv;
};

/* Scenarios, cells and engine settings from the options; nothing is started. */
MUST_CHECK enum status offline_setup_plan(struct offline_job *j, struct err *e);
/* The header of the journal: machine, labels, price, options, command. Claims the raw
 * folder. */
MUST_CHECK enum status offline_setup_run(struct offline_job *j, struct err *e);

#endif
