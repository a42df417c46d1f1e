/* TLS on the server's side, over memory: the caller moves the bytes. It shares nothing
 * with the client's (net/tls.h). */
#ifndef SERVE_SECURE_H
#define SERVE_SECURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

struct secure_context; /* certificate and key */
struct secure;         /* one connection */

enum secure_result {
    SECURE_OK,
    SECURE_AGAIN, /* bytes of the peer are needed */
    SECURE_END    /* the peer said goodbye, or breaks the rules */
};

/* Certificate chain and key, PEM files. STATUS_BAD_INPUT: not that, or not a pair. */
MUST_CHECK enum status secure_context_new(const char *cert_path, const char *key_path,
                                          struct secure_context **out, struct err *e);
void secure_context_free(struct secure_context *c);  /* NULL is harmless */
struct secure *secure_new(struct secure_context *c); /* NULL: no memory */
void secure_free(struct secure *s);                  /* NULL is harmless */

/* Bytes that came from the peer; false: no memory. */
MUST_CHECK bool secure_feed(struct secure *s, struct str bytes);
/* Plain bytes out of what was fed; the handshake goes on by itself. */
enum secure_result secure_read(struct secure *s, void *buf, size_t room, size_t *len);
/* Encrypts; false: not possible (before the handshake is over, after its end). */
MUST_CHECK bool secure_write(struct secure *s, struct str bytes);
/* The goodbye of an orderly end. */
void secure_end(struct secure *s);
/* What is to be sent; valid until the next call but secure_sent, which forgets it. */
struct str secure_pending(struct secure *s);
void secure_sent(struct secure *s);

#endif
