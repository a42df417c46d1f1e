/* openai_log.c: numbers out of logs as vLLM's server writes them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engines/openai_log.h"

static double number(const char *log)
{
    return openai_log_number(str_from(log), "Model loading took ", "GiB");
}

static void numbers(void **state)
{
    (void)state;
    assert_true(number("x Model loading took 1.12 GiB memory\n") == 1.12);
    assert_true(number("Model loading took 1GiB\nModel loading took 2.5 GiB") == 2.5);
    assert_true(isnan(number("Model loading took 3 seconds")));
    assert_true(isnan(number("Model loading took ")));
    assert_true(isnan(number("")));
}

/* As vLLM 0.32 prints them on a CPU. */
static const char started[] =
    "(EngineCore pid=1) INFO [core.py:133] Initializing a V1 LLM engine (v0.32.0) with "
    "config: model='/m', dtype=torch.float32, max_seq_len=2048, load_format=dummy, "
    "tensor_parallel_size=2, pipeline_parallel_size=3, data_parallel_size=1, "
    "quantization=None, quantization_config=None, enforce_eager=True, "
    "kv_cache_dtype=auto\n"
    "INFO [scheduler.py:307] Chunked prefill is enabled with "
    "max_num_batched_tokens=8192.\n"
    "INFO [kv_cache_utils.py:2327] CPU KV cache size: 32,768 tokens, Maximum concurrency "
    "for 2,048 tokens per request: 16.00x\n";

static struct arena arena;

static struct row told(const char *log)
{
    struct row f = {0};
    openai_log_settings(str_from(log), &arena, &f);
    return f;
}

static void settings(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    struct row f = told(started);
    assert_true(field_is_true(&f, FIELD_enforce_eager));
    assert_string_equal(field_str(&f, FIELD_quantization), "none");
    assert_string_equal(field_str(&f, FIELD_weights), "dummy");
    assert_int_equal(f.v[FIELD_tensor_parallel_size].i, 2);
    assert_int_equal(f.v[FIELD_devices].i, 6);
    assert_int_equal(f.v[FIELD_max_num_batched_tokens].i, 8192);
    assert_int_equal(f.v[FIELD_kv_cache_tokens].i, 32768);
    f.v[FIELD_weights] = value_str("real"); /* read back: stays */
    openai_log_settings(str_from(started), &arena, &f);
    assert_string_equal(field_str(&f, FIELD_weights), "real");
    f = told(", quantization=awq, enforce_eager=False, load_format=auto)");
    assert_string_equal(field_str(&f, FIELD_quantization), "awq");
    assert_string_equal(field_str(&f, FIELD_weights), "real");
    assert_int_equal(f.v[FIELD_enforce_eager].kind, VALUE_BOOL);
    assert_int_equal(f.v[FIELD_devices].kind, VALUE_ABSENT);
    arena_fini(&arena);
}

/* Cut short, or what no vLLM writes: unknown. */
static void no_settings(void **state)
{
    (void)state;
    static const char *const logs[] = {
        "",
        "KV cache size: ",
        "KV cache size: tokens",
        ", enforce_eager=",
        ", quantization=",
        ", enforce_eager=maybe, x",
        "KV cache size: 99999999999999999999 tokens",
        ", load_format=",
        "max_num_batched_tokens=-",
        (", tensor_parallel_size=99999, pipeline_parallel_size=99999, "
         "data_parallel_size=9")};
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        struct row f = told(logs[i]);
        f.v[FIELD_tensor_parallel_size].kind = VALUE_ABSENT;
        for (size_t k = 0; k < FIELD_COUNT; k++)
            if (value_is_known(f.v[k]))
                fail_msg("%s: %s", logs[i], field_table[k].name);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers),
                                       cmocka_unit_test(settings),
                                       cmocka_unit_test(no_settings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
