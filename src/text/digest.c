#include "text/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

enum { READ_BYTES = 256 * 1024 };

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

static enum status add_fd(struct digest *d, int fd, const char *path, struct err *e)
{
    char *chunk = mem_alloc(READ_BYTES, 1);
    if (chunk == NULL)
        return status_fail(e, STATUS_NO_MEMORY, path, "out of memory");
    enum status status = STATUS_OK;
    ssize_t got = 1;
    while (got != 0 && status == STATUS_OK) {
        got = read(fd, chunk, READ_BYTES);
        if (got > 0)
            digest_add(d, chunk, (size_t)got);
        else if (got < 0 && errno != EINTR)
            status = status_errno(e, path, "cannot read");
    }
    mem_free(chunk);
    return status;
}

enum status digest_file(const char *path, char out[DIGEST_HEX_BYTES], struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return status_fail(e, STATUS_NOT_FOUND, path, "no such file");
    if (fd < 0)
        return status_errno(e, path, "cannot open");
    struct digest d = {0};
    enum status status = digest_init(&d);
    if (status != STATUS_OK)
        (void)status_fail(e, status, path, "SHA-256 is not available");
    else
        status = add_fd(&d, fd, path, e);
    (void)close(fd);
    char hex[DIGEST_HEX_BYTES] = "";
    if (d.ctx != NULL)
        digest_hex(&d, hex);
    for (size_t i = 0; status == STATUS_OK && i < sizeof hex; i++)
        out[i] = hex[i];
    return status;
}
