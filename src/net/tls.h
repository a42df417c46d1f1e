/* TLS over memory, on either side: the caller moves the bytes, so that reads stay recvmsg
 * with a kernel stamp. Names in errors never hold keys. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

struct tls_options {
    const char *host;    /* for SNI and the certificate's name */
    const char *ca_cert; /* PEM file, or NULL: the system's */
    bool is_insecure;    /* --insecure: nothing is checked */
};

struct tls_context; /* one a target, shared by threads once made */
struct tls;         /* one a connection */

/* AGAIN: bytes of the peer are needed. After TLS_ERROR a connection can only be freed. */
enum tls_result { TLS_OK, TLS_AGAIN, TLS_END, TLS_ERROR };

/* TLS 1.2 or later, ALPN http/1.1. STATUS_NOT_FOUND and STATUS_BAD_INPUT: ca_cert. */
MUST_CHECK enum status tls_context_new(const struct tls_options *o,
                                       struct tls_context **out, struct err *e);
/* Of a server: certificate chain and key, PEM files. STATUS_BAD_INPUT: not that, or not a
 * pair. */
MUST_CHECK enum status tls_context_new_server(const char *cert_path, const char *key_path,
                                              struct tls_context **out, struct err *e);
void tls_context_free(struct tls_context *c); /* NULL is harmless; after its tls */
MUST_CHECK enum status tls_new(struct tls_context *c, struct tls **out, struct err *e);
void tls_free(struct tls *t); /* NULL is harmless */

/* Bytes that came from the peer. */
MUST_CHECK enum status tls_feed(struct tls *t, const void *data, size_t len,
                                struct err *e);
/* Goes on with the handshake: TLS_OK when done, TLS_AGAIN when the peer's answer is
 * needed. What is to be sent is appended to out, after TLS_ERROR too (the alert).
 * STATUS_UNSUPPORTED: no TLS with this peer; what says which check failed. */
enum tls_result tls_handshake(struct tls *t, struct buf *out, struct err *e);
/* Plain bytes out of what was fed, a record at most: to be called until TLS_AGAIN, or
 * TLS_END: the peer said goodbye. room > 0. A handshake goes on by itself. */
enum tls_result tls_read(struct tls *t, void *buf, size_t room, size_t *len,
                         struct err *e);
/* Part of a record was fed whose rest is still to come. */
bool tls_is_cut(const struct tls *t);
/* Encrypts all of data and appends it to out; out NULL: it is tls_pending. An error
 * before the handshake is over. */
MUST_CHECK enum status tls_write(struct tls *t, const void *data, size_t len,
                                 struct buf *out, struct err *e);
/* The goodbye of an orderly end, tls_pending. */
void tls_end(struct tls *t);
/* What is to be sent; valid until the next call but tls_sent, which forgets it. */
struct str tls_pending(struct tls *t);
void tls_sent(struct tls *t);
/* What to do about a certificate that was refused; code: an X509_V_ERR of OpenSSL, 0 if
 * unknown. */
const char *tls_verify_hint(long code);

#endif
