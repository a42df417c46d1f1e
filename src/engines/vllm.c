/* The vllm engine: a Python worker process that owns one vLLM. One lane; the requests
 * submitted before a call of next make one batch. The worker reports a batch when it is
 * over, so events of a batch come all at once; until then the watch sees counts on a
 * shared page. */

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "core/engine.h"
#include "engines/given.h"
#include "engines/registry.h"
#include "engines/vllm_facts.h"
#include "engines/vllm_link.h"
#include "engines/vllm_python.h"
#include "engines/vllm_settings.h"
#include "text/json.h"
#include "text/jsonw.h"

#define ARENA_CAP_BYTES   ((size_t)16 << 20)
#define MESSAGE_CAP_BYTES ((size_t)1 << 30)
/* Loading and compiling may be silent (no stage, no line in the log) for so many times
 * --engine-timeout: Neuron compiles for many minutes. */
#define LOAD_PATIENCE   6
#define CONTROL_LIMIT_S 600 /* reset, counters, tokenize */

struct pending {
    struct engine_request *items; /* copies; ids and salts are the caller's */
    size_t count, room;
};

struct engine_lane {
    struct engine *engine;
};

struct engine {
    const struct engine_settings *settings;
    struct arena arena;
    struct vllm_link link;
    struct engine_lane lane;
    struct pending pending;
    struct buf message;
    json_t *stop_ids;  /* ids that end an answer, from the model's files */
    bool is_running;   /* a batch was sent and has not ended */
    json_t *ended;     /* array: "request" and "refused" events not yet handed out */
    size_t ended_at;   /* the one that is being handed out */
    size_t event_at;   /* its next event; 0: SENT */
    bool is_due_known; /* the batch's DUE was handed out */
    int64_t due_ns;
    json_t *last_end; /* "batch_end" of the last batch; NULL after counters took it */
    char text[256];   /* of the last FAILED event */
};

/* --- opening */

static void write_settings(struct jsonw *w, const struct engine_settings *s)
{
    const struct vllm_settings *v = vllm_settings_of(s);
    jsonw_object(w, "settings");
    if (v->dtype != NULL)
        jsonw_str(w, "dtype", v->dtype);
    if (v->load_format != NULL)
        jsonw_str(w, "load_format", v->load_format);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"max_model_len", s->max_model_len},
                   {"max_num_seqs", s->max_num_seqs},
                   {"max_num_batched_tokens", v->max_num_batched_tokens}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value > 0)
            jsonw_int(w, numbers[i].name, numbers[i].value);
    jsonw_int(w, "seed", s->seed);
    jsonw_bool(w, "enable_prefix_caching", s->enable_prefix_caching);
    if (v->gpu_memory_utilization > 0)
        jsonw_num(w, "gpu_memory_utilization", v->gpu_memory_utilization);
    jsonw_object_end(w);
}

static void write_engine_args(struct jsonw *w, const struct engine_settings *s,
                              struct arena *a)
{
    const struct opt_strings *args = &vllm_settings_of(s)->engine_args;
    jsonw_object(w, "engine_args");
    for (size_t i = 0; i < args->count; i++) {
        struct str name;
        const char *value = vllm_settings_pair(args->items[i], &name);
        jsonw_str(w, arena_str(a, name), value != NULL ? value : "true");
    }
    jsonw_object_end(w);
}

static enum status send_open(struct engine *en, struct err *e)
{
    const struct engine_settings *s = en->settings;
    struct jsonw w;
    buf_clear(&en->message);
    jsonw_init(&w, &en->message, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "op", "open");
    jsonw_str(&w, "model", s->model);
    const char *mode = vllm_settings_of(s)->engine_mode;
    jsonw_str(&w, "engine_mode", mode != NULL ? mode : "mp");
    write_settings(&w, s);
    write_engine_args(&w, s, &en->arena);
    jsonw_array(&w, "cli_args");
    for (size_t i = 0; i < s->rest.count; i++)
        jsonw_str(&w, NULL, s->rest.items[i]);
    jsonw_array_end(&w);
    jsonw_bool(&w, "need_tokenizer", s->needs_tokenizer);
    jsonw_object_end(&w);
    if (en->message.failed != STATUS_OK)
        return status_fail(e, en->message.failed, "vllm", "out of memory");
    return vllm_link_send(&en->link, (struct str){en->message.data, en->message.len}, e);
}

static enum status start_and_load(struct engine *en, const struct vllm_python *python,
                                  const struct engine_watch *w, json_t **ready,
                                  struct err *e)
{
    enum status st = vllm_link_start(&en->link, python, en->settings->raw_dir, e);
    if (st != STATUS_OK)
        return st;
    en->link.watch = w;
    vllm_link_expect(&en->link, "starting", LINK_PULSE_LOG,
                     clock_seconds(LOAD_PATIENCE * en->settings->timeout_s));
    st = send_open(en, e);
    if (st == STATUS_OK)
        st = vllm_link_await(&en->link, "ready", ready, e);
    if (st == STATUS_OK)
        vllm_link_expect(&en->link, "ready", LINK_PULSE_NONE, (struct span){0});
    return st;
}

static void vllm_close(struct engine *en)
{
    if (en == NULL)
        return;
    vllm_link_close(&en->link);
    json_decref(en->stop_ids);
    json_decref(en->ended);
    json_decref(en->last_end);
    mem_free(en->pending.items);
    buf_fini(&en->message);
    arena_fini(&en->arena);
    mem_free(en);
}

static enum status vllm_open(const struct engine_settings *s,
                             const struct engine_watch *w, struct engine **out,
                             struct engine_facts *facts, struct err *e)
{
    struct engine *en = mem_alloc(1, sizeof *en);
    *out = NULL;
    if (en == NULL)
        return status_no_memory(e, "vllm");
    en->settings = s;
    en->lane.engine = en;
    en->link.fd = -1;
    arena_init(&en->arena, ARENA_CAP_BYTES);
    buf_init(&en->message, MESSAGE_CAP_BYTES);
    struct vllm_python python;
    json_t *ready = NULL;
    enum status st = vllm_python_find(vllm_settings_python(s), &en->arena, &python, e);
    if (st == STATUS_OK)
        st = start_and_load(en, &python, w, &ready, e);
    if (st == STATUS_OK) {
        *facts = (struct engine_facts){.python = python.path,
                                       .root_pid = en->link.proc.child_pid};
        vllm_facts_ready(ready, &en->arena, facts);
        facts->fields.v[FIELD_engine_args] = value_json(given_list(s, &en->arena));
        en->stop_ids = json_incref(json_object_get(ready, "stop_token_ids"));
        if (facts->fields.v[FIELD_engine_args].kind == VALUE_NULL)
            st = status_no_memory(e, "vllm");
    }
    if (st == STATUS_OK)
        *out = en;
    else
        vllm_close(en);
    json_decref(ready);
    return st;
}

/* --- a batch */

static enum status vllm_lane_new(struct engine *en, struct engine_lane **out,
                                 struct err *e)
{
    (void)e;
    *out = &en->lane;
    return STATUS_OK;
}

static enum status vllm_submit(struct engine_lane *l, const struct engine_request *r,
                               struct err *e)
{
    struct pending *p = &l->engine->pending;
    if (p->count == p->room) {
        size_t room = p->room > 0 ? p->room * 2 : 64;
        void *items = mem_resize(p->items, room, sizeof *p->items);
        if (items == NULL)
            return status_no_memory(e, "vllm");
        p->items = items;
        p->room = room;
    }
    p->items[p->count++] = *r;
    return STATUS_OK;
}

static void write_sampling(struct jsonw *w, const struct engine *en)
{
    const struct engine_settings *s = en->settings;
    jsonw_object(w, "sampling");
    jsonw_num(w, "temperature", s->temperature);
    jsonw_num(w, "top_p", s->top_p);
    jsonw_bool(w, "ignore_eos", !s->stop_at_eos);
    if (s->stop_at_eos && json_array_size(en->stop_ids) > 0) {
        jsonw_array(w, "stop_token_ids");
        for (size_t i = 0; i < json_array_size(en->stop_ids); i++)
            jsonw_int(w, NULL, json_integer_value(json_array_get(en->stop_ids, i)));
        jsonw_array_end(w);
    }
    jsonw_object_end(w);
}

static void write_request(struct jsonw *w, const struct engine_request *r)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "index", r->index);
    jsonw_array(w, "ids");
    for (size_t i = 0; i < r->id_count; i++)
        jsonw_int(w, NULL, r->ids[i]);
    jsonw_array_end(w);
    jsonw_int(w, "max_tokens", r->max_tokens);
    if (r->salt != NULL)
        jsonw_str(w, "salt", r->salt);
    jsonw_object_end(w);
}

static enum status send_batch(struct engine *en, struct err *e)
{
    struct jsonw w;
    buf_clear(&en->message);
    jsonw_init(&w, &en->message, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "op", "batch");
    write_sampling(&w, en);
    jsonw_array(&w, "requests");
    for (size_t i = 0; i < en->pending.count; i++)
        write_request(&w, &en->pending.items[i]);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    en->pending.count = 0;
    if (en->message.failed != STATUS_OK)
        return status_fail(e, en->message.failed, "vllm", "out of memory");
    json_decref(en->ended);
    en->ended = json_array();
    en->ended_at = en->event_at = 0;
    en->is_due_known = false;
    en->is_running = true;
    vllm_link_expect(&en->link, "running", LINK_PULSE_TOKENS,
                     clock_seconds(en->settings->timeout_s));
    return vllm_link_send(&en->link, (struct str){en->message.data, en->message.len}, e);
}

/* A request that has not been sent fails at once; a running one is aborted by the
 * worker. */
static enum status vllm_cancel(struct engine_lane *l, int32_t request, struct err *e)
{
    char line[80];
    if (!l->engine->is_running)
        return STATUS_OK;
    snprintf(line, sizeof line, "{\"op\":\"cancel\",\"index\":%d}", (int)request);
    return vllm_link_send(&l->engine->link, str_from(line), e);
}

/* What the worker says is checked as what any process says: an instant, or NS_UNKNOWN; a
 * count of tokens, or TOKENS_UNKNOWN. */
static int64_t instant_of(const json_t *value)
{
    return json_range(value, 0, JSON_NS_MAX, NS_UNKNOWN);
}

static int64_t count_of(const json_t *value)
{
    return json_range(value, 0, RECORD_MAX_COUNT, TOKENS_UNKNOWN);
}

/* Of an answer whose stamps cannot be nothing can be said: it failed. */
static void check_stamps(json_t *request)
{
    json_t *stamps = json_object_get(request, "t_ns"), *one;
    size_t i;
    bool is_good = true;
    json_array_foreach(stamps, i, one)
    {
        is_good = is_good && instant_of(one) != NS_UNKNOWN;
    }
    if (is_good)
        return;
    (void)json_object_set_new(request, "t_ns", json_array());
    (void)json_object_set_new(request, "finish_reason",
                              json_string("its stamps are no instants"));
}

/* Takes one message of a running batch. */
static void take_message(struct engine *en, json_t *event)
{
    const char *name = json_str_of(event, "ev");
    if (name == NULL)
        return;
    if (strcmp(name, "request") == 0 || strcmp(name, "refused") == 0) {
        check_stamps(event);
        json_array_append(en->ended, event);
    } else if (strcmp(name, "batch_end") == 0) {
        en->is_running = false;
        en->due_ns = instant_of(json_object_get(event, "due_ns"));
        json_decref(en->last_end);
        en->last_end = json_incref(event);
        vllm_link_expect(&en->link, "ready", LINK_PULSE_NONE, (struct span){0});
    }
}

static int64_t between(const json_t *o, const char *from, const char *to)
{
    int64_t a = instant_of(json_object_get(o, from)),
            b = instant_of(json_object_get(o, to));
    return a == NS_UNKNOWN || b == NS_UNKNOWN ? NS_UNKNOWN : b - a;
}

/* Tokens of event number k: "several" lists those that are not 1. */
static int64_t tokens_of_event(const json_t *request, size_t k)
{
    const json_t *several = json_object_get(request, "several");
    for (size_t i = 0; i < json_array_size(several); i++) {
        const json_t *pair = json_array_get(several, i);
        if ((size_t)json_integer_value(json_array_get(pair, 0)) == k)
            return count_of(json_array_get(pair, 1));
    }
    return 1;
}

static void fill_failed(struct engine *en, struct event *ev, enum fail_class fail,
                        const char *text)
{
    snprintf(en->text, sizeof en->text, "%s", text != NULL ? text : "");
    ev->kind = EVENT_FAILED;
    ev->fail = fail;
    ev->text = en->text;
}

static void fill_end(struct engine *en, const json_t *request, struct event *ev)
{
    const json_t *stamps = json_object_get(request, "t_ns");
    size_t n = json_array_size(stamps);
    const char *why = json_str_of(request, "finish_reason");
    ev->at.ns = n > 0 ? instant_of(json_array_get(stamps, n - 1))
                      : json_range_of(en->last_end, "end_ns", 0, JSON_NS_MAX, en->due_ns);
    ev->kind = EVENT_DONE;
    ev->source = TOKEN_SOURCE_engine;
    ev->tokens_in = count_of(json_object_get(request, "prompt_tokens"));
    ev->tokens_out = count_of(json_object_get(request, "output_tokens"));
    ev->tokens_cached = count_of(json_object_get(request, "cached_tokens"));
    ev->prefill_ns = between(request, "scheduled_ns", "first_ns");
    ev->decode_ns = between(request, "first_ns", "last_ns");
    if (why == NULL || (strcmp(why, "length") != 0 && strcmp(why, "stop") != 0)) {
        bool is_cancelled = why != NULL && strcmp(why, "cancelled") == 0;
        fill_failed(en, ev, is_cancelled ? FAIL_aborted : FAIL_engine, why);
    }
}

/* The next event of the ended batch; false when all were handed out. Events come request
 * by request: SENT, its tokens, its end; DUE before all of them. */
static bool take_event(struct engine *en, struct event *ev)
{
    if (en->is_running || en->ended_at >= json_array_size(en->ended))
        return false;
    const json_t *request = json_array_get(en->ended, en->ended_at);
    const json_t *stamps = json_object_get(request, "t_ns");
    *ev = (struct event){
        .request = (int32_t)json_range_of(request, "index", 0, INT32_MAX, -1),
        .at.ns = en->due_ns,
        .tokens_in = TOKENS_UNKNOWN,
        .tokens_out = TOKENS_UNKNOWN,
        .tokens_cached = TOKENS_UNKNOWN,
        .prefill_ns = NS_UNKNOWN,
        .decode_ns = NS_UNKNOWN};
    if (!en->is_due_known) {
        ev->kind = EVENT_DUE;
        en->is_due_known = true;
        return true;
    }
    const char *refusal = json_str_of(request, "text");
    size_t k = en->event_at++;
    if (refusal != NULL) {
        fill_failed(en, ev, FAIL_refused, refusal);
    } else if (k == 0) {
        ev->kind = EVENT_SENT;
        ev->at.ns = json_range_of(request, "sent_ns", 0, JSON_NS_MAX, en->due_ns);
    } else if (k <= json_array_size(stamps)) {
        ev->kind = EVENT_TOKENS;
        ev->at.ns = instant_of(json_array_get(stamps, k - 1));
        ev->tokens = tokens_of_event(request, k - 1);
    } else {
        fill_end(en, request, ev);
    }
    if (ev->kind == EVENT_DONE || ev->kind == EVENT_FAILED) {
        en->ended_at++;
        en->event_at = 0;
    }
    return true;
}

static enum status vllm_next(struct engine_lane *l, struct instant until,
                             const struct engine_watch *w, struct event_list *out,
                             struct err *e)
{
    struct event *events = out->items;
    size_t cap = out->cap, *n = &out->count;
    struct engine *en = l->engine;
    *n = 0;
    en->link.watch = w;
    if (!en->is_running && en->pending.count > 0 &&
        en->ended_at >= json_array_size(en->ended)) {
        enum status st = send_batch(en, e);
        if (st != STATUS_OK)
            return st;
    }
    while (en->is_running) {
        json_t *event = NULL;
        enum status st = vllm_link_read(&en->link, until, &event, e);
        if (st != STATUS_OK || event == NULL)
            return st;
        take_message(en, event);
        json_decref(event);
    }
    while (*n < cap && take_event(en, &events[*n])) {
        (*n)++;
        if (events[*n - 1].kind == EVENT_FAILED)
            break; /* its text lives until the next call */
    }
    return STATUS_OK;
}

/* --- control */

/* Sends one message and waits for its answer. */
static enum status ask(struct engine *en, struct str message, const char *answer,
                       json_t **out, struct err *e)
{
    vllm_link_expect(&en->link, "ready", LINK_PULSE_LOG, clock_seconds(CONTROL_LIMIT_S));
    enum status st = vllm_link_send(&en->link, message, e);
    if (st == STATUS_OK)
        st = vllm_link_await(&en->link, answer, out, e);
    if (st == STATUS_OK)
        vllm_link_expect(&en->link, "ready", LINK_PULSE_NONE, (struct span){0});
    return st;
}

static enum status vllm_reset_prefix(struct engine *en, bool *done, struct err *e)
{
    json_t *answer = NULL;
    enum status st = ask(en, str_from("{\"op\":\"reset\"}"), "reset", &answer, e);
    if (st == STATUS_OK)
        *done = json_bool_of(answer, "ok", false);
    json_decref(answer);
    return st;
}

static enum status copy_ids(const json_t *ids, struct arena *a, struct engine_text *text,
                            struct err *e)
{
    size_t n = json_array_size(ids);
    text->ids = arena_alloc(a, n + 1, sizeof *text->ids);
    if (text->ids == NULL)
        return status_no_memory(e, "vllm");
    for (size_t i = 0; i < n; i++) {
        text->ids[i] = (int32_t)json_range(json_array_get(ids, i), 0, JSON_IDS_MAX, -1);
        if (text->ids[i] < 0)
            return status_fail(e, STATUS_INTERNAL, "vllm",
                               "a text's token %zu is no token id", i + 1);
    }
    text->id_count = n;
    return STATUS_OK;
}

static enum status vllm_tokenize(struct engine *en, struct engine_text *texts,
                                 size_t count, struct arena *a, struct err *e)
{
    struct jsonw w;
    json_t *answer = NULL;
    buf_clear(&en->message);
    jsonw_init(&w, &en->message, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "op", "tokenize");
    jsonw_array(&w, "texts");
    for (size_t i = 0; i < count; i++)
        jsonw_str(&w, NULL, texts[i].text);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    if (en->message.failed != STATUS_OK)
        return status_fail(e, en->message.failed, "vllm", "out of memory");
    enum status st = ask(en, (struct str){en->message.data, en->message.len}, "tokens",
                         &answer, e);
    const json_t *ids = json_object_get(answer, "ids");
    if (st == STATUS_OK && json_array_size(ids) != count) {
        st = status_fail(e, STATUS_INTERNAL, "vllm", "%zu texts gave %zu token lists",
                         count, json_array_size(ids));
    }
    for (size_t i = 0; i < count && st == STATUS_OK; i++)
        st = copy_ids(json_array_get(ids, i), a, &texts[i], e);
    json_decref(answer);
    return st;
}

static enum status vllm_counters(struct engine *en, struct row *fields, struct err *e)
{
    (void)e;
    int64_t preempted = json_range_of(en->last_end, "preemptions", 0, JSON_COUNT_MAX, -1);
    fields->v[FIELD_preemptions] = preempted < 0 ? value_null() : value_int(preempted);
    fields->v[FIELD_kv_usage_max] = value_num(json_num_of(en->last_end, "kv_usage_max"));
    fields->v[FIELD_cache_source] = value_str("engine");
    json_decref(en->last_end);
    en->last_end = NULL;
    return STATUS_OK;
}

const struct engine_ops engine_vllm = {
    .name = "vllm",
    .abi = ENGINE_ABI,
    .flags = ENGINE_OFFLINE,
    .settle = vllm_settings_settle,
    .locate = vllm_settings_locate,
    .open = vllm_open,
    .lane_new = vllm_lane_new,
    .submit = vllm_submit,
    .cancel = vllm_cancel,
    .next = vllm_next,
    .reset_prefix = vllm_reset_prefix,
    .tokenize = vllm_tokenize,
    .counters = vllm_counters,
    .close = vllm_close,
};
