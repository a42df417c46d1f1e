#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "cert_fixture.h"

#define CAP ((size_t)1 << 22)

static struct cert_fixture certs;
static char key_path[128];

static int make_certs(void **state)
{
    (void)state;
    cert_fixture_init(&certs);
    (void)snprintf(key_path, sizeof key_path, "%s/key.pem", certs.folder);
    FILE *file = fopen(key_path, "w");
    int is_written = file != NULL && PEM_write_PrivateKey(file, certs.key, NULL, NULL, 0,
                                                          NULL, NULL) == 1;
    return is_written && fclose(file) == 0 ? 0 : -1;
}

static int remove_certs(void **state)
{
    (void)state;
    (void)unlink(key_path);
    cert_fixture_fini(&certs);
    return 0;
}

/* This server and our client, with nothing between them but memory. */
struct wire {
    struct tls_context *server_context;
    struct tls *server;
    struct tls_context *client_context;
    struct tls *client;
    struct buf sent; /* by the client, on its way */
    struct err e;
};

static void wire_open(struct wire *w)
{
    const struct tls_options o = {.host = "localhost", .is_insecure = true};
    *w = (struct wire){.server = NULL};
    assert_int_equal(
        tls_context_new_server(certs.ca_path, key_path, &w->server_context, &w->e),
        STATUS_OK);
    assert_int_equal(tls_new(w->server_context, &w->server, &w->e), STATUS_OK);
    assert_int_equal(tls_context_new(&o, &w->client_context, &w->e), STATUS_OK);
    assert_int_equal(tls_new(w->client_context, &w->client, &w->e), STATUS_OK);
    buf_init(&w->sent, CAP);
}

static void wire_close(struct wire *w)
{
    tls_free(w->server);
    tls_context_free(w->server_context);
    tls_free(w->client);
    tls_context_free(w->client_context);
    buf_fini(&w->sent);
}

/* All that either side has to say reaches the other, byte by byte. */
static void move(struct wire *w)
{
    struct str back = tls_pending(w->server);
    for (size_t i = 0; i < w->sent.len; i++)
        assert_int_equal(tls_feed(w->server, w->sent.data + i, 1, &w->e), STATUS_OK);
    buf_clear(&w->sent);
    for (size_t i = 0; i < back.len; i++)
        assert_int_equal(tls_feed(w->client, back.ptr + i, 1, &w->e), STATUS_OK);
    tls_sent(w->server);
    assert_int_equal(tls_pending(w->server).len, 0);
}

static void shake(struct wire *w)
{
    char byte;
    size_t len;
    for (int i = 0; i < 10; i++) {
        enum tls_result result = tls_handshake(w->client, &w->sent, &w->e);
        assert_true(result == TLS_OK || result == TLS_AGAIN);
        move(w);
        assert_int_equal(tls_read(w->server, &byte, 1, &len, NULL), TLS_AGAIN);
        move(w);
    }
    assert_int_equal(tls_handshake(w->client, &w->sent, &w->e), TLS_OK);
}

static void both_ways(void **state)
{
    (void)state;
    struct wire w;
    char text[100];
    size_t len = 0;
    wire_open(&w);
    assert_int_not_equal(
        tls_write(w.server, "too early", strlen("too early"), NULL, NULL), STATUS_OK);
    shake(&w);
    assert_int_equal(tls_write(w.client, "hello", 5, &w.sent, &w.e), STATUS_OK);
    move(&w);
    assert_int_equal(tls_read(w.server, text, sizeof text, &len, NULL), TLS_OK);
    assert_int_equal(len, 5);
    assert_memory_equal(text, "hello", 5);
    assert_int_equal(tls_read(w.server, text, sizeof text, &len, NULL), TLS_AGAIN);
    assert_int_equal(tls_write(w.server, "wor", strlen("wor"), NULL, NULL), STATUS_OK);
    assert_int_equal(tls_write(w.server, "ld", strlen("ld"), NULL, NULL), STATUS_OK);
    move(&w);
    assert_int_equal(tls_read(w.client, text, sizeof text, &len, &w.e), TLS_OK);
    assert_int_equal(len, 3);
    assert_int_equal(tls_read(w.client, text, sizeof text, &len, &w.e), TLS_OK);
    assert_memory_equal(text, "ld", 2);
    tls_end(w.server);
    move(&w);
    assert_int_equal(tls_read(w.client, text, sizeof text, &len, &w.e), TLS_END);
    wire_close(&w);
}

static void large_texts(void **state)
{
    (void)state;
    enum { BYTES = 300000 };
    struct wire w;
    char *text = mem_alloc(BYTES, 1), *got = mem_alloc(BYTES, 1);
    size_t at = 0, len = 0;
    for (size_t i = 0; i < BYTES; i++)
        text[i] = (char)('a' + i % 23);
    wire_open(&w);
    shake(&w);
    assert_int_equal(tls_write(w.client, text, BYTES, &w.sent, &w.e), STATUS_OK);
    move(&w);
    while (tls_read(w.server, got + at, BYTES - at, &len, NULL) == TLS_OK)
        at += len;
    assert_int_equal(at, BYTES);
    assert_memory_equal(got, text, BYTES);
    assert_int_equal(tls_write(w.server, text, BYTES, NULL, NULL), STATUS_OK);
    move(&w);
    memset(got, 0, BYTES);
    for (at = 0; tls_read(w.client, got + at, BYTES - at + 1, &len, &w.e) == TLS_OK;)
        at += len;
    assert_int_equal(at, BYTES);
    assert_memory_equal(got, text, BYTES);
    wire_close(&w);
    mem_free(text);
    mem_free(got);
}

static void no_tls_is_the_end(void **state)
{
    (void)state;
    struct wire w;
    char byte;
    size_t len;
    wire_open(&w);
    assert_int_equal(tls_feed(w.server, "GET / HTTP/1.1\r\n\r\n", 18, NULL), STATUS_OK);
    assert_int_equal(tls_read(w.server, &byte, 1, &len, NULL), TLS_ERROR);
    tls_end(w.server);
    wire_close(&w);
}

static void files_that_are_no_pair(void **state)
{
    (void)state;
    struct tls_context *c = NULL;
    struct err e;
    assert_int_equal(tls_context_new_server("/none/such", key_path, &c, &e),
                     STATUS_NOT_FOUND);
    assert_string_equal(e.where, "/none/such");
    assert_int_equal(tls_context_new_server(key_path, key_path, &c, &e),
                     STATUS_BAD_INPUT);
    assert_int_equal(tls_context_new_server(certs.ca_path, certs.ca_path, &c, &e),
                     STATUS_BAD_INPUT);
    assert_string_equal(e.where, certs.ca_path);
    assert_null(c);
    mem_fail_at(1);
    assert_int_equal(tls_context_new_server(certs.ca_path, key_path, &c, &e),
                     STATUS_NO_MEMORY);
    mem_fail_at(0);
    tls_context_free(NULL);
    tls_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(large_texts),
        cmocka_unit_test(no_tls_is_the_end),
        cmocka_unit_test(files_that_are_no_pair),
    };
    return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
