#include "cli/cli.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "journal_fixture.h"

struct wanted {
    const char *config;
    int64_t size;
    struct opt_strings names, pairs;
};

static const struct opt rows[] = {
    {.name = "config", .type = OPT_STRING, .offset = offsetof(struct wanted, config)},
    {.name = "size",
     .type = OPT_INT,
     .offset = offsetof(struct wanted, size),
     .fallback = "3"},
    {.name = "names",
     .type = OPT_STRING_LIST,
     .offset = offsetof(struct wanted, names),
     .fallback = "x"},
    {.name = "pairs", .type = OPT_PAIRS, .offset = offsetof(struct wanted, pairs)},
};

struct bench {
    struct journal_fixture fx;
    struct wanted got;
    struct arena arena;
    struct opt_parse parse;
    struct err e;
};

static int setup(void **state)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    journal_fixture_init(&b.fx);
    arena_init(&b.arena, 1 << 20);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    arena_fini(&b->arena);
    journal_fixture_fini(&b->fx);
    return 0;
}

/* Parses "--config FILE" with this content and, if there is one, one more word. */
static enum status parse(struct bench *b, const char *yaml, char *word)
{
    char config[] = "--config";
    char *argv[] = {config, b->fx.path, word};
    const struct cli_table table = {rows, sizeof rows / sizeof *rows, &b->got};
    const struct cli_words words = {word != NULL ? 3 : 2, argv};
    journal_fixture_put(b->fx.path, str_from(yaml));
    return cli_parse(&table, &words, &b->arena, &b->parse, &b->e);
}

static void a_config_file_sets_what_argv_does_not(void **state)
{
    struct bench *b = *state;
    char size[] = "--size=9";
    assert_int_equal(parse(b,
                           "size: 5\nnames: [a, b]\npairs:\n  k: v\n  x: 1\n"
                           "# nothing\n",
                           size),
                     STATUS_OK);
    assert_int_equal(b->got.size, 9);
    assert_int_equal(b->got.names.count, 2);
    assert_string_equal(b->got.names.items[1], "b");
    assert_int_equal(b->got.pairs.count, 2);
    assert_string_equal(b->got.pairs.items[0], "k=v");
    assert_int_equal(opt_source_of(&b->parse, "size"), OPT_FROM_ARGV);
    assert_int_equal(opt_source_of(&b->parse, "names"), OPT_FROM_CONFIG);
}

static void null_in_a_config_file_leaves_the_default(void **state)
{
    struct bench *b = *state;
    assert_int_equal(parse(b, "size: null\nnames:\n", NULL), STATUS_OK);
    assert_int_equal(b->got.size, 3);
    assert_string_equal(b->got.names.items[0], "x");
}

static void a_config_file_that_is_wrong_is_wrong_usage(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *yaml, *where, *what;
    } wrong[] = {{"- size\n", "", "not a list of option"},
                 {"\nnames: [a, [b]]\n", ":2", "a list inside a value"},
                 {"size: 5\nsizes: 6\n", ":2", "unknown option"},
                 {"size: many\n", ":1", "many"},
                 {"a: [\n", "", ""}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(parse(b, wrong[i].yaml, NULL), STATUS_BAD_OPTION);
        assert_non_null(strstr(b->e.where, b->fx.path));
        assert_non_null(strstr(b->e.where, wrong[i].where));
        journal_fixture_has(b->e.what, wrong[i].what);
    }
    unlink(b->fx.path);
    char word[] = "--size=1";
    char *argv[] = {word};
    const struct cli_table table = {rows, sizeof rows / sizeof *rows, &b->got};
    const struct cli_words words = {1, argv};
    assert_int_equal(cli_parse(&table, &words, &b->arena, &b->parse, &b->e), STATUS_OK);
    assert_int_equal(b->got.size, 1);
}

static void no_memory_is_told(void **state)
{
    struct bench *b = *state;
    enum status s = STATUS_NO_MEMORY;
    for (long n = 1; n < 50 && s != STATUS_OK; n++) {
        arena_fini(&b->arena);
        arena_init(&b->arena, 1 << 20);
        mem_fail_at(n);
        s = parse(b, "names: [a, b]\n", NULL);
        mem_fail_at(0);
        assert_true(s == STATUS_OK || (s == STATUS_NO_MEMORY && b->e.code == s));
    }
    assert_int_equal(s, STATUS_OK);
    assert_int_equal(b->got.names.count, 2);
}

static void exit_codes_of_errors(void **state)
{
    struct cli cli = {.log = {.level = LOG_ERROR, .fd = -1}};
    struct err e = {.code = STATUS_BAD_OPTION};
    (void)state;
    assert_int_equal(cli_fail(&cli, &e), CLI_USAGE);
    e.code = STATUS_INTERRUPTED;
    assert_int_equal(cli_fail(&cli, &e), CLI_SIGNAL);
    e.code = STATUS_DIED;
    assert_int_equal(cli_fail(&cli, &e), CLI_FAILED);
}

static void help_is_wanted_only_before_two_dashes(void **state)
{
    char a[] = "--size", b[] = "-h", c[] = "--help", d[] = "--";
    char *with_h[] = {a, b}, *with_help[] = {c}, *behind[] = {a, d, c};
    (void)state;
    assert_true(cli_wants_help(2, with_h));
    assert_true(cli_wants_help(1, with_help));
    assert_false(cli_wants_help(1, with_h));
    assert_false(cli_wants_help(3, behind));
}

/* Prints with standard output replaced by fd. */
static bool print_to(int fd, struct cli *cli)
{
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_true(dup2(fd, STDOUT_FILENO) >= 0);
    bool is_printed = cli_print(cli, "text\n");
    dup2(kept, STDOUT_FILENO);
    close(kept);
    return is_printed;
}

static void a_full_disk_is_told(void **state)
{
    int log[2], out[2];
    char text[400] = "";
    (void)state;
    assert_int_equal(pipe(log), 0);
    assert_int_equal(pipe(out), 0);
    struct cli cli = {.log = {.level = LOG_ERROR, .fd = log[1]}};
    assert_true(print_to(out[1], &cli));
    assert_int_equal(read(out[0], text, sizeof text), 5);
    assert_memory_equal(text, "text\n", 5);
    int full = open("/dev/full", O_WRONLY);
    assert_false(print_to(full, &cli));
    assert_true(read(log[0], text, sizeof text - 1) > 0);
    journal_fixture_has(text, "standard output");
    close(full);
    for (int i = 0; i < 2; i++) {
        close(log[i]);
        close(out[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_config_file_sets_what_argv_does_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(null_in_a_config_file_leaves_the_default, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_config_file_that_is_wrong_is_wrong_usage, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_memory_is_told, setup, teardown),
        cmocka_unit_test(exit_codes_of_errors),
        cmocka_unit_test(help_is_wanted_only_before_two_dashes),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
