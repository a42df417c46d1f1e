#include "serve/route.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "serve/reply.h"
#include "text/jsonw.h"

enum { ID_BYTES = 128 };

static const char json_type[] = "application/json";

/* An answer that is complete at once; the body is in s->body. */
static enum stream_next reply(struct server *s, struct conn *c, struct reply *r)
{
    struct str body = buf_str(&s->body);
    r->is_keep_alive = !c->ends;
    buf_clear(&s->out);
    reply_whole(r, clock_wall(), body, &s->out);
    if (s->out.failed != STATUS_OK || s->body.failed != STATUS_OK)
        return STREAM_LOST;
    struct str bytes = buf_str(&s->out);
    return conn_send(c, bytes, NULL) == CONN_LOST ? STREAM_LOST : STREAM_ENDS;
}

static enum stream_next reply_text(struct server *s, struct conn *c, int status,
                                   const char *body, const char *allow)
{
    struct reply r = {
        .status = status, .content_type = json_type, .retry_after_s = -1, .allow = allow};
    buf_clear(&s->body);
    (void)buf_text(&s->body, body);
    return reply(s, c, &r);
}

static void put_version(const struct server *s, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "version", "simulated");
    jsonw_str(&w, "server", REPLY_SERVER);
    jsonw_str(&w, "tool", s->tool);
    jsonw_object_end(&w);
}

static void put_models(const struct server *s, struct buf *out)
{
    plain_api_models(s->settings, s->created_s, out);
}

static void put_metrics(const struct server *s, struct buf *out)
{
    plain_api_metrics(s->settings, &s->counts, out);
}

/* Printable ASCII of it, cut to ID_BYTES; NULL if there is none, or no memory. */
static char *copy_id(struct str id)
{
    char text[ID_BYTES + 1];
    size_t len = 0;
    for (size_t i = 0; i < id.len && len < ID_BYTES; i++)
        if (id.ptr[i] > ' ' && id.ptr[i] < 0x7f)
            text[len++] = id.ptr[i];
    text[len] = '\0';
    return len > 0 ? mem_strdup(text) : NULL;
}

static void begin_record(struct server *s, struct conn *c, const char *endpoint)
{
    struct completion *a = &c->answer;
    a->is_active = true;
    a->record = (struct slog_record){.request = s->counts.requests++,
                                     .id = copy_id(c->request.request_id),
                                     .endpoint = endpoint,
                                     .outcome = "refused",
                                     .arrival = c->arrival,
                                     .read = c->read,
                                     .begin = {NS_UNKNOWN},
                                     .end = {NS_UNKNOWN},
                                     .empty = {NS_UNKNOWN},
                                     .finish = {NS_UNKNOWN},
                                     .tokens_per_event = 1};
}

static enum stream_next refuse(struct server *s, struct conn *c,
                               const struct request_error *e, int64_t retry_after_s)
{
    struct reply r = {
        .status = e->status, .content_type = json_type, .retry_after_s = retry_after_s};
    c->answer.record.status = e->status;
    c->answer.record.end = clock_now();
    buf_clear(&s->body);
    reply_error_body(e, &s->body);
    return reply(s, c, &r);
}

/* --fail: as vLLM where it is busy, else as it words faults. */
static enum stream_next fail_request(struct server *s, struct conn *c)
{
    int status = (int)s->settings->fail_status;
    int64_t retry_after_s = s->settings->retry_after_s;
    bool is_busy = status == 503 || status == 429;
    struct request_error e = {.status = status,
                              .type = status == 503   ? "Service Unavailable"
                                      : status == 429 ? "RateLimitError"
                                                      : "InternalServerError"};
    (void)snprintf(e.message, sizeof e.message, "%s (simulated)",
                   is_busy ? "The engine is currently busy and cannot accept new "
                             "requests. Please try again later"
                           : "The request failed");
    return refuse(s, c, &e, retry_after_s == OPT_INT_UNSET ? -1 : retry_after_s);
}

static bool is_json(struct str type)
{
    struct str kind = str_trim(str_cut(&type, ';'));
    return kind.len == 0 || (kind.len == strlen(json_type) &&
                             strncasecmp(kind.ptr, json_type, kind.len) == 0);
}

static enum stream_next generate(struct server *s, struct conn *c,
                                 enum completion_endpoint endpoint, const char *path)
{
    const struct settings *o = s->settings;
    const struct request_limits limits = {o->model, o->max_model_len, o->vocab_size,
                                          settings_dialect(o)};
    struct completion *a = &c->answer;
    struct request_error e;
    begin_record(s, c, path);
    if (!is_json(c->request.content_type)) {
        e = (struct request_error){.status = 400, .type = "Bad Request"};
        (void)snprintf(e.message, sizeof e.message,
                       "1 validation error:\n  Unsupported Media Type: Only "
                       "'application/json' is allowed");
        return refuse(s, c, &e, -1);
    }
    if (!completion_request_read(c->request.body, endpoint, &limits, &a->request, &e))
        return refuse(s, c, &e, -1);
    a->record.is_stream = a->request.is_stream;
    a->record.prompt_tokens = a->request.prompt_tokens;
    fault_draw(&o->faults, o->garbage_kind, (uint64_t)o->seed, a->record.request,
               &a->fault);
    a->record.outcome = fault_name(a->fault.kind);
    if (a->fault.kind == FAULT_FAIL)
        return fail_request(s, c);
    s->counts.prompt_tokens += a->request.prompt_tokens;
    completion_begin(a, o, clock_wall().ns / NS_PER_S, &s->line);
    enum stream_next next = stream_begin(s, c);
    if (next == STREAM_GOES_ON)
        queue_join(&s->queue, c);
    return next;
}

static bool is_allowed(const struct server *s, const struct request *r)
{
    return s->key.len == 0 || !str_starts(r->path, "/v1") ||
           str_equal(r->authorization, (struct str){s->key.data, s->key.len});
}

static const struct route {
    const char *path, *method;
    unsigned trait;                    /* of a dialect; 0: all have it */
    enum completion_endpoint endpoint; /* of a POST */
    const char *type;                  /* of a page */
    void (*put)(const struct server *s, struct buf *out); /* NULL: an empty page */
} routes[] = {
    {.path = "/v1/completions", .method = "POST", .endpoint = ENDPOINT_COMPLETIONS},
    {.path = "/v1/chat/completions", .method = "POST", .endpoint = ENDPOINT_CHAT},
    {.path = "/v1/models", .method = "GET", .type = json_type, .put = put_models},
    {.path = "/health", .method = "GET", .trait = OPENAI_HAS_HEALTH},
    {.path = "/ping", .method = "GET", .trait = OPENAI_HAS_HEALTH},
    {.path = "/version",
     .method = "GET",
     .trait = OPENAI_HAS_VLLM,
     .type = json_type,
     .put = put_version},
    {.path = "/metrics",
     .trait = OPENAI_HAS_VLLM,
     .method = "GET",
     .type = "text/plain; version=1.0.0; charset=utf-8",
     .put = put_metrics},
};

static enum stream_next reply_page(struct server *s, struct conn *c,
                                   const struct route *route)
{
    struct reply r = {.status = 200, .content_type = route->type, .retry_after_s = -1};
    buf_clear(&s->body);
    if (route->put != NULL)
        route->put(s, &s->body);
    return reply(s, c, &r);
}

enum stream_next route_request(struct server *s, struct conn *c)
{
    const struct request *q = &c->request;
    const struct route *found = NULL;
    const unsigned traits = settings_dialect(s->settings)->traits;
    c->ends = !q->is_keep_alive;
    if (!is_allowed(s, q))
        return reply_text(s, c, 401, "{\"error\":\"Unauthorized\"}", NULL);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (str_is(q->path, routes[i].path) && (routes[i].trait & ~traits) == 0)
            found = &routes[i];
    if (found == NULL)
        return reply_text(s, c, 404, "{\"detail\":\"Not Found\"}", NULL);
    if (!str_is(q->method, found->method))
        return reply_text(s, c, 405, "{\"detail\":\"Method Not Allowed\"}",
                          found->method);
    return found->method[0] == 'P' ? generate(s, c, found->endpoint, found->path)
                                   : reply_page(s, c, found);
}

enum stream_next route_bad(struct server *s, struct conn *c)
{
    struct reply r = {.status = c->request.bad_status,
                      .content_type = "text/plain; charset=utf-8",
                      .retry_after_s = -1};
    c->ends = true;
    buf_clear(&s->body);
    (void)buf_text(&s->body, c->request.bad);
    return reply(s, c, &r);
}
