/* inferbench offline: plan, run, files, table, exit code. */
#include "cli/cli.h"
#include "cli/run_job.h"
#include "run/mode.h"

static int run(struct cli_call *c)
{
    return run_job_main(c, &run_offline);
}

const struct cli_command cmd_offline = {
    .name = "offline",
    .synopsis = "[OPTIONS] [-- VLLM OPTIONS]",
    .summary = "Measure batches in a local engine, prefix caching OFF and ON",
    .run = run,
    .options = run_opts_offline,
    .option_count = RUN_OPTS_OFFLINE,
    .opts_bytes = sizeof(struct run_opts),
};
