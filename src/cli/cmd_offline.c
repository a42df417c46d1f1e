/* inferbench offline: plan, run, files, table, exit code. */
#include <math.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/offline_dry.h"
#include "cli/offline_job.h"
#include "cli/run_end.h"
#include "cli/stop.h"

#define ARENA_CAP_BYTES ((size_t)16 << 30)
#define PRINT_CAP_BYTES ((size_t)16 << 20)

static struct run_end end_of(struct offline_job *j)
{
    return (struct run_end){.mode = "offline",
                            .cli = j->cli,
                            .arena = &j->arena,
                            .journal = &j->journal,
                            .progress = &j->progress,
                            .outcome = &j->outcome,
                            .fields = &j->run.fields,
                            .output_dir = j->opts.output_dir,
                            .raw_dir = j->raw_dir,
                            .journal_path = j->journal_path,
                            .accept_invalid = j->opts.accept_invalid,
                            .tracking = &j->tracking,
                            .cells_planned = (int64_t)j->plan.cell_count};
}

/* Where the rows go; nobody is asked yet. */
static enum status choose_tracking(struct offline_job *j, struct err *e)
{
    j->tracking = (struct tracking){.log = &j->cli->log,
                                    .arena = &j->arena,
                                    .uri = j->opts.mlflow_uri,
                                    .experiment = j->opts.mlflow_experiment,
                                    .default_experiment = ENTRY_OFFLINE_EXPERIMENT,
                                    .tags = j->opts.mlflow_tags,
                                    .must_verify = j->opts.mlflow_verify,
                                    .is_off = j->opts.no_mlflow};
    return tracking_choose(&j->tracking, e);
}

static enum status execute(struct offline_job *j, struct run_end *end, struct err *e)
{
    struct offline o = {.ops = &j->ops,
                        .settings = j->settings,
                        .plan = &j->plan,
                        .journal = &j->journal,
                        .arena = &j->arena,
                        .progress = &j->progress,
                        .watch = run_end_watch(end),
                        .log = &j->cli->log,
                        .hardware_type = j->opts.hardware_type,
                        .with_gaps = !j->opts.no_gaps,
                        .loads_per_batch = j->is_neuron &&
                                           strcmp(j->opts.neuron_batch, "per-cell") == 0};
    progress_init(&j->progress, &j->cli->log, j->opts.quiet);
    j->progress.num_runs = j->plan.options.num_runs;
    j->progress.repeats_planned = (int64_t)j->plan.cell_count * j->plan.options.num_runs;
    j->progress.planned_s = offline_dry_estimate_s(j);
    enum status s = offline_run(&o, &j->outcome, e);
    progress_end(&j->progress);
    return s;
}

static int run_planned(struct offline_job *j, struct err *e)
{
    j->run.start = clock_wall();
    j->run.utc_offset_s = clock_utc_offset_s(j->run.start);
    if (offline_setup_run(j, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    struct run_end end = end_of(j);
    if (run_end_open(&end, &j->run, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    return run_end_finish(&end, execute(j, &end, e), e);
}

static int dry_run(struct offline_job *j, struct err *e)
{
    struct buf out;
    buf_init(&out, PRINT_CAP_BYTES);
    int code = run_end_dry(j->cli, offline_dry_text(j, &out, e), &out, e);
    buf_fini(&out);
    return code;
}

static int run_job(struct offline_job *j, struct err *e)
{
    if (cli_parse(&(struct cli_table){offline_opts_table, OFFLINE_OPTS_COUNT, &j->opts},
                  &(struct cli_words){j->argc, j->argv}, &j->arena, &j->parse,
                  e) != STATUS_OK)
        return cli_fail(j->cli, e);
    run_end_log_level(j->cli, j->opts.quiet, j->opts.verbose);
    if (offline_setup_plan(j, e) != STATUS_OK) {
        e->code = e->code == STATUS_NO_MEMORY ? e->code : STATUS_BAD_OPTION;
        return cli_fail(j->cli, e);
    }
    if (choose_tracking(j, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    if (j->opts.dry_run)
        return dry_run(j, e);
    stop_install(STOP_RUN);
    tracking_greet(&j->tracking);
    return run_planned(j, e);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct err e = {.code = STATUS_OK};
    struct offline_job j = {
        .cli = cli, .argc = argc, .argv = argv, .journal = {.fd = -1}};
    arena_init(&j.arena, ARENA_CAP_BYTES);
    int code = run_job(&j, &e);
    arena_fini(&j.arena);
    return code;
}

const struct cli_command cmd_offline = {
    .name = "offline",
    .synopsis = "[OPTIONS] [-- VLLM OPTIONS]",
    .summary = "Measures batches in an engine it drives, prefix caching OFF and ON",
    .run = run,
    .options = offline_opts_table,
    .option_count = OFFLINE_OPTS_COUNT,
};
