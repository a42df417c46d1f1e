#include "serve/chunks.h"

#include <stddef.h>
#include <string.h>

#include "text/jsonw.h"

static void put(struct buf *out, const char *text)
{
    (void)buf_text(out, text);
}

/* --- parts of a form */

/* The text of token number n, from 0, is " t1" for the first. */
static void put_words(const struct chunks *c, const struct chunks_tokens *t,
                      struct buf *out)
{
    (void)c;
    for (int64_t i = t->from; i < t->to; i++) {
        put(out, " t");
        (void)buf_int(out, i + 1);
    }
}

static void put_finish(const struct chunks *c, const struct chunks_tokens *t,
                       struct buf *out)
{
    (void)c;
    const char *quote = t->finish != NULL ? "\"" : "";
    put(out, quote);
    put(out, t->finish != NULL ? t->finish : "null");
    put(out, quote);
}

/* Made-up ids, as a JSON list. */
static void put_list(int64_t from, int64_t to, int64_t vocab_size, struct buf *out)
{
    put(out, "[");
    for (int64_t i = from; i < to; i++) {
        if (i > from)
            put(out, ",");
        (void)buf_int(out, (i + 1) % vocab_size);
    }
    put(out, "]");
}

static void put_ids(const struct chunks *c, const struct chunks_tokens *t,
                    struct buf *out)
{
    if (c->request->returns_ids)
        put_list(t->from, t->to, c->vocab_size, out);
    else
        put(out, "null");
}

/* As they were sent, or made up for a text. */
static void put_prompt_ids(const struct chunks *c, const struct chunks_tokens *t,
                           struct buf *out)
{
    const struct completion_request *q = c->request;
    if (!q->returns_ids || !t->has_prompt)
        put(out, "null");
    else if (q->prompt_ids.ptr != NULL)
        (void)buf_append(out, q->prompt_ids.ptr, q->prompt_ids.len);
    else
        put_list(0, q->prompt_tokens, c->vocab_size, out);
}

static void put_usage(const struct chunks *c, int64_t tokens, const char *details,
                      struct buf *out)
{
    put(out, ",\"usage\":{\"prompt_tokens\":");
    (void)buf_int(out, c->request->prompt_tokens);
    put(out, ",\"total_tokens\":");
    (void)buf_int(out, c->request->prompt_tokens + tokens);
    put(out, ",\"completion_tokens\":");
    (void)buf_int(out, tokens);
    put(out, details);
    put(out, "}");
}

static bool says_usage(const struct chunks *c)
{
    return c->has_usage && c->request->includes_usage;
}

static void put_running(const struct chunks *c, const struct chunks_tokens *t,
                        struct buf *out)
{
    bool is_chat = c->request->endpoint == ENDPOINT_CHAT;
    if (says_usage(c) && c->request->has_continuous_usage)
        put_usage(c, t->to, is_chat ? ",\"completion_tokens_details\":null" : "", out);
}

static void put_total(const struct chunks *c, const struct chunks_tokens *t,
                      struct buf *out)
{
    put_usage(c, t->to, "", out);
}

static void put_whole(const struct chunks *c, const struct chunks_tokens *t,
                      struct buf *out)
{
    if (c->has_usage)
        put_usage(c, t->to,
                  ",\"prompt_tokens_details\":null,\"completion_tokens_details\":null",
                  out);
}

/* The event that ends a stream has it. */
static void put_fingerprint(const struct chunks *c, const struct chunks_tokens *t,
                            struct buf *out)
{
    if (t->finish != NULL && !says_usage(c))
        put(out, CHUNKS_FINGERPRINT);
}

static const struct {
    char letter;
    void (*put)(const struct chunks *c, const struct chunks_tokens *t, struct buf *out);
} parts[] = {
    {'W', put_words},   {'F', put_finish}, {'I', put_ids},   {'P', put_prompt_ids},
    {'R', put_running}, {'T', put_total},  {'U', put_whole}, {'S', put_fingerprint},
};

void chunks_fill(const struct chunks *c, const struct chunks_tokens *t, const char *form,
                 struct buf *out)
{
    for (;;) {
        const char *mark = strchrnul(form, '%');
        (void)buf_append(out, form, (size_t)(mark - form));
        if (*mark == '\0')
            return;
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
            if (parts[i].letter == mark[1])
                parts[i].put(c, t, out);
        form = mark + 2;
    }
}

/* --- events */

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
    buf_clear(&c->opening);
    put(&c->opening, "data: ");
    chunks_open(c, is_chat ? "chat.completion.chunk" : "text_completion", &c->opening);
}

void chunks_open(const struct chunks *c, const char *object, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "id", c->id);
    jsonw_str(&w, "object", object);
    jsonw_int(&w, "created", c->created_s);
    jsonw_str(&w, "model", c->model);
}

static void put_event(const struct chunks *c, const struct chunks_tokens *t,
                      const char *form, struct buf *out)
{
    buf_clear(c->line);
    (void)buf_append(c->line, c->opening.data, c->opening.len);
    chunks_fill(c, t, form, c->line);
    chunks_frame(buf_str(c->line), out);
}

#define CHOICE(members) ",\"choices\":[{\"index\":0," members "}]"
#define OPENS(role)                                                                    \
    CHOICE("\"delta\":{" role "\"content\":\"\"},\"logprobs\":null,\"finish_reason\":" \
           "null")                                                                     \
    "%R,\"prompt_token_ids\":%P,\"prompt_text\":null}\n\n"
#define DELTA(content, stop)                                                     \
    CHOICE("\"delta\":{" content "},\"logprobs\":null,\"finish_reason\":%F" stop \
           ",\"token_ids\":%I")                                                  \
    "%R%S}\n\n"
#define CONTENT "\"content\":\"%W\""
#define STOP    ",\"stop_reason\":null"

void chunks_tokens(const struct chunks *c, const struct chunks_tokens *t, struct buf *out)
{
    struct chunks_tokens all = *t;
    const char *form = CHOICE(
        "\"text\":\"%W\",\"logprobs\":null,\"finish_reason\":%F" STOP
        ",\"prompt_token_ids\":%P,\"token_ids\":%I") "%R%S}\n\n";
    all.has_prompt = t->from == 0 && (t->to > 0 || t->finish != NULL);
    if (c->request->endpoint == ENDPOINT_CHAT)
        form = t->is_finish_only   ? DELTA("", STOP)
               : t->finish != NULL ? DELTA(CONTENT, STOP)
                                   : DELTA(CONTENT, "");
    put_event(c, &all, form, out);
}

void chunks_role(const struct chunks *c, struct buf *out)
{
    const struct chunks_tokens none = {.has_prompt = true};
    put_event(c, &none, OPENS("\"role\":\"assistant\","), out);
}

void chunks_empty(const struct chunks *c, struct buf *out)
{
    const struct chunks_tokens none = {.has_prompt = true};
    if (c->request->endpoint == ENDPOINT_CHAT)
        put_event(c, &none, OPENS(""), out);
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
    const struct chunks_tokens all = {.to = tokens};
    if (says_usage(c))
        put_event(c, &all, ",\"choices\":[]%T" CHUNKS_FINGERPRINT "}\n\n", out);
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
