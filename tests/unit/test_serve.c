#include "serve/serve.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "net/addr.h"
#include "net/sock.h"

/* A server in a thread of its own. */
struct running {
    struct arena arena;
    struct settings settings;
    struct log log;
    struct serve_job job;
    pthread_t thread;
    sem_t is_listening;
    atomic_bool must_stop;
    enum status status;
    struct err e;
    char url[200];
    char socket_path[64], log_path[64];
};

static bool stop(void *arg)
{
    struct running *r = arg;
    return atomic_load(&r->must_stop);
}

static void listening(void *arg, const char *url)
{
    struct running *r = arg;
    (void)snprintf(r->url, sizeof r->url, "%s", url);
    (void)sem_post(&r->is_listening);
}

static void *serve(void *arg)
{
    struct running *r = arg;
    r->status = serve_run(&r->job, &r->e);
    (void)sem_post(&r->is_listening);
    return NULL;
}

static void prepare(struct running *r)
{
    *r = (struct running){.status = STATUS_INTERNAL};
    arena_init(&r->arena, 1 << 20);
    log_init(&r->log, LOG_ERROR);
    struct opt_parse p = {.table = settings_table,
                          .count = SETTINGS_COUNT,
                          .target = &r->settings,
                          .arena = &r->arena};
    assert_int_equal(opt_init(&p, &r->e), STATUS_OK);
    r->settings.port = 0;
    r->job = (struct serve_job){.settings = &r->settings,
                                .tool = "tool",
                                .log = &r->log,
                                .stop = stop,
                                .listening = listening,
                                .arg = r};
    assert_int_equal(sem_init(&r->is_listening, 0, 0), 0);
}

static void start(struct running *r)
{
    assert_int_equal(pthread_create(&r->thread, NULL, serve, r), 0);
    while (sem_wait(&r->is_listening) != 0)
        ;
}

static void end(struct running *r)
{
    atomic_store(&r->must_stop, true);
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    (void)sem_destroy(&r->is_listening);
    arena_fini(&r->arena);
}

/* One request with "connection: close"; the answer is in text. */
static void ask(const struct addr *at, char *text, size_t room)
{
    static const char request[] = "GET /version HTTP/1.1\r\nConnection: close\r\n\r\n";
    int fd = socket(at->sa.ss_family, SOCK_STREAM, 0);
    size_t len = 0;
    assert_int_equal(connect(fd, (const struct sockaddr *)&at->sa, at->len), 0);
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL),
                     sizeof request - 1);
    for (ssize_t n = 1; n > 0; len += n > 0 ? (size_t)n : 0)
        n = recv(fd, text + len, room - 1 - len, 0);
    text[len] = '\0';
    (void)close(fd);
}

static void over_tcp(void **state)
{
    (void)state;
    struct running r;
    struct addr at;
    char text[2000];
    prepare(&r);
    start(&r);
    int port = 0;
    assert_int_equal(sscanf(r.url, "http://127.0.0.1:%d", &port), 1);
    assert_true(port > 0);
    assert_int_equal(addr_resolve("127.0.0.1", port, &at, &r.e), STATUS_OK);
    ask(&at, text, sizeof text);
    assert_non_null(strstr(text, "\"tool\":\"tool\""));

    struct running second;
    prepare(&second);
    second.settings.port = port;
    start(&second);
    end(&second);
    assert_int_equal(second.status, STATUS_IO);
    assert_string_equal(second.url, "");
    assert_non_null(strstr(second.e.what, "Address already in use"));
    end(&r);
    assert_int_equal(r.status, STATUS_OK);
}

static void over_a_unix_socket(void **state)
{
    (void)state;
    struct running r;
    struct addr at;
    char text[2000], folder[] = "/tmp/inferbench-serve-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/s", folder);
    assert_int_equal(addr_unix(path, &at, NULL), STATUS_OK);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0); /* its file outlives it */
    assert_int_equal(bind(stale, (const struct sockaddr *)&at.sa, at.len), 0);
    (void)close(stale);
    prepare(&r);
    r.settings.uds = path;
    start(&r);
    ask(&at, text, sizeof text);
    assert_non_null(strstr(text, "HTTP/1.1 200 OK"));

    struct running second; /* the file of a server that lives is not taken away */
    prepare(&second);
    second.settings.uds = path;
    start(&second);
    end(&second);
    assert_int_equal(second.status, STATUS_IO);
    assert_int_equal(access(path, F_OK), 0);
    ask(&at, text, sizeof text);
    assert_non_null(strstr(text, "HTTP/1.1 200 OK"));
    end(&r);
    assert_int_equal(r.status, STATUS_OK);
    assert_int_not_equal(access(path, F_OK), 0);
    (void)rmdir(folder);
}

static void what_cannot_be_had(void **state)
{
    (void)state;
    struct running r;
    int standard_input = fcntl(0, F_GETFD);
    prepare(&r);
    r.settings.log_path = "/none/such";
    start(&r);
    end(&r);
    assert_int_equal(r.status, STATUS_IO);
    prepare(&r);
    r.settings.api_key_file = "/none/such";
    start(&r);
    end(&r);
    assert_int_equal(r.status, STATUS_NOT_FOUND);
    assert_int_equal(fcntl(0, F_GETFD), standard_input); /* no loop, none to close */
}

static void no_memory_to_start(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        struct running r;
        prepare(&r);
        atomic_store(&r.must_stop, true);
        mem_fail_at(n);
        enum status st = serve_run(&r.job, &r.e);
        mem_fail_at(0);
        (void)sem_destroy(&r.is_listening);
        arena_fini(&r.arena);
        if (st == STATUS_OK && n > 3)
            return;
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_tcp),
        cmocka_unit_test(over_a_unix_socket),
        cmocka_unit_test(what_cannot_be_had),
        cmocka_unit_test(no_memory_to_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
