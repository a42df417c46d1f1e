/* gateway.c: who has answered, in the headers of gateways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http/gateway.h"

static struct gateway heard;

static int silence(void **state)
{
    (void)state;
    heard = (struct gateway){.is_diverted = false};
    return 0;
}

static void hear(const char *name, const char *value)
{
    gateway_header(&heard, str_from(name), str_from(value));
}

static void litellm(void **state)
{
    (void)state;
    hear("X-LiteLLM-Model-Id", "07379b72baad18645eb3291f16496d63");
    hear("x-litellm-model-name", "hosted_vllm/m");
    hear("x-litellm-model-api-base", "https://user:sk-key@10.0.0.7:8000/v1?key=secret");
    hear("x-litellm-version", "1.108.7");
    hear("x-litellm-attempted-fallbacks", "0");
    hear("x-litellm-key-spend", "0.0");
    assert_string_equal(heard.backend, "07379b72 hosted_vllm/m 10.0.0.7:8000 1.108.7");
    assert_false(heard.is_diverted);
    hear("x-litellm-attempted-fallbacks", "1");
    assert_true(heard.is_diverted);
}

static void addresses(void **state)
{
    static const struct {
        const char *url, *host;
    } cases[] = {{"http://h", "h"},
                 {"h:1/v1", "h:1"},
                 {"https://a@b@h:2?x=/", "h:2"},
                 {"https://h#x@y", "h"},
                 {"http:///v1", ""},
                 {"https://[::1]:8000/v1", "[::1]:8000"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        silence(state);
        hear("x-litellm-model-api-base", cases[i].url);
        assert_string_equal(heard.backend, cases[i].host);
    }
}

static void caches_and_fallbacks(void **state)
{
    hear("cf-aig-cache-status", "MISS");
    hear("cf-aig-step", "0");
    hear("x-portkey-cache-status", "");
    assert_string_equal(heard.backend, "");
    assert_false(heard.is_diverted);
    hear("Helicone-Cache", "HIT");
    assert_string_equal(heard.backend, "cache");
    assert_true(heard.is_diverted);
    silence(state);
    hear("cf-aig-step", "1");
    assert_true(heard.is_diverted);
}

static void is_cut(void **state)
{
    char name[100];
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int i = 0; i < 3; i++)
        hear("x-kong-llm-model", name);
    assert_int_equal(strlen(heard.backend), GATEWAY_BYTES - 1);
    gateway_add(&heard, str_from("more"));
    assert_int_equal(strlen(heard.backend), GATEWAY_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(litellm, silence),
        cmocka_unit_test_setup(addresses, silence),
        cmocka_unit_test_setup(caches_and_fallbacks, silence),
        cmocka_unit_test_setup(is_cut, silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
