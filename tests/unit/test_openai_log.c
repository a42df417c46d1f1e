/* openai_log.c: the cause out of logs as vLLM's server writes them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engines/openai_log.h"

static struct arena arena;

static int make(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void check(const char *log, const char *type, const char *text)
{
    struct openai_log_cause c;
    assert_true(openai_log_cause(str_from(log), &arena, &c));
    assert_string_equal(c.type, type);
    assert_string_equal(c.text, text);
}

static void the_root_cause_not_its_echo(void **state)
{
    (void)state;
    check(
        "(EngineCore pid=7) ERROR 11-24 [core.py:1] Traceback (most recent call last):\n"
        "(EngineCore pid=7) ERROR 11-24 [core.py:1] ValueError: To serve at least one\n"
        "(APIServer pid=3) RuntimeError: Engine core initialization failed. See root\n",
        "ValueError", "To serve at least one");
    check("(APIServer pid=3) vllm.v1.engine.exceptions.EngineDeadError: EngineCore "
          "encountered an issue. See stack trace.\n",
          "EngineDeadError", "EngineCore encountered an issue. See stack trace.");
}

static void the_last_of_several(void **state)
{
    (void)state;
    check("KeyError: 'a'\ntorch.OutOfMemoryError: CUDA out of memory.\n",
          "OutOfMemoryError", "CUDA out of memory.");
}

static void a_headline_takes_the_line_behind_it(void **state)
{
    (void)state;
    check("(APIServer pid=3) pydantic_core._pydantic_core.ValidationError: 1 validation "
          "error for ModelConfig\n(APIServer pid=3)   Value error, User-specified "
          "max_model_len (9) is greater\n",
          "ValidationError",
          "1 validation error for ModelConfig Value error, User-specified max_model_len "
          "(9) is greater");
}

static void a_refused_command_line(void **state)
{
    (void)state;
    check(
        "usage: api_server.py [-h]\napi_server.py: error: unrecognized arguments: --x\n",
        "BadArgument", "unrecognized arguments: --x");
}

static void no_cause(void **state)
{
    (void)state;
    struct openai_log_cause c;
    static const char *const logs[] = {"",
                                       "INFO: Started server process [3]\n",
                                       "note: no Error here\n",
                                       "SomeError:\n",
                                       "error: lower case\n",
                                       "(unclosed ValueError\n"};
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++)
        assert_false(openai_log_cause(str_from(logs[i]), &arena, &c));
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_root_cause_not_its_echo),
        cmocka_unit_test(the_last_of_several),
        cmocka_unit_test(a_headline_takes_the_line_behind_it),
        cmocka_unit_test(a_refused_command_line),
        cmocka_unit_test(no_cause),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
