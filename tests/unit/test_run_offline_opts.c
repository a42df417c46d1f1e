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
    b.p.table = run_opts_offline;
    b.p.count = RUN_OPTS_OFFLINE;
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
    static const char *const rows[][2] = {{"model", "Qwen/Qwen3-0.6B"},
                                          {"model-name", ""},
                                          {"max-model-len", "4096"},
                                          {"dtype", ""},
                                          {"load-format", ""},
                                          {"scenarios", "short medium prefix_caching"},
                                          {"scenario-file", ""},
                                          {"dataset", ""},
                                          {"batch-sizes", "1 4"},
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
                                          {"engine", "vllm"},
                                          {"python", ""},
                                          {"engine-mode", "mp"},
                                          {"engine-arg", ""},
                                          {"engine-timeout", "600"},
                                          {"neuron-batch", "per-cell"},
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
    static const char *const bad[][2] = {
        {"--num-runs", "1"},        {"--batch-sizes", "0"},
        {"--batch-sizes", "1,two"}, {"--max-model-len", "8"},
        {"--max-tokens", "0"},      {"--temperature", "-1"},
        {"--top-p", "0"},           {"--top-p", "1.5"},
        {"--prefix-reuse", "hot"},  {"--engine-mode", "thread"},
        {"--neuron-batch", "min"},  {"--hardware-type", "tpu"},
        {"--engine-timeout", "0"},  {"--price-per-hour", "-2"},
        {"--percentiles", "101"},   {"--metadata", "alone"}};
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
