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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
