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

static void shows(struct run_fixture *f, const char *words, const char *const *want)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    run_fixture_ok(f, words);
    assert_int_equal(run_plan_text(&f->run, &out, &f->e), STATUS_OK);
    for (; *want != NULL; want++)
        journal_fixture_has(buf_cstr(&out), *want);
    for (const char *line = buf_cstr(&out); *line != '\0';
         line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 80)
            fail_msg("a long line: %.90s", line);
    journal_fixture_has(buf_cstr(&out), f->run.plan.sha256);
    buf_fini(&out);
}

static void closed(void **state)
{
    shows(*state, "--goodput ttft:1s --warmup-requests 2 --api-key k",
          (const char *const[]){"server    http://localhost:8000\n", "the server's only",
                                "completions, streamed, with a key",
                                "c8        closed, 8 in flight, 72 requests a repeat",
                                "short              c32       as set       3       864",
                                "3 cells x 3 repeats", "1131 requests, at most 144768",
                                "2 warm-up requests", "{\"ttft_ms\":1000.0}",
                                "600 s a request", "time: unknown", NULL});
    shows(*state, "--concurrency 4 --duration 30s --ramp-up 5s",
          (const char *const[]){"stop sending after 30 s", "ramp-up over 5 s", "by time",
                                "90.0 s",
                                "1 cell x 3 repeats (repeat 0 is the warm-up)\n",
                                "time: about 90 s", NULL});
}

static void open_loads(void **state)
{
    shows(*state,
          "--request-rate 10 inf --arrival constant --num-prompts 21 "
          "--max-concurrency 5 --endpoint chat --no-stream --model m",
          (const char *const[]){"chat, in one piece", "model     m",
                                "open, constant, 10 requests/s on average",
                                "21 requests a repeat, at most 5 in flight",
                                "open, all due at once", "rinf", "6.0 s", "0.0 s",
                                "chat: prompts as text", "time: about 6 s", NULL});
    struct run_fixture *f = *state;
    shows(f,
          "--request-rate 10 --arrival gamma --burstiness 0.5 --duration 20s "
          "--num-runs 7",
          (const char *const[]){"gamma of burstiness 0.5", ", ... requests by repeat",
                                NULL});
    double s = f->mode->estimate_s(&f->run);
    assert_true(s > 100 && s < 140);
}

static void launched(void **state)
{
    shows(*state, "--launch --test-prefix-caching --concurrency 2",
          (const char *const[]){"vLLM, started and stopped by inferbench",
                                "Qwen/Qwen3-0.6B", " off ", " on ",
                                "\norder: which prefix-caching setting", NULL});
    shows(*state, "--launch-command x --concurrency 2",
          (const char *const[]){"started with --launch-command", "as set", NULL});
}

static void the_plan_may_be_too_long(void **state)
{
    struct run_fixture *f = *state;
    struct buf out;
    run_fixture_ok(f, "");
    buf_init(&out, 64);
    assert_int_equal(run_plan_text(&f->run, &out, &f->e), STATUS_TOO_BIG);
    buf_fini(&out);
}

int main(void)
{
#define TEST(name)                                                   \
    cmocka_unit_test_setup_teardown(name, run_fixture_set_up_online, \
                                    run_fixture_tear_down)
    const struct CMUnitTest tests[] = {TEST(closed), TEST(open_loads), TEST(launched),
                                       TEST(the_plan_may_be_too_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
