#include "cli/run_job.h"

#include "cli/run_words.h"
#include "cli/stop.h"
#include "run/execute.h"
#include "run/finish.h"
#include "run/mode.h"
#include "run/open.h"
#include "run/plan.h"

#define ARENA_CAP_BYTES ((size_t)64 << 30)
#define PRINT_CAP_BYTES ((size_t)16 << 20)

/* Where the rows go; nobody is asked yet. */
static enum status choose_tracking(struct run *r, struct err *e)
{
    const struct run_opts *o = &r->opts;
    r->tracking = (struct tracking){.log = r->host->log,
                                    .arena = &r->arena,
                                    .uri = o->mlflow_uri,
                                    .experiment = o->mlflow_experiment,
                                    .default_experiment = r->mode->experiment,
                                    .tags = o->mlflow_tags,
                                    .must_verify = o->mlflow_verify,
                                    .stop = stop_requested,
                                    .is_off = o->no_mlflow};
    return tracking_choose(&r->tracking, e);
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

static int run_planned(struct cli *cli, struct run *r, const struct cli_words *w,
                       struct err *e)
{
    static const int codes[] = {[RUN_DONE] = CLI_DONE,
                                [RUN_FAILED] = CLI_FAILED,
                                [RUN_INVALID] = CLI_INVALID,
                                [RUN_STOPPED] = CLI_SIGNAL};
    struct run_command command;
    stop_install(STOP_RUN);
    tracking_greet(&r->tracking);
    run_start(r);
    if (run_words_record(r, w, &command, e) != STATUS_OK ||
        run_open(r, &command, e) != STATUS_OK)
        return cli_fail(cli, e);
    enum status s = run_execute(r, e);
    return codes[run_finish(r, s, e)];
}

static int dry_run(struct cli *cli, const struct run *r, struct err *e)
{
    struct buf out;
    int code;
    buf_init(&out, PRINT_CAP_BYTES);
    if (run_plan_text(r, &out, e) != STATUS_OK)
        code = cli_fail(cli, e);
    else
        code = cli_print(cli, buf_cstr(&out)) ? CLI_DONE : CLI_FAILED;
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

static int run(struct cli *cli, struct run *r, const struct cli_words *w, struct err *e)
{
    struct cli_table table = {.target = &r->opts};
    table.rows = run_opts_table(r->mode->flag, &table.count);
    if (cli_parse(&table, w, &r->arena, &r->parse, e) != STATUS_OK)
        return cli_fail(cli, e);
    cli->log.level = level_of(&r->opts);
    if (run_plan(r, e) != STATUS_OK) {
        e->code = e->code == STATUS_NO_MEMORY ? e->code : STATUS_BAD_OPTION;
        return cli_fail(cli, e);
    }
    if (choose_tracking(r, e) != STATUS_OK)
        return cli_fail(cli, e);
    return r->opts.dry_run ? dry_run(cli, r, e) : run_planned(cli, r, w, e);
}

int run_job_main(struct cli *cli, const struct run_mode *mode, const struct cli_words *w)
{
    struct err e = {.code = STATUS_OK};
    const struct run_host host = {.log = &cli->log,
                                  .tool = cli->tool,
                                  .print = print,
                                  .stop = stop_requested,
                                  .is_hung_up = is_hung_up,
                                  .stopped_by = stopped_by,
                                  .arg = cli};
    struct run r = {.mode = mode, .host = &host};
    arena_init(&r.arena, ARENA_CAP_BYTES);
    int code = run(cli, &r, w, &e);
    arena_fini(&r.arena);
    return code;
}
