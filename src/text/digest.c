#include "text/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

enum status digest_init(struct digest *d)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        return STATUS_NO_MEMORY;
    if (EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return STATUS_UNSUPPORTED;
    }
    d->ctx = ctx;
    return STATUS_OK;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
    (void)EVP_DigestUpdate(d->ctx, data, len); /* SHA-256 in memory cannot fail */
}

void digest_hex(struct digest *d, char out[DIGEST_HEX_BYTES])
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    (void)EVP_DigestFinal_ex(d->ctx, raw, NULL);
    EVP_MD_CTX_free(d->ctx);
    d->ctx = NULL;
    for (size_t i = 0; i < DIGEST_HEX_BYTES / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

enum status digest_text(struct str text, char out[DIGEST_HEX_BYTES])
{
    struct digest d;
    enum status status = digest_init(&d);
    if (status != STATUS_OK)
        return status;
    digest_add(&d, text.ptr, text.len);
    digest_hex(&d, out);
    return STATUS_OK;
}
