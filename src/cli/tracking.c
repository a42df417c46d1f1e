#include "cli/tracking.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "track/mlflow.h"

#define ROW_MORE_S   0.5 /* of a slow server, for each row */
#define RUN_TRIES    3
#define MESSAGE_SIZE 1024

enum status tracking_choose(struct tracking *t, struct err *e)
{
    const struct account_options o = {.uri = t->uri, .home = getenv("HOME")};
    if (t->is_off)
        return STATUS_OK;
    return account_resolve(&o, t->arena, &t->account, e);
}

static enum status greet(struct tracking *t, struct err *e)
{
    struct mlflow server;
    const char *name = t->experiment != NULL ? t->experiment : t->default_experiment;
    const char *id;
    enum status s = mlflow_open(&server, &t->account, e);
    server.tries = 1;
    server.give_up = clock_after(clock_now(), clock_seconds(TRACKING_GREET_S));
    if (s == STATUS_OK && t->account.is_default)
        s = mlflow_ping(&server, TRACKING_GREET_S / 2, e);
    if (s == STATUS_OK)
        s = mlflow_experiment(&server, name, t->arena, &id, e);
    mlflow_close(&server);
    return s;
}

void tracking_greet(struct tracking *t)
{
    struct err e;
    char text[MESSAGE_SIZE];
    if (t->is_off || greet(t, &e) == STATUS_OK)
        return;
    if (t->account.is_default) {
        t->is_off = true;
        log_line(t->log, LOG_NOTE,
                 "note: no MLflow server at %s (setup_mlflow.sh starts one)",
                 t->account.base);
        return;
    }
    status_format(&e, text, sizeof text);
    log_line(t->log, LOG_WARN, "MLflow: %s The rows are tried again at the end", text);
}

void tracking_tick(void *arg, size_t done, size_t of)
{
    const struct log *log = arg;
    if (log->level < LOG_NOTE || isatty(log->fd) != 1)
        return;
    if (done == of)
        (void)dprintf(log->fd, "\r\033[K");
    else
        (void)dprintf(log->fd, "\r\033[KMLflow %zu/%zu rows", done, of);
}

const char *tracking_user(void)
{
    const char *name = getenv("USER");
    if (name != NULL && *name != '\0')
        return name;
    const struct passwd *who = getpwuid(geteuid());
    return who != NULL ? who->pw_name : NULL;
}

void tracking_warn(struct log *log, const char *who, const char *where,
                   const struct sync_outcome *o)
{
    if (o->cut > 0)
        log_line(log, LOG_WARN,
                 "%s: %zu value%s longer than MLflow keeps, cut there; row.json has %s "
                 "whole",
                 who, o->cut, o->cut == 1 ? "" : "s", o->cut == 1 ? "it" : "them");
    if (o->no_artifacts)
        log_line(log, LOG_WARN,
                 "%s: the server takes no artifacts (--no-serve-artifacts): environment, "
                 "rows and results are %s only",
                 who, where);
    if (o->no_ledger)
        log_line(log, LOG_WARN,
                 "%s: cannot be written: what is logged is known to the server only",
                 o->ledger_path);
}

const char *tracking_log(struct tracking *t, const char *results_path,
                         const char *raw_dir)
{
    struct sync_options o = {.account = &t->account,
                             .experiment = t->experiment,
                             .tags = &t->tags,
                             .user = tracking_user(),
                             .must_verify = t->must_verify,
                             .row_limit_s = TRACKING_ROW_S,
                             .limit_s = TRACKING_ALL_S,
                             .row_more_s = ROW_MORE_S,
                             .tries = RUN_TRIES,
                             .tick = tracking_tick,
                             .arg = t->log};
    struct sync_outcome out;
    struct err e;
    char text[MESSAGE_SIZE];
    if (t->is_off)
        return NULL;
    enum status s = sync_file(results_path, &o, t->arena, &out, &e);
    if (s != STATUS_OK) {
        tracking_tick(t->log, 1, 1);
        status_format(&e, text, sizeof text);
        log_line(t->log, LOG_WARN,
                 "MLflow: %zu of %zu rows are not logged: %s Later: inferbench mlflow "
                 "sync %s",
                 out.pending, out.rows, text, raw_dir);
    }
    const char *where = arena_printf(t->arena, "in %s and beside it", raw_dir);
    tracking_warn(t->log, "MLflow", where != NULL ? where : "in the files", &out);
    if (out.link == NULL)
        return NULL;
    return arena_printf(t->arena, "\nMLflow\n  %s\n", out.link);
}
