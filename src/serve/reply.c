#include "serve/reply.h"

#include <stddef.h>
#include <time.h>

#include "text/jsonw.h"

const char *reply_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } rows[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return rows[i].reason;
    return "";
}

/* RFC 9110, 5.6.7; the names do not follow the locale. */
static void put_date(struct wall now, struct buf *out)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t s = (time_t)(now.ns / NS_PER_S);
    struct tm t = {0};
    (void)gmtime_r(&s, &t);
    (void)buf_printf(out, "date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[t.tm_wday],
                     t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min,
                     t.tm_sec);
}

static void put_padding(struct buf *out)
{
    char block[4096];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = 'x';
    (void)buf_text(out, "x-padding: ");
    for (size_t i = 0; i < REPLY_BIG_HEADER_BYTES / sizeof block; i++)
        (void)buf_append(out, block, sizeof block);
    (void)buf_text(out, "\r\n");
}

void reply_head(const struct reply *r, struct wall now, struct buf *out)
{
    (void)buf_printf(out, "HTTP/1.1 %d %s\r\n", r->status, reply_reason(r->status));
    put_date(now, out);
    (void)buf_text(out, "server: " REPLY_SERVER "\r\n");
    if (r->has_big_header)
        put_padding(out);
    if (r->allow != NULL)
        (void)buf_printf(out, "allow: %s\r\n", r->allow);
    if (r->retry_after_s >= 0)
        (void)buf_printf(out, "retry-after: %lld\r\n", (long long)r->retry_after_s);
    if (r->content_length != REPLY_CHUNKED)
        (void)buf_printf(out, "content-length: %lld\r\n", (long long)r->content_length);
    if (r->content_type != NULL)
        (void)buf_printf(out, "content-type: %s\r\n", r->content_type);
    (void)buf_text(out, "vary: Origin\r\n");
    if (r->content_length == REPLY_CHUNKED)
        (void)buf_text(out, "transfer-encoding: chunked\r\n");
    if (!r->is_keep_alive)
        (void)buf_text(out, "connection: close\r\n");
    (void)buf_text(out, "\r\n");
}

void reply_whole(struct reply *r, struct wall now, struct str body, struct buf *out)
{
    r->content_length = (int64_t)body.len;
    reply_head(r, now, out);
    (void)buf_append(out, body.ptr, body.len);
}

void reply_error_body(const struct request_error *e, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_object(&w, "error");
    jsonw_str(&w, "message", e->message);
    jsonw_str(&w, "type", e->type);
    jsonw_str(&w, "param", e->param);
    jsonw_int(&w, "code", e->status);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
}
