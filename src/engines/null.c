/* The engine that finishes at once, with made token times: TTFT 1 ms a 100 prompt tokens,
 * one token a millisecond, for every request of a batch in step; --engine-arg speed=0.5
 * makes both twice as long. It measures what
 * inferbench itself costs, and is the skeleton of a new engine: the order of the
 * functions is that of a run. It has no clock of its own: the times it reports lie ahead
 * of the real ones. It has no cache either: cached tokens stay unknown, prefix caching is
 * only noted. */
#include <stdio.h>

#include "base/mem.h"
#include "engines/given.h"
#include "engines/registry.h"
#include "engines/vllm_settings.h"
#include "stats/pace.h"

#define ARENA_CAP_BYTES ((size_t)64 << 20)
#define NULL_VOCAB      10000
#define NULL_BLOCK      16

#define FIRST_NS_PER_TOKEN 10000
#define MOST_FACTOR        1000 /* faster or slower */

struct engine_lane {
    struct engine *engine;
};

/* Requests are kept whole until next hands out their events, one request after
 * another. */
struct engine {
    struct arena arena;
    struct engine_lane lane;
    struct engine_request *batch; /* [count], room for `room` */
    size_t count, room;
    size_t position;    /* request whose events come next */
    int64_t token;      /* its next token; -1: its send */
    struct instant due; /* of the batch */
    bool is_due_told;
    struct engine_progress progress; /* of the batch */
    struct engine_settings settings;
    struct pace pace;
};

/* The pace at --engine-arg speed=FACTOR, or at 1. */
static enum status null_pace(const struct engine_settings *s, struct pace *out,
                             struct err *e)
{
    double speed = 1;
    const char *text = vllm_settings_word(s, "speed");
    if (text != NULL && (!str_to_double(str_from(text), &speed) ||
                         !(speed >= 1.0 / MOST_FACTOR && speed <= MOST_FACTOR))) {
        status_fail(e, STATUS_BAD_OPTION, "--engine-arg", "speed=%.40s is no speed",
                    text);
        return status_hint(e, "Write e.g. speed=0.5, half as fast; 0.001 to 1000");
    }
    *out = (struct pace){.first_ns_per_token = (int64_t)(FIRST_NS_PER_TOKEN / speed),
                         .gap_ns = (int64_t)((double)NS_PER_MS / speed)};
    return STATUS_OK;
}

static enum status null_settle(struct engine_settings *s, void *own, struct err *e)
{
    struct pace ignored;
    enum status st = vllm_settings_settle(s, own, e);
    return st == STATUS_OK ? null_pace(s, &ignored, e) : st;
}

static void null_settings(const struct engine_settings *s, struct value *f)
{
    f[FIELD_engine_version] = value_str("1");
    f[FIELD_engine_mode] = value_str("inproc");
    f[FIELD_weights] = value_str("dummy");
    f[FIELD_model_fingerprint] = value_str("none");
    f[FIELD_dtype] = value_str("none");
    f[FIELD_quantization] = value_str("none");
    f[FIELD_tensor_parallel_size] = value_int(1);
    f[FIELD_devices] = value_int(0);
    f[FIELD_max_model_len] = value_int(s->max_model_len);
    f[FIELD_max_num_seqs] = value_int(s->max_num_seqs);
    f[FIELD_max_num_batched_tokens] = value_int(
        vllm_settings_of(s)->max_num_batched_tokens);
    f[FIELD_block_size] = value_int(NULL_BLOCK);
    f[FIELD_kv_cache_tokens] = value_int(0);
    f[FIELD_enforce_eager] = value_bool(true);
    f[FIELD_is_simulated] = value_bool(true);
    f[FIELD_enable_prefix_caching] = value_bool(s->enable_prefix_caching);
}

static enum status null_open(const struct engine_settings *s,
                             const struct engine_watch *w, struct engine **out,
                             struct engine_facts *facts, struct err *e)
{
    struct pace pace;
    (void)w;
    *out = NULL;
    if (null_pace(s, &pace, e) != STATUS_OK)
        return e->code;
    struct engine *en = mem_alloc(1, sizeof *en);
    *out = en;
    if (en == NULL)
        return status_no_memory(e, "null engine");
    en->pace = pace;
    en->settings = *s;
    arena_init(&en->arena, ARENA_CAP_BYTES);
    *facts = (struct engine_facts){
        .vocab_size = s->vocab_size > 0 ? s->vocab_size : NULL_VOCAB,
        .block_size = NULL_BLOCK,
        .is_caching = s->enable_prefix_caching,
        .hardware_type = "unknown",
        .notes = "the null engine does no inference: its timings are synthetic"};
    null_settings(s, facts->fields.v);
    const char *given = given_list(s, &en->arena);
    facts->fields.v[FIELD_engine_args] = value_json(given);
    return given != NULL ? STATUS_OK : status_no_memory(e, "null engine");
}

static enum status null_lane_new(struct engine *en, struct engine_lane **out,
                                 struct err *e)
{
    (void)e;
    en->lane.engine = en;
    *out = &en->lane;
    return STATUS_OK;
}

static enum status null_submit(struct engine_lane *l, const struct engine_request *r,
                               struct err *e)
{
    struct engine *en = l->engine;
    if (!mem_grow(&en->batch, en->count, &en->room, sizeof *en->batch))
        return status_no_memory(e, "null engine");
    if (en->count == 0) {
        en->due = clock_now();
        en->is_due_told = false;
        en->progress = (struct engine_progress){.stage = "running", .since = en->due};
    }
    en->batch[en->count++] = *r;
    return STATUS_OK;
}

static enum status null_cancel(struct engine_lane *l, int32_t request, struct err *e)
{
    (void)l;
    (void)request;
    (void)e;
    return STATUS_OK;
}

static struct span first_of(const struct engine *en, const struct engine_request *r)
{
    return pace_first(&en->pace, (int64_t)r->id_count, NULL);
}

/* From the first token to token number k. */
static int64_t behind_first_ns(const struct engine *en, int64_t k)
{
    return k * pace_gap(&en->pace, NULL).ns;
}

static struct event done_event(const struct engine *en, size_t index, struct instant at)
{
    const struct engine_request *r = &en->batch[index];
    return (struct event){.kind = EVENT_DONE,
                          .request = r->index,
                          .at = at,
                          .tokens_in = (int64_t)r->id_count,
                          .tokens_out = r->max_tokens,
                          .tokens_cached = TOKENS_UNKNOWN,
                          .source = TOKEN_SOURCE_engine,
                          .prefill_ns = first_of(en, r).ns,
                          .decode_ns = behind_first_ns(en, r->max_tokens - 1)};
}

/* The next event of the request under way; moves on behind its last one. */
static struct event step(struct engine *en)
{
    const struct engine_request *r = &en->batch[en->position];
    struct instant first = clock_after(en->due, first_of(en, r));
    struct event ev = {.kind = EVENT_SENT, .request = r->index, .at = en->due};
    if (en->token >= 0 && en->token < r->max_tokens) {
        ev.kind = EVENT_TOKENS;
        ev.at.ns = first.ns + behind_first_ns(en, en->token);
        ev.tokens = 1;
        en->progress.tokens_out++;
    } else if (en->token >= 0) {
        first.ns += behind_first_ns(en, r->max_tokens - 1);
        ev = done_event(en, en->position, first);
        en->position++;
        en->token = -1;
        return ev;
    }
    en->token++;
    return ev;
}

static enum status null_next(struct engine_lane *l, struct instant until,
                             const struct engine_watch *w, struct event_list *out,
                             struct err *e)
{
    struct event *events = out->items;
    size_t cap = out->cap, *n = &out->count;
    struct engine *en = l->engine;
    (void)until;
    *n = 0;
    if (w->stop != NULL && w->stop(w->arg))
        return status_fail(e, STATUS_INTERRUPTED, "null engine", "stopped by a signal");
    if (w->tick != NULL)
        w->tick(w->arg, &en->progress);
    if (en->count > 0 && !en->is_due_told && cap > 0) {
        events[(*n)++] = (struct event){.kind = EVENT_DUE, .request = -1, .at = en->due};
        en->is_due_told = true;
        en->position = 0;
        en->token = -1;
    }
    while (*n < cap && en->position < en->count)
        events[(*n)++] = step(en);
    if (en->position == en->count)
        en->count = en->position = 0;
    return STATUS_OK;
}

static enum status null_reset_prefix(struct engine *en, bool *done, struct err *e)
{
    (void)en;
    (void)e;
    *done = true;
    return STATUS_OK;
}

static void null_close(struct engine *en)
{
    if (en != NULL) {
        mem_free(en->batch);
        arena_fini(&en->arena);
    }
    mem_free(en);
}

const struct engine_ops engine_null = {
    .name = "null",
    .abi = ENGINE_ABI,
    .flags = ENGINE_OFFLINE | ENGINE_SIMULATED,
    .settle = null_settle,
    .open = null_open,
    .lane_new = null_lane_new,
    .submit = null_submit,
    .cancel = null_cancel,
    .next = null_next,
    .reset_prefix = null_reset_prefix,
    .close = null_close,
};
