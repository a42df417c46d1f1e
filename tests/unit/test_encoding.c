#include "text/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define BYTES(text) text, sizeof(text) - 1

/* What a file is, by its bytes; NULL: plain UTF-8. */
static void test_kinds(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *what, *cure;
    } table[] = {
        {BYTES(""), NULL, NULL},
        {BYTES("a\n\xe6\x9d\xb1\n"), NULL, NULL},
        {BYTES("\xef\xbb\xbf{}"), NULL, NULL},
        {BYTES("BZ"), NULL, NULL},
        {BYTES("\x1f\x8b\x08\0"), "gzip", "gzip -dc FILE > NEW"},
        {BYTES("\x28\xb5\x2f\xfd"), "zstd", "zstd -dc"},
        {BYTES("\xfd"
               "7zXZ\0"),
         "xz", "xz -dc"},
        {BYTES("BZh9"), "bzip2", "bzip2 -dc"},
        {BYTES("PK\x03\x04\0"), "zip", "unzip -p"},
        {BYTES("PAR1\0"), "Parquet", "read_parquet"},
        {BYTES("\xff\xfe{\0"), "UTF-16", "iconv -f UTF-16 "},
        {BYTES("\xfe\xff\0{"), "UTF-16", "iconv -f UTF-16 "},
        {BYTES("\xff\xfe\0\0"), "UTF-32", "iconv -f UTF-32 "},
        {BYTES("{\0"), "UTF-16", "UTF-16LE"},
        {BYTES("\0{"), "UTF-16", "UTF-16BE"},
        {BYTES("ab\0"), "NUL", ""},
        {BYTES("a\n\x93\x8c\x8b\x9e\n"), "not UTF-8: byte 0x93", "CP932"},
        {BYTES("\xe6\x9d"), "byte 0xe6", "iconv"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct err e = {.code = STATUS_OK};
        struct str text = {table[i].bytes, table[i].len};
        enum status s = encoding_check(text, "file", &e);
        assert_int_equal(s, table[i].what == NULL ? STATUS_OK : STATUS_BAD_INPUT);
        if (table[i].what != NULL && (strstr(e.what, table[i].what) == NULL ||
                                      strstr(e.hint, table[i].cure) == NULL))
            fail_msg("case %zu: %s. %s", i, e.what, e.hint);
    }
}

static void test_line(void **state)
{
    struct err e;
    (void)state;
    const struct str text = str_from("one\ntwo\nthr\xe9"
                                     "e\n");
    assert_int_equal(encoding_check(text, "own.jsonl", &e), STATUS_BAD_INPUT);
    assert_string_equal(e.where, "own.jsonl:3");
}

/* Of the start alone: what comes later is not looked at. */
static void test_start(void **state)
{
    struct err e;
    (void)state;
    assert_int_equal(encoding_check_start(str_from("a\xff"), "f", &e), STATUS_OK);
    assert_int_equal(encoding_check_start(str_from(""), "f", &e), STATUS_OK);
    assert_int_equal(encoding_check_start(str_from("\x1f\x8b"), "f", &e),
                     STATUS_BAD_INPUT);
    assert_int_equal(encoding_check_start((struct str){"{\0", 2}, "f", &e),
                     STATUS_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
