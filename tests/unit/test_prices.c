#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "probe/prices.h"

static void known_prices_come_with_region_and_date(void **state)
{
    (void)state;
    struct arena a;
    struct price p;
    struct err e;
    arena_init(&a, 1 << 20);
    assert_int_equal(prices_find("inf2.xlarge", "ap-northeast-1", &a, &p, &e), STATUS_OK);
    assert_true(fabs(p.usd_per_hour - 1.1373) < 1e-12);
    assert_string_equal(p.source, "on demand, ap-northeast-1, collected 2026-11");
    assert_int_equal(prices_find("g5.xlarge", NULL, &a, &p, &e), STATUS_OK);
    assert_true(fabs(p.usd_per_hour - 1.006) < 1e-12);
    assert_non_null(strstr(p.source, "us-east-1 (region not known)"));
    assert_int_equal(prices_find("g5.8xlarge", "us-west-2", &a, &p, &e), STATUS_OK);
    assert_true(fabs(p.usd_per_hour - 2.448) < 1e-12);
    arena_fini(&a);
}

static void what_is_not_listed_has_no_price(void **state)
{
    (void)state;
    struct arena a;
    struct err e;
    arena_init(&a, 1 << 20);
    const char *asked[][2] = {{"p5.48xlarge", "us-east-1"},
                              {"g5.xlarge", "sa-east-1"},
                              {"g5.8xlarge", "eu-west-1"},
                              {NULL, NULL}};
    for (size_t i = 0; i < 4; i++) {
        struct price p = {1, "left over"};
        assert_int_equal(prices_find(asked[i][0], asked[i][1], &a, &p, &e), STATUS_OK);
        assert_true(isnan(p.usd_per_hour));
        assert_null(p.source);
    }
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_prices_come_with_region_and_date),
        cmocka_unit_test(what_is_not_listed_has_no_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
