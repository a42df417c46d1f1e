#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/mem.h"

struct tls_context {
    SSL_CTX *ssl;
    char *host; /* of a server: its certificate's file */
    bool is_server;
    bool is_address; /* host is an IP address: no SNI, another check */
    bool is_insecure;
};

#define HEADER_BYTES 5

struct tls {
    SSL *ssl; /* owns both BIOs */
    BIO *in, *out;
    const struct tls_context *context;
    /* Of the record that is being fed: a header of 5 bytes that ends in the length. */
    unsigned header_len, length;
    size_t body_left;
};

const char *tls_verify_hint(long code)
{
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "Renew the server's certificate, or set the clock of this machine";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "Use a server name that its certificate contains";
    default:
        return "Give its CA certificate with --ca-cert FILE; --insecure disables all "
               "checks";
    }
}

/* Anywhere in OpenSSL's queue of errors: what came after it, hides it. */
static bool is_memory_gone(void)
{
    bool is_gone = false;
    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error())
        is_gone = is_gone || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    return is_gone;
}

static const char *hint_of(int reason)
{
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
        return "Does this port speak TLS? If not, write http:// instead of https://";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "The server must offer TLS 1.2 or later";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return "The server requires a client certificate, which is not supported";
    default: return "";
    }
}

/* Why the last call of OpenSSL failed, from its verification and its error queue. */
static enum status why(const struct tls *t, const char *doing, struct err *e)
{
    const char *host = t->context->host;
    long verified = SSL_get_verify_result(t->ssl);
    unsigned long code = ERR_peek_error();
    if (is_memory_gone())
        return status_no_memory(e, host);
    if (verified != X509_V_OK && !t->context->is_insecure) {
        (void)status_fail(e, STATUS_UNSUPPORTED, host,
                          "the server's certificate was refused: %s",
                          X509_verify_cert_error_string(verified));
        (void)status_hint(e, "%s", tls_verify_hint(verified));
        return STATUS_UNSUPPORTED;
    }
    const char *reason = ERR_reason_error_string(code);
    (void)status_fail(e, STATUS_UNSUPPORTED, host, "%s failed: %s", doing,
                      reason != NULL ? reason : "no reason given");
    if (ERR_GET_LIB(code) == ERR_LIB_SSL)
        (void)status_hint(e, "%s", hint_of(ERR_GET_REASON(code)));
    return STATUS_UNSUPPORTED;
}

static enum status load_roots(SSL_CTX *ssl, const char *ca_cert, struct err *e)
{
    if (ca_cert == NULL) {
        (void)SSL_CTX_set_default_verify_paths(ssl); /* none: every check fails, later */
        return STATUS_OK;
    }
    if (!file_exists(ca_cert))
        return status_fail(e, STATUS_NOT_FOUND, ca_cert, "no such file (--ca-cert)");
    if (file_check(ca_cert, e) != STATUS_OK)
        return e->code;
    if (SSL_CTX_load_verify_locations(ssl, ca_cert, NULL) == 1)
        return STATUS_OK;
    if (is_memory_gone())
        return status_no_memory(e, ca_cert);
    (void)status_fail(e, STATUS_BAD_INPUT, ca_cert, "holds no certificate (--ca-cert)");
    (void)status_hint(e, "It must be PEM: -----BEGIN CERTIFICATE-----");
    return STATUS_BAD_INPUT;
}

static enum status set_up(struct tls_context *c, const struct tls_options *o,
                          struct err *e)
{
    static const unsigned char alpn[] = "\x08http/1.1";
    unsigned char binary[16];
    c->is_insecure = o->is_insecure;
    c->is_address = inet_pton(AF_INET, o->host, binary) == 1 ||
                    inet_pton(AF_INET6, o->host, binary) == 1;
    c->host = mem_strdup(o->host);
    c->ssl = c->host != NULL ? SSL_CTX_new(TLS_client_method()) : NULL;
    if (c->ssl == NULL)
        return status_no_memory(e, o->host);
    (void)SSL_CTX_set_options(c->ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(c->ssl, o->is_insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_alpn_protos(c->ssl, alpn, sizeof alpn - 1) != 0)
        return status_no_memory(e, o->host);
    return o->is_insecure ? STATUS_OK : load_roots(c->ssl, o->ca_cert, e);
}

/* Hands out a context that was set up, or drops it. */
static enum status finished(struct tls_context *c, enum status status,
                            struct tls_context **out)
{
    if (status == STATUS_OK)
        *out = c;
    else
        tls_context_free(c);
    return status;
}

enum status tls_context_new(const struct tls_options *o, struct tls_context **out,
                            struct err *e)
{
    struct tls_context *c = mem_alloc(1, sizeof *c);
    ERR_clear_error();
    return finished(c, c != NULL ? set_up(c, o, e) : status_no_memory(e, o->host), out);
}

static enum status refuse_file(const char *path, const char *what, struct err *e)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    (void)status_fail(e, STATUS_BAD_INPUT, path, "%s: %s", what,
                      reason != NULL ? reason : "no reason given");
    ERR_clear_error();
    return status_hint(e, "Make a pair e.g. with openssl req -x509 -newkey rsa:2048 "
                          "-nodes -keyout key.pem -out cert.pem -subj /CN=localhost");
}

static enum status set_up_server(struct tls_context *c, const char *cert_path,
                                 const char *key_path, struct err *e)
{
    c->is_server = true;
    if (file_check(cert_path, e) != STATUS_OK || file_check(key_path, e) != STATUS_OK)
        return e->code;
    c->host = mem_strdup(cert_path);
    c->ssl = c->host != NULL ? SSL_CTX_new(TLS_server_method()) : NULL;
    if (c->ssl == NULL)
        return status_no_memory(e, cert_path);
    (void)SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION) != 1)
        return refuse_file(cert_path, "TLS 1.2 is not available", e);
    if (SSL_CTX_use_certificate_chain_file(c->ssl, cert_path) != 1)
        return refuse_file(cert_path, "not a PEM certificate", e);
    if (SSL_CTX_use_PrivateKey_file(c->ssl, key_path, SSL_FILETYPE_PEM) != 1)
        return refuse_file(key_path, "not a PEM key that matches the certificate", e);
    return STATUS_OK;
}

enum status tls_context_new_server(const char *cert_path, const char *key_path,
                                   struct tls_context **out, struct err *e)
{
    struct tls_context *c = mem_alloc(1, sizeof *c);
    ERR_clear_error();
    return finished(c,
                    c != NULL ? set_up_server(c, cert_path, key_path, e)
                              : status_no_memory(e, cert_path),
                    out);
}

void tls_context_free(struct tls_context *c)
{
    if (c == NULL)
        return;
    SSL_CTX_free(c->ssl);
    mem_free(c->host);
    mem_free(c);
}

/* Whom the certificate has to name, and the name asked for. */
static bool name_peer(SSL *ssl, const struct tls_context *c)
{
    X509_VERIFY_PARAM *check = SSL_get0_param(ssl);
    if (c->is_server)
        return true;
    if (c->is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(check, c->host) == 1;
    X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, c->host) == 1 &&
           X509_VERIFY_PARAM_set1_host(check, c->host, 0) == 1;
}

enum status tls_new(struct tls_context *c, struct tls **out, struct err *e)
{
    struct tls *t = mem_alloc(1, sizeof *t);
    if (t == NULL)
        return status_no_memory(e, c->host);
    ERR_clear_error();
    t->context = c;
    t->ssl = SSL_new(c->ssl);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (t->ssl == NULL || t->in == NULL || t->out == NULL || !name_peer(t->ssl, c)) {
        BIO_free(t->in);
        BIO_free(t->out);
        tls_free(t);
        return status_no_memory(e, c->host);
    }
    SSL_set_bio(t->ssl, t->in, t->out);
    if (c->is_server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    *out = t;
    return STATUS_OK;
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    mem_free(t);
}

/* Follows the frames of the records, which OpenSSL keeps to itself. */
static void follow(struct tls *t, const unsigned char *data, size_t len)
{
    while (len > 0) {
        size_t now = 1;
        if (t->header_len < HEADER_BYTES) {
            t->length = (t->length << 8 | *data) & 0xffff;
            if (++t->header_len == HEADER_BYTES)
                t->body_left = t->length;
        } else {
            now = len < t->body_left ? len : t->body_left;
            t->body_left -= now;
        }
        if (t->header_len == HEADER_BYTES && t->body_left == 0)
            t->header_len = 0;
        data += now;
        len -= now;
    }
}

enum status tls_feed(struct tls *t, const void *data, size_t len, struct err *e)
{
    size_t taken = 0;
    follow(t, data, len);
    if (len == 0 || (BIO_write_ex(t->in, data, len, &taken) == 1 && taken == len))
        return STATUS_OK;
    return status_no_memory(e, t->context->host);
}

struct str tls_pending(struct tls *t)
{
    char *data = NULL;
    long len = BIO_get_mem_data(t->out, &data);
    return (struct str){.ptr = data, .len = len > 0 ? (size_t)len : 0};
}

void tls_sent(struct tls *t)
{
    (void)BIO_reset(t->out);
}

/* Appends what OpenSSL has to say to the peer; out NULL: it stays pending. */
static enum status drain(struct tls *t, struct buf *out, struct err *e)
{
    if (out == NULL)
        return STATUS_OK;
    struct str pending = tls_pending(t);
    enum status status = STATUS_OK;
    if (pending.len > 0)
        status = buf_append(out, pending.ptr, pending.len);
    tls_sent(t);
    if (status == STATUS_OK)
        return STATUS_OK;
    return status_fail(e, status, t->context->host, "the send buffer is full");
}

enum tls_result tls_handshake(struct tls *t, struct buf *out, struct err *e)
{
    ERR_clear_error();
    int code = SSL_do_handshake(t->ssl);
    int reason = SSL_get_error(t->ssl, code);
    bool is_over = code != 1 && reason != SSL_ERROR_WANT_READ;
    if (is_over)
        (void)why(t, "the TLS handshake", e);
    if (drain(t, out, is_over ? NULL : e) != STATUS_OK || is_over)
        return TLS_ERROR;
    return code == 1 ? TLS_OK : TLS_AGAIN;
}

enum tls_result tls_read(struct tls *t, void *buf, size_t room, size_t *len,
                         struct err *e)
{
    *len = 0;
    ERR_clear_error();
    int code = SSL_read_ex(t->ssl, buf, room, len);
    if (code == 1)
        return TLS_OK;
    switch (SSL_get_error(t->ssl, code)) {
    case SSL_ERROR_WANT_READ: return TLS_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return TLS_END;
    default: (void)why(t, "reading over TLS", e); return TLS_ERROR;
    }
}

bool tls_is_cut(const struct tls *t)
{
    return t->header_len > 0;
}

enum status tls_write(struct tls *t, const void *data, size_t len, struct buf *out,
                      struct err *e)
{
    size_t taken = 0;
    ERR_clear_error();
    if (len > 0 && SSL_write_ex(t->ssl, data, len, &taken) != 1)
        return why(t, "writing over TLS", e);
    return drain(t, out, e);
}

void tls_end(struct tls *t)
{
    ERR_clear_error();
    if (SSL_is_init_finished(t->ssl))
        (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}
