#include "base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void check_str(struct str s, const char *expected)
{
    char text[100];
    assert_true(s.len < sizeof text);
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    assert_string_equal(text, expected);
}

static void comparing(void **state)
{
    (void)state;
    assert_int_equal(str_from(NULL).len, 0);
    assert_true(str_is(str_from(NULL), ""));
    assert_true(str_equal((struct str){.ptr = "abc", .len = 2}, str_from("ab")));
    assert_false(str_equal(str_from("ab"), str_from("abc")));
    assert_false(str_is(str_from("ab"), "aB"));
    assert_true(str_starts(str_from("abc"), "ab"));
    assert_true(str_starts(str_from("abc"), ""));
    assert_false(str_starts(str_from("a"), "ab"));
}

static void trimming(void **state)
{
    (void)state;
    check_str(str_trim(str_from(" \t a b\r\n")), "a b");
    check_str(str_trim(str_from(" \n ")), "");
    check_str(str_trim(str_from("")), "");
}

static void cutting(void **state)
{
    (void)state;
    struct str rest = str_from("a,,b");
    check_str(str_cut(&rest, ','), "a");
    check_str(str_cut(&rest, ','), "");
    check_str(str_cut(&rest, ','), "b");
    assert_int_equal(rest.len, 0);
    check_str(str_cut(&rest, ','), "");
    rest = str_from("a,");
    check_str(str_cut(&rest, ','), "a");
    assert_int_equal(rest.len, 0);
}

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        int64_t value;
    } rows[] = {
        {"0", true, 0},     {"-12", true, -12},
        {"+7", true, 7},    {"9223372036854775807", true, INT64_MAX},
        {"007", true, 7},   {"-9223372036854775808", true, INT64_MIN},
        {"", false, 0},     {"9223372036854775808", false, 0},
        {" 1", false, 0},   {"-9223372036854775809", false, 0},
        {"1 ", false, 0},   {"1.0", false, 0},
        {"0x10", false, 0}, {"1e3", false, 0},
        {"-", false, 0},    {"ten", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t value = -99;
        bool is_good = str_to_i64(str_from(rows[i].text), &value);
        if (is_good != rows[i].is_good)
            fail_msg("\"%s\" gives %d", rows[i].text, is_good);
        assert_int_equal(value, is_good ? rows[i].value : -99);
    }
    int64_t value = -99;
    assert_true(str_to_i64((struct str){.ptr = "123", .len = 2}, &value));
    assert_int_equal(value, 12);
    assert_false(str_to_i64((struct str){.ptr = "1\0002", .len = 3}, &value));
}

static void real_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        double value;
    } rows[] = {
        {"0.5", true, 0.5},  {"-1e3", true, -1000},     {"inf", true, INFINITY},
        {"1", true, 1},      {"-inf", true, -INFINITY}, {"1e-400", true, 0},
        {"nan", false, 0},   {"1e400", false, 0},       {"", false, 0},
        {"0x1p3", false, 0}, {"1,5", false, 0},         {" 1", false, 0},
        {"1s", false, 0},    {".", false, 0},           {".5", true, 0.5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = -99;
        bool is_good = str_to_double(str_from(rows[i].text), &value);
        double expected = rows[i].is_good ? rows[i].value : -99;
        if (is_good != rows[i].is_good || !(value == expected))
            fail_msg("\"%s\" gives %d, %g", rows[i].text, is_good, value);
    }
    char digits[1000];
    memset(digits, '1', sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    double value = 0;
    assert_false(str_to_double(str_from(digits), &value));
}

static void lengths_of_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns; /* -1: refused */
    } rows[] = {
        {"20ms", 20000000},
        {"1.5s", 1500000000},
        {"250us", 250000},
        {"7ns", 7},
        {"2min", INT64_C(120000000000)},
        {"1h", INT64_C(3600000000000)},
        {"0", 0},
        {"0s", 0},
        {"1e3us", 1000000},
        {"0.4ns", 0},
        {"20", -1},
        {"ms", -1},
        {"", -1},
        {"-1s", -1},
        {"1 s", -1},
        {"1S", -1},
        {"1m", -1},
        {"1sec", -1},
        {"infs", -1},
        {"1e30h", -1},
        {"5ms ", -1},
        {"s5", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ns = -1;
        bool is_good = str_to_span_ns(str_from(rows[i].text), &ns);
        if (is_good != (rows[i].ns >= 0) || ns != rows[i].ns)
            fail_msg("\"%s\" gives %d, %lld", rows[i].text, is_good, (long long)ns);
    }
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(str_distance("", ""), 0);
    assert_int_equal(str_distance("", "abc"), 3);
    assert_int_equal(str_distance("kitten", "sitting"), 3);
    assert_int_equal(str_distance("seed", "sede"), 1);
    assert_int_equal(str_distance("Seed", "seED"), 0);
    assert_int_equal(str_distance("batch-size", "batch-sizes"), 1);
    assert_int_equal(str_distance("ca", "abc"), 3); /* optimal string alignment */
    char a[200], b[100];
    memset(a, 'x', sizeof a - 1);
    memset(b, 'x', sizeof b - 1);
    a[sizeof a - 1] = '\0';
    b[sizeof b - 1] = '\0';
    assert_int_equal(str_distance(a, b), 135 + 35);
    assert_int_equal(str_distance(b, a), 35 + 135);
}

static void finding(void **state)
{
    const struct str s = str_from("ab: AB: b");
    (void)state;
    assert_int_equal(str_at(s, 0, ": "), 2);
    assert_int_equal(str_at(s, 3, ": "), 6);
    assert_int_equal(str_at(s, 0, "B: b"), 5);
    assert_int_equal(str_at(s, 0, "b: c"), s.len);
    assert_int_equal(str_at(s, s.len, "b"), s.len);
    assert_int_equal(str_at(str_from(NULL), 0, "b"), 0);
    assert_ptr_equal(str_find(s, "B: B"), s.ptr + 5); /* letters' case ignored */
    assert_ptr_equal(str_find(s, "B:"), s.ptr + 1);
    assert_null(str_find(s, "c"));
    assert_true(str_is_any_case(str_from("Close"), "close"));
    assert_false(str_is_any_case(str_from("close"), "closed"));
    assert_false(str_is_any_case(str_from("closed"), "close"));
    assert_true(str_is_any_case(str_from(NULL), ""));
}

static void test_ends(void **state)
{
    (void)state;
    assert_true(str_ends_any_case(str_from("Model.GGUF"), ".gguf"));
    assert_true(str_ends_any_case(str_from(".gguf"), ".gguf"));
    assert_false(str_ends_any_case(str_from("gguf"), ".gguf"));
    assert_false(str_ends_any_case(str_from("model.gguf2"), ".gguf"));
    assert_true(str_ends_any_case(str_from(""), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),     cmocka_unit_test(comparing),
        cmocka_unit_test(trimming),      cmocka_unit_test(cutting),
        cmocka_unit_test(whole_numbers), cmocka_unit_test(real_numbers),
        cmocka_unit_test(distances),     cmocka_unit_test(lengths_of_time),
        cmocka_unit_test(finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
