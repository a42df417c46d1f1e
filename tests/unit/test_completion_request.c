#include "serve/completion_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct request_limits limits = {"tiny", 1024, 512, NULL};

static bool read_from(const char *body, enum completion_endpoint endpoint,
                      struct completion_request *out, struct request_error *e)
{
    return completion_request_read(str_from(body), endpoint, &limits, out, e);
}

static struct completion_request good(const char *body, enum completion_endpoint endpoint)
{
    struct completion_request a;
    struct request_error e;
    if (!read_from(body, endpoint, &a, &e))
        fail_msg("refused: %s: %s", body, e.message);
    return a;
}

static void prompts(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int64_t tokens;
        const char *ids;
    } rows[] = {
        {"{\"prompt\":[1,2,3]}", 3, "[1,2,3]"},
        {"{\"prompt\": [ 0 , 511 ] }", 2, "[ 0 , 511 ]"},
        {"{\"prompt\":[[7,8]]}", 2, "[7,8]"},
        {"{\"prompt\":\"abcd\"}", 1, NULL},
        {"{\"prompt\":\"abcde\"}", 2, NULL},
        {"{\"prompt\":[\"abcde\"]}", 2, NULL},
        {"{\"prompt\":\"\\u20ac\\n\"}", 1, NULL},
        {"{\"prompt\":[5],\"messages\":3,\"temperature\":0.5,\"stop\":[\"a\",\"b\"],"
         "\"x\":{\"prompt\":[1,2]}}",
         1, "[5]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct completion_request a = good(rows[i].body, ENDPOINT_COMPLETIONS);
        assert_int_equal(a.prompt_tokens, rows[i].tokens);
        assert_int_equal(a.max_tokens, 16);
        if (rows[i].ids == NULL)
            assert_null(a.prompt_ids.ptr);
        else
            assert_true(str_is(a.prompt_ids, rows[i].ids));
    }
}

static void messages(void **state)
{
    (void)state;
    struct completion_request a = good(
        "{\"messages\":[{\"role\":\"system\",\"content\":\"abcd\"},"
        "{\"content\":[{\"type\":\"text\",\"text\":\"ef\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"longlonglong\"}}"
        "],\"role\":\"user\"},{\"role\":\"assistant\",\"content\":null}],"
        "\"prompt\":7}",
        ENDPOINT_CHAT);
    assert_int_equal(a.prompt_tokens, 2);
    assert_int_equal(a.max_tokens, 1022); /* all that fits */
    a = good("{\"messages\":[{\"content\":\"a\"}],\"max_tokens\":5,"
             "\"max_completion_tokens\":7}",
             ENDPOINT_CHAT);
    assert_int_equal(a.max_tokens, 7);
    a = good("{\"messages\":[{\"content\":\"a\"}],\"max_tokens\":5,"
             "\"max_completion_tokens\":null}",
             ENDPOINT_CHAT);
    assert_int_equal(a.max_tokens, 5);
}

static void switches(void **state)
{
    (void)state;
    struct completion_request a = good("{\"prompt\":[1]}", ENDPOINT_COMPLETIONS);
    assert_false(a.is_stream || a.includes_usage || a.has_continuous_usage ||
                 a.returns_ids);
    a = good("{\"prompt\":[1],\"stream\":true,\"stream_options\":{\"include_usage\":true,"
             "\"continuous_usage_stats\":true,\"x\":[1]},\"return_token_ids\":true,"
             "\"model\":\"t\\u0069ny\",\"n\":1,\"max_tokens\":9,\"min_tokens\":9}",
             ENDPOINT_COMPLETIONS);
    assert_true(a.is_stream && a.includes_usage && a.has_continuous_usage &&
                a.returns_ids);
    assert_int_equal(a.max_tokens, 9);
    a = good("{\"prompt\":[1],\"stream\":null,\"stream_options\":null,\"model\":null}",
             ENDPOINT_COMPLETIONS);
    assert_false(a.is_stream);
}

static void long_answers_are_cut(void **state)
{
    (void)state;
    struct completion_request a = good("{\"prompt\":[1,2,3,4],\"max_tokens\":1024}",
                                       ENDPOINT_COMPLETIONS);
    assert_int_equal(a.max_tokens, 1020);
}

struct refusal {
    const char *body;
    int status;
    const char *param; /* NULL: null */
    const char *message;
};

static void check_refusal(const struct refusal *r, enum completion_endpoint endpoint)
{
    struct completion_request a;
    struct request_error e;
    if (read_from(r->body, endpoint, &a, &e))
        fail_msg("accepted: %s", r->body);
    if (e.status != r->status || strstr(e.message, r->message) == NULL)
        fail_msg("%s: %d %s", r->body, e.status, e.message);
    if (r->param == NULL)
        assert_null(e.param);
    else
        assert_string_equal(e.param, r->param);
    assert_non_null(e.type);
}

static void refusals(void **state)
{
    (void)state;
    static const struct refusal rows[] = {
        {"{\"model\":\"nope\",\"prompt\":[1]}", 404, "model",
         "The model `nope` does not exist. Valid aliases: tiny."},
        {"{\"prompt\":[1,512]}", 400, NULL, "Token id 512 is out of vocabulary"},
        {"{\"prompt\":[-1]}", 400, NULL, "Token id -1 is out of vocabulary"},
        {"{\"prompt\":[1.5]}", 400, "body.prompt", "valid integer"},
        {"{\"prompt\":[1,\"a\"]}", 400, "prompt", "one prompt a request"},
        {"{\"prompt\":[[[1]]]}", 400, "body.prompt", "valid string"},
        {"{\"prompt\":[[\"a\"]]}", 400, "body.prompt", "valid string"},
        {"{\"prompt\":{}}", 400, "body.prompt", "valid string"},
        {"{\"prompt\":[]}", 400, NULL, "You must pass at least one prompt"},
        {"{\"prompt\":\"\"}", 400, "prompt", "must be provided and non-empty"},
        {"{\"prompt\":[[1],[2]]}", 400, "prompt", "one prompt a request"},
        {"{\"prompt\":[1],\"n\":2}", 400, "prompt", "one prompt a request"},
        {"{}", 400, "body.prompt", "Field required"},
        {"{\"messages\":[]}", 400, "body.prompt", "Field required"},
        {"{\"prompt\":[1],\"max_tokens\":1025}", 400, "max_tokens",
         "max_tokens=1025 cannot be greater than max_model_len=1024"},
        {"{\"prompt\":[1],\"max_tokens\":0}", 400, "max_tokens", "at least 1, got 0"},
        {"{\"prompt\":[1],\"max_tokens\":\"5\"}", 400, "body.max_tokens",
         "valid integer"},
        {"{\"prompt\":[1],\"max_tokens\":1.5}", 400, "body.max_tokens", "valid integer"},
        {"{\"prompt\":[1],\"max_tokens\":5,\"min_tokens\":6}", 400, NULL,
         "min_tokens must be less than or equal to max_tokens=5, got 6."},
        {"{\"prompt\":[1],\"stream\":1}", 400, "body.stream", "valid boolean"},
        {"{\"prompt\":[1],\"stream_options\":{}}", 400, "stream_options",
         "only be defined when `stream=True`"},
        {"{\"prompt\":[1],\"stream_options\":7}", 400, "body.stream_options",
         "valid dictionary"},
        {"", 400, "body", "'body.0', 'msg': 'JSON decode error'"},
        {"[]", 400, "body", "JSON decode error"},
        {"{\"prompt\":[1,2}", 400, "body", "'body.14'"},
        {"{\"prompt\":[1]} x", 400, "body", "JSON decode error"},
        {"{\"prompt\":[1,]}", 400, "body", "JSON decode error"},
        {"{\"model\":\"nope\",\"prompt\":[1", 400, "body", "JSON decode error"},
    };
    static const struct refusal chat[] = {
        {"{}", 400, "body.messages", "Field required"},
        {"{\"messages\":[]}", 400, "body.messages", "Field required"},
        {"{\"messages\":\"a\"}", 400, "body.messages", "valid list"},
        {"{\"messages\":[\"a\"]}", 400, "body.messages", "valid dictionary"},
        {"{\"messages\":[{\"content\":[7]}]}", 400, "body.messages", "valid dictionary"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_refusal(&rows[i], ENDPOINT_COMPLETIONS);
    for (size_t i = 0; i < sizeof chat / sizeof chat[0]; i++)
        check_refusal(&chat[i], ENDPOINT_CHAT);
}

static void too_long_prompts(void **state)
{
    (void)state;
    char body[6000] = "{\"prompt\":[9";
    for (int i = 1; i < 1024; i++)
        memcpy(body + strlen(body), ",9", 3);
    memcpy(body + strlen(body), "]}", 3);
    struct refusal r = {body, 400, "input_tokens",
                        "maximum context length is 1024 tokens. However, your prompt "
                        "contains 1024 input tokens"};
    check_refusal(&r, ENDPOINT_COMPLETIONS);
}

static void other_dialects(void **state)
{
    static const char *const refused[] = {
        "{\"model\":\"tiny\",\"prompt\":[1,2]}",
        "{\"model\":\"tiny\",\"prompt\":\"a\",\"ignore_eos\":true}",
        "{\"model\":\"tiny\",\"prompt\":\"a\",\"cache_salt\":\"x\"}",
        "{\"model\":\"tiny\",\"prompt\":\"a\",\"return_token_ids\":true}",
    };
    const struct request_limits other = {"tiny", 1024, 512, openai_dialect_find("other")};
    struct completion_request r;
    struct request_error e;
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(completion_request_read(str_from(refused[i]), ENDPOINT_COMPLETIONS,
                                             &other, &r, &e));
        assert_int_equal(e.status, 400);
        assert_true(completion_request_read(str_from(refused[i]), ENDPOINT_COMPLETIONS,
                                            &limits, &r, &e));
    }
    assert_true(completion_request_read(
        str_from("{\"model\":\"tiny\",\"prompt\":\"a\",\"stream\":true,\"max_tokens\":5,"
                 "\"stream_options\":{\"include_usage\":true},\"top_k\":3}"),
        ENDPOINT_COMPLETIONS, &other, &r, &e));
    const struct request_limits new = {"tiny", 1024, 512, openai_dialect_find("openai")};
    assert_false(completion_request_read(
        str_from(
            "{\"model\":\"tiny\",\"messages\":[{\"content\":\"a\"}],\"max_tokens\":5}"),
        ENDPOINT_CHAT, &new, &r, &e));
    assert_non_null(strstr(e.message, "max_tokens"));
}

int main(void)
{
    limits.dialect = openai_dialect_find("vllm");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts),          cmocka_unit_test(messages),
        cmocka_unit_test(switches),         cmocka_unit_test(long_answers_are_cut),
        cmocka_unit_test(refusals),         cmocka_unit_test(other_dialects),
        cmocka_unit_test(too_long_prompts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
