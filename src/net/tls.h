/* TLS over memory: the caller moves the bytes, so that reads stay recvmsg with a kernel
 * stamp. Names in errors never hold keys. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct tls_options {
    const char *host;    /* for SNI and the certificate's name */
    const char *ca_cert; /* PEM file, or NULL: the system's */
    bool is_insecure;    /* --insecure: nothing is checked */
};

struct tls_context; /* one a target, shared by threads once made */
struct tls;         /* one a connection */

enum tls_result { TLS_OK, TLS_AGAIN, TLS_END, TLS_ERROR };

MUST_CHECK enum status tls_context_new(const struct tls_options *o,
                                       struct tls_context **out, struct err *e);
void tls_context_free(struct tls_context *c); /* NULL is harmless */
MUST_CHECK enum status tls_new(struct tls_context *c, struct tls **out, struct err *e);
void tls_free(struct tls *t);

/* Bytes that came from the peer. */
MUST_CHECK enum status tls_feed(struct tls *t, const void *data, size_t len,
                                struct err *e);
/* Goes on with the handshake: TLS_OK when done, TLS_AGAIN when the peer's answer is
 * needed. What is to be sent is appended to out. */
enum tls_result tls_handshake(struct tls *t, struct buf *out, struct err *e);
/* Plain bytes out of what was fed; TLS_END: the peer said goodbye. */
enum tls_result tls_read(struct tls *t, void *buf, size_t room, size_t *len,
                         struct err *e);
/* Encrypts all of data and appends it to out. */
MUST_CHECK enum status tls_write(struct tls *t, const void *data, size_t len,
                                 struct buf *out, struct err *e);

#endif
