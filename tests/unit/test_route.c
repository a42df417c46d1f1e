#include "serve/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "serve_fixture.h"

/* What one request is answered. */
static void check(const char *request, const char *first_line, const char *has)
{
    struct serve_fixture f;
    serve_fixture_begin(&f);
    serve_fixture_say(&f, request);
    const char *text = serve_fixture_heard(&f);
    if (strncmp(text, first_line, strlen(first_line)) != 0)
        fail_msg("not %s: %s", first_line, text);
    serve_fixture_has(text, "\r\nserver: inferbench-serve (simulated)\r\n");
    serve_fixture_has(text, has);
    serve_fixture_end(&f);
}

static void pages(void **state)
{
    (void)state;
    const char *ok = "HTTP/1.1 200 OK\r\n";
    check("GET /health HTTP/1.1\r\n\r\n", ok,
          "content-length: 0\r\nvary: Origin\r\n\r\n");
    check("GET /health?x=y HTTP/1.1\r\n\r\n", ok, "content-length: 0\r\n");
    check("GET /ping HTTP/1.1\r\n\r\n", ok, "content-length: 0\r\n");
    check("GET /version HTTP/1.1\r\n\r\n", ok, "{\"version\":\"simulated\"");
    check("GET /v1/models HTTP/1.1\r\n\r\n", ok, "\"id\":\"simulated\"");
    check("GET /metrics HTTP/1.1\r\n\r\n", ok, "vllm:num_requests_running{");
    check("GET /nothing HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n",
          "{\"detail\":\"Not Found\"}");
    check("POST /health HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n",
          "allow: GET\r\n");
    check("GET /v1/completions HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n",
          "allow: POST\r\n");
    check("GET /health HTTP/9\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n",
          "not HTTP/1.1");
}

static void keys(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        bool is_allowed;
    } rows[] = {
        {"GET /v1/models HTTP/1.1\r\n\r\n", false},
        {"GET /v1/nothing HTTP/1.1\r\n\r\n", false},
        {"GET /v1/models HTTP/1.1\r\nAuthorization: Bearer wrong\r\n\r\n", false},
        {"GET /v1/models HTTP/1.1\r\nAuthorization: Bearer \r\n\r\n", false},
        {"GET /v1/models HTTP/1.1\r\nAuthorization: Bearer k\r\n\r\n", true},
        {"GET /health HTTP/1.1\r\n\r\n", true},
        {"GET /metrics HTTP/1.1\r\n\r\n", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct serve_fixture f;
        serve_fixture_begin(&f);
        (void)buf_text(&f.server.key, "Bearer k");
        serve_fixture_say(&f, rows[i].head);
        const char *text = serve_fixture_heard(&f);
        serve_fixture_has(text, rows[i].is_allowed ? "HTTP/1.1 200 OK"
                                                   : "HTTP/1.1 401 Unauthorized");
        if (!rows[i].is_allowed)
            serve_fixture_has(text, "\r\n\r\n{\"error\":\"Unauthorized\"}");
        serve_fixture_end(&f);
    }
}

static void content_types(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool is_good;
    } rows[] = {{"", true},
                {"Content-Type: application/json\r\n", true},
                {"Content-Type: Application/JSON ; charset=utf-8\r\n", true},
                {"Content-Type: text/plain\r\n", false},
                {"Content-Type: application/jsonl\r\n", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct serve_fixture f;
        char request[400];
        serve_fixture_begin(&f);
        (void)snprintf(request, sizeof request,
                       "POST /v1/completions HTTP/1.1\r\n%sContent-Length: 14\r\n\r\n"
                       "{\"prompt\":\"hi\"}",
                       rows[i].type);
        char *length = strstr(request, "Length: 14");
        length[9] = '5';
        serve_fixture_say(&f, request);
        serve_fixture_has(serve_fixture_answer(&f),
                          rows[i].is_good ? "HTTP/1.1 200 OK" : "Unsupported Media Type");
        serve_fixture_end(&f);
    }
}

static void refusals_are_logged(void **state)
{
    (void)state;
    struct serve_fixture f;
    serve_fixture_begin(&f);
    serve_fixture_log(&f);
    serve_fixture_post(&f, "/v1/completions", "{\"model\":\"nope\",\"prompt\":[1]}");
    serve_fixture_has(serve_fixture_heard(&f), "The model `nope` does not exist");
    serve_fixture_post(&f, "/v1/chat/completions", "{}");
    serve_fixture_has(serve_fixture_heard(&f), "HTTP/1.1 400 Bad Request");
    assert_int_equal(f.server.counts.requests, 2);
    assert_int_equal(f.server.counts.running, 0);
    const char *text = serve_fixture_logged(&f);
    serve_fixture_has(text,
                      "{\"request\":0,\"id\":\"id\",\"endpoint\":\"/v1/completions\"");
    serve_fixture_has(text, "\"status\":404,\"outcome\":\"refused\"}\n{\"request\":1,");
    serve_fixture_has(text, "\"status\":400,\"outcome\":\"refused\"}\n");
    serve_fixture_end(&f);
}

static void ids_are_cleaned(void **state)
{
    (void)state;
    struct serve_fixture f;
    char request[700] = "POST /v1/completions HTTP/1.1\r\nContent-Length: 15\r\n"
                        "X-Request-Id: a b\"\x01\xff";
    size_t len = strlen(request);
    memset(request + len, 'x', 300);
    memcpy(request + len + 300, "\r\n\r\n{\"prompt\":\"hi\"}", 20);
    serve_fixture_begin(&f);
    serve_fixture_say(&f, request);
    const char *text = serve_fixture_answer(&f);
    serve_fixture_has(text, "{\"id\":\"cmpl-ab\\\"xxx");
    const char *id = strstr(text, "cmpl-");
    assert_int_equal(strspn(strchr(id, 'x'), "x"), 128 - 3);
    serve_fixture_end(&f);
}

static void statuses_of_failures(void **state)
{
    (void)state;
    static const struct {
        int status;
        int64_t retry_after_s;
        const char *line, *type;
    } rows[] = {
        {500, OPT_INT_UNSET, "HTTP/1.1 500 Internal Server Error\r\n",
         "InternalServerError"},
        {503, 3, "HTTP/1.1 503 Service Unavailable\r\n", "Service Unavailable"},
        {429, 0, "HTTP/1.1 429 Too Many Requests\r\n", "RateLimitError"},
        {418, OPT_INT_UNSET, "HTTP/1.1 418 \r\n", "InternalServerError"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct serve_fixture f;
        char header[40];
        serve_fixture_begin(&f);
        f.settings.faults.share[FAULT_FAIL] = 1;
        f.settings.fail_status = rows[i].status;
        f.settings.retry_after_s = rows[i].retry_after_s;
        serve_fixture_post(&f, "/v1/completions", "{\"prompt\":[1],\"stream\":true}");
        const char *text = serve_fixture_heard(&f);
        serve_fixture_has(text, rows[i].line);
        serve_fixture_has(text, rows[i].type);
        (void)snprintf(header, sizeof header, "\r\nretry-after: %lld\r\n",
                       (long long)rows[i].retry_after_s);
        if (rows[i].retry_after_s == OPT_INT_UNSET)
            serve_fixture_has_not(text, "retry-after");
        else
            serve_fixture_has(text, header);
        serve_fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages),           cmocka_unit_test(keys),
        cmocka_unit_test(content_types),   cmocka_unit_test(refusals_are_logged),
        cmocka_unit_test(ids_are_cleaned), cmocka_unit_test(statuses_of_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
