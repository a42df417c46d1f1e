#include "base/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void test_absolute(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 16);
    assert_int_equal(chdir("/usr"), 0);
    assert_string_equal(path_absolute("/a/b", &a), "/a/b");
    assert_string_equal(path_absolute("results/x.json", &a), "/usr/results/x.json");
    assert_string_equal(path_absolute("././x", &a), "/usr/x");
    assert_string_equal(path_absolute("../x", &a), "/usr/../x");
    assert_int_equal(chdir("/"), 0);
    assert_string_equal(path_absolute("x", &a), "/x");
    arena_fini(&a);
}

static void test_words(void **state)
{
    static const char *const table[][2] = {
        {"/a/b-1_2.json", "/a/b-1_2.json"},
        {"", "''"},
        {"/a b", "'/a b'"},
        {"/it's", "'/it'\\''s'"},
        {"/a*", "'/a*'"},
        {"/$(x)", "'/$(x)'"},
        {"/東京", "'/東京'"},
        {"~/x", "'~/x'"},
    };
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct buf out;
        buf_init(&out, 256);
        path_put_word(&out, table[i][0]);
        assert_string_equal(buf_cstr(&out), table[i][1]);
        buf_fini(&out);
    }
    assert_int_equal(chdir("/usr"), 0);
    assert_string_equal(path_word("a b", &a), "'/usr/a b'");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absolute),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
