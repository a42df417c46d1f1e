#include "cli/run_job.h"

#include "base/path.h"
#include "cli/run_words.h"
#include "cli/stop.h"
#include "run/execute.h"
#include "run/finish.h"
#include "run/mode.h"
#include "run/open.h"
#include "run/peers.h"
#include "run/plan.h"

#define ARENA_CAP_BYTES ((size_t)64 << 30)
#define PRINT_CAP_BYTES ((size_t)16 << 20)

/* Where the rows go; nobody is asked yet. */
static enum status choose_tracking(struct run *r, struct err *e)
{
    const struct run_opts *o = r->opts;
    r->tracking = (struct tracking){.log = r->host->log,
                                    .arena = r->arena,
                                    .uri = o->mlflow_uri,
                                    .experiment = o->mlflow_experiment,
                                    .default_experiment = r->mode->experiment,
                                    .tags = o->mlflow_tags,
                                    .must_verify = o->mlflow_verify,
                                    .stop = stop_requested,
                                    .is_off = o->no_mlflow || !run_peers_is_first(r)};
    return tracking_choose(&r->tracking, e);
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

static int run_planned(struct cli_call *c, struct run *r, const struct run_job_then *then)
{
    static const int codes[] = {[RUN_DONE] = CLI_DONE,
                                [RUN_FAILED] = CLI_FAILED,
                                [RUN_INVALID] = CLI_INVALID,
                                [RUN_STOPPED] = CLI_SIGNAL};
    struct run_command command;
    stop_install(STOP_RUN);
    tracking_greet(&r->tracking);
    run_start(r);
    if (run_peers_start(r, &c->e) != STATUS_OK)
        return cli_fail(c->cli, &c->e);
    if (run_words_record(r, &c->words, &command, &c->e) != STATUS_OK ||
        run_open(r, &command, &c->e) != STATUS_OK)
        return cli_fail(c->cli, &c->e);
    const char *recovery = arena_printf(r->arena, "inferbench recover %s",
                                        path_word(r->raw_dir, r->arena));
    if (recovery != NULL)
        stop_name_recovery(recovery);
    enum status s = run_execute(r, &c->e);
    int code = codes[run_finish(r, s, &c->e)];
    bool has_measured = code == CLI_DONE || code == CLI_INVALID;
    return then != NULL && has_measured ? then->run(then->arg, r, code) : code;
}

static int dry_run(struct cli_call *c, const struct run *r)
{
    struct buf out;
    int code;
    buf_init(&out, PRINT_CAP_BYTES);
    if (!run_peers_is_first(r))
        code = CLI_DONE;
    else if (run_plan_text(r, &out, &c->e) != STATUS_OK)
        code = cli_fail(c->cli, &c->e);
    else
        code = cli_print(c->cli, buf_cstr(&out)) ? CLI_DONE : CLI_FAILED;
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

/* In place of cli_tell. */
static bool print_nothing(void *arg, const char *text)
{
    (void)arg;
    (void)text;
    return true;
}

static int refuse(struct cli_call *c, struct run *r)
{
    int code = cli_fail(c->cli, &c->e);
    run_peers_quit(r);
    return code;
}

int run_job_main(struct cli_call *c, const struct run_mode *mode)
{
    return run_job_do(c, mode, NULL);
}

int run_job_do(struct cli_call *c, const struct run_mode *mode,
               const struct run_job_then *then)
{
    struct cli *cli = c->cli;
    struct run_host host = {.log = &cli->log,
                            .tool = cli->tool,
                            .stop = stop_requested,
                            .is_hung_up = is_hung_up,
                            .stopped_by = stopped_by,
                            .arg = cli};
    const struct run_opts *o = c->opts;
    struct run r = {.mode = mode,
                    .host = &host,
                    .opts = c->opts,
                    .parse = &c->parse,
                    .arena = &c->arena};
    cli->log.level = level_of(o);
    if (run_peers_join(&r, mode->flag == ENGINE_ONLINE, &cli->log, &c->e) != STATUS_OK)
        return cli_fail(cli, &c->e);
    host.print = (then != NULL && then->is_silent) || !run_peers_is_first(&r)
                     ? print_nothing
                     : cli_tell;
    if (run_plan(&r, &c->e) != STATUS_OK) {
        c->e.code = c->e.code == STATUS_NO_MEMORY ? c->e.code : STATUS_BAD_OPTION;
        return refuse(c, &r);
    }
    if (choose_tracking(&r, &c->e) != STATUS_OK)
        return refuse(c, &r);
    int code = o->dry_run ? dry_run(c, &r) : run_planned(c, &r, then);
    return run_peers_leave(&r, code);
}
