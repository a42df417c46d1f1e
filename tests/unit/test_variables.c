#include "probe/variables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "probe_fixture.h"

extern char **environ;

static void write_them(const void *facts, struct jsonw *w)
{
    struct arena a;
    (void)facts;
    arena_init(&a, 1 << 20);
    variables_write(w, "variables", &a);
    arena_fini(&a);
}

static int clean(void **state)
{
    (void)state;
    setenv("VLLM_B", "2", 1);
    setenv("VLLM_A", "1", 1);
    setenv("VLLM_API_KEY", "hush", 1);
    setenv("VLLMX", "no", 1);
    setenv("LD_PRELOADED", "no", 1);
    setenv("NEURON_CC_FLAGS", "-O1", 1);
    unsetenv("HF_HOME");
    setenv("HF_ENDPOINT", "https://joe:hush@hub.example/x", 1);
    return 0;
}

static void those_that_count_are_there(void **state)
{
    (void)state;
    json_t *top = probe_fixture_object(write_them, NULL);
    json_t *all = json_object_get(top, "variables");
    assert_string_equal(json_str_of(all, "VLLM_A"), "1");
    assert_string_equal(json_str_of(all, "NEURON_CC_FLAGS"), "-O1");
    assert_true(json_is_null(json_object_get(all, "HF_HOME")));
    assert_null(json_object_get(all, "VLLMX"));
    assert_null(json_object_get(all, "LD_PRELOADED"));
    assert_null(json_object_get(all, "PATH"));
    assert_non_null(json_object_get(all, "VLLM_API_KEY"));
    char *text = json_dumps(top, 0);
    assert_null(strstr(text, "hush"));
    assert_non_null(strstr(text, "hub.example"));
    assert_true(strstr(text, "\"VLLM_A\"") < strstr(text, "\"VLLM_B\""));
    const char *first = strstr(text, "\"NEURON_CC_FLAGS\"");
    assert_null(strstr(first + 1, "\"NEURON_CC_FLAGS\"")); /* not of its family again */
    free(text);
    json_decref(top);
}

/* Places, logging and downloads change no engine. */
static void those_of_an_engine(void **state)
{
    static char *const all[] = {"VLLM_B=2",
                                "VLLM_A=True",
                                "VLLM_API_KEY=hush",
                                "VLLM_SECRET_SAUCE=hush",
                                "VLLM_LOGGING_LEVEL=DEBUG",
                                "VLLM_HOST_IP=10.0.0.1",
                                "VLLM_PORT=9",
                                "VLLM_CONFIG_ROOT=x",
                                "VLLM_ENABLE_V1_MULTIPROCESSING=0",
                                "VLLM_USE_MODELSCOPE=1",
                                "VLLM_PLUGINS=/opt/p",
                                "NCCL_DEBUG=INFO",
                                "NEURON_COMPILE_CACHE_URL=s3://b/c",
                                "NEURON_COMPILED_ARTIFACTS=/x",
                                "NEURON_RT_LOG_LEVEL=INFO",
                                "NEURON_RT_VISIBLE_CORES=0-1",
                                "NEURON_CC_FLAGS= --optlevel=2  --cache_dir=/x -O1",
                                "CUDA_VISIBLE_DEVICES=",
                                "OMP_NUM_THREADS=04",
                                "LD_PRELOAD=/usr/lib/x86/libtcmalloc.so.4:libjemalloc.so",
                                "HF_HOME=/x",
                                "HF_ENDPOINT=https://hub.example",
                                "INFERBENCH_PYTHON=python3",
                                "PATH=/bin",
                                "odd",
                                NULL};
    static const char *const want[] = {"CUDA_VISIBLE_DEVICES=",
                                       "LD_PRELOAD=libtcmalloc.so.4:libjemalloc.so",
                                       "NEURON_CC_FLAGS=--optlevel=2 -O1",
                                       "NEURON_RT_VISIBLE_CORES=0-1",
                                       "OMP_NUM_THREADS=4",
                                       "VLLM_A=true",
                                       "VLLM_B=2",
                                       "VLLM_SECRET_SAUCE=***"};
    char **before = environ;
    struct opt_strings out;
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    environ = (char **)all;
    assert_true(variables_engine(&a, &out));
    for (size_t i = 0; i < out.count && i < sizeof want / sizeof *want; i++)
        assert_string_equal(out.items[i], want[i]);
    assert_int_equal(out.count, sizeof want / sizeof *want);
    bool is_made = false;
    for (size_t cap = 0; !is_made; cap += 64) {
        struct arena small;
        arena_init(&small, cap);
        is_made = variables_engine(&small, &out);
        assert_true(cap < (1 << 14));
        arena_fini(&small);
    }
    environ = before;
    arena_fini(&a);
}

static void without_memory_those_of_every_file_remain(void **state)
{
    (void)state;
    struct buf text;
    struct jsonw w;
    struct arena a;
    unsetenv("HF_ENDPOINT");
    buf_init(&text, 1 << 16);
    assert_int_equal(buf_text(&text, " "), STATUS_OK);
    arena_init(&a, 1); /* not one name fits */
    jsonw_init(&w, &text, 0);
    variables_write(&w, NULL, &a);
    arena_fini(&a);
    assert_int_equal(text.failed, STATUS_OK);
    assert_non_null(strstr(buf_cstr(&text), "\"HF_HOME\":null"));
    assert_null(strstr(buf_cstr(&text), "VLLM_A\""));
    assert_int_equal(buf_cstr(&text)[text.len - 1], '}');
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(those_that_count_are_there, clean),
        cmocka_unit_test(those_of_an_engine),
        cmocka_unit_test_setup(without_memory_those_of_every_file_remain, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
