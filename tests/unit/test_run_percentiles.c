#include "run/percentiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "run_fixture.h"

static void chooses(struct run_fixture *f, const char *words, bool has_asked,
                    const char *want)
{
    struct buf got;
    buf_init(&got, 1 << 10);
    run_fixture_ok(f, words);
    run_percentiles_choose(&f->run, has_asked);
    for (size_t i = 0; i < f->run.data.percentile_count; i++)
        buf_printf(&got, "%s%g", i > 0 ? " " : "", f->run.data.percentiles[i]);
    assert_string_equal(buf_cstr(&got), want);
    buf_fini(&got);
}

static void says(struct run_fixture *f, const char *words, const char *want)
{
    struct buf got;
    buf_init(&got, 1 << 10);
    run_fixture_ok(f, words);
    run_percentiles_text(&f->run, &got);
    assert_string_equal(buf_cstr(&got), want);
    buf_fini(&got);
}

/* Two measured repeats each; with 3 tokens an answer has 2 gaps. */
static void online(void **state)
{
    struct run_fixture *f = *state;
    chooses(f, "--request-rate 10 --num-prompts 65 --max-tokens 2", false, "50 90");
    chooses(f, "--request-rate 10 --num-prompts 65 --max-tokens 3", false, "50 90 95");
    chooses(f, "--request-rate 10 --num-prompts 65 --max-tokens 3 --no-gaps", false,
            "50 90");
    chooses(f, "--request-rate inf --num-prompts 65 --max-tokens 2", false, "50 90 95");
    chooses(f, "--request-rate 10 --num-prompts 5 --max-tokens 2", false, "50");
    chooses(f, "--request-rate 10 --num-prompts 5 --percentiles 90 99.9", true,
            "90 99.9");
    /* by time alone: the server decides */
    chooses(f, "--concurrency 4 --duration 30s --max-tokens 2", false, "50 90 95 99");
    says(f, "--concurrency 4 --duration 30s", "");
    /* of a target ten repeats are sure; of arms twelve are measured, two warm up */
    says(f, "--request-rate 10 --num-prompts 7 --percentiles 50 --target-ci 2%",
         "percentiles: p50 takes 11 requests; a cell has 70\n");
    says(f,
         "--request-rate 10 --num-prompts 7 --percentiles 50 --target-ci 2% --launch "
         "--across-launches --num-runs 4",
         "percentiles: p50 takes 11 requests; a cell has 210\n");
    says(f, "--request-rate 10 --num-prompts 7 --percentiles 50 --ab interleaved",
         "percentiles: p50 takes 11 requests; a cell has 84\n");
    says(f, "--request-rate 10 2 --num-prompts 65 --percentiles 50 99.9",
         "percentiles: p50 takes 11 requests, p99.9 13272; a cell has 130\n");
}

static void offline(void **state)
{
    struct run_fixture *f = *state;
    chooses(f, "--batch-sizes 1 35 --max-tokens 2", false, "50 90");
    chooses(f, "--batch-sizes 1 4 --max-tokens 2", false, "50");
    chooses(f, "--batch-sizes 35 --max-tokens 2 --launches 2", false, "50 90 95");
    says(f, "--batch-sizes 1 4",
         "percentiles: p50 takes 11 requests, p90 64, p95 130, p99 662; a cell has 8\n");
}

static void no_memory(void **state)
{
    struct run_fixture *f = *state;
    run_fixture_ok(f, "--batch-sizes 1");
    mem_fail_at(1);
    while (!f->arena.has_failed)
        run_percentiles_choose(&f->run, false);
    mem_fail_at(0);
    assert_int_equal(f->run.data.percentile_count, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(online, run_fixture_set_up_online,
                                        run_fixture_tear_down),
        cmocka_unit_test_setup_teardown(offline, run_fixture_set_up_offline,
                                        run_fixture_tear_down),
        cmocka_unit_test_setup_teardown(no_memory, run_fixture_set_up_offline,
                                        run_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
