#include "http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "wire_fixture.h"

/* Writes requests down: "POST /a?b keep id=x [abc] ", one after the other. */
struct scribe {
    struct request http;
    bool is_over;
};

static void put_field(struct buf *said, const char *name, struct str value)
{
    if (value.ptr != NULL)
        (void)buf_printf(said, " %s=%.*s", name, (int)value.len, value.ptr);
}

static void say(const struct request *r, struct buf *said)
{
    (void)buf_printf(said, "%.*s %.*s", (int)r->method.len, r->method.ptr,
                     (int)r->path.len, r->path.ptr);
    (void)buf_text(said, r->is_keep_alive ? " keep" : "");
    put_field(said, "id", r->request_id);
    put_field(said, "auth", r->authorization);
    put_field(said, "type", r->content_type);
    (void)buf_text(said, " [");
    (void)buf_append(said, r->body.ptr, r->body.len);
    (void)buf_text(said, "] ");
}

static void begin(void *arg)
{
    struct scribe *s = arg;
    request_begin(&s->http);
    s->is_over = false;
}

static void take(void *arg, struct str piece, struct buf *said)
{
    struct scribe *s = arg;
    while (!s->is_over) {
        const char *end = piece.ptr + piece.len;
        switch (request_next(&s->http, &piece)) {
        case REQUEST_MORE: assert_int_equal(piece.len, 0); return;
        case REQUEST_BAD:
            (void)buf_printf(said, "bad %d: %s ", s->http.bad_status, s->http.bad);
            s->is_over = true;
            break;
        case REQUEST_DONE:
            say(&s->http, said);
            request_begin(&s->http);
            break;
        }
        assert_true(piece.ptr + piece.len == end);
        if (piece.len == 0)
            return;
    }
}

static void end(void *arg, struct buf *said)
{
    struct scribe *s = arg;
    if (!s->is_over)
        (void)buf_text(said, request_is_idle(&s->http) ? "idle" : "open");
}

static void check_str(struct str input, const char *expected)
{
    struct scribe s;
    request_init(&s.http, 1000);
    struct wire_reader reader = {begin, take, end, &s};
    wire_check(input.len < 60 ? input.ptr : "long", input, &reader, expected);
    request_fini(&s.http);
}

static void check(const char *input, const char *expected)
{
    check_str(str_from(input), expected);
}

#define POST    "POST /v1/completions HTTP/1.1\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static void requests(void **state)
{
    (void)state;
    check("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", "GET /health keep [] idle");
    check("GET / HTTP/1.1\r\n\r\n", "GET / keep [] idle");
    check(POST "Content-Length: 3\r\n\r\nabc", "POST /v1/completions keep [abc] idle");
    check(POST "content-length:3 \t\r\n\r\nabc", "POST /v1/completions keep [abc] idle");
    check(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
          "POST /v1/completions keep [abc] idle");
    check(POST "Content-Length: 0\r\n\r\n", "POST /v1/completions keep [] idle");
    check("GET /a?b=c&d HTTP/1.1\r\n\r\n", "GET /a keep [] idle");
    check(POST "X-Request-Id:  r-1 \r\nAuthorization: Bearer k\r\n"
               "content-TYPE: application/json; charset=utf-8\r\n\r\n",
          "POST /v1/completions keep id=r-1 auth=Bearer k "
          "type=application/json; charset=utf-8 [] idle");
    check("\r\n\r\nGET / HTTP/1.1\r\n\r\n", "GET / keep [] idle");
    check("GET / HTTP/1.1\n\n", "GET / keep [] idle");
    check("GET / HTTP/1.1\nA: b\r\n\n", "GET / keep [] idle");
    check("", "idle");
    check("G", "open");
    check("GET / HTTP/1.1\r\n", "open");
    check(POST "Content-Length: 3\r\n\r\nab", "open");
    check(CHUNKED "3\r\nabc\r\n0\r\n", "open");
}

static void connections(void **state)
{
    (void)state;
    check("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / [] idle");
    check("GET / HTTP/1.1\r\nConnection: te, Close\r\n\r\n", "GET / [] idle");
    check("GET / HTTP/1.1\r\nConnection: closed\r\n\r\n", "GET / keep [] idle");
    check("GET / HTTP/1.0\r\n\r\n", "GET / [] idle");
    check("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / keep [] idle");
    check("GET /a HTTP/1.1\r\n\r\n" POST "Content-Length: 2\r\n\r\nhi" CHUNKED
          "1\r\nx\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
          "GET /a keep [] POST /v1/completions keep [hi] "
          "POST /v1/completions keep [x] GET /b keep [] idle");
}

static void chunks(void **state)
{
    (void)state;
    check(CHUNKED "3\r\nabc\r\n0\r\n\r\n", "POST /v1/completions keep [abc] idle");
    check(CHUNKED "3;x=y\r\nabc\r\nA \r\n0123456789\r\n00\r\nX: y\r\nZ: w\r\n\r\n",
          "POST /v1/completions keep [abc0123456789] idle");
    check(CHUNKED "3\nabc\n0\n\n", "POST /v1/completions keep [abc] idle");
    check(CHUNKED "0\r\n\r\n", "POST /v1/completions keep [] idle");
    const char *no_size = "bad 400: chunk size is not a number ";
    check(CHUNKED "-3\r\n", no_size);
    check(CHUNKED "g\r\n", no_size);
    check(CHUNKED "\r\n", no_size);
    check(CHUNKED "0x3\r\n", no_size);
    check(CHUNKED "10000000000000000\r\n", no_size);
    check(CHUNKED "fffffffffffffff\r\n", "bad 413: the body is too large ");
    check(CHUNKED "fffffffffffffff\r\nabc", "bad 413: the body is too large ");
    check(CHUNKED "3\r\nabcd\r\n", "bad 400: a chunk longer than its size ");
}

static void bad_requests(void **state)
{
    (void)state;
    const char *line = "bad 400: the request line is not METHOD TARGET HTTP/1.1 ";
    check("GET /\r\n\r\n", line);
    check("GET  / HTTP/1.1\r\n\r\n", line);
    check("G(T / HTTP/1.1\r\n\r\n", line);
    check(" GET / HTTP/1.1\r\n\r\n", line);
    check("GET / HTTP/1.1 \r\n\r\n", "bad 505: not HTTP/1.1 ");
    check("GET / HTTP/2.0\r\n\r\n", "bad 505: not HTTP/1.1 ");
    check("GET / FTP\r\n\r\n", "bad 400: not HTTP/1.1 ");
    const char *header = "bad 400: a header line is not NAME: VALUE ";
    check("GET / HTTP/1.1\r\nnonsense\r\n\r\n", header);
    check("GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", header);
    check("GET / HTTP/1.1\r\nA : b\r\n\r\n", header);
    check("GET / HTTP/1.1\r\n: b\r\n\r\n", header);
    const char *length = "bad 400: Content-Length is not one whole number ";
    check(POST "Content-Length: -1\r\n\r\n", length);
    check(POST "Content-Length: +1\r\n\r\n", length);
    check(POST "Content-Length:\r\n\r\n", length);
    check(POST "Content-Length: 1, 1\r\n\r\n", length);
    check(POST "Content-Length: 99999999999999999999\r\n\r\n", length);
    check(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", length);
    check(POST "Content-Length: 1001\r\n\r\n", "bad 413: the body is too large ");
    check(POST "Transfer-Encoding: gzip\r\n\r\n",
          "bad 501: Transfer-Encoding is not chunked ");
    check(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
          "bad 501: Transfer-Encoding is not chunked ");
    check(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
          "bad 400: both Content-Length and Transfer-Encoding ");
}

/* prefix, then `count` times c, then suffix; freed by the caller. */
static struct buf padded(const char *prefix, char c, size_t count, const char *suffix)
{
    struct buf b;
    buf_init(&b, count + 1000);
    (void)buf_text(&b, prefix);
    for (size_t i = 0; i < count; i++)
        (void)buf_char(&b, c);
    (void)buf_text(&b, suffix);
    assert_int_equal(b.failed, STATUS_OK);
    return b;
}

static void once(const struct buf *input, size_t cut, const char *expected)
{
    struct scribe s;
    struct buf said;
    request_init(&s.http, 1000);
    buf_init(&said, 1 << 20);
    struct wire_reader reader = {begin, take, end, &s};
    wire_feed((struct str){input->data, input->len}, cut, &reader, &said);
    assert_string_equal(buf_cstr(&said), expected);
    buf_fini(&said);
    request_fini(&s.http);
}

static void limits(void **state)
{
    (void)state;
    const size_t cuts[] = {WIRE_WHOLE, WIRE_EVERY_BYTE, 1000};
    struct buf fits = padded("GET / HTTP/1.1\r\nA: ", 'x', REQUEST_HEAD_BYTES - 23,
                             "\r\n\r\n");
    struct buf too_long = padded("GET / HTTP/1.1\r\nA: ", 'x', REQUEST_HEAD_BYTES,
                                 "\r\n\r\n");
    struct buf line = padded(CHUNKED "1;", 'x', 5000, "\r\n");
    assert_int_equal(fits.len, REQUEST_HEAD_BYTES);
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        once(&fits, cuts[i], "GET / keep [] idle");
        once(&too_long, cuts[i], "bad 431: the headers are too large ");
        once(&line, cuts[i], "bad 400: an endless chunk size line ");
    }
    buf_fini(&fits);
    buf_fini(&too_long);
    buf_fini(&line);
}

static void trailers_are_capped(void **state)
{
    (void)state;
    struct buf input;
    buf_init(&input, 1 << 20);
    (void)buf_text(&input, CHUNKED "0\r\n");
    for (int i = 0; i < 7000; i++)
        (void)buf_text(&input, "A: bcdef\r\n");
    once(&input, WIRE_WHOLE, "bad 400: trailers larger than 16 KiB ");
    once(&input, WIRE_EVERY_BYTE, "bad 400: trailers larger than 16 KiB ");
    buf_fini(&input);
}

/* Chunks may sum to more than the cap though none of them does. */
static void chunks_are_capped(void **state)
{
    (void)state;
    struct buf input;
    buf_init(&input, 1 << 20);
    (void)buf_text(&input, CHUNKED);
    for (int i = 0; i < 101; i++)
        (void)buf_text(&input, "a\r\n0123456789\r\n");
    once(&input, WIRE_WHOLE, "bad 413: the body is too large ");
    buf_fini(&input);
}

static void continues(void **state)
{
    (void)state;
    struct request r;
    request_init(&r, 100);
    struct str head = str_from(POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(request_next(&r, &head), REQUEST_MORE);
    assert_true(r.wants_continue);
    struct str body = str_from("hi");
    assert_int_equal(request_next(&r, &body), REQUEST_DONE);
    assert_int_equal(r.body.len, 2);
    request_begin(&r);
    struct str plain = str_from(POST "Content-Length: 2\r\n\r\n");
    assert_int_equal(request_next(&r, &plain), REQUEST_MORE);
    assert_false(r.wants_continue);
    request_fini(&r);
}

static void no_memory_is_said(void **state)
{
    (void)state;
    struct alloc_fixture alloc = {.least = 2};
    while (alloc_fixture_next(&alloc)) {
        struct request r;
        request_init(&r, 100);
        struct str in = str_from(CHUNKED "2\r\nhi\r\n0\r\n\r\n");
        alloc_fixture_arm(&alloc);
        enum request_step step = request_next(&r, &in);
        alloc_fixture_judge(&alloc, step == REQUEST_DONE ? STATUS_OK : STATUS_NO_MEMORY);
        assert_true(step == REQUEST_DONE || step == REQUEST_BAD);
        request_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(connections),
        cmocka_unit_test(chunks),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(limits),
        cmocka_unit_test(trailers_are_capped),
        cmocka_unit_test(chunks_are_capped),
        cmocka_unit_test(continues),
        cmocka_unit_test(no_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
