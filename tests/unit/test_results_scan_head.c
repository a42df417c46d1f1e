#include "store/results_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "results_file_fixture.h"

#define OF(run, more) "{\"metadata\": {\"run_id\": " run more "}, "

static void test_read(void **state)
{
    struct results_file_fixture *f = *state;
    static const struct {
        const char *text, *run_id;
        bool is_complete;
        size_t rows;
    } cases[] = {
        {OF("\"r\"", "") "\"results\": [{}, {\"a\": [1]}]}", "r", true, 2},
        {OF("\"r\"", ", \"complete\": false") "\"results\": []}", "r", false, 0},
        {OF("null", "") "\"summary\": {\"a\": {}}}", NULL, true, 0},
        {"{\"results\": [{}]}", NULL, true, 1},
        {"[{}, {}]", NULL, true, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct results_head head;
        struct err e;
        const char *path = results_file_fixture_put(f, "results.json", cases[i].text);
        assert_int_equal(results_scan_head(path, &f->arena, &head, &e), STATUS_OK);
        assert_int_equal(head.row_count, cases[i].rows);
        assert_int_equal(head.is_complete, cases[i].is_complete);
        if (cases[i].run_id == NULL)
            assert_null(head.run_id);
        else
            assert_string_equal(head.run_id, cases[i].run_id);
    }
}

static void test_broken(void **state)
{
    struct results_file_fixture *f = *state;
    static const char *const texts[] = {"", "3", "{\"results\": [", "{} {",
                                        "{\"metadata\": {\"run_id\": \"r}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct results_head head;
        struct err e;
        const char *path = results_file_fixture_put(f, "results.json", texts[i]);
        assert_int_equal(results_scan_head(path, &f->arena, &head, &e), STATUS_BAD_INPUT);
        assert_int_equal(results_scan_check(path, "r", &f->arena, &e), STATUS_OK);
    }
}

static void test_check(void **state)
{
    struct results_file_fixture *f = *state;
    struct err e;
    const char *ours = results_file_fixture_put(f, "ours.json",
                                                OF("\"r\"", "") "\"x\": 1}");
    const char *old = results_file_fixture_put(f, "old.json", "[{}]");
    assert_int_equal(results_scan_check("/nowhere", "r", &f->arena, &e), STATUS_OK);
    assert_int_equal(results_scan_check(ours, "r", &f->arena, &e), STATUS_OK);
    assert_int_equal(results_scan_check(ours, "q", &f->arena, &e), STATUS_BAD_OPTION);
    assert_string_equal(e.where, ours);
    assert_non_null(strstr(e.what, "another run, r, not to q"));
    assert_int_equal(results_scan_check(ours, NULL, &f->arena, &e), STATUS_BAD_OPTION);
    assert_int_equal(results_scan_check(old, "r", &f->arena, &e), STATUS_BAD_OPTION);
}

static void test_no_memory(void **state)
{
    struct results_file_fixture *f = *state;
    struct err e;
    const char *path = results_file_fixture_put(f, "results.json",
                                                OF("\"r\"", "") "\"x\": 1}");
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        arena_init(&a, 1 << 16);
        alloc_fixture_arm(&alloc);
        enum status s = results_scan_check(path, "r", &a, &e);
        alloc_fixture_judge(&alloc, s);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESULTS_FILE_TEST(test_read),
        RESULTS_FILE_TEST(test_broken),
        RESULTS_FILE_TEST(test_check),
        RESULTS_FILE_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
