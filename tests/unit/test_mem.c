#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void memory_is_zeroed(void **state)
{
    (void)state;
    unsigned char *block = mem_alloc(100, 10);
    assert_non_null(block);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(block[i], 0);
    mem_free(block);
}

static void overflow_is_refused(void **state)
{
    (void)state;
    volatile size_t many = SIZE_MAX / 2;
    assert_null(mem_alloc(many, 3));
    char *block = mem_alloc(4, 1);
    assert_non_null(block);
    assert_null(mem_resize(block, many, 3));
    memcpy(block, "abc", 4); /* still ours */
    mem_free(block);
}

static void nothing_is_something(void **state)
{
    (void)state;
    void *a = mem_alloc(0, 8), *b = mem_alloc(8, 0);
    assert_non_null(a);
    assert_non_null(b);
    a = mem_resize(a, 0, 8);
    assert_non_null(a);
    mem_free(a);
    mem_free(b);
    mem_free(NULL);
}

static void resize_keeps_content(void **state)
{
    (void)state;
    char *text = mem_strdup("hello");
    assert_non_null(text);
    text = mem_resize(text, 1000, 1);
    assert_non_null(text);
    assert_string_equal(text, "hello");
    mem_free(text);
    assert_null(mem_strdup(NULL));
}

static void nth_call_fails_and_later_ones(void **state)
{
    (void)state;
    void *blocks[5] = {NULL};
    mem_fail_at(3);
    for (int i = 0; i < 5; i++)
        blocks[i] = mem_alloc(1, 1);
    char *copy = mem_strdup("x");
    mem_fail_at(0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(blocks[i] != NULL, i < 2);
    assert_null(copy);
    void *works = mem_alloc(1, 1);
    assert_non_null(works);
    mem_fail_at(1);
    void *grown = mem_resize(works, 2, 1);
    mem_fail_at(0);
    assert_null(grown);
    mem_free(works);
    for (int i = 0; i < 5; i++)
        mem_free(blocks[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(overflow_is_refused),
        cmocka_unit_test(nothing_is_something),
        cmocka_unit_test(resize_keeps_content),
        cmocka_unit_test(nth_call_fails_and_later_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
