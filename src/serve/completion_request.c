#include "serve/completion_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "text/jsonr.h"

enum { BYTES_PER_TOKEN = 4, DEFAULT_MAX_TOKENS = 16 /* of /v1/completions */ };
#define UNSET INT64_MIN

/* The body while it is read. */
struct reading {
    struct jsonr scan;
    const struct request_limits *limits;
    struct completion_request *request;
    struct request_error *e;
    bool has_failed;
    struct str body, model;
    int64_t max_tokens, max_completion_tokens, min_tokens, choices;
    size_t text_bytes;
    size_t prompts; /* in the prompt's list */
    bool has_prompt, has_stream_options;
};

PRINTF_LIKE(5, 6)
static void refuse(struct reading *r, int status, const char *type, const char *param,
                   const char *fmt, ...)
{
    if (r->has_failed)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(r->e->message, sizeof r->e->message, fmt, args);
    va_end(args);
    r->e->status = status;
    r->e->type = type;
    r->e->param = param;
    r->has_failed = true;
}

#define BAD_REQUEST "BadRequestError"
#define BAD_SHAPE   "Bad Request"

static void refuse_type(struct reading *r, const char *param, const char *kind)
{
    refuse(r, 400, BAD_SHAPE, param,
           "1 validation error:\n  {'type': '%s_type', 'loc': '%s', 'msg': 'Input should "
           "be a valid %s'}",
           kind, param, kind);
}

/* The value of another type is skipped. */
static void wrong_type(struct reading *r, const char *param, const char *kind)
{
    refuse_type(r, param, kind);
    (void)jsonr_value(&r->scan);
}

static void read_int(struct reading *r, const char *param, int64_t *out)
{
    enum jsonr_kind kind = jsonr_kind(&r->scan);
    if (kind == JSONR_NULL)
        (void)jsonr_value(&r->scan);
    else if (kind != JSONR_NUMBER)
        wrong_type(r, param, "integer");
    else if (!jsonr_int(&r->scan, out))
        refuse_type(r, param, "integer");
}

static void read_bool(struct reading *r, const char *param, bool *out)
{
    enum jsonr_kind kind = jsonr_kind(&r->scan);
    if (kind == JSONR_BOOL || kind == JSONR_NULL) {
        struct jsonr_value v = jsonr_value(&r->scan);
        *out = str_is(v.text, "true");
    } else {
        wrong_type(r, param, "boolean");
    }
}

static void add_text(struct reading *r)
{
    r->text_bytes += jsonr_text_len(jsonr_inner(jsonr_value(&r->scan)));
}

static void read_stream_options(struct reading *r)
{
    struct str key;
    if (jsonr_kind(&r->scan) != JSONR_OBJECT) {
        if (jsonr_kind(&r->scan) == JSONR_NULL)
            (void)jsonr_value(&r->scan);
        else
            wrong_type(r, "body.stream_options", "dictionary");
        return;
    }
    r->has_stream_options = true;
    jsonr_enter(&r->scan, '{');
    while (jsonr_member(&r->scan, &key))
        if (str_is(key, "include_usage"))
            read_bool(r, "body.stream_options.include_usage",
                      &r->request->includes_usage);
        else if (str_is(key, "continuous_usage_stats"))
            read_bool(r, "body.stream_options.continuous_usage_stats",
                      &r->request->has_continuous_usage);
        else
            (void)jsonr_value(&r->scan);
}

/* One id of a list; the scan stands before it. */
static void read_id(struct reading *r)
{
    int64_t id = 0;
    if (!jsonr_int(&r->scan, &id)) {
        refuse_type(r, "body.prompt", "integer");
        return;
    }
    if ((r->limits->dialect->traits & OPENAI_TAKES_IDS) == 0)
        refuse(r, 400, BAD_REQUEST, NULL, "prompt: input should be a valid string");
    if (id < 0 || id >= r->limits->vocab_size)
        refuse(r, 400, BAD_REQUEST, NULL, "Token id %lld is out of vocabulary",
               (long long)id);
    r->request->prompt_tokens++;
}

/* A list of ids, or of one text, or of one list of ids; the scan stands before it. */
static void read_list(struct reading *r, bool is_inner)
{
    const char *start = r->scan.at;
    bool has_ids = false;
    jsonr_enter(&r->scan, '[');
    while (jsonr_item(&r->scan)) {
        enum jsonr_kind kind = jsonr_kind(&r->scan);
        if (kind == JSONR_NUMBER) {
            has_ids = true;
            read_id(r);
        } else if (kind == JSONR_STRING && !is_inner) {
            r->prompts++;
            add_text(r);
        } else if (kind == JSONR_LIST && !is_inner) {
            r->prompts++;
            read_list(r, true);
        } else {
            wrong_type(r, "body.prompt", "string");
        }
    }
    if (has_ids)
        r->request->prompt_ids = (struct str){start, (size_t)(r->scan.at - start)};
    if (has_ids && !is_inner)
        r->prompts++;
}

static void read_prompt(struct reading *r)
{
    enum jsonr_kind kind = jsonr_kind(&r->scan);
    r->has_prompt = true;
    if (kind == JSONR_STRING) {
        r->prompts = 1;
        add_text(r);
        if (r->text_bytes == 0)
            refuse(r, 400, BAD_REQUEST, "prompt",
                   "Either prompt or prompt_embeds must be provided and non-empty. "
                   "(parameter=prompt)");
    } else if (kind == JSONR_LIST) {
        read_list(r, false);
    } else {
        wrong_type(r, "body.prompt", "string");
    }
}

/* A message's content: a text, or parts of which those with a text count. */
static void read_content(struct reading *r)
{
    struct str key;
    if (jsonr_kind(&r->scan) == JSONR_STRING) {
        add_text(r);
        return;
    }
    if (jsonr_kind(&r->scan) != JSONR_LIST) {
        (void)jsonr_value(&r->scan);
        return;
    }
    jsonr_enter(&r->scan, '[');
    while (jsonr_item(&r->scan)) {
        if (jsonr_kind(&r->scan) != JSONR_OBJECT) {
            wrong_type(r, "body.messages", "dictionary");
            continue;
        }
        jsonr_enter(&r->scan, '{');
        while (jsonr_member(&r->scan, &key))
            if (str_is(key, "text") && jsonr_kind(&r->scan) == JSONR_STRING)
                add_text(r);
            else
                (void)jsonr_value(&r->scan);
    }
}

static void read_messages(struct reading *r)
{
    struct str key;
    if (jsonr_kind(&r->scan) != JSONR_LIST) {
        wrong_type(r, "body.messages", "list");
        return;
    }
    jsonr_enter(&r->scan, '[');
    while (jsonr_item(&r->scan)) {
        if (jsonr_kind(&r->scan) != JSONR_OBJECT) {
            wrong_type(r, "body.messages", "dictionary");
            continue;
        }
        r->has_prompt = true;
        r->prompts = 1;
        jsonr_enter(&r->scan, '{');
        while (jsonr_member(&r->scan, &key))
            if (str_is(key, "content"))
                read_content(r);
            else
                (void)jsonr_value(&r->scan);
    }
}

static void read_model(struct reading *r)
{
    if (jsonr_kind(&r->scan) == JSONR_STRING)
        r->model = jsonr_inner(jsonr_value(&r->scan));
    else
        (void)jsonr_value(&r->scan);
}

/* Members that are a number or a switch: true if key is one of them. */
static bool read_simple(struct reading *r, struct str key)
{
    const struct {
        const char *key, *param;
        int64_t *number; /* NULL: a switch */
        bool *flag;
    } rows[] = {
        {"max_tokens", "body.max_tokens", &r->max_tokens, NULL},
        {"max_completion_tokens", "body.max_completion_tokens", &r->max_completion_tokens,
         NULL},
        {"min_tokens", "body.min_tokens", &r->min_tokens, NULL},
        {"n", "body.n", &r->choices, NULL},
        {"stream", "body.stream", NULL, &r->request->is_stream},
        {"return_token_ids", "body.return_token_ids", NULL, &r->request->returns_ids},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!str_is(key, rows[i].key))
            continue;
        if (rows[i].number != NULL)
            read_int(r, rows[i].param, rows[i].number);
        else
            read_bool(r, rows[i].param, rows[i].flag);
        return true;
    }
    return false;
}

static void read_member(struct reading *r, struct str key)
{
    bool is_chat = r->request->endpoint == ENDPOINT_CHAT;
    if (!openai_dialect_takes(r->limits->dialect, is_chat, key))
        refuse(r, 400, BAD_REQUEST, NULL, "Unsupported parameter: '%.*s'", (int)key.len,
               key.ptr);
    if (str_is(key, "model"))
        read_model(r);
    else if (str_is(key, "prompt") && !is_chat)
        read_prompt(r);
    else if (str_is(key, "messages") && is_chat)
        read_messages(r);
    else if (str_is(key, "stream_options"))
        read_stream_options(r);
    else if (!read_simple(r, key))
        (void)jsonr_value(&r->scan);
}

static void bad_json(struct reading *r)
{
    r->has_failed = false; /* a body that is no JSON is only that */
    refuse(r, 400, BAD_SHAPE, "body",
           "1 validation error:\n  {'type': 'json_invalid', 'loc': 'body.%zu', 'msg': "
           "'JSON decode error'}",
           (size_t)(r->scan.at - r->body.ptr));
}

static void check_model(struct reading *r)
{
    if (r->model.ptr == NULL || jsonr_text_is(r->model, r->limits->model))
        return;
    r->has_failed = false;
    refuse(r, 404, "NotFoundError", "model",
           "The model `%.*s` does not exist. Valid aliases: %.100s.",
           (int)(r->model.len < 100 ? r->model.len : 100), r->model.ptr,
           r->limits->model);
}

static void check_prompt(struct reading *r)
{
    const char *what = r->request->endpoint == ENDPOINT_CHAT ? "messages" : "prompt";
    if (!r->has_prompt)
        refuse(
            r, 400, BAD_SHAPE,
            r->request->endpoint == ENDPOINT_CHAT ? "body.messages" : "body.prompt",
            "1 validation error:\n  {'type': 'missing', 'loc': 'body.%s', 'msg': 'Field "
            "required'}",
            what);
    if (r->prompts == 0)
        refuse(r, 400, BAD_REQUEST, NULL, "You must pass at least one prompt");
    if (r->prompts > 1 || (r->choices != UNSET && r->choices != 1))
        refuse(r, 400, BAD_REQUEST, what,
               "This simulated server answers one prompt a request, once (n=1)");
    if (r->request->prompt_tokens == 0)
        r->request->prompt_tokens = (int64_t)((r->text_bytes + BYTES_PER_TOKEN - 1) /
                                              BYTES_PER_TOKEN);
}

/* As vLLM: an answer that cannot fit is an error, one that does not is made shorter. */
static void check_lengths(struct reading *r)
{
    int64_t limit = r->limits->max_model_len;
    bool is_chat = r->request->endpoint == ENDPOINT_CHAT;
    int64_t wanted = is_chat && r->max_completion_tokens != UNSET
                         ? r->max_completion_tokens
                         : r->max_tokens;
    if (r->request->prompt_tokens >= limit)
        refuse(r, 400, BAD_REQUEST, "input_tokens",
               "This model's maximum context length is %lld tokens. However, your prompt "
               "contains %lld input tokens, which exceeds this limit even without any "
               "output tokens. Please reduce the length of the input prompt. "
               "(parameter=input_tokens, value=%lld)",
               (long long)limit, (long long)r->request->prompt_tokens,
               (long long)r->request->prompt_tokens);
    int64_t room = limit - r->request->prompt_tokens;
    if (wanted == UNSET)
        wanted = is_chat ? room : DEFAULT_MAX_TOKENS;
    if (wanted < 1)
        refuse(
            r, 400, BAD_REQUEST, "max_tokens",
            "max_tokens must be at least 1, got %lld. (parameter=max_tokens, value=%lld)",
            (long long)wanted, (long long)wanted);
    if (wanted > limit)
        refuse(
            r, 400, BAD_REQUEST, "max_tokens",
            "max_tokens=%lld cannot be greater than max_model_len=%lld. Please request "
            "fewer output tokens. (parameter=max_tokens, value=%lld)",
            (long long)wanted, (long long)limit, (long long)wanted);
    if (r->min_tokens != UNSET && r->min_tokens > wanted)
        refuse(r, 400, BAD_REQUEST, NULL,
               "min_tokens must be less than or equal to max_tokens=%lld, got %lld.",
               (long long)wanted, (long long)r->min_tokens);
    r->request->max_tokens = wanted < room ? wanted : room;
}

bool completion_request_read(struct str body, enum completion_endpoint endpoint,
                             const struct request_limits *limits,
                             struct completion_request *out, struct request_error *e)
{
    struct str key;
    *out = (struct completion_request){.endpoint = endpoint};
    struct reading r = {.limits = limits,
                        .request = out,
                        .e = e,
                        .body = body,
                        .max_tokens = UNSET,
                        .max_completion_tokens = UNSET,
                        .min_tokens = UNSET,
                        .choices = UNSET};
    jsonr_init(&r.scan, body, NULL, NULL);
    jsonr_enter(&r.scan, '{');
    while (jsonr_member(&r.scan, &key))
        read_member(&r, key);
    if (jsonr_end(&r.scan) != STATUS_OK) {
        bad_json(&r);
        return false;
    }
    check_model(&r);
    if (r.has_stream_options && !out->is_stream)
        refuse(&r, 400, BAD_REQUEST, "stream_options",
               "Stream options can only be defined when `stream=True`. "
               "(parameter=stream_options)");
    check_prompt(&r);
    check_lengths(&r);
    return !r.has_failed;
}
