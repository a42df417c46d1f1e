#include "report/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "finding_fixture.h"
#include "analysis_fixture.h"
#include "report/width.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down
#define add       analysis_fixture_add

#define NO_COST(name, price)        \
    "No $/token of " name " (" name \
    " is not in the list of prices): --price-per-hour " price " gives\n  the price\n"

/* Of the fixture under test. */
static const struct loaded_rows *loaded;

static void build(const struct analysis *x, struct document *d)
{
    const struct plots_result none = {.made_count = 0};
    report_build(&(struct report_input){x, loaded, &none, .has_page = true}, d);
}

static void check_has(const struct buf *in, const char *text)
{
    if (strstr(buf_cstr(in), text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, buf_cstr(in));
}

static void answer(struct analysis_fixture *f, const char *want)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(analysis_fixture_put(&f->x, report_answer, &out), STATUS_OK);
    assert_string_equal(buf_cstr(&out), want);
    buf_fini(&out);
}

static void test_answer(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *a = add(f, "g5", "short", 1, 100);
    answer(f, "Only one label: g5. Nothing to compare.\n" NO_COST("g5", "USD"));
    struct row *b = add(f, "inf2", "short", 1, 50);
    answer(f, "inf2 / g5: 0.50x tokens/s (1 matched cell, spread unknown)\n"
              "No $/token of g5 (g5 is not in the list of prices), inf2 (inf2 is not in "
              "the\n  list of prices): --price-per-hour NAME=USD gives the price\n");
    a->v[FIELD_usd_per_million_output_tokens] = value_num(1);
    b->v[FIELD_usd_per_million_output_tokens] = value_num(3);
    a->v[FIELD_is_simulated] = b->v[FIELD_is_simulated] = value_bool(true);
    answer(f,
           "inf2 / g5: 0.50x tokens/s, 3.00x $/token (1 matched cell, spread unknown)\n"
           "Cannot tell which costs less a token in this cell: inf2 costs 3.00 of g5, "
           "spread\n  unknown.\n"
           "SIMULATED: some of these numbers do not come from real hardware.\n");
    b->v[FIELD_is_simulated] = value_null(); /* which is not the same as simulated */
    answer(f, "No two machines share a cell: nothing is compared (see below).\n"
              "SIMULATED: some of these numbers do not come from real hardware.\n");
    a->v[FIELD_is_simulated] = value_null();
    b->v[FIELD_verdict] = value_str("INVALID");
    answer(f, "inf2 / g5: no claim (1 matched cell, none counted: see below)\n");
    b->v[FIELD_batch_size] = value_int(2);
    answer(f, "No two machines share a cell: nothing is compared (see below).\n");
}

static void test_caching_answer(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *off = add(f, "g5", "short", 1, 100), *on = add(f, "g5", "short", 1, 150);
    on->v[FIELD_enable_prefix_caching] = value_bool(true);
    off->v[FIELD_first_token_latency] = value_num(0.2);
    on->v[FIELD_first_token_latency] = value_num(0.1);
    off->v[FIELD_weights] = on->v[FIELD_weights] = value_str("dummy");
    answer(f, "Only one label: g5. Nothing to compare.\n"
              "prefix caching ON / OFF, g5: 1.50x tokens/s, 0.50x TTFT\n"
              "  (1 matched cell, spread unknown)\n" NO_COST(
                  "g5", "USD") "Dummy weights: the speed is real, the text is not.\n");
}

#define UNTOLD                                                                   \
    "Cannot tell which costs less a token in this cell: inf2 costs 2.97 of g5, " \
    "spread\n  unknown.\n"

/* Figures of other cells, or with another certainty, say so each. */
static void test_unlike_figures(void **state)
{
    struct analysis_fixture *f = *state;
    for (int64_t i = 0; i < 12; i++) {
        struct row *r = add(f, i % 2 == 0 ? "g5" : "inf2", "short", 1 + i / 6,
                            (i % 2 == 0 ? 100 : 50) + (double)(i % 6 / 2));
        r->v[FIELD_launch_id] = value_str("l");
        if (i < 6)
            r->v[FIELD_usd_per_million_output_tokens] = value_num((i % 2 == 0 ? 1 : 3) +
                                                                  0.01 * (double)i);
    }
    answer(f, "inf2 / g5: 0.50x tokens/s (0.494..0.516, worse, assumed),\n"
              "  2.97x $/token (2.84..3.10, 1 of 2 cells) (2 matched cells, within one "
              "launch)\n"
              "inf2 costs 2.97 [2.84, 3.10] times g5 a token in this cell, within one "
              "launch.\n");
    f->rows[2].v[FIELD_usd_per_million_output_tokens] = value_null();
    answer(f, "inf2 / g5: 0.50x tokens/s (0.494..0.516, worse, assumed),\n"
              "  2.97x $/token (spread unknown, 1 of 2 cells)\n"
              "  (2 matched cells, within one launch)\n" UNTOLD);
    /* several launches on one side alone: the interval is still over repeats */
    f->rows[6].v[FIELD_launch_id] = value_str("another");
    answer(f, "inf2 / g5: 0.50x tokens/s (0.494..0.516, worse, assumed),\n"
              "  2.97x $/token (spread unknown, 1 of 2 cells)\n"
              "  (2 matched cells, within one launch)\n" UNTOLD);
    for (size_t i = 0; i < 12; i++)
        f->rows[i].v[FIELD_tokens_per_second] = value_null();
    answer(f, "inf2 / g5: 2.97x $/token (1 of 2 cells)\n"
              "  (2 matched cells, spread unknown, within one launch)\n" UNTOLD);
    for (size_t i = 0; i < 12; i++)
        f->rows[i].v[FIELD_usd_per_million_output_tokens] = value_null();
    answer(f, "inf2 / g5: no figures (2 matched cells)\n"
              "No $/token of g5 (g5 is not in the list of prices), inf2 (inf2 is not in "
              "the\n  list of prices): --price-per-hour NAME=USD gives the price\n");
}

/* Why there is no $/token: no type, none in the list, or a price and no tokens. */
static void test_no_cost(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *a = add(f, "g5", "short", 1, 100);
    a->v[FIELD_instance_type] = value_str("unknown");
    answer(f, "Only one label: g5. Nothing to compare.\n"
              "No $/token of g5 (its instance type is unknown): --price-per-hour USD "
              "gives the\n  price\n");
    a->v[FIELD_price_usd_per_hour] = value_num(1);
    answer(f, "Only one label: g5. Nothing to compare.\n"
              "No $/token of g5 (no output tokens were counted): --price-per-hour USD "
              "gives the\n  price\n");
    a->v[FIELD_usd_per_million_output_tokens] = value_num(1);
    answer(f, "Only one label: g5. Nothing to compare.\n");
}

/* Best first; ten lines, and the rest further below. */
static void test_best_first(void **state)
{
    static const char *const names[] = {"m00", "m01", "m02", "m03", "m04", "m05", "m06",
                                        "m07", "m08", "m09", "m10", "m11", "m12"};
    struct analysis_fixture *f = *state;
    struct buf out;
    for (size_t i = 0; i < 13; i++)
        add(f, names[i], "short", 1, i == 12 ? 300 : 100 + (double)((i * 5) % 12))
            ->v[FIELD_usd_per_million_output_tokens] = value_num(1);
    buf_init(&out, 1 << 20);
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(analysis_fixture_put(&f->x, report_answer, &out), STATUS_OK);
    const char *text = buf_cstr(&out);
    assert_memory_equal(text, "m12 / m00: 3.00x", 16);
    assert_true(strstr(text, "m07 / m00") < strstr(text, "m02 / m00")); /* 111, 110 */
    assert_null(strstr(text, "m05 / m00"));                             /* 101 */
    check_has(&out, "and 2 more, in the report under \"The answer, continued\"\n");
    buf_clear(&out);
    loaded = &f->loaded;
    assert_int_equal(analysis_fixture_put(&f->x, build, &out), STATUS_OK);
    const char *rest = strstr(buf_cstr(&out), "\nThe answer, continued\n");
    assert_non_null(rest);
    assert_non_null(strstr(rest, "m05 / m00: 1.01x"));
    buf_fini(&out);
}

static void report(struct analysis_fixture *f, struct buf *out)
{
    buf_init(out, 1 << 20);
    analysis_fixture_build(f, NULL, NULL);
    loaded = &f->loaded;
    assert_int_equal(analysis_fixture_put(&f->x, build, out), STATUS_OK);
    for (struct str rest = {out->data, out->len}; rest.len > 0;) {
        struct str line = str_cut(&rest, '\n');
        const char *copy = arena_str(&f->arena, line);
        if (width_of(copy) > 80)
            fail_msg("wider than 80 columns: %s", copy);
    }
}

static void test_report(void **state)
{
    struct analysis_fixture *f = *state;
    struct buf out;
    for (int i = -1; i <= 1; i++) {
        add(f, "g5", "short", 1, 100 + i)->v[FIELD_engine_version] = value_str("0.32");
        add(f, "inf2", "short", 1, 200 + 2 * i)->v[FIELD_engine_version] = value_str(
            "0.13");
    }
    report(f, &out);
    check_has(
        &out,
        "inf2 / g5: 2.00x tokens/s (1.96..2.05, better, assumed) (1 matched cell)\n");
    check_has(&out, "\ninf2 / g5\n---------\n");
    check_has(&out, "geometric mean of 1 ");
    check_has(&out, "1.96..2.05"); /* 2 exp(+-2.776 sqrt(2e-4 / 3)) */
    check_has(&out, "also different: engine_version 0.32 / 0.13\n");
    check_has(&out, "g5: 1 cell, 3 measured repeats\n");
    check_has(&out, "  fastest   200.0 tokens/s: short bs=1 cache=off\n");
    check_has(&out, "price: unknown (--price-per-hour)");
    check_has(&out, "$/token is unknown in some repeats (cells: 2)");
    assert_null(strstr(buf_cstr(&out), "cheapest"));
    buf_fini(&out);
}

static void test_left_out(void **state)
{
    struct analysis_fixture *f = *state;
    struct input_skip skip = {.why = "x.json: is a summary, not results"};
    struct buf out;
    struct row *bad = add(f, "g5", "short", 1, 100);
    bad->v[FIELD_verdict] = value_str("INVALID");
    bad->v[FIELD_reasons] = finding_fixture_value("[\"ERRORS\",\"CLIENT_LATE\"]");
    add(f, "inf2", "short", 1, 100);
    add(f, "inf2", "short", 1, 100)->v[FIELD_is_warmup] = value_bool(true);
    add(f, "inf2", "short", 1, 100)->v[FIELD_error] = value_str("died");
    add(f, "inf2", "long", 1, 100)->v[FIELD_warnings] = finding_fixture_value(
        "[\"SIMULATED\"]");
    bad->v[FIELD_warnings] = finding_fixture_value("[\"SIMULATED\"]");
    f->loaded.duplicates = 5;
    f->loaded.skipped.items = &skip;
    f->loaded.skipped.count = 1;
    report(f, &out);
    check_has(&out, "\n* not counted in the geometric mean\n");
    check_has(&out, "\nLeft out\n--------\n  1 warm-up repeat\n"
                    "  5 rows that are in two files\n"
                    "  inf2, short bs=1 cache=off: 1 failed repeat: died\n"
                    "  g5, short bs=1 cache=off: 1 of 1 INVALID: ERRORS CLIENT_LATE\n"
                    "  ERRORS: ");
    check_has(&out, "\nWarnings\n--------\n  3 of 3 cells have fewer than 3 measured ");
    check_has(&out, "  SIMULATED (2 of 3 repeats): ");
    check_has(&out, "inf2, long bs=1 cache=off: no partner: nearest cell of g5 differs");
    check_has(&out, "file: x.json: is a summary, not results\n");
    buf_fini(&out);
}

/* What cells of a machine differ in is said with all values; versions once. */
static void test_settings_and_versions(void **state)
{
    struct analysis_fixture *f = *state;
    const struct origin one = {.versions = "torch 2.10.0"};
    const struct origin same = {.versions = "torch 2.10.0 "};
    struct buf out;
    for (int64_t batch = 1; batch <= 4; batch *= 2)
        add(f, "inf2", "short", batch, 100)->v[FIELD_max_num_seqs] = value_int(batch);
    f->of[0].origin = f->of[1].origin = &one;
    f->of[2].origin = &same;
    report(f, &out);
    check_has(&out, "settings: max_num_seqs 1/2/4\n");
    check_has(&out, "\n  versions: torch 2.10.0\n  versions: torch 2.10.0\n");
    buf_fini(&out);
}

static void test_nothing_measured(void **state)
{
    struct analysis_fixture *f = *state;
    struct buf out;
    struct row *r = add(f, "g5", "short", 1, 100);
    r->v[FIELD_is_warmup] = value_bool(true);
    r->v[FIELD_error] = value_str("out of memory");
    add(f, "g5", "long", 1, 100)->v[FIELD_is_warmup] = value_bool(true);
    report(f, &out);
    check_has(&out, "g5, short bs=1 cache=off: only warm-ups: out of memory\n");
    check_has(&out, "g5, long bs=1 cache=off: only warm-ups\n");
    buf_fini(&out);
}

static void test_nothing_left_out(void **state)
{
    struct analysis_fixture *f = *state;
    struct buf out;
    struct row *r = add(f, "g5", "short", 1, 100);
    r->v[FIELD_first_token_latency] = r->v[FIELD_inter_token_latency] =
        r->v[FIELD_usd_per_million_output_tokens] = value_num(2);
    *add(f, "g5", "short", 2, 0) = *r;
    f->rows[1].v[FIELD_batch_size] = value_int(2);
    f->rows[1].v[FIELD_tokens_per_second] = value_num(90);
    f->rows[1].v[FIELD_usd_per_million_output_tokens] = value_num(1);
    report(f, &out);
    check_has(&out, "\nLeft out\n--------\n  nothing\n");
    check_has(&out, "  fastest   100.0 tokens/s: short bs=1 ");
    check_has(&out, "  cheapest  1.000 USD per million output tokens: short bs=2 ");
    check_has(&out, "\n  best of short: 100.0 tokens/s at ");
    check_has(&out, "\n  TTFT 2000 ms with bs=1 cache=off\n"); /* the first of equals */
    buf_fini(&out);
    buf_init(&out, 100);
    assert_int_equal(analysis_fixture_put(&f->x, build, &out), STATUS_TOO_BIG);
    buf_fini(&out);
}

/* Whichever allocation fails: an error, or the whole report. */
static void test_no_memory(void **state)
{
    struct analysis_fixture *f = *state;
    struct buf whole, out;
    add(f, "g5", "short", 1, 100)->v[FIELD_verdict] = value_str("INVALID");
    add(f, "inf2", "short", 1, 200)->v[FIELD_engine_version] = value_str("1");
    add(f, "inf2", "long", 1, 200)->v[FIELD_error] = value_str("died");
    add(f, "g5", "medium", 1, 100)->v[FIELD_max_num_seqs] = value_int(4);
    add(f, "inf2", "medium", 1, 200)->v[FIELD_max_num_seqs] = value_int(4);
    report(f, &whole);
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        buf_init(&out, 1 << 20);
        alloc_fixture_arm(&alloc);
        enum status s = analysis_fixture_put(&f->x, build, &out);
        alloc_fixture_judge(&alloc, s);
        assert_int_equal(out.len, s == STATUS_OK ? whole.len : 0);
        buf_fini(&out);
    }
    buf_fini(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_caching_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unlike_figures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_cost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_best_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings_and_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_measured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_left_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
