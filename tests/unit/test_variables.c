#include "probe/variables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "probe_fixture.h"

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
        cmocka_unit_test_setup(without_memory_those_of_every_file_remain, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
