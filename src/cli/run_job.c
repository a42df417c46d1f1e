#include "cli/run_job.h"

#include "cli/stop.h"
#include "run/finish.h"

#define ARENA_CAP_BYTES ((size_t)64 << 30)
#define PRINT_CAP_BYTES ((size_t)16 << 20)

/* Where the rows go; nobody is asked yet. */
static enum status choose_tracking(struct run_job *j, const struct run_steps *steps,
                                   struct err *e)
{
    const struct run_opts *o = j->run.opts;
    j->run.tracking = (struct tracking){.log = &j->cli->log,
                                        .arena = &j->run.arena,
                                        .uri = o->mlflow_uri,
                                        .experiment = o->mlflow_experiment,
                                        .default_experiment = steps->experiment,
                                        .tags = o->mlflow_tags,
                                        .must_verify = o->mlflow_verify,
                                        .stop = stop_requested,
                                        .is_off = o->no_mlflow};
    return tracking_choose(&j->run.tracking, e);
}

static void print(void *arg, const char *text)
{
    (void)cli_print(arg, text);
}

static bool is_hung_up(void *arg)
{
    (void)arg;
    return stop_hung_up();
}

static int stopped_by(void *arg)
{
    (void)arg;
    return stop_signal();
}

static int run_planned(struct run_job *j, const struct run_steps *steps, struct err *e)
{
    static const int codes[] = {[RUN_DONE] = CLI_DONE,
                                [RUN_FAILED] = CLI_FAILED,
                                [RUN_INVALID] = CLI_INVALID,
                                [RUN_STOPPED] = CLI_SIGNAL};
    run_start(&j->run);
    if (steps->prepare(steps->arg, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    enum status s = steps->execute(steps->arg, e);
    return codes[run_finish(&j->run, s, e)];
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
    if (cli_parse(&steps->table, &j->words, &j->run.arena, &j->parse, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    j->cli->log.level = level_of(j->run.opts);
    if (steps->plan(steps->arg, e) != STATUS_OK) {
        e->code = e->code == STATUS_NO_MEMORY ? e->code : STATUS_BAD_OPTION;
        return cli_fail(j->cli, e);
    }
    if (choose_tracking(j, steps, e) != STATUS_OK)
        return cli_fail(j->cli, e);
    if (j->run.opts->dry_run)
        return dry_run(j, steps, e);
    stop_install(STOP_RUN);
    tracking_greet(&j->run.tracking);
    return run_planned(j, steps, e);
}

int run_job_main(struct run_job *j, const struct run_steps *steps)
{
    struct err e = {.code = STATUS_OK};
    const struct run_host host = {.log = &j->cli->log,
                                  .tool = j->cli->tool,
                                  .print = print,
                                  .stop = stop_requested,
                                  .is_hung_up = is_hung_up,
                                  .stopped_by = stopped_by,
                                  .arg = j->cli};
    j->run.mode = steps->mode;
    j->run.host = &host;

    arena_init(&j->run.arena, ARENA_CAP_BYTES);
    int code = run(j, steps, &e);
    arena_fini(&j->run.arena);
    return code;
}
