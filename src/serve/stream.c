#include "serve/stream.h"

#include <string.h>

#include "serve/reply.h"

#define ENDLESS_BYTES ((size_t)5 << 20) /* longer than clients take an event to be */

static struct str text_of(const struct buf *b)
{
    return buf_str(b);
}

void stream_was_sent(struct server *s, struct completion *a, struct instant sent)
{
    s->counts.generation_tokens += a->made_tokens - a->record.tokens;
    a->record.tokens = a->made_tokens;
    a->awaits_stamp = false;
    for (; a->unstamped > 0; a->unstamped--)
        slog_stamp(&s->log, &a->record.sent, sent);
}

/* What s->out holds. */
enum part {
    PART_HEAD,
    PART_EVENT, /* perhaps behind a head */
    PART_LAST   /* nothing may be held back behind it */
};

/* Sends what was gathered in s->out, or holds it back until there are events enough.
 * *at: the instant before the send, of what is held back the one when it was made.
 * false: the peer is gone. */
static bool hand_over(struct server *s, struct conn *c, enum part part,
                      struct instant *at)
{
    struct completion *a = &c->answer;
    struct str bytes = text_of(&s->out);
    struct instant sent = {NS_UNKNOWN};
    bool holds = s->settings->buffered_events > 0;
    if (s->out.failed != STATUS_OK)
        return false;
    if (holds) {
        *at = clock_now();
        if (buf_append(&a->held, bytes.ptr, bytes.len) != STATUS_OK)
            return false;
        a->held_events += part == PART_EVENT;
        if (part != PART_LAST && a->held_events < s->settings->buffered_events)
            return true;
        bytes = text_of(&a->held);
    }
    enum conn_sent result = bytes.len > 0 ? conn_send(c, bytes, &sent) : CONN_SENT;
    a->held_events = 0;
    buf_clear(&a->held);
    if (!holds)
        *at = sent;
    a->awaits_stamp = result == CONN_WAITS && a->unstamped > 0;
    if (result == CONN_SENT && a->unstamped > 0)
        stream_was_sent(s, a, sent);
    return result != CONN_LOST;
}

/* The end of an answer, or of what it gets; next: what follows unless the peer is
 * gone. */
static enum stream_next send_out(struct server *s, struct conn *c, enum stream_next next)
{
    struct instant unused;
    return hand_over(s, c, PART_LAST, &unused) ? next : STREAM_LOST;
}

enum stream_next stream_begin(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    struct reply head = {.status = 200,
                         .content_type = "text/event-stream; charset=utf-8",
                         .content_length = REPLY_CHUNKED,
                         .is_keep_alive = !c->ends,
                         .retry_after_s = -1,
                         .has_big_header = a->fault.kind == FAULT_BIG_HEADER};
    enum part part = PART_HEAD;
    struct instant now;
    if (a->fault.kind == FAULT_HANG)
        return STREAM_STALLS;
    a->record.status = 200;
    if (!a->request.is_stream ||
        (a->fault.kind == FAULT_GARBAGE && a->fault.garbage == FAULT_GARBAGE_HEAD))
        return STREAM_GOES_ON;
    buf_clear(&s->out);
    reply_head(&head, clock_wall(), &s->out);
    if (s->settings->has_empty_first) {
        chunks_empty(&a->chunks, &s->out);
        part = PART_EVENT;
    }
    if (!hand_over(s, c, part, &now))
        return STREAM_LOST;
    if (part == PART_EVENT)
        a->record.empty = now;
    return STREAM_GOES_ON;
}

/* The usage, [DONE] and the zero chunk, in one send. */
static enum stream_next send_tail(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    buf_clear(&s->out);
    chunks_usage(&a->chunks, a->made_tokens, &s->out);
    chunks_done(&s->out);
    a->record.end = clock_now();
    return send_out(s, c, STREAM_ENDS);
}

static void count_end(struct server *s, const struct completion *a)
{
    if (a->fault.kind == FAULT_SHORT)
        s->counts.stop++;
    else
        s->counts.length++;
}

static enum stream_next send_event(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    struct chunks_tokens t = completion_next(a);
    struct instant made;
    buf_clear(&s->out);
    if (a->made_events == 0 && a->request.endpoint == ENDPOINT_CHAT &&
        a->record.empty.ns == NS_UNKNOWN)
        chunks_role(&a->chunks, &s->out);
    chunks_tokens(&a->chunks, &t, &s->out);
    if (!t.is_finish_only) {
        a->made_events++;
        a->made_tokens = t.to;
        a->unstamped++;
    }
    if (!hand_over(s, c, PART_EVENT, &made))
        return STREAM_LOST;
    if (t.is_finish_only)
        a->record.finish = made;
    else if (s->settings->buffered_events > 0)
        slog_stamp(&s->log, &a->record.made, made);
    if (t.finish == NULL) {
        completion_advance(a);
        return STREAM_GOES_ON;
    }
    count_end(s, a);
    return send_tail(s, c);
}

static void put_endless_line(struct buf *line)
{
    char block[4096];
    memset(block, 'x', sizeof block);
    (void)buf_text(line, "data: ");
    for (size_t i = 0; i < ENDLESS_BYTES / sizeof block; i++)
        (void)buf_append(line, block, sizeof block);
}

static enum stream_next send_garbage(struct server *s, struct conn *c)
{
    buf_clear(&s->out);
    c->ends = c->ends || c->answer.fault.garbage != FAULT_GARBAGE_JSON;
    switch (c->answer.fault.garbage) {
    case FAULT_GARBAGE_HEAD:
        (void)buf_append(&s->out, "\x16\x03\x01 this is no HTTP\0\xff\r\n\r\n", 24);
        break;
    case FAULT_GARBAGE_NEGATIVE: (void)buf_text(&s->out, "-5\r\ndata: \n\n\r\n"); break;
    case FAULT_GARBAGE_JSON:
        chunks_frame(str_from("data: {\"id\":\"broken\",\"choices\":[{\n\n"), &s->out);
        chunks_done(&s->out);
        break;
    case FAULT_GARBAGE_LINE:
        buf_clear(&s->line);
        put_endless_line(&s->line);
        chunks_frame(text_of(&s->line), &s->out);
        break;
    default: (void)buf_text(&s->out, "zz!\r\ndata: {}\n\n\r\n");
    }
    return send_out(s, c, STREAM_ENDS);
}

/* The fault of a streamed answer, in its middle. */
static enum stream_next strike(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    a->record.end = clock_now();
    switch (a->fault.kind) {
    case FAULT_STALL: return STREAM_STALLS;
    case FAULT_RESET: return STREAM_RESETS;
    case FAULT_GARBAGE: return send_garbage(s, c);
    case FAULT_ABORT:
        s->counts.abort++;
        buf_clear(&s->out);
        chunks_abort(&a->chunks, a->made_tokens, &s->out);
        return hand_over(s, c, PART_EVENT, &a->record.end) ? send_tail(s, c)
                                                           : STREAM_LOST;
    case FAULT_ERROR:
        s->counts.error++;
        buf_clear(&s->out);
        chunks_error(&s->out);
        chunks_done(&s->out);
        return send_out(s, c, STREAM_ENDS);
    default: buf_clear(&s->out); return send_out(s, c, STREAM_CLOSES);
    }
}

/* Head and body of an answer that is not streamed, into s->out. */
static void put_whole(struct server *s, struct conn *c, const char *finish)
{
    struct completion *a = &c->answer;
    struct reply r = {.status = 200,
                      .content_type = "application/json",
                      .is_keep_alive = !c->ends,
                      .retry_after_s = -1,
                      .has_big_header = a->fault.kind == FAULT_BIG_HEADER};
    buf_clear(&s->out);
    buf_clear(&s->body);
    if (a->fault.kind == FAULT_GARBAGE)
        (void)buf_text(&s->body, "{\"id\":\"broken\",\"choices\":[{");
    else
        plain_api_answer(&a->chunks, a->made_tokens, finish, &s->body);
    reply_whole(&r, clock_wall(), text_of(&s->body), &s->out);
}

static void put_error(struct server *s, struct conn *c)
{
    struct reply r = {.status = 500,
                      .content_type = "application/json",
                      .is_keep_alive = !c->ends,
                      .retry_after_s = -1};
    struct request_error error = {
        .status = 500,
        .type = "InternalServerError",
        .message = "EngineCore encountered an issue (simulated).",
    };
    s->counts.error++;
    c->answer.made_tokens = 0;
    c->answer.record.status = 500;
    buf_clear(&s->out);
    buf_clear(&s->body);
    reply_error_body(&error, &s->body);
    reply_whole(&r, clock_wall(), text_of(&s->body), &s->out);
}

/* Half of the answer, and then nothing or the end. */
static enum stream_next send_half(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    put_whole(s, c, completion_finish(a));
    a->made_tokens = 0;
    s->out.len /= 2;
    return send_out(s, c, a->fault.kind == FAULT_STALL ? STREAM_STALLS : STREAM_CLOSES);
}

/* What is in s->out is the whole answer. */
static enum stream_next send_at_once(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    a->made_events = a->unstamped = 1;
    return hand_over(s, c, PART_LAST, &a->record.end) ? STREAM_ENDS : STREAM_LOST;
}

static enum stream_next send_whole(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    int64_t struck_tokens = a->strike * s->settings->tokens_per_event;
    bool is_struck = a->strike >= 0;
    a->made_tokens = is_struck && struck_tokens < a->tokens ? struck_tokens : a->tokens;
    switch (a->fault.kind) {
    case FAULT_RESET: return STREAM_RESETS;
    case FAULT_CUT:
    case FAULT_STALL: return send_half(s, c);
    case FAULT_GARBAGE:
        if (a->fault.garbage == FAULT_GARBAGE_HEAD)
            return send_garbage(s, c);
        put_whole(s, c, NULL);
        break;
    case FAULT_ERROR: put_error(s, c); break;
    case FAULT_ABORT:
        s->counts.abort++;
        put_whole(s, c, "abort");
        break;
    default: count_end(s, a); put_whole(s, c, completion_finish(a));
    }
    return send_at_once(s, c);
}

enum stream_next stream_step(struct server *s, struct conn *c)
{
    struct completion *a = &c->answer;
    if (s->queue.prefilling == c) {
        queue_prefilled(&s->queue, c);
        if (!a->request.is_stream) {
            completion_advance_to_end(a);
            return STREAM_GOES_ON;
        }
    }
    if (!a->request.is_stream)
        return send_whole(s, c);
    return a->made_events == a->strike ? strike(s, c) : send_event(s, c);
}
