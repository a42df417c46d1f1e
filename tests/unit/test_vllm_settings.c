#include "engines/vllm_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void words_behind_the_dashes_win(void **state)
{
    (void)state;
    const char *pairs[] = {"max_model_len=7"};
    const char *after[] = {"--dtype", "half", "--max-model-len=9", "--enforce-eager"};
    struct vllm_settings own = {.engine_args = {pairs, 1}};
    struct engine_settings args = {.own = &own, .max_model_len = 5}, both = args,
                           none = {.max_model_len = 5};
    struct err e;
    both.rest = (struct opt_strings){after, 4};
    assert_string_equal(vllm_settings_word(&args, "max-model-len"), "7");
    assert_string_equal(vllm_settings_word(&both, "max-model-len"), "9");
    assert_string_equal(vllm_settings_word(&both, "dtype"), "half");
    assert_string_equal(vllm_settings_word(&both, "enforce-eager"), "");
    assert_null(vllm_settings_word(&both, "half"));
    assert_int_equal(vllm_settings_settle(&both, &own, &e), STATUS_OK);
    assert_int_equal(both.max_model_len, 9);
    assert_int_equal(vllm_settings_settle(&none, &own, &e), STATUS_OK);
    assert_int_equal(none.max_model_len, 5);
    assert_int_equal(own.max_num_batched_tokens, 8192);
    assert_true(own.gpu_memory_utilization == 0.9);
}

static void what_is_ours_to_set_is_refused(void **state)
{
    (void)state;
    const char *model[] = {"--model", "m"}, *port[] = {"--port=1"};
    struct vllm_settings own = {.python = NULL};
    struct engine_settings s = {.own = &own, .rest = {model, 2}};
    struct err e;
    assert_int_equal(vllm_settings_settle(&s, &own, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.where, "model");
    assert_string_equal(e.hint, "Write --model before the --");
    s.rest = (struct opt_strings){port, 1};
    assert_int_equal(vllm_settings_settle(&s, &own, &e), STATUS_OK);
    assert_int_equal(vllm_settings_settle_server(&s, &own, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.where, "port");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_behind_the_dashes_win),
        cmocka_unit_test(what_is_ours_to_set_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
