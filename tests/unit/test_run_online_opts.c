/* The table: what the documents promise of names and defaults, and that
 * each row fills a place of its own. */
#include "run/opts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

struct bed {
    struct run_opts got;
    struct arena arena;
    struct opt_parse p;
    struct err e;
};

static int setup(void **state)
{
    static struct bed b;
    memset(&b, 0, sizeof b);
    arena_init(&b.arena, 1 << 20);
    b.p = (struct opt_parse){.target = &b.got, .arena = &b.arena};
    b.p.table = run_opts_online;
    b.p.count = RUN_OPTS_ONLINE;
    if (opt_init(&b.p, &b.e) != STATUS_OK)
        return -1;
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    mem_fail_at(0);
    arena_fini(&((struct bed *)*state)->arena);
    return 0;
}

static void expect(struct bed *b, const char *name, const char *text)
{
    const struct opt *o = opt_find(&b->p, name);
    struct buf out;
    if (o == NULL)
        fail_msg("there is no --%s", name);
    buf_init(&out, 4096);
    assert_int_equal(opt_text(&b->p, o, &out), STATUS_OK);
    if (strcmp(buf_cstr(&out), text) != 0)
        fail_msg("--%s is \"%s\", not \"%s\"", name, buf_cstr(&out), text);
    buf_fini(&out);
}

static void names_and_defaults(void **state)
{
    static const char *const rows[][2] = {{"base-url", ""},
                                          {"host", ""},
                                          {"port", ""},
                                          {"endpoint", "completions"},
                                          {"model", ""},
                                          {"model-name", ""},
                                          {"api-key-file", ""},
                                          {"api-key", ""},
                                          {"header", ""},
                                          {"extra-body", ""},
                                          {"ca-cert", ""},
                                          {"insecure", "false"},
                                          {"token-counts", "usage"},
                                          {"no-stream", "false"},
                                          {"no-keepalive", "false"},
                                          {"ready-timeout", "600s"},
                                          {"request-timeout", "600s"},
                                          {"launch", "false"},
                                          {"launch-command", ""},
                                          {"python", ""},
                                          {"engine-arg", ""},
                                          {"max-model-len", "4096"},
                                          {"dtype", ""},
                                          {"load-format", ""},
                                          {"concurrency", "1 8 32"},
                                          {"request-rate", ""},
                                          {"arrival", "poisson"},
                                          {"burstiness", ""},
                                          {"num-prompts", ""},
                                          {"duration", ""},
                                          {"max-concurrency", ""},
                                          {"ramp-up", "0s"},
                                          {"warmup-requests", "0"},
                                          {"drain-timeout", "600s"},
                                          {"goodput", ""},
                                          {"scenarios", "short"},
                                          {"scenario-file", ""},
                                          {"dataset", ""},
                                          {"input-len", ""},
                                          {"max-tokens", ""},
                                          {"temperature", "0.7"},
                                          {"top-p", "0.9"},
                                          {"num-runs", "3"},
                                          {"stop-at-eos", "false"},
                                          {"seed", "0"},
                                          {"vocab-size", ""},
                                          {"enable-prefix-caching", "false"},
                                          {"test-prefix-caching", "false"},
                                          {"prefix-reuse", "cold"},
                                          {"client-threads", "1"},
                                          {"drain-interval", ""},
                                          {"instance-type", ""},
                                          {"hardware-type", ""},
                                          {"label", ""},
                                          {"metadata", ""},
                                          {"price-per-hour", ""},
                                          {"no-imds", "false"},
                                          {"output-dir", "results"},
                                          {"config", ""},
                                          {"percentiles", "50 90 95 99"},
                                          {"save-every", "60s"},
                                          {"no-gaps", "false"},
                                          {"limit", ""},
                                          {"accept-invalid", ""},
                                          {"require-valid", "false"},
                                          {"mlflow-uri", ""},
                                          {"mlflow-experiment", ""},
                                          {"mlflow-tag", ""},
                                          {"mlflow-verify", "false"},
                                          {"no-mlflow", "false"},
                                          {"dry-run", "false"},
                                          {"quiet", "false"},
                                          {"verbose", "false"}};
    struct bed *b = *state;
    assert_int_equal(sizeof rows / sizeof *rows, b->p.count);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(b, rows[i][0], rows[i][1]);
}

static void every_row_has_its_place_and_its_help(void **state)
{
    struct bed *b = *state;
    for (size_t i = 0; i < b->p.count; i++) {
        const struct opt *o = &b->p.table[i];
        assert_non_null(o->group);
        assert_true(strlen(o->help) > 8);
        assert_true(o->offset < sizeof(struct run_opts));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(o->name, b->p.table[k].name);
            assert_int_not_equal(o->offset, b->p.table[k].offset);
        }
    }
}

/* An option and, unless it is empty, its value. */
static enum status give(struct bed *b, const char *word, const char *value)
{
    char words[2][80];
    char *argv[] = {words[0], words[1]};
    snprintf(words[0], sizeof words[0], "%s", word);
    snprintf(words[1], sizeof words[1], "%s", value);
    return opt_read_argv(&b->p, *value != '\0' ? 2 : 1, argv, &b->e);
}

static void ranges(void **state)
{
    static const char *const bad[][2] = {{"--port", "0"},
                                         {"--port", "65536"},
                                         {"--endpoint", "responses"},
                                         {"--token-counts", "chunks"},
                                         {"--request-timeout", "0"},
                                         {"--request-timeout", "5"},
                                         {"--ready-timeout", "-1s"},
                                         {"--concurrency", "0"},
                                         {"--request-rate", "-1"},
                                         {"--request-rate", "fast"},
                                         {"--arrival", "uniform"},
                                         {"--burstiness", "0"},
                                         {"--num-prompts", "0"},
                                         {"--duration", "0"},
                                         {"--duration", "soon"},
                                         {"--max-concurrency", "0"},
                                         {"--warmup-requests", "-1"},
                                         {"--input-len", "0"},
                                         {"--client-threads", "65"},
                                         {"--drain-interval", "1s"},
                                         {"--num-runs", "1"},
                                         {"--header", "alone"},
                                         {"--prefix-reuse", "hot"},
                                         {"--hardware-type", "tpu"}};
    struct bed *b = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (give(b, bad[i][0], bad[i][1]) == STATUS_OK)
            fail_msg("%s %s was accepted", bad[i][0], bad[i][1]);
        assert_int_equal(b->e.code, STATUS_BAD_OPTION);
        assert_non_null(strstr(b->e.where, bad[i][0]));
    }
}

static void values_arrive(void **state)
{
    struct bed *b = *state;
    assert_int_equal(b->got.duration_ns, OPT_INT_UNSET);
    assert_int_equal(give(b, "--duration", "1.5s"), STATUS_OK);
    assert_int_equal(b->got.duration_ns, 1500000000);
    assert_int_equal(give(b, "--request-rate", "0.5,inf"), STATUS_OK);
    assert_int_equal(b->got.request_rates.count, 2);
    assert_true(isinf(b->got.request_rates.items[1]));
    assert_int_equal(give(b, "--header", "a=b,c"), STATUS_OK);
    assert_string_equal(b->got.headers.items[0], "a=b,c");
    expect(b, "header", "***");
    assert_int_equal(give(b, "--api-key", "k"), STATUS_OK);
    expect(b, "api-key", "***");
    assert_int_equal(give(b, "--no-stream", ""), STATUS_OK);
    assert_true(b->got.no_stream);
    assert_int_equal(give(b, "-q", ""), STATUS_OK);
    assert_int_equal(give(b, "-v", ""), STATUS_OK);
    assert_true(b->got.quiet && b->got.verbose);
    assert_false(b->got.dry_run);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(names_and_defaults),
        TEST(every_row_has_its_place_and_its_help),
        TEST(ranges),
        TEST(values_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
