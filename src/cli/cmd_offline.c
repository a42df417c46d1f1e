/* inferbench offline: plan, run, files, table, exit code. */
#include <string.h>

#include "cli/commands.h"
#include "cli/offline_dry.h"
#include "cli/offline_job.h"
#include "run/execute.h"

static enum status make_plan(void *arg, struct err *e)
{
    return offline_setup_plan(arg, e);
}

static enum status prepare(void *arg, struct err *e)
{
    return offline_setup_run(arg, e);
}

static enum status dry_text(void *arg, struct buf *out, struct err *e)
{
    return offline_dry_text(arg, out, e);
}

static enum status execute(void *arg, struct err *e)
{
    struct offline_job *j = arg;
    const struct run_work w = {
        .plan = &j->plan,
        .ops = &j->ops,
        .settings = j->settings,
        .client_threads = 1,
        .planned_s = offline_dry_estimate_s(j),
        .loads_per_batch = j->is_neuron && strcmp(j->opts.neuron_batch, "per-cell") == 0};
    return run_execute(&j->job.run, &w, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct offline_job j = {.job = {.cli = cli, .words = {argc, argv}}};
    const struct run_steps steps = {
        .table = {offline_opts_table, OFFLINE_OPTS_COUNT, &j.opts},
        .mode = "offline",
        .experiment = ENTRY_OFFLINE_EXPERIMENT,
        .arg = &j,
        .plan = make_plan,
        .dry_text = dry_text,
        .prepare = prepare,
        .execute = execute};
    j.job.run.opts = &j.opts.run;
    return run_job_main(&j.job, &steps);
}

const struct cli_command cmd_offline = {
    .name = "offline",
    .synopsis = "[OPTIONS] [-- VLLM OPTIONS]",
    .summary = "Measure batches in a local engine, prefix caching OFF and ON",
    .run = run,
    .options = offline_opts_table,
    .option_count = OFFLINE_OPTS_COUNT,
};
