/* openai_meet.c: who a server is, with a server that says it. */
#include "engines/openai_meet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "talk_fixture.h"

#define OWNED(by) "{\"data\": [{\"id\": \"tiny\", \"owned_by\": \"" by "\"}]}"
#define SINCE(by, id, at) \
    "{\"data\": [{\"id\": \"" id "\", \"owned_by\": \"" by "\", \"created\": " at "}]}"
#define ALIVE "\"I'm alive!\""

static struct talk *begin(void **state)
{
    return talk_begin(state, "");
}

static void ready_by_its_models(void **state)
{
    struct talk *t = begin(state);
    talk_page(t, "GET /v1/models", 503, "{\"error\": {\"message\": \"loading\"}}");
    talk_page(t, "GET /health", 500, "paid calls");
    assert_int_equal(talk_meet(t, NULL), STATUS_TIMEOUT);
    assert_non_null(strstr(t->e.what, "not ready within"));
    assert_non_null(strstr(t->e.what, "HTTP 503"));
    assert_non_null(strstr(t->e.hint, "--ready-timeout"));
    talk_change(t, "GET /v1/models", 200, TALK_MODELS);
    assert_int_equal(talk_meet(t, NULL), STATUS_OK); /* its /health is not asked */
    assert_string_equal(t->s.loaded, "/models/tiny");
    assert_string_equal(t->s.dialect->name, "other");
}

/* Where it is known to cost nothing. */
static void ready_by_its_health(void **state)
{
    struct talk *t = begin(state);
    talk_page(t, "GET /v1/models", 200, OWNED("vllm"));
    talk_page(t, "GET /health", 503, "");
    assert_int_equal(talk_meet(t, "tiny"), STATUS_TIMEOUT);
    static const int answers[] = {200, 401, 403, 404, 405, 301};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        talk_change(t, "GET /health", answers[i], "");
        assert_int_equal(talk_meet(t, "tiny"), STATUS_OK);
    }
}

/* An answer is no "not yet": without a name for the model it is the end, at once. */
static void what_refuses_has_answered(void **state)
{
    static const struct {
        int status;
        const char *body, *what, *hint;
    } cases[] = {
        {401, "{\"detail\": \"who?\"}", "HTTP 401: {\"detail\": \"who?\"}",
         "OPENAI_API_KEY"},
        {403, "", "HTTP 403", "--api-key-file"},
        {400, "{\"error\": {\"message\": \"No connected db.\"}}", "HTTP 400",
         "OPENAI_API_KEY"},
        {404, "<h1>Not here</h1>", "HTTP 404: Not here", "--model"},
        {405, "", "HTTP 405", "--model"},
        {301, "", "HTTP 301", "--model"},
        {200, "<html>", "no list of models", ""},
        {200, "{\"data\": 5}", "no list of models", ""},
    };
    struct talk *t = *state;
    t->options.ready_timeout_s = 1000;
    (void)begin(state);
    talk_page(t, "GET /v1/models", 200, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        talk_change(t, "GET /v1/models", cases[i].status, cases[i].body);
        assert_int_equal(talk_meet(t, NULL), STATUS_BAD_INPUT);
        if (strstr(t->e.what, cases[i].what) == NULL ||
            strstr(t->e.hint, cases[i].hint) == NULL)
            fail_msg("%d: %s. %s", cases[i].status, t->e.what, t->e.hint);
        assert_int_equal(talk_meet(t, "mine"), STATUS_OK);
    }
}

static void lists_of_models(void **state)
{
    static const char *const lists[] = {
        "[{\"id\": \"tiny\", \"max_model_len\": 2048}]",
        "{\"models\": [{\"name\": \"tiny\", \"max_model_len\": 2048}]}"};
    struct talk *t = begin(state);
    talk_page(t, "GET /v1/models", 200, TALK_MODELS);
    assert_int_equal(talk_meet(t, "alias"), STATUS_OK); /* it may know more names */
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        talk_change(t, "GET /v1/models", 200, lists[i]);
        assert_int_equal(talk_meet(t, NULL), STATUS_OK);
    }
    talk_change(t, "GET /v1/models", 200, "[\"tiny\"]");
    assert_int_equal(talk_meet(t, "tiny"), STATUS_OK);
    talk_change(t, "GET /v1/models", 200,
                "{\"data\": [{\"id\": \"a\"}, {\"id\": \"b\"}]}");
    assert_int_equal(talk_meet(t, NULL), STATUS_BAD_OPTION);
    assert_string_equal(t->e.hint, "Choose one with --model: a, b");
    talk_change(t, "GET /v1/models", 200,
                "{\"data\": [{\"id\": \"tiny\", \"max_model_len\": 2048}, "
                "{\"id\": \"tiny\"}, {\"id\": 5}]}");
    assert_int_equal(talk_meet(t, NULL), STATUS_OK);
    talk_change(t, "GET /v1/models", 200, "{\"data\": []}");
    assert_int_equal(talk_meet(t, NULL), STATUS_NOT_FOUND);
    assert_string_equal(t->e.hint, "Name one with --model");
    talk_change(t, "GET /v1/models", 200, "{\"data\": [{\"id\": \"\"}]}");
    assert_int_equal(talk_meet(t, NULL), STATUS_NOT_FOUND);
    talk_change(t, "GET /v1/models", 200, /* longer than a name may be */
                arena_printf(&t->arena, "{\"data\": [{\"id\": \"%01025d\"}]}", 0));
    assert_int_equal(talk_meet(t, NULL), STATUS_NOT_FOUND);
}

/* vLLM lists all names that it takes. */
static void a_model_that_is_not_there(void **state)
{
    struct talk *t = begin(state);
    talk_page(t, "GET /v1/models", 200, OWNED("vllm"));
    assert_int_equal(talk_meet(t, "other"), STATUS_NOT_FOUND);
    assert_string_equal(t->e.hint, "It serves: tiny");
}

static void dialects(void **state)
{
    static const struct {
        const char *models, *version, *alive, *dialect;
    } cases[] = {
        {OWNED("vllm"), "{}", "{}", "vllm"},
        {OWNED("vllm-frontend-rs"), "{}", "{}", "vllm"},
        {OWNED("inferbench-serve (simulated)"), "{}", "{}", "vllm"},
        {OWNED("llamacpp"), "{\"version\": \"1\"}", "{}", "llamacpp"},
        {OWNED("sglang"), "{}", "{}", "sglang"},
        {OWNED("openai"), "{}", "{}", "other"}, /* what everybody writes there */
        {OWNED("openai"), "{}", ALIVE, "litellm"},
        {OWNED("openai"), "{}", "\"I am not\"", "other"},
        {OWNED("me"), "{\"version\": \"0.32.0\"}", ALIVE, "vllm"},
        {OWNED("me"), "{\"version\": 3}", "{}", "other"},
        {OWNED("me"), "no", "no", "other"},
        {SINCE("local", "local/tiny", "1796050171.64"), "{}", "{}", "transformers"},
        {SINCE("local", "local/tiny", "1796050171"), "{}", "{}", "other"},
        {SINCE("local", "locals/tiny", "1796050171.64"), "{}", "{}", "other"},
        {SINCE("", "/tiny", "1796050171.64"), "{}", "{}", "other"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct talk *t = begin(state);
        talk_page(t, "GET /v1/models", 200, cases[i].models);
        talk_page(t, "GET /version", 200, cases[i].version);
        talk_page(t, "GET /health/liveliness", 200, cases[i].alive);
        assert_int_equal(talk_meet(t, "tiny"), STATUS_OK);
        assert_string_equal(t->s.dialect->name, cases[i].dialect);
        talk_drop(state);
        talk_make(state);
    }
    struct talk *t = *state;
    t->options.dialect = "mistral"; /* as told */
    (void)begin(state);
    talk_page(t, "GET /v1/models", 200, OWNED("vllm"));
    assert_int_equal(talk_meet(t, "tiny"), STATUS_OK);
    assert_string_equal(t->s.dialect->name, "mistral");
}

static void what_a_dialect_lacks(void **state)
{
    struct talk *t = begin(state);
    talk_page(t, "GET /v1/models", 200,
              "{\"data\": [{\"id\": \"tiny\", \"owned_by\": \"llamacpp\", \"meta\": "
              "{\"n_vocab\": 512}}]}");
    assert_int_equal(talk_meet(t, "tiny"), STATUS_OK);
    assert_int_equal(openai_server_facts(&t->s, &t->facts, &t->e), STATUS_OK);
    assert_int_equal(t->facts.vocab_size, 512);
    assert_false(t->facts.lacks_ids || t->facts.lacks_lengths);
    assert_true(t->facts.lacks_salt);
    assert_null(t->facts.notes);
    talk_drop(state);
    talk_make(state);
    t = begin(state);
    talk_page(t, "GET /v1/models", 200, TALK_MODELS);
    assert_int_equal(talk_meet(t, "tiny"), STATUS_OK);
    int asked = t->server.requests;
    assert_int_equal(openai_server_facts(&t->s, &t->facts, &t->e), STATUS_OK);
    assert_int_equal(t->server.requests, asked); /* for what it may not have */
    assert_true(t->facts.lacks_ids && t->facts.lacks_lengths);
    assert_string_equal(t->facts.fields.v[FIELD_dialect].s, "other");
    assert_non_null(strstr(t->facts.notes, "prompts go out as text"));
    assert_non_null(strstr(t->facts.notes, "--endpoint chat"));
    assert_non_null(strstr(t->facts.notes, "answers may end before"));
}

/* A path without a version is tried with "/v1" first, then as it is. */
static void paths(void **state)
{
    struct talk *t = talk_begin(state, "/llm");
    talk_page(t, "GET /llm/models", 200, TALK_MODELS);
    assert_int_equal(talk_meet(t, NULL), STATUS_OK);
    assert_true(t->s.is_bare);
    talk_drop(state);
    talk_make(state);
    t = talk_begin(state, "/llm?api-version=5");
    talk_page(t, "GET /llm/v1/models?api-version=5", 200, TALK_MODELS);
    assert_int_equal(talk_meet(t, NULL), STATUS_OK);
    assert_false(t->s.is_bare);
    talk_drop(state);
    talk_make(state);
    t = talk_begin(state, "/api/v3/chat/completions");
    talk_page(t, "GET /api/v3/models", 200, TALK_MODELS);
    assert_int_equal(talk_meet(t, NULL), STATUS_OK);
    assert_false(t->s.is_bare);
}

/* What accepts and never answers is asked no longer than the wait has left, a second at
 * least; the calls after the wait have their own limit again. */
static void a_silent_server_ends_the_wait(void **state)
{
    struct talk *t = *state;
    t->server.answer = NULL;
    t->options.ready_timeout_s = 1.25;
    begin(state);
    assert_int_equal(talk_meet(t, NULL), STATUS_TIMEOUT);
    assert_non_null(strstr(t->e.what, "no complete answer within "));
    double limit_s = strtod(strstr(t->e.what, "answer within ") + 14, NULL);
    assert_true(limit_s >= 1 && limit_s <= 1.25);
}

/* One wait for the whole run: who was waited for in vain is asked once more. */
static void the_wait_is_for_the_run(void **state)
{
    struct talk *t = *state;
    double left_s = 0.3;
    t->options.ready_timeout_s = 0.3;
    t->options.ready_left_s = &left_s;
    begin(state);
    talk_page(t, "GET /v1/models", 503, "");
    assert_int_equal(talk_meet(t, NULL), STATUS_TIMEOUT);
    assert_true(left_s == 0);
    int asked = t->server.requests;
    assert_int_equal(talk_meet(t, NULL), STATUS_TIMEOUT);
    assert_int_equal(t->server.requests, asked + 1);
    talk_change(t, "GET /v1/models", 200, TALK_MODELS);
    assert_int_equal(talk_meet(t, NULL), STATUS_OK);
    assert_true(left_s == 0.3); /* it is there: a later loss is another one */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, talk_make, talk_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ready_by_its_models),           TEST(ready_by_its_health),
        TEST(what_refuses_has_answered),     TEST(lists_of_models),
        TEST(a_model_that_is_not_there),     TEST(dialects),
        TEST(what_a_dialect_lacks),          TEST(paths),
        TEST(a_silent_server_ends_the_wait), TEST(the_wait_is_for_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
