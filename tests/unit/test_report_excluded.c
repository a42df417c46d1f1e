#include "report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "finding_fixture.h"
#include "analysis_fixture.h"
#include "report/width.h"
#include "stats/verdict.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down
#define NOTHING   "\nLeft out\n--------\n  nothing\n"

/* Of the fixture under test. */
static const struct loaded_rows *loaded;

static void build(const struct analysis *x, struct document *d)
{
    report_excluded_put(x, loaded, d);
}

/* A row whose every metric is known: nothing is to be said of it. */
static struct row *add(struct analysis_fixture *f, const char *machine,
                       const char *scenario)
{
    struct row *r = analysis_fixture_add(f, machine, scenario, 1, 100);
    r->v[FIELD_first_token_latency] = value_num(0.1);
    r->v[FIELD_inter_token_latency] = value_num(0.01);
    r->v[FIELD_usd_per_million_output_tokens] = value_num(1);
    return r;
}

/* As many of them as a spread takes. */
static struct row *add_three(struct analysis_fixture *f, const char *machine,
                             const char *scenario)
{
    struct row *r = add(f, machine, scenario);
    add(f, machine, scenario);
    add(f, machine, scenario);
    return r;
}

/* The text of the rows as they are now, in the arena. */
static const char *text_of(struct analysis_fixture *f)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    analysis_fixture_build(f, NULL, NULL);
    loaded = &f->loaded;
    (void)analysis_fixture_put(&f->x, build, &out);
    assert_int_equal(out.failed, STATUS_OK);
    const char *text = arena_str(&f->arena, (struct str){buf_cstr(&out), out.len});
    assert_non_null(text);
    buf_fini(&out);
    return text;
}

static void check_has(const char *text, const char *wanted)
{
    if (strstr(text, wanted) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", wanted, text);
}

static void check_lacks(const char *text, const char *unwanted)
{
    if (strstr(text, unwanted) != NULL)
        fail_msg("\"%s\" is in \"%s\"", unwanted, text);
}

static const char *help_of(const char *code)
{
    const struct verdict_rule *rule = verdict_find(code);
    assert_non_null(rule);
    return rule->help;
}

/* Text in one line, however it was broken. */
static const char *unbroken(struct analysis_fixture *f, const char *text)
{
    char *copy = arena_alloc(&f->arena, strlen(text) + 1, 1);
    size_t len = 0;
    for (; *text != '\0'; text++) {
        bool is_blank = *text == ' ' || *text == '\n';
        if (!is_blank || len == 0 || copy[len - 1] != ' ')
            copy[len++] = is_blank ? ' ' : *text;
    }
    return copy;
}

static void clean_rows_leave_nothing_to_say(void **state)
{
    struct analysis_fixture *f = *state;
    add_three(f, "g5", "short");
    assert_string_equal(text_of(f), NOTHING);
    f->loaded.count = 0;
    assert_string_equal(text_of(f), NOTHING);
}

static void it_goes_behind_what_is_there(void **state)
{
    struct analysis_fixture *f = *state;
    struct buf out;
    add_three(f, "g5", "short");
    analysis_fixture_build(f, NULL, NULL);
    loaded = &f->loaded;
    buf_init(&out, 1 << 20);
    assert_int_equal(buf_text(&out, "something\n"), STATUS_OK);
    (void)analysis_fixture_put(&f->x, build, &out);
    assert_string_equal(buf_cstr(&out), "something\n" NOTHING);
    buf_fini(&out);
}

/* Each code by the repeats that bear it, in the order of the rules. */
static void warnings_count_measured_repeats(void **state)
{
    struct analysis_fixture *f = *state;
    static const char both[] = "[\"SIMULATED\",\"RATE_CAPPED\"]";
    char want[512];
    for (int i = 0; i < 6; i++)
        add(f, "g5", "short");
    f->rows[0].v[FIELD_warnings] = f->rows[1].v[FIELD_warnings] = finding_fixture_value(
        both);
    f->rows[2].v[FIELD_warnings] = value_null();
    f->rows[3].v[FIELD_warnings] = finding_fixture_value(
        "[\"SIMULATED\",\"NEWER_THAN_US\"]");
    f->rows[4].v[FIELD_warnings] = f->rows[5].v[FIELD_warnings] = finding_fixture_value(
        both);
    f->rows[4].v[FIELD_is_warmup] = value_bool(true);
    f->rows[5].v[FIELD_error] = value_str("died");
    const char *text = unbroken(f, text_of(f));
    (void)snprintf(want, sizeof want,
                   " Warnings -------- RATE_CAPPED (2 of 4 repeats): %s "
                   "SIMULATED (3 of 4 repeats): %s Left out ",
                   help_of("RATE_CAPPED"), help_of("SIMULATED"));
    check_has(text, want);
    check_lacks(text, "NEWER");
}

static void few_repeats_are_warned_of(void **state)
{
    struct analysis_fixture *f = *state;
    add_three(f, "g5", "short");
    add(f, "g5", "long");
    add(f, "g5", "long");
    add(f, "g5", "medium")->v[FIELD_error] = value_str("died"); /* nothing measured */
    const char *text = unbroken(f, text_of(f));
    check_has(text, "1 of 3 cells have fewer than 3 measured repeats");
    add(f, "g5", "long");
    check_lacks(text_of(f), "Warnings");
}

static void rows_of_another_tool_are_told_apart(void **state)
{
    struct analysis_fixture *f = *state;
    add_three(f, "g5", "short");
    assert_string_equal(text_of(f), NOTHING);
    for (size_t i = 3; i < 7; i++) {
        add(f, "inf2", "short")->v[FIELD_is_warmup] = value_bool(i == 3);
        f->of[i].is_published = true;
    }
    const char *text = unbroken(f, text_of(f));
    check_has(text, " Warnings -------- 4 of 7 rows were written by another tool, ");
    check_has(text, " not compared Left out -------- 1 warm-up repeat ");
}

static void failed_repeats_are_counted(void **state)
{
    struct analysis_fixture *f = *state;
    add_three(f, "g5", "short");
    add(f, "g5", "short")->v[FIELD_error] = value_str("the engine died");
    add(f, "g5", "long")->v[FIELD_error] = value_str("out of memory");
    add(f, "g5", "long")->v[FIELD_error] = value_str("a later one");
    const char *text = text_of(f);
    check_has(text, "\n  g5, short bs=1 cache=off: 1 failed repeat: the engine died\n");
    check_has(text,
              "\n  g5, long bs=1 cache=off: 2 failed repeats, nothing measured: out "
              "of memory\n");
    check_lacks(text, "a later one");
    check_lacks(text, "nothing\n");
}

/* A warm-up that failed does not matter where others were measured. */
static void failed_warm_ups_matter_alone(void **state)
{
    struct analysis_fixture *f = *state;
    add_three(f, "g5", "short");
    for (int i = 0; i < 2; i++) {
        struct row *r = add(f, "g5", i == 0 ? "short" : "long");
        r->v[FIELD_is_warmup] = value_bool(true);
        r->v[FIELD_error] = value_str("died");
    }
    assert_string_equal(text_of(f), "\nLeft out\n--------\n  2 warm-up repeats\n"
                                    "  g5, long bs=1 cache=off: only warm-ups: died\n");
}

/* The reasons of the first, with what was found; what they mean once, of all. */
static void invalid_cells_have_their_reasons(void **state)
{
    struct analysis_fixture *f = *state;
    char want[1024];
    add_three(f, "g5", "short");
    for (int i = 0; i < 2; i++) {
        f->rows[i].v[FIELD_verdict] = value_str("INVALID");
        f->rows[i].v[FIELD_reasons] = finding_fixture_value(
            i == 0 ? "[\"CLIENT_LATE\",\"ERRORS\"]" : "[\"RATE_MISSED\"]");
    }
    f->rows[0].v[FIELD_checks] = finding_fixture_value(
        "[{\"code\":\"ERRORS\",\"field\":\"error_rate\",\"value\":0.5,\"limit\":0.01},"
        "{\"code\":\"OVERLOADED\",\"field\":\"x\",\"value\":1,\"limit\":2}]");
    const char *text = unbroken(f, text_of(f));
    (void)snprintf(want, sizeof want,
                   " Left out -------- g5, short bs=1 cache=off: 2 of 3 INVALID: "
                   "CLIENT_LATE ERRORS: error_rate 0.5, limit 0.01 "
                   "ERRORS: %s CLIENT_LATE: %s RATE_MISSED: %s ",
                   help_of("ERRORS"), help_of("CLIENT_LATE"), help_of("RATE_MISSED"));
    assert_string_equal(text, want);
}

/* A cell counts if any of its measured repeats lacks the number. */
static void unknown_metrics_are_listed(void **state)
{
    struct analysis_fixture *f = *state;
    add_three(f, "g5", "short");
    add_three(f, "g5", "long");
    f->rows[0].v[FIELD_first_token_latency] = value_null();
    f->rows[4].v[FIELD_first_token_latency] = value_null();
    f->rows[4].v[FIELD_inter_token_latency] = value_null();
    f->rows[5].v[FIELD_inter_token_latency] = value_null();
    assert_string_equal(text_of(f), "\nLeft out\n--------\n"
                                    "  TTFT is unknown in some repeats (cells: 2)\n"
                                    "  TPOT is unknown in some repeats (cells: 1)\n");
    f->rows[0].v[FIELD_tokens_per_second] = value_null();
    f->rows[0].v[FIELD_usd_per_million_output_tokens] = value_null();
    const char *text = text_of(f);
    check_has(text, "\n  tokens/s is unknown in some repeats (cells: 1)\n");
    check_has(text, "\n  $/token is unknown in some repeats (cells: 1)\n");
}

/* Between machines, and between ON and OFF of each. */
static void cells_without_partner_are_listed(void **state)
{
    struct analysis_fixture *f = *state;
    add_three(f, "g5", "short");
    add_three(f, "g5", "long")->v[FIELD_enable_prefix_caching] = value_bool(true);
    for (size_t i = 4; i < 6; i++)
        f->rows[i].v[FIELD_enable_prefix_caching] = value_bool(true);
    add_three(f, "inf2", "short");
    add(f, "inf2", "medium")->v[FIELD_error] = value_str("died");
    const char *text = unbroken(f, text_of(f));
    check_has(text, " g5, long bs=1 cache=on: no partner: nearest cell of inf2 differs ");
    check_has(text, " g5, OFF, short bs=1: no partner: nearest cell of ON differs ");
    check_has(text, " g5, ON, long bs=1: no partner: nearest cell of OFF differs ");
    check_lacks(text, "medium bs=1 cache=off: no partner"); /* it is listed as failed */
    check_has(text, " inf2, medium bs=1 cache=off: 1 failed repeat, nothing measured");
}

static void files_that_were_passed_over(void **state)
{
    struct analysis_fixture *f = *state;
    char why[300];
    memset(why, 'x', sizeof why - 1);
    why[sizeof why - 1] = '\0';
    for (size_t i = 60; i < sizeof why - 1; i += 60)
        why[i] = ' ';
    struct input_skip skips[] = {{.why = "a.json: no results"}, {.why = why}};
    add_three(f, "g5", "short");
    f->loaded.skipped.items = skips;
    f->loaded.skipped.count = 2;
    f->loaded.duplicates = 12;
    struct clash clash = {.text = "b.json: 1 row differs from a.json"};
    f->loaded.clashes = (struct clashes){.items = &clash, .count = 1};
    const char *text = text_of(f);
    check_has(text, "\nLeft out\n--------\n  12 rows that are in two files\n"
                    "  b.json: 1 row differs from a.json\n"
                    "  file: a.json: no results\n  file: xxx");
    for (struct str rest = str_from(text); rest.len > 0;) {
        const char *line = arena_str(&f->arena, str_cut(&rest, '\n'));
        if (width_of(line) > 80)
            fail_msg("wider than 80 columns: %s", line);
    }
}

/* What failed before stays so; else the whole text, or an error and nothing. */
static void failures_are_kept(void **state)
{
    struct analysis_fixture *f = *state;
    add(f, "g5", "short")->v[FIELD_warnings] = finding_fixture_value("[\"SIMULATED\"]");
    add(f, "g5", "long")->v[FIELD_error] = value_str("died");
    analysis_fixture_keeps_failures(&f->x, build, strlen(text_of(f)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(clean_rows_leave_nothing_to_say),     TEST(it_goes_behind_what_is_there),
        TEST(warnings_count_measured_repeats),     TEST(few_repeats_are_warned_of),
        TEST(rows_of_another_tool_are_told_apart), TEST(failed_repeats_are_counted),
        TEST(failed_warm_ups_matter_alone),        TEST(invalid_cells_have_their_reasons),
        TEST(unknown_metrics_are_listed),          TEST(cells_without_partner_are_listed),
        TEST(files_that_were_passed_over),         TEST(failures_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
