#include "engines/given.h"
#include "engines/vllm_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

#define WORDS_MAX 24

extern char **environ;

struct bench {
    struct arena arena;
    char **environ_before;
    char *variables[8];
    const char *pairs[WORDS_MAX], *words[WORDS_MAX];
    struct engine_settings settings;
    struct vllm_settings own;
};

static int set_up(void **state)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    arena_init(&b.arena, 1 << 20);
    b.settings.own = &b.own;
    b.environ_before = environ;
    environ = b.variables; /* none */
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    environ = b->environ_before;
    arena_fini(&b->arena);
    return 0;
}

/* "a b c" as words. */
static void split(struct bench *b, const char *text, const char **items,
                  struct opt_strings *out)
{
    *out = (struct opt_strings){.items = items};
    for (struct str rest = str_from(text); rest.len > 0;) {
        assert_true(out->count < WORDS_MAX);
        items[out->count++] = arena_str(&b->arena, str_cut(&rest, ' '));
    }
}

static const char *given(struct bench *b, const char *pairs, const char *words)
{
    split(b, pairs, b->pairs, &b->own.engine_args);
    split(b, words, b->words, &b->settings.rest);
    const char *text = given_list(&b->settings, &b->arena);
    assert_non_null(text);
    return text;
}

static void test_options(void **state)
{
    struct bench *b = *state;
    assert_string_equal(given(b, NULL, NULL), "[\"seed=0\"]");
    b->own = (struct vllm_settings){.dtype = "bfloat16",
                                    .load_format = "dummy",
                                    .max_num_batched_tokens = 8192,
                                    .gpu_memory_utilization = 0.9};
    b->settings = (struct engine_settings){.max_model_len = 1024,
                                           .max_num_seqs = 256,
                                           .own = &b->own,
                                           .seed = 7,
                                           .model = "m",
                                           .enable_prefix_caching = true};
    assert_string_equal(given(b, NULL, NULL),
                        "[\"dtype=bfloat16\",\"gpu_memory_utilization=0.9\","
                        "\"load_format=dummy\",\"max_model_len=1024\","
                        "\"max_num_batched_tokens=8192\",\"max_num_seqs=256\","
                        "\"seed=7\"]");
}

/* However it is spelled, and wherever. */
static void test_one_meaning(void **state)
{
    static const struct {
        const char *pairs, *words, *want;
    } cases[] = {
        {"kv_cache_dtype=fp8", NULL, "kv_cache_dtype=fp8"},
        {"kv-cache-dtype=fp8", NULL, "kv_cache_dtype=fp8"},
        {NULL, "--kv-cache-dtype fp8", "kv_cache_dtype=fp8"},
        {NULL, "--kv_cache_dtype=fp8", "kv_cache_dtype=fp8"},
        {"kv_cache_dtype=auto", "--kv-cache-dtype fp8", "kv_cache_dtype=fp8"},
        {NULL, "--kv-cache-dtype auto --kv-cache-dtype fp8", "kv_cache_dtype=fp8"},
        {NULL, "--enforce-eager", "enforce_eager=true"},
        {NULL, "--enforce_eager=True", "enforce_eager=true"},
        {"enforce_eager=true", NULL, "enforce_eager=true"},
        {"enforce_eager", NULL, "enforce_eager=true"},
        {NULL, "--no-enforce-eager", "enforce_eager=false"},
        {"enforce-eager=False", NULL, "enforce_eager=false"},
        {NULL, "--gpu-memory-utilization .80", "gpu_memory_utilization=0.8"},
        {"gpu_memory_utilization=0.8", NULL, "gpu_memory_utilization=0.8"},
        {NULL, "-tp 2", "tensor_parallel_size=2"},
        {NULL, "--tensor-parallel-size=2", "tensor_parallel_size=2"},
        {NULL, "-O3", "optimization_level=3"},
        {NULL, "-O 3", "optimization_level=3"},
        {NULL, "--max-model-len 4k", "max_model_len=4000"},
        {NULL, "--max-model-len 4K", "max_model_len=4096"},
        {"max_model_len=4096", NULL, "max_model_len=4096"},
        {NULL, "--swap-space -1", "swap_space=-1"},
        {NULL, "--middleware a b", "middleware=a b"},
        {NULL,
         "--speculative-config {\"num_speculative_tokens\":4.0,\"method\":\"ngram\"}",
         "speculative_config={\\\"method\\\":\\\"ngram\\\","
         "\\\"num_speculative_tokens\\\":4}"},
        {NULL,
         "--speculative-config.method ngram "
         "--speculative_config.num_speculative_tokens=4",
         "speculative_config={\\\"method\\\":\\\"ngram\\\","
         "\\\"num_speculative_tokens\\\":4}"},
        {"speculative_config={\"method\":\"ngram\"}",
         "--speculative-config.num_speculative_tokens 4",
         "speculative_config={\\\"method\\\":\\\"ngram\\\","
         "\\\"num_speculative_tokens\\\":4}"},
        {NULL, "--compilation-config.pass_config.x true",
         "compilation_config={\\\"pass_config\\\":{\\\"x\\\":true}}"},
        {NULL, "--hf-token hush", "hf_token=***"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = given(b, cases[i].pairs, cases[i].words);
        const char *want = arena_printf(&b->arena, "\"%s\"", cases[i].want);
        if (strstr(text, want) == NULL)
            fail_msg("%s %s: %s, not %s", cases[i].pairs, cases[i].words, text, want);
    }
}

static void test_left_out(void **state)
{
    struct bench *b = *state;
    assert_string_equal(
        given(b, "enable_prefix_caching=true model=/m",
              "--port 8000 --host=h --download-dir /x --uvicorn-log-level "
              "info --disable-log-requests --ssl-keyfile k --max-logprobs "
              "3 --no-enable-prefix-caching --api-key hush"),
        "[\"max_logprobs=3\",\"seed=0\"]");
}

static void test_variables(void **state)
{
    struct bench *b = *state;
    char *all[] = {"VLLM_ATTENTION_BACKEND=FLASHINFER",
                   "PATH=/bin",
                   "VLLM_CACHE_ROOT=/x",
                   "OMP_NUM_THREADS=4",
                   "ROW=1",
                   NULL};
    memcpy(b->variables, all, sizeof all);
    assert_string_equal(given(b, NULL, NULL),
                        "[\"OMP_NUM_THREADS=4\",\"VLLM_ATTENTION_BACKEND=FLASHINFER\","
                        "\"seed=0\"]");
}

/* Words that are no text, and words that no option takes. */
static void test_odd_words(void **state)
{
    struct bench *b = *state;
    assert_string_equal(given(b, NULL, "stray --a \xff"),
                        "[\"a=\xef\xbf\xbd\",\"seed=0\",\"words=stray\"]");
}

static void test_command(void **state)
{
    struct bench *b = *state;
    const char *words[] = {"/opt/bin/python3",
                           "-m",
                           "sglang.launch_server",
                           "--port",
                           "{port}",
                           "--model-path",
                           "{model}",
                           "--mem-fraction-static",
                           "0.80",
                           "--disable-radix-cache"};
    const char *server[] = {"./llama-server", "x", "-c", "4096"};
    assert_string_equal(
        given_command(words, sizeof words / sizeof *words, &b->arena),
        "[\"command=python3\",\"disable_radix_cache=true\",\"m=sglang.launch_server\","
        "\"mem_fraction_static=0.8\",\"model_path={model}\"]");
    assert_string_equal(given_command(server, 4, &b->arena),
                        "[\"c=4096\",\"command=llama-server x\"]");
}

static void test_no_memory(void **state)
{
    struct bench *b = *state;
    const char *text = NULL;
    split(b, "a=1", b->pairs, &b->own.engine_args);
    split(b, "--b.c 2 --d", b->words, &b->settings.rest);
    for (size_t cap = 0; text == NULL; cap += 8) {
        struct arena a;
        arena_init(&a, cap);
        text = given_list(&b->settings, &a);
        if (text != NULL)
            assert_string_equal(text,
                                "[\"a=1\",\"b={\\\"c\\\":2}\",\"d=true\",\"seed=0\"]");
        assert_true(cap < (1 << 14));
        arena_fini(&a);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_options),   TEST(test_one_meaning), TEST(test_left_out),
        TEST(test_variables), TEST(test_odd_words),   TEST(test_command),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
