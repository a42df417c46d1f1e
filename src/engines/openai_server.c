#include "engines/openai_server.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "engines/model_dir.h"
#include "engines/vllm_facts.h"
#include "http/prometheus.h"

#define CALL_TIMEOUT_S   10.0
#define CALL_LEAST_S     1.0  /* else a wait of 0 s could not even ask once */
#define BESIDE_TIMEOUT_S 2.0  /* while the load keeps connections */
#define INFO_TIMEOUT_S   60.0 /* the first answer of /server_info takes seconds */
#define SAMPLE_TIMEOUT_S 0.5
#define SAMPLE_FIRST_S   0.25
#define SAMPLE_S         1.0
#define SAMPLE_SHARE     0.01 /* of the server's time that samples may take */
#define BODY_CAP_BYTES   ((size_t)16 << 20)
#define RESET_TRIES      5
#define POLL_S           0.25

enum status openai_server_open(struct openai_server *s, const struct url *u,
                               const struct engine_target *options, struct arena *a,
                               struct err *e)
{
    *s = (struct openai_server){.options = options, .arena = a};
    s->base = arena_printf(a, "%s://%s%s", u->is_tls ? "https" : "http", u->authority,
                           u->prefix);
    s->metrics_url = arena_printf(a, "%s/metrics", s->base != NULL ? s->base : "");
    if (s->base == NULL || s->metrics_url == NULL)
        return status_no_memory(e, "server");
    s->before = (struct openai_counters){NAN, NAN, NAN, NAN};
    s->kv_usage_max = NAN;
    s->started_s = NAN;
    struct rest_options r = {.unix_path = u->unix_path,
                             .ca_cert = options->ca_cert,
                             .bearer = options->api_key,
                             .is_insecure = options->is_insecure,
                             .closes_each = true,
                             .headers = options->headers,
                             .timeout_s = CALL_TIMEOUT_S,
                             .body_cap_bytes = (int64_t)BODY_CAP_BYTES};
    return rest_open(&r, &s->rest, e);
}

void openai_server_close(struct openai_server *s)
{
    rest_close(s->rest);
    s->rest = NULL;
}

/* Idle connections of the load may hold every thread of the server. So a call beside
 * them has little time; if it gets no answer they are closed, then and before all
 * later calls. */
static enum status ask(struct openai_server *s, struct rest_call *c, struct err *e)
{
    const struct openai_kept *k = &s->kept;
    if (k->count == NULL || k->count(k->arg) == 0)
        return rest_do(s->rest, c, e);
    if (!s->is_held) {
        rest_set_timeout(s->rest, BESIDE_TIMEOUT_S);
        enum status st = rest_do(s->rest, c, e);
        rest_set_timeout(s->rest, CALL_TIMEOUT_S);
        if (st != STATUS_TIMEOUT)
            return st;
        s->is_held = true;
    }
    k->close(k->arg);
    return rest_do(s->rest, c, e);
}

/* One call; the body belongs to the caller's buf even on failure. */
static enum status call(struct openai_server *s, const char *method, const char *path,
                        struct rest_call *c, struct err *e)
{
    *c = (struct rest_call){.method = method, .retry_after_s = -1};
    buf_init(&c->body, BODY_CAP_BYTES);
    c->url = arena_printf(s->arena, "%s%s", s->base, path);
    if (c->url == NULL)
        return status_no_memory(e, path);
    return ask(s, c, e);
}

struct json_answer {
    struct rest_call c; /* the body is freed */
    json_t *root;       /* a new reference; NULL without status 200, or JSON */
};

static enum status call_json(struct openai_server *s, const char *method,
                             const char *path, struct json_answer *out, struct err *e)
{
    enum status st = call(s, method, path, &out->c, e);
    out->root = st == STATUS_OK && out->c.status == 200
                    ? json_loadb(buf_cstr(&out->c.body), out->c.body.len, 0, NULL)
                    : NULL;
    buf_fini(&out->c.body);
    return st;
}

/* --- readiness */

/* No call outlasts the wait that it belongs to. */
static void limit_call(struct openai_server *s, struct instant limit)
{
    double left_s = clock_to_s(clock_between(clock_now(), limit));
    rest_set_timeout(s->rest, fmin(fmax(left_s, CALL_LEAST_S), CALL_TIMEOUT_S));
}

static bool is_ready(struct openai_server *s, struct instant limit, struct err *e)
{
    struct rest_call c;
    limit_call(s, limit);
    bool ready = call(s, "GET", "/health", &c, e) == STATUS_OK && c.status == 200;
    bool has_none = c.status == 404;
    if (c.status != 0 && !ready)
        status_fail(e, STATUS_CLOSED, c.url, "answers with HTTP %d", c.status);
    buf_fini(&c.body);
    if (!has_none)
        return ready;
    limit_call(s, limit);
    ready = call(s, "GET", "/v1/models", &c, e) == STATUS_OK &&
            (c.status == 200 || c.status == 401);
    buf_fini(&c.body);
    return ready;
}

static enum status launched_died(struct proc *p, struct err *e)
{
    struct proc_end end;
    char how[64];
    (void)proc_has_ended(p, &end);
    proc_end_text(end, how, sizeof how);
    return status_fail(e, STATUS_DIED, "server", "exited during startup: %s", how);
}

static void tick(const struct openai_server *s, const struct engine_watch *w,
                 struct instant since, const char *why)
{
    char stage[160];
    snprintf(stage, sizeof stage, "waiting for %.70s%s%.60s", s->base,
             why[0] != '\0' ? ": " : "", why);
    struct engine_progress p = {.stage = stage, .since = since};
    if (w != NULL && w->tick != NULL)
        w->tick(w->arg, &p);
}

static enum status not_ready(const struct openai_server *s, const struct err *why,
                             struct err *e)
{
    bool is_refused = strstr(why->what, "refused") != NULL;
    status_fail(e, STATUS_TIMEOUT, s->base, "not ready within %g s: %s",
                s->options->ready_timeout_s, why->what);
    return status_hint(
        e, "%s Set its address with --base-url, wait longer with --ready-timeout",
        is_refused ? "Is the server running, and is the address right?"
                   : "Is the address right, and http or https as the server expects?");
}

static enum status wait_ready(struct openai_server *s, const struct engine_watch *w,
                              struct proc *launched, struct err *e)
{
    struct instant start = clock_now();
    struct instant limit = clock_after(start, clock_seconds(s->options->ready_timeout_s));
    struct err why = {.code = STATUS_OK};
    for (;;) {
        tick(s, w, start, why.what);
        why = (struct err){.code = STATUS_OK};
        if (is_ready(s, limit, &why))
            return STATUS_OK;
        if (why.code == STATUS_UNSUPPORTED || why.code == STATUS_NOT_FOUND) {
            *e = why; /* a TLS failure or an unknown name will not mend itself */
            return e->code;
        }
        if (launched != NULL && proc_has_ended(launched, NULL))
            return launched_died(launched, e);
        if (w != NULL && w->stop != NULL && w->stop(w->arg))
            return status_fail(e, STATUS_INTERRUPTED, s->base, "stopped by a signal");
        if (!clock_before(clock_now(), limit))
            return not_ready(s, &why, e);
        clock_sleep_until(clock_after(clock_now(), clock_seconds(POLL_S)));
    }
}

enum status openai_server_ready(struct openai_server *s, const struct engine_watch *w,
                                struct proc *launched, struct err *e)
{
    enum status st = wait_ready(s, w, launched, e);
    rest_set_timeout(s->rest, CALL_TIMEOUT_S);
    return st;
}

/* --- models */

/* The ids of /v1/models, for an error: "a, b". */
static void list_models(const json_t *data, char *out, size_t room)
{
    size_t i, used = 0;
    json_t *item;
    out[0] = '\0';
    json_array_foreach(data, i, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        if (id != NULL && used < room)
            used += (size_t)snprintf(out + used, room - used, "%s%s",
                                     used > 0 ? ", " : "", id);
    }
}

/* The entry with that id, the first one where wanted is NULL; NULL: none. */
static const json_t *find_model(const json_t *data, const char *wanted)
{
    size_t i;
    json_t *item;
    json_array_foreach(data, i, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        if (id != NULL && (wanted == NULL || strcmp(id, wanted) == 0))
            return item;
    }
    return NULL;
}

static enum status pick_model(struct openai_server *s, const json_t *data,
                              const char *wanted, const json_t **found, struct err *e)
{
    char names[256];
    *found = find_model(data, wanted);
    list_models(data, names, sizeof names);
    if (*found == NULL) {
        status_fail(e, STATUS_NOT_FOUND, s->base, "does not serve \"%s\"",
                    wanted != NULL ? wanted : "any model");
        return status_hint(e, "It serves: %s", names[0] != '\0' ? names : "nothing");
    }
    if (wanted == NULL && json_array_size(data) > 1) {
        status_fail(e, STATUS_BAD_OPTION, "--model", "%s serves several models", s->base);
        return status_hint(e, "Choose one with --model: %s", names);
    }
    return STATUS_OK;
}

static enum status models_refused(const struct rest_call *c, struct err *e)
{
    status_fail(e, STATUS_BAD_INPUT, c->url, "answers with HTTP %d", c->status);
    if (c->status == 401 || c->status == 403)
        return status_hint(
            e, "It requires an API key: set OPENAI_API_KEY or --api-key-file");
    return status_hint(e, "Is it an OpenAI-compatible server?");
}

enum status openai_server_model(struct openai_server *s, const char *wanted,
                                const char **model, int64_t *max_model_len, struct err *e)
{
    *max_model_len = 0;
    struct json_answer a;
    enum status st = call_json(s, "GET", "/v1/models", &a, e);
    if (st == STATUS_OK && a.c.status != 200)
        st = models_refused(&a.c, e);
    if (st == STATUS_OK && a.root == NULL)
        st = status_fail(e, STATUS_BAD_INPUT, a.c.url, "its answer is not JSON");
    const json_t *found = NULL;
    if (st == STATUS_OK)
        st = pick_model(s, json_object_get(a.root, "data"), wanted, &found, e);
    if (st == STATUS_OK) {
        *model = arena_strdup(s->arena, json_string_value(json_object_get(found, "id")));
        *max_model_len = json_integer_value(json_object_get(found, "max_model_len"));
        s->loaded = arena_strdup(s->arena,
                                 json_string_value(json_object_get(found, "root")));
        if (*model == NULL)
            st = status_no_memory(e, s->base);
    }
    json_decref(a.root);
    return st;
}

/* --- facts and counters */

/* The text of /metrics; *has false where the server has none. While requests run, no
 * connection of the load is touched. */
static enum status metrics(struct openai_server *s, bool is_running, struct rest_call *c,
                           bool *has, struct err *e)
{
    *c = (struct rest_call){.method = "GET", .url = s->metrics_url, .retry_after_s = -1};
    buf_init(&c->body, BODY_CAP_BYTES);
    enum status st = is_running ? rest_do(s->rest, c, e) : ask(s, c, e);
    *has = st == STATUS_OK && c->status == 200;
    return st;
}

static struct str body_of(const struct rest_call *c)
{
    return buf_str(&c->body);
}

static void read_counters(struct openai_server *s, struct str text)
{
    s->is_vllm = prometheus_has(text, "vllm:");
    s->before = (struct openai_counters){
        .prefix_queries = prometheus_sum(text, "vllm:prefix_cache_queries"),
        .prefix_hits = prometheus_sum(text, "vllm:prefix_cache_hits"),
        .preemptions = prometheus_sum(text, "vllm:num_preemptions")};
}

static void start_sampling(struct openai_server *s)
{
    s->kv_usage_max = NAN;
    s->has_missed = false;
    s->next_sample = clock_after(clock_now(), clock_seconds(SAMPLE_FIRST_S));
}

static void version_facts(struct openai_server *s, const json_t *root,
                          struct engine_facts *facts)
{
    const char *version = json_string_value(json_object_get(root, "version"));
    if (version == NULL)
        return;
    version = arena_strdup(s->arena, version);
    facts->fields.v[FIELD_engine_version] = value_str(version);
    bool is_simulated = version != NULL && strstr(version, "simulated") != NULL;
    facts->fields.v[FIELD_is_simulated] = value_bool(
        is_simulated || json_is_true(json_object_get(root, "simulated")));
}

/* Settings, where the server is in development mode. That it is not, or does not answer
 * in time, is no failure. */
static void config_facts(struct openai_server *s, struct engine_facts *facts)
{
    struct err ignored;
    rest_set_timeout(s->rest, INFO_TIMEOUT_S);
    struct json_answer a;
    const char *loaded = NULL;
    (void)call_json(s, "GET", "/server_info?config_format=json", &a, &ignored);
    rest_set_timeout(s->rest, CALL_TIMEOUT_S);
    (void)vllm_facts_config(a.root, s->arena, facts, &loaded);
    json_decref(a.root);
    if (loaded != NULL)
        s->loaded = loaded;
}

/* What the model's folder tells, if the server has it on this machine. */
static void model_facts(struct openai_server *s, struct engine_facts *facts)
{
    const char *folder = model_dir_find(s->loaded, s->arena);
    const char *print = model_dir_fingerprint(folder, s->arena);
    int64_t vocabulary = model_dir_vocabulary(folder, s->arena);
    if (print != NULL)
        facts->fields.v[FIELD_model_fingerprint] = value_str(print);
    if (vocabulary > 0 && vocabulary < facts->vocab_size)
        facts->vocab_size = vocabulary;
}

enum status openai_server_facts(struct openai_server *s, struct engine_facts *facts,
                                struct err *e)
{
    struct rest_call c;
    struct json_answer version;
    enum status st = call_json(s, "GET", "/version", &version, e);
    version_facts(s, version.root, facts);
    json_decref(version.root);
    if (st != STATUS_OK)
        return st;
    config_facts(s, facts);
    if (s->options->is_local)
        model_facts(s, facts);
    st = metrics(s, false, &c, &s->has_metrics, e);
    if (s->has_metrics) {
        vllm_facts_metrics(body_of(&c), facts);
        read_counters(s, body_of(&c));
        s->started_s = prometheus_max(body_of(&c), "process_start_time_seconds");
    }
    buf_fini(&c.body);
    start_sampling(s);
    return st;
}

/* A counter that has gone back belongs to a server that was started again; one that has
 * counted more than can be, to one that errs. */
static double since(double before, double now)
{
    double counted = now - before;
    return counted >= 0 && counted <= (double)RECORD_TOKENS_MAX ? counted : (double)NAN;
}

enum status openai_server_count(struct openai_server *s, struct openai_counters *out,
                                struct err *e)
{
    struct rest_call c;
    bool has = false;
    const struct openai_counters before = s->before;
    *out = (struct openai_counters){NAN, NAN, NAN, s->has_missed ? NAN : s->kv_usage_max};
    enum status st = s->has_metrics ? metrics(s, false, &c, &has, e) : STATUS_OK;
    if (has) {
        read_counters(s, body_of(&c));
        out->prefix_queries = since(before.prefix_queries, s->before.prefix_queries);
        out->prefix_hits = since(before.prefix_hits, s->before.prefix_hits);
        out->preemptions = since(before.preemptions, s->before.preemptions);
    }
    if (s->has_metrics)
        buf_fini(&c.body);
    start_sampling(s);
    return st;
}

void openai_server_sample(struct openai_server *s)
{
    struct rest_call c;
    struct err ignored;
    bool has = false;
    struct instant start = clock_now();
    if (!s->is_vllm || s->has_missed || clock_before(start, s->next_sample))
        return;
    rest_set_timeout(s->rest, SAMPLE_TIMEOUT_S);
    enum status st = metrics(s, true, &c, &has, &ignored);
    rest_set_timeout(s->rest, CALL_TIMEOUT_S);
    s->has_missed = st != STATUS_OK || !has;
    double pause_s = fmax(SAMPLE_S, clock_to_s(clock_since(start)) / SAMPLE_SHARE);
    if (has) {
        double usage = prometheus_max(body_of(&c), "vllm:kv_cache_usage_perc");
        if (isnan(usage)) /* the name before vLLM 0.10 */
            usage = prometheus_max(body_of(&c), "vllm:gpu_cache_usage_perc");
        if (usage >= 0 && usage <= 1)
            s->kv_usage_max = fmax(s->kv_usage_max, usage);
    }
    buf_fini(&c.body);
    s->next_sample = clock_after(clock_now(), clock_seconds(pause_s));
}

enum status openai_server_reset(struct openai_server *s, bool *done, struct err *e)
{
    *done = false;
    for (int i = 0; i < RESET_TRIES && !*done; i++) {
        struct json_answer a;
        enum status st = call_json(s, "POST", "/reset_prefix_cache", &a, e);
        /* older servers answer 200 with an empty body */
        *done = st == STATUS_OK && a.c.status == 200 &&
                !json_is_false(json_object_get(a.root, "success"));
        bool has_it = a.c.status == 200;
        json_decref(a.root);
        if (st != STATUS_OK || !has_it)
            return st;
        if (!*done)
            clock_sleep_until(clock_after(clock_now(), clock_seconds(0.05)));
    }
    return STATUS_OK;
}
