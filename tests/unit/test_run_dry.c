#include "cli/run_dry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void scenarios(void **state)
{
    (void)state;
    struct scenario_text texts[2] = {{.text = "a"}, {.text = "b"}};
    const struct scenario items[] = {
        {.name = "own", .own_tokens = 7, .max_tokens = 8},
        {.name = "both", .shared_tokens = 5, .own_tokens = 7, .max_tokens = 9},
        {.name = "texts", .texts = texts, .text_count = 2, .max_tokens = 10}};
    const struct scenario_list list = {items, 3};
    struct buf out;
    buf_init(&out, 4096);
    run_dry_scenarios(&list, OPT_INT_UNSET, &out);
    assert_string_equal(buf_cstr(&out),
                        "scenario           prompt tokens          answer tokens\n"
                        "own                7                      8\n"
                        "both               12 (5 shared)          9\n"
                        "texts              2 texts                10\n");
    buf_clear(&out);
    run_dry_scenarios(&(struct scenario_list){items, 1}, 77, &out);
    assert_string_equal(buf_cstr(&out),
                        "scenario           prompt tokens          answer tokens\n"
                        "own                7                      77\n");
    buf_fini(&out);
}

static void order(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    run_dry_order(1, &out);
    assert_string_equal(buf_cstr(&out), "");
    run_dry_order(2, &out);
    assert_string_equal(buf_cstr(&out), "order: which prefix-caching setting runs "
                                        "first is drawn at the start\n");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(scenarios),
                                       cmocka_unit_test(order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
