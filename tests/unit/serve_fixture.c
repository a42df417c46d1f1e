#include "serve_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/opt.h"
#include "serve/exchange.h"

#define CAP_BYTES ((size_t)64 << 20)

static void set_defaults(struct serve_fixture *f)
{
    struct err e;
    struct opt_parse p = {.table = settings_table,
                          .count = SETTINGS_COUNT,
                          .target = &f->settings,
                          .arena = &f->arena};
    assert_int_equal(opt_init(&p, &e), STATUS_OK);
}

struct conn *serve_fixture_open(struct serve_fixture *f, int *peer)
{
    struct server *s = &f->server;
    struct err e;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    *peer = ends[0];
    struct conn *c = conn_open(&s->conns, ends[1]);
    assert_non_null(c);
    assert_int_equal(due_reserve(&s->due, s->conns.count), STATUS_OK);
    assert_int_equal(loop_add(&s->loop, ends[1], conn_tag(c), &e), STATUS_OK);
    return c;
}

void serve_fixture_begin(struct serve_fixture *f)
{
    struct server *s = &f->server;
    struct err e;
    *f = (struct serve_fixture){.server = {.settings = &f->settings, .tool = "tool 1"}};
    s->queue = (struct queue){
        .settings = &f->settings, .counts = &s->counts, .due = &s->due};
    arena_init(&f->arena, CAP_BYTES);
    set_defaults(f);
    buf_init(&f->heard, CAP_BYTES);
    buf_init(&s->line, CAP_BYTES);
    buf_init(&s->body, CAP_BYTES);
    buf_init(&s->out, CAP_BYTES);
    buf_init(&s->key, CAP_BYTES);
    due_init(&s->due);
    stamp_init(&s->stamp);
    s->created_s = 7;
    s->read = mem_alloc(SERVER_READ_BYTES, 1);
    assert_int_equal(loop_open(&s->loop, &e), STATUS_OK);
    assert_int_equal(slog_open(&s->log, NULL, "", &e), STATUS_OK);
    f->conn = serve_fixture_open(f, &f->peer);
}

void serve_fixture_log(struct serve_fixture *f)
{
    struct err e;
    (void)snprintf(f->log_path, sizeof f->log_path, "/tmp/inferbench-serve-XXXXXX");
    int fd = mkstemp(f->log_path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(slog_open(&f->server.log, f->log_path, "{}", &e), STATUS_OK);
}

void serve_fixture_end(struct serve_fixture *f)
{
    struct server *s = &f->server;
    struct err e;
    s->queue.is_closed = true;
    for (size_t i = 0; i < s->conns.count; i++)
        exchange_close(s, s->conns.all[i], "stopped");
    conn_table_fini(&s->conns);
    due_fini(&s->due);
    loop_close(&s->loop);
    (void)!slog_close(&s->log, &e);
    buf_fini(&f->heard);
    buf_fini(&s->line);
    buf_fini(&s->body);
    buf_fini(&s->out);
    buf_fini(&s->key);
    mem_free(s->read);
    arena_fini(&f->arena);
    if (f->peer >= 0)
        (void)close(f->peer);
    if (f->log_path[0] != '\0')
        (void)unlink(f->log_path);
}

void serve_fixture_say(struct serve_fixture *f, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(f->peer, text, len, MSG_NOSIGNAL), len);
    exchange_readable(&f->server, f->conn, false);
}

void serve_fixture_post(struct serve_fixture *f, const char *path, const char *body)
{
    struct buf request;
    buf_init(&request, CAP_BYTES);
    (void)buf_printf(
        &request, "POST %s HTTP/1.1\r\nX-Request-Id: id\r\nContent-Length: %zu\r\n\r\n%s",
        path, strlen(body), body);
    serve_fixture_say(f, buf_cstr(&request));
    buf_fini(&request);
}

/* Appends what can be read now; true at the end of the connection. */
static bool hear(struct serve_fixture *f)
{
    static char bytes[1 << 16];
    for (;;) {
        ssize_t got = recv(f->peer, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got > 0)
            assert_int_equal(buf_append(&f->heard, bytes, (size_t)got), STATUS_OK);
        else if (got == 0 || errno != EINTR)
            return got == 0 || errno == ECONNRESET;
    }
}

const char *serve_fixture_heard(struct serve_fixture *f)
{
    buf_clear(&f->heard);
    (void)hear(f);
    return buf_cstr(&f->heard);
}

bool serve_fixture_is_closed(struct serve_fixture *f)
{
    return hear(f);
}

bool serve_fixture_step(struct serve_fixture *f)
{
    uint32_t who = 0;
    if (due_next(&f->server.due, &who).ns == DUE_NEVER)
        return false;
    assert_int_equal(who, f->conn->index);
    exchange_due(&f->server, f->conn);
    return true;
}

const char *serve_fixture_answer(struct serve_fixture *f)
{
    buf_clear(&f->heard);
    while (f->conn->state == CONN_ANSWERING) {
        (void)hear(f);
        exchange_writable(&f->server, f->conn);
        if (f->conn->state == CONN_ANSWERING)
            (void)serve_fixture_step(f);
    }
    (void)hear(f);
    return buf_cstr(&f->heard);
}

const char *serve_fixture_logged(struct serve_fixture *f)
{
    struct err e;
    assert_int_equal(slog_close(&f->server.log, &e), STATUS_OK);
    buf_clear(&f->heard);
    assert_int_equal(file_read(f->log_path, &f->heard, &e), STATUS_OK);
    return buf_cstr(&f->heard);
}

void serve_fixture_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%.2000s\"", part, text);
}

void serve_fixture_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in \"%.2000s\"", part, text);
}
