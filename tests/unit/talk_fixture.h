/* A server that says what it is told to, and who asks it. */
#ifndef TESTS_TALK_FIXTURE_H
#define TESTS_TALK_FIXTURE_H

#include "engines/openai_meet.h"
#include "http_fixture.h"

#define TALK_MODELS                                                                  \
    "{\"data\": [{\"id\": \"tiny\", \"root\": \"/models/tiny\", \"max_model_len\": " \
    "2048}]}"
#define TALK_NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"

struct talk {
    struct http_fixture server;
    struct http_fixture_page pages[8];
    struct arena arena;
    struct engine_target options;
    struct openai_server s;
    struct engine_facts facts;
    struct err e;
};

/* For cmocka. Pages that are not there are not found. */
int talk_make(void **state);
int talk_drop(void **state);
/* Starts the server and opens the client, on that path of it. */
struct talk *talk_begin(void **state, const char *path);
void talk_page(struct talk *t, const char *request, int status, const char *body);
/* Another body for a page that is there. */
void talk_change(struct talk *t, const char *request, int status, const char *body);
/* Waits, then picks the model, which must be the one of TALK_MODELS. */
enum status talk_meet(struct talk *t, const char *wanted);

#endif
