/* Any OpenAI-compatible server over HTTP. The server is asked for what it is through
 * openai_server.c, started and stopped by openai_launch.c, loaded by the lanes
 * (openai_lane.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engines/given.h"
#include "engines/openai_lane.h"
#include "engines/openai_launch.h"
#include "engines/openai_meet.h"
#include "engines/openai_several.h"
#include "engines/registry.h"
#include "engines/vllm_settings.h"
#include "net/sock.h"

#define ARENA_CAP_BYTES ((size_t)64 << 20)
#define LANES_MAX       64
#define REACH_TIMEOUT_S 5.0
#define DEATH_WAIT_S    0.5 /* a server whose connections broke may just be dying */

struct engine {
    struct arena arena;
    struct openai_setup setup;
    struct openai_server *servers; /* [setup.target_count] */
    struct openai_launch launch;   /* the server, if it is ours */
    struct engine_lane *lanes[LANES_MAX];
    size_t lane_count;
    int64_t steps_told[LANES_MAX]; /* of each lane's clock, by openai_counters */
    int64_t resent_told, skipped_told, unended_told; /* by them too */
};

static enum status read_url(struct engine *en, const char *text, struct openai_target *t,
                            struct err *e)
{
    const struct engine_target *o = en->setup.options;
    if (url_parse(text, "--base-url", &en->arena, &t->url, e) != STATUS_OK)
        return e->code;
    if (!t->url.is_tls)
        return STATUS_OK;
    struct tls_options tls = {
        .host = t->url.host, .ca_cert = o->ca_cert, .is_insecure = o->is_insecure};
    return tls_context_new(&tls, &t->tls, e);
}

/* The address that accepts connections, of all that the name has. */
static enum status reach(struct openai_target *t, struct err *e)
{
    struct addr_list list;
    if (t->url.unix_path != NULL)
        return addr_unix(t->url.unix_path, &t->addr, e);
    enum status s = addr_resolve_all(t->url.host, t->url.port, &list, e);
    return s != STATUS_OK
               ? s
               : sock_reach(&list, clock_seconds(REACH_TIMEOUT_S), &t->addr, e);
}

static enum status reach_all(struct engine *en, struct err *e)
{
    for (size_t i = 0; i < en->setup.target_count; i++)
        if (reach(&en->setup.targets[i], e) != STATUS_OK)
            return e->code;
    return STATUS_OK;
}

static enum status read_urls(struct engine *en, struct err *e)
{
    struct opt_strings own = {.items = &en->launch.base_url, .count = 1};
    const struct opt_strings *urls = en->launch.base_url != NULL
                                         ? &own
                                         : &en->setup.options->base_urls;
    en->setup.targets = arena_alloc(&en->arena, urls->count, sizeof *en->setup.targets);
    en->servers = arena_alloc(&en->arena, urls->count, sizeof *en->servers);
    if (en->setup.targets == NULL || en->servers == NULL)
        return status_no_memory(e, "online engine");
    for (size_t i = 0; i < urls->count; i++) {
        en->setup.target_count = i + 1;
        if (read_url(en, urls->items[i], &en->setup.targets[i], e) != STATUS_OK)
            return e->code;
    }
    return STATUS_OK;
}

static enum openai_counts counts_of(const char *name)
{
    if (strcmp(name, "ids") == 0)
        return OPENAI_COUNTS_IDS;
    return strcmp(name, "continuous") == 0 ? OPENAI_COUNTS_CONTINUOUS
                                           : OPENAI_COUNTS_USAGE;
}

/* If the server is ours and has died, that is the cause of what failed; else *e stays. */
static enum status died_or(struct engine *en, double wait_s, const char *stage,
                           struct err *e)
{
    struct err died;
    if (openai_launch_has_died(&en->launch, clock_seconds(wait_s), stage, &died))
        *e = died;
    return e->code;
}

static size_t kept_count(void *arg)
{
    const struct engine *en = arg;
    size_t count = 0;
    for (size_t i = 0; i < en->lane_count; i++)
        count += en->lanes[i]->pool.idle_count;
    return count;
}

static void close_kept(void *arg)
{
    const struct engine *en = arg;
    for (size_t i = 0; i < en->lane_count; i++)
        openai_ready_trim(en->lanes[i], NULL);
}

/* Where requests go: as the option or the address names it, else below the API. */
static enum status find_path(struct engine *en, size_t i)
{
    struct openai_target *t = &en->setup.targets[i];
    const char *path = en->setup.options->endpoint_path;
    if (path == NULL)
        path = t->url.path;
    if (path == NULL)
        path = arena_printf(&en->arena, "%s%s",
                            en->servers[i].is_bare ? t->url.prefix : t->url.api,
                            openai_path(en->setup.endpoint));
    if (path != NULL)
        t->path = arena_printf(&en->arena, "%s%s", path, t->url.query);
    return t->path != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Waits for a server and finds the model there. */
static enum status ask_server(struct engine *en, size_t i,
                              const struct engine_settings *s,
                              const struct engine_watch *w, struct err *e)
{
    struct openai_server *server = &en->servers[i];
    struct proc *launched = en->launch.base_url != NULL ? &en->launch.proc : NULL;
    const char *wanted = i > 0 ? en->setup.model : s->model;
    if (openai_server_open(server, &en->setup.targets[i].url, s->target, &en->arena, e) !=
        STATUS_OK)
        return e->code;
    server->kept = (struct openai_kept){
        .count = kept_count, .close = close_kept, .arg = en};
    if (openai_meet_wait(server, w, launched, wanted, e) != STATUS_OK)
        return died_or(en, 0, "starting", e);
    if (i == 0)
        en->setup.dialect = server->dialect;
    else if (openai_several_check(&en->servers[0], server, en->setup.model,
                                  s->model == NULL, e) != STATUS_OK)
        return e->code;
    if (find_path(en, i) != STATUS_OK)
        return status_no_memory(e, server->base);
    return openai_meet_model(server, wanted, &en->setup.model, &server->max_model_len, e);
}

/* Rows tell of the first server; the others are taken to be like it. */
static enum status ask_all(struct engine *en, const struct engine_settings *s,
                           const struct engine_watch *w, struct engine_facts *facts,
                           struct err *e)
{
    for (size_t i = 0; i < en->setup.target_count; i++)
        if (ask_server(en, i, s, w, e) != STATUS_OK)
            return e->code;
    if (s->target->is_launched)
        facts->fields.v[FIELD_load_time_s] = value_num(
            clock_to_s(clock_since(en->launch.start)));
    for (size_t i = 0; i < en->setup.target_count; i++) {
        struct engine_facts other = *facts;
        struct openai_server *server = &en->servers[i];
        struct engine_facts *told = i == 0 ? facts : &other;
        other.notes = NULL;
        server->watch = w;
        if (openai_server_facts(server, told, e) != STATUS_OK)
            return e->code;
        server->watch = NULL;
        if (server->max_model_len > 0)
            told->fields.v[FIELD_max_model_len] = value_int(server->max_model_len);
        if (i > 0)
            openai_several_note(&en->servers[0], server, &other, facts);
    }
    facts->fields.v[FIELD_model_name] = value_str(en->setup.model);
    return STATUS_OK;
}

/* Which processes they are; "" where one of them does not say when it began. */
static const char *process_of(struct engine *en)
{
    const char *text = "";
    for (size_t i = 0; i < en->setup.target_count && text != NULL; i++) {
        const struct openai_server *s = &en->servers[i];
        if (isnan(s->started_s))
            return "";
        text = arena_printf(&en->arena, "%s%s %.3f;", text, s->base, s->started_s);
    }
    return text;
}

/* What it was given, and which process it is, by who has started it. */
static enum status origin_facts(struct engine *en, const struct engine_settings *s,
                                struct engine_facts *facts, struct err *e)
{
    struct value *args = &facts->fields.v[FIELD_engine_args];
    if (!s->target->is_launched) {
        facts->process = process_of(en);
        return facts->process != NULL ? STATUS_OK : status_no_memory(e, "online engine");
    }
    *args = value_json(en->launch.given);
    return args->kind == VALUE_JSON ? STATUS_OK : status_no_memory(e, "online engine");
}

static enum status openai_open(const struct engine_settings *s,
                               const struct engine_watch *w, struct engine **out,
                               struct engine_facts *facts, struct err *e)
{
    struct engine *en = mem_alloc(1, sizeof *en);
    *out = en;
    if (en == NULL)
        return status_no_memory(e, "online engine");
    arena_init(&en->arena, ARENA_CAP_BYTES);
    en->setup = (struct openai_setup){.options = s->target,
                                      .endpoint = strcmp(s->target->endpoint, "chat") == 0
                                                      ? OPENAI_CHAT
                                                      : OPENAI_COMPLETIONS,
                                      .counts = counts_of(s->target->token_counts),
                                      .temperature = s->temperature,
                                      .top_p = s->top_p,
                                      .ignore_eos = !s->stop_at_eos};
    *facts = (struct engine_facts){.vocab_size = s->vocab_size,
                                   .hardware_type = "unknown"};
    if (s->target->is_launched &&
        openai_launch_start(s, &en->arena, &en->launch, e) != STATUS_OK)
        return e->code;
    if (read_urls(en, e) != STATUS_OK || ask_all(en, s, w, facts, e) != STATUS_OK ||
        reach_all(en, e) != STATUS_OK || origin_facts(en, s, facts, e) != STATUS_OK)
        return e->code;
    if (s->target->is_launched)
        openai_launch_ready(&en->launch, s, facts);
    return STATUS_OK;
}

static enum status openai_new_lane(struct engine *en, struct engine_lane **out,
                                   struct err *e)
{
    if (en->lane_count == LANES_MAX)
        return status_fail(e, STATUS_TOO_BIG, "--client-threads",
                           "at most %d lanes are possible", LANES_MAX);
    enum status s = openai_lane_new(en, &en->setup, out, e);
    if (*out != NULL)
        en->lanes[en->lane_count++] = *out;
    en->setup.lane_count = en->lane_count;
    return s;
}

static enum status openai_prepare(struct engine_lane *l, const struct engine_prepare *p,
                                  struct err *e)
{
    if (openai_lane_prepare(l, p, e) == STATUS_OK)
        return STATUS_OK;
    return died_or(l->engine, DEATH_WAIT_S, "running", e);
}

static enum status openai_reset_prefix(struct engine *en, bool *done, struct err *e)
{
    *done = true;
    for (size_t i = 0; i < en->setup.target_count; i++) {
        bool is_done = false;
        if (openai_server_reset(&en->servers[i], &is_done, e) != STATUS_OK)
            return died_or(en, DEATH_WAIT_S, "running", e);
        *done = *done && is_done;
    }
    return STATUS_OK;
}

static void cache_fields(const struct openai_counters *c, struct row *fields)
{
    struct value *f = fields->v;
    if (isnan(c->prefix_hits) || !(c->prefix_queries > 0))
        return;
    f[FIELD_cached_input_tokens] = value_int((int64_t)c->prefix_hits);
    f[FIELD_cache_hit_rate] = value_num(c->prefix_hits / c->prefix_queries);
    f[FIELD_cache_source] = value_str("metrics");
}

/* The longest pause between reads of all lanes. */
static void drain_field(const struct engine *en, struct row *fields)
{
    int64_t drain_ns = 0;
    for (size_t i = 0; i < en->lane_count; i++) {
        int64_t own_ns = openai_conn_drain_ns(&en->lanes[i]->pool);
        drain_ns = own_ns > drain_ns ? own_ns : drain_ns;
    }
    fields->v[FIELD_drain_interval_us] = value_num((double)drain_ns / 1e3);
}

/* Since the call before. Every lane sees a step of the machine's one clock: the lane that
 * saw most of them tells. */
static void steps_field(struct engine *en, struct row *fields)
{
    int64_t most = 0;
    for (size_t i = 0; i < en->lane_count; i++) {
        int64_t steps = en->lanes[i]->clock.steps - en->steps_told[i];
        most = steps > most ? steps : most;
        en->steps_told[i] += steps;
    }
    fields->v[FIELD_clock_steps] = value_int(most);
}

/* Since the call before. */
static void tell_since(int64_t all, int64_t *told, struct value *out)
{
    *out = value_int(all - *told);
    *told = all;
}

/* Where the address names a deployment, as Azure's does, the name is not the model's. */
static const char *asked_model(const struct engine *en)
{
    const char *path = en->setup.targets[0].path;
    return strstr(path, "/deployments/") == NULL ? en->setup.model : NULL;
}

/* Since the call before: it is emptied. */
static void answered_fields(struct engine *en, struct row *fields)
{
    struct openai_answered all = {.count = 0};
    for (size_t i = 0; i < en->lane_count; i++)
        openai_answered_move(&all, &en->lanes[i]->pool.events.answered);
    const char *by = openai_answered_json(&all, &en->arena);
    fields->v[FIELD_answered_by] = value_json(by);
    if (by != NULL)
        fields->v[FIELD_requests_elsewhere] = value_int(
            openai_answered_elsewhere(&all, asked_model(en), en->servers[0].models));
}

static void pool_fields(struct engine *en, struct row *fields)
{
    int64_t resent = 0, skipped = 0, unended = 0;
    for (size_t i = 0; i < en->lane_count; i++) {
        const struct openai_pool *p = &en->lanes[i]->pool;
        skipped += p->events.skipped;
        for (size_t t = 0; t < en->setup.target_count; t++) {
            resent += p->peers[t].resent;
            unended += p->peers[t].unended;
        }
    }
    tell_since(resent, &en->resent_told, &fields->v[FIELD_requests_resent]);
    tell_since(unended, &en->unended_told, &fields->v[FIELD_answers_unended]);
    tell_since(skipped, &en->skipped_told, &fields->v[FIELD_events_skipped]);
}

/* Of all servers together; what one of them does not tell is unknown. */
static enum status openai_counters(struct engine *en, struct row *fields, struct err *e)
{
    struct openai_counters all = {.kv_usage_max = NAN};
    drain_field(en, fields);
    steps_field(en, fields);
    pool_fields(en, fields);
    answered_fields(en, fields);
    for (size_t i = 0; i < en->setup.target_count; i++) {
        struct openai_counters one;
        if (openai_server_count(&en->servers[i], &one, e) != STATUS_OK)
            return died_or(en, DEATH_WAIT_S, "running", e);
        all.prefix_queries += one.prefix_queries;
        all.prefix_hits += one.prefix_hits;
        all.preemptions += one.preemptions;
        all.kv_usage_max = fmax(all.kv_usage_max, one.kv_usage_max);
        all.kv_usage = en->setup.target_count == 1 ? one.kv_usage : NULL;
    }
    if (!isnan(all.preemptions))
        fields->v[FIELD_preemptions] = value_int((int64_t)all.preemptions);
    if (!isnan(all.kv_usage_max))
        fields->v[FIELD_kv_usage_max] = value_num(all.kv_usage_max);
    if (all.kv_usage != NULL)
        fields->v[FIELD_kv_usage] = value_json(all.kv_usage);
    cache_fields(&all, fields);
    return STATUS_OK;
}

static enum status openai_sample(struct engine *en, struct err *e)
{
    e->code = STATUS_OK;
    for (size_t i = 0; i < en->setup.target_count; i++)
        openai_server_sample(&en->servers[i]);
    return died_or(en, 0, "running", e);
}

static void openai_close(struct engine *en)
{
    if (en == NULL)
        return;
    for (size_t i = 0; i < en->lane_count; i++)
        openai_lane_free(en->lanes[i]);
    for (size_t i = 0; i < en->setup.target_count; i++)
        tls_context_free(en->setup.targets[i].tls);
    for (size_t i = 0; en->servers != NULL && i < en->setup.target_count; i++)
        openai_server_close(&en->servers[i]);
    openai_launch_stop(&en->launch);
    arena_fini(&en->arena);
    mem_free(en);
}

const struct engine_ops openai_engine = {
    .name = "openai",
    .abi = ENGINE_ABI,
    .flags = ENGINE_ONLINE,
    .settle = vllm_settings_settle_server,
    .locate = vllm_settings_locate,
    .open = openai_open,
    .lane_new = openai_new_lane,
    .trim = openai_ready_trim,
    .prepare = openai_prepare,
    .submit = openai_lane_submit,
    .cancel = openai_lane_cancel,
    .next = openai_lane_next,
    .reset_prefix = openai_reset_prefix,
    .counters = openai_counters,
    .sample = openai_sample,
    .close = openai_close,
};
