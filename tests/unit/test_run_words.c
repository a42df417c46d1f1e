/* What the journal records of a command line. */
#include "cli/run_words.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "journal_fixture.h"
#include "run/mode.h"

struct options {
    const char *key, *name, *uri, *body;
    struct opt_strings headers;
    bool flag;
};

#define AT(member) .offset = offsetof(struct options, member)
static const struct opt table[] = {
    {.name = "api-key", .type = OPT_STRING, AT(key), .is_secret = true, .help = "h"},
    {.name = "name", .type = OPT_STRING, AT(name), .help = "h"},
    {.name = "header", .type = OPT_PAIRS, AT(headers), .is_secret = true, .help = "h"},
    {.name = "flag", .type = OPT_FLAG, AT(flag), .help = "h"},
    {.name = "body", .type = OPT_STRING, AT(body), .is_private = true, .help = "h"},
    {.name = "uri", .type = OPT_STRING, AT(uri), .is_address = true, .help = "h"},
};

struct fixture {
    struct options options;
    struct opt_parse parse;
    struct arena arena;
    struct run run;
    struct cli_words given;
    struct run_command recorded;
    struct err e;
    char words[512];
    char *argv[32];
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    f.run = (struct run){.mode = &run_online, .parse = &f.parse, .arena = &f.arena};
    arena_init(&f.arena, 64 << 20);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_fini(&f->arena);
    return 0;
}

static void record(struct fixture *f, const char *words)
{
    snprintf(f->words, sizeof f->words, "%s", words);
    f->given = (struct cli_words){0, f->argv};
    char *rest = f->words;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        f->argv[f->given.argc++] = word;
    const struct cli_table t = {table, sizeof table / sizeof *table, &f->options};
    assert_int_equal(cli_parse(&t, &f->given, &f->arena, &f->parse, &f->e), STATUS_OK);
    assert_int_equal(run_words_record(&f->run, &f->given, &f->recorded, &f->e),
                     STATUS_OK);
}

static void secrets_are_nowhere(void **state)
{
    struct fixture *f = *state;
    record(f, "--api-key abc123 --name x --header A=abc123 B=abc123 --flag --name y "
              "--header=C=abc123 --api-key=abc123 -- --api-key abc123 --other z");
    assert_string_equal(
        f->recorded.words_json,
        "[\"inferbench\",\"online\",\"--api-key\",\"***\",\"--name\",\"x\","
        "\"--header\",\"***\",\"***\",\"--flag\",\"--name\",\"y\",\"--header=***\","
        "\"--api-key=***\",\"--\",\"--api-key\",\"***\",\"--other\",\"z\"]");
    assert_string_equal(f->options.key, "abc123");
    assert_string_equal(f->options.headers.items[1], "B=abc123");
    assert_null(strstr(f->recorded.options_json, "abc123"));
    journal_fixture_has(f->recorded.options_json, "\"header\":\"***\"");
    for (int i = 0; i < 13; i++) /* the process list, up to "--" */
        assert_null(strstr(f->argv[i], "abc"));
}

static void passwords_of_addresses_are_nowhere(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][3] = {
        {"--uri http://ann:abc123@h:5000/a", "\"--uri\",\"http://***@h:5000/a\"]",
         "\"uri\":\"http://***@h:5000/a\""},
        {"--uri=http://ann:abc/123@h", "\"--uri=http://***@h\"]",
         "\"uri\":\"http://***@h\""},
        {"--uri ann:abc123@h", "\"--uri\",\"xxxxxxxxxx@h\"]", "\"uri\":\"***@h\""},
        {"--uri http://h/a", "\"--uri\",\"http://h/a\"]", "\"uri\":\"http://h/a\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        record(f, cases[i][0]);
        journal_fixture_has(f->recorded.words_json, cases[i][1]);
        journal_fixture_has(f->recorded.options_json, cases[i][2]);
    }
}

/* Its secrets go, what else it asks for is recorded. */
static void a_private_value_leaves_the_process_list(void **state)
{
    struct fixture *f = *state;
    record(f, "--body {\"top_k\":1,\"api_key\":\"abc123\"} --flag "
              "--body={\"password\":\"abc123\"}");
    journal_fixture_has(f->recorded.words_json,
                        "\"--body\",\"***\",\"--flag\",\"--body=***\"]");
    assert_string_equal(f->options.body, "{\"password\":\"abc123\"}");
    assert_null(strstr(f->recorded.options_json, "abc123"));
    for (int i = 0; i < f->given.argc; i++)
        assert_null(strstr(f->argv[i], "abc"));
    record(f, "--body {\"top_k\":1,\"api_key\":\"abc123\"}");
    journal_fixture_has(f->recorded.options_json, "top_k");
    assert_null(strstr(f->recorded.options_json, "abc123"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(secrets_are_nowhere),
                                       TEST(a_private_value_leaves_the_process_list),
                                       TEST(passwords_of_addresses_are_nowhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
