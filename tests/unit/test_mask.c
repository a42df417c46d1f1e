#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "probe/mask.h"

static const char *masked(const char *value)
{
    static char out[512];
    struct buf text;
    buf_init(&text, sizeof out - 1);
    assert_int_equal(mask_append(&text, value), STATUS_OK);
    strncpy(out, buf_cstr(&text), sizeof out - 1);
    buf_fini(&text);
    return out;
}

static void names_of_secrets(void **state)
{
    (void)state;
    const char *secret[] = {"VLLM_API_KEY",
                            "HF_TOKEN",
                            "HUGGING_FACE_HUB_TOKEN",
                            "--api-key",
                            "apiKey",
                            "AWS_SECRET_ACCESS_KEY",
                            "MLFLOW_TRACKING_PASSWORD",
                            "password",
                            "Authorization",
                            "google_credentials",
                            "db.passwd",
                            "X-Auth"};
    const char *open[] = {"max_num_batched_tokens",
                          "max-tokens",
                          "tokenizer",
                          "token-counts",
                          "TOKENIZERS_PARALLELISM",
                          "PWD",
                          "model",
                          "VLLM_CPU_KVCACHE_SPACE",
                          "author",
                          "keyboard",
                          "monkey",
                          "bypass",
                          ""};
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        if (!mask_is_secret(secret[i]))
            fail_msg("%s is a secret", secret[i]);
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        if (mask_is_secret(open[i]))
            fail_msg("%s is no secret", open[i]);
}

static void secrets_within_values(void **state)
{
    (void)state;
    const char *cases[][2] = {
        {"http://user:pass@host:5000/x", "http://***@host:5000/x"},
        {"https://ghtoken@host/a@b", "https://***@host/a@b"},
        {"http://host:8000/v1", "http://host:8000/v1"},
        {"http://u:p@ss@host/", "http://***@host/"},
        {"http://u:p/s,s@host/a b@c", "http://***@host/a b@c"},
        {"http://u:p#ss@host", "http://***@host"},
        {"--api-key abc --dtype float32", "--api-key *** --dtype float32"},
        {"--api-key=abc,def", "--api-key=***,def"},
        {"{\"api_key\": \"abc def\", \"n\": 1}", "{\"api_key\": \"*** def\", \"n\": 1}"},
        {"Authorization: Bearer abcdef", "Authorization: Bearer ***"},
        {"https://h/x?token=abc&n=1", "https://h/x?token=***&n=1"},
        {"hf_abcdefghijklmnop", "***"},
        {"a sk-0123456789abcdef b", "a *** b"},
        {"sk-ip", "sk-ip"},
        {"max_tokens=128 tokenizer=auto", "max_tokens=128 tokenizer=auto"},
        {"one key for all", "one key for all"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(masked(cases[i][0]), cases[i][1]);
}

static void a_buffer_too_small_is_an_error(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4);
    assert_int_equal(mask_append(&text, "abcdefghijkl"), STATUS_TOO_BIG);
    buf_fini(&text);
}

static void masks_never_hand_out_what_they_cannot_hide(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_string_equal(mask_value("HF_TOKEN", "x", &a), "***");
    assert_string_equal(mask_value("HF_TOKEN", "", &a), "");
    assert_string_equal(mask_value("MODEL", "Qwen/Qwen3-0.6B", &a), "Qwen/Qwen3-0.6B");
    assert_null(mask_value("MODEL", NULL, &a));
    arena_fini(&a);
    arena_init(&a, 1); /* no room for the text */
    assert_string_equal(mask_value("MODEL", "a long value, longer than the arena", &a),
                        "***");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_secrets),
        cmocka_unit_test(secrets_within_values),
        cmocka_unit_test(masks_never_hand_out_what_they_cannot_hide),
        cmocka_unit_test(a_buffer_too_small_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
