/* inferbench online: plan, run, files, table, exit code. */
#include "cli/commands.h"
#include "cli/online_dry.h"
#include "cli/online_job.h"
#include "run/execute.h"

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

static enum status execute(void *arg, struct err *e)
{
    struct online_job *j = arg;
    const struct run_work w = {.plan = &j->plan,
                               .ops = &j->ops,
                               .settings = j->settings,
                               .client_threads = (size_t)j->opts.client_threads,
                               .planned_s = online_dry_estimate_s(&j->plan),
                               .drain_timeout_s = (double)j->opts.drain_timeout_ns / 1e9,
                               .model_name = j->opts.run.model_name,
                               .slo_json = j->slo_json,
                               .body_json = j->body_json};
    return run_execute(&j->job.run, &w, e);
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
