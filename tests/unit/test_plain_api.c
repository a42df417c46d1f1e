#include "serve/plain_api.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "text/json.h"

static json_t *parsed(const struct buf *b)
{
    json_t *value = NULL;
    struct err e;
    if (json_from_text((struct str){b->data, b->len}, "text", &value, &e) != STATUS_OK)
        fail_msg("%s: %s", e.what, buf_cstr(b));
    return value;
}

static json_t *answer(const struct completion_request *request, bool has_usage)
{
    struct buf b;
    buf_init(&b, 100000);
    struct chunks c = {.request = request,
                       .id = "cmpl-1",
                       .model = "a\"b",
                       .created_s = 7,
                       .vocab_size = 512,
                       .has_usage = has_usage};
    plain_api_answer(&c, 3, "length", &b);
    json_t *value = parsed(&b);
    buf_fini(&b);
    return value;
}

static void completions(void **state)
{
    (void)state;
    struct completion_request ask = {.endpoint = ENDPOINT_COMPLETIONS,
                                     .prompt_tokens = 4};
    json_t *a = answer(&ask, true);
    const json_t *choice = json_array_get(json_object_get(a, "choices"), 0);
    assert_string_equal(json_str_of(a, "object"), "text_completion");
    assert_string_equal(json_str_of(a, "model"), "a\"b");
    assert_string_equal(json_str_of(choice, "text"), " t1 t2 t3");
    assert_string_equal(json_str_of(choice, "finish_reason"), "length");
    assert_true(json_is_null(json_object_get(choice, "token_ids")));
    const json_t *usage = json_object_get(a, "usage");
    assert_int_equal(json_int_of(usage, "total_tokens", -1), 7);
    assert_int_equal(json_int_of(usage, "completion_tokens", -1), 3);
    json_decref(a);
    a = answer(&ask, false);
    assert_null(json_object_get(a, "usage"));
    json_decref(a);
}

static void ids(void **state)
{
    (void)state;
    struct completion_request ask = {.endpoint = ENDPOINT_COMPLETIONS,
                                     .prompt_tokens = 2,
                                     .prompt_ids = str_from("[5, 6]"),
                                     .returns_ids = true};
    json_t *a = answer(&ask, true);
    const json_t *choice = json_array_get(json_object_get(a, "choices"), 0);
    assert_int_equal(json_array_size(json_object_get(choice, "token_ids")), 3);
    const json_t *prompt = json_object_get(choice, "prompt_token_ids");
    assert_int_equal(json_integer_value(json_array_get(prompt, 1)), 6);
    json_decref(a);
}

static void chat(void **state)
{
    (void)state;
    struct completion_request ask = {
        .endpoint = ENDPOINT_CHAT, .prompt_tokens = 2, .returns_ids = true};
    json_t *a = answer(&ask, true);
    const json_t *choice = json_array_get(json_object_get(a, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");
    assert_string_equal(json_str_of(a, "object"), "chat.completion");
    assert_string_equal(json_str_of(message, "content"), " t1 t2 t3");
    assert_string_equal(json_str_of(message, "role"), "assistant");
    assert_int_equal(json_array_size(json_object_get(a, "prompt_token_ids")), 2);
    json_decref(a);
}

static void models(void **state)
{
    (void)state;
    struct settings s = {.model = "m", .max_model_len = 99};
    struct buf b;
    buf_init(&b, 10000);
    plain_api_models(&s, 7, &b);
    json_t *value = parsed(&b);
    const json_t *model = json_array_get(json_object_get(value, "data"), 0);
    assert_string_equal(json_str_of(model, "id"), "m");
    assert_int_equal(json_int_of(model, "max_model_len", -1), 99);
    json_decref(value);
    buf_fini(&b);
}

static void metrics(void **state)
{
    (void)state;
    struct settings s = {.model = "a\"\\\n", .block_size = 32};
    struct plain_api_counts n = {.running = 1,
                                 .waiting = 8,
                                 .prompt_tokens = 2,
                                 .generation_tokens = 3,
                                 .length = 4,
                                 .stop = 5,
                                 .abort = 6,
                                 .error = 7,
                                 .start_s = 1795974127.5};
    static const char *const lines[] = {
        "# TYPE vllm:num_requests_running gauge\n",
        "vllm:num_requests_running{engine=\"0\",model_name=\"a\\\"\\\\\\n\"} 1.0\n",
        "vllm:num_requests_waiting{engine=\"0\",model_name=\"a\\\"\\\\\\n\"} 8.0\n",
        "# TYPE vllm:prompt_tokens_total counter\n",
        "vllm:prompt_tokens_total{engine=\"0\",model_name=\"a\\\"\\\\\\n\"} 2.0\n",
        "vllm:generation_tokens_total{engine=\"0\",model_name=\"a\\\"\\\\\\n\"} 3.0\n",
        "finished_reason=\"length\",model_name=\"a\\\"\\\\\\n\"} 4.0\n",
        "finished_reason=\"stop\",model_name=\"a\\\"\\\\\\n\"} 5.0\n",
        "finished_reason=\"abort\",model_name=\"a\\\"\\\\\\n\"} 6.0\n",
        "finished_reason=\"error\",model_name=\"a\\\"\\\\\\n\"} 7.0\n",
        "vllm:prefix_cache_queries_total{engine=\"0\",model_name=\"a\\\"\\\\\\n\"} 0.0\n",
        "vllm:prefix_cache_hits_total{engine=\"0\",model_name=\"a\\\"\\\\\\n\"} 0.0\n",
        "vllm:num_preemptions_total{engine=\"0\",model_name=\"a\\\"\\\\\\n\"} 0.0\n",
        "\nprocess_start_time_seconds 1795974127.500\n",
        "info{block_size=\"32\",enable_prefix_caching=\"False\",engine=\"0\"} 1.0\n",
    };
    struct buf b;
    buf_init(&b, 10000);
    plain_api_metrics(&s, &n, &b);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(buf_cstr(&b), lines[i]) == NULL)
            fail_msg("no %s in %s", lines[i], buf_cstr(&b));
    const char *help = strstr(buf_cstr(&b), "# HELP vllm:request_success_total ");
    assert_non_null(help);
    assert_null(strstr(help + 1, "# HELP vllm:request_success_total "));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completions), cmocka_unit_test(ids),     cmocka_unit_test(chat),
        cmocka_unit_test(models),      cmocka_unit_test(metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
