#include "track/entry_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "entry_fixture.h"

static void noted(const char *row_text, bool is_warmup, const char *want)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    json_t *row = json_loads(row_text, 0, NULL);
    const char *text = entry_note_text(row, is_warmup, &a);
    assert_non_null(text);
    assert_string_equal(text, want);
    json_decref(row);
    arena_fini(&a);
}

static void holds(const char *row_text, bool is_warmup, const char *part, bool is_there)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    json_t *row = json_loads(row_text, 0, NULL);
    const char *text = entry_note_text(row, is_warmup, &a);
    assert_non_null(text);
    if ((strstr(text, part) != NULL) != is_there)
        fail_msg("\"%s\" in: %s", part, text);
    json_decref(row);
    arena_fini(&a);
}

static void test_invalid(void **state)
{
    (void)state;
    noted(entry_fixture_online, false,
          "**INVALID**\n\n"
          "Reasons:\n\n"
          "- ERRORS: requests_failed 0.01, limit 0.001\n"
          "- CLIENT_LATE: send_late_share 1, limit 0.01\n\n"
          "| | |\n| --- | --- |\n"
          "| Model | Qwen/Qwen3-0.6B |\n"
          "| Machine | g5, gpu, label g5\\|a |\n"
          "| Engine | openai |\n"
          "| Load | online, in64, poisson, 50 requests/s, input 64, at most 32 output "
          "tokens, prefix caching off |\n"
          "| Requests | 100 ok, 1 failed, 0 cancelled |\n"
          "\n| figure | value | meaning |\n| --- | --- | --- |\n"
          "| tokens_per_second | 1212.35 tokens/s | output tokens a second |\n"
          "| total_time | 2.63951 s | first send to last token |\n"
          "| inter_token_latency | 10.0208 ms | mean TPOT |\n");
}

static void test_heads(void **state)
{
    (void)state;
    holds(entry_fixture_published, true, "**Warm-up**", true);
    holds(entry_fixture_published, true, "| Load | offline, batch of 1, input 312", true);
    holds(entry_fixture_published, true, "Engine", false);
    holds("{\"verdict\": \"VALID\", \"warnings\": [\"SIMULATED\"]}", false,
          "**VALID**\n\nWarnings:\n\n- SIMULATED\n\n", true);
    holds("{\"warnings\": [\"CACHE_UNKNOWN\"], \"checks\": [{\"code\": \"CACHE_UNKNOWN\","
          "\"field\": \"cache_hit_rate\", \"value\": null, \"limit\": null}]}",
          false, "- CACHE_UNKNOWN: cache_hit_rate unknown\n", true);
    holds("{\"verdict\": \"INCONCLUSIVE\", \"reasons\": [\"SHORT_RUN\"], \"checks\": ["
          "{\"code\": \"SHORT_RUN\", \"field\": \"steady_s\", \"value\": 1, \"limit\": 2,"
          "\"text\": \"too short; --num-prompts 300\"}]}",
          false,
          "**INCONCLUSIVE**\n\nReasons:\n\n- SHORT_RUN: too short; --num-prompts 300\n",
          true);
    holds("{\"model_name\": \"m\", \"dtype\": \"none\", \"quantization\": \"awq\"}",
          false, "| Model | m, quantization awq |\n", true);
    holds("{\"verdict\": null}", false, "Not judged\n", true);
    holds("{\"error\": \"a <b>\\n| c\"}", true, "**FAILED**: a \\<b\\> \\| c\n\n", true);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64);
    json_t *row = json_loads(entry_fixture_online, 0, NULL);
    assert_null(entry_note_text(row, false, &a));
    json_decref(row);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
