#include "base/opt.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

struct settings {
    bool quiet, gaps_off, cache;
    const char *model, *reuse, *token, *uri, *launch;
    int64_t runs, seed;
    double rate, top_p;
    struct opt_strings scenarios, plots, pairs;
    struct opt_ints sizes;
    struct opt_doubles percentiles;
};

#define AT(field) .offset = offsetof(struct settings, field)

static const struct opt table[] = {
    {.name = "quiet", .short_name = 'q', .type = OPT_FLAG, AT(quiet)},
    {.name = "no-gaps", .short_name = 'g', .type = OPT_FLAG, AT(gaps_off)},
    {.name = "cache", .type = OPT_FLAG, AT(cache), .fallback = "true"},
    {.name = "model",
     .short_name = 'm',
     .type = OPT_STRING,
     AT(model),
     .fallback = "a/b"},
    {.name = "prefix-reuse",
     .type = OPT_CHOICE,
     AT(reuse),
     .choices = "cold|warm",
     .fallback = "cold"},
    {.name = "api-key", .type = OPT_STRING, AT(token), .is_secret = true},
    {.name = "uri", .type = OPT_STRING, AT(uri), .is_address = true},
    {.name = "launch", .type = OPT_MAYBE, AT(launch), .value_name = "ARGS"},
    {.name = "num-runs",
     .type = OPT_INT,
     AT(runs),
     .min = 2,
     .max = 1000,
     .fallback = "3"},
    {.name = "seed", .type = OPT_INT, AT(seed)},
    {.name = "request-rate", .type = OPT_DOUBLE, AT(rate), .max = INFINITY},
    {.name = "top-p", .type = OPT_DOUBLE, AT(top_p), .max = 1, .fallback = "0.9"},
    {.name = "scenarios",
     .type = OPT_STRING_LIST,
     AT(scenarios),
     .fallback = "short medium"},
    {.name = "plots", .type = OPT_STRING_LIST, AT(plots), .choices = "all|ttft|itl"},
    {.name = "metadata", .type = OPT_PAIRS, AT(pairs), .value_name = "K=V"},
    {.name = "batch-sizes",
     .type = OPT_INT_LIST,
     AT(sizes),
     .min = 1,
     .max = 1e6,
     .fallback = "1 4"},
    {.name = "percentiles", .type = OPT_DOUBLE_LIST, AT(percentiles), .max = 100},
};

enum { COUNT = sizeof table / sizeof table[0], MAX_WORDS = 20 };

struct fixture {
    struct arena arena;
    struct settings set;
    struct opt_parse parse;
    struct err e;
    char text[1000];
    char *argv[MAX_WORDS];
    int argc;
};

static void start(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    memset(&f->set, 0x5a, sizeof f->set); /* opt_init sets every field */
    arena_init(&f->arena, 1 << 20);
    f->parse = (struct opt_parse){
        .table = table, .count = COUNT, .target = &f->set, .arena = &f->arena};
    if (opt_init(&f->parse, &f->e) != STATUS_OK)
        fail_msg("%s: %s", f->e.where, f->e.what);
}

/* Words separated by blanks; "''" is an empty word. */
static enum status read_words(struct fixture *f, const char *words)
{
    (void)snprintf(f->text, sizeof f->text, "%s", words);
    f->argc = 0;
    for (char *at = f->text; *at != '\0';) {
        size_t len = strcspn(at, " ");
        char *next = at + len + (at[len] != '\0');
        at[len] = '\0';
        f->argv[f->argc++] = strcmp(at, "''") == 0 ? at + 2 : at;
        at = next;
    }
    return opt_read_argv(&f->parse, f->argc, f->argv, &f->e);
}

static void read_good(struct fixture *f, const char *words)
{
    start(f);
    if (read_words(f, words) != STATUS_OK)
        fail_msg("%s: %s: %s", words, f->e.where, f->e.what);
}

static void check_value(struct fixture *f, const char *name, const char *expected)
{
    struct buf b;
    buf_init(&b, 1000);
    const struct opt *o = opt_find(&f->parse, name);
    assert_non_null(o);
    assert_int_equal(opt_text(&f->parse, o, &b), STATUS_OK);
    if (strcmp(buf_cstr(&b), expected) != 0)
        fail_msg("--%s is \"%s\", not \"%s\"", name, buf_cstr(&b), expected);
    buf_fini(&b);
}

static void defaults(void **state)
{
    (void)state;
    struct fixture f;
    read_good(&f, "");
    assert_false(f.set.quiet);
    assert_true(f.set.cache);
    assert_string_equal(f.set.model, "a/b");
    assert_null(f.set.token);
    assert_null(f.set.launch);
    assert_int_equal(f.set.runs, 3);
    assert_int_equal(f.set.seed, OPT_INT_UNSET);
    assert_true(isnan(f.set.rate));
    assert_int_equal(f.set.scenarios.count, 2);
    assert_string_equal(f.set.scenarios.items[1], "medium");
    assert_int_equal(f.set.plots.count, 0);
    assert_int_equal(f.set.sizes.count, 2);
    assert_int_equal(f.set.sizes.items[1], 4);
    assert_int_equal(f.parse.positional.count, 0);
    assert_int_equal(f.parse.rest.count, 0);
    assert_int_equal(opt_source_of(&f.parse, "model"), OPT_FROM_DEFAULT);
    check_value(&f, "seed", "");
    check_value(&f, "request-rate", "");
    check_value(&f, "top-p", "0.9");
    check_value(&f, "plots", "");
    arena_fini(&f.arena);
}

/* Every way to write a value. */
static void good_words(void **state)
{
    (void)state;
    static const struct {
        const char *words, *name, *value;
    } rows[] = {
        {"--quiet", "quiet", "true"},
        {"--quiet --no-quiet", "quiet", "false"},
        {"--quiet=true --quiet=FALSE", "quiet", "false"},
        {"-q", "quiet", "true"},
        {"--no-gaps", "no-gaps", "true"},
        {"--no-no-gaps", "no-gaps", "false"},
        {"--no-cache", "cache", "false"},
        {"--model x/y", "model", "x/y"},
        {"--model=x=y", "model", "x=y"},
        {"--model=", "model", ""},
        {"--model=-x", "model", "-x"},
        {"--model -", "model", "-"},
        {"--model ''", "model", ""},
        {"--model a --model b", "model", "b"},
        {"-m x", "model", "x"},
        {"-mx", "model", "x"},
        {"-m=x", "model", "x"},
        {"-qmx", "model", "x"},
        {"-qgm x", "no-gaps", "true"},
        {"--prefix-reuse warm", "prefix-reuse", "warm"},
        {"--num-runs 2", "num-runs", "2"},
        {"--num-runs 1000", "num-runs", "1000"},
        {"--num_runs=7", "num-runs", "7"},
        {"--seed -5", "seed", "-5"},
        {"--request-rate inf", "request-rate", "inf"},
        {"--request-rate 0.1", "request-rate", "0.1"},
        {"--top-p 1", "top-p", "1"},
        {"--launch", "launch", ""},
        {"--launch=--dtype", "launch", "--dtype"},
        {"--launch next", "launch", ""},
        {"--batch-sizes 1 4 8", "batch-sizes", "1 4 8"},
        {"--batch-sizes 1,4,8", "batch-sizes", "1 4 8"},
        {"--batch-sizes 1, 4, 8", "batch-sizes", "1 4 8"},
        {"--batch-sizes=16", "batch-sizes", "16"},
        {"--batch-sizes 16 --batch-sizes 32", "batch-sizes", "16 32"},
        {"--batch-sizes 16 -q --batch-sizes=32,64", "batch-sizes", "16 32 64"},
        {"--scenarios long --quiet", "scenarios", "long"},
        {"--plots ttft itl", "plots", "ttft itl"},
        {"--percentiles 50,99.9", "percentiles", "50 99.9"},
        {"--metadata a=1,2", "metadata", "a=1,2"},
        {"--metadata a=1 b=2 c", "metadata", "a=1 b=2"},
        {"--metadata a=1 --metadata b=", "metadata", "a=1 b="},
        {"--api-key abc", "api-key", "***"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        read_good(&f, rows[i].words);
        check_value(&f, rows[i].name, rows[i].value);
        assert_int_equal(opt_source_of(&f.parse, rows[i].name), OPT_FROM_ARGV);
        arena_fini(&f.arena);
    }
}

static void positional_and_rest(void **state)
{
    (void)state;
    struct fixture f;
    read_good(&f, "a -q b - -5 --launch c --metadata k=v d -- --model x -- y");
    static const char *const positional[] = {"a", "b", "-", "-5", "c", "d"};
    assert_int_equal(f.parse.positional.count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(f.parse.positional.items[i], positional[i]);
    static const char *const rest[] = {"--model", "x", "--", "y"};
    assert_int_equal(f.parse.rest.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(f.parse.rest.items[i], rest[i]);
    assert_string_equal(f.set.model, "a/b");
    arena_fini(&f.arena);
    read_good(&f, "--batch-sizes 1 2 -- 3");
    check_value(&f, "batch-sizes", "1 2");
    assert_int_equal(f.parse.rest.count, 1);
    arena_fini(&f.arena);
}

/* Every kind of bad option and the message that it gives. */
static void bad_words(void **state)
{
    (void)state;
    static const struct {
        const char *words, *message;
    } rows[] = {
        {"--batch-size 4", "--batch-size: unknown option. Did you mean --batch-sizes?"},
        {"--batch-size=4", "--batch-size: unknown option. Did you mean --batch-sizes?"},
        {"--modle x", "--modle: unknown option. Did you mean --model?"},
        {"--batch 1", "--batch: unknown option. Did you mean --batch-sizes?"},
        {"--no-quite", "--no-quite: unknown option. Did you mean --no-quiet?"},
        {"--no-model", "--no-model: unknown option. Did you mean --model?"},
        {"--xyzzyxyzzy", "--xyzzyxyzzy: unknown option. See --help for the options."},
        {"-z", "-z: unknown option. See --help for the options."},
        {"-qz", "-qz: unknown option. See --help for the options."},
        {"-seed 3", "-seed: unknown option. Did you mean --seed?"},
        {"--=3", "--: unknown option. See --help for the options."},
        {"--num-runs ten", "--num-runs: \"ten\" is not a whole number. Write e.g. 3."},
        {"--num-runs 3.5", "--num-runs: \"3.5\" is not a whole number. Write e.g. 3."},
        {"--num-runs=", "--num-runs: \"\" is not a whole number. Write e.g. 3."},
        {"--num-runs 1", "--num-runs: 1 is out of range. Write 2 to 1000."},
        {"--num-runs 1001", "--num-runs: 1001 is out of range. Write 2 to 1000."},
        {"--num-runs 99999999999999999999",
         "--num-runs: \"99999999999999999999\" is not a whole number. Write e.g. 3."},
        {"--num-runs", "--num-runs: needs a value. Write --num-runs VALUE, or "
                       "--num-runs=VALUE if it begins with '-'."},
        {"--num-runs --quiet", "--num-runs: needs a value. Write --num-runs VALUE, or "
                               "--num-runs=VALUE if it begins with '-'."},
        {"--model --", "--model: needs a value. Write --model VALUE, or --model=VALUE if "
                       "it begins with '-'."},
        {"-m", "--model: needs a value. Write --model VALUE, or --model=VALUE if it "
               "begins with '-'."},
        {"--batch-sizes -q", "--batch-sizes: needs a value. Write --batch-sizes VALUE, "
                             "or --batch-sizes=VALUE if it begins with '-'."},
        {"--request-rate fast",
         "--request-rate: \"fast\" is not a number. Write e.g. 1."},
        {"--request-rate nan", "--request-rate: \"nan\" is not a number. Write e.g. 1."},
        {"--request-rate -1", "--request-rate: -1 is out of range. Write 0 or more."},
        {"--top-p 1.5", "--top-p: 1.5 is out of range. Write 0 to 1."},
        {"--top-p inf", "--top-p: inf is out of range. Write 0 to 1."},
        {"--prefix-reuse worm", "--prefix-reuse: \"worm\" is not one of cold, warm. Did "
                                "you mean warm?"},
        {"--prefix-reuse lukewarm",
         "--prefix-reuse: \"lukewarm\" is not one of cold, warm."},
        {"--plots ttft,tft",
         "--plots: \"tft\" is not one of all, ttft, itl. Did you mean ttft?"},
        {"--batch-sizes 1,x",
         "--batch-sizes: \"x\" is not a whole number. Write e.g. 1."},
        {"--batch-sizes 0", "--batch-sizes: 0 is out of range. Write 1 to 1000000."},
        {"--batch-sizes ,", "--batch-sizes: \",\" is not a value. Write e.g. 1."},
        {"--metadata team", "--metadata: \"team\" is not key=value. Write K=V."},
        {"--metadata =x", "--metadata: \"=x\" is not key=value. Write K=V."},
        {"--quiet=maybe",
         "--quiet: \"maybe\" is neither true nor false. Write true or false."},
        {"--no-quiet=true", "--no-quiet: takes no value."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        start(&f);
        if (read_words(&f, rows[i].words) != STATUS_BAD_OPTION)
            fail_msg("%s: accepted", rows[i].words);
        char message[1200];
        status_format(&f.e, message, sizeof message);
        if (strcmp(message, rows[i].message) != 0)
            fail_msg("%s gives\n%s\nnot\n%s", rows[i].words, message, rows[i].message);
        arena_fini(&f.arena);
    }
}

static enum status set(struct fixture *f, const char *name, const char *a, const char *b)
{
    const char *items[] = {a, b};
    struct opt_strings words = {.items = items, .count = (a != NULL) + (b != NULL)};
    return opt_set(&f->parse, name, &words, "c.yaml:4", &f->e);
}

static void config_stands_behind_argv(void **state)
{
    (void)state;
    struct fixture f;
    read_good(&f, "--model mine --batch-sizes 2");
    assert_int_equal(set(&f, "model", "theirs", NULL), STATUS_OK);
    assert_int_equal(set(&f, "batch_sizes", "8", "16"), STATUS_OK);
    assert_int_equal(set(&f, "num_runs", "5", NULL), STATUS_OK);
    assert_int_equal(set(&f, "scenarios", "long", "x,y"), STATUS_OK);
    assert_int_equal(set(&f, "quiet", "yes", NULL), STATUS_OK);
    assert_int_equal(set(&f, "plots", NULL, NULL), STATUS_OK);
    check_value(&f, "model", "mine");
    check_value(&f, "batch-sizes", "2");
    check_value(&f, "num-runs", "5");
    check_value(&f, "scenarios", "long x y");
    check_value(&f, "quiet", "true");
    check_value(&f, "plots", "");
    assert_int_equal(opt_source_of(&f.parse, "model"), OPT_FROM_ARGV);
    assert_int_equal(opt_source_of(&f.parse, "num_runs"), OPT_FROM_CONFIG);
    assert_int_equal(opt_source_of(&f.parse, "seed"), OPT_FROM_DEFAULT);
    assert_int_equal(opt_source_of(&f.parse, "unknown"), OPT_FROM_DEFAULT);
    arena_fini(&f.arena);
}

static void bad_config(void **state)
{
    (void)state;
    static const struct {
        const char *name, *a, *b, *message;
    } rows[] = {
        {"batch_size", "1", NULL,
         "c.yaml:4: batch_size: unknown option. Did you mean batch-sizes?"},
        {"num_runs", "ten", NULL,
         "c.yaml:4: num_runs: \"ten\" is not a whole number. Write e.g. 3."},
        {"num-runs", "1", NULL,
         "c.yaml:4: num-runs: 1 is out of range. Write 2 to 1000."},
        {"model", "a", "b", "c.yaml:4: model: takes one value, not 2."},
        {"model", NULL, NULL, "c.yaml:4: model: needs a value."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        read_good(&f, "");
        assert_int_equal(set(&f, rows[i].name, rows[i].a, rows[i].b), STATUS_BAD_OPTION);
        char message[1200];
        status_format(&f.e, message, sizeof message);
        assert_string_equal(message, rows[i].message);
        arena_fini(&f.arena);
    }
}

static void secrets_leave_argv(void **state)
{
    (void)state;
    static const char *const ways[] = {"--api-key sesame", "--api-key=sesame"};
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        read_good(&f, ways[i]);
        assert_string_equal(f.set.token, "sesame");
        for (int k = 0; k < f.argc; k++)
            assert_null(strstr(f.argv[k], "sesame"));
        assert_non_null(strstr(f.argv[f.argc - 1], "xxxxxx"));
        arena_fini(&f.arena);
    }
}

static void passwords_of_addresses_leave_argv(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"http://ann:sesame@h:5000/a", "http://xxxxxxxxxx@h:5000/a"},
        {"https://ann:ses@me@h", "https://xxxxxxxxxx@h"},
        {"http://ann:se/same@h/", "http://xxxxxxxxxxx@h/"},
        {"ann:sesame@h:5000", "xxxxxxxxxx@h:5000"},
        {"http://h:5000/a", "http://h:5000/a"},
        {"@", "@"},
        {"http://@h", "http://@h"},
        {"a@b://c", "x@b://c"},
    };
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof cases[0]); i++) {
        struct fixture f;
        char words[64], left[64];
        const char *way = i % 2 == 0 ? "--uri=" : "--uri ";
        (void)snprintf(words, sizeof words, "%s%s", way, cases[i / 2][0]);
        (void)snprintf(left, sizeof left, "%s%s", i % 2 == 0 ? way : "", cases[i / 2][1]);
        read_good(&f, words);
        assert_string_equal(f.set.uri, cases[i / 2][0]);
        assert_string_equal(f.argv[f.argc - 1], left);
        arena_fini(&f.arena);
    }
}

static void a_bad_table_is_our_fault(void **state)
{
    (void)state;
    static const struct opt bad[] = {
        {.name = "n", .type = OPT_INT, AT(seed), .fallback = "many"}};
    struct fixture f;
    start(&f);
    f.parse.table = bad;
    f.parse.count = 1;
    assert_int_equal(opt_init(&f.parse, &f.e), STATUS_INTERNAL);
    assert_string_equal(f.e.where, "n");
    arena_fini(&f.arena);
}

/* With an arena that ends a little later each time, every allocation fails once. */
static void no_memory_is_clean(void **state)
{
    (void)state;
    for (size_t cap = 0;; cap += 16) {
        struct fixture f;
        start(&f);
        arena_fini(&f.arena);
        arena_init(&f.arena, cap);
        enum status status = opt_init(&f.parse, &f.e);
        if (status == STATUS_OK)
            status = read_words(&f, "--model x --batch-sizes 1,2 3 --metadata a=b -- y");
        if (status == STATUS_OK)
            status = set(&f, "plots", "ttft", "itl");
        arena_fini(&f.arena);
        if (status == STATUS_OK) {
            assert_true(cap > 500);
            return;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_int_equal(f.e.code, STATUS_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(good_words),
        cmocka_unit_test(positional_and_rest),
        cmocka_unit_test(bad_words),
        cmocka_unit_test(config_stands_behind_argv),
        cmocka_unit_test(bad_config),
        cmocka_unit_test(secrets_leave_argv),
        cmocka_unit_test(passwords_of_addresses_leave_argv),
        cmocka_unit_test(a_bad_table_is_our_fault),
        cmocka_unit_test(no_memory_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
