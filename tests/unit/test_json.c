#include "text/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

static json_t *parse(const char *text)
{
    json_t *value = NULL;
    struct err e;
    if (json_from_text(str_from(text), "f:1", &value, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    return value;
}

static void members(void **state)
{
    (void)state;
    json_t *obj = parse("{\"s\":\"text\",\"i\":7,\"r\":7.0,\"h\":7.5,\"big\":1e300,"
                        "\"t\":true,\"f\":false,\"n\":null,\"min\":-9223372036854775808,"
                        "\"edge\":9223372036854775808.0}");
    assert_string_equal(json_str_of(obj, "s"), "text");
    assert_null(json_str_of(obj, "i"));
    assert_null(json_str_of(obj, "n"));
    assert_null(json_str_of(obj, "absent"));
    assert_int_equal(json_int_of(obj, "i", -1), 7);
    assert_int_equal(json_int_of(obj, "r", -1), 7);
    assert_int_equal(json_int_of(obj, "h", -1), -1);
    assert_int_equal(json_int_of(obj, "big", -1), -1);
    assert_int_equal(json_int_of(obj, "edge", -1), -1);
    assert_int_equal(json_int_of(obj, "min", -1), INT64_MIN);
    assert_int_equal(json_int_of(obj, "s", -1), -1);
    assert_true(json_num_of(obj, "h") == 7.5);
    assert_true(json_num_of(obj, "i") == 7);
    assert_true(isnan(json_num_of(obj, "n")));
    assert_true(isnan(json_num_of(obj, "t")));
    assert_true(json_bool_of(obj, "t", false));
    assert_false(json_bool_of(obj, "f", true));
    assert_true(json_bool_of(obj, "i", true));
    json_decref(obj);
    assert_null(json_str_of(NULL, "x"));
    assert_int_equal(json_int_of(NULL, "x", 3), 3);
    assert_true(isnan(json_num_of(NULL, "x")));
    json_t *array = parse("[1]");
    assert_int_equal(json_int_of(array, "x", 3), 3);
    json_decref(array);
}

static void broken_text_names_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
    } rows[] = {
        {"", "not valid JSON at column 0: "},
        {"{\"a\":1", "not valid JSON at column 6: "},
        {"{\"a\":1}}", "not valid JSON at column 8: end of file expected"},
        {"{\"a\":nan}", "not valid JSON at column 8: invalid token"},
        {"[1,]", "not valid JSON at column 4: "},
        {"\"\xff\"", "not valid JSON at column "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *value = (json_t *)&rows;
        struct err e;
        assert_int_equal(json_from_text(str_from(rows[i].text), "j:7", &value, &e),
                         STATUS_BAD_INPUT);
        assert_string_equal(e.where, "j:7");
        if (strncmp(e.what, rows[i].what, strlen(rows[i].what)) != 0)
            fail_msg("row %zu: %s", i, e.what);
        assert_ptr_equal(value, &rows);
    }
}

static void files(void **state)
{
    (void)state;
    char path[64], where[80];
    (void)snprintf(path, sizeof path, "/tmp/inferbench-json-%ld", (long)getpid());
    json_t *value = NULL;
    struct err e, bad_e, big_e;
    assert_int_equal(json_from_file(path, 100, &value, &e), STATUS_NOT_FOUND);
    assert_int_equal(file_replace(path, str_from("{\n\"a\": 1,\n}"), &e), STATUS_OK);
    enum status bad = json_from_file(path, 100, &value, &bad_e);
    enum status big = json_from_file(path, 5, &value, &big_e);
    assert_int_equal(file_replace(path, str_from("{\"a\": 1}"), &e), STATUS_OK);
    mem_fail_at(1);
    enum status none = json_from_file(path, 100, &value, NULL);
    mem_fail_at(0);
    assert_null(value);
    enum status good = json_from_file(path, 100, &value, &e);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bad, STATUS_BAD_INPUT);
    (void)snprintf(where, sizeof where, "%s:3", path);
    assert_string_equal(bad_e.where, where);
    assert_int_equal(big, STATUS_TOO_BIG);
    assert_int_equal(none, STATUS_NO_MEMORY);
    assert_int_equal(good, STATUS_OK);
    assert_int_equal(json_int_of(value, "a", 0), 1);
    json_decref(value);
}

/* Compact text comes out as it went in: order of keys, int or real, shortest doubles. */
static void text_comes_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        ("{\"z\":1,\"a\":[0.1,1.0,-3,1e+22,true,false,null,\"\\\"\\u0001\"],"
         "\"m\":{\"k\":{}}}"),
        "[]",
        "[[],{},\"\"]",
        "9223372036854775807",
        "\"\xe6\x97\xa5\"",
        "null",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *value = parse(texts[i]);
        struct buf b;
        buf_init(&b, 10000);
        assert_int_equal(json_to_text(value, &b), STATUS_OK);
        assert_string_equal(buf_cstr(&b), texts[i]);
        buf_fini(&b);
        json_decref(value);
    }
    struct buf b;
    buf_init(&b, 3);
    assert_int_equal(json_to_text(NULL, &b), STATUS_TOO_BIG);
    buf_fini(&b);
}

static void numbers_have_a_range(void **state)
{
    (void)state;
    json_t *o = json_loads("{\"a\":5,\"b\":-1,\"c\":9223372036854775807,\"d\":1e300,"
                           "\"e\":5.5,\"f\":\"5\",\"g\":7.0}",
                           0, NULL);
    static const struct {
        const char *key;
        int64_t want;
    } cases[] = {{"a", 5},  {"b", -7}, {"c", -7}, {"d", -7},
                 {"e", -7}, {"f", -7}, {"g", 7},  {"none", -7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(json_range_of(o, cases[i].key, 1, 10, -7), cases[i].want);
    assert_int_equal(json_range_of(o, "a", 6, 10, 0), 0);
    json_decref(o);
}

static void deep_files_of_others_are_refused(void **state)
{
    (void)state;
    enum { DEPTH = 64 };
    char text[2 * DEPTH + 3];
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    text[2 * DEPTH] = '\0';
    json_t *value = json_parse(str_from(text));
    struct err e;
    struct buf b;
    buf_init(&b, 10000);
    assert_int_equal(json_to_text(value, &b), STATUS_OK);
    assert_string_equal(buf_cstr(&b), text);
    buf_fini(&b);
    json_decref(value);
    memset(text, '[', DEPTH + 1);
    memset(text + DEPTH + 1, ']', DEPTH + 1);
    text[2 * DEPTH + 2] = '\0';
    assert_null(json_parse(str_from(text)));
    assert_int_equal(json_from_text(str_from(text), "x", &value, &e), STATUS_BAD_INPUT);
    assert_non_null(strstr(e.what, "nested more than 64 deep"));
    /* brackets of a text, and those side by side, count for nothing */
    value = json_parse(
        str_from("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                 "[[[[[[[[[[[[\\\"[[[[[[[\",[],[],{\"a\":[]}]"));
    assert_non_null(value);
    json_decref(value);
}

static void sorted_text_is_one_for_all_spellings(void **state)
{
    (void)state;
    static const char *const spellings[] = {"{\"b\": [1, \"\\/\\u00e9\"], \"a\": null}",
                                            "{\"a\":null,\"b\":[1,\"/\u00e9\"]}"};
    for (size_t i = 0; i < 2; i++) {
        struct buf b;
        buf_init(&b, 100);
        json_t *value = parse(spellings[i]);
        assert_int_equal(json_to_sorted_text(value, &b), STATUS_OK);
        assert_string_equal(buf_cstr(&b), spellings[1]);
        buf_fini(&b);
        buf_init(&b, 4);
        assert_int_equal(json_to_sorted_text(value, &b), STATUS_TOO_BIG);
        buf_fini(&b);
        json_decref(value);
    }
}

/* jansson's own allocations fail one after the other. */
static long jansson_calls;

static void *scarce(size_t size)
{
    return --jansson_calls > 0 ? mem_alloc(size, 1) : NULL;
}

static void no_memory_in_jansson(void **state)
{
    (void)state;
    json_malloc_t old_alloc;
    json_free_t old_free;
    json_get_alloc_funcs(&old_alloc, &old_free);
    json_set_alloc_funcs(scarce, mem_free);
    for (long n = 1;; n++) {
        jansson_calls = n;
        json_t *value = NULL;
        struct err e;
        enum status status = json_from_text(str_from("{\"a\":[1,2.5,\"x\"]}"), "f:1",
                                            &value, &e);
        if (status == STATUS_OK) {
            json_decref(value);
            assert_true(n > 5);
            break;
        }
        assert_null(value);
    }
    json_set_alloc_funcs(old_alloc, old_free);
}

static size_t taken;

static void *alloc_and_sum(size_t bytes)
{
    taken += bytes;
    return malloc(bytes); /* NOLINT: jansson's, not ours */
}

/* A list of `count` times that value. */
static enum status parse_many(const char *value, size_t count)
{
    struct buf text;
    json_t *root = NULL;
    struct err e;
    buf_init(&text, 64 << 20);
    buf_char(&text, '[');
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s,", value);
    buf_text(&text, "0]");
    taken = 0;
    enum status s = json_from_server(buf_str(&text), "here", &root, &e);
    json_decref(root);
    buf_fini(&text);
    return s;
}

static void what_a_server_says_stays_small(void **state)
{
    static const char *const values[] = {
        "{}",           "[]",          "1",
        "[[[[[[]]]]]]", "{\"a\":1.5}", "{\"a\":\"b\",\"c\":[{\"d\":null}]}"};
    json_malloc_t old_alloc;
    json_free_t old_free;
    (void)state;
    json_get_alloc_funcs(&old_alloc, &old_free);
    json_set_alloc_funcs(alloc_and_sum, free);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        size_t count = 1000;
        assert_int_equal(parse_many(values[i], count), STATUS_OK);
        while (parse_many(values[i], count * 2) == STATUS_OK)
            count *= 2;
        assert_int_equal(parse_many(values[i], count), STATUS_OK);
        if (taken > 2 * JSON_SERVER_CAP || taken < JSON_SERVER_CAP / 10)
            fail_msg("%s: %zu bytes", values[i], taken);
        assert_int_equal(parse_many(values[i], 1 << 20), STATUS_TOO_BIG);
    }
    json_set_alloc_funcs(old_alloc, old_free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members),
        cmocka_unit_test(broken_text_names_the_place),
        cmocka_unit_test(files),
        cmocka_unit_test(text_comes_back),
        cmocka_unit_test(numbers_have_a_range),
        cmocka_unit_test(deep_files_of_others_are_refused),
        cmocka_unit_test(sorted_text_is_one_for_all_spellings),
        cmocka_unit_test(no_memory_in_jansson),
        cmocka_unit_test(what_a_server_says_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
