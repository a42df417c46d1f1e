/* openai_answered.c: who gave the answers, and was it who was asked? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engines/openai_answered.h"

static void names(void **state)
{
    static const char *const same[][2] = {
        {"m", "m"},
        {"gpt-4o-2024-08-06", "gpt-4o"},
        {"gpt-3.5-turbo-0125", "gpt-3.5-turbo"},
        {"mistral-small-2506", "mistral-small-latest"},
        {"claude-3-5-haiku@20241022", "claude-3-5-haiku"},
        {"local/tiny@main", "local/tiny"},
        {"tiny.gguf", "tiny"},
        {"/models/Tiny.gguf", "tiny"},
        {"gpt-4o-2024-08-06", "openai/gpt-4o"},
        {"meta-llama/Llama-3-8B", "llama-3-8b"},
        {"models/gemini-2.0-flash-001", "gemini-2.0-flash"},
        {"qwen3:latest", "qwen3"},
        {"deepseek-chat", "deepseek/deepseek-chat:free"},
        {"a\\u0062", "ab"},
        {"gpt-4o-", "gpt-4o-"},
        {"/models/m/", "/models/m"},
    };
    static const char *const other[][2] = {
        {"gpt-4o-mini", "gpt-4o"},
        {"gpt-4o-mini-2024-07-18", "gpt-4o"},
        {"gpt-4", "gpt-4o"},
        {"claude-3.5", "claude-3"},
        {"qwen3:0.6b", "qwen3"},
        {"llama-3-70b", "llama-3-8b"},
        {"other", "m"},
        {"", "m"},
        {"m-", "m"},
        {"m", ""},
        {"org/m", "org/"},
        {"gpt-4-32", "gpt-4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (!openai_answered_is(same[i][0], same[i][1]))
            fail_msg("%s is %s", same[i][0], same[i][1]);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (openai_answered_is(other[i][0], other[i][1]))
            fail_msg("%s is not %s", other[i][0], other[i][1]);
}

static struct gateway at(const char *backend)
{
    struct gateway g = {.is_diverted = false};
    (void)snprintf(g.backend, sizeof g.backend, "%s", backend);
    return g;
}

static void answer(struct openai_answered *a, const char *model, const char *backend,
                   int times)
{
    const struct gateway via = at(backend);
    for (int i = 0; i < times; i++)
        openai_answered_add(a, model, &via);
}

static void counts(void **state)
{
    struct openai_answered lanes[2] = {{.count = 0}}, all = {.count = 0};
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    assert_null(openai_answered_json(&all, &arena));
    answer(&lanes[0], "m", "a", 3);
    answer(&lanes[1], "m", "b", 1);
    answer(&lanes[1], "m", "a", 2);
    answer(&lanes[1], "x\"\n", "", 1);
    for (int i = 0; i < 2; i++)
        openai_answered_move(&all, &lanes[i]);
    assert_int_equal(lanes[1].count, 0);
    assert_string_equal(openai_answered_json(&all, &arena),
                        "{\"m @ a\":5,\"m @ b\":1,\"x\\\"\\n\":1}");
    assert_int_equal(openai_answered_elsewhere(&all, "m", NULL), 2);
    assert_int_equal(openai_answered_elsewhere(&all, "other", NULL), 7);
    assert_int_equal(openai_answered_elsewhere(&all, NULL, NULL), 2);
    arena_fini(&arena);
}

/* Nobody says who has answered: unknown, and no sign of another. */
static void unnamed(void **state)
{
    struct openai_answered a = {.count = 0};
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    answer(&a, "", "", 4);
    assert_null(openai_answered_json(&a, &arena));
    assert_int_equal(openai_answered_elsewhere(&a, "m", NULL), 0);
    answer(&a, "m", "", 1);
    assert_string_equal(openai_answered_json(&a, &arena), "{\"unnamed\":4,\"m\":1}");
    arena_fini(&arena);
}

static void diverted(void **state)
{
    struct openai_answered a = {.count = 0};
    struct gateway via = {.backend = "fallback", .is_diverted = true};
    (void)state;
    openai_answered_add(&a, "m", &via);
    assert_int_equal(openai_answered_elsewhere(&a, "m", NULL), 1);
}

static void too_many(void **state)
{
    struct openai_answered a = {.count = 0};
    struct arena arena;
    char model[OPENAI_MODEL_BYTES], longest[OPENAI_MODEL_BYTES];
    (void)state;
    arena_init(&arena, 1 << 20);
    memset(longest, '\x01', sizeof longest - 1); /* the longest as JSON, too */
    longest[sizeof longest - 1] = '\0';
    for (int i = 0; i < 20; i++) {
        (void)snprintf(model, sizeof model, "%c%.94s", 'a' + i, longest);
        answer(&a, model, "", 1);
    }
    assert_int_equal(a.others, 20 - OPENAI_ANSWERED_MOST);
    assert_int_equal(openai_answered_elsewhere(&a, "m", NULL), 20);
    assert_non_null(strstr(openai_answered_json(&a, &arena), "\"others\":12}"));
    arena_fini(&arena);
}

/* vLLM lists every name of a model, and answers with the first. */
static void served_names(void **state)
{
    struct openai_answered a = {.count = 0};
    json_t *models = json_loads(
        "[{\"id\": \"first\", \"root\": \"/m\"}, {\"id\": \"second\","
        " \"root\": \"/m\"}, {\"id\": \"lora\", \"root\": \"/l\"},"
        " {\"id\": \"no root\"}, 7, null]",
        0, NULL);
    (void)state;
    answer(&a, "first", "", 4);
    assert_int_equal(openai_answered_elsewhere(&a, "second", models), 0);
    assert_int_equal(openai_answered_elsewhere(&a, "lora", models), 4);
    assert_int_equal(openai_answered_elsewhere(&a, "no root", models), 4);
    assert_int_equal(openai_answered_elsewhere(&a, "third", models), 4);
    json_decref(models);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),    cmocka_unit_test(counts),
        cmocka_unit_test(unnamed),  cmocka_unit_test(diverted),
        cmocka_unit_test(too_many), cmocka_unit_test(served_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
