#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "run_fixture.h"

static void the_plan_is_shown(void **state)
{
    struct run_fixture *f = *state;
    struct buf out;
    char words[320], yaml[128];
    snprintf(yaml, sizeof yaml, "%s/own.yaml", f->fx.dir);
    journal_fixture_put(yaml, str_from("- name: faq\n  prompts: [why, how]\n"
                                       "  max_tokens: 9\n"));
    snprintf(words, sizeof words,
             "--scenario-file %s --scenarios faq prefix_caching --batch-sizes 1 4 "
             "--num-runs 2 --test-prefix-caching",
             yaml);
    run_fixture_ok(f, words);
    buf_init(&out, 1 << 20);
    assert_int_equal(run_plan_text(&f->run, &out, &f->e), STATUS_OK);
    const char *text = buf_cstr(&out);
    journal_fixture_has(text, "Plan of Qwen/Qwen3-0.6B on engine null");
    journal_fixture_has(text, "2 texts");
    journal_fixture_has(text, "(1024 shared)");
    journal_fixture_has(text, "8 cells x 2 repeats (repeat 0 is the warm-up):\n"
                              "40 requests, at most 2740 output tokens");
    journal_fixture_has(text, "\norder: which prefix-caching setting runs first is "
                              "drawn at the start\n");
    journal_fixture_has(text, "time: unknown");
    journal_fixture_has(text, f->run.plan.sha256);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80);
    buf_fini(&out);
}

static void the_plan_may_be_too_long(void **state)
{
    struct run_fixture *f = *state;
    struct buf out;
    run_fixture_ok(f, "");
    buf_init(&out, 64);
    assert_int_equal(run_plan_text(&f->run, &out, &f->e), STATUS_TOO_BIG);
    buf_fini(&out);
    buf_init(&out, 1 << 20);
    mem_fail_at(1);
    assert_int_equal(run_plan_text(&f->run, &out, &f->e), STATUS_NO_MEMORY);
    mem_fail_at(0);
    buf_fini(&out);
}

#define ROW                                                   \
    "\"model_name\":\"Qwen/Qwen3-0.6B\",\"engine\":\"null\"," \
    "\"scenario\":\"short\",\"instance_type\":\"g5.xlarge\"," \
    "\"batch_size\":1,\"enable_prefix_caching\":false,\"max_output_tokens\":128,"

static void put_results(struct run_fixture *f, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", f->fx.dir, name);
    journal_fixture_put(path, str_from(text));
}

/* The mean of a cell's earlier rows, times the repeats; files of other tools do no
 * harm. */
static void time_comes_from_earlier_results(void **state)
{
    struct run_fixture *f = *state;
    static const char words[] = "--scenarios short --batch-sizes 1 --num-runs 4";
    run_fixture_ok(f, words);
    assert_true(isnan(f->mode->estimate_s(&f->run)));
    put_results(f, "offline_results_1.json",
                "{\"results\":[{" ROW "\"total_time\":2.0},{" ROW
                "\"total_time\":4.0},{" ROW "\"total_time\":null}]}");
    put_results(f, "offline_results_2.json", "{ broken");
    put_results(f, "offline_results_3.json", "{\"results\":[7,{\"total_time\":1}]}");
    put_results(f, "merged.json", "{\"results\":[{" ROW "\"total_time\":999}]}");
    assert_true(f->mode->estimate_s(&f->run) == 12.0);
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(run_plan_text(&f->run, &out, &f->e), STATUS_OK);
    journal_fixture_has(buf_cstr(&out), "time: about 12 s plus loading");
    buf_fini(&out);
}

static void only_the_same_cell_counts(void **state)
{
    struct run_fixture *f = *state;
    static const struct {
        const char *words;
        bool is_known;
    } cases[] = {{"", true},
                 {"--instance-type g5.xlarge", true},
                 {"--instance-type inf2.xlarge", false},
                 {"--batch-sizes 4", false},
                 {"--batch-sizes 1 4", false},
                 {"--max-tokens 64", false},
                 {"--enable-prefix-caching", false},
                 {"--test-prefix-caching", false},
                 {"--scenarios medium", false},
                 {"--model other", false},
                 {"--model other --model-name Qwen/Qwen3-0.6B", true},
                 {"--engine vllm", false}};
    put_results(f, "offline_results_1.json",
                "{\"results\":[{" ROW "\"total_time\":2.0}]}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[200];
        bool has_sizes = strstr(cases[i].words, "--batch-sizes") != NULL;
        bool has_names = strstr(cases[i].words, "--scenarios") != NULL;
        snprintf(words, sizeof words, "%s %s %s", has_names ? "" : "--scenarios short",
                 has_sizes ? "" : "--batch-sizes 1", cases[i].words);
        run_fixture_ok(f, words);
        double s = f->mode->estimate_s(&f->run);
        if (cases[i].is_known ? s != 6.0 : !isnan(s))
            fail_msg("%s: %g s", words, s);
    }
}

int main(void)
{
#define TEST(name)                                                    \
    cmocka_unit_test_setup_teardown(name, run_fixture_set_up_offline, \
                                    run_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_plan_is_shown),
        TEST(the_plan_may_be_too_long),
        TEST(time_comes_from_earlier_results),
        TEST(only_the_same_cell_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
