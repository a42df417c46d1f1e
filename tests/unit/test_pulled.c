#include "track/pulled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

struct world {
    struct arena arena;
    struct err e;
};

static int set_up(void **state)
{
    struct world *w = mem_alloc(1, sizeof *w);
    assert_non_null(w);
    arena_init(&w->arena, 1 << 20);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    arena_fini(&w->arena);
    mem_free(w);
    return 0;
}

static struct pulled make(struct world *w, const char *unique, int64_t start_ms,
                          const char *text)
{
    struct pulled p = {.id = unique,
                       .name = "short",
                       .unique = unique,
                       .start_ms = start_ms,
                       .stamp = "",
                       .text = str_from(text)};
    assert_int_equal(pulled_split(&p, &w->arena), STATUS_OK);
    return p;
}

static void test_split(void **state)
{
    struct pulled p = make(*state, "00aa/17", 0, "");
    assert_string_equal(p.group, "00aa");
    assert_int_equal(p.row, 17);
    p = make(*state, "published/12", 0, "");
    assert_string_equal(p.group, "published/12");
    assert_int_equal(p.row, -1);
    p = make(*state, "mine/x", 0, "");
    assert_string_equal(p.group, "mine/x");
    assert_int_equal(p.row, -1);
}

/* By start of the benchmark run; the clock of a machine may be set back within one. */
static void test_order(void **state)
{
    struct pulled rows[] = {
        make(*state, "bb/10", 900, ""), make(*state, "aa/1", 2000, ""),
        make(*state, "bb/9", 950, ""),  make(*state, "aa/0", 800, ""),
        make(*state, "cc/0", 100, ""),  make(*state, "published/f", 850, ""),
    };
    static const char *const wanted[] = {"cc/0",        "aa/0", "aa/1",
                                         "published/f", "bb/9", "bb/10"};
    pulled_sort(rows, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(rows[i].unique, wanted[i]);
    pulled_sort(rows, 0);
}

/* Rows of the published tool know their time to the microsecond. */
static void test_order_within_a_millisecond(void **state)
{
    struct pulled rows[] = {
        make(*state, "published/c", 5, ""), make(*state, "ff/0", 5, ""),
        make(*state, "published/a", 5, ""), make(*state, "published/b", 5, "")};
    static const char *const wanted[] = {"ff/0", "published/b", "published/c",
                                         "published/a"};
    rows[0].stamp = "2025-11-25T18:08:07.005200";
    rows[2].stamp = "2025-11-25T18:08:07.005900";
    rows[3].stamp = "2025-11-25T18:08:07.005100";
    pulled_sort(rows, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(rows[i].unique, wanted[i]);
}

static enum status check(struct world *w, const char *unique, const char *text,
                         struct pulled *out)
{
    *out = make(w, unique, 0, text);
    return pulled_check(out, "row of x", &w->arena, &w->e);
}

static void test_sound(void **state)
{
    struct pulled p;
    assert_int_equal(check(*state, "aa/3", "{\"row\": 3, \"run_id\": \"aa\"}\n", &p),
                     STATUS_OK);
    assert_false(p.is_failed);
    assert_false(p.has_nonfinite);
    assert_int_equal(check(*state, "aa/3",
                           "{\"row\":3,\"run_id\":\"aa\",\"x\":NaN,\"error\":\"died\"}",
                           &p),
                     STATUS_OK);
    assert_true(p.is_failed);
    assert_true(p.has_nonfinite);
    static const char *const numbers[] = {"3.0", "\"3\"", "\"3.0\""};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct world *w = *state;
        const char *text = arena_printf(&w->arena, "{\"row\":%s,\"run_id\":\"aa\"}",
                                        numbers[i]);
        assert_int_equal(check(w, "aa/3", text, &p), STATUS_OK);
    }
    assert_int_equal(check(*state, "published/f", "{\"batch_size\": 4}", &p), STATUS_OK);
}

static void test_broken(void **state)
{
    struct world *w = *state;
    struct pulled p;
    static const char *const texts[] = {
        "",
        "{",
        "{\"row\": 3, \"run_id\": \"a",
        "[]",
        "3",
        "{\"row\":3,}",
        "{\"row\": 3, \"run_id\": \"aa\"} {",
        "<html>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(check(w, "aa/3", texts[i], &p), STATUS_BAD_INPUT);
        assert_non_null(strstr(w->e.where, "row of x"));
    }
}

static void test_other_row(void **state)
{
    struct world *w = *state;
    struct pulled p;
    static const char *const texts[] = {
        "{\"row\": 4, \"run_id\": \"aa\"}",
        "{\"row\": 3, \"run_id\": \"ab\"}",
        "{\"run_id\": \"aa\"}",
        "{\"row\": 3}",
        "{\"row\": \"03x\", \"run_id\": \"aa\"}",
        "{\"row\": 3.5, \"run_id\": \"aa\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(check(w, "aa/3", texts[i], &p), STATUS_BAD_INPUT);
        assert_non_null(strstr(w->e.what, "aa/3"));
    }
}

static void test_many_fields(void **state)
{
    struct world *w = *state;
    struct pulled p;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_text(&text, "{\"row\":3,\"run_id\":\"aa\"");
    for (int i = 0; i < 600; i++)
        buf_printf(&text, ",\"f%d\":0", i);
    buf_char(&text, '}');
    assert_int_equal(check(w, "aa/3", buf_cstr(&text), &p), STATUS_BAD_INPUT);
    assert_non_null(strstr(w->e.what, "members"));
    buf_fini(&text);
}

static void test_written(void **state)
{
    struct buf out;
    struct jsonw w;
    struct pulled rows[] = {
        make(*state, "aa/0", 1, "{\n  \"run_id\": \"aa\",\n  \"x\": [1, 2]\n}\n"),
        make(*state, "aa/1", 2, ""),
        make(*state, "aa/2", 3, "{\n      \"x\": 1e-3\n    }"),
        make(*state, "published/f", 4, "{\"x\":NaN}"),
    };
    rows[0].env = "{\"instance\":{\"region\":\"r\"}}";
    rows[3].has_nonfinite = true;
    buf_init(&out, 1 << 20);
    jsonw_init(&w, &out, 2);
    jsonw_object(&w, NULL);
    pulled_put_sources(rows, 4, "http://h/#/experiments/1", &w);
    assert_int_equal(pulled_put_rows(rows, 4, &w), STATUS_OK);
    jsonw_object_end(&w);
    assert_string_equal(buf_cstr(&out),
                        "{\n  \"sources\": [\n    {\n"
                        "      \"file\": \"http://h/#/experiments/1\",\n"
                        "      \"sha256\": null,\n"
                        "      \"metadata\": {\n        \"run_id\": \"aa\",\n"
                        "        \"env\": {\n          \"instance\": {\n"
                        "            \"region\": \"r\"\n          }\n        }\n"
                        "      }\n    }\n  ],\n"
                        "  \"results\": [\n"
                        "    {\n      \"run_id\": \"aa\",\n      \"x\": [\n"
                        "        1,\n        2\n      ]\n    },\n"
                        "    {\n      \"x\": 1e-3\n    },\n"
                        "    {\n      \"x\": null\n    }\n  ]\n}");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_split, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order_within_a_millisecond, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_sound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_written, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
