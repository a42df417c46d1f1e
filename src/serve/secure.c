#include "serve/secure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/mem.h"

/* Both hold one pointer of OpenSSL's, which is all their state. */
struct secure_context {
    SSL_CTX *ctx;
};

struct secure {
    SSL *ssl; /* owns both BIOs */
    BIO *in, *out;
};

/* The first reason in OpenSSL's queue, which is emptied. */
static enum status fail(const char *path, const char *what, struct err *e)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    (void)status_fail(e, STATUS_BAD_INPUT, path, "%s: %s", what,
                      reason != NULL ? reason : "no reason given");
    return status_hint(e, "Make a pair e.g. with openssl req -x509 -newkey rsa:2048 "
                          "-nodes -keyout key.pem -out cert.pem -subj /CN=localhost");
}

static enum status load(SSL_CTX *ctx, const char *cert_path, const char *key_path,
                        struct err *e)
{
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
        return fail(cert_path, "TLS 1.2 is not to be had", e);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1)
        return fail(cert_path, "no certificate in PEM", e);
    if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
        return fail(key_path, "no key in PEM that fits the certificate", e);
    return STATUS_OK;
}

enum status secure_context_new(const char *cert_path, const char *key_path,
                               struct secure_context **out, struct err *e)
{
    struct secure_context *c = mem_alloc(1, sizeof *c);
    ERR_clear_error();
    if (c != NULL)
        c->ctx = SSL_CTX_new(TLS_server_method());
    enum status st = c != NULL && c->ctx != NULL
                         ? load(c->ctx, cert_path, key_path, e)
                         : status_fail(e, STATUS_NO_MEMORY, cert_path, "no memory");
    if (st == STATUS_OK)
        *out = c;
    else
        secure_context_free(c);
    return st;
}

void secure_context_free(struct secure_context *c)
{
    if (c == NULL)
        return;
    SSL_CTX_free(c->ctx);
    mem_free(c);
}

struct secure *secure_new(struct secure_context *c)
{
    struct secure *s = mem_alloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->ssl = SSL_new(c->ctx);
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    if (s->ssl == NULL || s->in == NULL || s->out == NULL) {
        BIO_free(s->in);
        BIO_free(s->out);
        secure_free(s);
        return NULL;
    }
    SSL_set_bio(s->ssl, s->in, s->out);
    SSL_set_accept_state(s->ssl);
    (void)SSL_set_mode(s->ssl, SSL_MODE_RELEASE_BUFFERS);
    return s;
}

void secure_free(struct secure *s)
{
    if (s == NULL)
        return;
    SSL_free(s->ssl);
    mem_free(s);
}

bool secure_feed(struct secure *s, struct str bytes)
{
    size_t taken = 0;
    return bytes.len == 0 ||
           (BIO_write_ex(s->in, bytes.ptr, bytes.len, &taken) == 1 && taken == bytes.len);
}

enum secure_result secure_read(struct secure *s, void *buf, size_t room, size_t *len)
{
    *len = 0;
    ERR_clear_error();
    int code = SSL_read_ex(s->ssl, buf, room, len);
    if (code == 1)
        return SECURE_OK;
    bool is_waiting = SSL_get_error(s->ssl, code) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return is_waiting ? SECURE_AGAIN : SECURE_END;
}

bool secure_write(struct secure *s, struct str bytes)
{
    size_t taken = 0;
    ERR_clear_error();
    return bytes.len == 0 || (SSL_write_ex(s->ssl, bytes.ptr, bytes.len, &taken) == 1 &&
                              taken == bytes.len);
}

void secure_end(struct secure *s)
{
    ERR_clear_error();
    if (SSL_is_init_finished(s->ssl))
        (void)SSL_shutdown(s->ssl);
    ERR_clear_error();
}

struct str secure_pending(struct secure *s)
{
    char *data = NULL;
    long len = BIO_get_mem_data(s->out, &data);
    return (struct str){.ptr = data, .len = len > 0 ? (size_t)len : 0};
}

void secure_sent(struct secure *s)
{
    (void)BIO_reset(s->out);
}
