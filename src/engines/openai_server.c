#include "engines/openai_server.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engines/model_dir.h"
#include "engines/vllm_facts.h"
#include "http/openai.h"
#include "http/prometheus.h"
#include "text/json.h"

#define BESIDE_TIMEOUT_S 2.0 /* while the load keeps connections */
/* The first answer of /server_info takes seconds: it looks at the machine. One that knows
 * the page for sure, since we started it so, may take longer. */
#define INFO_TIMEOUT_S      15.0
#define INFO_TIMEOUT_OURS_S 60.0
#define SAMPLE_TIMEOUT_S    0.5
#define SAMPLE_FIRST_S      0.25
#define SAMPLE_S            1.0
#define SAMPLE_SHARE        0.01 /* of the server's time that samples may take */
#define RESET_TRIES         5

static const struct openai_counters no_counters = {NAN, NAN, NAN, NAN, NULL};

enum status openai_server_open(struct openai_server *s, const struct url *u,
                               const struct engine_target *options, struct arena *a,
                               struct err *e)
{
    const char *scheme = u->is_tls ? "https" : "http";
    *s = (struct openai_server){.options = options,
                                .arena = a,
                                .query = u->query,
                                .is_guess = u->is_guess,
                                .dialect = openai_dialect_find(options->dialect)};
    s->base = arena_printf(a, "%s://%s%s", scheme, u->authority, u->prefix);
    s->api = arena_printf(a, "%s://%s%s", scheme, u->authority, u->api);
    s->metrics_url = arena_printf(a, "%s/metrics", s->base != NULL ? s->base : "");
    if (s->base == NULL || s->api == NULL || s->metrics_url == NULL)
        return status_no_memory(e, "server");
    s->before = no_counters;
    s->kv_usage_max = NAN;
    s->started_s = NAN;
    struct rest_options r = {.unix_path = u->unix_path,
                             .ca_cert = options->ca_cert,
                             .bearer = options->api_key,
                             .is_insecure = options->is_insecure,
                             .is_direct = true, /* as the load */
                             .closes_each = true,
                             .headers = options->headers,
                             .timeout_s = OPENAI_SERVER_CALL_S,
                             .body_cap_bytes = (int64_t)OPENAI_SERVER_METRICS_CAP};
    return rest_open(&r, &s->rest, e);
}

void openai_server_close(struct openai_server *s)
{
    rest_close(s->rest);
    s->rest = NULL;
    json_decref(s->models);
    json_decref(s->version);
    s->models = s->version = NULL;
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
        rest_set_timeout(s->rest, OPENAI_SERVER_CALL_S);
        if (st != STATUS_TIMEOUT)
            return st;
        s->is_held = true;
    }
    k->close(k->arg);
    return rest_do(s->rest, c, e);
}

enum status openai_server_ask(struct openai_server *s, const char *method,
                              const char *url, struct openai_server_answer *out,
                              struct err *e)
{
    *out = (struct openai_server_answer){.call = {.method = method, .retry_after_s = -1},
                                         .root = NULL};
    bool is_second = strchr(url, '?') != NULL && s->query[0] != '\0'; /* beside ours */
    out->call.url = arena_printf(s->arena, "%s%s%s", url, is_second ? "&" : "",
                                 s->query + is_second);
    if (out->call.url == NULL)
        return status_no_memory(e, url);
    buf_init(&out->call.body, OPENAI_SERVER_ANSWER_CAP);
    struct err ignored;
    enum status st = ask(s, &out->call, e);
    if (st == STATUS_OK)
        openai_say(buf_str(&out->call.body), out->said, sizeof out->said);
    if (st == STATUS_OK && out->call.status == 200 &&
        json_from_server(buf_str(&out->call.body), url, &out->root, &ignored) !=
            STATUS_OK)
        out->root = NULL;
    buf_fini(&out->call.body);
    return st;
}

/* The same below its base. */
static enum status call_json(struct openai_server *s, const char *method,
                             const char *path, struct openai_server_answer *out,
                             struct err *e)
{
    const char *url = arena_printf(s->arena, "%s%s", s->base, path);
    *out = (struct openai_server_answer){.root = NULL};
    return url != NULL ? openai_server_ask(s, method, url, out, e)
                       : status_no_memory(e, path);
}

/* --- facts and counters */

/* No answer in time, one without end, none at all, as of a gateway that does not know the
 * path: what vLLM has beside its API the server may well do without. One that is gone is
 * found out by the requests. What is ours is returned. */
static enum status beside(enum status st)
{
    bool is_ours = st == STATUS_INTERRUPTED || st == STATUS_NO_MEMORY;
    return is_ours ? st : STATUS_OK;
}

/* The text of /metrics; *has false where the server has none. While requests run, no
 * connection of the load is touched. */
static enum status metrics(struct openai_server *s, bool is_running, struct rest_call *c,
                           bool *has, struct err *e)
{
    *c = (struct rest_call){.method = "GET", .url = s->metrics_url, .retry_after_s = -1};
    buf_init(&c->body, OPENAI_SERVER_METRICS_CAP);
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
    kv_series_clear(&s->kv);
    s->has_missed = false;
    s->next_sample = clock_after(clock_now(), clock_seconds(SAMPLE_FIRST_S));
}

static void version_facts(struct openai_server *s, const json_t *root,
                          struct engine_facts *facts)
{
    const char *version = json_string_value(json_object_get(root, "version"));
    if (version == NULL)
        return;
    const char *rust = json_string_value(json_object_get(root, "rust_frontend_version"));
    version = rust != NULL
                  ? arena_printf(s->arena, "%s, Rust front-end %s", version, rust)
                  : arena_strdup(s->arena, version);
    facts->fields.v[FIELD_engine_version] = value_str(version);
    bool is_simulated = version != NULL && strstr(version, "simulated") != NULL;
    facts->fields.v[FIELD_is_simulated] = value_bool(
        is_simulated || json_is_true(json_object_get(root, "simulated")));
}

void openai_server_note(const struct openai_server *s, struct engine_facts *facts,
                        const char *text)
{
    if (facts->notes == NULL)
        facts->notes = text;
    else
        facts->notes = arena_text(s->arena, "%s; %s", facts->notes, text);
}

/* What takes long is said on the live line. */
static void tell_stage(const struct openai_server *s, const char *what)
{
    char stage[100];
    (void)snprintf(stage, sizeof stage, "%.60s: %s", s->base, what);
    struct engine_progress p = {.stage = stage, .since = clock_now()};
    if (s->watch != NULL && s->watch->tick != NULL)
        s->watch->tick(s->watch->arg, &p);
}

/* Settings, where the server is in development mode. That it is not, or does not answer
 * in time, is no failure. */
static void config_facts(struct openai_server *s, struct engine_facts *facts)
{
    struct err ignored;
    double most_s = s->options->is_launched ? INFO_TIMEOUT_OURS_S : INFO_TIMEOUT_S;
    struct openai_server_answer a;
    const char *loaded = NULL;
    tell_stage(s, "asking for its settings");
    rest_set_timeout(s->rest, most_s);
    enum status st = call_json(s, "GET", "/server_info?config_format=json", &a, &ignored);
    rest_set_timeout(s->rest, OPENAI_SERVER_CALL_S);
    if (st == STATUS_TIMEOUT)
        openai_server_note(
            s, facts,
            arena_text(s->arena,
                       "server: no answer to /server_info within %g s: settings "
                       "that only it tells are unknown",
                       most_s));
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

/* Does the server take that member, and does the user not leave it out? */
static bool is_sent(const struct openai_server *s, enum openai_trait trait,
                    const char *member)
{
    return (s->dialect->traits & trait) != 0 &&
           !openai_write_lacks(s->options->extra_body, member);
}

/* What the dialect lacks, and what that costs. */
static void dialect_facts(struct openai_server *s, struct engine_facts *facts)
{
    const struct openai_dialect *d = s->dialect;
    bool is_open_ended = !is_sent(s, OPENAI_TAKES_LENGTHS, "ignore_eos");
    facts->fields.v[FIELD_dialect] = value_str(d->name);
    if (s->is_simulated)
        facts->fields.v[FIELD_is_simulated] = value_bool(true);
    facts->lacks_ids = (d->traits & OPENAI_TAKES_IDS) == 0;
    facts->lacks_lengths = is_open_ended;
    facts->lacks_salt = !is_sent(s, OPENAI_TAKES_SALT, "cache_salt");
    if (s->vocab_size > 0 && s->vocab_size < facts->vocab_size)
        facts->vocab_size = s->vocab_size;
    if (!facts->lacks_ids && !is_open_ended)
        return;
    bool is_text = facts->lacks_ids && strcmp(s->options->endpoint, "chat") != 0;
    const char *note = arena_text(
        s->arena, "server: dialect %s%s%s%s (--dialect)", d->name,
        is_text
            ? ", so prompts go out as text of about the planned length (--dataset and "
              "--endpoint chat have texts of their own)"
            : "",
        is_open_ended ? is_text ? ", and" : "," : "",
        is_open_ended ? " answers may end before their planned length" : "");
    openai_server_note(s, facts, note);
}

static enum status vllm_facts(struct openai_server *s, struct engine_facts *facts,
                              struct err *e)
{
    struct rest_call c;
    struct openai_server_answer version;
    enum status st = STATUS_OK;
    if (s->version == NULL) {
        st = call_json(s, "GET", "/version", &version, e);
        s->version = version.root;
    }
    version_facts(s, s->version, facts);
    if (beside(st) != STATUS_OK)
        return st;
    config_facts(s, facts);
    st = metrics(s, false, &c, &s->has_metrics, e);
    if (s->has_metrics) {
        vllm_facts_metrics(body_of(&c), facts);
        read_counters(s, body_of(&c));
        s->started_s = prometheus_max(body_of(&c), "process_start_time_seconds");
    }
    buf_fini(&c.body);
    return beside(st);
}

enum status openai_server_facts(struct openai_server *s, struct engine_facts *facts,
                                struct err *e)
{
    bool is_vllm = (s->dialect->traits & OPENAI_HAS_VLLM) != 0;
    enum status st = is_vllm ? vllm_facts(s, facts, e) : STATUS_OK;
    if (s->options->is_local)
        model_facts(s, facts);
    dialect_facts(s, facts);
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
    s->before = *out = no_counters;
    if (!s->has_missed) {
        out->kv_usage_max = s->kv_usage_max;
        out->kv_usage = kv_series_json(&s->kv, s->arena);
    }
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
    return beside(st);
}

static void keep_usage(struct openai_server *s, double usage)
{
    s->kv_usage_max = fmax(s->kv_usage_max, usage);
    kv_series_add(&s->kv, clock_wall(), usage);
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
    rest_set_timeout(s->rest, OPENAI_SERVER_CALL_S);
    s->has_missed = st != STATUS_OK || !has;
    double pause_s = fmax(SAMPLE_S, clock_to_s(clock_since(start)) / SAMPLE_SHARE);
    if (has) {
        double usage = prometheus_max(body_of(&c), "vllm:kv_cache_usage_perc");
        if (isnan(usage)) /* the name before vLLM 0.10 */
            usage = prometheus_max(body_of(&c), "vllm:gpu_cache_usage_perc");
        if (usage >= 0 && usage <= 1)
            keep_usage(s, usage);
    }
    buf_fini(&c.body);
    s->next_sample = clock_after(clock_now(), clock_seconds(pause_s));
}

enum status openai_server_reset(struct openai_server *s, bool *done, struct err *e)
{
    *done = false;
    if ((s->dialect->traits & OPENAI_HAS_VLLM) == 0)
        return STATUS_OK;
    for (int i = 0; i < RESET_TRIES && !*done; i++) {
        struct openai_server_answer a;
        enum status st = call_json(s, "POST", "/reset_prefix_cache", &a, e);
        /* older servers answer 200 with an empty body */
        *done = st == STATUS_OK && a.call.status == 200 &&
                !json_is_false(json_object_get(a.root, "success"));
        bool has_it = a.call.status == 200;
        json_decref(a.root);
        if (st != STATUS_OK || !has_it)
            return beside(st);
        if (!*done)
            clock_sleep_until(clock_after(clock_now(), clock_seconds(0.05)));
    }
    return STATUS_OK;
}
