/* What one invocation of `inferbench online` works on, from options to the end. */
#ifndef CLI_ONLINE_JOB_H
#define CLI_ONLINE_JOB_H

#include "plan/plan.h"
#include "cli/online_opts.h"
#include "cli/run_job.h"

struct online_job {
    struct run_job job;
    struct online_opts opts;
    struct engine_ops ops;
    struct engine_settings settings;
    struct engine_target target;
    bool is_local; /* the server runs on this machine: launched, loopback, unix socket */
    struct plan plan;
    const char *slo_json;  /* --goodput as the field `slo`, or NULL */
    const char *body_json; /* --extra-body as the field `extra_body`, or NULL */
};

/* Target, loads, scenarios, cells and engine settings from the options; nothing is
 * started. */
MUST_CHECK enum status online_setup_plan(struct online_job *j, struct err *e);
/* The engine, the header of the journal: machine, labels, price, options, command. Claims
 * the raw folder. */
MUST_CHECK enum status online_setup_run(struct online_job *j, struct err *e);

#endif
