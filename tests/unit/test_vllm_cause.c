/* vllm_cause.c: the cause out of logs as vLLM and its libraries write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engines/vllm_cause.h"

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
    struct vllm_cause c;
    assert_true(vllm_cause_find(str_from(log), &arena, &c));
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
    check(
        "(APIServer pid=3) pydantic_core._pydantic_core.ValidationError: 1 validation "
        "error for ModelConfig\n(APIServer pid=3)   Value error, User-specified "
        "max_model_len (9) is greater\n",
        "ValidationError",
        "1 validation error for ModelConfig\n  Value error, User-specified max_model_len "
        "(9) is greater");
}

static void a_refused_command_line(void **state)
{
    (void)state;
    check(
        "usage: api_server.py [-h]\napi_server.py: error: unrecognized arguments: --x\n",
        "BadArgument", "unrecognized arguments: --x");
    check("usage: main.py serve [model_tag]\n                     [--host HOST]\n"
          "main.py: error: unrecognized arguments: --x\n",
          "BadArgument", "unrecognized arguments: --x");
}

/* Behind a line of code any name is an error's; without words, the code says what. */
static void any_spelling(void **state)
{
    (void)state;
    check("Traceback (most recent call last):\n"
          "  File \"/x/vllm/utils.py\", line 176, in get_ip\n"
          "    s.connect((\"dns.google\", 80))\n"
          "socket.gaierror: [Errno -3] Temporary failure in name resolution\n",
          "gaierror", "[Errno -3] Temporary failure in name resolution");
    check("(EngineCore pid=1) ERROR 11-30 12:00:00 [core.py:708] Traceback (most recent "
          "call last):\n"
          "(EngineCore pid=1) ERROR 11-30 12:00:00 [core.py:708]   File \"x\", line 3\n"
          "(EngineCore pid=1) ERROR 11-30 12:00:00 [core.py:708]     assert n % tp == 0\n"
          "(EngineCore pid=1) ERROR 11-30 12:00:00 [core.py:708]            ^^^^^^^^^^^\n"
          "(EngineCore pid=1) ERROR 11-30 12:00:00 [core.py:708] AssertionError\n",
          "AssertionError", "assert n % tp == 0");
    check("[rank0]:     raise x\n[rank0]: triton.runtime.errors.OutOfResources: out of "
          "resource: shared memory, Required: 1, Hardware limit: 2.\n",
          "OutOfResources",
          "out of resource: shared memory, Required: 1, Hardware limit: 2.");
    check("INFO 11-30 [x.py:1] SomeError: harmless\n"
          "WARNING 11-30 [x.py:1] ImportError: harmless too\n"
          "h:1:2 [0] NCCL WARN Cuda failure 'out of memory'\n",
          "NCCL", "Cuda failure 'out of memory'");
    check(
        "2024-Dec-11 17:43:58.780308 45075:45075 ERROR   NRT:nrt_allocate_neuron_cores   "
        "  Virtual Neuron Core(s) not available - Requested:2\n"
        "RuntimeError: The PyTorch Neuron Runtime could not be initialized. Neuron "
        "Driver issues are logged to your system logs.\n",
        "NRT",
        "nrt_allocate_neuron_cores     Virtual Neuron Core(s) not available - "
        "Requested:2");
    check("terminate called after throwing an instance of 'c10::Error'\n"
          "  what():  CUDA error: an illegal memory access was encountered\n",
          "abort", "CUDA error: an illegal memory access was encountered");
    check("error: unexpected argument '--nope' found\n\nUsage: vllm-rs serve\n",
          "BadArgument", "error: unexpected argument '--nope' found");
}

static void a_signal_is_told_as_a_negative_number(void **state)
{
    (void)state;
    assert_int_equal(
        vllm_cause_signal("Engine core initialization failed. See root cause "
                          "above. Failed core proc(s): {'EngineCore': -11}"),
        11);
    assert_int_equal(vllm_cause_signal("Failed core proc(s): {'EngineCore': 1}"), 0);
    assert_int_equal(vllm_cause_signal("x: -9"), 0);
    assert_int_equal(vllm_cause_signal(NULL), 0);
}

static void no_cause(void **state)
{
    (void)state;
    struct vllm_cause c;
    static const char *const logs[] = {"",
                                       "INFO: Started server process [3]\n",
                                       "note: no Error here\n",
                                       "SomeError:\n",
                                       "error: lower case\n",
                                       "(unclosed ValueError\n"};
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++)
        assert_false(vllm_cause_find(str_from(logs[i]), &arena, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_root_cause_not_its_echo),
        cmocka_unit_test(the_last_of_several),
        cmocka_unit_test(a_headline_takes_the_line_behind_it),
        cmocka_unit_test(a_refused_command_line),
        cmocka_unit_test(any_spelling),
        cmocka_unit_test(a_signal_is_told_as_a_negative_number),
        cmocka_unit_test(no_cause),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
