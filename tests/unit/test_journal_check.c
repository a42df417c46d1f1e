#include "store/journal_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/record.h"
#include "object_fixture.h"

#define REQUEST(more)                                                        \
    "{\"type\":\"request\",\"at_ns\":5,\"cell\":0,\"repeat\":1,\"index\":2," \
    "\"status\":\"ok\",\"max_tokens\":8" more "}"

static int tear_down(void **state)
{
    (void)state;
    object_fixture_fini();
    return 0;
}

static enum status check(struct jsonr_object *line, struct err *e)
{
    char type[16];
    struct str text = jsonr_inner(jsonr_object_get(line, "type"));
    (void)snprintf(type, sizeof type, "%.*s", (int)text.len, text.ptr);
    return journal_check_line(line, type, "here:1", e);
}

static void test_sound(void **state)
{
    (void)state;
    static const char *const sound[] = {
        "{\"type\":\"weather\",\"rain\":{\"mm\":1e300},\"sun\":[true,\"x\"]}",
        "{\"type\":\"run_end\",\"at_ns\":1,\"cause\":\"done\"}",
        "{\"type\":\"run\",\"seed\":9223372036854775807,\"start_wall_ns\":1772366400123,"
        "\"percentiles\":[50,99.9]}",
        /* the machine has been up for a year */
        "{\"type\":\"run\",\"start_monotonic_ns\":31536000000000000}",
        "{\"type\":\"cell\",\"cell\":0,\"fields\":{}}",
        "{\"type\":\"repeat\",\"cell\":0,\"repeat\":0,\"planned\":0}",
        REQUEST(""),
        REQUEST(",\"tokens_in\":null,\"first_ns\":null,\"gaps_ns\":[1,2.0,-3]"),
        REQUEST(",\"due_ns\":-5,\"gaps_excluded\":-1"),
        /* places of gaps that are not booked: their sum means nothing */
        REQUEST(",\"excluded_at\":[900000000000,900000000000]"),
        "{\"type\":\"repeat_end\",\"cell\":0,\"repeat\":1,\"fields\":{},\"error\":null}",
    };
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        struct err e;
        struct jsonr_object *line = object_fixture(sound[i]);
        if (check(line, &e) != STATUS_OK)
            fail_msg("%s: %s", sound[i], e.what);
    }
}

static void test_damaged(void **state)
{
    (void)state;
    static const struct {
        const char *line, *what;
    } cases[] = {
        {"{\"type\":\"cell\",\"fields\":{}}", "cell: missing, or no number that can be"},
        {"{\"type\":\"cell\",\"cell\":0}", "fields: missing, or no object"},
        {"{\"type\":\"cell\",\"cell\":0,\"fields\":[]}", "fields: missing, or no object"},
        {"{\"type\":\"repeat\",\"cell\":0,\"repeat\":0}", "planned: missing"},
        {"{\"type\":\"repeat\",\"cell\":-1,\"repeat\":0,\"planned\":1}", "cell: "},
        {"{\"type\":\"repeat\",\"cell\":0,\"repeat\":4294967296,\"planned\":1}",
         "repeat: missing, or no number that can be"},
        {"{\"type\":\"request\",\"cell\":0,\"repeat\":0,\"status\":\"ok\","
         "\"max_tokens\":1}",
         "index: missing"},
        {"{\"type\":\"request\",\"cell\":0,\"repeat\":0,\"index\":1,\"status\":\"ok\"}",
         "max_tokens: missing"},
        {"{\"type\":\"request\",\"cell\":0,\"repeat\":0,\"index\":1.5,\"status\":\"ok\","
         "\"max_tokens\":1}",
         "index: missing, or no number that can be"},
        {"{\"type\":\"request\",\"cell\":0,\"repeat\":0,\"index\":1,\"max_tokens\":1}",
         "status: missing, or unknown"},
        {"{\"type\":\"request\",\"cell\":0,\"repeat\":0,\"index\":1,\"max_tokens\":1,"
         "\"status\":\"oh\"}",
         "status: missing, or unknown"},
        {REQUEST(",\"sent_ns\":100000000000000000"), "sent_ns: a number that cannot be"},
        {REQUEST(",\"sent_ns\":\"5\""), "sent_ns: a number that cannot be"},
        {REQUEST(",\"sent_ns\":5.5"), "sent_ns: a number that cannot be"},
        {REQUEST(",\"gaps_ns\":[1,null]"), "gaps_ns: a number that cannot be"},
        {REQUEST(",\"gaps_ns\":[9000000000000000,9000000000000000]"), "gaps_ns: "},
        {REQUEST(",\"gaps_excluded\":1e300"), "gaps_excluded: "},
        {REQUEST(",\"excluded_at\":[1e300]"), "excluded_at: "},
        {"{\"type\":\"run\",\"start_monotonic_ns\":9e18}", "start_monotonic_ns: "},
        {"{\"type\":\"repeat_end\",\"cell\":0,\"repeat\":0}", "fields: missing"},
        {"{\"type\":\"run_end\",\"at_ns\":1e17}", "at_ns: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {.what = ""};
        struct jsonr_object *line = object_fixture(cases[i].line);
        if (check(line, &e) != STATUS_BAD_INPUT ||
            strncmp(e.what, cases[i].what, strlen(cases[i].what)) != 0)
            fail_msg("%s: \"%s\"", cases[i].line, e.what);
        assert_string_equal(e.where, "here:1");
    }
}

/* Counts of a server that cannot be are unknown; the line stands. */
static void test_counts(void **state)
{
    (void)state;
    static const char *const names[] = {"tokens_in", "tokens_out", "tokens_cached",
                                        "first_event_tokens"};
    static const char *const odd[] = {
        "1000000000001", "9223372036854775807",  "1e300", "-2",
        "1.5",           "-9223372036854775808", "\"8\"", "true"};
    char text[300];
    struct err e;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
            (void)snprintf(text, sizeof text, REQUEST(",\"%s\":%s"), names[i], odd[k]);
            struct jsonr_object *line = object_fixture(text);
            assert_int_equal(check(line, &e), STATUS_OK);
            assert_int_equal(jsonr_object_int(line, names[i], 77), TOKENS_UNKNOWN);
        }
    struct jsonr_object *line = object_fixture(
        REQUEST(",\"tokens_in\":1000000000000,\"tokens_out\":8.0,\"tokens_cached\":0"));
    assert_int_equal(check(line, &e), STATUS_OK);
    assert_int_equal(jsonr_object_int(line, "tokens_in", 77), RECORD_TOKENS_MAX);
    assert_int_equal(jsonr_object_int(line, "tokens_out", 77), 8);
    assert_int_equal(jsonr_object_int(line, "tokens_cached", 77), 0);
    static const char *const lists[] = {"[1,10000000000000]", "[1,\"2\"]",
                                        "[600000000000,600000000000]", "[1,-2]"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        (void)snprintf(text, sizeof text, REQUEST(",\"event_tokens\":%s"), lists[i]);
        line = object_fixture(text);
        assert_int_equal(check(line, &e), STATUS_OK);
        assert_int_equal(jsonr_object_get(line, "event_tokens").kind, JSONR_NULL);
    }
}

static void test_names_of_files(void **state)
{
    (void)state;
    static const struct {
        const char *mode, *stamp;
        bool is_good;
    } cases[] = {
        {"offline", "20261124_090000", true},
        {"online", "20261124_090000-2", true},
        {"online", "20261124_090000-1000", true},
        {"offline", "20261124_090000-", false},
        {"offline", "20261124_090000-2x", false},
        {"offline", "20261124_090000-99999", false},
        {"offline", "20261124_0900", false},
        {"offline", "20261124-090000", false},
        {"offline", "2026112_0900000", false},
        {"offline", "", false},
        {"offline", "x", false},
        {"offline", "/../20261124_090000", false},
        {"offline", "20261124_090000/../../x", false},
        {"offline", "20261124_090000\\n", false},
        {"../offline", "20261124_090000", false},
        {"offline/", "20261124_090000", false},
        {"", "20261124_090000", false},
        {"Online", "20261124_090000", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {.what = ""};
        char text[200];
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"run\",\"serving_mode\":\"%s\",\"stamp\":\"%s\"}",
                       cases[i].mode, cases[i].stamp);
        struct jsonr_object *line = object_fixture(text);
        bool is_good = journal_check_run(line, "here:1", &e) == STATUS_OK;
        if (is_good != cases[i].is_good)
            fail_msg("%s: \"%s\"", text, e.what);
    }
    static const char *const without[] = {"{\"stamp\":\"20261124_090000\"}",
                                          "{\"serving_mode\":\"online\",\"stamp\":7}"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        struct err e;
        struct jsonr_object *line = object_fixture(without[i]);
        assert_int_equal(journal_check_run(line, "here:1", &e), STATUS_BAD_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_names_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
