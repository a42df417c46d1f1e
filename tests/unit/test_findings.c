#include "store/findings.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "finding_fixture.h"
#include "stats/verdict.h"

static void test_codes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {{"[\"A\", \"BB\"]", "[\"A\",\"BB\"]"},
                 {"[1,null,[\"C\"],\"A\"]", "[\"A\"]"},
                 {"[\"A\"", "[\"A\"]"},
                 {"[]", "[]"},
                 {"{}", "[]"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(finding_fixture_codes(finding_fixture_read(cases[i].text)),
                            cases[i].want);
    assert_true(verdict_has(finding_fixture_read("[\"A\",\"BB\"]"), "BB"));
    assert_false(verdict_has(finding_fixture_read("[\"A\",\"BB\"]"), "B"));
    assert_false(verdict_has(NULL, "A"));
}

/* What is written reads back; of a row only what fired is kept. */
static void test_checks(void **state)
{
    (void)state;
    static const char text[] =
        "[{\"code\":\"A\",\"field\":\"f\",\"value\":2.5,\"limit\":1.0,"
        "\"text\":\"a } b\"},"
        "{\"code\":\"B\",\"field\":\"g\",\"value\":\"x\\\"y\",\"limit\":null},"
        "{\"code\":\"C\",\"field\":\"h\",\"value\":7,\"limit\":null},"
        "{\"code\":\"D\",\"field\":\"i\",\"value\":true,\"limit\":null}]";
    struct arena a;
    arena_init(&a, 1 << 20);
    const struct findings *all = finding_fixture_read(text);
    assert_string_equal(finding_fixture_checks(all), text);
    const struct findings *const fired[] = {finding_fixture_read("[\"B\"]"),
                                            finding_fixture_read("[\"D\",\"E\"]")};
    const struct findings *some = findings_read_checks(text, fired, &a);
    assert_int_equal(some->count, 2);
    assert_string_equal(some->items[0].value.s, "x\"y");
    assert_true(isnan(some->items[0].limit));
    assert_string_equal(some->items[1].code, "D");
    arena_fini(&a);
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *text =
        "[{\"code\":\"A\",\"field\":\"f\",\"value\":\"v\",\"text\":\"t\"}]";
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        arena_init(&a, 1 << 20);
        alloc_fixture_arm(&alloc);
        const struct findings *made = findings_read_codes(text, &a);
        alloc_fixture_judge(&alloc, made != NULL ? STATUS_OK : STATUS_NO_MEMORY);
        if (made != NULL)
            assert_string_equal(finding_fixture_checks(made),
                                "[{\"code\":\"A\",\"field\":\"f\",\"value\":\"v\","
                                "\"limit\":null,\"text\":\"t\"}]");
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
