#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "probe/prices.h"

#define DAY_NS (86400 * NS_PER_S)
#define MOMENT ((struct wall){20787 * DAY_NS}) /* 2026-11-30 */

struct fixture {
    struct arena arena;
    struct price_list list;
    char path[64];
};

static int set_up(void **state)
{
    static struct fixture f;
    struct err e;
    arena_init(&f.arena, 1 << 22);
    (void)snprintf(f.path, sizeof f.path, "prices-%ld.yaml", (long)getpid());
    assert_int_equal(prices_open(NULL, MOMENT, &f.arena, &f.list, &e), STATUS_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    arena_fini(&f->arena);
    return 0;
}

static struct price find(struct fixture *f, const char *type, const char *region)
{
    struct price p;
    assert_int_equal(prices_find(&f->list, type, region, &f->arena, &p), STATUS_OK);
    return p;
}

static enum status open_own(struct fixture *f, const char *text, struct err *e)
{
    assert_int_equal(file_replace(f->path, str_from(text), e), STATUS_OK);
    return prices_open(f->path, MOMENT, &f->arena, &f->list, e);
}

static void known_prices_come_with_region_and_date(void **state)
{
    static const struct {
        const char *type, *region;
        double usd;
        const char *source;
    } known[] = {
        {"inf2.xlarge", "ap-northeast-1", 1.1373,
         "on demand, ap-northeast-1, collected 2026-11"},
        {"g5.8xlarge", "us-west-2", 2.448, "on demand, us-west-2, collected 2026-11"},
        {"g6.xlarge", "us-east-1", 0.8048,
         "on demand, us-east-1, collected 2026-01-21, more than 180 days ago"},
        {"g6e.xlarge", "ap-northeast-1", 2.699,
         "on demand, ap-northeast-1, collected 2026-01-21, more than 180 days ago"},
        {"trn1.32xlarge", "us-east-1", 21.5,
         "on demand, us-east-1, collected 2026-01-21, more than 180 days ago"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct price p = find(*state, known[i].type, known[i].region);
        assert_true(fabs(p.usd_per_hour - known[i].usd) < 1e-12);
        assert_string_equal(p.source, known[i].source);
        assert_null(p.why);
        assert_false(p.is_own);
        assert_int_equal(p.is_old, strstr(p.source, "180") != NULL);
    }
}

static void what_is_not_listed_has_no_price_and_a_reason(void **state)
{
    static const char *const asked[][3] = {
        {"p5.48xlarge", "us-east-1", "p5.48xlarge is not in the list of prices"},
        {"g5.8xlarge", "eu-west-1", "g5.8xlarge is not listed for eu-west-1"},
        {"trn1.2xlarge", NULL, "its region is unknown: --region"},
        {"g5.xlarge", "", "its region is unknown: --region"},
        {"unknown", "us-east-1", "its instance type is unknown"},
        {NULL, NULL, "its instance type is unknown"}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct price p = find(*state, asked[i][0], asked[i][1]);
        assert_true(isnan(p.usd_per_hour));
        assert_null(p.source);
        assert_string_equal(p.why, asked[i][2]);
    }
}

#define LISTED(rest) "currency: USD\nlists:\n  - kind: spot\n" rest
#define HEADS        "    collected: 2026-11-20\n    source: console\n"

static void a_file_of_the_users_wins(void **state)
{
    struct fixture *f = *state;
    struct err e;
    char source[160];
    if (open_own(f,
                 LISTED(HEADS
                        "    regions: [us-east-1]\n    prices: {g5.xlarge: 0.4}\n"
                        "  - kind: reserved\n    collected: 2026-05\n    source: s\n"
                        "    prices: {box: 0.5, g5.xlarge: 0.7}\n"),
                 &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    struct price p = find(f, "g5.xlarge", "us-east-1");
    assert_true(fabs(p.usd_per_hour - 0.4) < 1e-12 && p.is_own && !p.is_old);
    (void)snprintf(source, sizeof source, "spot, us-east-1, collected 2026-11-20, in %s",
                   f->path);
    assert_string_equal(p.source, source);
    assert_true(fabs(find(f, "g5.xlarge", "eu-west-1").usd_per_hour - 0.7) < 1e-12);
    p = find(f, "box", NULL); /* holds everywhere */
    assert_true(fabs(p.usd_per_hour - 0.5) < 1e-12 && p.is_old);
    (void)snprintf(source, sizeof source,
                   "reserved, collected 2026-05, more than 180 days ago, in %s", f->path);
    assert_string_equal(p.source, source);
    p = find(f, "inf2.xlarge", "us-east-1"); /* what it does not name is still listed */
    assert_true(fabs(p.usd_per_hour - 0.7582) < 1e-12 && !p.is_own);
}

static void ages_count_from_the_last_day(void **state)
{
    static const struct {
        const char *collected;
        bool is_old;
    } days[] = {{"2026-06-03", false}, {"2026-06-02", true}, {"2026-06", false},
                {"2026-05", true},     {"2027-12", false},   {"2024-02-29", true},
                {"2025-12", true},     {"2026-12-31", false}};
    struct err e;
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       LISTED("    source: s\n    collected: %s\n    prices: {box: 1}\n"),
                       days[i].collected);
        assert_int_equal(open_own(*state, text, &e), STATUS_OK);
        assert_int_equal(find(*state, "box", NULL).is_old, days[i].is_old);
    }
}

static void a_file_of_another_form_is_refused(void **state)
{
#define ONE(price) LISTED(HEADS "    prices: {" price "}\n")
#define ON(day)    LISTED("    source: s\n    collected: " day "\n    prices: {a: 1}\n")
    static const char *const bad[][2] = {
        {"", ":1"},
        {"[]", ":1"},
        {"currency: USD\n", "lists must be"},
        {"currency: USD\nlists: []\n", "lists must be"},
        {"currency: USD\nlists: [1]\n", "a map was expected"},
        {"currency: JPY\nlists: []\n", "currency must be USD"},
        {"lists: []\n", "currency must be USD"},
        {"currency: USD\nregions: {}\n", "unknown key \"regions\""},
        {"currency: USD\nlists:\n  - kind: free\n", "kind must be"},
        {LISTED(HEADS "    spots: 1\n"), "unknown key \"spots\""},
        {LISTED("    source: s\n    prices: {a: 1}\n"), "collected must be"},
        {ON("2026"), "collected must be"},
        {ON("2026-13"), "collected must be"},
        {ON("2026-00"), "collected must be"},
        {ON("2026-02-29"), "collected must be"},
        {ON("2026-11-31"), "collected must be"},
        {ON("2026-11-00"), "collected must be"},
        {ON("1969-12"), "collected must be"},
        {ON("today"), "collected must be"},
        {LISTED("    collected: 2026-11\n    prices: {a: 1}\n"), "source must say"},
        {LISTED("    collected: 2026-11\n    source: \"a\\nb\"\n"), "source must say"},
        {LISTED(HEADS), "prices must be a map"},
        {LISTED(HEADS "    prices: [1]\n"), "prices must be a map"},
        {LISTED(HEADS "    regions: us-east-1\n    prices: {a: 1}\n"), "must be a list"},
        {LISTED(HEADS "    regions: []\n    prices: {a: 1}\n"), "must be a list"},
        {LISTED(HEADS "    regions: [US East]\n    prices: {a: 1}\n"), "must be names"},
        {LISTED(HEADS "    regions: [{}]\n    prices: {a: 1}\n"), "must be names"},
        {ONE("a: 0"), "no price above 0 is given for \"a\""},
        {ONE("a: -1"), "no price above 0"},
        {ONE("a: inf"), "no price above 0"},
        {ONE("a: 1e9"), "no price above 0"},
        {ONE("a: cheap"), "no price above 0"},
        {ONE("a: {}"), "no price above 0"},
        {ONE("a: ~"), "no price above 0"},
        {ONE("\"\": 1"), "no instance type"},
        {LISTED(HEADS "    regions: [r, r]\n    prices: {a: 1}\n"), "a second price"},
        {ONE("a: 1") "  - kind: spot\n" HEADS "    prices: {a: 2}\n", "a second price"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        char all[1024];
        if (open_own(f, bad[i][0], &e) != STATUS_BAD_INPUT)
            fail_msg("taken: %s", bad[i][0]);
        status_format(&e, all, sizeof all);
        if (strstr(all, bad[i][1]) == NULL)
            fail_msg("%s: said %s", bad[i][0], all);
        assert_non_null(strstr(e.where, f->path));
    }
    struct err e;
    assert_int_equal(prices_open("no/such.yaml", MOMENT, &f->arena, &f->list, &e),
                     STATUS_NOT_FOUND);
}

static void too_many_prices_are_refused(void **state)
{
    struct buf text;
    struct err e;
    buf_init(&text, 1 << 20);
    buf_text(&text, LISTED(HEADS "    prices:\n"));
    for (int i = 0; i <= 2000; i++)
        buf_printf(&text, "      a%d: 1\n", i);
    assert_int_equal(open_own(*state, buf_cstr(&text), &e), STATUS_BAD_INPUT);
    assert_non_null(strstr(e.what, "more than 2000 prices"));
    buf_fini(&text);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(known_prices_come_with_region_and_date),
        CASE(what_is_not_listed_has_no_price_and_a_reason),
        CASE(a_file_of_the_users_wins),
        CASE(ages_count_from_the_last_day),
        CASE(a_file_of_another_form_is_refused),
        CASE(too_many_prices_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
