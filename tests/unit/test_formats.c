#include "data/formats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "data/scenario_file.h"

#define LONGEST "sixty-four-bytes-are-what-a-name-may-have-and-that-is-a-long-one"

struct fixture {
    struct arena a;
    struct err e;
    char folder[64];
    char path[128];
};

static struct fixture *fixture_of(void **state)
{
    return *state;
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){.folder = "/tmp/test_formats.XXXXXX"};
    if (mkdtemp(f.folder) == NULL)
        return -1;
    arena_init(&f.a, (size_t)64 << 20);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = fixture_of(state);

    if (f->path[0] != 0)
        unlink(f->path);
    arena_fini(&f->a);
    return rmdir(f->folder);
}

static void put(struct fixture *f, const char *name, const char *content, size_t len)
{
    if (f->path[0] != 0)
        unlink(f->path);
    snprintf(f->path, sizeof f->path, "%s/%s", f->folder, name);
    FILE *file = fopen(f->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static enum status read_one(const char *path, struct arena *a, struct scenario *out,
                            struct err *e)
{
    struct scenario_list list;
    enum status s = dataset_read(path, a, &list, e);
    if (s == STATUS_OK)
        *out = list.items[0];
    return s;
}

static void test_file(void **state)
{
    static const char text[] = "# mine\n"
                               "- name: rag\n"
                               "  help: retrieval\n"
                               "  prompt_tokens: 2048\n"
                               "  shared_prefix_tokens: 1024\n"
                               "  max_tokens: 64\n"
                               "- name: faq\n"
                               "  prompts: [\"one\", \"\\u4e8c: zwei\"]\n"
                               "- {name: tiny, prompt_tokens: 8}\n";
    struct fixture *f = fixture_of(state);
    struct scenario_list got = {.count = 0};

    put(f, "s.yaml", text, strlen(text));
    assert_int_equal(scenario_file_read(f->path, &f->a, &got, &f->e), STATUS_OK);
    assert_int_equal(got.count, 3);
    assert_string_equal(got.items[0].name, "rag");
    assert_string_equal(got.items[0].help, "retrieval");
    assert_int_equal(got.items[0].shared_tokens, 1024);
    assert_int_equal(got.items[0].own_tokens, 1024);
    assert_int_equal(got.items[0].max_tokens, 64);
    assert_null(got.items[0].dataset);
    assert_int_equal(got.items[1].text_count, 2);
    assert_string_equal(got.items[1].texts[1].text, "\xe4\xba\x8c: zwei");
    assert_int_equal(got.items[1].texts[1].max_tokens, OPT_INT_UNSET);
    assert_int_equal(got.items[1].max_tokens, 128);
    assert_string_equal(got.items[1].dataset, f->path);
    assert_int_equal(got.items[2].own_tokens, 8);
}

/* The largest number and the longest name are good ones. */
static void test_bounds(void **state)
{
    static const char yaml[] = "- name: " LONGEST "\n  prompt_tokens: 10000000\n";
    static const char lines[] = "{\"prompt\": \"a\", \"max_tokens\": 10000000}\n";
    struct fixture *f = fixture_of(state);
    struct scenario_list got = {.count = 0};
    struct scenario one = {.name = NULL};

    put(f, "s.yaml", yaml, strlen(yaml));
    assert_int_equal(scenario_file_read(f->path, &f->a, &got, &f->e), STATUS_OK);
    assert_string_equal(got.items[0].name, LONGEST);
    assert_int_equal(got.items[0].own_tokens, 10000000);
    put(f, ".hidden", lines, strlen(lines)); /* its dot begins no ending */
    assert_int_equal(read_one(f->path, &f->a, &one, &f->e), STATUS_OK);
    assert_string_equal(one.name, ".hidden");
    assert_int_equal(one.texts[0].max_tokens, 10000000);
}

struct bad {
    const char *text;
    int line; /* 0: the message names the file alone */
    const char *what;
};

static void test_bad_files(void **state)
{
    static const struct bad table[] = {
        {"name: x\n", 1, "a list of scenarios"},
        {"- 5\n", 1, "a map that begins"},
        {"- prompt_tokens: 5\n", 1, "without a name"},
        {"- name: x\n", 1, "either prompts or prompt_tokens"},
        {"- name: x\n  prompt_tokens: 5\n  prompts: [a]\n", 1, "either prompts or"},
        {"- name: x\n  prompts: [a]\n  shared_prefix_tokens: 3\n", 1,
         "either prompts or"},
        {"- name: x\n  prompt_tokens: ten\n", 2, "\"ten\" is not a whole number"},
        {"- name: x\n  prompt_tokens: 0\n", 2, "\"0\" is not a whole number"},
        {"- name: x\n  prompt_tokens: 10000001\n", 2, "from 1 to 10000000"},
        {"- name: x\n  prompt_tokens: 1.5\n", 2, "\"1.5\""},
        {"- name: x\n  prompt_tokens:\n", 2, "nothing is not"},
        {"- name: x\n  prompt_tokens: [1]\n", 2, "a list or map is not"},
        {"- name: x\n  prompt_tokens: 5\n  shared_prefix_tokens: 5\n", 1, "leave none"},
        {"- name: a b\n  prompt_tokens: 5\n", 1, "has a blank"},
        {"- name: a,b\n  prompt_tokens: 5\n", 1, "has a blank"},
        {"- name: a=b\n  prompt_tokens: 5\n", 1, "has a blank"},
        {"- name: a/b\n  prompt_tokens: 5\n", 1, "has a blank"},
        {"- name: a\\b\n  prompt_tokens: 5\n", 1, "has a blank"},
        {"- name: 'a\"b'\n  prompt_tokens: 5\n", 1, "has a blank"},
        {"- name: \"a\\x7fb\"\n  prompt_tokens: 5\n", 1, "has a blank"},
        {"- name: x" LONGEST "\n  prompt_tokens: 5\n", 1, "longer than 64 bytes"},
        {"- name: [a]\n  prompt_tokens: 5\n", 1, "must be a word"},
        {"- name: ''\n  prompt_tokens: 5\n", 1, "must be a word"},
        {"- name: x\n  prompts: a\n", 2, "a list of texts"},
        {"- name: x\n  prompts: []\n", 2, "a list of texts"},
        {"- name: x\n  prompts:\n    - a\n    - ''\n", 4, "text 2 is empty"},
        {"- name: x\n  prompts: [[a]]\n", 2, "text 1 is empty or not"},
        {"- name: x\n  promt_tokens: 5\n", 2, "promt_tokens: unknown key"},
        {"- name: x\n  help: [a]\n  prompt_tokens: 5\n", 2, "help: must be a text"},
        {"- name: x\n  prompt_tokens: 5\n- name: x\n  prompt_tokens: 6\n", 3, "twice"},
        {"- name: 'x\n", 0, ""},
        {"", 0, ""},
    };
    struct fixture *f = fixture_of(state);

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct scenario_list got = {.count = 77};
        char where[200];
        put(f, "s.yaml", table[i].text, strlen(table[i].text));
        f->e = (struct err){.code = STATUS_OK};
        assert_int_equal(scenario_file_read(f->path, &f->a, &got, &f->e),
                         STATUS_BAD_INPUT);
        assert_int_equal(got.count, 77);
        snprintf(where, sizeof where, table[i].line > 0 ? "%s:%d" : "%s", f->path,
                 table[i].line);
        if (strncmp(f->e.where, where, strlen(where)) != 0 ||
            strstr(f->e.what, table[i].what) == NULL)
            fail_msg("case %zu: %s: %s", i, f->e.where, f->e.what);
    }
    unlink(f->path);
    struct scenario_list got;
    assert_int_not_equal(scenario_file_read(f->path, &f->a, &got, &f->e), STATUS_OK);
}

static void test_dataset(void **state)
{
    static const char text[] = "\xEF\xBB\xBF{\"prompt\": \"one\", \"id\": 4}\r\n"
                               "\n"
                               "{\"prompt\": \"\\u4e8c\", \"max_tokens\": 5}\n"
                               "  {\"max_tokens\": null, \"prompt\": \"3\"}";
    struct fixture *f = fixture_of(state);
    struct scenario got = {.name = NULL};

    put(f, "my chats.v2.jsonl", text, strlen(text));
    if (read_one(f->path, &f->a, &got, &f->e) != STATUS_OK)
        fail_msg("%s: %s", f->e.where, f->e.what);
    assert_string_equal(got.name, "my_chats.v2");
    assert_string_equal(got.dataset, f->path);
    assert_int_equal(got.max_tokens, 128);
    assert_int_equal(got.text_count, 3);
    assert_string_equal(got.texts[0].text, "one");
    assert_int_equal(got.texts[0].max_tokens, OPT_INT_UNSET);
    assert_string_equal(got.texts[1].text, "\xe4\xba\x8c");
    assert_int_equal(got.texts[1].max_tokens, 5);
    assert_string_equal(got.texts[2].text, "3");
    assert_int_equal(got.texts[2].max_tokens, OPT_INT_UNSET);
    /* 3 bytes a letter; 64 would cut one in two */
    put(f,
        "\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c"
        "\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c"
        "\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c"
        "\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c",
        text, strlen(text));
    assert_int_equal(read_one(f->path, &f->a, &got, &f->e), STATUS_OK);
    assert_int_equal(strlen(got.name), 63);
}

static void test_bad_datasets(void **state)
{
    static const struct bad table[] = {
        {"", 0, "no prompts"},
        {"\n \n", 0, "no prompts"},
        {"{\"prompt\": \"a\"}\n{\"prompt\": \"a\"\n", 2, ""},
        {"[]\n", 1, "not a JSON object"},
        {"{}\n", 1, "\"prompt\" is missing"},
        {"{\"prompt\": \"\"}\n", 1, "\"prompt\" is missing"},
        {"\n{\"prompt\": 5}\n", 2, "\"prompt\" is missing"},
        {"{\"prompt\": \"a\", \"max_tokens\": 0}\n", 1, "\"max_tokens\" is not"},
        {"{\"prompt\": \"a\", \"max_tokens\": 10000001}\n", 1, "from 1 to 10000000"},
        {"{\"prompt\": \"a\", \"max_tokens\": 1.5}\n", 1, "\"max_tokens\" is not"},
        {"{\"prompt\": \"a\", \"max_tokens\": \"5\"}\n", 1, "\"max_tokens\" is not"},
        {"{\"prompt\": \"a\", \"output_tokens\": 0}\n", 1, "\"output_tokens\" is not"},
        {"{\"prompt\": \"a\", \"max_tokens\": 2, \"output_length\": 3}\n", 1,
         "two lengths of one answer: 2, and \"output_length\" of 3"},
        {"{\"prompt\": \"\xff\"}\n", 1, "not UTF-8: byte 0xff"},
    };
    struct fixture *f = fixture_of(state);

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct scenario got = {.max_tokens = 77};
        char where[200];
        put(f, "d.jsonl", table[i].text, strlen(table[i].text));
        f->e = (struct err){.code = STATUS_OK};
        assert_int_equal(read_one(f->path, &f->a, &got, &f->e), STATUS_BAD_INPUT);
        assert_int_equal(got.max_tokens, 77);
        snprintf(where, sizeof where, table[i].line > 0 ? "%s:%d" : "%s", f->path,
                 table[i].line);
        if (strncmp(f->e.where, where, strlen(where)) != 0 ||
            strstr(f->e.what, table[i].what) == NULL)
            fail_msg("case %zu: %s: %s", i, f->e.where, f->e.what);
    }
}

/* Files of another form are told with what makes data sets of them. */
static void test_cures(void **state)
{
    static const char utf16[] = "{\0\"\0p\0";
    static const struct {
        const char *text, *cure;
    } table[] = {
        {"[{\"prompt\": \"a\"}]\n", "jq -c '.[]' FILE"},
        {"[\n{\"prompt\": \"a\"}\n]\n", "jq -c '.[]' FILE"},
        {"{\n\"prompt\": \"a\"\n}\n", "jq -c . FILE"},
        {"{\"prompt\": \"a\"} {\"prompt\": \"b\"}\n", "jq -c . FILE"},
        {"{\"prompt\": \"a\"},\n{\"prompt\": \"b\"}\n", "without a comma: sed"},
        {"{'prompt': 'a'}\n", "double quotes"},
        {"What is this?\n", "jq -cR '{prompt: .}' FILE"},
        {"\"What is this?\"\n", "jq -cR '{prompt: .}' FILE"},
        {"{\"id\": 1, \"text\": \"a\"}\n", "jq -c '.prompt = .text' FILE"},
        {"{\"$(ls)\": \"a\"}\n", "A line is {\"prompt\": \"...\"}"},
        {"\x1f\x8b\x08", "gzip -dc FILE"},
        {"\xff\xfe{", "iconv -f UTF-16 -t UTF-8 FILE"},
        {"{\"prompt\": \"\x93\x8c\x8b\x9e\"}\n", "iconv -f CP932 -t UTF-8 FILE"},
    };
    struct fixture *f = fixture_of(state);
    struct scenario got;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        put(f, "d.jsonl", table[i].text, strlen(table[i].text));
        assert_int_equal(read_one(f->path, &f->a, &got, &f->e), STATUS_BAD_INPUT);
        if (strstr(f->e.hint, table[i].cure) == NULL)
            fail_msg("case %zu: %s. %s", i, f->e.what, f->e.hint);
    }
    put(f, "d.jsonl", utf16, sizeof utf16 - 1);
    assert_int_equal(read_one(f->path, &f->a, &got, &f->e), STATUS_BAD_INPUT);
    assert_non_null(strstr(f->e.hint, "iconv -f UTF-16LE"));
    put(f, "s.yaml", "- name: x\n  prompts: [\x93\x8c]\n", 26);
    struct scenario_list list;
    assert_int_equal(scenario_file_read(f->path, &f->a, &list, &f->e), STATUS_BAD_INPUT);
    assert_non_null(strstr(f->e.hint, "iconv -f CP932"));
}

/* Lengths under their other names are taken, and what nothing reads is noted once. */
static void test_keys(void **state)
{
    static const char text[] =
        "{\"prompt\": \"a\", \"output_tokens\": 16, \"id\": 1}\n"
        "{\"prompt\": \"b\", \"output_length\": 7, \"id\": 2, \"u\\u001brl\": 0}\n"
        "{\"prompt\": \"c\", \"max_tokens\": 5, \"output_tokens\": 5}\n";
    struct fixture *f = fixture_of(state);
    struct scenario got = {.name = NULL};
    put(f, "d.jsonl", text, strlen(text));
    assert_int_equal(read_one(f->path, &f->a, &got, &f->e), STATUS_OK);
    assert_int_equal(got.texts[0].max_tokens, 16);
    assert_int_equal(got.texts[1].max_tokens, 7);
    assert_int_equal(got.texts[2].max_tokens, 5);
    assert_string_equal(got.unused_keys, "\"id\", \"u\\u001brl\"");
    put(f, "d.jsonl", "{\"prompt\": \"a\"}\n", 16);
    assert_int_equal(read_one(f->path, &f->a, &got, &f->e), STATUS_OK);
    assert_null(got.unused_keys);
}

/* However many keys a file has, and however long: a line of text. */
static void test_many_keys(void **state)
{
    struct fixture *f = fixture_of(state);
    struct scenario got = {.name = NULL};
    char text[8192];
    int n = snprintf(text, sizeof text, "{\"prompt\": \"a\", \"%0999d\": 1}\n", 0);
    put(f, "d.jsonl", text, (size_t)n);
    assert_int_equal(read_one(f->path, &f->a, &got, &f->e), STATUS_OK);
    assert_string_equal(got.unused_keys, "one of a long name");
    n = 0;
    for (int i = 0; i < 200; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "{\"prompt\": \"a\", \"k%d\": 1}\n", i);
    put(f, "d.jsonl", text, (size_t)n);
    assert_int_equal(read_one(f->path, &f->a, &got, &f->e), STATUS_OK);
    assert_in_range(strlen(got.unused_keys), 100, 220);
    assert_non_null(strstr(got.unused_keys, " and others"));
}

/* Damaged files give an error or scenarios that hold what they promise, never a crash. */
static void test_damaged(void **state)
{
    static const char good[] = "- name: rag\n  prompt_tokens: 2048\n  max_tokens: 64\n"
                               "- name: faq\n  prompts: [\"one\", 'two']\n";
    struct fixture *f = fixture_of(state);
    struct rng rng;
    int accepted = 0;

    rng_init(&rng, 5, "damage");
    for (int round = 0; round < 1500; round++) {
        char text[sizeof good];
        size_t len = sizeof good - 1;
        struct scenario_list got;
        struct scenario one;
        memcpy(text, good, sizeof good);
        for (uint64_t k = rng_below(&rng, 4); k > 0; k--)
            text[rng_below(&rng, len)] = "\n :-'\"[]{}#a1\xff\0\t"[rng_below(&rng, 17)];
        len -= rng_below(&rng, 3) == 0 ? rng_below(&rng, len) : 0;
        put(f, "x", text, len);
        arena_fini(&f->a);
        arena_init(&f->a, (size_t)64 << 20);
        (void)!read_one(f->path, &f->a, &one, &f->e);
        if (scenario_file_read(f->path, &f->a, &got, &f->e) != STATUS_OK)
            continue;
        accepted++;
        for (size_t i = 0; i < got.count; i++) {
            const struct scenario *s = &got.items[i];
            assert_true(s->name[0] != 0 && strlen(s->name) <= 64);
            assert_true((s->text_count > 0) != (s->own_tokens > 0));
            assert_in_range(s->max_tokens, 1, 10000000);
        }
    }
    assert_in_range(accepted, 100, 1400);
}

static void test_no_memory(void **state)
{
    static const char yaml[] = "- name: faq\n  prompts: [one, two]\n";
    static const char lines[] = "{\"prompt\": \"one\"}\n{\"prompt\": \"two\"}\n";
    struct fixture *f = fixture_of(state);

    for (int kind = 0; kind < 2; kind++) {
        put(f, "x", kind == 0 ? yaml : lines, strlen(kind == 0 ? yaml : lines));
        struct alloc_fixture alloc = {0};
        while (alloc_fixture_next(&alloc)) {
            struct arena a;
            struct scenario_list list;
            struct scenario one;
            arena_init(&a, 1 << 20);
            f->e = (struct err){.code = STATUS_OK};
            alloc_fixture_arm(&alloc);
            enum status s = kind == 0 ? scenario_file_read(f->path, &a, &list, &f->e)
                                      : read_one(f->path, &a, &one, &f->e);
            alloc_fixture_judge(&alloc, s);
            assert_int_equal(s, f->e.code);
            arena_fini(&a);
        }
    }
}

/* Those of several files stand one behind the other. */
static void test_joined(void **state)
{
    struct fixture *f = fixture_of(state);
    struct scenario_list all = {0};
    put(f, "x", "{\"prompt\": \"one\"}\n", 18);
    const char *paths[] = {f->path, f->path};
    const struct opt_strings two = {.items = paths, .count = 2};
    assert_int_equal(formats_read(FORMATS_DATASET, &two, &f->a, &all, &f->e), STATUS_OK);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.items[1].name, "x");
    assert_int_equal(formats_read(FORMATS_SCENARIOS, &two, &f->a, &all, &f->e),
                     STATUS_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dataset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_datasets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_joined, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
