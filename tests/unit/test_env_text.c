#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "journal_fixture.h"
#include "probe/env.h"

struct bench {
    struct buf out;
    struct err e;
};

static int setup(void **state)
{
    static struct bench b;
    buf_init(&b.out, 1 << 16);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    buf_fini(&b->out);
    return 0;
}

static const char *text_of(struct bench *b, const char *json)
{
    buf_clear(&b->out);
    assert_int_equal(env_text(json, &b->out, &b->e), STATUS_OK);
    return buf_cstr(&b->out);
}

/* Nothing is made up where nothing is known. */
static void unknown_is_said(void **state)
{
    const char *text = text_of(*state, "{}");
    journal_fixture_has(text, "Host              unknown\n");
    journal_fixture_has(text, "Memory            unknown, unknown available\n");
    journal_fixture_has(text, "GPU               none found\n");
    journal_fixture_has(text, "Neuron            none found\n");
    journal_fixture_has(text, "EC2               no (DMI does not say Amazon)\n");
    journal_fixture_has(text, "Python            none\n");
    assert_null(strstr(text, "cgroup"));
    assert_null(strstr(text, "null"));
    assert_null(strstr(text, "nan"));
}

static void what_is_known_is_shown(void **state)
{
    const char *text = text_of(
        *state,
        "{\"cpu\":{\"flags\":[\"sse\",\"amx_int8\",\"avx2\"],\"frequency_mhz\":2400,"
        "\"limit_cores\":1.5,\"throttled_s\":3},"
        "\"memory\":{\"total_mb\":16000,\"available_mb\":8250,\"limit_mb\":4000},"
        "\"gpu\":{\"devices\":[{\"index\":0,\"name\":\"A\"},{\"index\":1,\"name\":\"B\","
        "\"memory_total_mb\":24000}],\"driver_version\":\"550\"},"
        "\"neuron\":{\"device_count\":2,\"core_count\":4,\"problem\":\"no driver\"},"
        "\"python_packages\":{\"torch\":\"2.9\",\"x\":null,\"vllm\":\"0.32\"}}");
    journal_fixture_has(text, "of its flags    avx2 amx_int8\n"); /* in our order */
    journal_fixture_has(text, "frequency       2400 MHz\n");
    journal_fixture_has(text, "limited to 1.50 cores, throttled for 3.0 s so far");
    journal_fixture_has(text, "Memory            16.0 GB, 8.2 GB available\n");
    journal_fixture_has(text, "cgroup          limited to 4.0 GB\n");
    journal_fixture_has(text, "GPU               0: A, unknown, unknown used\n");
    journal_fixture_has(text, "                  1: B, 24.0 GB, unknown used\n");
    journal_fixture_has(text, "driver          550, CUDA unknown (from unknown)\n");
    journal_fixture_has(text, "2 x device, 4 cores, unknown (from unknown)\n");
    journal_fixture_has(text, "problem         no driver\n");
    journal_fixture_has(text,
                        "Python            torch 2.9\n                  vllm 0.32\n");
}

/* A problem stands in the place of devices, if there are none. */
static void a_problem_is_told(void **state)
{
    const char *text = text_of(*state, "{\"gpu\":{\"devices\":[],\"problem\":\"lost\"},"
                                       "\"instance\":{\"problem\":\"no answer\"}}");
    journal_fixture_has(text, "GPU               lost\n");
    assert_null(strstr(text, "driver"));
    journal_fixture_has(text, "EC2               unknown, unknown, unknown, unknown\n"
                              "  problem         no answer\n");
}

static void lines_fold_at_blanks(void **state)
{
#define FOUR_WORDS "ten-bytes. ten-bytes. ten-bytes. ten-bytes. "
    const char *text = text_of(*state,
                               "{\"tool\":\"" FOUR_WORDS FOUR_WORDS FOUR_WORDS "\"}");
    const char *tool = strstr(text, "Tool ");
    assert_non_null(tool);
    assert_int_equal(strcspn(tool, "\n"), 18 + 5 * 11 - 1); /* a sixth makes 83 */
    const char *next = tool + strcspn(tool, "\n") + 1;
    assert_int_equal(strspn(next, " "), 18);
    assert_int_equal(strcspn(next, "\n"), 18 + 5 * 11 - 1);
}

static void failures_are_told(void **state)
{
    struct bench *b = *state;
    assert_int_equal(env_text("{", &b->out, &b->e), STATUS_BAD_INPUT);
    assert_int_equal(b->out.len, 0);
    mem_fail_at(1);
    assert_int_equal(env_text("{}", &b->out, &b->e), STATUS_NO_MEMORY);
    mem_fail_at(0);
    assert_int_equal(b->e.code, STATUS_NO_MEMORY);
    buf_fini(&b->out);
    buf_init(&b->out, 100);
    assert_int_equal(env_text("{}", &b->out, &b->e), STATUS_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unknown_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_known_is_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(a_problem_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_fold_at_blanks, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_are_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
