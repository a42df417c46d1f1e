#include "cert_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static EVP_PKEY *make_key(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    assert_int_equal(EVP_PKEY_keygen_init(make), 1);
    assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(make, NID_X9_62_prime256v1),
                     1);
    assert_int_equal(EVP_PKEY_keygen(make, &key), 1);
    EVP_PKEY_CTX_free(make);
    return key;
}

static void add_extension(X509 *c, int nid, const char *value)
{
    X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(x);
    assert_int_equal(X509_add_ext(c, x, -1), 1);
    X509_EXTENSION_free(x);
}

/* names NULL: an authority. issuer NULL: itself. */
static X509 *make_cert(struct cert_fixture *f, const char *subject, const char *names,
                       X509 *issuer, const long span_s[2])
{
    static long serial = 1;
    X509 *c = X509_new();
    assert_non_null(c);
    (void)X509_set_version(c, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
    (void)X509_gmtime_adj(X509_getm_notBefore(c), span_s[0]);
    (void)X509_gmtime_adj(X509_getm_notAfter(c), span_s[1]);
    X509_NAME *name = X509_get_subject_name(c);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                     (const unsigned char *)subject, -1, -1, 0);
    (void)X509_set_issuer_name(c, issuer != NULL ? X509_get_subject_name(issuer) : name);
    (void)X509_set_pubkey(c, f->key);
    add_extension(c, NID_basic_constraints,
                  names == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    if (names != NULL)
        add_extension(c, NID_subject_alt_name, names);
    assert_true(X509_sign(c, f->key, EVP_sha256()) > 0);
    return c;
}

void cert_fixture_init(struct cert_fixture *f)
{
    const long span_s[2] = {-86400, 86400};
    f->key = make_key();
    f->ca = make_cert(f, "inferbench test authority", NULL, NULL, span_s);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/inferbench-cert.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->ca_path, sizeof f->ca_path, "%s/ca.pem", f->folder);
    FILE *file = fopen(f->ca_path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, f->ca), 1);
    assert_int_equal(fclose(file), 0);
}

void cert_fixture_fini(struct cert_fixture *f)
{
    X509_free(f->ca);
    EVP_PKEY_free(f->key);
    (void)unlink(f->ca_path);
    (void)rmdir(f->folder);
}

SSL_CTX *cert_fixture_server(struct cert_fixture *f, const char *names, long from_s,
                             long to_s)
{
    const long span_s[2] = {from_s, to_s};
    X509 *c = make_cert(f, "inferbench test server", names, f->ca, span_s);
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    assert_non_null(server);
    assert_int_equal(SSL_CTX_use_certificate(server, c), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server, f->key), 1);
    X509_free(c);
    return server;
}
