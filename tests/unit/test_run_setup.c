/* What offline and online share of a run's start; test_offline_setup.c has the rest. */
#include "cli/run_setup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "journal_fixture.h"
#include "plan/plan.h"

struct options {
    const char *key, *name, *uri;
    struct opt_strings headers;
    bool flag;
};

#define AT(member) .offset = offsetof(struct options, member)
static const struct opt table[] = {
    {.name = "api-key", .type = OPT_STRING, AT(key), .is_secret = true, .help = "h"},
    {.name = "name", .type = OPT_STRING, AT(name), .help = "h"},
    {.name = "header", .type = OPT_PAIRS, AT(headers), .is_secret = true, .help = "h"},
    {.name = "flag", .type = OPT_FLAG, AT(flag), .help = "h"},
    {.name = "uri", .type = OPT_STRING, AT(uri), .is_address = true, .help = "h"},
};

struct fixture {
    struct journal_fixture fx;
    struct cli cli;
    struct options options;
    struct run_opts common;
    struct run_host host;
    struct run_job job;
    struct err e;
    char words[512];
    char *argv[32];
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    journal_fixture_init(&f.fx);
    f.cli.tool = "inferbench 1";
    f.common = (struct run_opts){
        .output_dir = f.fx.dir, .price_per_hour = NAN, .no_imds = true};
    f.host = (struct run_host){.log = &f.cli.log, .tool = f.cli.tool};
    f.job = (struct run_job){
        .run = {.mode = "online", .host = &f.host, .opts = &f.common}, .cli = &f.cli};
    arena_init(&f.job.run.arena, 64 << 20);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mem_fail_at(0);
    arena_fini(&f->job.run.arena);
    journal_fixture_fini(&f->fx);
    return 0;
}

static void parse(struct fixture *f, const char *words)
{
    snprintf(f->words, sizeof f->words, "%s", words);
    f->job.words = (struct cli_words){0, f->argv};
    char *rest = f->words;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        f->argv[f->job.words.argc++] = word;
    const struct cli_table t = {table, sizeof table / sizeof *table, &f->options};
    assert_int_equal(
        cli_parse(&t, &f->job.words, &f->job.run.arena, &f->job.parse, &f->e), STATUS_OK);
}

static enum status open_run(struct fixture *f)
{
    struct run_facts nothing = {0};
    enum status s = run_setup_open(&f->job, &nothing, &f->e);
    journal_close(&f->job.run.journal);
    return s;
}

static void secrets_are_nowhere(void **state)
{
    struct fixture *f = *state;
    parse(f, "--api-key abc123 --name x --header A=abc123 B=abc123 --flag --name y "
             "--header=C=abc123 --api-key=abc123 -- --api-key abc123 --other z");
    assert_int_equal(open_run(f), STATUS_OK);
    assert_string_equal(
        f->job.run.data.command_json,
        "[\"inferbench\",\"online\",\"--api-key\",\"***\",\"--name\",\"x\","
        "\"--header\",\"***\",\"***\",\"--flag\",\"--name\",\"y\",\"--header=***\","
        "\"--api-key=***\",\"--\",\"--api-key\",\"***\",\"--other\",\"z\"]");
    assert_string_equal(f->options.key, "abc123");
    assert_string_equal(f->options.headers.items[1], "B=abc123");
    assert_null(strstr(f->job.run.data.options_json, "abc123"));
    assert_null(strstr(f->job.run.data.env_json, "abc123"));
    journal_fixture_has(f->job.run.data.options_json, "\"header\":\"***\"");
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
        f->job.words.argc = 0;
        parse(f, cases[i][0]);
        assert_int_equal(open_run(f), STATUS_OK);
        journal_fixture_has(f->job.run.data.command_json, cases[i][1]);
        journal_fixture_has(f->job.run.data.options_json, cases[i][2]);
        assert_null(strstr(f->job.run.data.env_json, "abc"));
    }
}

static void a_run_keeps_its_id(void **state)
{
    struct fixture *f = *state;
    parse(f, "--name x");
    f->job.run.data.fields.v[FIELD_run_id] = value_str("mine");
    assert_int_equal(open_run(f), STATUS_OK);
    assert_string_equal(field_str(&f->job.run.data.fields, FIELD_run_id), "mine");
    assert_string_equal(field_str(&f->job.run.data.fields, FIELD_serving_mode), "online");
}

/* Every run has an id of its own; the settings' order is drawn from it, both come up. */
static void a_run_and_its_settings(void **state)
{
    struct fixture *f = *state;
    const char *before = "";
    int off_first = 0;
    for (int i = 0; i < 64; i++) {
        bool caching[2] = {false, true};
        assert_int_equal(run_setup_identify(&f->job, caching, 2, &f->e), STATUS_OK);
        const char *id = field_str(&f->job.run.data.fields, FIELD_run_id);
        assert_int_equal(strlen(id), 32);
        assert_string_not_equal(id, before);
        assert_true(caching[0] != caching[1]);
        bool again[2] = {false, true};
        plan_order_settings(again, 2, id);
        assert_int_equal(again[0], caching[0]);
        off_first += !caching[0];
        before = id;
    }
    assert_true(off_first > 0 && off_first < 64); /* by chance once in 2^63 */
    f->common.dry_run = true;
    for (int i = 0; i < 64; i++) { /* shown as they are */
        bool caching[2] = {false, true};
        assert_int_equal(run_setup_identify(&f->job, caching, 2, &f->e), STATUS_OK);
        assert_true(!caching[0] && caching[1]);
    }
}

static void stray_words_are_refused(void **state)
{
    struct fixture *f = *state;
    parse(f, "stray --name x");
    assert_int_equal(run_setup_check(&f->job, &f->e), STATUS_BAD_OPTION);
    assert_string_equal(f->e.where, "stray");
    journal_fixture_has(f->e.hint, "inferbench online --help");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(secrets_are_nowhere),     TEST(passwords_of_addresses_are_nowhere),
        TEST(a_run_keeps_its_id),      TEST(a_run_and_its_settings),
        TEST(stray_words_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
