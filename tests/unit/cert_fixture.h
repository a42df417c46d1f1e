/* Certificates made on the spot, and servers that show them. */
#ifndef TESTS_CERT_FIXTURE_H
#define TESTS_CERT_FIXTURE_H

#include <openssl/ssl.h>

struct cert_fixture {
    EVP_PKEY *key; /* of the authority and of the servers */
    X509 *ca;
    char folder[64];
    char ca_path[96]; /* the authority's certificate, PEM */
};

void cert_fixture_init(struct cert_fixture *f);
void cert_fixture_fini(struct cert_fixture *f);
/* A server with a certificate of the authority for `names` ("DNS:a.example,IP:::1"),
 * valid from and to, in seconds from now. The caller frees it. */
SSL_CTX *cert_fixture_server(struct cert_fixture *f, const char *names, long from_s,
                             long to_s);

#endif
