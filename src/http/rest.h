/* HTTP for everything that is not load, over libcurl: readiness, models, metrics, MLflow.
 * The environment's proxies are used, but never for loopback and link-local addresses.
 * Redirections are not followed: they could take a key elsewhere. */
#ifndef HTTP_REST_H
#define HTTP_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/opt.h"
#include "base/status.h"
#include "base/str.h"

#define REST_HEADERS_BYTES 2048

struct rest_options {
    const char *unix_path;       /* or NULL */
    const char *ca_cert;         /* or NULL: the system's */
    const char *bearer;          /* API key or token, or NULL; never logged */
    const char *user, *password; /* basic auth, or NULL */
    const char *client_cert;     /* PEM with key, or NULL */
    const char *trust_hint;      /* literal: instead of "--ca-cert", or NULL */
    bool is_insecure;
    bool is_direct;   /* never through a proxy */
    bool closes_each; /* each call has a connection of its own, which ends with the call
                         however that ends; else connections are kept */
    struct opt_strings headers; /* "Name: value" */
    double timeout_s;           /* of a whole call; INFINITY: none */
    int64_t body_cap_bytes;     /* of an answer; the cap of its buffer holds too */
};

struct rest; /* one thread at a time */

struct rest_call {
    const char *method; /* "GET", "POST", "PUT" */
    const char *url;
    const char *json; /* the body, or NULL */
    struct str bytes; /* a body of octets where there is no JSON; ptr NULL: none */
    /* Not to be sent twice: on a connection of its own, for libcurl sends a request again
     * by itself where one that was kept turns out to be closed. */
    bool is_once;
    /* filled */
    int status;            /* HTTP status; 0: no answer */
    int64_t retry_after_s; /* -1: not given; 0: now, or a date that is past */
    /* "" or NAME: VALUE lines of the answer, an LF behind each; cut at a line's end */
    char headers[REST_HEADERS_BYTES];
    struct buf body; /* the caller inits and finis; emptied before each call */
};

/* Everything is copied. STATUS_BAD_OPTION: a header or a key that cannot be sent. */
MUST_CHECK enum status rest_open(const struct rest_options *o, struct rest **out,
                                 struct err *e);
/* STATUS_OK whatever the HTTP status; STATUS_CLOSED refused or reset, STATUS_TIMEOUT,
 * STATUS_NOT_FOUND unknown host, STATUS_UNSUPPORTED TLS failure, STATUS_TOO_BIG,
 * STATUS_BAD_INPUT no HTTP, `what` says which. `where` is the
 * URL without what may be secret in it. */
MUST_CHECK enum status rest_do(struct rest *r, struct rest_call *c, struct err *e);
/* Another limit for the calls that follow; INFINITY: none. */
void rest_set_timeout(struct rest *r, double timeout_s);
/* Asked about once a second during the calls that follow: true ends one with
 * STATUS_INTERRUPTED. NULL: nobody is asked. */
void rest_set_stop(struct rest *r, bool (*stop)(void *));
void rest_close(struct rest *r); /* NULL is harmless */

#endif
