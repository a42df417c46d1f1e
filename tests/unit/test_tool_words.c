#include "probe/tool_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

static char out[TOOL_WORDS_BYTES];

static const char *say(const char *said)
{
    tool_words_say("nvidia-smi", "ended with exit status 18", str_from(said), out,
                   sizeof out);
    return out;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

/* The line, who said it and how it ended, then what to do. */
static void the_first_line_and_its_cure(void **state)
{
    (void)state;
    say("\n  \nFailed to initialize NVML: Driver/library version mismatch.\nmore\n");
    has(out,
        "Failed to initialize NVML: Driver/library version mismatch (nvidia-smi ended "
        "with exit status 18). An update has replaced the driver's library");
    assert_null(strstr(out, "more"));
}

static void what_nobody_knows(void **state)
{
    (void)state;
    assert_string_equal(say("strange\n"), "strange (nvidia-smi ended with exit status "
                                          "18). Run nvidia-smi to see more");
    assert_string_equal(say("..."), "nvidia-smi ended with exit status 18. Run "
                                    "nvidia-smi to see more");
    assert_string_equal(say(""), "nvidia-smi ended with exit status 18. Run nvidia-smi "
                                 "to see more");
}

/* The most particular words decide, wherever they stand and however they are written. */
static void cures(void **state)
{
    static const char *const cases[][2] = {
        {"NVIDIA-SMI has failed because it couldn't COMMUNICATE WITH THE NVIDIA DRIVER",
         "modprobe nvidia"},
        {"Failed to initialize NVML: Driver Not Loaded", "modprobe nvidia"},
        {"Failed to initialize NVML: Unknown Error", "--gpus all"},
        {"x\nGPU 0000:00:1E.0 has fallen off the bus", "Xid in dmesg"},
        {"No devices were found", "lspci"},
        {"libnvidia-ml.so.1: not found", "library is missing"},
        {"error: no neuron device found in /dev/neuron0", "modprobe neuron"},
        {"open /dev/neuron0: Permission denied", "access to /dev/neuron*"},
        {"open /dev/x: Permission denied", "files in /dev"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *cure = tool_words_cure(str_from(cases[i][0]));
        assert_non_null(cure);
        has(cure, cases[i][1]);
    }
    assert_null(tool_words_cure(str_from("all is well")));
    assert_null(tool_words_cure(str_from("")));
}

/* However long a line is, the cure stays; the text ends within its room. */
static void long_lines(void **state)
{
    char line[1000], small[32];
    (void)state;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy(line + 900, "Driver Not Loaded", 17);
    has(say(line), "modprobe nvidia");
    tool_words_say("nvidia-smi", "ended", str_from("Driver Not Loaded"), small,
                   sizeof small);
    assert_int_equal(strlen(small), sizeof small - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_and_its_cure),
        cmocka_unit_test(what_nobody_knows),
        cmocka_unit_test(cures),
        cmocka_unit_test(long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
