#include "track/tracking.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "track/mlflow.h"

#define ROW_MORE_S   0.5 /* of a slow server, for each row */
#define RUN_TRIES    3
#define MESSAGE_SIZE 1024

enum status tracking_check_tags(const struct opt_strings *tags, struct arena *a,
                                struct err *e)
{
    for (size_t i = 0; i < tags->count; i++) {
        struct str rest = str_from(tags->items[i]);
        const char *key = arena_str(a, str_cut(&rest, '='));
        if (key == NULL)
            return status_no_memory(e, "--mlflow-tag");
        if (!entry_is_reserved(key))
            continue;
        (void)status_fail(e, STATUS_BAD_OPTION, "--mlflow-tag",
                          "\"%.100s\" is a tag set by inferbench", key);
        return status_hint(e, "Use another name, e.g. my.%.100s", key);
    }
    return STATUS_OK;
}

enum status tracking_choose(struct tracking *t, struct err *e)
{
    const struct account_options o = {.uri = t->uri, .home = getenv("HOME")};
    if (t->is_off)
        return STATUS_OK;
    if (tracking_check_tags(&t->tags, t->arena, e) != STATUS_OK)
        return e->code;
    return account_resolve(&o, t->arena, &t->account, e);
}

static enum status greet(struct tracking *t, struct err *e)
{
    struct mlflow server;
    const char *name = t->experiment, *id;
    enum status s = mlflow_open(&server, &t->account, e);
    server.tries = 1;
    server.give_up = clock_after(clock_now(), clock_seconds(TRACKING_GREET_S));
    if (s == STATUS_OK && t->account.is_default)
        s = mlflow_ping(&server, TRACKING_GREET_S / 2, e);
    if (s == STATUS_OK && name == NULL)
        s = mlflow_default_experiment(&server, t->arena, &name, e);
    if (s == STATUS_OK)
        s = mlflow_experiment(&server, name != NULL ? name : t->default_experiment,
                              t->arena, &id, e);
    mlflow_close(&server);
    return s;
}

static void tell_later(const struct tracking *t, const struct err *e)
{
    char text[MESSAGE_SIZE];
    status_format(e, text, sizeof text);
    log_line(t->log, LOG_WARN, "MLflow: %s The rows are sent again at the end", text);
}

void tracking_greet(struct tracking *t)
{
    struct err e;
    if (t->is_off || greet(t, &e) == STATUS_OK)
        return;
    if (t->account.is_default) {
        t->is_off = true;
        log_line(t->log, LOG_NOTE,
                 "note: no MLflow server at %s (setup_mlflow.sh starts one)",
                 t->account.base);
        return;
    }
    tell_later(t, &e);
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
                 "%s: %zu value%s longer than MLflow allows, truncated there; row.json "
                 "has %s in full",
                 who, o->cut, str_plural((int64_t)o->cut), o->cut == 1 ? "it" : "them");
    if (o->no_artifacts)
        log_line(log, LOG_WARN,
                 "%s: the server accepts no artifacts (--no-serve-artifacts): "
                 "environment, rows and results are %s only",
                 who, where);
    if (o->no_ledger)
        log_line(log, LOG_WARN,
                 "%s: cannot be written: only the server knows what is logged",
                 o->ledger_path);
}

static struct sync_options options_of(const struct tracking *t)
{
    return (struct sync_options){.account = &t->account,
                                 .experiment = t->experiment,
                                 .tags = &t->tags,
                                 .user = tracking_user(),
                                 .must_verify = t->must_verify,
                                 .row_limit_s = TRACKING_ROW_S,
                                 .tries = RUN_TRIES};
}

void tracking_log_part(struct tracking *t, const char *results_path, struct arena *a)
{
    struct sync_options o = options_of(t);
    struct sync_outcome out;
    struct err e;
    if (t->is_off || t->is_late)
        return;
    o.is_partial = true;
    o.stop = t->stop;
    o.limit_s = TRACKING_PART_S;
    if (sync_file(results_path, &o, a, &out, &e) != STATUS_OK) {
        t->is_late = true;
        tell_later(t, &e);
    }
    if (out.link != NULL && !t->has_linked)
        log_line(t->log, LOG_NOTE, "MLflow: partial rows at %s", out.link);
    t->has_linked = t->has_linked || out.link != NULL;
}

const char *tracking_log(struct tracking *t, const char *results_path,
                         const char *raw_dir)
{
    struct sync_options o = options_of(t);
    struct sync_outcome out;
    struct err e;
    char text[MESSAGE_SIZE];
    if (t->is_off)
        return NULL;
    o.limit_s = TRACKING_ALL_S;
    o.row_more_s = ROW_MORE_S;
    o.tick = t->tick;
    o.arg = t->arg;
    enum status s = sync_file(results_path, &o, t->arena, &out, &e);
    if (s != STATUS_OK) {
        status_format(&e, text, sizeof text);
        log_line(t->log, LOG_WARN,
                 "MLflow: %zu of %zu rows are not logged: %s Later: inferbench mlflow "
                 "sync %s",
                 out.pending, out.rows, text, path_word(raw_dir, t->arena));
    }
    const char *where = arena_printf(t->arena, "in %s and beside it", raw_dir);
    tracking_warn(t->log, "MLflow", where != NULL ? where : "in the files", &out);
    if (out.link == NULL)
        return NULL;
    return arena_printf(t->arena, "\nMLflow\n  %s\n", out.link);
}
