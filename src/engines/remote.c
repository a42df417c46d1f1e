/* Any OpenAI-compatible server over HTTP. The server is asked for what it is through
 * openai_server.c, started and stopped by openai_launch.c, loaded by the lanes
 * (openai_lane.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engines/openai_lane.h"
#include "engines/openai_launch.h"
#include "engines/openai_server.h"
#include "engines/registry.h"

#define ARENA_CAP_BYTES ((size_t)64 << 20)
#define LANES_MAX       64
#define REACH_TIMEOUT_S 5.0

struct engine {
    struct arena arena;
    struct openai_setup setup;
    struct openai_server server; /* the first target's */
    struct openai_launch launch; /* the server, if it is ours */
    struct engine_lane *lanes[LANES_MAX];
    size_t lane_count;
    double hits; /* prompt tokens from the cache, of the last phase, by the server */
};

static enum status no_memory(struct err *e)
{
    return status_fail(e, STATUS_NO_MEMORY, "online engine", "out of memory");
}

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
    if (en->setup.targets == NULL)
        return no_memory(e);
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

static enum status ask_server(struct engine *en, const struct engine_settings *s,
                              const struct engine_watch *w, struct engine_facts *facts,
                              struct err *e)
{
    int64_t max_model_len = 0;
    bool is_ours = en->launch.base_url != NULL;
    struct proc *launched = is_ours ? &en->launch.proc : NULL;
    if (engine_openai_server_open(&en->server, &en->setup.targets[0].url, s->target,
                                  &en->arena, e) != STATUS_OK)
        return e->code;
    if (engine_openai_server_ready(&en->server, w, launched, e) != STATUS_OK)
        return e->code == STATUS_DIED
                   ? engine_openai_launch_explain(&en->launch, false, e)
                   : e->code;
    if (engine_openai_server_model(&en->server, s->model, &en->setup.model,
                                   &max_model_len, e) != STATUS_OK ||
        engine_openai_server_facts(&en->server, facts, e) != STATUS_OK)
        return e->code;
    if (max_model_len > 0)
        facts->fields.v[FIELD_max_model_len] = value_int(max_model_len);
    facts->fields.v[FIELD_model_name] = value_str(en->setup.model);
    return STATUS_OK;
}

/* What is known of a server that was started here. */
static void launched_facts(struct engine *en, const struct engine_settings *s,
                           double load_s, struct engine_facts *facts)
{
    struct value *f = facts->fields.v;
    facts->root_pid = en->launch.proc.guardian_pid;
    facts->hardware_type = en->launch.hardware_type;
    f[FIELD_load_time_s] = value_num(load_s);
    if (en->launch.dtype != NULL)
        f[FIELD_dtype] = value_str(en->launch.dtype);
    if (s->target->launch_command != NULL)
        return;
    f[FIELD_max_num_seqs] = value_int(s->max_num_seqs);
    f[FIELD_max_num_batched_tokens] = value_int(s->max_num_batched_tokens);
    f[FIELD_engine_mode] = value_str("mp");
    if (s->load_format != NULL)
        f[FIELD_weights] = value_str(strcmp(s->load_format, "dummy") == 0 ? "dummy"
                                                                          : "real");
    facts->is_caching = s->enable_prefix_caching;
}

static enum status remote_open(const struct engine_settings *s,
                               const struct engine_watch *w, struct engine **out,
                               struct engine_facts *facts, struct err *e)
{
    struct engine *en = mem_alloc(1, sizeof *en);
    *out = en;
    if (en == NULL)
        return no_memory(e);
    arena_init(&en->arena, ARENA_CAP_BYTES);
    en->hits = NAN;
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
    struct instant start = clock_now();
    if (s->target->is_launched &&
        engine_openai_launch_start(s, &en->arena, &en->launch, e) != STATUS_OK)
        return e->code;
    if (read_urls(en, e) != STATUS_OK || ask_server(en, s, w, facts, e) != STATUS_OK ||
        reach_all(en, e) != STATUS_OK)
        return e->code;
    if (s->target->is_launched)
        launched_facts(en, s, clock_to_s(clock_since(start)), facts);
    return STATUS_OK;
}

static enum status remote_lane_new(struct engine *en, struct engine_lane **out,
                                   struct err *e)
{
    if (en->lane_count == LANES_MAX)
        return status_fail(e, STATUS_TOO_BIG, "--client-threads",
                           "no more than %d lanes are possible", LANES_MAX);
    enum status s = engine_openai_lane_new(en, &en->setup, out, e);
    if (*out != NULL)
        en->lanes[en->lane_count++] = *out;
    en->setup.lane_count = en->lane_count;
    return s;
}

static enum status remote_reset_prefix(struct engine *en, bool *done, struct err *e)
{
    return engine_openai_server_reset(&en->server, done, e);
}

static enum status remote_counters(struct engine *en, struct row *fields, struct err *e)
{
    int64_t drain_ns = 0;
    for (size_t i = 0; i < en->lane_count; i++) {
        int64_t own_ns = engine_openai_lane_drain_ns(en->lanes[i]);
        drain_ns = own_ns > drain_ns ? own_ns : drain_ns;
    }
    fields->v[FIELD_drain_interval_us] = value_num((double)drain_ns / 1e3);
    return engine_openai_server_counters(&en->server, fields, &en->hits, e);
}

static void remote_close(struct engine *en)
{
    if (en == NULL)
        return;
    for (size_t i = 0; i < en->lane_count; i++)
        engine_openai_lane_free(en->lanes[i]);
    for (size_t i = 0; i < en->setup.target_count; i++)
        tls_context_free(en->setup.targets[i].tls);
    engine_openai_server_close(&en->server);
    engine_openai_launch_stop(&en->launch);
    arena_fini(&en->arena);
    mem_free(en);
}

const struct engine_ops engine_remote = {
    .name = "openai",
    .abi = ENGINE_ABI,
    .flags = ENGINE_ONLINE | ENGINE_HAS_PREFIX_CONTROL | ENGINE_HAS_TOKEN_TIMES,
    .open = remote_open,
    .lane_new = remote_lane_new,
    .prepare = engine_openai_lane_prepare,
    .submit = engine_openai_lane_submit,
    .cancel = engine_openai_lane_cancel,
    .next = engine_openai_lane_next,
    .reset_prefix = remote_reset_prefix,
    .counters = remote_counters,
    .close = remote_close,
};
