/* A small HTTP server in a thread of the test. It gives every request the same bytes as
 * answer, or each page its own, and remembers the last request. */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_FIXTURE_SEEN_BYTES 65536

enum http_fixture_end {
    HTTP_FIXTURE_KEEP,  /* waits for the next request */
    HTTP_FIXTURE_CLOSE, /* closes after the answer */
    HTTP_FIXTURE_RESET  /* the same, with a reset */
};

struct http_fixture_page {
    const char *request; /* how it begins: "GET /health" */
    int status;
    const char *body;
};

struct http_fixture {
    /* set before the start; zeroed is fine */
    const char *answer;                    /* NULL: never answers */
    const struct http_fixture_page *pages; /* [page_count], tried before `answer` */
    size_t page_count;
    enum http_fixture_end end;
    bool is_eager;         /* the first bytes will do, whatever they are */
    SSL_CTX *tls;          /* borrowed, or NULL */
    const char *unix_path; /* or NULL: 127.0.0.1, any port */
    /* filled */
    int listener, port;
    char url[64]; /* "http://127.0.0.1:1234" */
    pthread_t thread;
    _Atomic int connections, requests;
    _Atomic int ended;    /* connections */
    pthread_mutex_t lock; /* of what follows */
    char seen[HTTP_FIXTURE_SEEN_BYTES];
};

void http_fixture_start(struct http_fixture *f);
/* Clients must have hung up. */
void http_fixture_stop(struct http_fixture *f);
/* Waits for all connections to end; false where one still stands after some seconds. */
bool http_fixture_is_quiet(const struct http_fixture *f);
/* Is the text part of the last request? Call when its answer is there. */
bool http_fixture_saw(struct http_fixture *f, const char *text);

#endif
