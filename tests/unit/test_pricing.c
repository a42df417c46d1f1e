#include "stats/pricing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "analysis_fixture.h"
#include "probe/prices.h"
#include "stats/metric.h"
#include "stats_fixture.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down
#define add       analysis_fixture_add

static enum status ask(struct analysis_fixture *f, const char *region, struct arena *a,
                       const struct price **listed, struct err *e)
{
    struct price_list list;
    enum status s = prices_open(NULL, (struct wall){0}, a, &list, e);
    return s != STATUS_OK
               ? s
               : prices_of_rows(&list, analysis_fixture_rows(f), region, a, listed);
}

static void apply_in(struct analysis_fixture *f, const char *region, const char *first,
                     const char *second)
{
    const char *items[] = {first, second};
    const struct opt_strings prices = {
        .items = items, .count = (size_t)(first != NULL) + (second != NULL)};
    const struct price *listed;
    struct err e;
    if (ask(f, region, &f->arena, &listed, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    pricing_apply(&f->all, &prices, listed);
}

static void apply(struct analysis_fixture *f, const char *first, const char *second)
{
    apply_in(f, NULL, first, second);
}

static double price(const struct row *r)
{
    return field_num(r, FIELD_price_usd_per_hour);
}

static void test_named(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *g5 = add(f, "g5.xlarge", "short", 1, 100);
    struct row *inf2 = add(f, "inf2.xlarge", "short", 1, 50);
    inf2->v[FIELD_label] = value_str("mine");
    inf2->v[FIELD_price_usd_per_hour] = value_num(9);
    apply(f, "mine=3.6", "1.8");
    stats_fixture_near(price(g5), 1.8, 0);
    stats_fixture_near(price(inf2), 3.6, 0); /* in place of what stood there */
    assert_string_equal(field_str(g5, FIELD_price_source), "--price-per-hour");
    stats_fixture_near(field_num(g5, FIELD_usd_per_million_output_tokens), 5, 1e-12);
    stats_fixture_near(field_num(inf2, FIELD_usd_per_million_output_tokens), 20, 1e-12);
    apply(f, "7", "inf2.xlarge=2"); /* by type too; the name wins in either order */
    stats_fixture_near(price(inf2), 2, 0);
    stats_fixture_near(price(g5), 7, 0);
}

static void test_list(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *here = add(f, "g5.xlarge", "short", 1, 100);
    struct row *there = add(f, "g5.xlarge", "short", 1, 100);
    struct row *has = add(f, "g5.xlarge", "short", 1, 100);
    struct row *strange = add(f, "toaster", "short", 1, 100);
    const struct origin irish = {.region = "eu-west-1"};
    f->of[1].origin = &irish;
    has->v[FIELD_price_usd_per_hour] = value_num(9);
    apply(f, NULL, NULL); /* data/prices.yaml; no region is guessed */
    assert_true(isnan(price(here)));
    assert_non_null(strstr(f->of[0].no_price, "its region is unknown: --region"));
    assert_null(f->of[1].no_price);
    stats_fixture_near(price(there), 1.123, 0);
    assert_non_null(strstr(field_str(there, FIELD_price_source), "eu-west-1"));
    stats_fixture_near(price(has), 9, 0);
    assert_null(field_str(has, FIELD_price_source));
    assert_true(isnan(price(strange)));
    assert_string_equal(f->of[3].no_price, "toaster is not in the list of prices");
    apply_in(f, "us-east-1", NULL, NULL); /* for those that do not tell theirs */
    stats_fixture_near(price(here), 1.006, 0);
    stats_fixture_near(price(there), 1.123, 0);
}

/* What an older version took for a region that it did not know is no price. */
static void test_guessed(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *r = add(f, "g5.xlarge", "short", 1, 100);
    r->v[FIELD_price_usd_per_hour] = value_num(1.006);
    r->v[FIELD_price_source] = value_str(
        "on demand, us-east-1 (region not known), collected 2026-11");
    r->v[FIELD_usd_per_million_output_tokens] = value_num(2.8);
    apply(f, NULL, NULL);
    assert_true(isnan(price(r)));
    assert_int_equal(r->v[FIELD_price_source].kind, VALUE_NULL);
    assert_int_equal(r->v[FIELD_usd_per_million_output_tokens].kind, VALUE_NULL);
    apply_in(f, "eu-west-1", NULL, NULL);
    stats_fixture_near(price(r), 1.123, 0);
}

/* A client's own place is not that of a server elsewhere; what --region said is. */
static void test_remote(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *r = add(f, "g5.xlarge", "short", 1, 100);
    struct origin o = {.region = "eu-west-1"};
    r->v[FIELD_client_machine_sha256] = value_str("c");
    r->v[FIELD_machine_sha256] = value_null();
    f->of[0].origin = &o;
    apply(f, NULL, NULL);
    assert_true(isnan(price(r)));
    o.is_region_given = true;
    apply(f, NULL, NULL);
    stats_fixture_near(price(r), 1.123, 0);
}

static void test_own_file(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *r = add(f, "g5.xlarge", "short", 1, 100);
    const struct opt_strings none = {.count = 0};
    const struct price own = {.usd_per_hour = 0.36, .source = "spot", .is_own = true};
    r->v[FIELD_price_usd_per_hour] = value_num(9);
    pricing_apply(analysis_fixture_rows(f), &none, &own);
    stats_fixture_near(price(r), 0.36, 0);
    assert_string_equal(field_str(r, FIELD_price_source), "spot");
    stats_fixture_near(field_num(r, FIELD_usd_per_million_output_tokens), 1, 1e-12);
}

static void test_speed(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *online = add(f, "a", "short", 1, 100);
    struct row *failed = add(f, "a", "short", 1, NAN);
    online->v[FIELD_serving_mode] = value_str("online");
    online->v[FIELD_window_tokens_per_second] = value_num(1000);
    apply(f, "3.6", NULL);
    stats_fixture_near(field_num(online, FIELD_usd_per_million_output_tokens), 1, 1e-12);
    online->v[FIELD_actual_input_tokens] = value_int(300);
    online->v[FIELD_actual_output_tokens] = value_int(100);
    online->v[FIELD_energy_j] = value_num(50);
    apply(f, NULL, NULL); /* keeps its price; the cost of all tokens comes with it */
    stats_fixture_near(field_num(online, FIELD_usd_per_million_tokens), 0.25, 1e-12);
    assert_int_equal(failed->v[FIELD_usd_per_million_tokens].kind, VALUE_NULL);
    struct metric_costs costs;
    metric_costs(online, &costs);
    stats_fixture_near(costs.joules, 0.5, 1e-12);
    stats_fixture_near(price(failed), 3.6, 0);
    assert_int_equal(failed->v[FIELD_usd_per_million_output_tokens].kind, VALUE_NULL);
}

static void test_check(void **state)
{
    static const char *const bad[] = {"", "x", "g5=", "0", "-1", "inf", "g5=1x"};
    struct err e;
    const char *good[] = {"1.006", "g5.xlarge=1.006"};
    (void)state;
    assert_int_equal(pricing_check(&(struct opt_strings){.items = good, .count = 2}, &e),
                     STATUS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *items[] = {good[0], bad[i]};
        const struct opt_strings prices = {.items = items, .count = 2};
        assert_int_equal(pricing_check(&prices, &e), STATUS_BAD_OPTION);
        assert_string_equal(e.where, "--price-per-hour");
    }
}

static void test_unused(void **state)
{
    struct analysis_fixture *f = *state;
    const char *items[] = {"g6.xlarge=1", "1.5", "mine=2", "inf2.xlarge=3", "=4"};
    const struct opt_strings prices = {.items = items, .count = 5};
    const char **lines;
    size_t count;
    add(f, "inf2.xlarge", "short", 1, 50)->v[FIELD_label] = value_str("mine");
    add(f, "unknown", "short", 1, 50);
    assert_int_equal(
        pricing_unused(analysis_fixture_rows(f), &prices, &f->arena, &lines, &count),
        STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(lines[0],
                        "--price-per-hour g6.xlarge=1: no row has this label or "
                        "instance type. There are: mine, inf2.xlarge");
    for (int shown = 6; shown <= 10; shown += 4) { /* eight names, and four too many */
        for (int i = shown == 6 ? 0 : 6; i < shown; i++)
            add(f, arena_printf(&f->arena, "m%d", i), "short", 1, 50);
        assert_int_equal(
            pricing_unused(analysis_fixture_rows(f), &prices, &f->arena, &lines, &count),
            STATUS_OK);
        assert_non_null(strstr(lines[1], ": mine, inf2.xlarge, m0, m1, m2, m3, m4, m5"));
        assert_int_equal(strstr(lines[1], ", ...") != NULL, shown == 10);
    }
    enum status st = STATUS_NO_MEMORY;
    for (size_t cap = 0; st != STATUS_OK; cap += 8) {
        struct arena a;
        arena_init(&a, cap);
        st = pricing_unused(analysis_fixture_rows(f), &prices, &a, &lines, &count);
        assert_true(st == STATUS_OK || st == STATUS_NO_MEMORY);
        assert_true(cap < (1 << 20));
        arena_fini(&a);
    }
}

static void test_no_memory(void **state)
{
    struct analysis_fixture *f = *state;
    const struct opt_strings none = {.count = 0};
    struct row *r = add(f, "g5.xlarge", "short", 1, 100);
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        struct err e;
        const struct price *listed;
        arena_init(&a, 1 << 20);
        alloc_fixture_arm(&alloc);
        enum status st = ask(f, "us-east-1", &a, &listed, &e);
        alloc_fixture_judge(&alloc, st);
        if (st == STATUS_OK)
            pricing_apply(&f->all, &none, listed);
        assert_int_equal(isnan(price(r)) == 0, st == STATUS_OK);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_guessed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_remote, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_speed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
