#include "cli/run_job.h"

#include "cli/run_end.h"
#include "cli/stop.h"

#define ARENA_CAP_BYTES ((size_t)64 << 30)
#define PRINT_CAP_BYTES ((size_t)16 << 20)

/* Where the rows go; nobody is asked yet. */
static enum status choose_tracking(struct run_job *j, const struct run_steps *steps,
                                   struct err *e)
{
    const struct run_opts *o = j->opts;
    j->tracking = (struct tracking){.log = &j->cli->log,
                                    .arena = &j->arena,
                                    .uri = o->mlflow_uri,
                                    .experiment = o->mlflow_experiment,
                                    .default_experiment = steps->experiment,
                                    .tags = o->mlflow_tags,
                                    .must_verify = o->mlflow_verify,
                                    .stop = stop_requested,
                                    .is_off = o->no_mlflow};
    return tracking_choose(&j->tracking, e);
}

static enum status execute(struct run_job *j, const struct run_steps *steps,
                           struct err *e)
{
    progress_init(&j->progress, &j->cli->log, j->opts->quiet);
    j->saved = clock_now();
    j->progress.num_runs = j->opts->num_runs;
    j->progress.repeats_planned = j->cells_planned * j->opts->num_runs;
    j->progress.planned_s = steps->estimate_s(steps->arg);
    enum status s = steps->execute(steps->arg, e);
    progress_end(&j->progress);
    return s;
}

static int run_planned(struct run_job *j, const struct run_steps *steps, struct err *e)
{
    j->run.start = clock_wall();
    j->run.utc_offset_s = clock_utc_offset_s(j->run.start);
    if (steps->prepare(steps->arg, e) != STATUS_OK || run_end_open(j, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    return run_end_finish(j, execute(j, steps, e), e);
}

static int dry_run(struct run_job *j, const struct run_steps *steps, struct err *e)
{
    struct buf out;
    int code;
    buf_init(&out, PRINT_CAP_BYTES);
    if (steps->dry_text(steps->arg, &out, e) != STATUS_OK)
        code = cli_fail(j->cli, e);
    else
        code = cli_print(j->cli, buf_cstr(&out)) ? CLI_DONE : CLI_FAILED;
    buf_fini(&out);
    return code;
}

/* How loudly a run speaks. */
static enum log_level level_of(const struct run_opts *o)
{
    if (o->quiet)
        return LOG_WARN;
    return o->verbose ? LOG_DEBUG : LOG_NOTE;
}

static int run(struct run_job *j, const struct run_steps *steps, struct err *e)
{
    if (cli_parse(&steps->table, &j->words, &j->arena, &j->parse, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    j->cli->log.level = level_of(j->opts);
    if (steps->plan(steps->arg, e) != STATUS_OK) {
        e->code = e->code == STATUS_NO_MEMORY ? e->code : STATUS_BAD_OPTION;
        return cli_fail(j->cli, e);
    }
    if (choose_tracking(j, steps, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    if (j->opts->dry_run)
        return dry_run(j, steps, e);
    stop_install(STOP_RUN);
    tracking_greet(&j->tracking);
    return run_planned(j, steps, e);
}

int run_job_main(struct run_job *j, const struct run_steps *steps)
{
    struct err e = {.code = STATUS_OK};
    j->mode = steps->mode;
    j->journal.fd = -1;
    arena_init(&j->arena, ARENA_CAP_BYTES);
    int code = run(j, steps, &e);
    arena_fini(&j->arena);
    return code;
}
