#include "serve/chunks.h"

#include <stddef.h>

#include "text/jsonw.h"

static void put(struct buf *out, const char *text)
{
    (void)buf_text(out, text);
}

void chunks_word(int64_t n, struct buf *out)
{
    put(out, " t");
    (void)buf_int(out, n + 1);
}

void chunks_ids(const struct chunks_tokens *t, int64_t vocab_size, struct buf *out)
{
    put(out, "[");
    for (int64_t i = t->from; i < t->to; i++) {
        if (i > t->from)
            put(out, ",");
        (void)buf_int(out, (i + 1) % vocab_size);
    }
    put(out, "]");
}

void chunks_prompt_ids(const struct completion_request *request, int64_t vocab_size,
                       struct buf *out)
{
    struct chunks_tokens all = {.to = request->prompt_tokens};
    if (request->prompt_ids.ptr != NULL)
        (void)buf_append(out, request->prompt_ids.ptr, request->prompt_ids.len);
    else
        chunks_ids(&all, vocab_size, out);
}

void chunks_frame(struct str text, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    char size[16];
    size_t at = sizeof size, rest = text.len;
    do
        size[--at] = digits[rest % 16];
    while ((rest /= 16) > 0);
    (void)buf_append(out, size + at, sizeof size - at);
    put(out, "\r\n");
    (void)buf_append(out, text.ptr, text.len);
    put(out, "\r\n");
}

void chunks_begin(struct chunks *c)
{
    bool is_chat = c->request->endpoint == ENDPOINT_CHAT;
    struct jsonw w;
    buf_clear(&c->opening);
    put(&c->opening, "data: ");
    jsonw_init(&w, &c->opening, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "id", c->id);
    jsonw_str(&w, "object", is_chat ? "chat.completion.chunk" : "text_completion");
    jsonw_int(&w, "created", c->created_s);
    jsonw_str(&w, "model", c->model);
}

static void open_event(const struct chunks *c)
{
    buf_clear(c->line);
    (void)buf_append(c->line, c->opening.data, c->opening.len);
}

static void close_event(const struct chunks *c, struct buf *out)
{
    put(c->line, "}\n\n");
    chunks_frame(buf_str(c->line), out);
}

static bool says_usage(const struct chunks *c)
{
    return c->has_usage && c->request->includes_usage;
}

static void put_usage(const struct chunks *c, int64_t tokens)
{
    put(c->line, ",\"usage\":{\"prompt_tokens\":");
    (void)buf_int(c->line, c->request->prompt_tokens);
    put(c->line, ",\"total_tokens\":");
    (void)buf_int(c->line, c->request->prompt_tokens + tokens);
    put(c->line, ",\"completion_tokens\":");
    (void)buf_int(c->line, tokens);
}

static void put_running_usage(const struct chunks *c, int64_t tokens)
{
    if (!says_usage(c) || !c->request->has_continuous_usage)
        return;
    put_usage(c, tokens);
    put(c->line, c->request->endpoint == ENDPOINT_CHAT
                     ? ",\"completion_tokens_details\":null}"
                     : "}");
}

static void put_fingerprint(const struct chunks *c)
{
    put(c->line, ",\"system_fingerprint\":\"" CHUNKS_FINGERPRINT "\"");
}

static void put_finish(const struct chunks *c, const char *finish)
{
    put(c->line, "\"logprobs\":null,\"finish_reason\":");
    if (finish == NULL) {
        put(c->line, "null");
        return;
    }
    put(c->line, "\"");
    put(c->line, finish);
    put(c->line, "\"");
}

static void put_ids(const struct chunks *c, const struct chunks_tokens *t)
{
    if (c->request->returns_ids)
        chunks_ids(t, c->vocab_size, c->line);
    else
        put(c->line, "null");
}

static void put_words(const struct chunks *c, const struct chunks_tokens *t)
{
    for (int64_t i = t->from; i < t->to; i++)
        chunks_word(i, c->line);
}

static void put_completion(const struct chunks *c, const struct chunks_tokens *t)
{
    bool is_empty = t->to == t->from && t->finish == NULL;
    put(c->line, ",\"choices\":[{\"index\":0,\"text\":\"");
    put_words(c, t);
    put(c->line, "\",");
    put_finish(c, t->finish);
    put(c->line, ",\"stop_reason\":null,\"prompt_token_ids\":");
    if (c->request->returns_ids && t->from == 0 && !is_empty)
        chunks_prompt_ids(c->request, c->vocab_size, c->line);
    else
        put(c->line, "null");
    put(c->line, ",\"token_ids\":");
    put_ids(c, t);
    put(c->line, "}]");
}

static void put_delta(const struct chunks *c, const struct chunks_tokens *t)
{
    put(c->line, ",\"choices\":[{\"index\":0,\"delta\":{");
    if (!t->is_finish_only) {
        put(c->line, "\"content\":\"");
        put_words(c, t);
        put(c->line, "\"");
    }
    put(c->line, "},");
    put_finish(c, t->finish);
    if (t->finish != NULL)
        put(c->line, ",\"stop_reason\":null");
    put(c->line, ",\"token_ids\":");
    put_ids(c, t);
    put(c->line, "}]");
}

void chunks_tokens(const struct chunks *c, const struct chunks_tokens *t, struct buf *out)
{
    open_event(c);
    if (c->request->endpoint == ENDPOINT_CHAT)
        put_delta(c, t);
    else
        put_completion(c, t);
    put_running_usage(c, t->to);
    if (t->finish != NULL && !says_usage(c))
        put_fingerprint(c);
    close_event(c, out);
}

/* The event that opens a chat; role: a member, or "". */
static void put_chat_opening(const struct chunks *c, const char *role, struct buf *out)
{
    open_event(c);
    put(c->line, ",\"choices\":[{\"index\":0,\"delta\":{");
    put(c->line, role);
    put(c->line, "\"content\":\"\"},");
    put_finish(c, NULL);
    put(c->line, "}]");
    put_running_usage(c, 0);
    put(c->line, ",\"prompt_token_ids\":");
    if (c->request->returns_ids)
        chunks_prompt_ids(c->request, c->vocab_size, c->line);
    else
        put(c->line, "null");
    put(c->line, ",\"prompt_text\":null");
    close_event(c, out);
}

void chunks_role(const struct chunks *c, struct buf *out)
{
    put_chat_opening(c, "\"role\":\"assistant\",", out);
}

void chunks_empty(const struct chunks *c, struct buf *out)
{
    struct chunks_tokens none = {0};
    if (c->request->endpoint == ENDPOINT_CHAT)
        put_chat_opening(c, "", out);
    else
        chunks_tokens(c, &none, out);
}

void chunks_abort(const struct chunks *c, int64_t tokens, struct buf *out)
{
    struct chunks_tokens none = {.from = tokens, .to = tokens, .finish = "abort"};
    chunks_tokens(c, &none, out);
}

void chunks_usage(const struct chunks *c, int64_t tokens, struct buf *out)
{
    if (!says_usage(c))
        return;
    open_event(c);
    put(c->line, ",\"choices\":[]");
    put_usage(c, tokens);
    put(c->line, "}");
    put_fingerprint(c);
    close_event(c, out);
}

void chunks_error(struct buf *out)
{
    chunks_frame(
        str_from("data: {\"error\": {\"message\": \"EngineCore encountered an issue "
                 "(simulated).\", \"type\": \"InternalServerError\", \"param\": "
                 "null, \"code\": 500}}\n\n"),
        out);
}

void chunks_done(struct buf *out)
{
    chunks_frame(str_from("data: [DONE]\n\n"), out);
    put(out, "0\r\n\r\n");
}
