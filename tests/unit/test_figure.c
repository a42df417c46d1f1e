#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "finding_fixture.h"
#include "report/figure.h"

static void numbers_keep_the_digits_that_count(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {412.345, "412.3"}, {12345.6, "12346"}, {2.4314, "2.431"}, {0.03123, "0.0312"},
        {0.0, "0"},         {99.999, "100.0"},  {NAN, "-"},        {INFINITY, "-"},
    };
    char out[FIGURE_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        figure_number(cases[i].value, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void a_spread_says_what_is_known(void **state)
{
    (void)state;
    char out[FIGURE_BYTES];
    struct spread s = {.mean = 412.3, .ci95_low = 407.3524, .ci95_high = 417.2476};
    figure_spread(&s, out);
    assert_string_equal(out, "412.3 +-1.2%");
    s.ci95_low = NAN;
    figure_spread(&s, out);
    assert_string_equal(out, "412.3 +-?");
    s.mean = NAN;
    figure_spread(&s, out);
    assert_string_equal(out, "-");
}

static void durations_percents_and_ratios_read_well(void **state)
{
    (void)state;
    char out[FIGURE_BYTES];
    figure_duration(42.4, out);
    assert_string_equal(out, "0:42");
    figure_duration(11275.0, out);
    assert_string_equal(out, "3:07:55");
    figure_duration(-1.0, out);
    assert_string_equal(out, "-");
    figure_percent(0.314, out);
    assert_string_equal(out, "31%");
    figure_percent(0.004, out);
    assert_string_equal(out, "0.4%");
    figure_percent(NAN, out);
    assert_string_equal(out, "-");
    figure_ratio(0.7149, out);
    assert_string_equal(out, "0.71x");
    figure_ratio(0.0123, out);
    assert_string_equal(out, "0.012x");
}

static void a_ratio_says_how_sure_it_is(void **state)
{
    (void)state;
    char out[FIGURE_BYTES];
    figure_certainty(&(struct match_ratio){.ratio = 1.5, .low = 1.482, .high = 1.618},
                     out);
    assert_string_equal(out, "1.48..1.62");
    figure_certainty(
        &(struct match_ratio){
            .ratio = 1.01, .low = 0.98, .high = 1.04, .call = "cannot tell"},
        out);
    assert_string_equal(out, "0.980..1.04, cannot tell");
    figure_certainty(&(struct match_ratio){.ratio = 1.5, .low = NAN, .high = NAN}, out);
    assert_string_equal(out, "spread unknown");
    figure_certainty(
        &(struct match_ratio){
            .ratio = 2, .low = 1.8, .high = 2.2, .call = "better", .is_assumed = true},
        out);
    assert_string_equal(out, "1.80..2.20, better, assumed");
}

static void check_is(const struct findings *checks, const char *code, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    figure_finding(checks, code, &out);
    assert_string_equal(buf_cstr(&out), want);
    buf_fini(&out);
}

static void findings_say_what_fired(void **state)
{
    (void)state;
    const struct findings *checks = finding_fixture_read(
        "[{\"code\":\"X\"},{\"code\":\"A\",\"field\":\"cache_hit_rate\",\"value\":0.31,"
        "\"limit\":0},{\"code\":\"B\",\"field\":\"f\",\"value\":[1],\"limit\":null},"
        "{\"code\":\"A\",\"field\":\"g\",\"value\":1,\"limit\":1},"
        "{\"code\":\"D\",\"field\":\"f\",\"value\":3,\"limit\":2},"
        "{\"code\":\"D\",\"field\":\"g\",\"value\":3,\"limit\":2,"
        "\"text\":\"too many\"}]");
    check_is(checks, "A", ": cache_hit_rate 0.31, limit 0.0");
    check_is(checks, "B", ""); /* no number */
    check_is(checks, "X", ""); /* without a field */
    check_is(checks, "C", "");
    check_is(checks, "D", ": too many");
    check_is(NULL, "A", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_say_what_fired),
        cmocka_unit_test(numbers_keep_the_digits_that_count),
        cmocka_unit_test(a_spread_says_what_is_known),
        cmocka_unit_test(durations_percents_and_ratios_read_well),
        cmocka_unit_test(a_ratio_says_how_sure_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
