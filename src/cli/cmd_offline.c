/* inferbench offline: plan, run, files, table, exit code. */
#include <string.h>

#include "cli/commands.h"
#include "cli/offline_dry.h"
#include "cli/offline_job.h"
#include "run/checkpoint.h"

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

static double estimate_s(void *arg)
{
    return offline_dry_estimate_s(arg);
}

static enum status execute(void *arg, struct err *e)
{
    struct offline_job *j = arg;
    struct offline o = {.ops = &j->ops,
                        .settings = j->settings,
                        .plan = &j->plan,
                        .journal = &j->job.run.journal,
                        .arena = &j->job.run.arena,
                        .progress = &j->job.run.progress,
                        .watch = run_watch(&j->job.run),
                        .pause = run_checkpoint(&j->job.run),
                        .log = &j->job.cli->log,
                        .hardware_type = j->opts.run.hardware_type,
                        .run_id = field_str(&j->job.run.data.fields, FIELD_run_id),
                        .with_gaps = !j->opts.run.no_gaps,
                        .loads_per_batch = j->is_neuron &&
                                           strcmp(j->opts.neuron_batch, "per-cell") == 0};
    return offline_run(&o, &j->job.run.outcome, e);
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
        .estimate_s = estimate_s,
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
