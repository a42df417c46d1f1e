#include "run/selftest_report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "run/selftest_json.h"
#include "report/width.h"
#include "text/json.h"

static struct selftest_result result;
static const struct machine_facts machine = {.system = "Linux", .kernel = "6.1.0"};
static const struct cpu_facts cpu = {
    .model = "A Processor With A Rather Long Name @ 3GHz", .threads = 4};

static struct selftest_report made(void)
{
    const struct selftest_spread wide = {9, -1e3, 123456.7, 234567, 345678, NAN, 9e6};
    result = (struct selftest_result){.rate_count = 2,
                                      .steal_ratio = 0.02,
                                      .throttled_s = NAN,
                                      .load_before = 3,
                                      .duration_s = 40};
    for (size_t i = 0; i < 2; i++)
        result.rates[i] = (struct selftest_point){.load = {.rate = 1e6, .streams = 20000},
                                                  .events = 1000,
                                                  .exact = 1000,
                                                  .exact_us = wide,
                                                  .tail_us = wide,
                                                  .ttft_us = {wide, {.p50 = NAN}},
                                                  .itl_us = {wide, wide},
                                                  .cpu_us_per_event = 1234};
    for (size_t i = 0; i < SELFTEST_SENDS; i++)
        result.sends[i] = (struct selftest_point){.load = {.rate = 1000, .is_open = true},
                                                  .send_late_us = wide};
    result.search.highest_eps = NAN;
    result.memory = (struct selftest_memory){128, {100, 1000}, {12.5, NAN}, NAN};
    return (struct selftest_report){.result = &result,
                                    .machine = &machine,
                                    .cpu = &cpu,
                                    .tool = "inferbench 9",
                                    .started = "2026-11-24T09:00:00"};
}

static void add_reasons(struct selftest_reasons *r)
{
    for (int l = 0; l < SELFTEST_LIMIT_COUNT; l++)
        r->items[r->count++] = (struct selftest_reason){
            .limit = (enum selftest_limit)l, .value = 123.4, .at = l % 2 ? NAN : 20000};
}

static const char *text_of(const struct selftest_report *r, struct buf *out)
{
    buf_init(out, 1 << 20);
    selftest_report_text(r, out);
    assert_int_equal(out->failed, STATUS_OK);
    return buf_cstr(out);
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void the_page_fits_80_columns(void **state)
{
    (void)state;
    struct selftest_report r = made();
    struct buf out;
    add_reasons(&result.reasons);
    result.search.has_broken = true;
    result.search.count = 1;
    add_reasons(&result.search.broke);
    struct str text = str_from(text_of(&r, &out));
    while (text.len > 0) {
        char line[512];
        struct str one = str_cut(&text, '\n');
        assert_true(one.len < sizeof line);
        memcpy(line, one.ptr, one.len);
        line[one.len] = '\0';
        if (width_of(line) > 80)
            fail_msg("%zu columns: %s", width_of(line), line);
    }
    buf_fini(&out);
}

static void the_page_says_what_falls_short(void **state)
{
    (void)state;
    struct selftest_report r = made();
    struct buf out;
    has(text_of(&r, &out), "This machine meets the default limits.");
    has(buf_cstr(&out), "Loopback flatters");
    has(buf_cstr(&out), "load 3.0 before the start");
    has(buf_cstr(&out), "2.0%\n  of the CPU stolen");
    buf_fini(&out);
    result.reasons = (struct selftest_reasons){
        .items = {{.limit = SELFTEST_LIMIT_STAMPS_LATE, .value = 12.5, .at = 20000}},
        .count = 1};
    has(text_of(&r, &out), "does not meet");
    has(buf_cstr(&out), "- STAMPS_LATE at 20,000 events/s:");
    has(buf_cstr(&out), "12.5 us");
    has(buf_cstr(&out), "The machine was busy: an idle one");
    buf_fini(&out);
    result.cores.usable = 16;
    has(text_of(&r, &out), "does not meet");
    assert_null(strstr(buf_cstr(&out), "he machine was busy"));
    buf_fini(&out);
}

static void the_search_says_why_it_ended(void **state)
{
    (void)state;
    char why[SELFTEST_REPORT_WHY_BYTES];
    struct selftest_search s = {.highest_eps = 50000};
    selftest_report_why(&s, why);
    has(why, "no limit was reached");
    s.has_broken = true;
    s.broke_eps = 120000;
    s.broke.count = 1;
    s.broke.items[0].limit = SELFTEST_LIMIT_SERVER_BEHIND;
    selftest_report_why(&s, why);
    has(why, "at 120,000 events/s: SERVER_BEHIND (limited by the server");
    s.broke.count = 2;
    s.broke.items[1].limit = SELFTEST_LIMIT_CLIENT_BUSY;
    selftest_report_why(&s, why);
    has(why, "SERVER_BEHIND, CLIENT_BUSY");
    assert_null(strstr(why, "limited by the server"));
    for (size_t i = 0; i < SELFTEST_REASONS_MAX; i++)
        s.broke.items[i].limit = SELFTEST_LIMIT_REQUESTS_FAILED;
    s.broke.count = SELFTEST_REASONS_MAX;
    selftest_report_why(&s, why);
    assert_true(strlen(why) < SELFTEST_REPORT_WHY_BYTES);
}

static void unknown_numbers_are_null_in_json(void **state)
{
    (void)state;
    struct selftest_report r = made();
    struct buf out;
    json_t *root = NULL;
    struct err e;
    buf_init(&out, 1 << 20);
    add_reasons(&result.reasons);
    selftest_json_write(&r, &out);
    assert_int_equal(
        json_from_text((struct str){buf_cstr(&out), out.len}, "json", &root, &e),
        STATUS_OK);
    assert_false(json_bool_of(root, "holds_defaults", true));
    assert_int_equal(json_array_size(json_object_get(root, "reasons")),
                     SELFTEST_LIMIT_COUNT);
    assert_int_equal(json_object_size(json_object_get(root, "limits")),
                     SELFTEST_LIMIT_COUNT);
    const json_t *point = json_array_get(json_object_get(root, "stamps"), 0);
    const json_t *error = json_object_get(json_object_get(point, "ttft_us"), "error");
    assert_true(json_is_null(json_object_get(error, "p50")));
    assert_true(json_is_null(
        json_object_get(json_object_get(root, "highest"), "events_per_second")));
    assert_true(json_is_null(
        json_array_get(json_object_get(json_object_get(root, "memory"), "rss_mb"), 1)));
    json_decref(root);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_fits_80_columns),
        cmocka_unit_test(the_page_says_what_falls_short),
        cmocka_unit_test(the_search_says_why_it_ended),
        cmocka_unit_test(unknown_numbers_are_null_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
