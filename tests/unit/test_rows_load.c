#include "store/rows_load.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "results_file_fixture.h"

static void read_all(struct results_file_fixture *f, const struct input *in, size_t n,
                     struct loaded_rows *c)
{
    struct err e;
    if (rows_load(in, n, &f->arena, c, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

static void test_rows(void **state)
{
    struct results_file_fixture *f = *state;
    struct loaded_rows c;
    const struct input in[] = {
        {.path = results_file_fixture_put(
             f, "a.json",
             "{\"metadata\":{\"env\":{\"instance\":{\"region\":\"eu-north-1\"}}},"
             "\"results\":[{\"run_id\":\"r\",\"row\":0},{\"run_id\":\"r\",\"row\":1}]}")},
        {.path = results_file_fixture_put(
             f, "b.json",
             "[{\"run_id\":\"r\",\"row\":1},{\"batch_size\":4},"
             "{\"batch_size\":4},{\"batch_size\":8}]"),
         .instance_type = "g5"}};
    read_all(f, in, 2, &c);
    assert_int_equal(c.file_count, 2);
    assert_int_equal(c.count, 4);
    assert_int_equal(c.duplicates, 2);
    assert_int_equal(c.skipped.count, 0);
    assert_string_equal(c.rows[0].origin->region, "eu-north-1");
    assert_string_equal(c.rows[1].file, in[0].path);
    assert_null(c.rows[2].origin);
    assert_false(c.rows[1].is_published);
    assert_true(c.rows[2].is_published);
    assert_string_equal(field_str(c.rows[2].row, FIELD_instance_type), "g5");
    assert_int_equal(c.rows[3].row->v[FIELD_batch_size].i, 8);
}

static void test_skipped(void **state)
{
    struct results_file_fixture *f = *state;
    struct loaded_rows c;
    const struct input in[] = {
        {.path = results_file_fixture_put(f, "cut.json", "[{\"batch_size\":1}")},
        {.path = results_file_fixture_put(f, "summary.json", "{\"summary\":[]}")},
        {.path = "/nowhere/results.json"},
        {.path = results_file_fixture_put(f, "good.json", "[{\"batch_size\":2}]")}};
    read_all(f, in, 4, &c);
    assert_int_equal(c.file_count, 1);
    assert_int_equal(c.count, 1);
    assert_int_equal(c.rows[0].row->v[FIELD_batch_size].i, 2);
    assert_int_equal(c.skipped.count, 3);
    assert_int_equal(c.skipped.bad_count, 2);
    assert_true(c.skipped.items[0].is_bad);
    assert_non_null(strstr(c.skipped.items[0].why, in[0].path));
    assert_false(c.skipped.items[1].is_bad);
    assert_true(c.skipped.items[2].is_bad);
}

/* A row that cannot be read is named; the rest of the file counts, and so does a sound
 * copy of that row in another file. */
static void test_refused_rows(void **state)
{
    struct results_file_fixture *f = *state;
    struct loaded_rows c;
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_text(&text, "[{\"run_id\":\"s\",\"row\":0}");
    for (int i = 0; i < 13; i++)
        buf_printf(&text, ",{\"run_id\":\"r\",\"row\":%d,\"is_warmup\":7}", i);
    buf_text(&text, "]");
    const struct input in[] = {
        {.path = results_file_fixture_put(f, "odd.json", buf_cstr(&text))},
        {.path = results_file_fixture_put(f, "cut.json", "[{\"is_warmup\":7},")},
        {.path = results_file_fixture_put(
             f, "good.json",
             "[{\"run_id\":\"r\",\"row\":3.0,\"is_warmup\":0.0},"
             "{\"run_id\":\"s\",\"row\":0.0}]")}};
    read_all(f, in, 3, &c);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.duplicates, 1); /* 0.0 is 0 */
    assert_false(c.rows[1].row->v[FIELD_is_warmup].b);
    assert_int_equal(c.skipped.count, 12);
    assert_int_equal(c.skipped.bad_count, 12);
    assert_non_null(
        strstr(c.skipped.items[0].why, "odd.json: row 1: is_warmup is 7, not true"));
    assert_non_null(strstr(c.skipped.items[9].why, "odd.json: row 10:"));
    assert_non_null(
        strstr(c.skipped.items[10].why, "odd.json: skipped 3 more rows like those"));
    assert_non_null(strstr(c.skipped.items[11].why, "cut.json:1: "));
    buf_fini(&text);
}

/* A cut copy read first must not take the rows of the whole file with it. */
static void test_cut_copy(void **state)
{
    struct results_file_fixture *f = *state;
    struct loaded_rows c;
    const struct input in[] = {
        {.path = results_file_fixture_put(f, "first.json", "[{\"batch_size\":1}]")},
        {.path = results_file_fixture_put(
             f, "cut.json",
             "[{\"batch_size\":1},{\"batch_size\":2},{\"batch_size\":2},")},
        {.path = results_file_fixture_put(f, "whole.json",
                                          "[{\"batch_size\":1},{\"batch_size\":2}]")}};
    read_all(f, in, 3, &c);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.rows[1].row->v[FIELD_batch_size].i, 2);
    assert_string_equal(c.rows[1].file, in[2].path);
    assert_int_equal(c.duplicates, 1);
}

/* Files that disagree on a row; a file that is cut says nothing, and the row before it
 * counts. */
static void test_clashes(void **state)
{
    struct results_file_fixture *f = *state;
    struct loaded_rows c;
    const struct input in[] = {{.path = results_file_fixture_put(
                                    f, "a.json",
                                    "[{\"run_id\":\"r\",\"row\":0,\"batch_size\":1},"
                                    "{\"run_id\":\"r\",\"row\":1,\"batch_size\":1}]")},
                               {.path = results_file_fixture_put(
                                    f, "cut.json",
                                    "[{\"run_id\":\"q\",\"row\":0},"
                                    "{\"run_id\":\"r\",\"row\":1,\"batch_size\":9},")},
                               {.path = results_file_fixture_put(
                                    f, "b.json",
                                    "[{\"run_id\":\"r\",\"row\":0,\"batch_size\":1.0},"
                                    "{\"run_id\":\"r\",\"row\":1,\"batch_size\":2}]")}};
    read_all(f, in, 3, &c);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.rows[1].row->v[FIELD_batch_size].i, 1);
    assert_int_equal(c.duplicates, 2);
    assert_int_equal(c.clashes.count, 1);
    assert_string_equal(c.clashes.items[0].file, in[2].path);
    assert_string_equal(c.clashes.items[0].kept, in[0].path);
    assert_int_equal(c.clashes.items[0].rows, 1);
    assert_non_null(strstr(c.clashes.items[0].text, ": batch_size is 2, there 1"));
}

/* A type that is given stands in for unknown ones alone. */
static void test_given_type(void **state)
{
    struct results_file_fixture *f = *state;
    struct loaded_rows c;
    const struct input in[] = {
        {.path = results_file_fixture_put(
             f, "a.json",
             "[{\"instance_type\":\"g5\",\"v\":1},{\"instance_type\":\"g6\",\"v\":1},"
             "{\"v\":1}]"),
         .instance_type = "inf2"}};
    read_all(f, in, 1, &c);
    assert_int_equal(c.count, 3);
    assert_string_equal(field_str(c.rows[1].row, FIELD_instance_type), "g6");
    assert_string_equal(field_str(c.rows[2].row, FIELD_instance_type), "inf2");
}

static void test_no_memory(void **state)
{
    struct results_file_fixture *f = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 600; i++) /* more than the first room of rows and of keys */
        buf_printf(&text, "%s{\"batch_size\":%d}", i == 0 ? "[" : ",", i);
    buf_text(&text, "]");
    const struct input in[] = {
        {.path = results_file_fixture_put(f, "cut.json", "[{\"batch_size\":1},")},
        {.path = results_file_fixture_put(f, "whole.json", buf_cstr(&text))}};
    struct alloc_fixture alloc = {.least = 10};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        struct loaded_rows c;
        struct err e;
        arena_init(&a, 64 << 20);
        alloc_fixture_arm(&alloc);
        enum status st = rows_load(in, 2, &a, &c, &e);
        alloc_fixture_judge(&alloc, st);
        if (st == STATUS_OK) {
            assert_int_equal(c.count, 600);
            assert_int_equal(c.rows[599].row->v[FIELD_batch_size].i, 599);
        }
        arena_fini(&a);
    }
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESULTS_FILE_TEST(test_rows),         RESULTS_FILE_TEST(test_skipped),
        RESULTS_FILE_TEST(test_refused_rows), RESULTS_FILE_TEST(test_cut_copy),
        RESULTS_FILE_TEST(test_clashes),      RESULTS_FILE_TEST(test_given_type),
        RESULTS_FILE_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
