#include "store/merge_row.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "results_file_fixture.h"

static void note(struct results_file_fixture *f, const struct scanned_row *row,
                 const char *type, struct merge_row *out)
{
    struct decode d;
    decode_init(&d, &f->arena);
    d.file = "results.json";
    assert_int_equal(merge_row_note(&f->file, row, type, &d, out), STATUS_OK);
}

static void written(struct results_file_fixture *f, size_t row, const char *type,
                    const char *want)
{
    struct merge_row c;
    struct buf out;
    buf_init(&out, 1 << 20);
    note(f, &f->rows[row], type, &c);
    assert_int_equal(merge_row_write(f->rows[row].text, &c, type, &out), STATUS_OK);
    assert_string_equal(buf_cstr(&out), want);
    buf_fini(&out);
}

static void test_note(void **state)
{
    struct results_file_fixture *f = *state;
    struct merge_row c;
    results_file_fixture_read(f, "[{\"instance_type\":\"g5\",\"error\":null},"
                                 "{\"error\":\"died\",\"v\":Infinity}]");
    note(f, &f->rows[0], NULL, &c);
    assert_true(str_is(c.type, "g5"));
    assert_false(c.is_failed || c.is_renamed || c.is_refused || c.has_nonfinite);
    assert_int_equal(c.offset, 1);
    assert_int_equal(c.len, f->rows[0].text.len);
    note(f, &f->rows[0], "g5", &c);
    assert_false(c.is_refused || c.is_renamed);
    note(f, &f->rows[0], "inf2", &c);
    assert_true(c.is_refused);
    assert_false(c.is_renamed);
    note(f, &f->rows[1], "inf2", &c);
    assert_true(c.is_failed && c.is_renamed && c.has_nonfinite);
    assert_false(c.is_refused);
    assert_int_equal(c.type.len, 0);
}

/* A row of the published tool is read to be told from others. */
static void test_note_without_memory(void **state)
{
    struct results_file_fixture *f = *state;
    struct decode d;
    struct arena a;
    struct merge_row c;
    results_file_fixture_read(f,
                              "[{\"experiment_id\":\"x\",\"timestamp\":\"2025-06-01\"},"
                              "{\"run_id\":\"r\",\"row\":0}]");
    arena_init(&a, 0);
    decode_init(&d, &a);
    assert_int_equal(merge_row_note(&f->file, &f->rows[0], NULL, &d, &c),
                     STATUS_NO_MEMORY);
    decode_init(&d, &a);
    assert_int_equal(merge_row_note(&f->file, &f->rows[1], NULL, &d, &c), STATUS_OK);
    arena_fini(&a);
}

/* Ours is copied byte by byte; what is laid out otherwise, anew. */
static void test_layout(void **state)
{
    struct results_file_fixture *f = *state;
    results_file_fixture_read(f, "[{\n      \"a\": 1.50,   \"b\":\"x\"\n    },"
                                 "{\"a\":1.50,\"b\":[1,{}]},"
                                 "{\n      \"a\": 1,   \"b\":NaN\n    },{}]");
    written(f, 0, NULL, "{\n      \"a\": 1.50,   \"b\":\"x\"\n    }");
    written(f, 1, NULL,
            "{\n      \"a\": 1.50,\n      \"b\": [\n        1,\n        {}\n      ]\n"
            "    }");
    written(f, 2, NULL, "{\n      \"a\": 1,\n      \"b\": null\n    }");
    written(f, 3, NULL, "{}");
}

static void test_renamed(void **state)
{
    struct results_file_fixture *f = *state;
    results_file_fixture_read(f,
                              "[{\"instance_type\":\"unknown\",\"label\":null,\"v\":[1]},"
                              "{\"v\":NaN,\"label\":\"mine\"},{}]");
    written(f, 0, "g\"5",
            "{\n      \"instance_type\": \"g\\\"5\",\n      \"label\": \"g\\\"5\",\n"
            "      \"v\": [\n        1\n      ]\n    }");
    written(f, 1, "g5",
            "{\n      \"v\": null,\n      \"label\": \"mine\",\n"
            "      \"instance_type\": \"g5\"\n    }");
    written(f, 2, "g5", "{\n      \"instance_type\": \"g5\"\n    }");
}

static void test_no_room(void **state)
{
    struct results_file_fixture *f = *state;
    struct merge_row c;
    results_file_fixture_read(f, "[{\"v\":1}]");
    for (int is_named = 0; is_named < 2; is_named++) {
        const char *type = is_named ? "g5" : NULL;
        struct buf out;
        note(f, &f->rows[0], type, &c);
        buf_init(&out, 8);
        assert_int_equal(merge_row_write(f->rows[0].text, &c, type, &out),
                         STATUS_TOO_BIG);
        buf_fini(&out);
        buf_init(&out, 1024);
        mem_fail_at(1);
        assert_int_equal(merge_row_write(f->rows[0].text, &c, type, &out),
                         STATUS_NO_MEMORY);
        mem_fail_at(0);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESULTS_FILE_TEST(test_note),    RESULTS_FILE_TEST(test_note_without_memory),
        RESULTS_FILE_TEST(test_layout),  RESULTS_FILE_TEST(test_renamed),
        RESULTS_FILE_TEST(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
