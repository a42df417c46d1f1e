#include "store/results_scan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "results_file_fixture.h"

static enum status ignore(void *arg, const struct scanned_row *row, struct err *e)
{
    (void)arg;
    (void)row;
    (void)e;
    return STATUS_OK;
}

/* Fails with `want`, saying `what` and the file. */
static void refused(struct results_file_fixture *f, const char *text, enum status want,
                    const char *what)
{
    const struct results_visitor visitor = {.row = ignore};
    struct scanned_file file;
    struct err e = {.code = STATUS_OK};
    const char *path = results_file_fixture_put(f, "f.json", text);
    enum status st = results_scan_file(path, &visitor, &file, &e);
    if (st != want || strstr(e.what, what) == NULL || strstr(e.where, path) != e.where)
        fail_msg("%s: %s, %s: %s", text, status_text(st), e.where, e.what);
}

static void test_two_shapes(void **state)
{
    struct results_file_fixture *f = *state;
    results_file_fixture_read(f, "{\"metadata\":{\"format\":2,\"a\":[2]},\"other\":null,"
                                 "\"results\":[{\"a\":1,\"b\":[NaN]},{}]}\n");
    assert_int_equal(f->count, 2);
    assert_int_equal(f->file.row_count, 2);
    assert_int_equal(f->file.format, 2);
    assert_true(str_is(f->file.metadata, "{\"format\":2,\"a\":[2]}"));
    assert_true(str_is(f->rows[0].text, "{\"a\":1,\"b\":[NaN]}"));
    assert_true(f->rows[0].has_nonfinite);
    assert_false(f->rows[1].has_nonfinite);
    assert_int_equal(f->rows[1].members.count, 0);
    assert_true(str_is(jsonr_object_find(&f->rows[0].members, "b")->value.text, "[NaN]"));
    assert_null(jsonr_object_find(&f->rows[0].members, "c"));
    results_scan_fini(&f->file);
    results_file_fixture_read(f, " [{\"a\":2}] ");
    assert_int_equal(f->file.row_count, 1);
    assert_int_equal(f->file.format, 0);
    assert_int_equal(f->file.metadata.len, 0);
    /* sha256sum */
    assert_string_equal(
        f->file.sha256,
        "510b9620bcb6502db42f308ecb913d6030359d3507eeb22486e2266d71587837");
}

static void test_refused(void **state)
{
    struct results_file_fixture *f = *state;
    refused(f, "", STATUS_BAD_INPUT, "is empty");
    refused(f, "{}", STATUS_BAD_INPUT, "has no \"results\"");
    refused(f, "{\"type\":\"run\"}\n{\"type\":\"cell\"}", STATUS_BAD_INPUT, "journal");
    refused(f, "{\"summary\":[]}", STATUS_UNSUPPORTED, "a summary");
    refused(f, "{\"python_packages\":{}}", STATUS_UNSUPPORTED, "environment");
    refused(f, "{\"results\":[],\"results\":[]}", STATUS_BAD_INPUT, "twice");
    refused(f, "[3]", STATUS_BAD_INPUT, "row 0 is not an object");
    refused(f, "[{},[]]", STATUS_BAD_INPUT, "row 1 is not an object");
    refused(f, "[{\"a\":1}", STATUS_BAD_INPUT, "");
    refused(f, "[] []", STATUS_BAD_INPUT, "");
    refused(f, "{\"results\":{}}", STATUS_BAD_INPUT, "");
    refused(f, "{\"metadata\":{\"format\":3},\"results\":[]}", STATUS_BAD_INPUT,
            "has format 3, newer than 2");
    struct scanned_file file;
    struct err e;
    const struct results_visitor visitor = {.row = ignore};
    assert_int_equal(results_scan_file(f->dir, &visitor, &file, &e), STATUS_BAD_INPUT);
    assert_string_equal(e.what, "is a folder");
    assert_int_equal(results_scan_file("/nowhere/f.json", &visitor, &file, &e),
                     STATUS_NOT_FOUND);
}

static void test_many_fields(void **state)
{
    struct results_file_fixture *f = *state;
    struct buf text;
    for (int n = JSONR_OBJECT_MAX; n <= JSONR_OBJECT_MAX + 1; n++) {
        buf_init(&text, 1 << 20);
        buf_text(&text, "[{");
        for (int i = 0; i < n; i++)
            buf_printf(&text, "%s\"f%d\":%d", i > 0 ? "," : "", i, i);
        buf_text(&text, "}]");
        if (n > JSONR_OBJECT_MAX)
            refused(f, buf_cstr(&text), STATUS_BAD_INPUT, "more than 511 members");
        else
            results_file_fixture_read(f, buf_cstr(&text));
        buf_fini(&text);
    }
    assert_int_equal(f->rows[0].members.count, JSONR_OBJECT_MAX);
}

static void test_unknown_type(void **state)
{
    struct results_file_fixture *f = *state;
    results_file_fixture_read(f,
                              "[{\"a\":\"\",\"b\":\"unknown\",\"c\":null,\"d\":\"g5\"}]");
    assert_true(results_scan_is_unknown(NULL));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(results_scan_is_unknown(&f->rows[0].members.pairs[i]), i < 3);
}

static enum status stop(void *arg, const struct scanned_row *row, struct err *e)
{
    (void)row;
    ++*(int *)arg;
    return status_fail(e, STATUS_INTERRUPTED, "visitor", "enough");
}

static void test_visitor_ends_it(void **state)
{
    struct results_file_fixture *f = *state;
    struct scanned_file file;
    struct err e;
    int calls = 0;
    const struct results_visitor visitor = {.row = stop, .arg = &calls};
    const char *path = results_file_fixture_put(f, "f.json", "[{},{}]");
    assert_int_equal(results_scan_file(path, &visitor, &file, &e), STATUS_INTERRUPTED);
    assert_int_equal(calls, 1);
    assert_string_equal(e.what, "enough");
}

static void test_no_memory(void **state)
{
    struct results_file_fixture *f = *state;
    const struct results_visitor visitor = {.row = ignore};
    const char *path = results_file_fixture_put(f, "f.json", "[{}]");
    struct alloc_fixture alloc = {.least = 2};
    while (alloc_fixture_next(&alloc)) {
        struct scanned_file file;
        struct err e;
        alloc_fixture_arm(&alloc);
        enum status st = results_scan_file(path, &visitor, &file, &e);
        alloc_fixture_judge(&alloc, st);
        if (st == STATUS_OK)
            results_scan_fini(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESULTS_FILE_TEST(test_two_shapes),      RESULTS_FILE_TEST(test_refused),
        RESULTS_FILE_TEST(test_many_fields),     RESULTS_FILE_TEST(test_unknown_type),
        RESULTS_FILE_TEST(test_visitor_ends_it), RESULTS_FILE_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
