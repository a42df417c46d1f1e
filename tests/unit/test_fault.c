#include "serve/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void names(void **state)
{
    (void)state;
    assert_string_equal(fault_name(FAULT_OK), "ok");
    assert_string_equal(fault_name(FAULT_BIG_HEADER), "big_header");
    assert_string_equal(fault_name(FAULT_COUNT), "");
}

static void sums(void **state)
{
    (void)state;
    struct fault_shares s = {{0}};
    struct err e;
    assert_int_equal(fault_check(&s, &e), STATUS_OK);
    s.share[FAULT_CUT] = 0.3;
    s.share[FAULT_FAIL] = 0.6;
    s.share[FAULT_STALL] = 0.1;
    assert_int_equal(fault_check(&s, &e), STATUS_OK);
    s.share[FAULT_SHORT] = 0.01;
    assert_int_equal(fault_check(&s, &e), STATUS_BAD_OPTION);
}

static void shares_are_kept(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    struct fault_shares s = {{0}};
    int counts[FAULT_COUNT] = {0}, kinds[FAULT_GARBAGE_KINDS] = {0};
    double where = 0;
    s.share[FAULT_CUT] = 0.5;
    s.share[FAULT_GARBAGE] = 0.25;
    for (int64_t i = 0; i < DRAWS; i++) {
        struct fault f;
        fault_draw(&s, "any", 1, i, &f);
        counts[f.kind]++;
        kinds[f.garbage]++;
        where += f.where;
        assert_true(f.where >= 0 && f.where < 1);
    }
    assert_in_range(counts[FAULT_CUT], DRAWS * 0.48, DRAWS * 0.52);
    assert_in_range(counts[FAULT_GARBAGE], DRAWS * 0.23, DRAWS * 0.27);
    assert_int_equal(counts[FAULT_OK], DRAWS - counts[FAULT_CUT] - counts[FAULT_GARBAGE]);
    assert_true(where > DRAWS * 0.48 && where < DRAWS * 0.52);
    for (int i = 0; i < FAULT_GARBAGE_KINDS; i++)
        assert_in_range(kinds[i], DRAWS * 0.18, DRAWS * 0.22);
}

static void same_seed_same_fate(void **state)
{
    (void)state;
    struct fault_shares s = {{0}};
    int differing = 0;
    s.share[FAULT_CUT] = 0.5;
    for (int64_t i = 0; i < 100; i++) {
        struct fault a, b, other;
        fault_draw(&s, "line", 1, i, &a);
        fault_draw(&s, "line", 1, i, &b);
        fault_draw(&s, "line", 2, i, &other);
        assert_int_equal(a.kind, b.kind);
        assert_true(a.where == b.where);
        assert_int_equal(rng_u64(&a.rng), rng_u64(&b.rng));
        assert_int_equal(a.garbage, FAULT_GARBAGE_LINE);
        differing += a.kind != other.kind;
    }
    assert_in_range(differing, 20, 80);
}

static void kinds_of_garbage(void **state)
{
    (void)state;
    static const char *const all[] = {"head", "chunk", "negative", "json", "line"};
    struct fault_shares s = {{0}};
    for (int i = 0; i < FAULT_GARBAGE_KINDS; i++) {
        struct fault f;
        fault_draw(&s, all[i], 1, 1, &f);
        assert_int_equal(f.garbage, i);
        assert_non_null(strstr(FAULT_GARBAGE_CHOICES, all[i]));
    }
}

static void places(void **state)
{
    (void)state;
    struct fault f = {.where = 0};
    assert_int_equal(fault_events(&f, 1), 0);
    assert_int_equal(fault_events(&f, 2), 1);
    assert_int_equal(fault_events(&f, 100), 1);
    f.where = 0.99999;
    assert_int_equal(fault_events(&f, 1), 0);
    assert_int_equal(fault_events(&f, 2), 1);
    assert_int_equal(fault_events(&f, 100), 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(sums),
        cmocka_unit_test(shares_are_kept),
        cmocka_unit_test(same_seed_same_fate),
        cmocka_unit_test(kinds_of_garbage),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
