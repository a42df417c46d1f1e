/* Which rows are blocks of a search, what came of them, and the answer. */
#include "stats/search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define MOST 8

struct bed {
    struct run_data run;
    struct repeat_data repeats[MOST];
    struct row rows[MOST];
};

static void begin(struct bed *b, const char *search)
{
    *b = (struct bed){.run = {.repeats = NULL}};
    b->run.repeats = b->repeats;
    if (search != NULL)
        b->run.fields.v[FIELD_slo_search] = value_json(search);
}

/* A judged row of an open load, of so many requests due. */
static struct row *add(struct bed *b, double rate_rps, double share, double due)
{
    struct row *row = &b->rows[b->run.repeat_count++];
    row->v[FIELD_arrival] = value_str("poisson");
    row->v[FIELD_request_rate] = value_num(rate_rps);
    row->v[FIELD_goodput_share] = value_num(share);
    row->v[FIELD_goodput_due] = value_int((int64_t)due);
    row->v[FIELD_window_s] = value_num(30);
    row->v[FIELD_window_tokens_per_second] = value_num(100 * rate_rps);
    return row;
}

static void blame(struct row *row, struct findings *f, struct finding *item,
                  const char *code)
{
    *item = (struct finding){.code = code};
    *f = (struct findings){item, 1};
    row->v[FIELD_reasons] = value_findings(f);
}

static void expect(const struct bed *b, size_t i, const char *block)
{
    const char *got = field_str(&b->rows[i], FIELD_slo_block);
    if ((got == NULL) != (block == NULL) || (block != NULL && strcmp(got, block) != 0))
        fail_msg("row %zu is %s, not %s", i, got != NULL ? got : "none",
                 block != NULL ? block : "none");
}

#define RATE "{\"of\":\"request_rate\",\"share\":0.99,\"from\":10,\"confirm\":false}"

static void test_blocks(void **state)
{
    struct bed b;
    struct findings f[4];
    struct finding items[4];
    (void)state;
    begin(&b, RATE);
    add(&b, 10, 1, 300);
    b.repeats[0].is_warmup = true;
    add(&b, 10, 297.0 / 300, 300);
    add(&b, 10, 296.0 / 300, 300);
    blame(add(&b, 10, 1, 300), &f[0], &items[0], "OVERLOADED");
    blame(add(&b, 10, 1, 300), &f[1], &items[1], "CLIENT_LATE");
    blame(add(&b, 10, 1, 300), &f[2], &items[2], "SHORT_RUN");
    add(&b, 10, NAN, 300);
    add(&b, 10, 1, 300)->v[FIELD_error] = value_str("interrupted");
    search_fill(&b.run, b.rows);
    static const char *const want[MOST] = {NULL,   "good", "bad",  "bad",
                                           "void", "good", "void", NULL};
    for (size_t i = 0; i < MOST; i++)
        expect(&b, i, want[i]);
    begin(&b, NULL);
    add(&b, 10, 1, 300);
    search_fill(&b.run, b.rows);
    expect(&b, 0, NULL);
    struct search_answer a;
    assert_false(search_answer(&b.run, b.rows, &a));
}

/* From half of what the closed load reached; what is measured at the lower level. */
static void test_answer(void **state)
{
    struct bed b;
    struct search_answer a;
    (void)state;
    begin(&b, "{\"of\":\"request_rate\",\"share\":0.9,\"from\":null}");
    add(&b, NAN, NAN, 0);
    b.repeats[0].is_warmup = true;
    add(&b, NAN, NAN, 0);
    for (size_t i = 0; i < 2; i++) {
        b.rows[i].v[FIELD_arrival] = value_str("closed");
        b.rows[i].v[FIELD_is_warmup] = value_bool(i == 0);
        b.rows[i].v[FIELD_requests_per_second] = value_num(i == 0 ? 7 : 20);
    }
    search_fill(&b.run, b.rows);
    assert_true(search_answer(&b.run, b.rows, &a));
    assert_string_equal(search_state(&a), "unfinished");
    assert_true(isnan(a.low) && a.found.next == 10);
    add(&b, 10, 1, 100);
    add(&b, 20, 0.5, 100);
    add(&b, 14.1, 0.89, 100);
    add(&b, 11.9, 0.89, 100);
    add(&b, 10.9, 0.89, 100);
    add(&b, 10.4, 0.95, 100);
    search_fill(&b.run, b.rows);
    assert_true(search_answer(&b.run, b.rows, &a));
    assert_string_equal(search_state(&a), "estimate");
    assert_true(a.low == 10.4 && a.high == 10.9);
    assert_int_equal(a.blocks, 6);
    assert_int_equal(a.due, 100);
    assert_int_equal(a.late, 5);
    assert_true(a.tokens_per_second == 1040 && a.window_s == 30);
    assert_true(isnan(a.usd_per_million_output_tokens));
}

/* What is written is read. */
static void test_text(void **state)
{
    const struct search s = {.rule = {.from = NAN, .is_whole = true, .confirms = true},
                             .share = 0.999};
    struct run_data run = {.repeats = NULL};
    struct search read;
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    const char *text = search_text(&s, &a);
    assert_string_equal(
        text, "{\"of\":\"concurrency\",\"share\":0.999,\"from\":null,\"confirm\":true}");
    run.fields.v[FIELD_slo_search] = value_json(text);
    assert_true(search_of_run(&run, &read));
    assert_true(isnan(read.rule.from) && read.rule.is_whole && read.rule.confirms);
    assert_true(!read.is_rate && read.share == 0.999);
    static const char *const broken[] = {"{", "[]", "{\"of\":\"concurrency\"}",
                                         "{\"share\":0}", "{\"share\":2}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        run.fields.v[FIELD_slo_search] = value_json(broken[i]);
        assert_false(search_of_run(&run, &read));
    }
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
