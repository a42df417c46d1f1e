/* inferbench offline: plan, run, files, table, exit code. */
#include "cli/commands.h"
#include "cli/run_job.h"
#include "run/mode.h"

static int run(struct cli *cli, int argc, char **argv)
{
    return run_job_main(cli, &run_offline, &(struct cli_words){argc, argv});
}

static const struct opt *table(size_t *count)
{
    return run_opts_table(ENGINE_OFFLINE, count);
}

const struct cli_command cmd_offline = {
    .name = "offline",
    .synopsis = "[OPTIONS] [-- VLLM OPTIONS]",
    .summary = "Measure batches in a local engine, prefix caching OFF and ON",
    .run = run,
    .table = table,
};
