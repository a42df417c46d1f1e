/* The way of `inferbench offline` and `online` from their options to the exit code. */
#ifndef CLI_RUN_JOB_H
#define CLI_RUN_JOB_H

#include "cli/cli.h"

struct run_mode;

/* Returns the exit code. */
int run_job_main(struct cli_call *c, const struct run_mode *mode);

#endif
