#include "text/jsonw.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"

static void check_double(double value, const char *expected)
{
    char text[32];
    jsonw_double_text(value, text);
    assert_string_equal(text, expected);
}

static void doubles(void **state)
{
    (void)state;
    check_double(0, "0.0");
    check_double(-0.0, "-0.0");
    check_double(1, "1.0");
    check_double(-3, "-3.0");
    check_double(0.1, "0.1");
    check_double(0.1 + 0.2, "0.30000000000000004");
    check_double(1.0 / 3, "0.3333333333333333");
    check_double(1e15, "1000000000000000.0");
    check_double(9007199254740991.0, "9007199254740991.0");
    check_double(9007199254740992.0, "9007199254740992.0");
    check_double(1e22, "1e+22");
    check_double(1e-7, "1e-07");
    check_double(1.7976931348623157e308, "1.7976931348623157e+308");
}

/* Any bits: what is written reads back to the same bits and is JSON for jansson too. */
static void random_doubles_come_back(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 1, "doubles");
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = rng_u64(&r);
        double value;
        if (i % 2 == 0)
            memcpy(&value, &bits, sizeof value);
        else
            value = (double)(int64_t)(bits >> (bits % 60)) / 1e6;
        char text[32];
        jsonw_double_text(value, text);
        if (!isfinite(value)) {
            assert_string_equal(text, "null");
            continue;
        }
        double back = strtod(text, NULL);
        if (memcmp(&back, &value, sizeof value) != 0)
            fail_msg("%a is written %s", value, text);
        json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
        if (!json_is_real(json) || json_real_value(json) != value)
            fail_msg("%s is not a JSON real of the same value", text);
        json_decref(json);
    }
}

static void no_shorter_text_reads_back(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 2, "doubles");
    for (int i = 0; i < 20000; i++) {
        double value = rng_unit(&r) * 1e4;
        char text[32], shorter[48];
        jsonw_double_text(value, text);
        size_t digits = strlen(text) - 1 - (text[0] == '0');
        if (value < 0.1 || digits < 2)
            continue;
        (void)snprintf(shorter, sizeof shorter, "%.*g", (int)digits - 1, value);
        if (strtod(shorter, NULL) == value)
            fail_msg("%s is longer than %s", text, shorter);
    }
}

static void the_infinite_is_null(void **state)
{
    (void)state;
    check_double(NAN, "null");
    check_double(INFINITY, "null");
    check_double(-INFINITY, "null");
    check_double(5e-324, "5e-324");
}

static void write_all(struct jsonw *w)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "i", -5);
    jsonw_num(w, "n", 1.5);
    jsonw_bool(w, "b", true);
    jsonw_null(w, "z");
    jsonw_str(w, "s", "x");
    jsonw_str(w, "t", NULL);
    jsonw_array(w, "a");
    jsonw_int(w, NULL, 1);
    jsonw_object(w, NULL);
    jsonw_object_end(w);
    jsonw_array(w, NULL);
    jsonw_array_end(w);
    jsonw_array_end(w);
    jsonw_object(w, "o");
    jsonw_bool(w, "k", false);
    jsonw_object_end(w);
    jsonw_object_end(w);
}

static void on_one_line(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    struct jsonw w;
    jsonw_init(&w, &b, 0);
    write_all(&w);
    assert_string_equal(
        buf_cstr(&b), "{\"i\":-5,\"n\":1.5,\"b\":true,\"z\":null,\"s\":\"x\",\"t\":null,"
                      "\"a\":[1,{},[]],\"o\":{\"k\":false}}");
    buf_fini(&b);
}

static const char indented[] = "{\n"
                               "  \"i\": -5,\n"
                               "  \"n\": 1.5,\n"
                               "  \"b\": true,\n"
                               "  \"z\": null,\n"
                               "  \"s\": \"x\",\n"
                               "  \"t\": null,\n"
                               "  \"a\": [\n"
                               "    1,\n"
                               "    {},\n"
                               "    []\n"
                               "  ],\n"
                               "  \"o\": {\n"
                               "    \"k\": false\n"
                               "  }\n"
                               "}";

static void indented_as_python_does(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    struct jsonw w;
    jsonw_init(&w, &b, 2);
    write_all(&w);
    assert_string_equal(buf_cstr(&b), indented);
    buf_fini(&b);
}

/* Compact text that goes through jsonw_raw comes out as if it had been written
 * directly. */
static void raw_is_indented(void **state)
{
    (void)state;
    struct buf compact, b;
    buf_init(&compact, 10000);
    buf_init(&b, 10000);
    struct jsonw w;
    jsonw_init(&w, &compact, 0);
    write_all(&w);
    jsonw_init(&w, &b, 2);
    jsonw_raw(&w, NULL, buf_cstr(&compact));
    assert_string_equal(buf_cstr(&b), indented);

    buf_clear(&b);
    jsonw_init(&w, &b, 0);
    jsonw_raw(&w, NULL, indented);
    assert_string_equal(buf_cstr(&b), buf_cstr(&compact));

    buf_clear(&b);
    jsonw_init(&w, &b, 1);
    jsonw_array(&w, NULL);
    jsonw_raw(&w, NULL, " [\"a, {\\\"b: \\\\\", 2 ] ");
    jsonw_raw(&w, NULL, "3");
    jsonw_raw(&w, NULL, "{ }");
    jsonw_array_end(&w);
    assert_string_equal(buf_cstr(&b),
                        "[\n [\n  \"a, {\\\"b: \\\\\",\n  2\n ],\n 3,\n {}\n]");
    buf_fini(&compact);
    buf_fini(&b);
}

static void check_string(const char *text, const char *expected)
{
    struct buf b;
    buf_init(&b, 10000);
    struct jsonw w;
    jsonw_init(&w, &b, 0);
    jsonw_str(&w, NULL, text);
    assert_string_equal(buf_cstr(&b), expected);
    json_t *json = json_loads(buf_cstr(&b), JSON_DECODE_ANY, NULL);
    assert_true(json_is_string(json));
    json_decref(json);
    buf_fini(&b);
}

#define BAD "\xef\xbf\xbd"

static void strings(void **state)
{
    (void)state;
    check_string("", "\"\"");
    check_string("a\"b\\c/", "\"a\\\"b\\\\c/\"");
    check_string("\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"");
    check_string("\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80 \xc3\xa9",
                 "\"\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80 \xc3\xa9\"");
    /* what a terminal acts on: C1, an override, a tag */
    check_string("\xc2\x9b \xe2\x80\xae \xf3\xa0\x81\x81",
                 "\"\\u009b \\u202e \\udb40\\udc41\"");
    check_string("\xff", "\"" BAD "\"");
    check_string("a\x80z", "\"a" BAD "z\"");
    check_string("\xe6\x97", "\"" BAD BAD "\"");                 /* cut short */
    check_string("\xc0\xaf", "\"" BAD BAD "\"");                 /* overlong */
    check_string("\xe0\x80\xaf", "\"" BAD BAD BAD "\"");         /* overlong */
    check_string("\xed\xa0\x80", "\"" BAD BAD BAD "\"");         /* surrogate */
    check_string("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""); /* beyond U+10FFFF */
    check_string("\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"");
}

static void random_bytes_are_valid_json(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 3, "bytes");
    struct buf b;
    buf_init(&b, 10000);
    for (int i = 0; i < 20000; i++) {
        char text[12] = "";
        for (size_t k = 0; k + 1 < sizeof text; k++)
            text[k] = (char)(rng_below(&r, 2) == 0 ? 128 + rng_below(&r, 128)
                                                   : 1 + rng_below(&r, 127));
        struct jsonw w;
        buf_clear(&b);
        jsonw_init(&w, &b, 0);
        jsonw_str(&w, NULL, text);
        json_t *json = json_loads(buf_cstr(&b), JSON_DECODE_ANY, NULL);
        if (json == NULL)
            fail_msg("not valid: %s", buf_cstr(&b));
        json_decref(json);
    }
    buf_fini(&b);
}

/* However deep the values stand in a text of others, it grows by a factor of ten at
 * most. */
static void blanks_make_no_small_text_large(void **state)
{
    (void)state;
    char text[1200] = "";
    for (int depth = 1; depth <= 64; depth++) {
        struct buf b;
        buf_init(&b, 100000);
        memset(text, '[', (size_t)depth);
        size_t len = (size_t)depth;
        for (int i = 0; i < 500; i++, len += 2)
            memcpy(text + len, i > 0 ? ",1" : " 1", 2);
        memset(text + len, ']', (size_t)depth);
        len += (size_t)depth;
        assert_int_equal(jsonw_copy(&b, (struct str){text, len}, 0), STATUS_OK);
        assert_true(b.len < 10 * len);
        json_t *one = json_loadb(text, len, 0, NULL), *two = json_loads(b.data, 0, NULL);
        assert_true(json_equal(one, two));
        json_decref(one);
        json_decref(two);
        buf_fini(&b);
    }
}

static void too_deep_is_an_error(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    struct jsonw w;
    jsonw_init(&w, &b, 0);
    for (int i = 0; i < 100; i++)
        jsonw_array(&w, NULL);
    for (int i = 0; i < 100; i++)
        jsonw_array_end(&w);
    assert_int_equal(b.failed, STATUS_TOO_BIG);
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

static void no_memory_sticks(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    struct jsonw w;
    jsonw_init(&w, &b, 2);
    mem_fail_at(2);
    write_all(&w);
    mem_fail_at(0);
    assert_int_equal(b.failed, STATUS_NO_MEMORY);
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

static void a_copy_is_laid_out_anew(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    jsonw_copy(&out, str_from("{\"a\" :[ ],\"b\":[1,{ }],\n\"c\":\"x, y\",\"d\":NaN}"),
               1);
    assert_string_equal(buf_cstr(&out),
                        "{\n    \"a\": [],\n    \"b\": [\n      1,\n      {}\n    ],\n"
                        "    \"c\": \"x, y\",\n    \"d\": null\n  }");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_laid_out_anew),
        cmocka_unit_test(doubles),
        cmocka_unit_test(random_doubles_come_back),
        cmocka_unit_test(no_shorter_text_reads_back),
        cmocka_unit_test(the_infinite_is_null),
        cmocka_unit_test(on_one_line),
        cmocka_unit_test(indented_as_python_does),
        cmocka_unit_test(raw_is_indented),
        cmocka_unit_test(strings),
        cmocka_unit_test(random_bytes_are_valid_json),
        cmocka_unit_test(blanks_make_no_small_text_large),
        cmocka_unit_test(too_deep_is_an_error),
        cmocka_unit_test(no_memory_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
