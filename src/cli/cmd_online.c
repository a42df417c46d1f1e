/* inferbench online: plan, run, files, table, exit code. */
#include "cli/commands.h"
#include "cli/online_dry.h"
#include "cli/online_job.h"
#include "run/checkpoint.h"

static enum status make_plan(void *arg, struct err *e)
{
    return online_setup_plan(arg, e);
}

static enum status prepare(void *arg, struct err *e)
{
    return online_setup_run(arg, e);
}

static enum status dry_text(void *arg, struct buf *out, struct err *e)
{
    return online_dry_text(arg, out, e);
}

static double estimate_s(void *arg)
{
    const struct online_job *j = arg;
    return online_dry_estimate_s(&j->plan);
}

static enum status execute(void *arg, struct err *e)
{
    struct online_job *j = arg;
    struct online o = {.ops = &j->ops,
                       .settings = j->settings,
                       .plan = &j->plan,
                       .journal = &j->job.run.journal,
                       .arena = &j->job.run.arena,
                       .progress = &j->job.run.progress,
                       .watch = run_watch(&j->job.run),
                       .pause = run_checkpoint(&j->job.run),
                       .log = &j->job.cli->log,
                       .hardware_type = j->opts.run.hardware_type,
                       .model_name = j->opts.run.model_name,
                       .run_id = j->plan.options.run,
                       .slo_json = j->slo_json,
                       .body_json = j->body_json,
                       .with_gaps = !j->opts.run.no_gaps,
                       .client_threads = j->opts.client_threads,
                       .drain_timeout_s = (double)j->opts.drain_timeout_ns / 1e9};
    return online_run(&o, &j->job.run.outcome, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct online_job j = {.job = {.cli = cli, .words = {argc, argv}}};
    const struct run_steps steps = {
        .table = {online_opts_table, ONLINE_OPTS_COUNT, &j.opts},
        .mode = "online",
        .experiment = ENTRY_ONLINE_EXPERIMENT,
        .arg = &j,
        .plan = make_plan,
        .dry_text = dry_text,
        .prepare = prepare,
        .estimate_s = estimate_s,
        .execute = execute};
    j.job.run.opts = &j.opts.run;
    return run_job_main(&j.job, &steps);
}

const struct cli_command cmd_online = {
    .name = "online",
    .synopsis = "[OPTIONS] [-- VLLM SERVER OPTIONS]",
    .summary = "Load an OpenAI-compatible server and time every token",
    .run = run,
    .options = online_opts_table,
    .option_count = ONLINE_OPTS_COUNT,
};
