#include "serve/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct wall now = {INT64_C(1795503889) * NS_PER_S};

static void check(struct reply r, const char *body, const char *expected)
{
    struct buf b;
    buf_init(&b, 10000);
    if (body == NULL)
        reply_head(&r, now, &b);
    else
        reply_whole(&r, now, str_from(body), &b);
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
}

#define FRONT(status)                                                \
    "HTTP/1.1 " status "\r\ndate: Tue, 24 Nov 2026 07:04:49 GMT\r\n" \
    "server: inferbench-serve (simulated)\r\n"

static void heads(void **state)
{
    (void)state;
    check((struct reply){.status = 200,
                         .content_type = "text/event-stream; charset=utf-8",
                         .content_length = REPLY_CHUNKED,
                         .is_keep_alive = true,
                         .retry_after_s = -1},
          NULL,
          FRONT("200 OK") "content-type: text/event-stream; charset=utf-8\r\n"
                          "vary: Origin\r\ntransfer-encoding: chunked\r\n\r\n");
    check((struct reply){.status = 200, .is_keep_alive = true, .retry_after_s = -1}, "",
          FRONT("200 OK") "content-length: 0\r\nvary: Origin\r\n\r\n");
    check((struct reply){.status = 503,
                         .content_type = "application/json",
                         .retry_after_s = 0},
          "{}",
          FRONT("503 Service Unavailable") "retry-after: 0\r\ncontent-length: 2\r\n"
                                           "content-type: application/json\r\n"
                                           "vary: Origin\r\nconnection: close\r\n\r\n{}");
    check(
        (struct reply){
            .status = 405, .is_keep_alive = true, .retry_after_s = -1, .allow = "POST"},
        "",
        FRONT("405 Method Not Allowed") "allow: POST\r\ncontent-length: 0\r\n"
                                        "vary: Origin\r\n\r\n");
}

static void big_headers(void **state)
{
    (void)state;
    struct reply r = {.status = 200, .has_big_header = true, .retry_after_s = -1};
    struct buf b;
    buf_init(&b, 4 << 20);
    reply_head(&r, now, &b);
    const char *padding = strstr(buf_cstr(&b), "x-padding: ");
    assert_non_null(padding);
    assert_int_equal(strspn(padding + 11, "x"), REPLY_BIG_HEADER_BYTES);
    assert_non_null(strstr(padding, "\r\nvary: Origin\r\n"));
    buf_fini(&b);
}

static void reasons(void **state)
{
    (void)state;
    assert_string_equal(reply_reason(429), "Too Many Requests");
    assert_string_equal(reply_reason(418), "");
}

static void errors(void **state)
{
    (void)state;
    struct request_error e = {.status = 404,
                              .type = "NotFoundError",
                              .param = "model",
                              .message = "no \"x\"\nhere"};
    struct buf b;
    buf_init(&b, 1000);
    reply_error_body(&e, &b);
    assert_string_equal(buf_cstr(&b),
                        "{\"error\":{\"message\":\"no \\\"x\\\"\\nhere\",\"type\":"
                        "\"NotFoundError\",\"param\":\"model\",\"code\":404}}");
    buf_clear(&b);
    e.param = NULL;
    reply_error_body(&e, &b);
    assert_non_null(strstr(buf_cstr(&b), "\"param\":null"));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads),
        cmocka_unit_test(big_headers),
        cmocka_unit_test(reasons),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
