#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    unsigned char *pieces[500];
    for (size_t i = 0; i < 500; i++) {
        pieces[i] = arena_alloc(&a, i, 3);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < 3 * i; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)(i % 251), 3 * i);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < 3 * i; k++)
            assert_int_equal(pieces[i][k], i % 251);
    arena_fini(&a);
    assert_int_equal(a.used_bytes, 0);
    arena_fini(&a);
}

static void a_large_piece_leaves_the_block_in_use(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    char *first = arena_alloc(&a, 1, 16);
    assert_non_null(arena_alloc(&a, 1, 100000));
    char *second = arena_alloc(&a, 1, 16);
    assert_ptr_equal(second, first + 16);
    arena_fini(&a);
}

static void the_cap_holds(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1000);
    assert_null(arena_alloc(&a, 1, 1001));
    assert_non_null(arena_alloc(&a, 1, 900));
    assert_null(arena_alloc(&a, 1, 200));
    assert_non_null(arena_alloc(&a, 1, 50));
    volatile size_t many = SIZE_MAX / 4;
    assert_null(arena_alloc(&a, many, 8));
    arena_fini(&a);
}

static void texts(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 10000);
    assert_null(arena_strdup(&a, NULL));
    assert_string_equal(arena_strdup(&a, "abc"), "abc");
    assert_string_equal(arena_str(&a, (struct str){.ptr = "abc", .len = 2}), "ab");
    assert_string_equal(arena_str(&a, (struct str){0}), "");
    assert_string_equal(arena_printf(&a, "%s-%04d", "x", 42), "x-0042");
    assert_null(arena_printf(&a, "%20000d", 1));
    arena_fini(&a);
}

static void no_memory_is_clean(void **state)
{
    (void)state;
    struct alloc_fixture alloc = {.least = 2};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        arena_init(&a, 1 << 20);
        int got = 0;
        alloc_fixture_arm(&alloc);
        while (got < 100 && arena_alloc(&a, 1, 1000) != NULL)
            got++;
        alloc_fixture_judge(&alloc, got == 100 ? STATUS_OK : STATUS_NO_MEMORY);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_large_piece_leaves_the_block_in_use),
        cmocka_unit_test(the_cap_holds),
        cmocka_unit_test(texts),
        cmocka_unit_test(no_memory_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
