/* openai_dialect.c: the table of dialects, and the advice on refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "http/openai_dialect.h"

static void advice(void **state)
{
    static const struct {
        const char *said, *body, *option;
    } cases[] = {
        {"Unsupported parameter: 'max_tokens' is not supported with this model. Use "
         "'max_completion_tokens' instead.",
         "", "--rename max_tokens=max_completion_tokens"},
        {"Unrecognized request argument supplied: max_completion_tokens", "",
         "--rename max_tokens=max_tokens"},
        {"Unknown name cache_salt: Cannot find field", "",
         "--extra-body '{\"cache_salt\": null}', or --dialect other"},
        {"extra fields not permitted: ignore_eos", "",
         "--stop-at-eos, or --dialect other"},
        {"stream_options", "", "--extra-body"},
        {"prompt: input should be a valid string", "",
         "--endpoint chat, --dataset, or --dialect other"},
        {"Token id 99999 is out of vocabulary", "", "--vocab-size"},
        {"x",
         "{\"detail\":[{\"loc\":[\"body\",\"messages\"],\"msg\":\"Field required\","
         "\"input\":{\"cache_salt\":\"a\",\"ignore_eos\":true}}]}",
         "--endpoint chat"},
        {"x", "[{'type': 'extra_forbidden', 'loc': ('body', 'top_p'), 'input': 1}]",
         "--extra-body '{\"top_p\": null}'"},
        {"not with ignore_eos",
         "{\"error\":{\"message\":\"a parameter\",\"param\":\"stream_options\"}}",
         "{\"stream_options\": null}"},
        {"property 'body.ignore_eos' is unsupported", "{\"param\": \"validation_error\"}",
         "--stop-at-eos"},
        {"This model's maximum context length is 4096 tokens", "", "--input-tokens"},
        {"'max_tokens' or 'max_completion_tokens' is too large: 5000", "",
         "--max-tokens"},
        {"`inputs` tokens + `max_new_tokens` must be <= 2048", "", "--input-tokens"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *option = openai_dialect_advice(str_from(cases[i].said),
                                                   str_from(cases[i].body), false);
        if (option == NULL || strstr(option, cases[i].option) == NULL)
            fail_msg("%s: %s", cases[i].said, option != NULL ? option : "none");
    }
    static const char *const bodies[] = {
        "",       "\"loc\"", "\"loc\":", "\"loc\": [", "\"param\": null",
        "'param", "loc",     "\"loc"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_null(openai_dialect_advice(str_from("rate limit reached"),
                                          str_from(bodies[i]), false));
    assert_null(
        openai_dialect_advice(str_from("the model has crashed"), str_from(""), true));
}

/* Every choice of --dialect is in the table, and nothing else. */
static void choices(void **state)
{
    struct str rest = str_from(OPENAI_DIALECT_CHOICES);
    (void)state;
    assert_true(str_is(str_cut(&rest, '|'), "auto"));
    assert_null(openai_dialect_find("auto"));
    assert_null(openai_dialect_find(NULL));
    while (rest.len > 0) {
        char name[32];
        struct str one = str_cut(&rest, '|');
        (void)snprintf(name, sizeof name, "%.*s", (int)one.len, one.ptr);
        assert_string_equal(openai_dialect_find(name)->name, name);
    }
    assert_string_equal(
        openai_dialect_of(NULL, "HTTP/1.1 200\nServer: llama.cpp\n")->name, "llamacpp");
    assert_string_equal(openai_dialect_of("openai", "x-litellm-version: 1\n")->name,
                        "litellm");
    assert_string_equal(openai_dialect_of(NULL, "OpenAI-Version: 2020\n")->name,
                        "openai");
    assert_null(openai_dialect_of("openai", "server: uvicorn\n"));
    assert_null(openai_dialect_of(NULL, ""));
}

/* What is not told apart every dialect takes. */
static void members(void **state)
{
    static const struct {
        const char *dialect, *member;
        bool is_chat, takes;
    } cases[] = {{"vllm", "ignore_eos", false, true},
                 {"other", "ignore_eos", false, false},
                 {"sglang", "cache_salt", false, false},
                 {"mistral", "stream_options", true, false},
                 {"tgi", "return_token_ids", false, false},
                 {"openai", "max_tokens", true, false},
                 {"openai", "max_tokens", false, true},
                 {"other", "temperature", true, true}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct openai_dialect *d = openai_dialect_find(cases[i].dialect);
        bool takes = openai_dialect_takes(d, cases[i].is_chat, str_from(cases[i].member));
        if (takes != cases[i].takes)
            fail_msg("%s, %s: %d", cases[i].dialect, cases[i].member, takes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice),
        cmocka_unit_test(choices),
        cmocka_unit_test(members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
