#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc_fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "http/rest.h"
#include "http_fixture.h"
#include "net/sock.h"

#define SECRET "s3cret"
#define OK_ANSWER \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
#define HOUR_S 3600L

struct talk {
    struct http_fixture server;
    struct rest_options o;
    struct rest *rest;
    struct rest_call call;
    char url[256];
    struct err e;
};

/* A talk that has not begun; the server's answer and the options may be changed. */
static struct talk *new_talk(const char *answer)
{
    struct talk *t = mem_alloc(1, sizeof *t);
    assert_non_null(t);
    t->server.answer = answer;
    t->o.timeout_s = 30;
    t->o.body_cap_bytes = 1 << 20;
    buf_init(&t->call.body, 1 << 20);
    return t;
}

static void begin(struct talk *t)
{
    http_fixture_start(&t->server);
    assert_int_equal(rest_open(&t->o, &t->rest, &t->e), STATUS_OK);
}

/* No message may hold the secret, whatever happened. */
static enum status ask_url(struct talk *t, const char *method, const char *url,
                           const char *json)
{
    char text[1024];
    t->call.method = method;
    t->call.url = url;
    t->call.json = json;
    t->call.status = 77;
    t->call.retry_after_s = 77;
    t->e = (struct err){.code = STATUS_OK};
    enum status status = rest_do(t->rest, &t->call, &t->e);
    assert_int_equal(status, t->e.code);
    if (status == STATUS_OK)
        return status;
    status_format(&t->e, text, sizeof text);
    if (strstr(text, SECRET) != NULL)
        fail_msg("%s", text);
    assert_int_equal(t->call.status, 0);
    assert_int_equal(t->call.body.len, 0);
    assert_true(t->e.where[0] != '\0' && t->e.what[0] != '\0');
    return status;
}

static enum status ask(struct talk *t, const char *method, const char *path,
                       const char *json)
{
    (void)snprintf(t->url, sizeof t->url, "%s%s", t->server.url, path);
    return ask_url(t, method, t->url, json);
}

static void end(struct talk *t)
{
    rest_close(t->rest);
    http_fixture_stop(&t->server);
    buf_fini(&t->call.body);
    mem_free(t);
}

static void what_is_sent(void **state)
{
    (void)state;
    const char *headers[] = {"X-Team: a b", "X-Empty:"};
    struct talk *t = new_talk(OK_ANSWER);
    t->o.bearer = SECRET;
    t->o.headers = (struct opt_strings){.items = headers, .count = 2};
    begin(t);
    assert_int_equal(ask(t, "GET", "/v1/models?a=b", NULL), STATUS_OK);
    assert_int_equal(t->call.status, 200);
    assert_int_equal(t->call.retry_after_s, -1);
    assert_string_equal(buf_cstr(&t->call.body), "hello");
    assert_true(http_fixture_saw(&t->server, "GET /v1/models?a=b HTTP/1.1\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\nAuthorization: Bearer " SECRET "\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\nX-Team: a b\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\nX-Empty:"));
    assert_true(http_fixture_saw(&t->server, "\r\nUser-Agent: inferbench"));
    assert_false(http_fixture_saw(&t->server, "Content-Type:"));
    assert_int_equal(ask(t, "POST", "/load", "{\"a\":1}"), STATUS_OK);
    assert_true(http_fixture_saw(&t->server, "POST /load HTTP/1.1\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\nContent-Type: application/json\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\nContent-Length: 7\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\n\r\n{\"a\":1}"));
    assert_true(http_fixture_saw(&t->server, "\r\nX-Team: a b\r\n"));
    assert_int_equal(ask(t, "PUT", "/x", "[]"), STATUS_OK);
    assert_true(http_fixture_saw(&t->server, "PUT /x HTTP/1.1\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\n\r\n[]"));
    assert_int_equal(ask(t, "POST", "/sleep", NULL), STATUS_OK);
    assert_true(http_fixture_saw(&t->server, "\r\nContent-Length: 0\r\n"));
    assert_false(http_fixture_saw(&t->server, "Content-Type:"));
    assert_int_equal(ask(t, "GET", "/y", NULL), STATUS_OK);
    assert_true(http_fixture_saw(&t->server, "GET /y HTTP/1.1\r\n"));
    assert_false(http_fixture_saw(&t->server, "Content-Length:"));
    assert_int_equal(t->server.connections, 1); /* kept */
    assert_int_equal(t->server.requests, 5);
    end(t);
}

static void a_large_body_is_sent_at_once(void **state)
{
    (void)state;
    struct talk *t = new_talk(OK_ANSWER);
    char *json = mem_alloc(50001, 1);
    assert_non_null(json);
    memset(json, 'x', 50000);
    begin(t);
    assert_int_equal(ask(t, "POST", "/", json), STATUS_OK);
    assert_false(http_fixture_saw(&t->server, "Expect:"));
    assert_true(http_fixture_saw(&t->server, json));
    mem_free(json);
    end(t);
}

/* One call with a body of octets. */
static enum status send_body(struct talk *t, const char *path, struct str bytes)
{
    t->call.bytes = bytes;
    enum status status = ask(t, "PUT", path, NULL);
    t->call.bytes = (struct str){0};
    return status;
}

static void bodies_of_other_types(void **state)
{
    (void)state;
    const char *headers[] = {"X-Team: a b"};
    struct talk *t = new_talk(OK_ANSWER);
    t->o.headers = (struct opt_strings){.items = headers, .count = 1};
    begin(t);
    struct str bytes = {.ptr = "not sent\nto its end", .len = 12};
    assert_int_equal(send_body(t, "/a/b", bytes), STATUS_OK);
    assert_true(http_fixture_saw(&t->server, "PUT /a/b HTTP/1.1\r\n"));
    assert_true(
        http_fixture_saw(&t->server, "\r\nContent-Type: application/octet-stream\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\nX-Team: a b\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\nContent-Length: 12\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\n\r\nnot sent\nto "));
    assert_false(http_fixture_saw(&t->server, "its end"));
    assert_int_equal(send_body(t, "/none", str_from("")), STATUS_OK);
    assert_true(http_fixture_saw(&t->server, "PUT /none HTTP/1.1\r\n"));
    assert_true(http_fixture_saw(&t->server, "\r\nContent-Length: 0\r\n"));
    assert_true(http_fixture_saw(&t->server, "octet-stream"));
    assert_int_equal(ask(t, "POST", "/j", "{}"), STATUS_OK);
    assert_true(http_fixture_saw(&t->server, "Content-Type: application/json\r\n"));
    assert_int_equal(t->server.connections, 1);
    end(t);
}

/* Each connection ends after its answer, which the client sees only when it sends again:
 * the body must then be sent anew from its beginning. */
static void a_body_is_sent_again(void **state)
{
    (void)state;
    struct talk *t = new_talk(OK_ANSWER);
    t->server.end = HTTP_FIXTURE_CLOSE;
    begin(t);
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(send_body(t, "/", str_from("0123456789")), STATUS_OK);
        assert_true(http_fixture_saw(&t->server, "\r\n\r\n0123456789"));
        assert_int_equal(t->server.requests, i);
    }
    end(t);
}

/* Whatever the answer was, nothing of the call is left. */
static void each_call_closes_its_connection(void **state)
{
    (void)state;
    struct cert_fixture f;
    char folder[] = "/tmp/test_rest.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/s", folder);
    cert_fixture_init(&f);
    for (int kind = 0; kind < 3; kind++) { /* plain, TLS, unix socket */
        struct talk *t = new_talk(OK_ANSWER);
        t->o.closes_each = true;
        t->o.is_insecure = true;
        if (kind == 1)
            t->server.tls = cert_fixture_server(&f, "IP:127.0.0.1", -HOUR_S, HOUR_S);
        if (kind == 2)
            t->server.unix_path = t->o.unix_path = path;
        begin(t);
        for (int i = 1; i <= 3; i++) {
            const char *json = i % 2 == 0 ? "{}" : NULL;
            rest_set_timeout(t->rest, 30);
            assert_int_equal(ask(t, "POST", "/x", json), STATUS_OK);
            assert_true(http_fixture_saw(&t->server, "\r\nConnection: close\r\n"));
            assert_true(http_fixture_is_quiet(&t->server));
            assert_int_equal(t->server.connections, i);
        }
        assert_int_equal(send_body(t, "/y", str_from("z")), STATUS_OK);
        assert_true(http_fixture_saw(&t->server, "\r\nConnection: close\r\n"));
        t->server.answer = NULL;
        rest_set_timeout(t->rest, 0.2);
        assert_int_equal(ask(t, "GET", "/x", NULL), STATUS_TIMEOUT);
        assert_true(http_fixture_is_quiet(&t->server));
        assert_int_equal(t->server.connections, 5);
        SSL_CTX *tls = t->server.tls;
        end(t);
        SSL_CTX_free(tls);
    }
    cert_fixture_fini(&f);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void user_and_password(void **state)
{
    (void)state;
    struct talk *t = new_talk(OK_ANSWER);
    t->o.user = "ann";
    t->o.password = SECRET;
    begin(t);
    assert_int_equal(ask(t, "GET", "/", NULL), STATUS_OK);
    assert_true(
        http_fixture_saw(&t->server, "Authorization: Basic YW5uOnMzY3JldA==\r\n"));
    end(t);
}

struct said {
    const char *answer;
    int status;
    int64_t retry_after_s;
    const char *body;
};

static const struct said said[] = {
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, -1, "no"},
    {"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 503, 7, ""},
    {"HTTP/1.1 429 Slow\r\nretry-after:0\r\nContent-Length: 0\r\n\r\n", 429, 0, ""},
    {"HTTP/1.1 429 Slow\r\nRetry-After: -3\r\nContent-Length: 0\r\n\r\n", 429, -1, ""},
    {"HTTP/1.1 429 Slow\r\nRetry-After: Mon, 24 Nov 2025 14:00:00 GMT\r\n"
     "Content-Length: 0\r\n\r\n",
     429, 0, ""},
    {"HTTP/1.1 429 Slow\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", 429, -1, ""},
    {"HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     200, -1, "x"},
    {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
     302, -1, ""},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
     "\r\n",
     200, -1, "abcde"},
};

static void what_is_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        struct talk *t = new_talk(said[i].answer);
        begin(t);
        if (ask(t, "GET", "/", NULL) != STATUS_OK)
            fail_msg("%zu: %s", i, t->e.what);
        assert_int_equal(t->call.status, said[i].status);
        assert_int_equal(t->call.retry_after_s, said[i].retry_after_s);
        assert_string_equal(buf_cstr(&t->call.body), said[i].body);
        end(t);
    }
}

static void a_date_to_try_again(void **state)
{
    (void)state;
    char answer[160], date[40];
    struct tm tm;
    time_t then = (time_t)(clock_wall().ns / NS_PER_S) + 600;
    assert_non_null(gmtime_r(&then, &tm));
    assert_true(strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
    (void)snprintf(answer, sizeof answer,
                   "HTTP/1.1 503 Busy\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n",
                   date);
    struct talk *t = new_talk(answer);
    begin(t);
    assert_int_equal(ask(t, "GET", "/", NULL), STATUS_OK);
    assert_in_range(t->call.retry_after_s, 1, 600);
    end(t);
}

static void the_cap_of_the_body(void **state)
{
    (void)state;
    const char *const answers[] = {
        OK_ANSWER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0"
                   "\r\n\r\n"};
    for (size_t i = 0; i < 4; i++) {
        struct talk *t = new_talk(answers[i % 2]);
        buf_fini(&t->call.body);
        t->o.body_cap_bytes = i < 2 ? 5 : 0;
        buf_init(&t->call.body, i < 2 ? 100 : 5);
        begin(t);
        assert_int_equal(ask(t, "GET", "/", NULL), STATUS_OK);
        assert_string_equal(buf_cstr(&t->call.body), "hello");
        end(t);
        t = new_talk(answers[i % 2]);
        buf_fini(&t->call.body);
        t->o.body_cap_bytes = i < 2 ? 4 : 0;
        buf_init(&t->call.body, i < 2 ? 100 : 4);
        begin(t);
        assert_int_equal(ask(t, "GET", "/", NULL), STATUS_TOO_BIG);
        assert_non_null(strstr(t->e.what, "larger than 4 bytes"));
        assert_int_equal(ask(t, "GET", "/", NULL), STATUS_TOO_BIG); /* again */
        end(t);
    }
}

struct broken {
    const char *answer;
    enum http_fixture_end end;
    enum status status;
    const char *what;
};

static const struct broken broken[] = {
    {"", HTTP_FIXTURE_CLOSE, STATUS_CLOSED, "without an answer"},
    {"", HTTP_FIXTURE_RESET, STATUS_CLOSED, "connection"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", HTTP_FIXTURE_CLOSE,
     STATUS_CLOSED, "within the answer"},
    {"SSH-2.0-x\r\n", HTTP_FIXTURE_CLOSE, STATUS_BAD_INPUT, "not HTTP"},
    {"\x15\x03\x01\x02\x02", HTTP_FIXTURE_CLOSE, STATUS_BAD_INPUT, "not HTTP"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
     HTTP_FIXTURE_CLOSE, STATUS_CLOSED, "broke"},
};

static void answers_that_break(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct talk *t = new_talk(broken[i].answer);
        t->server.end = broken[i].end;
        t->o.bearer = SECRET;
        begin(t);
        enum status status = ask(t, "GET", "/", NULL);
        if (status != broken[i].status || strstr(t->e.what, broken[i].what) == NULL)
            fail_msg("%zu: %s: %s", i, status_text(status), t->e.what);
        end(t);
    }
}

static void a_silent_server(void **state)
{
    (void)state;
    struct talk *t = new_talk(NULL);
    t->o.timeout_s = 0.05;
    begin(t);
    assert_int_equal(ask(t, "GET", "/", NULL), STATUS_TIMEOUT);
    assert_non_null(strstr(t->e.what, "0.05 s"));
    rest_set_timeout(t->rest, 0.06);
    assert_int_equal(ask(t, "GET", "/", NULL), STATUS_TIMEOUT);
    assert_non_null(strstr(t->e.what, "0.06 s"));
    end(t);
    t = new_talk(OK_ANSWER);
    t->o.timeout_s = INFINITY;
    begin(t);
    assert_int_equal(ask(t, "GET", "/", NULL), STATUS_OK);
    end(t);
}

/* A port that is held, and listened to by none. */
static int hold_port(int *port)
{
    struct addr at;
    assert_int_equal(addr_resolve("127.0.0.1", 0, &at, NULL), STATUS_OK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at.sa, at.len), 0);
    *port = sock_port(fd);
    return fd;
}

static void nobody_there(void **state)
{
    (void)state;
    int port = 0, held = hold_port(&port);
    char url[256], label[80] = "";
    struct talk *t = new_talk(OK_ANSWER);
    begin(t);
    (void)snprintf(url, sizeof url, "http://ann:" SECRET "@127.0.0.1:%d/v1?key=" SECRET,
                   port);
    assert_int_equal(ask_url(t, "GET", url, NULL), STATUS_CLOSED);
    assert_non_null(strstr(t->e.what, "refused"));
    assert_non_null(strstr(t->e.hint, "running"));
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", port);
    assert_string_equal(t->e.where, url);
    memset(label, 'a', 70); /* no name has a part of more than 63 letters */
    (void)snprintf(url, sizeof url, "http://%s/", label);
    assert_int_equal(ask_url(t, "GET", url, NULL), STATUS_NOT_FOUND);
    assert_non_null(strstr(t->e.what, "unknown"));
    assert_int_equal(ask_url(t, "GET", "ftp://ann:" SECRET "@h/", NULL),
                     STATUS_BAD_INPUT);
    assert_int_equal(ask_url(t, "GET", SECRET "@h", NULL), STATUS_BAD_INPUT);
    assert_int_equal(ask_url(t, "GET", "", NULL), STATUS_BAD_INPUT);
    assert_int_equal(ask_url(t, "GET", "http://[::1", NULL), STATUS_BAD_INPUT);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/" SECRET "@h/", port);
    const char *const odd[] = {url, "http://u:x/" SECRET "@h/",
                               "http://u:x?" SECRET "@h/", "http://u:x#" SECRET "@h/"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_int_not_equal(ask_url(t, "GET", odd[i], NULL), STATUS_OK);
    (void)close(held);
    end(t);
}

static void unix_sockets(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_rest.XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/s", folder);
    struct talk *t = new_talk(OK_ANSWER);
    t->server.unix_path = t->o.unix_path = path;
    begin(t);
    assert_int_equal(ask_url(t, "GET", "http://localhost/v1/models", NULL), STATUS_OK);
    assert_true(http_fixture_saw(&t->server, "GET /v1/models HTTP/1.1\r\n"));
    assert_true(http_fixture_saw(&t->server, "Host: localhost\r\n"));
    rest_close(t->rest);
    (void)unlink(path);
    assert_int_equal(rest_open(&t->o, &t->rest, &t->e), STATUS_OK);
    assert_int_equal(ask_url(t, "GET", "http://localhost/", NULL), STATUS_CLOSED);
    assert_non_null(strstr(t->e.what, "no such unix socket"));
    end(t);
    (void)rmdir(folder);
}

struct trust {
    const char *names;
    long from_s, to_s;
    bool has_ca, is_insecure;
    enum status status;
    const char *what, *hint;
};

static const struct trust trusts[] = {
    {"IP:127.0.0.1", -HOUR_S, HOUR_S, true, false, STATUS_OK, "", ""},
    {"IP:127.0.0.1", -HOUR_S, HOUR_S, false, false, STATUS_UNSUPPORTED, "issuer",
     "--ca-cert"},
    {"IP:127.0.0.1", -HOUR_S, HOUR_S, false, true, STATUS_OK, "", ""},
    {"DNS:b.example", -HOUR_S, HOUR_S, true, false, STATUS_UNSUPPORTED, "127.0.0.1",
     "name that"},
    {"DNS:b.example", -HOUR_S, HOUR_S, true, true, STATUS_OK, "", ""},
    {"IP:127.0.0.1", -2 * HOUR_S, -HOUR_S, true, false, STATUS_UNSUPPORTED, "expired",
     "clock"},
};

static void certificates(void **state)
{
    (void)state;
    struct cert_fixture f;
    cert_fixture_init(&f);
    for (size_t i = 0; i < sizeof trusts / sizeof trusts[0]; i++) {
        const struct trust *c = &trusts[i];
        struct talk *t = new_talk(OK_ANSWER);
        t->server.tls = cert_fixture_server(&f, c->names, c->from_s, c->to_s);
        t->o.ca_cert = c->has_ca ? f.ca_path : NULL;
        t->o.is_insecure = c->is_insecure;
        t->o.bearer = SECRET;
        begin(t);
        enum status status = ask(t, "GET", "/", NULL);
        if (status != c->status || strstr(t->e.what, c->what) == NULL ||
            strstr(t->e.hint, c->hint) == NULL)
            fail_msg("%zu: %s. %s", i, t->e.what, t->e.hint);
        if (status == STATUS_OK)
            assert_string_equal(buf_cstr(&t->call.body), "hello");
        SSL_CTX *tls = t->server.tls;
        end(t);
        SSL_CTX_free(tls);
    }
    cert_fixture_fini(&f);
}

static void who_is_to_be_trusted(void **state)
{
    (void)state;
    const char *const files[] = {NULL, "/no/such/file.pem"};
    struct cert_fixture f;
    cert_fixture_init(&f);
    for (size_t i = 0; i < 2; i++) {
        struct talk *t = new_talk(OK_ANSWER);
        t->server.tls = cert_fixture_server(&f, "IP:127.0.0.1", -HOUR_S, HOUR_S);
        t->o.ca_cert = files[i];
        t->o.trust_hint = "Set CERT_PATH";
        begin(t);
        assert_int_equal(ask(t, "GET", "/", NULL), STATUS_UNSUPPORTED);
        assert_string_equal(t->e.hint, "Set CERT_PATH");
        assert_null(strstr(t->e.what, "--ca-cert"));
        SSL_CTX *tls = t->server.tls;
        end(t);
        SSL_CTX_free(tls);
    }
    cert_fixture_fini(&f);
}

static void tls_and_plain_mixed_up(void **state)
{
    (void)state;
    struct cert_fixture f;
    cert_fixture_init(&f);
    struct talk *t = new_talk("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    t->server.is_eager = true;
    begin(t);
    (void)snprintf(t->url, sizeof t->url, "https://127.0.0.1:%d/", t->server.port);
    assert_int_equal(ask_url(t, "GET", t->url, NULL), STATUS_UNSUPPORTED);
    assert_non_null(strstr(t->e.what, "handshake"));
    assert_non_null(strstr(t->e.hint, "http://"));
    end(t);
    t = new_talk(OK_ANSWER);
    t->o.ca_cert = "/no/such/file.pem";
    t->server.tls = cert_fixture_server(&f, "IP:127.0.0.1", -HOUR_S, HOUR_S);
    begin(t);
    assert_int_equal(ask(t, "GET", "/", NULL), STATUS_UNSUPPORTED);
    assert_non_null(strstr(t->e.what, "CA file"));
    assert_non_null(strstr(t->e.hint, "--ca-cert"));
    (void)snprintf(t->url, sizeof t->url, "http://127.0.0.1:%d/", t->server.port);
    enum status status = ask_url(t, "GET", t->url, NULL);
    assert_true(status == STATUS_BAD_INPUT || status == STATUS_CLOSED);
    SSL_CTX *tls = t->server.tls;
    end(t);
    SSL_CTX_free(tls);
    cert_fixture_fini(&f);
}

static void proxies(void **state)
{
    (void)state;
    const char *const near[] = {
        "http://127.0.0.1:%d/",     "http://127.1.2.3:%d/",
        "http://LOCALHOST:%d/",     "http://a.localhost:%d/",
        "http://[::1]:%d/",         "http://0.0.0.0:%d/",
        "http://u:p@127.0.0.1:%d/", "http://[::ffff:127.0.0.1]:%d/",
        "http://169.254.0.1:%d/",   "http://[fe80::1%%25lo]:%d/"};
    const char *const far[] = {"http://nowhere.invalid/x", "http://10.255.255.1/x",
                               "http://[2001:db8::1]/x", "http://notlocalhost/x",
                               "http://localhost.invalid/x"};
    int port = 0, held = hold_port(&port);
    struct talk *t = new_talk(OK_ANSWER);
    t->o.timeout_s = 10;
    begin(t);
    setenv("http_proxy", t->server.url, 1);
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        char line[128];
        assert_int_equal(ask_url(t, "GET", far[i], NULL), STATUS_OK);
        (void)snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", far[i]);
        assert_true(http_fixture_saw(&t->server, line));
    }
    rest_close(t->rest);
    t->o.timeout_s = 0.3; /* those of the link lead nowhere */
    assert_int_equal(rest_open(&t->o, &t->rest, &t->e), STATUS_OK);
    int asked = t->server.requests;
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        char url[128];
        (void)snprintf(url, sizeof url, near[i], port);
        if (ask_url(t, "GET", url, NULL) == STATUS_OK)
            fail_msg("%s was asked of the proxy", url);
        assert_int_equal(t->server.requests, asked);
    }
    unsetenv("http_proxy");
    (void)close(held);
    end(t);
}

static void what_cannot_be_sent(void **state)
{
    (void)state;
    const char *headers[] = {"A: b", NULL};
    const char *const bad[] = {
        SECRET, ": " SECRET, "A B: " SECRET, "A: b\r\nC: " SECRET, "A: \x01" SECRET, ""};
    struct rest *r = NULL;
    struct err e;
    char text[1024];
    struct rest_options o = {.headers = {.items = headers, .count = 2}, .timeout_s = 1};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        headers[1] = bad[i];
        assert_int_equal(rest_open(&o, &r, &e), STATUS_BAD_OPTION);
        status_format(&e, text, sizeof text);
        assert_null(strstr(text, SECRET));
        assert_non_null(strstr(text, "header 2"));
    }
    o.headers.count = 1;
    o.bearer = SECRET "\r\nX: y";
    assert_int_equal(rest_open(&o, &r, &e), STATUS_BAD_OPTION);
    o.bearer = NULL;
    o.user = "ann";
    o.password = SECRET "\n";
    assert_int_equal(rest_open(&o, &r, &e), STATUS_BAD_OPTION);
    status_format(&e, text, sizeof text);
    assert_null(strstr(text, SECRET));
    assert_null(r);
    rest_close(NULL);
}

static void no_memory_is_clean(void **state)
{
    (void)state;
    const char *headers[] = {"X-Empty:"};
    struct talk *t = new_talk(OK_ANSWER);
    t->o.headers = (struct opt_strings){.items = headers, .count = 1};
    begin(t);
    struct alloc_fixture alloc = {.least = 2};
    while (alloc_fixture_next(&alloc)) {
        struct rest *r = NULL;
        alloc_fixture_arm(&alloc);
        enum status status = rest_open(&t->o, &r, &t->e);
        alloc_fixture_judge(&alloc, status);
        assert_int_equal(r != NULL, status == STATUS_OK);
        rest_close(r);
    }
    buf_fini(&t->call.body);
    (void)snprintf(t->url, sizeof t->url, "%s/", t->server.url);
    mem_fail_at(1);
    enum status status = ask_url(t, "GET", t->url, NULL);
    mem_fail_at(0);
    assert_int_equal(status, STATUS_NO_MEMORY);
    assert_int_equal(ask(t, "GET", "/", NULL), STATUS_OK);
    assert_string_equal(buf_cstr(&t->call.body), "hello");
    end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent),
        cmocka_unit_test(each_call_closes_its_connection),
        cmocka_unit_test(a_large_body_is_sent_at_once),
        cmocka_unit_test(bodies_of_other_types),
        cmocka_unit_test(a_body_is_sent_again),
        cmocka_unit_test(user_and_password),
        cmocka_unit_test(what_is_answered),
        cmocka_unit_test(a_date_to_try_again),
        cmocka_unit_test(the_cap_of_the_body),
        cmocka_unit_test(answers_that_break),
        cmocka_unit_test(a_silent_server),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(certificates),
        cmocka_unit_test(who_is_to_be_trusted),
        cmocka_unit_test(tls_and_plain_mixed_up),
        cmocka_unit_test(proxies),
        cmocka_unit_test(what_cannot_be_sent),
        cmocka_unit_test(no_memory_is_clean),
    };
    /* the machine's own settings must not speak here */
    const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                 "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
