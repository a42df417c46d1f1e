/* What one invocation of `inferbench offline` works on, from options to the end. */
#ifndef CLI_OFFLINE_JOB_H
#define CLI_OFFLINE_JOB_H

#include "plan/plan.h"
#include "cli/offline_opts.h"
#include "cli/run_job.h"

struct offline_job {
    struct run_job job;
    struct offline_opts opts;
    struct engine_ops ops;
    struct engine_settings settings;
    struct plan plan;
    bool is_neuron;
};

/* Scenarios, cells and engine settings from the options; nothing is started. */
MUST_CHECK enum status offline_setup_plan(struct offline_job *j, struct err *e);
/* The header of the journal: machine, labels, price, options, command. Claims the raw
 * folder. */
MUST_CHECK enum status offline_setup_run(struct offline_job *j, struct err *e);

#endif
