/* SHA-256, through OpenSSL's libcrypto. */
#ifndef TEXT_DIGEST_H
#define TEXT_DIGEST_H

#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

#define DIGEST_HEX_BYTES 65

struct digest {
    void *ctx;
};

MUST_CHECK enum status digest_init(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t len);
/* Writes 64 hex digits and a 0; frees the context. */
void digest_hex(struct digest *d, char out[DIGEST_HEX_BYTES]);
MUST_CHECK enum status digest_text(struct str text, char out[DIGEST_HEX_BYTES]);

#endif
