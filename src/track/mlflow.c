#include "track/mlflow.h"

#include <math.h>
#include <string.h>

#include "text/json.h"
#include "track/mlflow_body.h"
#include "track/mlflow_path.h"

#define API              "/api/2.0/mlflow/"
#define ARTIFACTS        "/api/2.0/mlflow-artifacts/artifacts/"
#define ARTIFACTS_SCHEME "mlflow-artifacts:"
#define CALL_S           30.0
#define ANSWER_CAP       ((size_t)8 << 20)
#define REQUEST_CAP      ((size_t)64 << 20)
#define PAGE_RUNS        50   /* of some 30 KB each */
#define PAGES_MAX        4000 /* of one search */
#define EMPTY_PAGES_MAX  10   /* that are followed by more, one after the other */
#define METRICS_A_CALL   1000
#define PAIRS_A_CALL     100
#define TRIES            6
#define TOLD_MAX         300
#define SERVER_TRIES     2 /* of a 500, which may be our own fault */

/* One call: with `json` or `bytes` as its body, or neither. */
struct call {
    const char *method, *path; /* path: from the server's base on */
    const struct buf *json;
    struct str bytes;
    bool is_once; /* not to be repeated */
};

enum status mlflow_open(struct mlflow *m, const struct account *account, struct err *e)
{
    *m = (struct mlflow){
        .account = account, .give_up = {.ns = INT64_MAX}, .tries = TRIES};
    buf_init(&m->call.body, ANSWER_CAP);
    return account_open(account, CALL_S, &m->rest, e);
}

void mlflow_close(struct mlflow *m)
{
    rest_close(m->rest);
    buf_fini(&m->call.body);
    *m = (struct mlflow){0};
}

/* --- what an answer says */

static struct str first_line(const char *text)
{
    struct str rest = str_from(text);
    return str_trim(str_cut(&rest, '\n'));
}

/* An answer in the words of MLflow, or of something else at its address. */
static enum status told(const struct mlflow *m, const char *url, const json_t *answer,
                        struct err *e)
{
    const char *code = json_str_of(answer, "error_code");
    const char *message = json_str_of(answer, "message");
    struct str line = first_line(message != NULL ? message : "");
    enum status kind = json_str_is(answer, "error_code", "RESOURCE_DOES_NOT_EXIST")
                           ? STATUS_NOT_FOUND
                           : STATUS_BAD_INPUT;
    if (code == NULL) {
        (void)status_fail(e, kind, url, "answers %d", m->call.status);
        return status_hint(
            e, "Is there an MLflow server at that address, and is its path right?");
    }
    return status_fail(e, kind, url, "%d %s: %.*s", m->call.status, code,
                       (int)(line.len < TOLD_MAX ? line.len : TOLD_MAX), line.ptr);
}

/* The server's refusal as an error. */
static enum status refused(const struct mlflow *m, const char *url, struct err *e)
{
    json_t *answer = NULL;
    struct err ignored;
    struct str body = buf_str(&m->call.body);
    if (account_is_refused(m->account, &m->call, e))
        return e->code;
    if (json_from_server(body, url, &answer, &ignored) != STATUS_OK)
        answer = NULL;
    enum status s = told(m, url, answer, e);
    json_decref(answer);
    return s;
}

static bool is_passing(enum status s, int status)
{
    if (s == STATUS_CLOSED || s == STATUS_TIMEOUT)
        return true;
    return s == STATUS_OK && (status == 408 || status == 429 || status == 500 ||
                              status == 502 || status == 503 || status == 504);
}

/* The artifact store of a server that has none says 503 for ever. */
static bool is_for_good(const struct mlflow *m)
{
    return m->call.status == 503 && strstr(buf_cstr(&m->call.body), "\"detail\"") != NULL;
}

/* Sleeps before another try; false where there is no time left for one. */
static bool pause_before(const struct mlflow *m, int tried)
{
    double pause_s = 0.25 * (double)(1 << (tried < 6 ? tried : 6));
    if (m->call.status != 0 && m->call.retry_after_s >= 0)
        pause_s = (double)m->call.retry_after_s;
    struct instant wake = clock_after(clock_now(), clock_seconds(pause_s));
    if (!clock_before(wake, m->give_up))
        return false;
    while (clock_before(clock_now(), wake)) {
        if (m->stop != NULL && m->stop(NULL))
            return false;
        struct instant next = clock_after(clock_now(), clock_seconds(0.1));
        clock_sleep_until(clock_before(next, wake) ? next : wake);
    }
    return true;
}

static enum status try_once(struct mlflow *m, const struct call *c, const char *url,
                            struct err *e)
{
    double left_s = m->give_up.ns == INT64_MAX
                        ? INFINITY
                        : clock_to_s(clock_between(clock_now(), m->give_up));
    if (left_s <= 0)
        return status_fail(e, STATUS_TIMEOUT, url,
                           "the time limit for logging was reached");
    rest_set_timeout(m->rest, left_s < CALL_S ? left_s : CALL_S);
    struct rest_call *call = &m->call;
    call->method = c->method;
    call->url = url;
    call->json = c->json != NULL ? buf_cstr(c->json) : NULL;
    call->bytes = c->bytes;
    call->is_once = c->is_once;
    call->status = 0;
    return rest_do(m->rest, call, e);
}

/* May the call that just ended be made again? s: what rest_do said. */
static bool may_repeat(const struct mlflow *m, const struct call *c, enum status s,
                       int tried)
{
    int limit = m->tries;
    if (s == STATUS_OK && m->call.status == 500 && limit > SERVER_TRIES)
        limit = SERVER_TRIES;
    return !c->is_once && tried < limit && is_passing(s, m->call.status) &&
           !is_for_good(m);
}

/* STATUS_OK only for a 2xx; the answer is in m->call.body. */
static enum status send(struct mlflow *m, const struct call *c, struct err *e)
{
    struct buf url;
    enum status s = STATUS_INTERNAL;
    if (c->json != NULL && c->json->failed != STATUS_OK)
        return status_fail(e, c->json->failed, c->path, "the request is too large");
    buf_init(&url, 8192);
    buf_printf(&url, "%s%s", m->account->base, c->path);
    for (int tried = 1;; tried++) {
        s = try_once(m, c, buf_cstr(&url), e);
        bool is_again = may_repeat(m, c, s, tried);
        if (s == STATUS_OK && (m->call.status < 200 || m->call.status > 299))
            s = refused(m, buf_cstr(&url), e);
        if (!is_again || !pause_before(m, tried))
            break;
    }
    if (s != STATUS_OK)
        account_explain_closed(m->account, e);
    m->call.url = NULL;
    buf_fini(&url);
    return s;
}

/* The answer in JSON, a new reference. */
static enum status ask(struct mlflow *m, const struct call *c, json_t **out,
                       struct err *e)
{
    if (send(m, c, e) != STATUS_OK)
        return e->code;
    struct str text = buf_str(&m->call.body);
    enum status s = json_from_server(text, c->path, out, e);
    if (s == STATUS_OK || s == STATUS_TOO_BIG)
        return s;
    (void)status_fail(e, STATUS_BAD_INPUT, c->path, "the answer is not JSON");
    return status_hint(e, "Is %s an MLflow server?", m->account->base);
}

/* --- experiments */

enum status mlflow_ping(struct mlflow *m, double timeout_s, struct err *e)
{
    const struct instant give_up = m->give_up;
    const int tries = m->tries;
    struct instant limit = clock_after(clock_now(), clock_seconds(timeout_s));
    if (clock_before(limit, give_up))
        m->give_up = limit;
    m->tries = 1;
    enum status s = send(m, &(struct call){.method = "GET", .path = "/health"}, e);
    m->give_up = give_up;
    m->tries = tries;
    return s;
}

/* The member `part` of the answer to a GET; NULL: it has none. */
static enum status get(struct mlflow *m, const char *path, const char *part, json_t **out,
                       struct err *e)
{
    const struct call c = {.method = "GET", .path = path};
    json_t *answer = NULL;
    enum status s = ask(m, &c, &answer, e);
    *out = json_incref(json_object_get(answer, part));
    json_decref(answer);
    return s;
}

enum status mlflow_look_up(struct mlflow *m, const char *name, struct arena *a,
                           struct mlflow_found *out, struct err *e)
{
    struct buf path;
    json_t *found = NULL;
    buf_init(&path, 8192);
    buf_text(&path, API "experiments/get-by-name?experiment_name=");
    mlflow_path_escape(&path, name);
    enum status s = get(m, buf_cstr(&path), "experiment", &found, e);
    buf_fini(&path);
    const char *id = json_str_of(found, "experiment_id");
    *out = (struct mlflow_found){
        .id = arena_strdup(a, id),
        .is_deleted = json_str_is(found, "lifecycle_stage", "deleted")};
    if (s == STATUS_OK && id == NULL)
        s = status_fail(e, STATUS_BAD_INPUT, name, "the server gave no experiment id");
    else if (s == STATUS_OK && out->id == NULL)
        s = status_no_memory(e, name);
    json_decref(found);
    return s;
}

enum status mlflow_experiments(struct mlflow *m, json_t **out, struct err *e)
{
    return get(m, API "experiments/search?max_results=1000", "experiments", out, e);
}

/* Takes the body; NULL: no memory for it. out NULL: the answer is not wanted. */
static enum status post(struct mlflow *m, struct call c, json_t *body, json_t **out,
                        struct err *e)
{
    struct buf text;
    json_t *answer = NULL;
    if (body == NULL)
        return status_no_memory(e, c.path);
    buf_init(&text, REQUEST_CAP);
    (void)json_to_text(body, &text);
    json_decref(body);
    c.method = "POST";
    c.json = &text;
    enum status s = ask(m, &c, &answer, e);
    buf_fini(&text);
    if (out != NULL)
        *out = json_incref(answer);
    json_decref(answer);
    return s;
}

static enum status restore(struct mlflow *m, const char *name, const char *id,
                           struct err *e)
{
    const struct call c = {.path = API "experiments/restore"};
    if (post(m, c, json_pack("{s:s}", "experiment_id", id), NULL, e) == STATUS_OK)
        return STATUS_OK;
    char what[sizeof e->what];
    memcpy(what, e->what, sizeof what);
    (void)status_fail(
        e, e->code, name,
        "this MLflow experiment was deleted and cannot be restored (%.200s)", what);
    return status_hint(e, "Restore it in MLflow, or take another --mlflow-experiment");
}

enum status mlflow_experiment(struct mlflow *m, const char *name, struct arena *a,
                              const char **id, struct err *e)
{
    struct mlflow_found found;
    enum status s = mlflow_look_up(m, name, a, &found, e);
    if (s == STATUS_NOT_FOUND && m->call.status == 404) {
        const struct call c = {.path = API "experiments/create"};
        struct err created; /* it may be there by now: another was quicker */
        (void)post(m, c, json_pack("{s:o}", "name", mlflow_body_text(name)), NULL,
                   &created);
        s = mlflow_look_up(m, name, a, &found, e);
        if (s != STATUS_OK && created.code != STATUS_OK)
            *e = created;
    }
    if (s != STATUS_OK)
        return s;
    *id = found.id;
    return found.is_deleted ? restore(m, name, *id, e) : STATUS_OK;
}

enum status mlflow_default_experiment(struct mlflow *m, struct arena *a,
                                      const char **name, struct err *e)
{
    const char *id = m->account->experiment_id;
    struct buf path;
    json_t *found = NULL;
    *name = m->account->experiment;
    if (*name != NULL || id == NULL)
        return STATUS_OK;
    buf_init(&path, 8192);
    buf_text(&path, API "experiments/get?experiment_id=");
    mlflow_path_escape(&path, id);
    enum status s = get(m, buf_cstr(&path), "experiment", &found, e);
    buf_fini(&path);
    *name = arena_strdup(a, json_str_of(found, "name"));
    json_decref(found);
    if (s == STATUS_OK && *name != NULL)
        return s;
    if (s == STATUS_OK || m->call.status == 404 || m->call.status == 400) {
        status_fail(e, STATUS_BAD_OPTION, "MLFLOW_EXPERIMENT_ID",
                    "no experiment has the id \"%.60s\"", id);
        s = status_hint(e, "Name it instead: --mlflow-experiment NAME, or "
                           "MLFLOW_EXPERIMENT_NAME");
    }
    return s;
}

/* --- runs */

/* Oldest first: runs that are logged meanwhile come behind, and move nothing from one
 * page to the next. */
static json_t *search_body(const struct mlflow_query *q, const struct buf *token)
{
    json_t *body = json_pack("{s:[s],s:o,s:s,s:i,s:[s]}", "experiment_ids",
                             q->experiment_id, "filter", mlflow_body_text(q->filter),
                             "run_view_type", q->with_deleted ? "ALL" : "ACTIVE_ONLY",
                             "max_results", PAGE_RUNS, "order_by",
                             "attributes.start_time ASC");
    if (token->len > 0)
        (void)json_object_set_new(body, "page_token", json_string(buf_cstr(token)));
    return body;
}

/* A search under way, page by page. */
struct pages {
    const struct mlflow_query *query;
    struct buf token; /* of the page to come; empty: none */
    size_t count, empty;
};

static enum status endless(const struct mlflow *m, struct err *e)
{
    (void)status_fail(e, STATUS_BAD_INPUT, m->account->base,
                      "its list of runs does not end");
    return status_hint(e, "Is that an MLflow server?");
}

static enum status take_runs(const json_t *runs, const struct mlflow_query *q,
                             struct err *e)
{
    size_t i;
    json_t *run;
    enum status s = STATUS_OK;
    json_array_foreach(runs, i, run) if (s == STATUS_OK) s = q->take(q->arg, run, e);
    return s;
}

/* A server that gives the same page for ever, or ever more of them, is not followed. */
static enum status take_page(const struct mlflow *m, struct pages *p, const json_t *page,
                             struct err *e)
{
    const json_t *runs = json_object_get(page, "runs");
    const char *next = json_str_of(page, "next_page_token");
    bool is_last = next == NULL || *next == '\0';
    p->count++;
    p->empty = json_array_size(runs) > 0 ? 0 : p->empty + 1;
    if (!is_last && (strcmp(next, buf_cstr(&p->token)) == 0 ||
                     p->empty > EMPTY_PAGES_MAX || p->count == PAGES_MAX))
        return endless(m, e);
    buf_clear(&p->token);
    buf_text(&p->token, is_last ? "" : next);
    if (p->token.failed != STATUS_OK)
        return status_fail(e, p->token.failed, "runs of MLflow", "%s",
                           status_text(p->token.failed));
    return take_runs(runs, p->query, e);
}

static enum status next_page(struct mlflow *m, struct pages *p, struct err *e)
{
    const struct call c = {.path = API "runs/search"};
    json_t *page = NULL;
    enum status s = post(m, c, search_body(p->query, &p->token), &page, e);
    if (s == STATUS_OK)
        s = take_page(m, p, page, e);
    json_decref(page);
    return s;
}

/* A stop ends it in between; one that was asked for before does not, for what a run has
 * measured is logged all the same. */
enum status mlflow_search(struct mlflow *m, const struct mlflow_query *q, struct err *e)
{
    struct pages p = {.query = q};
    bool may_stop = m->stop != NULL && !m->stop(NULL);
    enum status s = STATUS_OK;
    buf_init(&p.token, 8192);
    rest_set_stop(m->rest, may_stop ? m->stop : NULL);
    do
        s = may_stop && m->stop(NULL)
                ? status_fail(e, STATUS_INTERRUPTED, "MLflow", "stopped by a signal")
                : next_page(m, &p, e);
    while (s == STATUS_OK && p.token.len > 0);
    rest_set_stop(m->rest, NULL);
    buf_fini(&p.token);
    return s;
}

/* What a run's id leads to, and the member of the answer that holds it. */
struct of_run {
    const char *path, *member, *folder; /* folder: of artifacts, or NULL */
};

static enum status get_of_run(struct mlflow *m, struct of_run what, const char *run,
                              json_t **out, struct err *e)
{
    struct buf path;
    buf_init(&path, 8192);
    buf_printf(&path, "%s?run_id=", what.path);
    mlflow_path_escape(&path, run);
    if (what.folder != NULL) {
        buf_text(&path, "&path=");
        mlflow_path_escape(&path, what.folder);
    }
    enum status s = get(m, buf_cstr(&path), what.member, out, e);
    buf_fini(&path);
    return s;
}

enum status mlflow_get(struct mlflow *m, const char *run, json_t **out, struct err *e)
{
    return get_of_run(m, (struct of_run){API "runs/get", "run", NULL}, run, out, e);
}

enum status mlflow_create(struct mlflow *m, const char *experiment_id,
                          const struct entry *entry, json_t **out, struct err *e)
{
    const struct call c = {.path = API "runs/create", .is_once = true};
    json_t *answer = NULL;
    json_t *body = json_pack("{s:s,s:s,s:I,s:o}", "experiment_id", experiment_id,
                             "run_name", entry->name, "start_time",
                             (json_int_t)entry->start_ms, "tags",
                             mlflow_body_pairs(entry->tags, entry->tag_count));
    enum status s = post(m, c, body, &answer, e);
    json_t *run = json_object_get(answer, "run");
    if (s == STATUS_OK && mlflow_info(run, "run_id") == NULL)
        s = status_fail(e, STATUS_BAD_INPUT, entry->name, "MLflow made no run");
    *out = s == STATUS_OK ? json_incref(run) : NULL;
    json_decref(answer);
    return s;
}

/* Parts of an entry, for one batch. */
struct part {
    const char *run;
    int64_t start_ms;
    size_t param, params, tag, tags, metric, metrics;
};

static size_t at_most(size_t have, size_t limit)
{
    return have < limit ? have : limit;
}

static enum status log_part(struct mlflow *m, const struct entry *entry,
                            const struct part *p, struct err *e)
{
    const struct call c = {.path = API "runs/log-batch"};
    return post(m, c,
                json_pack("{s:s,s:o,s:o,s:o}", "run_id", p->run, "metrics",
                          mlflow_body_metrics(entry->metrics + p->metric, p->metrics,
                                              p->start_ms),
                          "params",
                          mlflow_body_pairs(entry->params + p->param, p->params), "tags",
                          mlflow_body_pairs(entry->tags + p->tag, p->tags)),
                NULL, e);
}

static enum status log_inputs(struct mlflow *m, const char *run,
                              const struct entry *entry, struct err *e)
{
    const struct call c = {.path = API "runs/log-inputs"};
    return post(m, c,
                json_pack("{s:s,s:o}", "run_id", run, "datasets",
                          mlflow_body_inputs(entry->inputs, entry->input_count)),
                NULL, e);
}

enum status mlflow_log(struct mlflow *m, const char *run, const struct entry *entry,
                       int64_t start_ms, struct err *e)
{
    struct part p = {.run = run, .start_ms = start_ms};
    do {
        p.params = at_most(entry->param_count - p.param, PAIRS_A_CALL);
        p.tags = at_most(entry->tag_count - p.tag, PAIRS_A_CALL);
        p.metrics = at_most(entry->metric_count - p.metric,
                            METRICS_A_CALL - p.params - p.tags);
        if (log_part(m, entry, &p, e) != STATUS_OK)
            return e->code;
        p.param += p.params;
        p.tag += p.tags;
        p.metric += p.metrics;
    } while (p.param < entry->param_count || p.tag < entry->tag_count ||
             p.metric < entry->metric_count);
    return entry->input_count > 0 ? log_inputs(m, run, entry, e) : STATUS_OK;
}

enum status mlflow_end(struct mlflow *m, const char *run, const struct entry *entry,
                       struct err *e)
{
    const struct call c = {.path = API "runs/update"};
    return post(m, c,
                json_pack("{s:s,s:s,s:I}", "run_id", run, "status",
                          entry->is_failed ? "FAILED" : "FINISHED", "end_time",
                          (json_int_t)entry->end_ms),
                NULL, e);
}

/* --- artifacts */

/* The call on a file under a run's artifact_uri. */
static enum status on_artifact(struct mlflow *m, const char *artifact_uri,
                               const char *path, struct call *call, struct err *e)
{
    struct buf target;
    size_t scheme = strlen(ARTIFACTS_SCHEME);
    if (artifact_uri == NULL || strncmp(artifact_uri, ARTIFACTS_SCHEME, scheme) != 0)
        return status_fail(e, STATUS_UNSUPPORTED, "MLflow",
                           "the server accepts no artifacts (it stores them at %.200s)",
                           artifact_uri != NULL ? artifact_uri : "an unknown place");
    const char *at = artifact_uri + scheme;
    buf_init(&target, 8192);
    buf_text(&target, ARTIFACTS);
    enum status s = mlflow_path_add(&target, at, e);
    buf_char(&target, '/');
    if (s == STATUS_OK)
        s = mlflow_path_add(&target, path, e); /* a file's name may hold anything */
    call->path = buf_cstr(&target);
    if (s == STATUS_OK)
        s = send(m, call, e);
    buf_fini(&target);
    if (s != STATUS_OK && is_for_good(m))
        return status_fail(e, STATUS_UNSUPPORTED, "MLflow",
                           "the server accepts no artifacts (--no-serve-artifacts)");
    return s;
}

enum status mlflow_put(struct mlflow *m, const char *artifact_uri, const char *path,
                       struct str bytes, struct err *e)
{
    struct call call = {.method = "PUT",
                        .bytes = bytes.ptr != NULL ? bytes : str_from("")};
    return on_artifact(m, artifact_uri, path, &call, e);
}

enum status mlflow_fetch(struct mlflow *m, const char *artifact_uri, const char *path,
                         struct err *e)
{
    struct call call = {.method = "GET"};
    return on_artifact(m, artifact_uri, path, &call, e);
}

enum status mlflow_list(struct mlflow *m, const char *run, const char *folder,
                        json_t **out, struct err *e)
{
    return get_of_run(m, (struct of_run){API "artifacts/list", "files", folder}, run, out,
                      e);
}

/* --- reading a run */

const char *mlflow_info(const json_t *run, const char *key)
{
    return json_str_of(json_object_get(run, "info"), key);
}

const char *mlflow_tag(const json_t *run, const char *key)
{
    size_t i;
    json_t *tag;
    json_array_foreach(json_object_get(json_object_get(run, "data"), "tags"), i,
                       tag) if (json_str_is(tag, "key", key)) return json_str_of(tag,
                                                                                 "value");
    return NULL;
}

bool mlflow_is_deleted(const json_t *run)
{
    return json_str_is(json_object_get(run, "info"), "lifecycle_stage", "deleted");
}
