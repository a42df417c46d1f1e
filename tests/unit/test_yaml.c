#include "text/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

static struct arena arena;

static int new_arena(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct yaml_node *parse(const char *text)
{
    struct yaml_node *root = NULL;
    struct err e = {0};
    enum status status = yaml_from_text(str_from(text), "f.yaml", &arena, &root, &e);
    if (status != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    return root;
}

static void a_config_file(void **state)
{
    (void)state;
    struct yaml_node *root = parse("# comment\n"
                                   "model: Qwen/Qwen3-0.6B\n"
                                   "batch-sizes: [1, 4]\n"
                                   "scenarios:\n"
                                   "  - short\n"
                                   "  - 'long'\n"
                                   "metadata:\n"
                                   "  team: infra\n"
                                   "  empty:\n"
                                   "text: |\n"
                                   "  two\n"
                                   "  lines\n"
                                   "nothing: ~\n");
    assert_int_equal(root->kind, YAML_MAP);
    const struct yaml_node *n = root->first;
    assert_string_equal(n->key, "model");
    assert_string_equal(n->text, "Qwen/Qwen3-0.6B");
    assert_int_equal(n->line, 2);
    assert_false(n->is_null);

    n = yaml_get(root, "batch-sizes");
    assert_int_equal(n->kind, YAML_LIST);
    assert_null(n->text);
    assert_string_equal(n->first->text, "1");
    assert_null(n->first->key);
    assert_string_equal(n->first->next->text, "4");
    assert_null(n->first->next->next);

    n = yaml_get(root, "scenarios");
    assert_int_equal(n->line, 4);
    assert_int_equal(n->first->line, 5);
    assert_string_equal(n->first->next->text, "long");
    assert_int_equal(n->first->next->line, 6);

    n = yaml_get(root, "metadata");
    assert_int_equal(n->kind, YAML_MAP);
    assert_string_equal(yaml_get(n, "team")->text, "infra");
    assert_true(yaml_get(n, "empty")->is_null);
    assert_string_equal(yaml_get(root, "text")->text, "two\nlines\n");
    assert_true(yaml_get(root, "nothing")->is_null);
    assert_null(yaml_get(root, "absent"));
    assert_null(yaml_get(NULL, "x"));
    assert_null(yaml_get(n->first, "x"));
}

static void what_is_null(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_null;
    } rows[] = {
        {"null", true},   {"Null", true},    {"NULL", true},        {"~", true},
        {"", true},       {"# only", true},  {"---\n", true},       {"\"\"", false},
        {"''", false},    {"'null'", false}, {"!!str null", false}, {"nil", false},
        {"false", false}, {"0", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct yaml_node *root = parse(rows[i].text);
        assert_int_equal(root->kind, YAML_SCALAR);
        assert_non_null(root->text);
        if (root->is_null != rows[i].is_null)
            fail_msg("\"%s\": is_null is %d", rows[i].text, root->is_null);
    }
}

static void unicode_and_a_mark(void **state)
{
    (void)state;
    struct yaml_node *root = parse(
        "\xef\xbb\xbfname: \xe6\x97\xa5\xe6\x9c\xac\r\nb: 2\r\n");
    assert_string_equal(yaml_get(root, "name")->text, "\xe6\x97\xa5\xe6\x9c\xac");
    assert_string_equal(yaml_get(root, "b")->text, "2");
    assert_int_equal(yaml_get(root, "b")->line, 2);
}

static void broken_files_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where, *what;
    } rows[] = {
        {"a: 1\nb: [1, 2\nc: 3\n", "f.yaml:3", "did not find expected ',' or ']'"},
        {"a: 1\n\tb: 2\n", "f.yaml:2", "tab character"},
        {"a: @b\n", "f.yaml:1", "cannot start any token"},
        {"a: 'open\n\n", "f.yaml:3", "unexpected end of stream"},
        {"a: 1\nb\n", "f.yaml:3", "could not find expected ':'"},
        {"a: b: c\n", "f.yaml:1", "mapping values are not allowed"},
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3", "a: given twice, first in line 1"},
        {"x: &n 1\n", "f.yaml:1", "anchors and aliases"},
        {"x: 1\ny: *n\n", "f.yaml:2", "anchors and aliases"},
        {"x:\n - &l [1]\n", "f.yaml:2", "anchors and aliases"},
        {"x: &m {a: 1}\n", "f.yaml:1", "anchors and aliases"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2", "a second document begins here"},
        {"? [1, 2]\n: 3\n", "f.yaml:1", "a key must be"},
        {"a: \"x\\0y\"\n", "f.yaml:1", "zero byte"},
        {"a: \xff\xfe\n", "f.yaml:1", "not valid YAML: "},
        {"a: b\n- c\n", "f.yaml:2", "not valid YAML: "},
        {"%TAG ! x\n", "f.yaml:2", "not valid YAML: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct yaml_node *root = (struct yaml_node *)&arena;
        struct err e = {0};
        enum status status = yaml_from_text(str_from(rows[i].text), "f.yaml", &arena,
                                            &root, &e);
        if (status != STATUS_BAD_INPUT || strcmp(e.where, rows[i].where) != 0 ||
            strstr(e.what, rows[i].what) == NULL)
            fail_msg("row %zu: status %d, %s: %s", i, (int)status, e.where, e.what);
        assert_ptr_equal(root, &arena); /* untouched */
        assert_int_equal(
            yaml_from_text(str_from(rows[i].text), "f.yaml", &arena, &root, NULL),
            STATUS_BAD_INPUT);
    }
}

static void depth_is_limited(void **state)
{
    (void)state;
    char text[2001];
    memset(text, '[', sizeof text);
    text[2000] = '\0';
    struct yaml_node *root = NULL;
    struct err e;
    assert_int_equal(yaml_from_text(str_from(text), "deep", &arena, &root, &e),
                     STATUS_BAD_INPUT);
    assert_string_equal(e.what, "nested too deeply");
    memset(text + 60, ']', 60);
    text[120] = '\0';
    assert_int_equal(parse(text)->kind, YAML_LIST);
}

static void files(void **state)
{
    (void)state;
    char path[64], where[80];
    (void)snprintf(path, sizeof path, "/tmp/inferbench-yaml-%ld", (long)getpid());
    struct yaml_node *root = NULL;
    struct err e;
    assert_int_equal(yaml_from_file(path, &arena, &root, &e), STATUS_NOT_FOUND);
    assert_string_equal(e.where, path);
    assert_int_equal(file_replace(path, str_from("a: 1\nb: [\n"), &e), STATUS_OK);
    enum status bad = yaml_from_file(path, &arena, &root, &e);
    struct err bad_e = e;
    assert_int_equal(file_replace(path, str_from("a: 1\n"), &e), STATUS_OK);
    enum status good = yaml_from_file(path, &arena, &root, &e);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bad, STATUS_BAD_INPUT);
    (void)snprintf(where, sizeof where, "%s:3", path);
    assert_string_equal(bad_e.where, where);
    assert_int_equal(good, STATUS_OK);
    assert_string_equal(yaml_get(root, "a")->text, "1");
}

static void no_memory_is_clean(void **state)
{
    (void)state;
    for (size_t cap = 0;; cap += 16) { /* every piece of the arena refused in turn */
        struct arena small;
        arena_init(&small, cap);
        struct yaml_node *root = NULL;
        struct err e;
        enum status status = yaml_from_text(str_from("a: [1, {b: c}]\n"), "f", &small,
                                            &root, &e);
        arena_fini(&small);
        if (status == STATUS_OK) {
            assert_true(cap > 100);
            break;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_string_equal(e.what, "out of memory");
    }
    struct arena none;
    arena_init(&none, 1 << 20);
    struct yaml_node *root = NULL;
    mem_fail_at(1);
    enum status status = yaml_from_text(str_from(""), "f", &none, &root, NULL);
    mem_fail_at(0);
    arena_fini(&none);
    assert_int_equal(status, STATUS_NO_MEMORY);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, new_arena, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_config_file),      CASE(what_is_null),
        CASE(unicode_and_a_mark), CASE(broken_files_name_the_line),
        CASE(depth_is_limited),   CASE(files),
        CASE(no_memory_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
