#include "store/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

#define PLACE(region)      "\"instance\":{\"region\":\"" region "\"},"
#define TORCH(v)           "\"python_packages\":{\"vllm\":\"1\",\"torch\":\"" v "\"},"
#define CARD               "\"gpu\":{\"name\":\"A10G\",\"driver_version\":\"580.1\"}"
#define ENV(region, torch) "\"env\":{" PLACE(region) TORCH(torch) CARD "}"
#define FIRST              "\"run_id\":\"r1\"," ENV("ap-northeast-1", "2.10.0")
#define SECOND             "\"run_id\":\"r2\"," ENV("us-east-1", "2.9.0")

static const char merged[] = "{\"sources\":[{\"file\":\"a\",\"metadata\":{" FIRST "}},"
                             "{\"file\":\"old\",\"metadata\":null},"
                             "{\"file\":\"b\",\"metadata\":{\"sources\":["
                             "{\"metadata\":{" SECOND "}}]}}]}";

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct origins collect(const char *text)
{
    struct origins o;
    assert_int_equal(origin_collect(str_from(text), &arena, &o), STATUS_OK);
    return o;
}

static void test_own_environment_serves_its_run(void **state)
{
    (void)state;
    struct origins o = collect("{\"run_id\":\"r\"," ENV("eu-west-1", "2.10.0") "}");
    assert_int_equal(o.count, 1);
    assert_string_equal(origin_find(&o, "r")->region, "eu-west-1");
    assert_null(origin_find(&o, "r2")); /* a row that was put there by hand */
    assert_null(origin_find(&o, NULL));
}

static void test_environment_of_no_run_serves_all_rows(void **state)
{
    (void)state;
    struct origins o = collect("{\"run_id\":null," ENV("eu-west-1", "2.10.0") "}");
    assert_string_equal(origin_find(&o, "r")->region, "eu-west-1");
    assert_string_equal(origin_find(&o, NULL)->versions,
                        "torch 2.10.0, A10G, driver 580.1");
}

static void test_runs_without_an_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_partial;
    } cases[] = {{"{\"run_id\":\"r\"," ENV("x", "1") "}", false},
                 {"{\"complete\":true," ENV("x", "1") "}", false},
                 {"{\"complete\":false," ENV("x", "1") "}", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct origins o = collect(cases[i].text);
        assert_int_equal(origin_find(&o, "r")->is_partial, cases[i].is_partial);
    }
}

static void test_merged_files_tell_runs_apart(void **state)
{
    (void)state;
    struct origins o = collect(merged);
    assert_int_equal(o.count, 2);
    assert_string_equal(origin_find(&o, "r1")->region, "ap-northeast-1");
    assert_string_equal(origin_find(&o, "r2")->region, "us-east-1");
    assert_null(origin_find(&o, "r3"));
    assert_null(origin_find(&o, NULL));
}

/* What --region said is of the machine; else it is where the client is. */
static void test_a_region_that_was_given(void **state)
{
    (void)state;
    struct origins o = collect(
        "{\"run_id\":\"r\",\"options\":{\"region\":\"eu-west-2\"}," ENV("us-east-1",
                                                                        "1") "}");
    assert_string_equal(origin_find(&o, "r")->region, "eu-west-2");
    assert_true(origin_find(&o, "r")->is_region_given);
    o = collect("{\"run_id\":\"r\",\"options\":{\"region\":\"\"}," ENV("x", "1") "}");
    assert_string_equal(origin_find(&o, "r")->region, "x");
    assert_false(origin_find(&o, "r")->is_region_given);
}

static void test_nothing_is_stated(void **state)
{
    static const char *const texts[] = {"", "{}", "{\"env\":null,\"sources\":[]}",
                                        "{\"env\":{\"instance\":null}}", "{\"env\":"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct origins o = collect(texts[i]);
        const struct origin *found = origin_find(&o, "r");
        assert_true(found == NULL || (found->region == NULL && found->versions == NULL));
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    enum status s = STATUS_NO_MEMORY;
    for (long nth = 1; s != STATUS_OK; nth++) {
        struct origins o;
        arena_fini(&arena);
        arena_init(&arena, 1 << 20);
        mem_fail_at(nth);
        s = origin_collect(str_from(merged), &arena, &o);
        mem_fail_at(0);
        assert_true(s == STATUS_OK || s == STATUS_NO_MEMORY);
        assert_true(nth < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_environment_serves_its_run),
        cmocka_unit_test(test_environment_of_no_run_serves_all_rows),
        cmocka_unit_test(test_runs_without_an_end),
        cmocka_unit_test(test_merged_files_tell_runs_apart),
        cmocka_unit_test(test_a_region_that_was_given),
        cmocka_unit_test(test_nothing_is_stated),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
