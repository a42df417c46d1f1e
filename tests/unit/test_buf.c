#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/mem.h"

static void appending(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(buf_text(&b, "a"), STATUS_OK);
    assert_int_equal(buf_append(&b, "b\0c", 3), STATUS_OK);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "ab\0c", 5);
    buf_clear(&b);
    assert_string_equal(buf_cstr(&b), "");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_printf(&b, "%d,", i), STATUS_OK);
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_memory_equal(b.data + b.len - 8, "998,999,", 9);
    buf_fini(&b);
    assert_string_equal(buf_cstr(&b), "");
}

static void the_cap_is_exact(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(buf_char(&b, 'x'), STATUS_OK);
    assert_int_equal(buf_append(&b, "", 0), STATUS_OK);
    assert_int_equal(b.len, 100);
    assert_int_equal(buf_char(&b, 'x'), STATUS_TOO_BIG);
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(buf_text(&b, ""), STATUS_TOO_BIG);
    assert_int_equal(buf_printf(&b, "x"), STATUS_TOO_BIG);
    buf_clear(&b);
    assert_int_equal(buf_printf(&b, "%100s", "y"), STATUS_OK);
    assert_int_equal(buf_printf(&b, "%s", "z"), STATUS_TOO_BIG);
    buf_clear(&b);
    assert_int_equal(buf_append(&b, "x", SIZE_MAX), STATUS_TOO_BIG);
    buf_fini(&b);
}

static void printf_that_needs_room_keeps_the_front(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    (void)buf_text(&b, "front ");
    assert_int_equal(buf_printf(&b, "%500d|", 7), STATUS_OK);
    assert_int_equal(b.len, 507);
    assert_memory_equal(b.data, "front    ", 9);
    assert_string_equal(b.data + 500, "     7|");
    buf_fini(&b);
}

static void dropping_the_front(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_drop_front(&b, 3);
    (void)buf_text(&b, "abcdef");
    buf_drop_front(&b, 2);
    assert_string_equal(buf_cstr(&b), "cdef");
    buf_drop_front(&b, 99);
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

static void whole_numbers(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 7, -7, 10, 1234567890123, INT64_MAX, INT64_MIN};
    struct buf b;
    buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%lld", (long long)values[i]);
        buf_clear(&b);
        assert_int_equal(buf_int(&b, values[i]), STATUS_OK);
        assert_string_equal(buf_cstr(&b), text);
    }
    buf_fini(&b);
    buf_init(&b, 2);
    assert_int_equal(buf_int(&b, 100), STATUS_TOO_BIG);
    buf_fini(&b);
}

static void no_memory_is_clean(void **state)
{
    (void)state;
    struct alloc_fixture alloc = {.least = 3};
    while (alloc_fixture_next(&alloc)) {
        struct buf b;
        buf_init(&b, 10000);
        alloc_fixture_arm(&alloc);
        for (int i = 0; i < 500; i++)
            (void)buf_printf(&b, "%d ", i);
        alloc_fixture_judge(&alloc, b.failed);
        if (b.failed != STATUS_OK) {
            assert_int_equal(b.len, 0);
            assert_int_equal(buf_text(&b, "x"), STATUS_NO_MEMORY);
        }
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appending),
        cmocka_unit_test(the_cap_is_exact),
        cmocka_unit_test(printf_that_needs_room_keeps_the_front),
        cmocka_unit_test(dropping_the_front),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(no_memory_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
