#include "track/pull.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "core/run_data.h"
#include "text/json.h"
#include "text/jsonw.h"
#include "track/mlflow.h"
#include "track/pulled.h"

#define FILE_CAP_BYTES ((size_t)4 << 30)
#define TEXT_CAP_BYTES ((size_t)1 << 20)
#define PING_S         10.0
#define TRIES          4 /* of a call, some 4 s in all */
#define SEND_AGAIN     "Send its results again: inferbench mlflow sync RESULTS.json"

struct puller {
    const struct pull_options *options;
    struct arena *arena;
    struct pull_result *result;
    struct mlflow server;
    const char *experiment_id;
    struct pulled *runs; /* [count] */
    size_t count, room;
    size_t failed_rows;
    struct err first_skip;
};

/* ---- the experiment --- */

/* Names of the experiments that can be read, as many as fit. */
static void list_experiments(struct puller *p, struct err *e)
{
    json_t *answer = NULL;
    struct err ignored;
    struct buf names;
    size_t i, left = 0;
    json_t *item;
    if (mlflow_experiments(&p->server, &answer, &ignored) != STATUS_OK)
        return;
    buf_init(&names, TEXT_CAP_BYTES);
    json_array_foreach(answer, i, item)
    {
        const char *name = json_str_of(item, "name");
        if (name == NULL || names.len + strlen(name) > sizeof e->hint - 64) {
            left++;
            continue;
        }
        buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", name);
    }
    if (left > 0)
        buf_printf(&names, " and %zu more", left);
    if (names.len > 0)
        status_hint(e, "There are: %s", buf_cstr(&names));
    else
        status_hint(e, "The server has none: inferbench mlflow sync RESULTS.json makes "
                       "one");
    buf_fini(&names);
    json_decref(answer);
}

static enum status no_experiment(struct puller *p, const char *name, struct err *e)
{
    if (name == NULL) {
        status_fail(e, STATUS_BAD_OPTION, "--experiment", "which one is unknown");
        list_experiments(p, e);
        return e->code;
    }
    status_fail(e, STATUS_NOT_FOUND, p->server.account->base,
                "no experiment is called \"%.200s\"", name);
    list_experiments(p, e);
    return e->code;
}

static enum status find_experiment(struct puller *p, struct err *e)
{
    const char *name = p->options->experiment, *base = p->server.account->base;
    struct mlflow_found found;
    bool is_named = name != NULL && *name != '\0';
    if (!is_named &&
        mlflow_default_experiment(&p->server, p->arena, &name, e) != STATUS_OK)
        return e->code;
    if (name == NULL || *name == '\0')
        return no_experiment(p, NULL, e);
    p->result->experiment = name;
    enum status s = mlflow_look_up(&p->server, name, p->arena, &found, e);
    if (s == STATUS_NOT_FOUND && p->server.call.status == 404)
        return no_experiment(p, name, e);
    if (s != STATUS_OK)
        return s;
    p->experiment_id = found.id;
    if (!found.is_deleted)
        return STATUS_OK;
    status_fail(e, STATUS_NOT_FOUND, base, "experiment \"%.200s\" is deleted", name);
    return status_hint(e, "Restore it: mlflow experiments restore --experiment-id %.40s",
                       found.id);
}

/* ---- its runs --- */

static const char *keep(struct puller *p, const char *text, const char *otherwise)
{
    return arena_strdup(p->arena, text != NULL ? text : otherwise);
}

static enum status take_run(void *arg, json_t *run, struct err *e)
{
    struct puller *p = arg;
    const char *id = mlflow_info(run, "run_id"), *unique = mlflow_tag(run, ENTRY_ROW_TAG);
    if (id == NULL || unique == NULL)
        return STATUS_OK;
    if (!arena_grow(p->arena, &p->runs, p->count, &p->room, sizeof *p->runs))
        return status_no_memory(e, "MLflow");
    struct pulled *f = &p->runs[p->count++];
    *f = (struct pulled){
        .id = keep(p, id, ""),
        .name = keep(p, mlflow_info(run, "run_name"), id),
        .artifact_uri = keep(p, mlflow_info(run, "artifact_uri"), ""),
        .unique = keep(p, unique, ""),
        .start_ms = json_range_of(json_object_get(run, "info"), "start_time", 0,
                                  JSON_COUNT_MAX, 0),
        .stamp = keep(p, mlflow_tag(run, "timestamp"), ""),
    };
    if (f->id == NULL || f->name == NULL || f->artifact_uri == NULL ||
        f->unique == NULL || f->stamp == NULL)
        return status_no_memory(e, "MLflow");
    return pulled_split(f, p->arena) == STATUS_OK ? STATUS_OK
                                                  : status_no_memory(e, "MLflow");
}

static enum status search(struct puller *p, struct err *e)
{
    const char *own = p->options->filter;
    bool has_filter = own != NULL && own[strspn(own, " ")] != '\0';
    const char *filter = arena_printf(p->arena, "tags.`" ENTRY_ROW_TAG "` LIKE '%%'%s%s",
                                      has_filter ? " AND " : "", has_filter ? own : "");
    if (filter == NULL)
        return status_no_memory(e, "MLflow");
    const struct mlflow_query q = {
        .experiment_id = p->experiment_id, .filter = filter, .take = take_run, .arg = p};
    enum status s = mlflow_search(&p->server, &q, e);
    if (s == STATUS_BAD_INPUT && p->server.call.status == 400 && has_filter) {
        e->code = s = STATUS_BAD_OPTION;
        status_hint(e, "See --filter; e.g. \"tags.label = 'g5' and params.batch_size = "
                       "'4'\". There are AND and comparisons, no OR and no brackets");
    }
    return s;
}

static enum status find_runs(struct puller *p, struct err *e)
{
    enum status s = search(p, e);
    if (s != STATUS_OK || p->count > 0)
        return s;
    bool has_filter = p->options->filter != NULL;
    status_fail(e, STATUS_NOT_FOUND, p->server.account->base,
                "experiment \"%.200s\" has no inferbench runs%s", p->result->experiment,
                has_filter ? " that match the filter" : "");
    return status_hint(
        e, has_filter ? "Try without --filter"
                      : "inferbench mlflow sync RESULTS.json sends results there");
}

/* ---- their rows --- */

static const char *name_row(struct puller *p, const struct pulled *f)
{
    const char *name = arena_printf(p->arena, "row.json of MLflow run %.90s (%s)",
                                    f->name, f->id);
    return name != NULL ? name : "row.json";
}

static enum status skip(struct puller *p, const struct err *why, bool is_bad,
                        struct err *e)
{
    const struct input_skip one = {.why = inputs_why(why, p->arena), .is_bad = is_bad};
    if (p->result->skipped.count == 0)
        p->first_skip = *why;
    if (why->code == STATUS_NO_MEMORY ||
        inputs_skip(&p->result->skipped, one, p->arena) != STATUS_OK)
        return status_no_memory(e, "MLflow");
    return STATUS_OK;
}

static enum status keep_row(struct puller *p, struct pulled *f, struct err *e)
{
    const struct buf *body = &p->server.call.body;
    char *text = arena_str(p->arena, buf_str(body));
    if (text == NULL)
        return status_no_memory(e, "MLflow");
    f->text = (struct str){text, body->len};
    if (pulled_check(f, name_row(p, f), p->arena, e) == STATUS_OK)
        return STATUS_OK;
    f->text.len = 0;
    return status_hint(e, SEND_AGAIN);
}

static enum status fetch_row(struct puller *p, struct pulled *f, struct err *e)
{
    struct err why;
    switch (mlflow_fetch(&p->server, f->artifact_uri, "row.json", e)) {
    case STATUS_OK:
        return keep_row(p, f, &why) == STATUS_OK ? STATUS_OK : skip(p, &why, true, e);
    case STATUS_NOT_FOUND:
        status_fail(&why, STATUS_NOT_FOUND, name_row(p, f), "is missing");
        status_hint(&why, SEND_AGAIN);
        return skip(p, &why, false, e);
    case STATUS_UNSUPPORTED:
        if (p->server.call.status == 401 || p->server.call.status == 403)
            return e->code;
        status_fail(
            &why, STATUS_UNSUPPORTED, name_row(p, f),
            "cannot be read back: the server stores it where only its own machine can "
            "read it (--no-serve-artifacts, or another artifact root), at %.120s",
            f->artifact_uri);
        status_hint(&why, "Start it without that option and send the results into a new "
                          "experiment, or merge the results files");
        return skip(p, &why, true, e);
    default: return e->code;
    }
}

static enum status fetch_rows(struct puller *p, struct err *e)
{
    const struct pull_options *o = p->options;
    enum status s = STATUS_OK;
    for (size_t i = 0; i < p->count && s == STATUS_OK; i++) {
        struct pulled *f = &p->runs[i];
        if (o->progress != NULL)
            o->progress(o->arg, i, p->count);
        s = fetch_row(p, f, e);
        p->result->rows += f->text.len > 0;
        p->failed_rows += f->text.len > 0 && f->is_failed;
    }
    if (s != STATUS_OK || p->result->rows > 0)
        return s;
    *e = p->first_skip;
    return e->code;
}

/* ---- the machines they were measured on --- */

/* The first file of a run's folder "environment". Without one the analysis does not know
 * region and versions, which it says. */
static void fetch_environment(struct puller *p, struct pulled *f)
{
    struct err ignored;
    json_t *list = NULL, *file;
    size_t i;
    if (mlflow_list(&p->server, f->id, "environment", &list, &ignored) != STATUS_OK)
        return;
    json_array_foreach(list, i, file)
    {
        const char *name = json_str_of(file, "path");
        const struct buf *body = &p->server.call.body;
        json_t *env = NULL;
        if (f->env != NULL || name == NULL || json_bool_of(file, "is_dir", false) ||
            mlflow_fetch(&p->server, f->artifact_uri, name, &ignored) != STATUS_OK)
            continue;
        struct str text = buf_str(body);
        if (json_from_text(text, name, &env, &ignored) == STATUS_OK &&
            json_is_object(env))
            f->env = arena_str(p->arena, text);
        json_decref(env);
    }
    json_decref(list);
}

/* Runs are sorted: each group is met once. Rows without run_id have none in a merged file
 * either. */
static void fetch_environments(struct puller *p)
{
    const char *last = "";
    for (size_t i = 0; i < p->count; i++) {
        struct pulled *f = &p->runs[i];
        if (f->row < 0 || f->text.len == 0 || strcmp(f->group, last) == 0)
            continue;
        last = f->group;
        fetch_environment(p, f);
    }
}

/* ---- the file --- */

static void put_metadata(const struct puller *p, const char *link, struct jsonw *w)
{
    char when[CLOCK_TEXT_BYTES];
    const struct pull_options *o = p->options;
    const struct pull_result *r = p->result;
    clock_iso_local(o->now, o->utc_offset_s, when);
    jsonw_object(w, "metadata");
    jsonw_str(w, "merged_at", when);
    jsonw_array(w, "source_files");
    jsonw_str(w, NULL, link);
    jsonw_array_end(w);
    jsonw_str(w, "mlflow_experiment", p->result->experiment);
    jsonw_str(w, "mlflow_filter", o->filter);
    jsonw_int(w, "total_runs", (int64_t)r->rows);
    jsonw_int(w, "failed_rows", (int64_t)p->failed_rows);
    jsonw_int(w, "format", RECORD_FORMAT);
    jsonw_str(w, "tool", o->tool);
    pulled_put_sources(p->runs, p->count, link, w);
    inputs_write_skips(&r->skipped, link, w);
    jsonw_object_end(w);
}

static enum status write_file(struct puller *p, struct err *e)
{
    const char *link = arena_printf(p->arena, "%s/#/experiments/%s",
                                    p->server.account->base, p->experiment_id);
    struct jsonw w;
    struct buf out;
    if (link == NULL)
        return status_no_memory(e, "MLflow");
    buf_init(&out, FILE_CAP_BYTES);
    jsonw_init(&w, &out, 2);
    jsonw_object(&w, NULL);
    put_metadata(p, link, &w);
    enum status s = pulled_put_rows(p->runs, p->count, &w);
    jsonw_object_end(&w);
    buf_char(&out, '\n');
    out.failed = s != STATUS_OK ? s : out.failed;
    s = file_put(p->options->output, &out, e);
    buf_fini(&out);
    return s;
}

static enum status say_hello(struct puller *p, struct err *e)
{
    enum status s = mlflow_ping(&p->server, PING_S, e);
    if (s != STATUS_OK && p->server.account->is_default)
        status_hint(e, "No server was given: use --mlflow-uri http://HOST:5000");
    return s;
}

static enum status fetch_all(struct puller *p, struct err *e)
{
    if (say_hello(p, e) != STATUS_OK || find_experiment(p, e) != STATUS_OK ||
        find_runs(p, e) != STATUS_OK)
        return e->code;
    pulled_sort(p->runs, p->count);
    if (fetch_rows(p, e) != STATUS_OK)
        return e->code;
    fetch_environments(p);
    return STATUS_OK;
}

enum status pull_rows(const struct account *account, const struct pull_options *options,
                      struct arena *a, struct pull_result *out, struct err *e)
{
    struct puller p = {.options = options, .arena = a, .result = out};
    *out = (struct pull_result){.rows = 0};
    bool is_open = mlflow_open(&p.server, account, e) == STATUS_OK;
    p.server.tries = TRIES;
    enum status s = is_open ? fetch_all(&p, e) : e->code;
    if (s == STATUS_OK)
        s = write_file(&p, e);
    mlflow_close(&p.server);
    return s;
}
