#include "base/lines.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/file.h"
#include "base/mem.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/inferbench-lines-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int teardown(void **state)
{
    (void)state;
    mem_fail_at(0);
    return unlink(path);
}

static void put(const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, path, (struct str){text, len}, NULL), STATUS_OK);
    assert_int_equal(close(fd), 0);
}

/* The next line, which must be there. */
static struct line next(struct lines *l)
{
    struct line line = {.number = -1};
    struct err e;
    bool has = false;
    if (lines_next(l, &line, &has, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    assert_true(has);
    return line;
}

static void ends(struct lines *l)
{
    struct line line;
    struct err e;
    for (int i = 0; i < 2; i++) { /* and stays at its end */
        bool has = true;
        assert_int_equal(lines_next(l, &line, &has, &e), STATUS_OK);
        assert_false(has);
    }
}

static void open_lines(struct lines *l, size_t cap)
{
    struct err e;
    if (lines_open(l, path, cap, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

static void is_line(struct line l, int64_t number, const char *text, bool is_last)
{
    assert_int_equal(l.number, number);
    assert_false(l.is_unreadable);
    if (!str_is(l.text, text))
        fail_msg("line %lld: \"%.*s\", not \"%s\"", (long long)number, (int)l.text.len,
                 l.text.ptr, text);
    assert_int_equal(l.is_last, is_last);
}

static void test_lines(void **state)
{
    (void)state;
    static const char text[] = "one\n\nthree\r\nfour";
    struct lines l;
    struct line line;
    put(text, sizeof text - 1);
    open_lines(&l, 100);
    is_line(next(&l), 1, "one", false);
    is_line(next(&l), 2, "", false);
    line = next(&l);
    is_line(line, 3, "three\r", false);
    assert_true(line.is_whole);
    line = next(&l);
    is_line(line, 4, "four", true);
    assert_false(line.is_whole);
    ends(&l);
    lines_close(&l);
    put("last\n", 5);
    open_lines(&l, 100);
    line = next(&l);
    is_line(line, 1, "last", true);
    assert_true(line.is_whole);
    ends(&l);
    lines_close(&l);
    put("", 0);
    open_lines(&l, 100);
    ends(&l);
    lines_close(&l);
}

/* Lines of every length about the size of a block, one behind the other. */
static void test_block_edges(void **state)
{
    (void)state;
    enum { EDGE = 256 * 1024, AROUND = 3, COUNT = 3 * (2 * AROUND + 1) };
    struct lines l;
    int fd = open(path, O_WRONLY | O_TRUNC);
    char *text = mem_alloc(3 * EDGE, 1);
    assert_true(fd >= 0 && text != NULL);
    memset(text, 'x', 3 * EDGE);
    for (int i = 0; i < COUNT; i++) {
        size_t len = (size_t)(EDGE * (i % 3) + i / 3 + (i % 3 == 0 ? 0 : -AROUND));
        struct str parts[] = {{text, len}, {"\n", 1}};
        assert_int_equal(file_write_all(fd, path, parts[0], NULL), STATUS_OK);
        assert_int_equal(file_write_all(fd, path, parts[1], NULL), STATUS_OK);
    }
    close(fd);
    open_lines(&l, 3 * EDGE);
    for (int i = 0; i < COUNT; i++) {
        size_t len = (size_t)(EDGE * (i % 3) + i / 3 + (i % 3 == 0 ? 0 : -AROUND));
        struct line line = next(&l);
        assert_int_equal(line.text.len, len);
        assert_memory_equal(line.text.ptr, text, len);
        assert_int_equal(line.is_last, i == COUNT - 1);
    }
    ends(&l);
    lines_close(&l);
    mem_free(text);
}

/* A line over the cap is not kept, whether it lies in one block or in many; its
 * neighbours are. */
static void test_too_long(void **state)
{
    (void)state;
    static const size_t lengths[] = {11, 300000, 5000000};
    char *text = mem_alloc(5000020, 1);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int is_last = 0; is_last < 2; is_last++) {
            struct lines l;
            size_t len = lengths[i];
            memcpy(text, "before\n", 7);
            memset(text + 7, 'x', len);
            memcpy(text + 7 + len, "\nafter\n", 7);
            put(text, 7 + len + (is_last ? 0 : 7));
            open_lines(&l, 10);
            is_line(next(&l), 1, "before", false);
            struct line line = next(&l);
            assert_true(line.is_unreadable);
            assert_int_equal(line.text.len, 0);
            assert_int_equal(line.is_last, is_last);
            assert_int_equal(line.is_whole, !is_last);
            if (!is_last)
                is_line(next(&l), 3, "after", true);
            ends(&l);
            lines_close(&l);
        }
    mem_free(text);
}

/* 5 GiB of nothing in the middle and 6 GiB at the end: neither is kept in memory. */
static void test_holes(void **state)
{
    (void)state;
    const off_t hole = (off_t)5 << 30;
    struct lines l;
    struct rusage before, after;
    struct str parts[] = {{"one\ntw", 6}, {"o\nthree\n", 8}};
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(file_write_all(fd, path, parts[0], NULL), STATUS_OK);
    assert_int_equal(lseek(fd, hole, SEEK_CUR), hole + 6);
    assert_int_equal(file_write_all(fd, path, parts[1], NULL), STATUS_OK);
    assert_int_equal(ftruncate(fd, hole + hole + ((off_t)1 << 30)), 0);
    close(fd);
    getrusage(RUSAGE_SELF, &before);
    open_lines(&l, (size_t)256 << 20);
    is_line(next(&l), 1, "one", false);
    struct line line = next(&l);
    assert_true(line.is_unreadable && line.is_whole && !line.is_last);
    is_line(next(&l), 3, "three", false);
    line = next(&l);
    assert_true(line.is_unreadable && !line.is_whole && line.is_last);
    assert_int_equal(line.number, 4);
    ends(&l);
    lines_close(&l);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10); /* KiB */
}

static void test_refused(void **state)
{
    (void)state;
    struct lines l;
    struct err e;
    char pipe_path[80];
    assert_int_equal(lines_open(&l, "/nowhere/at all", 10, &e), STATUS_NOT_FOUND);
    lines_close(&l);
    assert_int_equal(lines_open(&l, "/tmp", 10, &e), STATUS_IO);
    assert_string_equal(e.what, "is a folder, not a file");
    lines_close(&l);
    (void)snprintf(pipe_path, sizeof pipe_path, "%s-pipe", path);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(lines_open(&l, pipe_path, 10, &e), STATUS_IO);
    assert_string_equal(e.what, "is a pipe or device, not a file");
    lines_close(&l);
    unlink(pipe_path);
}

static void test_no_memory(void **state)
{
    (void)state;
    enum { LONG = 1500000 };
    char *text = mem_alloc(LONG, 1);
    assert_non_null(text);
    memset(text, 'x', LONG);
    put(text, LONG);
    mem_free(text);
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct lines l;
        struct line line;
        struct err e;
        bool has;
        alloc_fixture_arm(&alloc);
        enum status s = lines_open(&l, path, LONG, &e);
        if (s == STATUS_OK)
            s = lines_next(&l, &line, &has, &e);
        alloc_fixture_judge(&alloc, s);
        if (s == STATUS_OK)
            assert_int_equal(line.text.len, LONG);
        lines_close(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_block_edges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_holes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
