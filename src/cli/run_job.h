/* The way of `inferbench offline` and `online` from their options to the exit code. */
#ifndef CLI_RUN_JOB_H
#define CLI_RUN_JOB_H

#include "cli/cli.h"

struct run;
struct run_mode;

/* Returns the exit code. */
int run_job_main(struct cli_call *c, const struct run_mode *mode);

/* What comes after a run whose exit code is 0 or 3. */
struct run_job_then {
    int (*run)(void *arg, const struct run *r, int code); /* returns the exit code */
    void *arg;
    bool is_silent; /* the run prints no table and no next steps */
};

/* The same; then: NULL, nothing. */
int run_job_do(struct cli_call *c, const struct run_mode *mode,
               const struct run_job_then *then);

#endif
