/* vllm_words.c: what is kept of a third party's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engines/vllm_words.h"

static void check(const char *text, const char *expected)
{
    char out[331];
    vllm_words_cut(text, out, sizeof out);
    assert_string_equal(out, expected);
}

static void what_tells_nothing_is_dropped(void **state)
{
    (void)state;
    check("1 validation error for ModelConfig\n  Value error, The repository /data/m "
          "contains custom code. You can inspect the repository content at /data/m .\n"
          "Please pass the argument `trust_remote_code=True`. [type=value_error, "
          "input_value=1]\n    For further information visit https://errors.pydantic.dev",
          "The repository /data/m contains custom code. Please pass the argument "
          "`trust_remote_code=True`.");
    check("1 validation error for X\nmax_num_seqs\n  Input should be greater than 0 "
          "[type=greater_than]",
          "max_num_seqs Input should be greater than 0");
    check("Failed compilation with ['neuronx-cc', '--target=trn1', '/tmp/x.pb']: "
          "2023-09-19T09:36:54Z Too many instructions !",
          "Failed compilation with neuronx-cc: Too many instructions !");
    check("Model architectures ['NewModel'] are not supported",
          "Model architectures ['NewModel'] are not supported");
    check(
        "CppCompileError: C++ compile error\n\nCommand:\ng++ -o x\n\nOutput:\nPython.h: "
        "No such file",
        "CppCompileError: C++ compile error Python.h: No such file");
    check("Engine core initialization failed. See root cause above.",
          "Engine core initialization failed.");
    check("404 Client Error. (Request ID: Root=1-a;b)\n\nRepository Not Found.",
          "404 Client Error. Repository Not Found.");
    check("Worker failed with error 'CUDA out of memory. Tried 2 GiB.', please check the "
          "stack trace above for the root cause",
          "CUDA out of memory. Tried 2 GiB.");
    check("", "");
}

/* The cure stands at the end of a text that is too long: it is kept. */
static void the_cure_is_kept(void **state)
{
    (void)state;
    char text[3000];
    int n = snprintf(text, sizeof text, "The cause is this.");
    for (int i = 0; i < 40; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, " Here is a sentence about it.");
    snprintf(text + n, sizeof text - (size_t)n,
             " Please increase max_num_batched_tokens.");
    char out[200];
    vllm_words_cut(text, out, sizeof out);
    assert_memory_equal(out, "The cause is this. ", 19);
    assert_non_null(strstr(out, " ... Please increase max_num_batched_tokens."));
    assert_true(strlen(out) < sizeof out);
    memset(text, 'x', 1000);
    snprintf(text + 1000, sizeof text - 1000, ". Try --dtype half.");
    vllm_words_cut(text, out, sizeof out);
    assert_non_null(strstr(out, "xxx ... Try --dtype half."));
}

static void any_size_is_kept_to(void **state)
{
    (void)state;
    char out[400];
    for (size_t size = 1; size < sizeof out; size++) {
        memset(out, 'z', sizeof out);
        vllm_words_cut(
            "One is enough. Two \xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1\xe4\xba\xac "
            "set three. Four words more, and a Fifth.",
            out, size);
        assert_true(strlen(out) < size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_tells_nothing_is_dropped),
        cmocka_unit_test(the_cure_is_kept),
        cmocka_unit_test(any_size_is_kept_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
