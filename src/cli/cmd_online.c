/* inferbench online: plan, run, files, table, exit code. */
#include "cli/cli.h"
#include "cli/run_job.h"
#include "run/mode.h"

static int run(struct cli_call *c)
{
    return run_job_main(c, &run_online);
}

const struct cli_command cmd_online = {
    .name = "online",
    .synopsis = "[OPTIONS] [-- VLLM SERVER OPTIONS]",
    .summary = "Load an OpenAI-compatible server and time every token",
    .run = run,
    .options = run_opts_online,
    .option_count = RUN_OPTS_ONLINE,
    .opts_bytes = sizeof(struct run_opts),
};
