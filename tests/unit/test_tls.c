#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "net/tls.h"

#define CAP        ((size_t)1 << 22)
#define HOUR_S     3600L
#define BOTH_NAMES "DNS:a.example,IP:127.0.0.1,IP:::1"

/* A client of ours and a server of OpenSSL's, with nothing between them but memory. */
struct wire {
    struct tls_context *context;
    struct tls *client;
    SSL_CTX *server_ctx;
    SSL *server;
    BIO *to_server, *from_server;
    struct buf sent; /* by the client, on its way */
    size_t piece;    /* bytes that arrive at once */
    char asked[64];  /* SNI */
    struct err e;
};

static int note_name(SSL *ssl, int *alert, void *arg)
{
    struct wire *w = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    (void)snprintf(w->asked, sizeof w->asked, "%s", name != NULL ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned int len, void *arg)
{
    (void)ssl, (void)arg;
    assert_int_equal(len, 9);
    assert_memory_equal(in, "\x08http/1.1", 9);
    *out = in + 1;
    *out_len = 8;
    return SSL_TLSEXT_ERR_OK;
}

static void wire_open(struct wire *w, SSL_CTX *server_ctx, const struct tls_options *o)
{
    *w = (struct wire){.server_ctx = server_ctx, .piece = 1 << 20};
    assert_int_equal(tls_context_new(o, &w->context, &w->e), STATUS_OK);
    assert_int_equal(tls_new(w->context, &w->client, &w->e), STATUS_OK);
    SSL_CTX_set_tlsext_servername_callback(server_ctx, note_name);
    SSL_CTX_set_tlsext_servername_arg(server_ctx, w);
    SSL_CTX_set_alpn_select_cb(server_ctx, choose_protocol, NULL);
    w->server = SSL_new(server_ctx);
    w->to_server = BIO_new(BIO_s_mem());
    w->from_server = BIO_new(BIO_s_mem());
    SSL_set_bio(w->server, w->to_server, w->from_server);
    SSL_set_accept_state(w->server);
    buf_init(&w->sent, CAP);
}

static void wire_close(struct wire *w)
{
    SSL_free(w->server);
    SSL_CTX_free(w->server_ctx);
    tls_free(w->client);
    tls_context_free(w->context);
    buf_fini(&w->sent);
    ERR_clear_error();
}

/* One piece each way. False when nothing moved. */
static bool move(struct wire *w)
{
    char piece[4096];
    size_t len = w->piece < sizeof piece ? w->piece : sizeof piece;
    size_t out = len < w->sent.len ? len : w->sent.len;
    if (out > 0) {
        assert_int_equal(BIO_write(w->to_server, w->sent.data, (int)out), (int)out);
        buf_drop_front(&w->sent, out);
    }
    int in = BIO_read(w->from_server, piece, (int)len);
    if (in > 0)
        assert_int_equal(tls_feed(w->client, piece, (size_t)in, NULL), STATUS_OK);
    return out > 0 || in > 0;
}

static enum tls_result shake(struct wire *w)
{
    enum tls_result result = TLS_AGAIN;
    bool is_server_done = false;
    while (result == TLS_AGAIN || (result == TLS_OK && !is_server_done)) {
        if (result == TLS_AGAIN)
            result = tls_handshake(w->client, &w->sent, &w->e);
        is_server_done = is_server_done || SSL_do_handshake(w->server) == 1;
        if (result != TLS_ERROR && !move(w) && !is_server_done)
            fail_msg("the handshake stands still");
    }
    while (move(w))
        ;
    return result;
}

/* Text of the size, other letters at each place. */
static char *sample(size_t len)
{
    char *text = mem_alloc(len + 1, 1);
    assert_non_null(text);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i % 23);
    return text;
}

static void talk(struct wire *w, size_t len)
{
    char *text = sample(len), *back = mem_alloc(len + 1, 1);
    size_t got = 0, part = 0;
    assert_int_equal(tls_write(w->client, text, len, &w->sent, &w->e), STATUS_OK);
    assert_true(w->sent.len > len);
    while (got < len)
        if (SSL_read_ex(w->server, back + got, len - got, &part) == 1)
            got += part;
        else
            assert_true(move(w));
    assert_memory_equal(back, text, len);
    memset(back, 0, len);
    assert_int_equal(SSL_write_ex(w->server, text, len, &part), 1);
    for (got = 0; got < len;) {
        enum tls_result result = tls_read(w->client, back + got, len - got, &part, &w->e);
        assert_true(result == TLS_OK || result == TLS_AGAIN);
        assert_int_equal(part > 0, result == TLS_OK);
        got += part;
        if (result == TLS_AGAIN)
            assert_true(move(w));
    }
    assert_memory_equal(back, text, len);
    assert_int_equal(tls_read(w->client, back, 1, &part, &w->e), TLS_AGAIN);
    mem_free(text);
    mem_free(back);
}

static void talking_in_pieces(void **state)
{
    struct cert_fixture *f = *state;
    const struct tls_options o = {.host = "a.example", .ca_cert = f->ca_path};
    const size_t pieces[] = {1 << 20, 1, 7};
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 6; i++) {
        struct wire w;
        wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
        (void)SSL_set_max_proto_version(w.server, versions[i % 2]);
        w.piece = pieces[i / 2];
        if (shake(&w) != TLS_OK)
            fail_msg("%s", w.e.what);
        assert_int_equal(SSL_version(w.server), versions[i % 2]);
        assert_string_equal(w.asked, "a.example");
        const unsigned char *protocol;
        unsigned len;
        SSL_get0_alpn_selected(w.server, &protocol, &len);
        assert_int_equal(len, 8);
        talk(&w, 1);
        talk(&w, 2000);
        talk(&w, 100000); /* several records */
        assert_int_equal(tls_write(w.client, "", 0, &w.sent, &w.e), STATUS_OK);
        assert_int_equal(tls_feed(w.client, "", 0, &w.e), STATUS_OK);
        char c;
        size_t part;
        (void)SSL_shutdown(w.server);
        while (move(&w))
            ;
        assert_int_equal(tls_read(w.client, &c, 1, &part, &w.e), TLS_END);
        wire_close(&w);
    }
}

/* A stamp is that of the last bytes: whether a record is still open decides about it. */
static void half_a_record(void **state)
{
    struct cert_fixture *f = *state;
    const struct tls_options o = {.host = "a.example", .ca_cert = f->ca_path};
    struct wire w;
    char record[512], plain[64];
    size_t got, len;
    wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
    w.piece = 1 << 20;
    assert_int_equal(shake(&w), TLS_OK);
    while (tls_read(w.client, plain, sizeof plain, &got, &w.e) == TLS_OK)
        ;
    while (BIO_read(SSL_get_wbio(w.server), record, sizeof record) > 0)
        ;
    assert_int_equal(SSL_write(w.server, "hello", 5), 5);
    int all = BIO_read(SSL_get_wbio(w.server), record, sizeof record);
    assert_true(all > 5);
    for (len = 1; len < (size_t)all; len++) {
        assert_int_equal(tls_feed(w.client, record + len - 1, 1, &w.e), STATUS_OK);
        assert_int_equal(tls_read(w.client, plain, sizeof plain, &got, &w.e), TLS_AGAIN);
        assert_true(tls_is_cut(w.client));
    }
    assert_int_equal(tls_feed(w.client, record + len - 1, 1, &w.e), STATUS_OK);
    assert_int_equal(tls_read(w.client, plain, sizeof plain, &got, &w.e), TLS_OK);
    assert_int_equal(got, 5);
    assert_int_equal(tls_read(w.client, plain, sizeof plain, &got, &w.e), TLS_AGAIN);
    assert_false(tls_is_cut(w.client));
    wire_close(&w);
}

/* A peer that wants new keys is answered before the next data. */
static void new_keys(void **state)
{
    struct cert_fixture *f = *state;
    const struct tls_options o = {.host = "a.example", .ca_cert = f->ca_path};
    struct wire w;
    wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
    assert_int_equal(shake(&w), TLS_OK);
    if (SSL_version(w.server) == TLS1_3_VERSION)
        assert_int_equal(SSL_key_update(w.server, SSL_KEY_UPDATE_REQUESTED), 1);
    talk(&w, 100);
    talk(&w, 100);
    wire_close(&w);
}

static void addresses_are_checked_as_such(void **state)
{
    struct cert_fixture *f = *state;
    const char *const hosts[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < 2; i++) {
        const struct tls_options o = {.host = hosts[i], .ca_cert = f->ca_path};
        struct wire w;
        wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
        if (shake(&w) != TLS_OK)
            fail_msg("%s", w.e.what);
        assert_string_equal(w.asked, "");
        wire_close(&w);
    }
}

struct refusal {
    const char *host, *names;
    long from_s, to_s;
    bool has_ca;
    const char *what, *hint;
};

static const struct refusal refusals[] = {
    {"a.example", BOTH_NAMES, -HOUR_S, HOUR_S, false, "issuer", "--ca-cert"},
    {"a.example", BOTH_NAMES, -2 * HOUR_S, -HOUR_S, true, "expired", "clock"},
    {"a.example", BOTH_NAMES, HOUR_S, 2 * HOUR_S, true, "not yet valid", "clock"},
    {"b.example", BOTH_NAMES, -HOUR_S, HOUR_S, true, "ostname mismatch", "name that"},
    {"127.0.0.2", BOTH_NAMES, -HOUR_S, HOUR_S, true, "IP address mismatch", "name that"},
    {"127.0.0.1", "DNS:127.0.0.1", -HOUR_S, HOUR_S, true, "mismatch", "name that"},
    {"a.b.example", "DNS:*.example", -HOUR_S, HOUR_S, true, "mismatch", "name that"},
};

static void certificates_that_are_refused(void **state)
{
    struct cert_fixture *f = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        const struct tls_options o = {.host = r->host,
                                      .ca_cert = r->has_ca ? f->ca_path : NULL};
        struct wire w;
        wire_open(&w, cert_fixture_server(f, r->names, r->from_s, r->to_s), &o);
        assert_int_equal(shake(&w), TLS_ERROR);
        assert_int_equal(w.e.code, STATUS_UNSUPPORTED);
        assert_string_equal(w.e.where, r->host);
        if (strstr(w.e.what, r->what) == NULL || strstr(w.e.hint, r->hint) == NULL)
            fail_msg("%zu: %s. %s", i, w.e.what, w.e.hint);
        wire_close(&w);
        /* the same, unchecked */
        const struct tls_options any = {.host = r->host, .is_insecure = true};
        wire_open(&w, cert_fixture_server(f, r->names, r->from_s, r->to_s), &any);
        assert_int_equal(shake(&w), TLS_OK);
        talk(&w, 10);
        wire_close(&w);
    }
}

/* The alert of the refusal reaches the server. */
static void the_server_is_told(void **state)
{
    struct cert_fixture *f = *state;
    const struct tls_options o = {.host = "b.example", .ca_cert = f->ca_path};
    struct wire w;
    wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
    assert_int_equal(shake(&w), TLS_ERROR);
    ERR_clear_error();
    char c;
    size_t part;
    assert_int_equal(SSL_read_ex(w.server, &c, 1, &part), 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
    assert_int_equal(tls_handshake(w.client, &w.sent, &w.e), TLS_ERROR);
    wire_close(&w);
}

static void what_is_no_tls(void **state)
{
    struct cert_fixture *f = *state;
    const struct tls_options o = {.host = "a.example", .ca_cert = f->ca_path};
    const char *plain = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct wire w;
    wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
    assert_int_equal(tls_handshake(w.client, &w.sent, &w.e), TLS_AGAIN);
    assert_int_equal(tls_feed(w.client, plain, strlen(plain), &w.e), STATUS_OK);
    assert_int_equal(tls_handshake(w.client, &w.sent, &w.e), TLS_ERROR);
    assert_int_equal(w.e.code, STATUS_UNSUPPORTED);
    assert_non_null(strstr(w.e.hint, "http://"));
    wire_close(&w);
}

static void an_old_server(void **state)
{
    struct cert_fixture *f = *state;
    const struct tls_options o = {.host = "a.example", .ca_cert = f->ca_path};
    struct wire w;
    wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
    (void)SSL_set_min_proto_version(w.server, TLS1_VERSION);
    (void)SSL_set_max_proto_version(w.server, TLS1_1_VERSION);
    while (tls_handshake(w.client, &w.sent, &w.e) == TLS_AGAIN) {
        (void)SSL_do_handshake(w.server);
        assert_true(move(&w));
    }
    assert_int_equal(w.e.code, STATUS_UNSUPPORTED);
    assert_non_null(strstr(w.e.hint, "TLS 1.2"));
    wire_close(&w);
}

/* A byte changed on the way. */
static void a_broken_record(void **state)
{
    struct cert_fixture *f = *state;
    const struct tls_options o = {.host = "a.example", .ca_cert = f->ca_path};
    struct wire w;
    char record[200], text[64];
    size_t part = 0;
    wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
    assert_int_equal(shake(&w), TLS_OK);
    assert_int_equal(SSL_write_ex(w.server, "secret words", 12, &part), 1);
    int len = BIO_read(w.from_server, record, sizeof record);
    assert_in_range(len, 20, sizeof record - 1);
    record[len - 1] = (char)(record[len - 1] ^ 1);
    assert_int_equal(tls_feed(w.client, record, (size_t)len, &w.e), STATUS_OK);
    assert_int_equal(tls_read(w.client, text, sizeof text, &part, &w.e), TLS_ERROR);
    assert_int_equal(part, 0);
    assert_int_equal(w.e.code, STATUS_UNSUPPORTED);
    assert_non_null(strstr(w.e.what, "reading"));
    wire_close(&w);
}

static void files_that_hold_no_certificate(void **state)
{
    struct cert_fixture *f = *state;
    char path[128];
    struct err e;
    struct tls_context *c = NULL;
    struct tls_options o = {.host = "a.example", .ca_cert = path};
    (void)snprintf(path, sizeof path, "%s/none.pem", f->folder);
    assert_int_equal(tls_context_new(&o, &c, &e), STATUS_NOT_FOUND);
    assert_string_equal(e.where, path);
    FILE *file = fopen(path, "w");
    assert_true(fputs("no certificate\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(tls_context_new(&o, &c, &e), STATUS_BAD_INPUT);
    assert_non_null(strstr(e.hint, "PEM"));
    assert_null(c);
    (void)unlink(path);
}

static void a_full_buffer(void **state)
{
    struct cert_fixture *f = *state;
    const struct tls_options o = {.host = "a.example", .ca_cert = f->ca_path};
    struct wire w;
    wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
    struct buf small;
    buf_init(&small, 10);
    assert_int_equal(tls_handshake(w.client, &small, &w.e), TLS_ERROR);
    assert_int_equal(w.e.code, STATUS_TOO_BIG);
    wire_close(&w);
    wire_open(&w, cert_fixture_server(f, BOTH_NAMES, -HOUR_S, HOUR_S), &o);
    assert_int_equal(shake(&w), TLS_OK);
    buf_clear(&small);
    assert_int_equal(tls_write(w.client, "hello", 5, &small, &w.e), STATUS_TOO_BIG);
    buf_fini(&small);
    wire_close(&w);
}

static void no_memory_is_clean(void **state)
{
    struct cert_fixture *f = *state;
    const struct tls_options o = {.host = "a.example", .ca_cert = f->ca_path};
    enum status status = STATUS_NO_MEMORY;
    long nth = 1;
    for (; status != STATUS_OK; nth++) {
        struct tls_context *c = NULL;
        struct tls *t = NULL;
        struct err e;
        mem_fail_at(nth);
        status = tls_context_new(&o, &c, &e);
        if (status == STATUS_OK)
            status = tls_new(c, &t, &e);
        mem_fail_at(0);
        /* some readers of OpenSSL give up without a word of memory */
        if (status != STATUS_OK && status != STATUS_NO_MEMORY)
            assert_int_equal(status, STATUS_BAD_INPUT);
        tls_free(t);
        tls_context_free(c);
        assert_true(nth < 100000);
    }
    assert_true(nth > 3);
}

static int set_up(void **state)
{
    static struct cert_fixture f;
    cert_fixture_init(&f);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    cert_fixture_fini(*state);
    return 0;
}

/* OpenSSL's memory comes through the seam too. */
static void *seam_alloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return mem_alloc(1, size);
}

static void *seam_resize(void *block, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return mem_resize(block, 1, size);
}

static void seam_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    mem_free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talking_in_pieces),
        cmocka_unit_test(half_a_record),
        cmocka_unit_test(new_keys),
        cmocka_unit_test(addresses_are_checked_as_such),
        cmocka_unit_test(certificates_that_are_refused),
        cmocka_unit_test(the_server_is_told),
        cmocka_unit_test(what_is_no_tls),
        cmocka_unit_test(an_old_server),
        cmocka_unit_test(a_broken_record),
        cmocka_unit_test(files_that_hold_no_certificate),
        cmocka_unit_test(a_full_buffer),
        cmocka_unit_test(no_memory_is_clean),
    };
    if (CRYPTO_set_mem_functions(seam_alloc, seam_resize, seam_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
