#include "store/inputs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "results_file_fixture.h"

static enum status expand(struct results_file_fixture *f, const char *const *words,
                          size_t n, struct input **out, size_t *count, struct err *e)
{
    const char *copy[8];
    memcpy(copy, words, n * sizeof *words);
    struct opt_strings list = {.items = copy, .count = n};
    return inputs_expand(&list, &f->arena, out, count, e);
}

static void ends_with(const struct input *input, const char *end)
{
    size_t n = strlen(input->path), m = strlen(end);
    if (n < m || strcmp(input->path + n - m, end) != 0)
        fail_msg("%s, not %s", input->path, end);
}

static void test_folder(void **state)
{
    struct results_file_fixture *f = *state;
    struct input *in;
    size_t count;
    struct err e;
    static const char *const names[] = {"b_results.json",
                                        "a_results.json",
                                        "results.txt",
                                        "summary.json",
                                        "raw_1/results.json",
                                        ".git/results.json",
                                        "1/2/3/results_deep.json",
                                        "1/2/3/4/results_too_deep.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)results_file_fixture_put(f, names[i], "");
    const char *slashed = arena_printf(&f->arena, "%s//", f->dir);
    const char *const words[] = {slashed};
    assert_int_equal(expand(f, words, 1, &in, &count, &e), STATUS_OK);
    assert_int_equal(count, 3);
    ends_with(&in[0], "/1/2/3/results_deep.json");
    ends_with(&in[1], "/a_results.json");
    ends_with(&in[2], "/b_results.json");
    assert_null(in[0].instance_type);
    assert_null(strstr(in[1].path, "//"));
}

static void test_types(void **state)
{
    struct results_file_fixture *f = *state;
    struct input *in;
    size_t count;
    struct err e;
    const char *file = results_file_fixture_put(f, "x/results.json", "");
    const char *odd = results_file_fixture_put(f, "odd=name.json", "");
    const char *const words[] = {arena_printf(&f->arena, "g5=%s/x", f->dir), odd,
                                 "inf2=gone.json", file};
    assert_int_equal(expand(f, words, 4, &in, &count, &e), STATUS_OK);
    assert_int_equal(count, 3); /* the last was reached already */
    assert_string_equal(in[0].instance_type, "g5");
    assert_string_equal(in[1].path, odd);
    assert_null(in[1].instance_type);
    assert_string_equal(in[2].path, "gone.json");
    assert_string_equal(in[2].instance_type, "inf2");
}

static void test_links(void **state)
{
    struct results_file_fixture *f = *state;
    struct input *in;
    size_t count;
    struct err e;
    const char *file = results_file_fixture_put(f, "results.json", "");
    const char *link = arena_printf(&f->arena, "%s/other.json", f->dir);
    assert_int_equal(symlink(file, link), 0);
    const char *const words[] = {link, file};
    assert_true(inputs_is_same(link, file));
    assert_false(inputs_is_same(file, f->dir));
    assert_false(inputs_is_same("/nowhere/a", "/nowhere/a"));
    assert_int_equal(expand(f, words, 2, &in, &count, &e), STATUS_OK);
    assert_int_equal(count, 1);
    assert_string_equal(in[0].path, link);
}

static void test_nothing_there(void **state)
{
    struct results_file_fixture *f = *state;
    struct input *in;
    size_t count;
    struct err e;
    (void)results_file_fixture_put(f, "notes.json", "");
    const char *const words[] = {f->dir};
    assert_int_equal(expand(f, words, 1, &in, &count, &e), STATUS_NOT_FOUND);
    assert_string_equal(e.where, f->dir);
    assert_int_equal(expand(f, words, 0, &in, &count, &e), STATUS_OK);
    assert_int_equal(count, 0);
}

/* More files than the list's first room: none is lost, at any failure of memory. */
static void test_no_memory(void **state)
{
    struct results_file_fixture *f = *state;
    struct input *in;
    size_t count;
    struct err e;
    char name[32];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "results_%02d.json", i);
        (void)results_file_fixture_put(f, name, "");
    }
    const char *const words[] = {arena_printf(&f->arena, "g5=%s", f->dir)};
    enum status st = STATUS_NO_MEMORY;
    struct arena whole = f->arena;
    for (size_t cap = 0; st != STATUS_OK; cap += 64) {
        arena_init(&f->arena, cap);
        st = expand(f, words, 1, &in, &count, &e);
        assert_true(st == STATUS_OK || st == STATUS_NO_MEMORY);
        assert_true(cap < (1 << 20));
        if (st == STATUS_OK) {
            assert_int_equal(count, 20);
            ends_with(&in[19], "results_19.json");
        }
        arena_fini(&f->arena);
    }
    f->arena = whole;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESULTS_FILE_TEST(test_folder),    RESULTS_FILE_TEST(test_types),
        RESULTS_FILE_TEST(test_links),     RESULTS_FILE_TEST(test_nothing_there),
        RESULTS_FILE_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
