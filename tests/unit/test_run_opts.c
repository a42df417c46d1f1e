/* The tables: what the documents promise of names and defaults, and that each row fills a
 * place of its own. */
#include "run/opts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

struct bed {
    struct run_opts got;
    struct arena arena;
    struct opt_parse p;
    struct err e;
};

static int begin(void **state, const struct opt *table, size_t count)
{
    static struct bed b;
    memset(&b, 0, sizeof b);
    arena_init(&b.arena, 1 << 20);
    b.p = (struct opt_parse){
        .table = table, .count = count, .target = &b.got, .arena = &b.arena};
    *state = &b;
    return opt_init(&b.p, &b.e) == STATUS_OK ? 0 : -1;
}

static int offline(void **state)
{
    return begin(state, run_opts_offline, RUN_OPTS_OFFLINE);
}

static int online(void **state)
{
    return begin(state, run_opts_online, RUN_OPTS_ONLINE);
}

static int teardown(void **state)
{
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

/* Name and default. */
typedef const char *const row[2];
static row common[] = {{"model-name", ""},
                       {"max-model-len", "4096"},
                       {"dtype", ""},
                       {"load-format", ""},
                       {"scenario-file", ""},
                       {"dataset", ""},
                       {"max-tokens", ""},
                       {"temperature", "0.7"},
                       {"top-p", "0.9"},
                       {"num-runs", "3"},
                       {"target-ci", ""},
                       {"target-metric", "tokens_per_second"},
                       {"max-runs", "100"},
                       {"max-time", ""},
                       {"max-cost", ""},
                       {"across-launches", "false"},
                       {"launches", "1"},
                       {"setting", ""},
                       {"stop-at-eos", "false"},
                       {"seed", "0"},
                       {"vocab-size", ""},
                       {"enable-prefix-caching", "false"},
                       {"test-prefix-caching", "false"},
                       {"ab", ""},
                       {"hit-rates", ""},
                       {"prefixes", "1"},
                       {"ab-blocks", "6"},
                       {"prefix-reuse", "cold"},
                       {"python", ""},
                       {"engine-arg", ""},
                       {"instance-type", ""},
                       {"hardware-type", ""},
                       {"label", ""},
                       {"metadata", ""},
                       {"price-per-hour", ""},
                       {"price-file", ""},
                       {"region", ""},
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
                       {"mpi", "auto"},
                       {"dry-run", "false"},
                       {"quiet", "false"},
                       {"verbose", "false"}};

static void names_and_defaults(struct bed *b, row *own, size_t count)
{
    assert_int_equal(count + COUNT_OF(common), b->p.count);
    for (size_t i = 0; i < count; i++)
        expect(b, own[i][0], own[i][1]);
    for (size_t i = 0; i < COUNT_OF(common); i++)
        expect(b, common[i][0], common[i][1]);
}

static void names_and_defaults_offline(void **state)
{
    static row own[] = {
        {"model", "Qwen/Qwen3-0.6B"}, {"scenarios", "short medium prefix_caching"},
        {"batch-sizes", "1 4"},       {"engine", "vllm"},
        {"engine-mode", "mp"},        {"engine-timeout", "600"},
        {"neuron-batch", "per-cell"}};
    names_and_defaults(*state, own, COUNT_OF(own));
}

static void names_and_defaults_online(void **state)
{
    static row own[] = {{"base-url", ""},
                        {"host", ""},
                        {"port", ""},
                        {"endpoint", "completions"},
                        {"dialect", "auto"},
                        {"rename", ""},
                        {"model", ""},
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
                        {"sweep-rates", ""},
                        {"find-rate", "false"},
                        {"find-concurrency", "false"},
                        {"slo", ""},
                        {"slo-share", "99%"},
                        {"find-from", ""},
                        {"find-block", ""},
                        {"confirm", "false"},
                        {"scenarios", "short"},
                        {"input-len", ""},
                        {"client-threads", "1"},
                        {"drain-interval", ""}};
    names_and_defaults(*state, own, COUNT_OF(own));
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

static void refused(struct bed *b, row *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (give(b, bad[i][0], bad[i][1]) == STATUS_OK)
            fail_msg("%s %s was accepted", bad[i][0], bad[i][1]);
        assert_int_equal(b->e.code, STATUS_BAD_OPTION);
        assert_non_null(strstr(b->e.where, bad[i][0]));
    }
}

static void ranges_offline(void **state)
{
    static row bad[] = {{"--num-runs", "1"},        {"--batch-sizes", "0"},
                        {"--batch-sizes", "1,two"}, {"--max-model-len", "8"},
                        {"--max-tokens", "0"},      {"--temperature", "-1"},
                        {"--top-p", "0"},           {"--top-p", "1.5"},
                        {"--prefix-reuse", "hot"},  {"--engine-mode", "thread"},
                        {"--neuron-batch", "min"},  {"--hardware-type", "tpu"},
                        {"--engine-timeout", "0"},  {"--price-per-hour", "-2"},
                        {"--percentiles", "101"},   {"--metadata", "alone"}};
    refused(*state, bad, COUNT_OF(bad));
}

static void ranges_online(void **state)
{
    static row bad[] = {{"--port", "0"},
                        {"--port", "65536"},
                        {"--dialect", "vllm2"},
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
    refused(*state, bad, COUNT_OF(bad));
}

static void values_arrive_offline(void **state)
{
    struct bed *b = *state;
    assert_null(b->got.accept_invalid);
    assert_true(isnan(b->got.price_per_hour));
    assert_int_equal(b->got.max_tokens, OPT_INT_UNSET);
    assert_int_equal(give(b, "--accept-invalid", ""), STATUS_OK);
    assert_string_equal(b->got.accept_invalid, "");
    assert_int_equal(give(b, "--batch-sizes", "1,4,8"), STATUS_OK);
    assert_int_equal(b->got.batch_sizes.count, 3);
    assert_int_equal(b->got.batch_sizes.items[2], 8);
    assert_int_equal(give(b, "--metadata", "k=a=b,c"), STATUS_OK);
    assert_string_equal(b->got.metadata.items[0], "k=a=b,c");
    assert_int_equal(give(b, "-q", ""), STATUS_OK);
    assert_int_equal(give(b, "-v", ""), STATUS_OK);
    assert_true(b->got.quiet && b->got.verbose);
    assert_false(b->got.dry_run);
}

static void values_arrive_online(void **state)
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
#define TEST(name, mode) cmocka_unit_test_setup_teardown(name, mode, teardown)
    const struct CMUnitTest tests[] = {
        TEST(names_and_defaults_offline, offline),
        TEST(names_and_defaults_online, online),
        TEST(every_row_has_its_place_and_its_help, offline),
        TEST(every_row_has_its_place_and_its_help, online),
        TEST(ranges_offline, offline),
        TEST(ranges_online, online),
        TEST(values_arrive_offline, offline),
        TEST(values_arrive_online, online),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
