#include "store/row_set.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "results_file_fixture.h"
#include "store/decode.h"

static bool is_same(struct row_set_key a, struct row_set_key b)
{
    return a.high == b.high && a.low == b.low;
}

static void test_content(void **state)
{
    struct results_file_fixture *f = *state;
    results_file_fixture_read(f, "[{\"a\":1,\"b\":\"x\"},{ \"b\": \"x\",\n\"a\": 1},"
                                 "{\"a\":1,\"b\":\"y\"},{\"a\":\"x\",\"b\":1}]");
    struct row_set_key first = row_set_content(&f->rows[0], NULL);
    assert_true(is_same(first, row_set_content(&f->rows[1], NULL)));
    assert_false(is_same(first, row_set_content(&f->rows[2], NULL)));
    assert_false(is_same(first, row_set_content(&f->rows[3], NULL)));
}

static void test_given_type_stands_in(void **state)
{
    struct results_file_fixture *f = *state;
    results_file_fixture_read(f, "[{\"instance_type\":\"g5\",\"v\":1},{\"v\":1},"
                                 "{\"v\":1,\"instance_type\":null}]");
    struct row_set_key named = row_set_content(&f->rows[0], NULL);
    assert_true(is_same(named, row_set_content(&f->rows[1], "g5")));
    assert_true(is_same(named, row_set_content(&f->rows[2], "g5")));
    assert_false(is_same(named, row_set_content(&f->rows[2], "inf2")));
    assert_false(is_same(named, row_set_content(&f->rows[1], NULL)));
}

static void test_identity(void **state)
{
    struct results_file_fixture *f = *state;
    results_file_fixture_read(f, "[{\"run_id\":\"r\",\"row\":0,\"v\":1},"
                                 "{\"run_id\":\"r\",\"row\":0,\"v\":2},"
                                 "{\"run_id\":\"r\",\"row\":1,\"v\":1},"
                                 "{\"run_id\":\"r\",\"row\":null,\"v\":1},"
                                 "{\"run_id\":null,\"row\":0,\"v\":1}]");
    struct row_set_key k[5];
    for (size_t i = 0; i < 5; i++) {
        k[i] = row_set_identity(&f->rows[i], NULL, NULL);
        assert_int_equal(row_set_is_published(&f->rows[i]), i == 4);
    }
    assert_true(is_same(k[0], k[1]));
    assert_false(is_same(k[0], k[2]));
    assert_true(is_same(k[3], row_set_content(&f->rows[3], NULL)));
    assert_true(is_same(k[4], row_set_content(&f->rows[4], NULL)));
}

static void test_number_of_a_row(void **state)
{
    struct results_file_fixture *f = *state;
    results_file_fixture_read(
        f, "[{\"run_id\":\"r\",\"row\":3},{\"run_id\":\"r\",\"row\":3.0},"
           "{\"run_id\":\"r\",\"row\":\"3\"},"
           "{\"run_id\":\"r\",\"row\":\"3.0\"},"
           "{\"run_id\":\"r\",\"row\":\"3.5\"},"
           "{\"run_id\":\"r\",\"row\":\"third\"}]");
    struct row_set_key first = row_set_identity(&f->rows[0], NULL, NULL);
    for (size_t i = 1; i < 6; i++)
        assert_int_equal(is_same(first, row_set_identity(&f->rows[i], NULL, NULL)),
                         i < 4);
}

static struct row_set_key published(struct results_file_fixture *f, size_t row)
{
    struct decode d;
    struct row decoded;
    struct err e;
    bool is_published;
    decode_init(&d, &f->arena);
    assert_int_equal(decode_row(&d, &f->rows[row], &decoded, &is_published, &e),
                     STATUS_OK);
    assert_true(is_published);
    return row_set_identity(&f->rows[row], &decoded, NULL);
}

/* Rows of these members and one experiment. */
static void read_published(struct results_file_fixture *f, const char *const *rows,
                           size_t count)
{
    const char *text = "[";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&f->arena, "%s%s{\"experiment_id\":\"x\",%s}", text,
                            i > 0 ? "," : "", rows[i]);
    results_file_fixture_read(f, arena_printf(&f->arena, "%s]", text));
}

#define AT(time)     "\"timestamp\":" time ","
#define ORIGINAL     AT("\"2025-06-01T10:01:01.120456\"")
#define IS_ON        "\"enable_prefix_caching\":true,"
#define NOTES(run)   "\"notes\":\"run=" run "\","
#define BATCH(size)  "\"batch_size\":" size
#define TOOK(time_s) ",\"total_time\":" time_s

/* Whole seconds, with the zeros that a program writes or without. */
static void test_times(void **state)
{
    static const char *const rows[] = {
        AT("\"2025-06-01T10:01:00\"") BATCH("4"),
        AT("\"2025-06-01 10:01:00.000000\"") BATCH("4"),
        AT("\"2025-06-01 10:01:00\"") BATCH("4"),
        AT("\"2025-06-01T10:01:00.1\"") BATCH("4"),
        AT("\"2025-06-01T10:01:10\"") BATCH("4"),
        /* milliseconds are kept, and no more */
        AT("\"2025-06-01T10:01:00.101999\"") BATCH("4"),
        AT("\"2025-06-01T10:01:00.101\"") BATCH("4"),
        AT("\"2025-06-01T10:01:00.102\"") BATCH("4"),
    };
    struct results_file_fixture *f = *state;
    read_published(f, rows, 8);
    struct row_set_key first = published(f, 0);
    for (size_t i = 1; i < 8; i++)
        assert_int_equal(is_same(first, published(f, i)), i < 3);
    assert_true(is_same(published(f, 5), published(f, 6)));
    assert_false(is_same(published(f, 6), published(f, 7)));
    assert_false(is_same(published(f, 3), published(f, 6)));
}

static void test_published(void **state)
{
    static const char *const rows[] = {
        ORIGINAL NOTES("1") IS_ON BATCH("4") TOOK("2.095509388864332"),
        /* the same in other writings */
        ORIGINAL NOTES("1") IS_ON BATCH("4.0") TOOK("2.0955093889"),
        AT("1748772061120") NOTES("1") "\"enable_prefix_caching\":1.0," BATCH("4")
            TOOK("2.0955094"),
        AT("\"2025-06-01 10:01:01.12\"") NOTES("1") "\"error\":\"\"," IS_ON BATCH("\"4\"")
            TOOK("\"2.0955093889\""),
        /* others */
        ORIGINAL NOTES("1") IS_ON BATCH("4") TOOK("2.0956"),
        AT("\"2025-06-01T10:01:01.121\"") NOTES("1") IS_ON BATCH("4"),
        ORIGINAL NOTES("2") IS_ON BATCH("4"),
        ORIGINAL NOTES("1") IS_ON BATCH("8"),
        ORIGINAL NOTES("1") BATCH("4"),
    };
    struct results_file_fixture *f = *state;
    read_published(f, rows, 9);
    struct row_set_key first = published(f, 0);
    for (size_t i = 1; i < 9; i++)
        assert_int_equal(is_same(first, published(f, i)), i < 4);
}

/* Without a time nothing but the whole content tells rows apart. */
static void test_published_without_a_time(void **state)
{
    static const char *const rows[] = {NOTES("1") BATCH("4") TOOK("1"),
                                       NOTES("1") BATCH("4") TOOK("2")};
    struct results_file_fixture *f = *state;
    read_published(f, rows, 2);
    assert_true(is_same(published(f, 0), row_set_content(&f->rows[0], NULL)));
    assert_false(is_same(published(f, 0), published(f, 1)));
}

/* More than the table's first room, in keys that all want the same slot. */
static void test_add(void **state)
{
    (void)state;
    struct row_set s;
    bool is_new, is_equal;
    uint64_t content;
    row_set_init(&s);
    assert_false(row_set_find(&s, (struct row_set_key){1, 1}, &content));
    for (int pass = 0; pass < 2; pass++)
        for (uint64_t i = 0; i < 1500; i++) {
            struct row_set_key key = {.high = i, .low = i << 32};
            content = pass == 1 && i == 700 ? 1 : i;
            assert_int_equal(row_set_add(&s, key, content, &is_new, &is_equal),
                             STATUS_OK);
            assert_int_equal(is_new, pass == 0);
            assert_int_equal(is_equal, pass == 1 && i != 700);
        }
    assert_int_equal(s.count, 1500); /* the key of nothing but zeros too */
    content = 7;
    assert_true(row_set_find(&s, (struct row_set_key){0, 0}, &content));
    assert_int_equal(content, 0);
    assert_true(row_set_find(&s, (struct row_set_key){700, 700ULL << 32}, &content));
    assert_int_equal(content, 700);
    assert_false(row_set_find(&s, (struct row_set_key){700, 701}, &content));
    row_set_fini(&s);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct row_set s;
    bool is_new, is_equal;
    enum status st = STATUS_OK;
    uint64_t i = 0;
    row_set_init(&s);
    for (mem_fail_at(2); st == STATUS_OK; i++) /* the second is the first growth */
        st = row_set_add(&s, (struct row_set_key){i, i}, 0, &is_new, &is_equal);
    mem_fail_at(0);
    assert_int_equal(st, STATUS_NO_MEMORY);
    assert_int_equal(s.count, i - 1);
    assert_int_equal(row_set_add(&s, (struct row_set_key){1, 1}, 0, &is_new, &is_equal),
                     STATUS_OK);
    assert_false(is_new);
    row_set_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESULTS_FILE_TEST(test_content),
        RESULTS_FILE_TEST(test_given_type_stands_in),
        RESULTS_FILE_TEST(test_identity),
        RESULTS_FILE_TEST(test_number_of_a_row),
        RESULTS_FILE_TEST(test_times),
        RESULTS_FILE_TEST(test_published),
        RESULTS_FILE_TEST(test_published_without_a_time),
        RESULTS_FILE_TEST(test_add),
        RESULTS_FILE_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
