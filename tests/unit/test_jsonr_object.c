#include "text/jsonr_object.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/buf.h"
#include "object_fixture.h"

static int tear_down(void **state)
{
    (void)state;
    object_fixture_fini();
    return 0;
}

static void test_members(void **state)
{
    struct arena a;
    const struct jsonr_object *o = object_fixture(
        "{\"n\":5.0,\"s\":\"a\\u0062\",\"x\":1.5,\"t\":true,\"z\":null,\"l\":[1],"
        "\"n\":6}");
    (void)state;
    arena_init(&a, 1 << 16);
    assert_int_equal(o->count, 7);
    assert_int_equal(jsonr_object_int(o, "n", 0), 6); /* the last of them */
    assert_int_equal(jsonr_object_int(o, "x", -7), -7);
    assert_int_equal(jsonr_object_int(o, "z", -7), -7);
    assert_int_equal(jsonr_object_int(o, "none", -7), -7);
    assert_true(jsonr_object_num(o, "x") == 1.5);
    assert_true(isnan(jsonr_object_num(o, "s")));
    assert_true(jsonr_object_bool(o, "t", false));
    assert_true(jsonr_object_bool(o, "n", true));
    assert_string_equal(jsonr_object_text(o, "s", &a), "ab");
    assert_null(jsonr_object_text(o, "n", &a));
    assert_true(jsonr_object_is(o, "s", "ab"));
    assert_false(jsonr_object_is(o, "s", "abc"));
    assert_false(jsonr_object_is(o, "x", "1.5"));
    assert_int_equal(jsonr_object_get(o, "l").kind, JSONR_LIST);
    assert_int_equal(jsonr_object_get(o, "none").kind, JSONR_NONE);
    assert_null(jsonr_object_find(o, "none"));
    arena_fini(&a);
}

/* The next object is not the last one's continuation. */
static void test_again(void **state)
{
    (void)state;
    (void)object_fixture("{\"a\":1,\"b\":2}");
    const struct jsonr_object *o = object_fixture("{\"a\":3}");
    assert_int_equal(o->count, 1);
    assert_int_equal(jsonr_object_int(o, "a", 0), 3);
    assert_int_equal(object_fixture("{}")->count, 0);
}

static enum status read_many(int members, struct err *e)
{
    struct jsonr_object o = {0};
    struct jsonr r;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < members; i++)
        buf_printf(&text, "%c\"f%d\":%d", i > 0 ? ',' : '{', i, i);
    buf_text(&text, "}");
    jsonr_init(&r, buf_str(&text), "many", e);
    jsonr_object_read(&r, "row 3", &o);
    enum status s = jsonr_end(&r);
    jsonr_object_fini(&o);
    buf_fini(&text);
    return s;
}

static void test_too_many(void **state)
{
    struct err e;
    (void)state;
    assert_int_equal(read_many(JSONR_OBJECT_MAX, &e), STATUS_OK);
    assert_int_equal(read_many(JSONR_OBJECT_MAX + 1, &e), STATUS_BAD_INPUT);
    assert_string_equal(e.what, "row 3 has more than 511 members");
}

static void test_bad(void **state)
{
    static const char *const bad[] = {"",         "[1]",     "5",
                                      "{\"a\":1", "{\"a\"}", "{\"a\":1}}"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct jsonr_object o = {0};
        struct jsonr r;
        jsonr_init(&r, str_from(bad[i]), "bad", NULL);
        jsonr_object_read(&r, "it", &o);
        if (jsonr_end(&r) != STATUS_BAD_INPUT)
            fail_msg("%s", bad[i]);
        jsonr_object_fini(&o);
    }
}

static void test_no_memory(void **state)
{
    struct jsonr_object o = {0};
    struct jsonr r;
    (void)state;
    jsonr_init(&r, str_from("{\"a\":1}"), "it", NULL);
    mem_fail_at(1);
    jsonr_object_read(&r, "it", &o);
    mem_fail_at(0);
    assert_int_equal(jsonr_end(&r), STATUS_NO_MEMORY);
    jsonr_object_fini(&o);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        bool is_whole;
        int64_t whole;
        double num;
    } cases[] = {
        {"0", true, 0, 0},
        {"-12", true, -12, -12},
        {"5.0", true, 5, 5},
        {"5e2", true, 500, 500},
        {"-0.0", true, 0, 0},
        {"123456789012345678", true, 123456789012345678, 123456789012345678.0},
        {"9223372036854775807", true, INT64_MAX, 0x1p63},
        {"-9223372036854775808", true, INT64_MIN, -0x1p63},
        {"9223372036854775808", false, 0, 0x1p63},
        {"1e300", false, 0, 1e300},
        {"1.5", false, 0, 1.5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jsonr r;
        int64_t whole = 77;
        jsonr_init(&r, str_from(cases[i].text), NULL, NULL);
        struct jsonr_value v = jsonr_value(&r);
        if (jsonr_whole(v, &whole) != cases[i].is_whole ||
            whole != (cases[i].is_whole ? cases[i].whole : 77) ||
            jsonr_num(v) != cases[i].num)
            fail_msg("%s", cases[i].text);
    }
    static const char *const others[] = {"\"5\"", "true", "null", "[5]", "{}", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct jsonr r;
        int64_t whole;
        jsonr_init(&r, str_from(others[i]), NULL, NULL);
        struct jsonr_value v = jsonr_value(&r);
        assert_false(jsonr_whole(v, &whole));
        assert_true(isnan(jsonr_num(v)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),   cmocka_unit_test(test_again),
        cmocka_unit_test(test_too_many),  cmocka_unit_test(test_bad),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
