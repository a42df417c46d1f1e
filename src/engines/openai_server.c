#include "engines/openai_server.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "http/prometheus.h"

#define CALL_TIMEOUT_S 10.0
#define BODY_CAP_BYTES ((size_t)16 << 20)
#define RESET_TRIES    5
#define POLL_S         0.25

enum status engine_openai_server_open(struct openai_server *s, const struct url *u,
                                      const struct engine_target *options,
                                      struct arena *a, struct err *e)
{
    *s = (struct openai_server){.options = options, .arena = a};
    s->base = arena_printf(a, "%s://%s%s", u->is_tls ? "https" : "http", u->authority,
                           u->prefix);
    if (s->base == NULL)
        return status_fail(e, STATUS_NO_MEMORY, "server", "out of memory");
    s->before = (struct openai_counters){NAN, NAN, NAN, NAN};
    struct rest_options r = {.unix_path = u->unix_path,
                             .ca_cert = options->ca_cert,
                             .bearer = options->api_key,
                             .is_insecure = options->is_insecure,
                             .headers = options->headers,
                             .timeout_s = CALL_TIMEOUT_S,
                             .body_cap_bytes = (int64_t)BODY_CAP_BYTES};
    return rest_open(&r, &s->rest, e);
}

void engine_openai_server_close(struct openai_server *s)
{
    rest_close(s->rest);
    s->rest = NULL;
}

/* One call; the body belongs to the caller's buf even on failure. */
static enum status call(struct openai_server *s, const char *method, const char *path,
                        struct rest_call *c, struct err *e)
{
    *c = (struct rest_call){.method = method, .retry_after_s = -1};
    buf_init(&c->body, BODY_CAP_BYTES);
    c->url = arena_printf(s->arena, "%s%s", s->base, path);
    if (c->url == NULL)
        return status_fail(e, STATUS_NO_MEMORY, path, "out of memory");
    return rest_do(s->rest, c, e);
}

/* --- readiness */

static bool is_ready(struct openai_server *s, struct err *e)
{
    struct rest_call c;
    bool ready = call(s, "GET", "/health", &c, e) == STATUS_OK && c.status == 200;
    bool has_none = c.status == 404;
    if (c.status != 0 && !ready)
        status_fail(e, STATUS_CLOSED, c.url, "answers with HTTP %d", c.status);
    buf_fini(&c.body);
    if (!has_none)
        return ready;
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
    return status_fail(e, STATUS_DIED, "server", "it ended while starting: %s", how);
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
    return status_hint(e, "%s --base-url names it, --ready-timeout waits longer",
                       is_refused
                           ? "Is the server running, and is this its address?"
                           : "Is this its address, and http or https as it wants it?");
}

enum status engine_openai_server_ready(struct openai_server *s,
                                       const struct engine_watch *w,
                                       struct proc *launched, struct err *e)
{
    struct instant start = clock_now();
    struct instant limit = clock_after(start, clock_seconds(s->options->ready_timeout_s));
    struct err why = {.code = STATUS_OK};
    for (;;) {
        tick(s, w, start, why.what);
        why = (struct err){.code = STATUS_OK};
        if (is_ready(s, &why))
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
        return status_hint(e,
                           "It wants an API key: set OPENAI_API_KEY or --api-key-file");
    return status_hint(e, "Is it an OpenAI-compatible server?");
}

enum status engine_openai_server_model(struct openai_server *s, const char *wanted,
                                       const char **model, int64_t *max_model_len,
                                       struct err *e)
{
    struct rest_call c;
    *max_model_len = 0;
    enum status st = call(s, "GET", "/v1/models", &c, e);
    if (st == STATUS_OK && c.status != 200)
        st = models_refused(&c, e);
    json_t *root = st == STATUS_OK ? json_loadb(buf_cstr(&c.body), c.body.len, 0, NULL)
                                   : NULL;
    if (st == STATUS_OK && root == NULL)
        st = status_fail(e, STATUS_BAD_INPUT, c.url, "its answer is not JSON");
    const json_t *found = NULL;
    if (st == STATUS_OK)
        st = pick_model(s, json_object_get(root, "data"), wanted, &found, e);
    if (st == STATUS_OK) {
        *model = arena_strdup(s->arena, json_string_value(json_object_get(found, "id")));
        *max_model_len = json_integer_value(json_object_get(found, "max_model_len"));
        if (*model == NULL)
            st = status_fail(e, STATUS_NO_MEMORY, s->base, "out of memory");
    }
    json_decref(root);
    buf_fini(&c.body);
    return st;
}

/* --- facts and counters */

/* The text of /metrics; *has false where the server has none. */
static enum status metrics(struct openai_server *s, struct rest_call *c, bool *has,
                           struct err *e)
{
    if (call(s, "GET", "/metrics", c, e) != STATUS_OK)
        return e->code;
    *has = c->status == 200;
    return STATUS_OK;
}

static void cache_facts(struct str text, struct openai_server *s,
                        struct engine_facts *facts)
{
    const char *name = "vllm:cache_config_info";
    char value[64];
    int64_t n;
    if (prometheus_label(text, name, "block_size", value, sizeof value) &&
        str_to_i64(str_from(value), &n)) {
        facts->block_size = n;
        facts->fields.v[FIELD_block_size] = value_int(n);
    }
    if (prometheus_label(text, name, "kv_cache_size_tokens", value, sizeof value) &&
        str_to_i64(str_from(value), &n))
        facts->fields.v[FIELD_kv_cache_tokens] = value_int(n);
    if (prometheus_label(text, name, "enable_prefix_caching", value, sizeof value)) {
        facts->is_caching = strcmp(value, "True") == 0;
        facts->fields.v[FIELD_enable_prefix_caching] = value_bool(facts->is_caching);
    }
    (void)s;
}

static struct openai_counters read_counters(struct str text)
{
    return (struct openai_counters){
        .prefix_queries = prometheus_sum(text, "vllm:prefix_cache_queries"),
        .prefix_hits = prometheus_sum(text, "vllm:prefix_cache_hits"),
        .preemptions = prometheus_sum(text, "vllm:num_preemptions"),
        .kv_usage = prometheus_sum(text, "vllm:kv_cache_usage_perc")};
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

enum status engine_openai_server_facts(struct openai_server *s,
                                       struct engine_facts *facts, struct err *e)
{
    struct rest_call c;
    bool has = false;
    enum status st = call(s, "GET", "/version", &c, e);
    if (st == STATUS_OK && c.status == 200) {
        json_t *root = json_loadb(buf_cstr(&c.body), c.body.len, 0, NULL);
        version_facts(s, root, facts);
        json_decref(root);
    }
    buf_fini(&c.body);
    if (st != STATUS_OK)
        return st;
    st = metrics(s, &c, &has, e);
    struct str text = {.ptr = buf_cstr(&c.body), .len = c.body.len};
    if (st == STATUS_OK && has) {
        cache_facts(text, s, facts);
        s->before = read_counters(text);
    }
    buf_fini(&c.body);
    return st;
}

enum status engine_openai_server_counters(struct openai_server *s, struct row *fields,
                                          double *hits, struct err *e)
{
    struct rest_call c;
    bool has = false;
    *hits = NAN;
    enum status st = metrics(s, &c, &has, e);
    if (st == STATUS_OK && has) {
        struct openai_counters now = read_counters(
            (struct str){.ptr = buf_cstr(&c.body), .len = c.body.len});
        double preempted = now.preemptions - s->before.preemptions;
        if (preempted >= 0)
            fields->v[FIELD_preemptions] = value_int((int64_t)preempted);
        *hits = now.prefix_hits - s->before.prefix_hits;
        s->before = now;
    }
    buf_fini(&c.body);
    return st;
}

enum status engine_openai_server_reset(struct openai_server *s, bool *done, struct err *e)
{
    *done = false;
    for (int i = 0; i < RESET_TRIES && !*done; i++) {
        struct rest_call c;
        enum status st = call(s, "POST", "/reset_prefix_cache", &c, e);
        json_t *root = st == STATUS_OK && c.status == 200
                           ? json_loadb(buf_cstr(&c.body), c.body.len, 0, NULL)
                           : NULL;
        /* older servers answer 200 with an empty body */
        *done = st == STATUS_OK && c.status == 200 &&
                !json_is_false(json_object_get(root, "success"));
        bool has_it = c.status == 200;
        json_decref(root);
        buf_fini(&c.body);
        if (st != STATUS_OK || !has_it)
            return st;
        if (!*done)
            clock_sleep_until(clock_after(clock_now(), clock_seconds(0.05)));
    }
    return STATUS_OK;
}
