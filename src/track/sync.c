#include "track/sync.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "text/json.h"
#include "track/bundle.h"
#include "track/entry.h"
#include "track/ledger.h"
#include "track/mlflow.h"
#include "track/mlflow_body.h"

#define FILE_CAP_BYTES ((size_t)1 << 30)
#define SHELVES_MAX    256

/* Runs that the server holds of one run of inferbench. */
struct shelf {
    const char *experiment, *id;
    const char *run_id; /* NULL: rows of offline_benchmark.py, looked for one by one */
    json_t *runs;       /* UNIQUE: run object */
};

/* A file to store as an artifact. */
struct file {
    const char *path; /* among the artifacts; NULL: there is none */
    struct buf bytes;
};

struct job {
    const struct sync_options *options;
    struct arena *arena;
    struct sync_outcome *out;
    struct mlflow server;
    const char *experiment; /* NULL: by serving mode */
    struct bundle bundle;
    struct ledger ledger;
    struct entry_context context; /* of rows of the file's own run */
    size_t last;                  /* index of the row that takes the files along */
    struct shelf shelves[SHELVES_MAX];
    size_t shelf_count;
    struct file env, results, summary;
    struct instant end;
};

/* --- what the server holds */

static enum status shelve(void *arg, json_t *run, struct err *e)
{
    struct shelf *s = arg;
    const char *unique = mlflow_tag(run, ENTRY_ROW_TAG);
    if (unique == NULL ||
        (mlflow_is_deleted(run) && json_object_get(s->runs, unique) != NULL))
        return STATUS_OK;
    if (json_object_set(s->runs, unique, run) != 0)
        return status_no_memory(e, "runs of MLflow");
    return STATUS_OK;
}

/* Runs with that value of a tag onto the shelf, also deleted ones. */
static enum status look(struct job *j, struct shelf *s, const char *tag,
                        const char *value, struct err *e)
{
    const char *filter = mlflow_body_filter(tag, value, j->arena);
    if (filter == NULL)
        return status_no_memory(e, "MLflow");
    const struct mlflow_query q = {.experiment_id = s->id,
                                   .filter = filter,
                                   .with_deleted = true,
                                   .take = shelve,
                                   .arg = s};
    return mlflow_search(&j->server, &q, e);
}

/* The shelf of an entry, filled. */
static enum status shelf_of(struct job *j, const struct entry *entry, struct shelf **out,
                            struct err *e)
{
    const char *id = NULL;
    if (j->experiment == NULL &&
        mlflow_default_experiment(&j->server, j->arena, &j->experiment, e) != STATUS_OK)
        return e->code;
    const char *experiment = j->experiment != NULL ? j->experiment : entry->experiment;
    for (size_t i = 0; i < j->shelf_count; i++) {
        struct shelf *s = &j->shelves[i];
        if (strcmp(s->experiment, experiment) != 0)
            continue;
        id = s->id;
        *out = s;
        if (str_same(s->run_id, entry->run_id))
            return STATUS_OK;
    }
    if (j->shelf_count == SHELVES_MAX)
        return status_fail(e, STATUS_UNSUPPORTED, j->bundle.results_path,
                           "holds rows of more than %d runs", SHELVES_MAX);
    if (id == NULL &&
        mlflow_experiment(&j->server, experiment, j->arena, &id, e) != STATUS_OK)
        return e->code;
    struct shelf *s = &j->shelves[j->shelf_count];
    *s = (struct shelf){.experiment = experiment,
                        .id = id,
                        .run_id = entry->run_id,
                        .runs = json_object()};
    if (s->runs == NULL)
        return status_no_memory(e, "MLflow");
    j->shelf_count++;
    *out = s;
    return s->run_id != NULL ? look(j, s, "run_id", s->run_id, e) : STATUS_OK;
}

/* --- one row */

static enum status store(struct job *j, const json_t *run, const char *path,
                         struct str bytes, struct err *e)
{
    if (bytes.len == 0 || j->out->no_artifacts)
        return STATUS_OK;
    const char *uri = mlflow_info(run, "artifact_uri");
    enum status s = mlflow_put(&j->server, uri, path, bytes, e);
    if (s != STATUS_UNSUPPORTED || j->server.call.status == 401 ||
        j->server.call.status == 403)
        return s;
    j->out->no_artifacts = true;
    return STATUS_OK;
}

static enum status store_file(struct job *j, const json_t *run, const struct file *f,
                              struct err *e)
{
    return f->path == NULL
               ? STATUS_OK
               : store(j, run, f->path, (struct str){f->bytes.data, f->bytes.len}, e);
}

/* The files are of one run; rows of others may stand in it, put there by hand. */
static bool is_own(const struct job *j, size_t index)
{
    return bundle_is_of_run(&j->bundle, json_str_of(j->bundle.rows[index].row, "run_id"));
}

static enum status store_all(struct job *j, const json_t *run, size_t index,
                             struct err *e)
{
    bool is_last = index == j->last;
    if ((is_own(j, index) && store_file(j, run, &j->env, e) != STATUS_OK) ||
        (is_last && (store_file(j, run, &j->results, e) != STATUS_OK ||
                     store_file(j, run, &j->summary, e) != STATUS_OK)))
        return e->code;
    return store(j, run, "row.json", j->bundle.rows[index].as_written, e);
}

/* -1: no such file is listed. */
static int64_t bytes_of(const json_t *files, const char *name)
{
    size_t i;
    json_t *file;
    json_array_foreach(
        files, i, file) if (json_str_is(file, "path",
                                        name)) return json_range_of(file, "file_size", 0,
                                                                    JSON_BYTES_MAX, 0);
    return -1;
}

/* Reads a run back; row: as it was sent. */
static enum status verify(struct job *j, const char *run, const struct entry *entry,
                          const struct bundle_row *row, struct err *e)
{
    json_t *held = NULL, *files = NULL;
    int64_t bytes, want = (int64_t)row->as_written.len;
    if (mlflow_get(&j->server, run, &held, e) != STATUS_OK)
        return e->code;
    enum status s = readback_check(entry, held, e);
    json_decref(held);
    if (s != STATUS_OK || j->out->no_artifacts)
        return s;
    if (mlflow_list(&j->server, run, NULL, &files, e) != STATUS_OK)
        return e->code;
    bytes = bytes_of(files, "row.json");
    json_decref(files);
    if (bytes == want)
        return STATUS_OK;
    return status_fail(e, STATUS_BAD_INPUT, entry->name,
                       "MLflow holds %lld bytes of row.json, not %lld", (long long)bytes,
                       (long long)want);
}

/* A new run; where its answer was lost, the one that it made all the same. */
static enum status make_run(struct job *j, struct shelf *s, const struct entry *entry,
                            json_t **run, struct err *e)
{
    for (int tried = 1;; tried++) {
        enum status st = mlflow_create(&j->server, s->id, entry, run, e);
        bool was_lost = st == STATUS_TIMEOUT || st == STATUS_CLOSED ||
                        (st != STATUS_OK && j->server.call.status >= 429 &&
                         j->server.call.status != 500);
        if (!was_lost || tried >= j->server.tries)
            return st;
        if (look(j, s, ENTRY_ROW_TAG, entry->unique, e) != STATUS_OK)
            return e->code;
        *run = json_incref(json_object_get(s->runs, entry->unique));
        if (*run != NULL)
            return STATUS_OK;
    }
}

static void confirm(struct job *j, const struct shelf *s, const struct entry *entry,
                    const char *run)
{
    const struct ledger_place place = {j->options->account->base, s->experiment, s->id};
    ledger_note(&j->ledger, &place, entry->unique, run);
}

static enum status send_row(struct job *j, struct shelf *s, const struct entry *entry,
                            size_t index, struct err *e)
{
    json_t *run = json_incref(json_object_get(s->runs, entry->unique));
    if (run == NULL && make_run(j, s, entry, &run, e) != STATUS_OK)
        return e->code;
    const char *id = mlflow_info(run, "run_id");
    int64_t start_ms = json_range_of(json_object_get(run, "info"), "start_time", 0,
                                     JSON_COUNT_MAX, entry->start_ms);
    enum status st = STATUS_INTERNAL;
    if (id == NULL)
        st = status_fail(e, STATUS_BAD_INPUT, entry->name, "MLflow's run has no run_id");
    else if (mlflow_log(&j->server, id, entry, start_ms, e) != STATUS_OK ||
             store_all(j, run, index, e) != STATUS_OK ||
             mlflow_end(&j->server, id, entry, e) != STATUS_OK)
        st = e->code;
    else
        st = j->options->must_verify ? verify(j, id, entry, &j->bundle.rows[index], e)
                                     : STATUS_OK;
    if (st == STATUS_OK) {
        (void)json_object_set(s->runs, entry->unique, run);
        confirm(j, s, entry, id);
        j->out->sent++;
        j->out->cut += entry->cut;
    }
    json_decref(run);
    return st;
}

/* The last row of a run takes the files of the whole run along. Those of --save-every
 * sent it before it was known to be the last: then nothing but row.json lies there. */
static bool lacks_files(struct job *j, const json_t *run)
{
    struct err ignored;
    json_t *files = NULL, *file;
    size_t i, others = 0;
    if (mlflow_list(&j->server, mlflow_info(run, "run_id"), NULL, &files, &ignored) !=
        STATUS_OK)
        return false;
    json_array_foreach(files, i, file)
    {
        const char *its = json_str_of(file, "path");
        bool is_dir = json_bool_of(file, "is_dir", false);
        others += !is_dir && its != NULL && strcmp(its, "row.json") != 0;
    }
    bool has_row = bytes_of(files, "row.json") >= 0;
    bool has_summary = j->summary.path == NULL || others > 1;
    json_decref(files);
    return has_row && (others == 0 || !has_summary);
}

/* Does the server hold all of a row? */
static bool is_whole(struct job *j, const struct entry *entry, const json_t *run,
                     size_t index)
{
    struct err differs;
    bool takes_files = entry->run_id != NULL && j->results.path != NULL &&
                       index == j->last;
    return readback_check(entry, run, &differs) == STATUS_OK &&
           !(takes_files && lacks_files(j, run));
}

static enum status take_row(struct job *j, size_t index, struct err *e)
{
    const struct bundle_row *from = &j->bundle.rows[index];
    const struct entry_row row = {from->row, from->as_written.ptr};
    const struct entry_context other = {.tags = j->context.tags, .user = j->context.user};
    const struct entry_context *context = is_own(j, index) ? &j->context : &other;
    struct entry entry;
    struct shelf *s = NULL;
    if (entry_of_row(&row, context, j->arena, &entry, e) != STATUS_OK ||
        shelf_of(j, &entry, &s, e) != STATUS_OK || s == NULL)
        return e->code;
    if (s->run_id == NULL && json_object_get(s->runs, entry.unique) == NULL &&
        look(j, s, ENTRY_ROW_TAG, entry.unique, e) != STATUS_OK)
        return e->code;
    const json_t *run = json_object_get(s->runs, entry.unique);
    if (mlflow_is_deleted(run)) {
        j->out->deleted++;
        return STATUS_OK;
    }
    if (run != NULL && is_whole(j, &entry, run, index)) {
        confirm(j, s, &entry, mlflow_info(run, "run_id"));
        j->out->there++;
        return STATUS_OK;
    }
    return send_row(j, s, &entry, index, e);
}

/* --- a file */

/* The refusal of the first such row, with how many there are. */
static enum status refuse_rows(const struct bundle *b, struct err *e)
{
    *e = b->refusal;
    if (b->refused == 1)
        return status_hint(e, "This row was changed after it was written and is not "
                              "logged. Log the original file");
    return status_hint(e,
                       "%zu rows were changed after they were written and are not "
                       "logged. Log the original files",
                       b->refused);
}

/* Why not all rows are there. */
static enum status conclude(struct job *j, struct err *e)
{
    struct sync_outcome *out = j->out;
    if (out->first.code == STATUS_OK && out->refused > 0)
        (void)refuse_rows(&j->bundle, &out->first);
    if (out->first.code != STATUS_OK)
        *e = out->first;
    return out->first.code;
}

/* After such a failure the next row fares no better. */
static bool is_final(const struct job *j, enum status s)
{
    if (s == STATUS_BAD_INPUT)
        return j->server.call.status >= 500 || j->server.call.status == 404;
    return s != STATUS_NOT_FOUND;
}

static void take_rows(struct job *j)
{
    struct sync_outcome *out = j->out;
    const struct sync_options *o = j->options;
    for (size_t i = 0; i < j->bundle.count; i++) {
        struct err e;
        enum status s = STATUS_OK;
        struct instant limit = clock_after(clock_now(), clock_seconds(o->row_limit_s));
        j->server.give_up = clock_before(limit, j->end) ? limit : j->end;
        if (o->stop != NULL && o->stop(NULL))
            s = status_fail(&e, STATUS_INTERRUPTED, "MLflow", "stopped by a signal");
        else
            s = take_row(j, i, &e);
        if (s != STATUS_OK) {
            if (out->first.code == STATUS_OK)
                out->first = e;
            out->pending += is_final(j, s) ? j->bundle.count - i : 1;
            if (is_final(j, s))
                return;
        }
        if (o->tick != NULL)
            o->tick(o->arg, i + 1, j->bundle.count);
    }
}

static enum status read_one(struct job *j, struct file *f, const char *folder,
                            const char *path, struct err *e)
{
    if (path == NULL)
        return STATUS_OK;
    f->path = arena_printf(j->arena, "%s%s", folder, file_base_name(path));
    if (f->path == NULL)
        return status_no_memory(e, path);
    return file_read(path, &f->bytes, e);
}

static enum status read_files(struct job *j, struct err *e)
{
    const struct bundle *b = &j->bundle;
    if (read_one(j, &j->env, "environment/", b->env_path, e) != STATUS_OK)
        return e->code;
    if (b->is_merged || j->options->is_partial)
        return STATUS_OK;
    if (read_one(j, &j->summary, "", b->summary_path, e) != STATUS_OK)
        return e->code;
    return read_one(j, &j->results, "", b->results_path, e);
}

static void make_link(struct job *j)
{
    if (j->out->sent + j->out->there == 0)
        return;
    const struct shelf *s = &j->shelves[0];
    const char *only = j->shelf_count == 1 ? s->run_id : NULL;
    j->out->link = account_runs_link(j->options->account, s->id, only, j->arena);
}

/* Of the last row of the file's own run; past all rows where there is none. */
static size_t last_own(const struct job *j)
{
    size_t i = j->bundle.count;
    while (i > 0 && !is_own(j, i - 1))
        i--;
    return i > 0 ? i - 1 : j->bundle.count;
}

static enum status work(struct job *j, struct err *e)
{
    const struct sync_options *o = j->options;
    j->out->refused = j->bundle.refused;
    j->out->rows = j->out->pending = j->bundle.count + j->bundle.refused;
    if (j->bundle.count == 0 && j->bundle.refused > 0)
        return refuse_rows(&j->bundle, e);
    j->end = clock_after(
        clock_now(), clock_seconds(o->limit_s + (double)j->bundle.count * o->row_more_s));
    j->context = (struct entry_context){
        .options = json_object_get(j->bundle.metadata, "options"),
        .plan_sha256 = json_str_of(j->bundle.metadata, "plan_sha256"),
        .tags = o->tags,
        .user = o->user};
    j->last = last_own(j);
    if (read_files(j, e) != STATUS_OK ||
        ledger_open(&j->ledger, j->bundle.ledger_path, e) != STATUS_OK ||
        mlflow_open(&j->server, o->account, e) != STATUS_OK)
        return e->code;
    j->server.tries = o->tries;
    j->server.stop = o->stop;
    j->experiment = o->experiment;
    j->out->pending = j->bundle.refused;
    take_rows(j);
    make_link(j);
    j->out->ledger_path = j->bundle.ledger_path;
    return conclude(j, e);
}

enum status sync_file(const char *results_path, const struct sync_options *o,
                      struct arena *a, struct sync_outcome *out, struct err *e)
{
    struct job *j = arena_alloc(a, 1, sizeof *j);
    *out = (struct sync_outcome){0};
    if (j == NULL)
        return status_no_memory(e, results_path);
    *j = (struct job){.options = o, .arena = a, .out = out};
    buf_init(&j->env.bytes, FILE_CAP_BYTES);
    buf_init(&j->results.bytes, FILE_CAP_BYTES);
    buf_init(&j->summary.bytes, FILE_CAP_BYTES);
    enum status s = bundle_open(results_path, a, &j->bundle, e);
    if (s == STATUS_OK) {
        s = work(j, e);
        ledger_close(&j->ledger);
        out->no_ledger = j->ledger.failed.code != STATUS_OK;
        mlflow_close(&j->server);
        for (size_t i = 0; i < j->shelf_count; i++)
            json_decref(j->shelves[i].runs);
        bundle_close(&j->bundle);
    }
    if (s != STATUS_OK)
        out->first = *e;
    buf_fini(&j->env.bytes);
    buf_fini(&j->results.bytes);
    buf_fini(&j->summary.bytes);
    return s;
}
