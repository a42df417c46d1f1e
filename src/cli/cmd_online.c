/* inferbench online: plan, run, files, table, exit code. */
#include "cli/commands.h"
#include "cli/run_job.h"
#include "run/mode.h"

static int run(struct cli *cli, int argc, char **argv)
{
    return run_job_main(cli, &run_online, &(struct cli_words){argc, argv});
}

static const struct opt *table(size_t *count)
{
    return run_opts_table(ENGINE_ONLINE, count);
}

const struct cli_command cmd_online = {
    .name = "online",
    .synopsis = "[OPTIONS] [-- VLLM SERVER OPTIONS]",
    .summary = "Load an OpenAI-compatible server and time every token",
    .run = run,
    .table = table,
};
