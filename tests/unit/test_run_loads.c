/* From a command line to loads and goodput. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "run_fixture.h"

static const struct load *load(struct run_fixture *f, size_t i)
{
    assert_true(i < f->run.plan.options.load_count);
    return &f->run.plan.options.loads[i];
}

static void closed(void **state)
{
    struct run_fixture *f = *state;
    static const int64_t slots[] = {1, 8, 32}, prompts[] = {17, 72, 288};
    run_fixture_ok(f, "");
    assert_int_equal(f->run.plan.options.load_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(load(f, i)->kind, LOAD_CLOSED);
        assert_int_equal(load(f, i)->concurrency, slots[i]);
        assert_int_equal(load(f, i)->num_prompts, prompts[i]);
        assert_true(isnan(load(f, i)->duration_s));
        assert_true(load(f, i)->ramp_up_s == 0);
        assert_int_equal(load(f, i)->max_concurrency, OPT_INT_UNSET);
    }
    run_fixture_ok(f, "--concurrency 4 --num-prompts 5 --ramp-up 2s");
    assert_int_equal(f->run.plan.options.load_count, 1);
    assert_int_equal(load(f, 0)->num_prompts, 5);
    assert_true(load(f, 0)->ramp_up_s == 2);
    run_fixture_ok(f, "--duration 90s");
    assert_int_equal(load(f, 2)->num_prompts, OPT_INT_UNSET);
    assert_true(load(f, 2)->duration_s == 90);
    assert_string_equal(run_fixture_told(f), "");
    run_fixture_ok(f, "--max-concurrency 7");
    assert_int_equal(f->run.plan.options.load_count, 1);
    assert_int_equal(load(f, 0)->kind, LOAD_CLOSED);
    assert_int_equal(load(f, 0)->concurrency, 7);
    assert_int_equal(load(f, 0)->max_concurrency, OPT_INT_UNSET);
    journal_fixture_has(run_fixture_told(f), "means --concurrency 7");
}

static void open_loads(void **state)
{
    struct run_fixture *f = *state;
    run_fixture_ok(f, "--request-rate 0.5 4 inf --max-concurrency 9");
    assert_int_equal(f->run.plan.options.load_count, 3);
    assert_int_equal(load(f, 0)->kind, LOAD_OPEN);
    assert_true(load(f, 0)->rate_rps == 0.5);
    assert_int_equal(load(f, 0)->arrival, LOAD_POISSON);
    assert_int_equal(load(f, 0)->max_concurrency, 9);
    assert_true(isinf(load(f, 2)->rate_rps));
    assert_string_equal(run_fixture_told(f), "");
    run_fixture_ok(f, "--request-rate 4 --arrival gamma --burstiness 0.5 "
                      "--duration 1min --ramp-up 10s");
    assert_int_equal(load(f, 0)->arrival, LOAD_GAMMA);
    assert_true(load(f, 0)->burstiness == 0.5);
    assert_int_equal(load(f, 0)->num_prompts, OPT_INT_UNSET);
    assert_true(load(f, 0)->duration_s == 60 && load(f, 0)->ramp_up_s == 10);
    run_fixture_ok(f, "--request-rate 4 --arrival constant --duration 1min "
                      "--num-prompts 30");
    assert_int_equal(load(f, 0)->arrival, LOAD_CONSTANT);
    assert_int_equal(load(f, 0)->num_prompts, 30);
}

/* What is due in 90 s, longer where answers are, 300 at least. */
static void length_of_an_open_load(void **state)
{
    struct run_fixture *f = *state;
    static const struct {
        const char *words;
        int64_t prompts;
    } cases[] = {
        {"--request-rate 0.5", 300},
        {"--request-rate 20", 1800},
        {"--request-rate 20 --ramp-up 10s", 1900},
        {"--request-rate 20 --max-tokens 64", 1800},
        {"--request-rate 20 --max-tokens 512", 7200},
        {"--request-rate 20 --scenarios short long_generation", 14400},
        {"--request-rate inf", 300},
        {"--request-rate 1e6 --num-runs 2", 10000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_fixture_ok(f, cases[i].words);
        assert_int_equal(load(f, 0)->num_prompts, cases[i].prompts);
    }
}

static void what_does_not_go_together(void **state)
{
    struct run_fixture *f = *state;
    static const char *const cases[][3] = {
        {"--request-rate 1 --concurrency 1", "--request-rate",
         "given with --concurrency"},
        {"--max-concurrency 1 --concurrency 1", "--max-concurrency", "without a rate"},
        {"--arrival constant", "--arrival", "Give --request-rate"},
        {"--request-rate 1 --burstiness 0.5", "--burstiness", "Add --arrival gamma"},
        {"--request-rate 1 --arrival gamma", "--arrival", "Add --burstiness"},
        {"--request-rate 0", "--request-rate", "out of range"},
        {"--duration 0", "--duration", "out of range"},
        {"--duration 60", "--duration", "a time with its unit"},
        {"--request-rate inf --duration 1s", "--request-rate", "--num-prompts"},
        {"--request-rate inf --ramp-up 1s", "--ramp-up", "cannot ramp up"},
        {"--request-rate 4 --ramp-up 1s --duration 1s", "--ramp-up", "shorter"},
        {"--request-rate 4 4", "--request-rate", "4 given twice"},
        {"--concurrency 32 --num-prompts 31", "--num-prompts", "Use 32 or more"},
        {"--num-prompts 0", "--num-prompts", "out of range"},
        {"--num-runs 1", "--num-runs", "warm-up"},
        {"--client-threads 0", "--client-threads", "out of range"},
        {"--goodput ttft:500", "--goodput", "Write e.g. ttft:500ms"},
        {"--goodput ttft", "--goodput", "Write e.g. ttft:500ms"},
        {"--goodput tpot:0", "--goodput", "Write e.g. tpot:500ms"},
        {"--goodput itl:5ms", "--goodput", "Write ttft:500ms, tpot:50ms or e2e:10s"},
        {"--goodput e2e:5s e2el:6s", "--goodput", "twice"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_fixture_refused(f, cases[i][0], cases[i][1], cases[i][2]);
}

static void goodput(void **state)
{
    struct run_fixture *f = *state;
    run_fixture_ok(f, "");
    assert_null(f->run.slo_json);
    run_fixture_ok(f, "--goodput ttft:500ms tpot:2500us --goodput e2e:10s");
    assert_string_equal(f->run.slo_json,
                        "{\"ttft_ms\":500.0,\"tpot_ms\":2.5,\"e2e_ms\":10000.0}");
    run_fixture_ok(f, "--goodput e2el:1s");
    assert_string_equal(f->run.slo_json, "{\"e2e_ms\":1000.0}");
}

int main(void)
{
#define TEST(name)                                                   \
    cmocka_unit_test_setup_teardown(name, run_fixture_set_up_online, \
                                    run_fixture_tear_down)
    const struct CMUnitTest tests[] = {TEST(closed), TEST(open_loads),
                                       TEST(length_of_an_open_load),
                                       TEST(what_does_not_go_together), TEST(goodput)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
