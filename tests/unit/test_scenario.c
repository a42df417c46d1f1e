#include "plan/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_builtin(void **state)
{
    static const struct {
        const char *name;
        int64_t shared, own, answer;
    } want[] = {{"short", 0, 32, 128},
                {"medium", 0, 256, 128},
                {"long", 0, 2048, 128},
                {"long_generation", 0, 64, 1024},
                {"prefix_caching", 1024, 64, 128}};
    struct scenario_list got = scenario_builtin();

    (void)state;
    assert_int_equal(got.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(got.items[i].name, want[i].name);
        assert_int_equal(got.items[i].shared_tokens, want[i].shared);
        assert_int_equal(got.items[i].own_tokens, want[i].own);
        assert_int_equal(got.items[i].max_tokens, want[i].answer);
        assert_non_null(got.items[i].help);
    }
}

static void test_pick(void **state)
{
    struct arena a;
    struct err e;
    const struct scenario extra[] = {{.name = "mine"},
                                     {.name = "short", .own_tokens = 7}};
    const struct scenario_list list = {.items = extra, .count = 2};
    const char *words[] = {"long", "short", "mine"};
    struct opt_strings names = {.items = words, .count = 3};
    struct scenario_list got = {.count = 0};

    (void)state;
    arena_init(&a, 1 << 20);

    assert_int_equal(scenario_pick(&names, &list, &a, &got, &e), STATUS_OK);
    assert_int_equal(got.count, 3);
    assert_int_equal(got.items[0].own_tokens, 2048);
    assert_int_equal(got.items[1].own_tokens, 7); /* a file's comes before a built-in */
    assert_string_equal(got.items[2].name, "mine");
    words[1] = "prefix-caching";
    assert_int_equal(scenario_pick(&names, &list, &a, &got, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.what, "no scenario \"prefix-caching\"");
    assert_non_null(strstr(e.hint, "Did you mean prefix_caching? Known: mine, short"));
    words[1] = "zzz";
    assert_int_equal(scenario_pick(&names, &list, &a, &got, &e), STATUS_BAD_OPTION);
    assert_null(strstr(e.hint, "Did you"));
    assert_non_null(strstr(e.hint, "--scenario-file"));
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_pick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
