#include "serve/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "serve_fixture.h"

#define HEALTH "GET /health HTTP/1.1\r\n\r\n"
static const char path[] = "/v1/completions";
static const char stream3[] = "{\"prompt\":[1],\"max_tokens\":3,\"stream\":true}";

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static void requests_one_after_the_other(void **state)
{
    (void)state;
    struct serve_fixture f;
    serve_fixture_begin(&f);
    for (int i = 0; i < 3; i++) {
        serve_fixture_post(&f, path, stream3);
        assert_int_equal(f.conn->state, CONN_ANSWERING);
        assert_int_equal(f.server.counts.running, 1);
        const char *text = serve_fixture_answer(&f);
        assert_int_equal(count_of(text, "data: {"), 3);
        assert_int_equal(count_of(text, "data: [DONE]\n\n\r\n0\r\n\r\n"), 1);
        assert_int_equal(f.conn->state, CONN_READING);
        assert_int_equal(f.server.counts.running, 0);
    }
    assert_int_equal(f.server.counts.generation_tokens, 9);
    serve_fixture_end(&f);
}

static void what_comes_early_is_kept(void **state)
{
    (void)state;
    struct serve_fixture f;
    serve_fixture_begin(&f);
    serve_fixture_post(&f, path, stream3);
    serve_fixture_say(&f, HEALTH "GET /ver");
    serve_fixture_say(&f,
                      "sion HTTP/1.1\r\n\r\nPOST /v1/completions HTTP/1.1\r\nContent-");
    serve_fixture_say(&f, "Length: 14\r\n\r\n{\"prompt\":[1]}" HEALTH);
    const char *text = serve_fixture_answer(&f);
    assert_int_equal(count_of(text, "HTTP/1.1 200 OK"), 5);
    const char *done = strstr(text, "[DONE]");
    assert_non_null(done);
    assert_true(strstr(text, "\"tool\":\"tool 1\"") > done);
    assert_true(strstr(text, "\"completion_tokens\":16") > done);
    assert_int_equal(f.conn->later.len, 0);
    serve_fixture_end(&f);
}

static void a_hundred_in_one_read(void **state)
{
    (void)state;
    struct serve_fixture f;
    char text[100 * sizeof HEALTH] = "";
    serve_fixture_begin(&f);
    for (size_t i = 0; i < 100; i++)
        memcpy(text + i * (sizeof HEALTH - 1), HEALTH, sizeof HEALTH);
    serve_fixture_say(&f, text);
    assert_int_equal(count_of(serve_fixture_heard(&f), "HTTP/1.1 200 OK"), 100);
    serve_fixture_end(&f);
}

static void idling_ends(void **state)
{
    (void)state;
    struct serve_fixture f;
    uint32_t who;
    serve_fixture_begin(&f);
    assert_int_equal(due_next(&f.server.due, &who).ns, DUE_NEVER); /* not before
                                                                      one came */
    serve_fixture_say(&f, HEALTH);
    struct instant before = clock_now();
    struct instant end = due_next(&f.server.due, &who);
    assert_true(end.ns <= before.ns + f.settings.keepalive_ns);
    serve_fixture_say(&f, "GET /hea"); /* no idling while a request is under way */
    assert_int_equal(due_next(&f.server.due, &who).ns, DUE_NEVER);
    serve_fixture_say(&f, "lth HTTP/1.1\r\n\r\n");
    assert_true(serve_fixture_step(&f));
    assert_int_equal(f.conn->state, CONN_CLOSED);
    assert_true(serve_fixture_is_closed(&f));
    serve_fixture_end(&f);
    serve_fixture_begin(&f);
    f.settings.keepalive_ns = 0;
    serve_fixture_say(&f, HEALTH);
    assert_int_equal(due_next(&f.server.due, &who).ns, DUE_NEVER);
    serve_fixture_end(&f);
}

static void connections_that_are_to_end(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /health HTTP/1.0\r\n\r\n",
        "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n" HEALTH,
        "nonsense\r\n\r\n" HEALTH,
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct serve_fixture f;
        serve_fixture_begin(&f);
        serve_fixture_say(&f, requests[i]);
        assert_int_equal(f.conn->state, CONN_CLOSED);
        const char *text = serve_fixture_heard(&f);
        assert_int_equal(count_of(text, "HTTP/1.1 "), 1);
        serve_fixture_has(text, i < 2 ? " 200 OK" : " 400 Bad Request");
        serve_fixture_has(text, "connection: close\r\n");
        serve_fixture_end(&f);
    }
}

static void waits_for_100_continue(void **state)
{
    (void)state;
    struct serve_fixture f;
    serve_fixture_begin(&f);
    serve_fixture_say(&f, "POST /v1/completions HTTP/1.1\r\nExpect: 100-continue\r\n"
                          "Content-Length: 28\r\n\r\n");
    assert_string_equal(serve_fixture_heard(&f), "HTTP/1.1 100 Continue\r\n\r\n");
    serve_fixture_say(&f, "{\"prompt\":[1],");
    assert_string_equal(serve_fixture_heard(&f), "");
    serve_fixture_say(&f, "\"stream\":true}");
    serve_fixture_has(serve_fixture_answer(&f), "[DONE]");
    serve_fixture_end(&f);
}

static void a_peer_that_leaves(void **state)
{
    (void)state;
    struct serve_fixture f;
    serve_fixture_begin(&f);
    serve_fixture_log(&f);
    serve_fixture_post(&f, path, stream3);
    assert_true(serve_fixture_step(&f));
    (void)close(f.peer);
    f.peer = -1;
    exchange_readable(&f.server, f.conn, true);
    assert_int_equal(f.conn->state, CONN_CLOSED);
    assert_int_equal(f.server.counts.running, 0);
    const char *text = serve_fixture_logged(&f);
    serve_fixture_has(text, "\"outcome\":\"closed\"");
    serve_fixture_has(text, "\"tokens\":1,\"sent_ns\":[");
    serve_fixture_end(&f);
}

/* The socket has little room, and the peer reads late. */
static void a_peer_that_does_not_read(void **state)
{
    (void)state;
    struct serve_fixture f;
    const int room = 4096;
    serve_fixture_begin(&f);
    serve_fixture_log(&f);
    assert_int_equal(setsockopt(f.conn->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room),
                     0);
    f.settings.tokens_per_event = 1000;
    serve_fixture_post(&f, path, "{\"prompt\":[1],\"max_tokens\":20000,\"stream\":true}");
    while (!conn_is_blocked(f.conn))
        assert_true(serve_fixture_step(&f));
    assert_false(serve_fixture_step(&f)); /* no event is due before the socket has room */
    assert_true(f.conn->answer.awaits_stamp);
    size_t stamps = f.conn->answer.record.sent.count;
    assert_int_equal(f.conn->answer.record.tokens, 1000 * (int64_t)stamps);
    const char *text = serve_fixture_answer(&f);
    serve_fixture_has(text, " t20000\"");
    assert_int_equal(count_of(text, "data: {"), 20);
    text = serve_fixture_logged(&f);
    serve_fixture_has(text, "\"tokens\":20000,");
    serve_fixture_has(text, "\"outcome\":\"ok\"");
    serve_fixture_has_not(text, ",0]");
    assert_int_equal(count_of(text, "1000,"), 19);
    serve_fixture_end(&f);
}

static void closing_logs_what_was_sent(void **state)
{
    (void)state;
    struct serve_fixture f;
    serve_fixture_begin(&f);
    serve_fixture_log(&f);
    serve_fixture_post(&f, path, stream3);
    exchange_close(&f.server, f.conn, "stopped");
    exchange_close(&f.server, f.conn, "again");
    assert_true(serve_fixture_is_closed(&f));
    serve_fixture_has(serve_fixture_logged(&f), "\"outcome\":\"stopped\"");
    serve_fixture_end(&f);
}

/* Whatever allocation fails, the connection is answered or closed, and nothing leaks. */
static void no_memory_harms_one_connection(void **state)
{
    (void)state;
    bool was_answered = false;
    for (long n = 1; !was_answered; n++) {
        struct serve_fixture f;
        serve_fixture_begin(&f);
        serve_fixture_log(&f);
        const char *request =
            "POST /v1/chat/completions HTTP/1.1\r\nX-Request-Id: a\r\n"
            "Content-Length: 80\r\n\r\n{\"messages\":[{\"role\":\"user\","
            "\"content\":\"hi\"}],\"max_tokens\":100,\"stream\":true}    ";
        assert_int_equal(strlen(strstr(request, "{")), 80);
        assert_int_equal(send(f.peer, request, strlen(request), 0), strlen(request));
        mem_fail_at(n);
        exchange_readable(&f.server, f.conn, false);
        while (f.conn->state == CONN_ANSWERING)
            (void)serve_fixture_step(&f);
        mem_fail_at(0);
        was_answered = strstr(serve_fixture_heard(&f), "[DONE]") != NULL &&
                       f.server.log.failed == STATUS_OK;
        assert_true(was_answered || n < 1000);
        serve_fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_one_after_the_other),
        cmocka_unit_test(what_comes_early_is_kept),
        cmocka_unit_test(a_hundred_in_one_read),
        cmocka_unit_test(idling_ends),
        cmocka_unit_test(connections_that_are_to_end),
        cmocka_unit_test(waits_for_100_continue),
        cmocka_unit_test(a_peer_that_leaves),
        cmocka_unit_test(a_peer_that_does_not_read),
        cmocka_unit_test(closing_logs_what_was_sent),
        cmocka_unit_test(no_memory_harms_one_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
