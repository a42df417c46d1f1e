#include "report/report_money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>

#include "report/render.h"
#include "analysis_fixture.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down
#define add       analysis_fixture_add

static void says(double ratio, double low, double high, const char *call,
                 bool is_one_launch, const char *want)
{
    struct arena a;
    const struct match_ratio c = {.ratio = ratio,
                                  .low = low,
                                  .high = high,
                                  .call = call,
                                  .is_one_launch = is_one_launch};
    arena_init(&a, 1 << 16);
    assert_string_equal(
        report_money_sentence(
            &(struct report_money_ratio){"inf2.xlarge", "g5.xlarge", &c, 8, NULL}, &a),
        want);
    arena_fini(&a);
}

/* At two prices by the interval, at one by the verdict. */
static void which_costs_less(void **state)
{
    (void)state;
    says(0.53, 0.5, 0.56, NULL, false,
         "inf2.xlarge costs 0.53 [0.50, 0.56] of g5.xlarge a token in these 8 cells");
    says(1.2, 1.1, 1.3, NULL, false,
         "inf2.xlarge costs 1.20 [1.10, 1.30] times g5.xlarge a token in these 8 cells");
    says(0.98, 0.93, 1.03, NULL, false,
         "Cannot tell which costs less a token in these 8 cells: inf2.xlarge costs 0.98 "
         "[0.93, 1.03] of g5.xlarge");
    says(0.53, 0.5, 0.56, "cannot tell", false,
         "Cannot tell which costs less a token in these 8 cells: inf2.xlarge costs 0.53 "
         "[0.50, 0.56] of g5.xlarge");
    says(0.53, 0.5, 0.56, "better", false,
         "inf2.xlarge costs 0.53 [0.50, 0.56] of g5.xlarge a token in these 8 cells");
    says(1, 0.99, 1.01, "same", false,
         "inf2.xlarge costs the same as g5.xlarge a token in these 8 cells: 1.00 [0.99, "
         "1.01]");
    says(0.5, NAN, NAN, NULL, false,
         "Cannot tell which costs less a token in these 8 cells: inf2.xlarge costs 0.50 "
         "of g5.xlarge, spread unknown");
}

/* Launches may differ by more than repeats of one: the interval must be beyond 1.5. */
static void of_one_launch(void **state)
{
    (void)state;
    says(0.75, 0.7, 0.8, NULL, true,
         "Cannot tell which costs less a token in these 8 cells: inf2.xlarge costs 0.75 "
         "[0.70, 0.80] of g5.xlarge, within one launch");
    says(0.53, 0.5, 0.56, NULL, true,
         "inf2.xlarge costs 0.53 [0.50, 0.56] of g5.xlarge a token in these 8 cells, "
         "within one launch");
    says(1.55, 1.52, 1.58, NULL, true,
         "inf2.xlarge costs 1.55 [1.52, 1.58] times g5.xlarge a token in these 8 cells, "
         "within one launch");
}

static void put_all(const struct analysis *x, struct document *d)
{
    report_money_claims(x, d);
    for (size_t i = 0; i < x->machines.side_count; i++)
        report_money_side(x, x->machines.sides[i], d);
}

static const char *text_of(struct analysis_fixture *f, const struct money_view *money)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    analysis_fixture_build(f, NULL, NULL);
    f->x.money = *money;
    assert_int_equal(analysis_fixture_put(&f->x, put_all, &out), STATUS_OK);
    char *text = arena_strdup(&f->arena, buf_cstr(&out)), *to = text;
    buf_fini(&out);
    for (const char *p = text; *p != '\0'; p++) { /* one blank for breaks of lines */
        char c = *p == '\n' ? ' ' : *p;
        if (c != ' ' || (to > text && to[-1] != ' '))
            *to++ = c;
    }
    *to = '\0';
    return text;
}

static void check_has(const char *text, const char *want)
{
    if (strstr(text, want) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", want, text);
}

static struct row *priced(struct analysis_fixture *f, const char *label, int64_t batch,
                          double usd)
{
    struct row *r = add(f, label, "short", batch, 100);
    r->v[FIELD_usd_per_million_output_tokens] = value_num(usd);
    r->v[FIELD_usd_per_million_tokens] = value_num(usd / 4); /* three in, one out */
    return r;
}

/* 3 x 0.2 + 1.4 = 2 USD of the API for a million output tokens. */
static void break_even(void **state)
{
    struct analysis_fixture *f = *state;
    const struct money_view api = {.api_in = 0.2, .api_out = 1.4},
                            none = {.api_in = NAN, .api_out = NAN},
                            yen = {NAN, NAN, "JPY", 150};
    struct row *r = priced(f, "g5", 1, 0.5);
    check_has(text_of(f, &api),
              "break-even with an API at 0.2:1.4 USD per million: at 25 "
              "% of full use: short");
    r->v[FIELD_usd_per_million_output_tokens] = value_num(4);
    r->v[FIELD_usd_per_million_tokens] = value_num(1);
    check_has(text_of(f, &api), "never, at full use it costs 200 % of that: short");
    assert_null(strstr(text_of(f, &none), "break-even"));
    check_has(text_of(f, &none), "cheapest 4.000 USD per million output tokens: short");
    check_has(text_of(f, &none), "1.000 USD per million input + output tokens");
    check_has(text_of(f, &yen), "cheapest 4.000 USD (600.0 JPY) per million output");
    r->v[FIELD_usd_per_million_tokens] = value_null();
    assert_null(strstr(text_of(f, &api), "break-even"));
}

/* Every repeat must meet it; what is cheaper and does not is passed over. */
static void cheapest_within_the_slo(void **state)
{
    struct analysis_fixture *f = *state;
    const struct money_view none = {.api_in = NAN, .api_out = NAN};
    struct row *rows[] = {priced(f, "g5", 1, 3), priced(f, "g5", 2, 2),
                          priced(f, "g5", 4, 1), priced(f, "inf2", 1, 4)};
    static const double shares[] = {1, 0.99, 0.98, 0.5};
    for (size_t i = 0; i < 4; i++)
        rows[i]->v[FIELD_serving_mode] = value_str("online");
    check_has(text_of(f, &none), "cheapest within an SLO: no SLO was set (--goodput)");
    for (size_t i = 0; i < 4; i++) {
        rows[i]->v[FIELD_slo] = value_json("{\"ttft_ms\":500}");
        rows[i]->v[FIELD_goodput_share] = value_num(shares[i]);
    }
    const char *text = text_of(f, &none);
    check_has(text, "Cheapest within the SLO {\"ttft_ms\":500} (99 % of the requests):");
    check_has(text, "g5: 2.000 USD per million output tokens, short");
    check_has(text, "inf2: no cell is");
    rows[3]->v[FIELD_slo] = value_json("{\"ttft_ms\":900}"); /* two are not compared */
    text = text_of(f, &none);
    assert_null(strstr(text, "Cheapest within"));
    check_has(text,
              "cheapest within the SLO {\"ttft_ms\":900} (99 % of the requests): no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_costs_less),
        cmocka_unit_test(of_one_launch),
        cmocka_unit_test_setup_teardown(break_even, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cheapest_within_the_slo, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
