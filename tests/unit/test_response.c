#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire_fixture.h"

/* Writes answers down: "200 len=3 keep [abc] end", one after the other. */
struct scribe {
    struct response http;
    bool is_head_request, is_in_body, is_complete, is_over;
};

static void begin(void *arg)
{
    struct scribe *s = arg;
    response_begin(&s->http, s->is_head_request);
    s->is_in_body = s->is_complete = s->is_over = false;
}

static void say_head(const struct response *r, struct buf *said)
{
    (void)buf_printf(said, "%d", r->status);
    if (r->content_length >= 0)
        (void)buf_printf(said, " len=%lld", (long long)r->content_length);
    if (r->retry_after_s >= 0)
        (void)buf_printf(said, " retry=%lld", (long long)r->retry_after_s);
    (void)buf_printf(said, "%s%s%s%s%s ", r->is_chunked ? " chunked" : "",
                     r->is_event_stream ? " stream" : "", r->is_json ? " json" : "",
                     r->is_gzip ? " gzip" : "", r->is_keep_alive ? " keep" : "");
}

static void leave_body(struct scribe *s, struct buf *said)
{
    if (s->is_in_body)
        (void)buf_text(said, "] ");
    s->is_in_body = false;
}

static void take_body(struct scribe *s, struct str body, struct buf *said)
{
    assert_true(body.len > 0);
    if (!s->is_in_body)
        (void)buf_char(said, '[');
    s->is_in_body = true;
    (void)buf_append(said, body.ptr, body.len);
}

static void take(void *arg, struct str piece, struct buf *said)
{
    struct scribe *s = arg;
    struct str body = {0};
    if (s->is_complete)
        response_begin(&s->http, s->is_head_request);
    s->is_complete = false;
    while (!s->is_over) {
        const char *end = piece.ptr + piece.len;
        switch (response_next(&s->http, &piece, &body)) {
        case RESPONSE_MORE: assert_int_equal(piece.len, 0); return;
        case RESPONSE_HEAD: say_head(&s->http, said); break;
        case RESPONSE_BODY:
            assert_true(body.ptr + body.len == piece.ptr);
            take_body(s, body, said);
            break;
        case RESPONSE_BAD:
            leave_body(s, said);
            (void)buf_printf(said, "bad: %s", s->http.bad);
            s->is_over = true;
            break;
        case RESPONSE_END:
            leave_body(s, said);
            (void)buf_text(said, "end ");
            s->is_complete = piece.len == 0;
            if (s->is_complete)
                return;
            response_begin(&s->http, s->is_head_request);
            break;
        }
        assert_true(piece.ptr + piece.len == end);
    }
}

static void end(void *arg, struct buf *said)
{
    struct scribe *s = arg;
    leave_body(s, said);
    if (s->is_over)
        return;
    if (response_closed(&s->http))
        (void)buf_text(said, s->is_complete ? "closed" : "closed-end");
    else
        (void)buf_printf(said, "bad: %s", s->http.bad);
}

static void check(const char *input, const char *expected)
{
    struct scribe s = {0};
    struct wire_reader reader = {begin, take, end, &s};
    wire_check(input, str_from(input), &reader, expected);
}

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"

static void bodies(void **state)
{
    (void)state;
    check(OK_HEAD "Content-Length: 3\r\n\r\nabc", "200 len=3 keep [abc] end closed");
    check(OK_HEAD "content-length:3\r\n\r\nabc", "200 len=3 keep [abc] end closed");
    check(OK_HEAD "CONTENT-LENGTH: \t 3 \t\r\n\r\nabc",
          "200 len=3 keep [abc] end closed");
    check(OK_HEAD "Content-Length: 0\r\n\r\n", "200 len=0 keep end closed");
    check(OK_HEAD "Content-Length: 4\r\n\r\nabc",
          "200 len=4 keep [abc] bad: closed within the body");
    check(OK_HEAD "\r\nabc", "200 [abc] closed-end");
    check(OK_HEAD "\r\n", "200 closed-end");
    check("HTTP/1.1 204 No Content\r\n\r\n", "204 keep end closed");
    check("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
          "304 len=5 keep end closed");
    check(CHUNKED "0\r\n\r\n", "200 chunked keep end closed");
    check(CHUNKED "3\r\nabc\r\n0\r\n\r\n", "200 chunked keep [abc] end closed");
    check(CHUNKED "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
          "200 chunked keep [abc0123456789abcdef] end closed");
    check(CHUNKED "3\r\nab", "200 chunked keep [ab] bad: closed within the body");
    check(CHUNKED "3\r\nabc\r\n", "200 chunked keep [abc] bad: closed within the body");
    check(CHUNKED "3\r\nabc\r\n0\r\n",
          "200 chunked keep [abc] bad: closed within the body");
}

static void head_requests(void **state)
{
    (void)state;
    struct scribe s = {.is_head_request = true};
    struct wire_reader reader = {begin, take, end, &s};
    wire_check("HEAD", str_from(OK_HEAD "Content-Length: 3\r\n\r\n" CHUNKED), &reader,
               "200 len=3 keep end 200 chunked keep end closed");
}

static void line_ends(void **state)
{
    (void)state;
    check("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "200 len=3 keep [abc] end closed");
    check("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\r\n\n3\nabc\n0\n\n",
          "200 chunked keep [abc] end closed");
    check(CHUNKED "3\r\nabc\r0\r\n\r\n",
          "200 chunked keep [abc] bad: a chunk longer than its size");
    check("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "bad: a header with a control character");
}

static void chunks(void **state)
{
    (void)state;
    check(CHUNKED "0003;name=value;x=\"y\"\r\nabc\r\nA \t\r\n0123456789\r\n00\r\n\r\n",
          "200 chunked keep [abc0123456789] end closed");
    check(CHUNKED "a\r\n0123456789\r\n0\r\nX: y\r\n folded\r\nno colon\r\n\r\n",
          "200 chunked keep [0123456789] end closed");
    const char *bad = "200 chunked keep bad: chunk size is not a number";
    check(CHUNKED "-3\r\nabc\r\n", bad);
    check(CHUNKED "+3\r\nabc\r\n", bad);
    check(CHUNKED " 3\r\nabc\r\n", bad);
    check(CHUNKED "0x3\r\nabc\r\n", bad);
    check(CHUNKED "\r\nabc\r\n", bad);
    check(CHUNKED ";x\r\nabc\r\n", bad);
    check(CHUNKED "3 3\r\nabc\r\n", bad);
    check(CHUNKED "3g\r\nabc\r\n", bad);
    check(CHUNKED "8000000000000000\r\nabc\r\n", bad);
    check(CHUNKED "10000000000000003\r\nabc\r\n", bad);
    check(CHUNKED "7fffffffffffffff\r\nabc",
          "200 chunked keep [abc] bad: closed within the body");
    check(CHUNKED "00000000000000000003\r\nabc\r\n0\r\n\r\n",
          "200 chunked keep [abc] end closed");
    check(CHUNKED "3\r\nabc\r\r\n0\r\n\r\n",
          "200 chunked keep [abc] bad: a chunk longer than its size");
    check(CHUNKED "3\r\nabcd\r\n0\r\n\r\n",
          "200 chunked keep [abc] bad: a chunk longer than its size");
}

static void framing_faults(void **state)
{
    (void)state;
    check(OK_HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
          "bad: Content-Length and Transfer-Encoding together");
    check(OK_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
          "bad: Content-Length and Transfer-Encoding together");
    check(OK_HEAD "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
          "200 len=3 keep [abc] end closed");
    check(OK_HEAD "Content-Length: 3, 3\r\n\r\nabc", "200 len=3 keep [abc] end closed");
    check(OK_HEAD "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
          "bad: two different Content-Lengths");
    check(OK_HEAD "Content-Length: 3, 4\r\n\r\nabc",
          "bad: two different Content-Lengths");
    check(OK_HEAD "Content-Length: 9223372036854775807\r\n\r\na",
          "200 len=9223372036854775807 keep [a] bad: closed within the body");
    static const char *const lengths[] = {"-1",
                                          "+1",
                                          "1x",
                                          "0x1",
                                          "1 2",
                                          "1,",
                                          ",1",
                                          "9223372036854775808",
                                          "99999999999999999999999"};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char head[200];
        (void)snprintf(head, sizeof head, OK_HEAD "Content-Length: %s\r\n\r\n",
                       lengths[i]);
        check(head, "bad: Content-Length is not a number");
    }
    check(OK_HEAD "Content-Length:\r\n\r\n", "bad: an empty Content-Length");
    check(OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
          "200 chunked gzip keep end closed");
    check(OK_HEAD
          "Transfer-Encoding: gzip\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
          "200 chunked gzip keep end closed");
    check(OK_HEAD "Transfer-Encoding: chunked, gzip\r\n\r\n",
          "bad: another Transfer-Encoding after chunked");
    check(OK_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
          "bad: another Transfer-Encoding after chunked");
    check(OK_HEAD "Transfer-Encoding: gzip\r\n\r\n",
          "bad: a Transfer-Encoding without chunked");
    check(OK_HEAD "Transfer-Encoding: identity\r\n\r\n",
          "bad: an unknown Transfer-Encoding");
    check(OK_HEAD "Transfer-Encoding:\r\n\r\n",
          "bad: a Transfer-Encoding without chunked");
}

static void head_faults(void **state)
{
    (void)state;
    check(OK_HEAD "A: b\r\n c\r\n\r\n", "bad: a header folded over two lines");
    check(OK_HEAD "\tc: d\r\n\r\n", "bad: a header folded over two lines");
    check(OK_HEAD "no colon\r\n\r\n", "bad: a header without a name");
    check(OK_HEAD ": empty\r\n\r\n", "bad: a header without a name");
    check(OK_HEAD "Content-Length : 3\r\n\r\n", "bad: a header without a name");
    check("HTTP/2 200\r\n\r\n", "bad: not HTTP/1.1");
    check("ICY 200 OK\r\n\r\n", "bad: not HTTP/1.1");
    check("\r\nHTTP/1.1 200 OK\r\n\r\n", "bad: not HTTP/1.1");
    check("\x15\x03\x03", "bad: not HTTP/1.1");
    check("HTTP/1.1\r\n\r\n", "bad: no HTTP status line");
    check("HTTP/1.1  200 OK\r\n\r\n", "bad: no HTTP status code");
    check("HTTP/1.1 20 OK\r\n\r\n", "bad: no HTTP status code");
    check("HTTP/1.1 2000 OK\r\n\r\n", "bad: no HTTP status code");
    check("HTTP/1.1 099 OK\r\n\r\n", "bad: no HTTP status code");
    check("HTTP/1.1 -20 OK\r\n\r\n", "bad: no HTTP status code");
    check("HTTP/1.1 101 Switching Protocols\r\n\r\n",
          "bad: a switch to another protocol");
    check("", "bad: closed before an answer");
    check("HTTP/1.1 20", "bad: closed within the head");
    check(OK_HEAD "Content-Le", "bad: closed within the head");
    check("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 len=0 keep end closed");
    check("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 len=0 keep end closed");
}

static void connections(void **state)
{
    (void)state;
    check(OK_HEAD "Connection: close\r\nContent-Length: 0\r\n\r\n",
          "200 len=0 end closed");
    check(OK_HEAD "Connection: foo, Close\r\nContent-Length: 0\r\n\r\n",
          "200 len=0 end closed");
    check(OK_HEAD "Connection: keep-alive\r\nContent-Length: 0\r\n\r\n",
          "200 len=0 keep end closed");
    check(OK_HEAD "Connection: closed\r\nContent-Length: 0\r\n\r\n",
          "200 len=0 keep end closed");
    check("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "200 len=0 end closed");
    check("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
          "200 len=0 keep end closed");
    check("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n"
          "Content-Length: 0\r\n\r\n",
          "200 len=0 end closed");
    check("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n"
          "\r\n0\r\n\r\n",
          "200 chunked end closed");
    check(OK_HEAD "Connection: keep-alive\r\n\r\nabc", "200 [abc] closed-end");
}

static void answers_in_a_row(void **state)
{
    (void)state;
    check(OK_HEAD "Content-Length: 1\r\nContent-Type: application/json\r\n\r\n1" CHUNKED
                  "1\r\n2\r\n0\r\n\r\n" OK_HEAD "\r\n3",
          "200 len=1 json keep [1] end 200 chunked keep [2] end 200 [3] closed-end");
    check("HTTP/1.1 100 Continue\r\nContent-Type: text/event-stream\r\n\r\n"
          "HTTP/1.1 103 Early Hints\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
          "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n1",
          "201 len=1 keep [1] end closed");
    check("HTTP/1.1 100 Continue\r\n\r\n", "bad: closed within the head");
}

static void what_the_body_is(void **state)
{
    (void)state;
    check(OK_HEAD "Content-Type: text/event-stream; charset=utf-8\r\n\r\n",
          "200 stream closed-end");
    check(OK_HEAD "content-type:TEXT/Event-Stream\r\n\r\n", "200 stream closed-end");
    check(OK_HEAD "content-type: text/event-streams\r\n\r\n", "200 closed-end");
    check(OK_HEAD "content-type: application/problem+json ;a=b\r\n\r\n",
          "200 json closed-end");
    check(OK_HEAD "content-encoding: gzip\r\n\r\n", "200 gzip closed-end");
    check(OK_HEAD "content-encoding: br\r\n\r\n", "200 gzip closed-end");
    check(OK_HEAD "content-encoding: identity\r\n\r\n", "200 closed-end");
    check("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
          "503 len=0 retry=7 keep end closed");
    check("HTTP/1.1 429 Slow\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n",
          "429 closed-end");
}

static char *filled(const char *before, char with, size_t len, const char *after)
{
    size_t begin_len = strlen(before), end_len = strlen(after);
    char *text = test_malloc(begin_len + len + end_len + 1);
    memcpy(text, before, begin_len);
    memset(text + begin_len, with, len);
    memcpy(text + begin_len + len, after, end_len + 1);
    return text;
}

static void check_filled(const char *before, size_t len, const char *after,
                         const char *expected)
{
    struct scribe s = {0};
    struct wire_reader reader = {begin, take, end, &s};
    char *text = filled(before, 'a', len, after);
    static const size_t cuts[] = {WIRE_WHOLE, WIRE_EVERY_BYTE, 17, 273, 274, 275, 16384};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        struct buf said;
        buf_init(&said, 1 << 16);
        wire_feed(str_from(text), cuts[i], &reader, &said);
        assert_string_equal(buf_cstr(&said), expected);
        buf_fini(&said);
    }
    test_free(text);
}

static void limits(void **state)
{
    (void)state;
    const char *rest = "\r\nContent-Length: 1\r\n\r\n1";
    size_t others = strlen(OK_HEAD "x: ") + strlen(rest) - 1;
    check_filled(OK_HEAD "x: ", 1000, rest, "200 len=1 keep [1] end closed");
    check_filled(OK_HEAD "x: ", RESPONSE_HEAD_BYTES - others, rest,
                 "200 len=1 keep [1] end closed");
    check_filled(OK_HEAD "x: ", RESPONSE_HEAD_BYTES - others + 1, rest,
                 "bad: headers larger than 16 KiB");
    check_filled(OK_HEAD "x: ", 1 << 20, rest, "bad: headers larger than 16 KiB");
    check_filled("HTTP/1.1 200 ", 1 << 20, rest, "bad: headers larger than 16 KiB");
    check_filled("HTTP/1.1 200 ", 400, rest, "200 len=1 keep [1] end closed");
    check_filled("", 1 << 20, "", "bad: not HTTP/1.1");
    check_filled(OK_HEAD "Connection: ", 400, rest, "200 len=1 [1] end closed");
    check_filled(OK_HEAD "Content-Length: ", 400, rest,
                 "bad: an endless Content-Length or Transfer-Encoding");
    check_filled(OK_HEAD, 400, ": 1\r\n\r\n", "bad: a header without a name");
    check_filled(CHUNKED "1;x=", RESPONSE_LINE_BYTES - 5, "\r\n1\r\n0\r\n\r\n",
                 "200 chunked keep [1] end closed");
    check_filled(CHUNKED "1;x=", RESPONSE_LINE_BYTES - 4, "\r\n1\r\n0\r\n\r\n",
                 "200 chunked keep bad: an endless chunk size line");
    check_filled(CHUNKED "0\r\nx: ", 1000, "\r\n\r\n", "200 chunked keep end closed");
    check_filled(CHUNKED "0\r\nx: ", 1 << 20, "\r\n\r\n",
                 "200 chunked keep bad: trailers larger than 16 KiB");
}

/* Interim answers without end are a head without end. */
static void interim_limit(void **state)
{
    (void)state;
    static const char one[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct response r;
    struct str body;
    response_begin(&r, false);
    size_t fed = 0;
    enum response_step step = RESPONSE_MORE;
    while (step == RESPONSE_MORE && fed < 2 * RESPONSE_HEAD_BYTES) {
        struct str in = str_from(one);
        step = response_next(&r, &in, &body);
        fed += sizeof one - 1;
    }
    assert_int_equal(step, RESPONSE_BAD);
    assert_true(fed > RESPONSE_HEAD_BYTES);
    struct str in = str_from(one);
    assert_int_equal(response_next(&r, &in, &body), RESPONSE_BAD);
    assert_false(response_closed(&r));
}

/* Size lines of chunks do not count as trailers, however many there are. */
static void many_chunks(void **state)
{
    (void)state;
    struct response r;
    struct str in = str_from(CHUNKED), body;
    response_begin(&r, false);
    assert_int_equal(response_next(&r, &in, &body), RESPONSE_HEAD);
    for (int i = 0; i < RESPONSE_HEAD_BYTES; i++) {
        in = str_from("1\r\na\r\n");
        assert_int_equal(response_next(&r, &in, &body), RESPONSE_BODY);
        assert_int_equal(response_next(&r, &in, &body), RESPONSE_MORE);
    }
    in = str_from("0\r\nx: y\r\n\r\n");
    assert_int_equal(response_next(&r, &in, &body), RESPONSE_END);
}

/* A 0 byte cannot be written in the tables above. */
static void zero_bytes(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n";
    static const char name[] = "HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n";
    struct scribe s = {0};
    struct wire_reader reader = {begin, take, end, &s};
    wire_check("0 in a value", (struct str){head, sizeof head - 1}, &reader,
               "bad: a header with a control character");
    wire_check("0 in a name", (struct str){name, sizeof name - 1}, &reader,
               "bad: a header with a control character");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),           cmocka_unit_test(head_requests),
        cmocka_unit_test(line_ends),        cmocka_unit_test(chunks),
        cmocka_unit_test(framing_faults),   cmocka_unit_test(head_faults),
        cmocka_unit_test(connections),      cmocka_unit_test(answers_in_a_row),
        cmocka_unit_test(what_the_body_is), cmocka_unit_test(limits),
        cmocka_unit_test(interim_limit),    cmocka_unit_test(zero_bytes),
        cmocka_unit_test(many_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
