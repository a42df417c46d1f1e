#include "engines/openai_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* What one read brought, while it is taken apart. */
struct pass {
    const struct openai_sink *sink;
    struct openai_conn *conn;
    const struct openai_read *read;
    struct instant at;   /* the kernel's stamp where it is valid, else the reader's */
    size_t first_event;  /* of this read */
    bool is_other_after; /* something followed the last token that is not its end */
    bool is_end_after;   /* usage, [DONE] or the last chunk followed it */
    bool is_over;
};

void openai_answer_begin(struct openai_conn *c)
{
    response_begin(&c->http, false);
    sse_init(&c->sse, c->sse.held, c->sse.room);
    buf_clear(&c->body);
    c->last_token = c->newest_token = (struct instant){0};
    c->answer = (struct openai_answer){.tokens_in = TOKENS_UNKNOWN,
                                       .tokens_out = TOKENS_UNKNOWN,
                                       .tokens_cached = TOKENS_UNKNOWN};
}

static bool is_stamped(const struct openai_conn *c, const struct openai_read *r)
{
    return r->kernel.ns != NS_UNKNOWN && c->sent_at.ns <= r->kernel.ns &&
           r->kernel.ns <= r->user.ns;
}

/* A unix socket: our own reading tells the time of arrival nearly as well. */
static bool is_prompt(const struct openai_read *r)
{
    return r->kernel.ns == NS_UNKNOWN && r->is_prompt;
}

static void failed(struct openai_conn *c, enum fail_class why, struct str text)
{
    struct openai_answer *a = &c->answer;
    if (a->has_error)
        return;
    a->has_error = true;
    a->fail = why;
    size_t len = text.len < sizeof c->error - 1 ? text.len : sizeof c->error - 1;
    memcpy(c->error, text.ptr, len);
    c->error[len] = '\0';
}

void openai_answer_fail(struct openai_events *s, struct openai_conn *c,
                        enum fail_class why, const char *text, ...)
{
    char full[sizeof c->error];
    va_list args;
    va_start(args, text);
    (void)vsnprintf(full, sizeof full, text, args);
    va_end(args);
    memcpy(c->error, full, sizeof full);
    struct event *ev = openai_events_add(s, EVENT_FAILED, c->request, clock_now());
    ev->fail = why;
    ev->text = c->error;
}

static void token_event(struct pass *p, enum event_class cls, int64_t tokens)
{
    struct event *ev = openai_events_add(p->sink->events, EVENT_TOKENS, p->conn->request,
                                         p->at);
    ev->cls = cls;
    ev->tokens = tokens;
    if (is_stamped(p->conn, p->read))
        ev->read_at = p->read->user;
    if (cls != EVENT_FINISH) {
        p->conn->answer.token_events++;
        p->conn->newest_token = p->at;
    }
    p->is_other_after = p->is_end_after = false;
}

/* What may hold tokens; false for what cannot: an opening with a role, usage, nothing. */
static bool may_hold_tokens(const struct openai_answer *a,
                            const struct openai_chunk *chunk, enum event_class *cls)
{
    switch (chunk->cls) {
    case OPENAI_TEXT: *cls = EVENT_TEXT; return true;
    case OPENAI_EMPTY:
        *cls = EVENT_EMPTY;
        return a->has_choices || !chunk->has_role || chunk->token_ids > 0;
    case OPENAI_FINISH: *cls = EVENT_FINISH; return chunk->finish != OPENAI_FINISH_ABORT;
    default: return false;
    }
}

/* How many tokens such an event holds; TOKENS_UNKNOWN where only the answer's total will
 * tell. */
static int64_t tokens_of(struct openai_answer *a, enum openai_counts how,
                         const struct openai_chunk *chunk)
{
    int64_t n = TOKENS_UNKNOWN;
    if (how == OPENAI_COUNTS_IDS && chunk->token_ids >= 0)
        n = chunk->token_ids;
    else if (how == OPENAI_COUNTS_CONTINUOUS && chunk->tokens_out >= 0)
        n = chunk->tokens_out - a->tokens_seen;
    if (n != TOKENS_UNKNOWN)
        a->tokens_seen += n;
    return n;
}

/* What may be a token, or a text, which is an arrival whether it counts or not. */
static bool is_token_event(struct openai_answer *a, enum openai_counts how,
                           const struct openai_chunk *chunk, enum event_class *cls,
                           int64_t *tokens)
{
    if (!may_hold_tokens(a, chunk, cls))
        return false;
    *tokens = tokens_of(a, how, chunk);
    return *tokens != 0 || *cls == EVENT_TEXT;
}

static void keep_usage(struct openai_answer *a, const struct openai_chunk *chunk)
{
    if (chunk->tokens_in >= 0)
        a->tokens_in = chunk->tokens_in;
    if (chunk->tokens_out >= 0)
        a->tokens_out = chunk->tokens_out;
    if (chunk->tokens_cached >= 0)
        a->tokens_cached = chunk->tokens_cached;
}

static void keep_finish(struct openai_answer *a, const struct openai_chunk *chunk)
{
    const struct str name = chunk->finish_name;
    if (chunk->finish == OPENAI_FINISH_NONE)
        return;
    a->finish = chunk->finish;
    size_t len = name.len < sizeof a->finish_name ? name.len : sizeof a->finish_name - 1;
    memcpy(a->finish_name, name.ptr, len);
    a->finish_name[len] = '\0';
}

/* Looked at once in an answer. */
static void keep_model(struct openai_conn *c, const struct openai_chunk *chunk)
{
    char *out = c->answer.model;
    size_t len = 0;
    for (size_t i = 0; i < chunk->model.len && len + 1 < OPENAI_MODEL_BYTES; i++)
        if (chunk->model.ptr[i] != '\\' || i + 1 == chunk->model.len ||
            chunk->model.ptr[i + 1] != '/') /* some escape it */
            out[len++] = chunk->model.ptr[i];
    out[len] = '\0';
    if (chunk->provider.len > 0)
        gateway_add(&c->http.gateway, chunk->provider);
}

enum { QUOTED = 100 };

/* A failure, with what the server sent there. */
static void quote(struct openai_conn *c, const char *what, struct str sent)
{
    char said[QUOTED + 1], text[sizeof c->error];
    openai_say(sent, said, sizeof said);
    (void)snprintf(text, sizeof text, "%s%s%s", what, said[0] != '\0' ? ": " : "", said);
    failed(c, FAIL_stream, str_from(text));
}

static bool is_end(const struct openai_chunk *chunk)
{
    return chunk->is_done || chunk->cls == OPENAI_FINISH ||
           (chunk->cls == OPENAI_NOTHING && chunk->tokens_out >= 0);
}

/* A ping, an empty event; or an error in words, which is known only when the answer ends
 * without a finish_reason: its text is kept until then. */
static void skip(struct pass *p, struct str data)
{
    struct openai_conn *c = p->conn;
    p->sink->events->skipped++;
    if (data.len == 0 || c->answer.has_error)
        return;
    openai_say(data, c->error, QUOTED + 1);
    c->answer.has_odd = true;
}

/* What an event says of the answer as a whole. */
static void keep(struct pass *p, const struct openai_chunk *chunk)
{
    struct openai_answer *a = &p->conn->answer;
    keep_usage(a, chunk);
    keep_finish(a, chunk);
    if (a->model[0] == '\0' && chunk->model.len > 0)
        keep_model(p->conn, chunk);
    if (chunk->error.ptr != NULL)
        failed(p->conn, FAIL_stream, chunk->error);
    if (chunk->is_done && a->done_at.ns == 0) {
        a->done_at = p->at;
        a->done_read_at = p->read->user;
    }
}

static void stream_event(struct pass *p, struct str data)
{
    struct openai_answer *a = &p->conn->answer;
    struct openai_chunk chunk;
    enum openai_reading r = openai_read(data, p->sink->setup->endpoint, &chunk);
    if (r == OPENAI_BROKEN)
        quote(p->conn, "an event is not JSON", data);
    if (r == OPENAI_OTHER)
        skip(p, data);
    if (r != OPENAI_READ)
        return;
    keep(p, &chunk);
    enum event_class cls = EVENT_TEXT;
    int64_t n = 0;
    bool is_kept = is_token_event(a, p->sink->setup->counts, &chunk, &cls, &n);
    a->has_choices = a->has_choices || chunk.cls != OPENAI_NOTHING;
    if (is_kept && !p->sink->setup->options->is_stream)
        a->token_events++; /* nobody asked for a stream: it counts as one piece */
    else if (is_kept)
        token_event(p, cls, n);
    else if (is_end(&chunk))
        p->is_end_after = true;
    else
        p->is_other_after = true;
}

/* Room for a longer event: a rare path, the only one that allocates. */
static bool grow(struct openai_conn *c)
{
    size_t room = c->sse.room * 8 < OPENAI_EVENT_CAP ? c->sse.room * 8 : OPENAI_EVENT_CAP;
    char *held = room > c->sse.room ? mem_resize(c->sse.held, room, 1) : NULL;
    if (held == NULL) {
        failed(c, FAIL_stream, str_from("an event is larger than 4 MB"));
        return false;
    }
    c->sse.held = held;
    c->sse.room = room;
    return true;
}

static bool stream_body(struct pass *p, struct str body)
{
    struct str data;
    for (;;) {
        enum sse_step step = sse_next(&p->conn->sse, &body, &data);
        if (step == SSE_MORE)
            return true;
        if (step == SSE_TOO_LONG && !grow(p->conn))
            return false;
        if (step == SSE_EVENT)
            stream_event(p, data);
    }
}

static bool is_stream(const struct openai_conn *c)
{
    return c->http.status == 200 && c->http.is_event_stream;
}

/* Events, though the head does not say so. */
static bool begins_as_stream(struct str body)
{
    static const char *const begins[] = {"data:", "event:", "id:", "retry:", ":"};
    if (str_starts(body, "\xef\xbb\xbf"))
        body = (struct str){.ptr = body.ptr + 3, .len = body.len - 3};
    body = str_trim(body);
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (str_starts(body, begins[i]))
            return true;
    return false;
}

static bool take_body(struct pass *p, struct str body)
{
    struct openai_conn *c = p->conn;
    if (is_stream(c))
        return stream_body(p, body);
    if (buf_append(&c->body, body.ptr, body.len) != STATUS_OK) {
        failed(c, FAIL_stream, str_from("an answer is larger than 4 MB"));
        return false;
    }
    if (c->http.status != 200 || !begins_as_stream(buf_str(&c->body)))
        return true;
    c->http.is_event_stream = true;
    bool is_good = stream_body(p, buf_str(&c->body));
    buf_clear(&c->body);
    return is_good;
}

/* The server does not take the request as it is. */
static bool is_refusal(int status)
{
    return status == 400 || status == 404 || status == 422 || status == 500 ||
           status == 501;
}

/* What may help; NULL. */
static const char *advice_of(const struct openai_conn *c, enum openai_endpoint endpoint,
                             struct str said)
{
    int status = c->http.status;
    const char *advice = NULL;
    if (status == 401 || status == 403)
        return "OPENAI_API_KEY or --api-key-file";
    if (status / 100 == 3)
        return "the address of it as --base-url";
    if (is_refusal(status))
        advice = openai_dialect_advice(said, buf_str(&c->body), status >= 500);
    if (advice != NULL || (status != 404 && status != 405))
        return advice;
    return endpoint == OPENAI_CHAT
               ? "a --base-url with the API's path, or --endpoint /PATH"
               : "--endpoint chat, or a --base-url with the API's path";
}

/* An error's message, where it sends us, or its text. */
static void cause_of(const struct openai_conn *c, const struct openai_chunk *chunk,
                     char *out, size_t room)
{
    static const char elsewhere[] = "redirects to ";
    const size_t len = sizeof elsewhere - 1;
    if (c->http.status / 100 == 3 && c->http.location[0] != '\0') {
        memcpy(out, elsewhere, len);
        openai_say(str_from(c->http.location), out + len, room - len);
    } else if (c->http.is_gzip) {
        (void)snprintf(out, room, "its message is compressed");
    } else {
        openai_say(chunk->error.ptr != NULL ? chunk->error : buf_str(&c->body), out,
                   room);
    }
}

/* The cause as the server has it, and the option that may help. */
static void http_error(struct openai_conn *c, enum openai_endpoint endpoint,
                       const struct openai_chunk *chunk)
{
    enum { ROOM_OF_WORDS = 64 };
    char text[sizeof c->error], wait[40] = "", said[sizeof c->error];
    if (c->http.retry_after_s >= 0)
        snprintf(wait, sizeof wait, " (Retry-After %lld s)",
                 (long long)c->http.retry_after_s);
    cause_of(c, chunk, said, sizeof said);
    const char *advice = advice_of(c, endpoint, str_from(said));
    int room = advice != NULL ? (int)(sizeof text - strlen(advice) - ROOM_OF_WORDS) : -1;
    snprintf(text, sizeof text, "HTTP %d%s%s%.*s%s%s", c->http.status, wait,
             said[0] != '\0' ? ": " : "", room, said, advice != NULL ? "; try " : "",
             advice != NULL ? advice : "");
    failed(c, c->http.status == 429 ? FAIL_rate_limit : FAIL_http, str_from(text));
}

/* HTTP 200, and no event stream where one was asked for: its first token would be its
 * last. */
static bool is_unstreamed(const struct pass *p)
{
    return p->sink->setup->options->is_stream;
}

/* An answer that is no stream is whole: an error, or all tokens at once. */
static void plain_answer(struct pass *p)
{
    struct openai_conn *c = p->conn;
    struct openai_chunk chunk;
    struct str body = buf_str(&c->body);
    bool is_json = openai_read(body, p->sink->setup->endpoint, &chunk) == OPENAI_READ;
    if (c->http.status != 200) {
        http_error(c, p->sink->setup->endpoint, &chunk);
        return;
    }
    if (is_json && chunk.error.ptr != NULL) {
        failed(c, FAIL_stream, chunk.error);
        return;
    }
    if (!is_json || chunk.cls < OPENAI_EMPTY) {
        quote(c, "the answer is not a completion", body);
        return;
    }
    if (is_unstreamed(p)) {
        failed(
            c, FAIL_stream,
            str_from("the answer was not streamed; use --no-stream for such a server"));
        return;
    }
    keep_usage(&c->answer, &chunk);
    keep_model(c, &chunk);
    keep_finish(&c->answer, &chunk);
    token_event(p, EVENT_TEXT, chunk.tokens_out > 0 ? chunk.tokens_out : TOKENS_UNKNOWN);
}

static void unfinished(struct openai_conn *c)
{
    static const char what[] = "the answer ended without a finish_reason";
    char odd[QUOTED + 1] = "";
    if (c->answer.has_odd)
        memcpy(odd, c->error, sizeof odd);
    quote(c, what, str_from(odd));
}

/* Only a good reason, without an error event, is success; [DONE] is not. */
static void judge_finish(struct openai_conn *c)
{
    switch (c->answer.finish) {
    case OPENAI_FINISH_ABORT:
        failed(c, FAIL_aborted, str_from("the server aborted the request"));
        break;
    case OPENAI_FINISH_NONE: unfinished(c); break;
    case OPENAI_FINISH_OTHER:
        quote(c, "the answer ended with finish_reason", str_from(c->answer.finish_name));
        break;
    default: break;
    }
}

static void end_answer(struct pass *p)
{
    struct openai_conn *c = p->conn;
    struct openai_answer *a = &c->answer;
    p->is_over = true;
    if (!is_stream(c) && !a->has_error)
        plain_answer(p);
    else if (!p->sink->setup->options->is_stream && !a->has_error &&
             a->token_events-- > 0)
        token_event(p, EVENT_TEXT, a->tokens_out > 0 ? a->tokens_out : TOKENS_UNKNOWN);
    p->is_end_after = true;
    if (!a->has_error)
        judge_finish(c);
}

static void take_head(struct pass *p)
{
    struct openai_conn *c = p->conn;
    c->answer.has_head = true;
    if (c->http.is_gzip && c->http.status == 200)
        failed(c, FAIL_stream,
               str_from("a compressed answer: its timing would be wrong"));
}

/* True if the read's stamp, that of the last bytes it touched, is the last token's
 * own. */
static bool is_last_sure(const struct pass *p)
{
    const struct openai_conn *c = p->conn;
    bool is_cut = sse_is_within(&c->sse) ||
                  (c->http.is_chunked && (c->http.left > 0 || c->http.line_len > 0));
    if (is_cut && !p->is_over)
        return false;
    return (is_stamped(c, p->read) || is_prompt(p->read)) && p->read->is_whole &&
           !p->is_other_after;
}

/* The stamps of the token events of this read: the last one has the read's own, earlier
 * ones came not later. A finish reason without text is an end for the token before it
 * (where it turns out to be a token itself, both have the read's stamp, and the earlier
 * one is taken for bounded: stats/settle.c). */
static void classify(struct pass *p)
{
    const struct openai_events *s = p->sink->events;
    enum event_stamp last = EVENT_BOUNDED;
    if (is_last_sure(p))
        last = p->is_end_after ? EVENT_TAIL : EVENT_EXACT;
    for (size_t i = s->count; i > p->first_event; i--) {
        struct event *ev = &s->items[i - 1];
        if (ev->kind != EVENT_TOKENS)
            continue;
        ev->stamp = last;
        if (ev->cls != EVENT_FINISH)
            last = EVENT_BOUNDED;
        else if (last == EVENT_EXACT)
            last = EVENT_TAIL;
    }
}

/* The event that ends the request. */
static void tell_end(struct pass *p)
{
    const struct openai_conn *c = p->conn;
    const struct openai_answer *a = &c->answer;
    if (a->has_error) {
        struct openai_events *events = p->sink->events;
        openai_answer_fail(events, p->conn, a->fail, "%s", c->error);
        struct event *end = &events->items[events->count - 1];
        end->at = p->at;
        bool is_http = a->fail == FAIL_http || a->fail == FAIL_rate_limit;
        end->http_status = is_http ? c->http.status : 0;
        return;
    }
    openai_answered_add(&p->sink->events->answered, a->model, &c->http.gateway);
    struct event *ev = openai_events_add(p->sink->events, EVENT_DONE, c->request, p->at);
    ev->read_at = p->read->user;
    ev->tokens_in = a->tokens_in;
    ev->tokens_cached = a->tokens_cached;
    ev->tokens_out = a->tokens_out;
    ev->source = TOKEN_SOURCE_usage;
    bool is_counted = is_stream(c) || a->tokens_seen > 0; /* one piece tells no number */
    if (a->tokens_out == TOKENS_UNKNOWN)
        ev->source = TOKEN_SOURCE_estimated;
    if (a->tokens_out == TOKENS_UNKNOWN && is_counted) {
        bool has_counts = a->tokens_seen > 0;
        ev->tokens_out = has_counts ? a->tokens_seen : a->token_events;
        ev->source = has_counts ? TOKEN_SOURCE_token_ids : TOKEN_SOURCE_estimated;
    }
}

static void take_apart(struct pass *p, struct str *bytes)
{
    struct openai_conn *c = p->conn;
    struct str body;
    while (!p->is_over && !c->answer.has_error) {
        switch (response_next(&c->http, bytes, &body)) {
        case RESPONSE_MORE: return;
        case RESPONSE_HEAD: take_head(p); break;
        case RESPONSE_BODY: (void)take_body(p, body); break;
        case RESPONSE_END: end_answer(p); break;
        case RESPONSE_BAD: failed(c, FAIL_stream, str_from(c->http.bad)); break;
        }
    }
}

bool openai_answer_read(const struct openai_sink *s, struct openai_conn *c,
                        struct str bytes, const struct openai_read *read, bool *keep)
{
    struct pass p = {.sink = s, .conn = c, .read = read, .first_event = s->events->count};
    p.at = is_stamped(c, read) ? read->kernel : read->user;
    c->answer.has_bytes = true;
    take_apart(&p, &bytes);
    classify(&p);
    *keep = p.is_over && c->http.is_keep_alive && bytes.len == 0;
    if (!p.is_over && !c->answer.has_error)
        return false;
    tell_end(&p);
    return true;
}

void openai_answer_done(const struct openai_sink *s, struct openai_conn *c)
{
    const struct openai_read read = {.kernel = {.ns = NS_UNKNOWN},
                                     .user = c->answer.done_read_at};
    struct pass p = {.sink = s,
                     .conn = c,
                     .read = &read,
                     .at = c->answer.done_at,
                     .first_event = s->events->count};
    end_answer(&p);
    tell_end(&p);
}

void openai_answer_closed(const struct openai_sink *s, struct openai_conn *c,
                          const struct openai_read *read)
{
    struct pass p = {.sink = s, .conn = c, .read = read, .first_event = s->events->count};
    p.at = read->user;
    bool is_done = c->answer.done_at.ns != 0 && !c->answer.has_error;
    if (is_done || (c->answer.has_head && response_closed(&c->http)))
        end_answer(&p);
    else
        failed(c, FAIL_reset,
               str_from(c->answer.has_bytes ? "the server closed the connection in the "
                                              "middle of the answer"
                                            : "the server closed the connection"));
    tell_end(&p);
}
