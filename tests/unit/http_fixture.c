#include "http_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "net/sock.h"

struct connection {
    struct http_fixture *f;
    int fd;
    SSL *ssl; /* or NULL */
};

static size_t get_some(struct connection *c, char *data, size_t room)
{
    int got = c->ssl != NULL ? SSL_read(c->ssl, data, (int)room)
                             : (int)recv(c->fd, data, room, 0);
    return got > 0 ? (size_t)got : 0;
}

static void put_all(struct connection *c, const char *data, size_t len)
{
    while (len > 0) {
        int put = c->ssl != NULL ? SSL_write(c->ssl, data, (int)len)
                                 : (int)send(c->fd, data, len, MSG_NOSIGNAL);
        if (put <= 0)
            return;
        data += put;
        len -= (size_t)put;
    }
}

/* Length of the first whole request in text, 0: more is to come. */
static size_t request_len(const char *text, size_t len)
{
    const char *end = strstr(text, "\r\n\r\n");
    if (end == NULL)
        return 0;
    const char *field = strstr(text, "Content-Length:");
    size_t body = 0;
    if (field != NULL && field < end)
        body = (size_t)strtoul(field + strlen("Content-Length:"), NULL, 10);
    size_t total = (size_t)(end - text) + 4 + body;
    return total <= len ? total : 0;
}

/* False when the peer has hung up. */
static bool take_request(struct connection *c)
{
    struct http_fixture *f = c->f;
    static _Thread_local char text[HTTP_FIXTURE_SEEN_BYTES];
    size_t len = 0, got = 1;
    text[0] = '\0';
    while (request_len(text, len) == 0 && got > 0 && len < sizeof text - 1) {
        got = get_some(c, text + len, sizeof text - 1 - len);
        len += got;
        text[len] = '\0';
        if (f->is_eager)
            break;
    }
    if (got == 0)
        return false;
    (void)pthread_mutex_lock(&f->lock);
    memcpy(f->seen, text, len + 1);
    (void)pthread_mutex_unlock(&f->lock);
    f->requests++;
    return true;
}

static bool begins_with(struct http_fixture *f, const char *text)
{
    (void)pthread_mutex_lock(&f->lock);
    bool begins = strncmp(f->seen, text, strlen(text)) == 0;
    (void)pthread_mutex_unlock(&f->lock);
    return begins;
}

/* True where the last request asked for one of the pages. */
static bool put_page(struct connection *c)
{
    for (size_t i = 0; i < c->f->page_count; i++) {
        /* a copy: the test may change it as soon as it has the head */
        const struct http_fixture_page p = c->f->pages[i];
        char head[96];
        if (!begins_with(c->f, p.request))
            continue;
        (void)snprintf(head, sizeof head,
                       "HTTP/1.1 %d Page\r\nContent-Length: %zu\r\n\r\n", p.status,
                       strlen(p.body));
        put_all(c, head, strlen(head));
        put_all(c, p.body, strlen(p.body));
        return true;
    }
    return false;
}

static void serve(struct connection *c)
{
    struct http_fixture *f = c->f;
    const struct linger reset = {.l_onoff = 1};
    bool goes_on = true;
    while (goes_on && take_request(c)) {
        if (!put_page(c) && f->answer != NULL)
            put_all(c, f->answer, strlen(f->answer));
        goes_on = f->answer == NULL || f->end == HTTP_FIXTURE_KEEP;
    }
    if (f->end == HTTP_FIXTURE_RESET)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    else if (c->ssl != NULL)
        (void)SSL_shutdown(c->ssl);
}

static void *run(void *arg)
{
    struct http_fixture *f = arg;
    for (;;) {
        struct connection c = {.f = f, .fd = accept(f->listener, NULL, NULL)};
        if (c.fd < 0)
            return NULL;
        f->connections++;
        if (f->tls != NULL) {
            c.ssl = SSL_new(f->tls);
            (void)SSL_set_fd(c.ssl, c.fd);
        }
        if (c.ssl == NULL || SSL_accept(c.ssl) == 1)
            serve(&c);
        SSL_free(c.ssl);
        (void)close(c.fd);
        f->ended++;
    }
}

void http_fixture_start(struct http_fixture *f)
{
    struct addr at;
    sigset_t pipe_signal, before;
    if (f->unix_path != NULL)
        assert_int_equal(addr_unix(f->unix_path, &at, NULL), STATUS_OK);
    else
        assert_int_equal(addr_resolve("127.0.0.1", 0, &at, NULL), STATUS_OK);
    f->listener = socket(at.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&at.sa, at.len), 0);
    assert_int_equal(listen(f->listener, 16), 0);
    f->port = sock_port(f->listener);
    (void)snprintf(f->url, sizeof f->url, "%s://127.0.0.1:%d",
                   f->tls != NULL ? "https" : "http", f->port);
    f->connections = 0;
    f->ended = 0;
    f->requests = 0;
    f->seen[0] = '\0';
    assert_int_equal(pthread_mutex_init(&f->lock, NULL), 0);
    (void)sigemptyset(&pipe_signal); /* OpenSSL's writes raise it; ours must not */
    (void)sigaddset(&pipe_signal, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void http_fixture_stop(struct http_fixture *f)
{
    (void)shutdown(f->listener, SHUT_RDWR);
    (void)pthread_join(f->thread, NULL);
    (void)close(f->listener);
    (void)pthread_mutex_destroy(&f->lock);
}

bool http_fixture_is_quiet(const struct http_fixture *f)
{
    struct instant limit = clock_after(clock_now(), clock_seconds(5));
    while (f->ended < f->connections && clock_before(clock_now(), limit))
        clock_sleep_until(clock_after(clock_now(), clock_seconds(0.001)));
    return f->ended == f->connections;
}

bool http_fixture_saw(struct http_fixture *f, const char *text)
{
    (void)pthread_mutex_lock(&f->lock);
    bool is_there = strstr(f->seen, text) != NULL;
    (void)pthread_mutex_unlock(&f->lock);
    return is_there;
}
