#include "report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "analysis_fixture.h"
#include "report/width.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down
#define add       analysis_fixture_add

/* The text of the rows as they are now, in the arena. */
static const char *text_with(struct analysis_fixture *f, const char *baseline)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    analysis_fixture_build(f, NULL, baseline);
    (void)analysis_fixture_put(&f->x, report_machines_put, &out);
    assert_int_equal(out.failed, STATUS_OK);
    const char *text = arena_str(&f->arena, (struct str){buf_cstr(&out), out.len});
    assert_non_null(text);
    buf_fini(&out);
    return text;
}

static const char *text_of(struct analysis_fixture *f)
{
    return text_with(f, NULL);
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

/* Of one row, of which little is known. */
static void a_machine_of_one_cell(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *r = add(f, "g5", "short", 1, 100);
    assert_string_equal(text_of(f), "\nMachines\n--------\n"
                                    "g5: 1 cell, 1 measured repeat\n"
                                    "  unknown unknown on g5 (unknown), m\n"
                                    "  price: unknown (--price-per-hour)\n"
                                    "  fastest   100.0 tokens/s: short bs=1 cache=off\n"
                                    "  best of short: 100.0 tokens/s with bs=1 "
                                    "cache=off\n");
    r->v[FIELD_engine] = value_str("vllm");
    r->v[FIELD_engine_version] = value_str("0.32.0");
    r->v[FIELD_hardware_type] = value_str("gpu");
    check_has(text_of(f), "\n  vllm 0.32.0 on g5 (gpu), m\n");
}

static void each_machine_has_its_part_baseline_first(void **state)
{
    struct analysis_fixture *f = *state;
    add(f, "g5", "short", 1, 100);
    add(f, "inf2", "short", 1, 50);
    add(f, "inf2", "short", 1, 50);
    add(f, "inf2", "long", 1, 50)->v[FIELD_error] = value_str("died");
    const char *text = text_with(f, "inf2");
    check_has(text, "\nMachines\n--------\ninf2: 2 cells, 2 measured repeats\n");
    check_has(text, "cache=off\n\ng5: 1 cell, 1 measured repeat\n");
    f->loaded.count = 0;
    assert_string_equal(text_of(f), "");
}

static void settings_of_every_kind(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *r = add(f, "g5", "short", 1, 100);
    r->v[FIELD_dtype] = value_str("bfloat16");
    r->v[FIELD_max_num_seqs] = value_int(256);
    r->v[FIELD_enforce_eager] = value_bool(false);
    r->v[FIELD_top_p] = value_num(0.95);
    r->v[FIELD_quantization] = value_str(""); /* as good as unknown */
    r->v[FIELD_prefix_reuse] = value_str("cold");
    r->v[FIELD_seed] = value_int(3);
    r->v[FIELD_extra_body] = value_json("{\n  \"top_k\": 5\n}");
    r->v[FIELD_plan_sha256] = value_str("0123456789abcdef");
    r->v[FIELD_settings_sha256] = value_str("0123456789abcdef");
    r->v[FIELD_model_fingerprint] = value_str("0123456789abcdef");
    r->v[FIELD_machine_sha256] = value_str("fedcba9876543210");
    r->v[FIELD_driver_version] = value_str("580.95.05");
    check_has(text_of(f),
              "\n  settings: model_fingerprint 01234567, dtype bfloat16, max_num_seqs "
              "256,\n  enforce_eager false\n"
              "  load: top_p 0.95, seed 3, prefix_reuse cold, extra_body {\"top_k\":5}\n"
              "  machine: machine_sha256 fedcba98, driver_version 580.95.05\n");
}

/* Each once, those of a field left to it; what comes from a file steers no terminal. */
static void arguments_of_the_engine(void **state)
{
    struct analysis_fixture *f = *state;
    static const char *const args[] = {
        "[\"OMP_NUM_THREADS=4\",\"kv_cache_dtype=fp8_e4m3\",\"max_num_seqs=4\"]",
        "[\"kv_cache_dtype=fp8\",\"x=\\u001b[1m\"]", "[\"kv_cache_dtype=fp8\", 7]", "{}",
        "[\"max_num_seqs=4\"]"};
    for (int64_t i = 0; i < 4; i++)
        add(f, "g5", "short", 1 + i, 100)->v[FIELD_engine_args] = value_json(args[i]);
    add(f, "inf2", "short", 1, 100)->v[FIELD_engine_args] = value_json(args[4]);
    const char *text = text_of(f);
    check_has(text, "\n  given to the engine: OMP_NUM_THREADS=4, kv_cache_dtype=fp8_e4m3,"
                    "\n  kv_cache_dtype=fp8, x=\\x1b[1m\n");
    assert_null(strstr(strstr(text, "inf2:"), "given"));
}

static void repeats_of_several_launches(void **state)
{
    struct analysis_fixture *f = *state;
    for (int i = 0; i < 6; i++) {
        static const char *const launches[] = {"a", "a", "b", "c", "d", "d"};
        struct row *r = add(f, "g5", "short", i < 4 ? 1 : 2, 100);
        r->v[FIELD_launch_id] = value_str(launches[i]);
        r->v[FIELD_timestamp_utc] = value_str(i == 3 ? "2026-11-02T10:00:00+00:00"
                                                     : "2026-11-01T10:00:00+00:00");
    }
    check_has(text_of(f), "\n  1 cell of repeats of several launches, up to 3; 1 cell of "
                          "repeats of several\n  days, up to 2\n");
    f->loaded.count = 2;
    check_lacks(text_of(f), "several");
}

/* In the order of the cells, each once; cells of others, and those with nothing measured,
 * have no say. */
static void settings_that_differ(void **state)
{
    struct analysis_fixture *f = *state;
    static const int64_t values[] = {16, 4, 16, 1};
    for (int64_t i = 0; i < 4; i++)
        add(f, "g5", "short", 1 + i, 100)->v[FIELD_max_model_len] = value_int(values[i]);
    struct row *failed = add(f, "g5", "long", 1, 100);
    failed->v[FIELD_max_model_len] = value_int(777);
    failed->v[FIELD_error] = value_str("died");
    add(f, "inf2", "short", 1, 50)->v[FIELD_max_model_len] = value_int(888);
    const char *text = text_of(f);
    check_has(text, "\n  settings: max_model_len 16/4/1\n");
    check_has(text, "\n  settings: max_model_len 888\n");
    check_lacks(text, "777");
}

/* More than there is room for are cut, and it shows. */
static void settings_of_a_long_sweep(void **state)
{
    struct analysis_fixture *f = *state;
    for (int64_t i = 1; i <= 12; i++)
        add(f, "g5", "short", i, 100)->v[FIELD_max_num_seqs] = value_int(i);
    check_has(text_of(f), "max_num_seqs 1/2/3/4/5/6/7/8/9/10/11/12\n");
    add(f, "g5", "short", 13, 100)->v[FIELD_max_num_seqs] = value_int(13);
    add(f, "g5", "short", 14, 100)->v[FIELD_max_num_seqs] = value_int(14);
    check_has(text_of(f), "max_num_seqs 1/2/3/4/5/6/7/8/9/10/11/12/...\n");
}

static void long_settings_are_wrapped(void **state)
{
    struct analysis_fixture *f = *state;
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct row *r = add(f, "g5", "short", 1, 100);
    for (int id = FIELD_dtype; id <= FIELD_seed; id++)
        if (r->v[id].kind == VALUE_NULL)
            r->v[id] = value_str("some words that take their room");
    for (struct str rest = str_from(text_of(f)); rest.len > 0;) {
        const char *line = arena_str(&f->arena, str_cut(&rest, '\n'));
        if (width_of(line) > 80)
            fail_msg("wider than 80 columns: %s", line);
    }
    r->v[FIELD_quantization] = value_str(name);
    check_has(text_of(f), "nnnnnnnnnn"); /* cut, not lost */
}

/* Of each machine its own; what two of its files say alike once. */
static void versions_of_each_machine(void **state)
{
    struct analysis_fixture *f = *state;
    const struct origin of[] = {{.versions = "torch 2.10.0"},
                                {.versions = "neuronx 2.2"}};
    const struct origin none = {.region = "nowhere"};
    char copy[] = "torch 2.10.0";
    const struct origin same = {.versions = copy};
    add(f, "g5", "short", 1, 100);
    add(f, "inf2", "short", 1, 100);
    add(f, "g5", "short", 2, 100);
    add(f, "g5", "short", 4, 100);
    add(f, "g5", "short", 8, 100);
    f->of[0].origin = &of[0];
    f->of[1].origin = &of[1];
    f->of[2].origin = &same;
    f->of[3].origin = &none;
    const char *text = text_of(f);
    check_has(text, "), m\n  versions: torch 2.10.0\n  price");
    check_has(text, "), m\n  versions: neuronx 2.2\n  price");
}

static void prices_with_their_source(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *a = add(f, "g5", "short", 1, 100), *b = add(f, "g5", "short", 2, 100);
    struct row *other = add(f, "inf2", "short", 1, 100);
    a->v[FIELD_price_usd_per_hour] = b->v[FIELD_price_usd_per_hour] = value_num(1.006);
    a->v[FIELD_price_source] = b->v[FIELD_price_source] = value_str("table of 2026");
    const char *text = text_of(f);
    check_has(text, "), m\n  price: 1.006 USD an hour, table of 2026\n  fastest");
    check_has(text, "), m\n  price: unknown (--price-per-hour)\n  fastest");
    b->v[FIELD_price_usd_per_hour] = value_num(2);
    b->v[FIELD_price_source] = value_null();
    other->v[FIELD_price_usd_per_hour] = value_num(0);
    text = text_of(f);
    check_has(text, "table of 2026\n  price: 2.000 USD an hour, source unknown\n");
    check_has(text, "), m\n  price: 0 USD an hour, source unknown\n"); /* free is known */
    check_lacks(text, "--price-per-hour");
}

/* Repeats of one cell: warm-ups and failed ones cost nothing that counts. */
static void several_prices_of_a_cell(void **state)
{
    struct analysis_fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        struct row *r = add(f, "g5", "short", 1, 100);
        r->v[FIELD_price_usd_per_hour] = value_num(i < 2 ? 1 : i);
        r->v[FIELD_is_warmup] = value_bool(i == 3);
        r->v[FIELD_error] = i == 4 ? value_str("died") : value_null();
    }
    check_has(text_of(f), "\n  price: 1.000 and 2.000 USD an hour, source unknown\n"
                          "  several prices: the $/token of each repeat uses its own\n");
    f->rows[2].v[FIELD_price_usd_per_hour] = value_num(1);
    f->rows[2].v[FIELD_price_source] = value_str("list");
    const char *text = text_of(f);
    check_has(text, "source unknown\n  price: 1.000 USD an hour, list\n");
    check_lacks(text, "several");
}

static void more_prices_than_are_said(void **state)
{
    struct analysis_fixture *f = *state;
    for (int i = 0; i < 15; i++)
        add(f, "g5", "short", 1, 100)->v[FIELD_price_usd_per_hour] = value_num(1 + i);
    const char *text = text_of(f);
    check_has(text, "price: 1.000 and 2.000 and 3.000 and ");
    check_has(text, "12.00 and more USD an hour");
}

/* A simulated cell is the best one only where nothing real was measured. */
static void real_cells_are_best(void **state)
{
    struct analysis_fixture *f = *state;
    add(f, "g5", "short", 1, 9000)->v[FIELD_is_simulated] = value_bool(true);
    add(f, "g5", "long", 1, 900)->v[FIELD_is_simulated] = value_bool(true);
    struct row *real = add(f, "g5", "short", 2, 100);
    real->v[FIELD_is_simulated] = value_bool(false);
    for (int i = 0; i < 3; i++)
        f->rows[i].v[FIELD_usd_per_million_output_tokens] = value_num(1 + i);
    const char *text = text_of(f);
    check_has(text, "\n  fastest   100.0 tokens/s: short bs=2 cache=off\n"
                    "  cheapest  3.000 USD per million output tokens: short bs=2");
    check_has(text, "\n  best of short: 100.0 tokens/s at 3.000 USD per million with "
                    "bs=2 cache=off\n  best of long: 900.0 tokens/s at 2.000 USD per "
                    "million with bs=1 cache=off\n  (simulated)\n");
    real->v[FIELD_verdict] = value_str("INVALID");
    text = text_of(f);
    check_lacks(text, "fastest");
    check_lacks(text, "best of short");
}

/* The highest throughput, the lowest cost and TTFT; the first of equals. */
static void the_best_cells(void **state)
{
    struct analysis_fixture *f = *state;
    static const double tokens[] = {100, 300, 300, 200}, usd[] = {4, 3, 2, 2},
                        ttft[] = {0.2, 0.9, 0.8, 0.1};
    for (int64_t i = 0; i < 4; i++) {
        struct row *r = add(f, "g5", "short", 1 + i, tokens[i]);
        r->v[FIELD_usd_per_million_output_tokens] = value_num(usd[i]);
        r->v[FIELD_first_token_latency] = value_num(ttft[i]);
    }
    const char *text = text_of(f);
    check_has(text, "\n  fastest   300.0 tokens/s: short bs=2 cache=off\n"
                    "  cheapest  2.000 USD per million output tokens: short bs=3 "
                    "cache=off\n");
    check_has(text,
              "\n  best of short: 300.0 tokens/s at 3.000 USD per million with bs=2 "
              "cache=off;");
    check_has(text, "TTFT 100.0 ms with bs=4");
}

static void the_best_of_each_scenario(void **state)
{
    struct analysis_fixture *f = *state;
    add(f, "g5", "short", 1, 100);
    add(f, "g5", "long", 1, 30);
    add(f, "g5", "short", 2, 200);
    add(f, "g5", "long", 2, 20);
    add(f, "inf2", "short", 1, 900);
    const char *text = text_of(f);
    check_has(text, "\n  fastest   200.0 tokens/s: short bs=2 cache=off\n"
                    "  best of short: 200.0 tokens/s with bs=2 cache=off\n"
                    "  best of long: 30.00 tokens/s with bs=1 cache=off\n\ninf2: ");
    check_has(text, "\n  fastest   900.0 tokens/s: short bs=1 cache=off\n"
                    "  best of short: 900.0 tokens/s with bs=1 cache=off\n");
}

/* INVALID cells, and those without the number, are no best ones. */
static void what_is_no_best_cell(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *fast = add(f, "g5", "short", 1, 500), *slow = add(f, "g5", "short", 2, 5);
    fast->v[FIELD_verdict] = value_str("INVALID");
    slow->v[FIELD_first_token_latency] = value_num(0.5);
    fast->v[FIELD_first_token_latency] = value_num(0.1);
    const char *text = text_of(f);
    check_has(text, "\n  fastest   5.000 tokens/s: short bs=2 cache=off\n");
    check_has(text,
              "\n  best of short: 5.000 tokens/s with bs=2 cache=off; TTFT 500.0 ms "
              "with bs=2");
    fast->v[FIELD_verdict] = value_str("VALID");
    fast->v[FIELD_tokens_per_second] = value_null();
    text = text_of(f);
    check_has(text, "\n  fastest   5.000 tokens/s: ");
    check_has(text, "TTFT 100.0 ms with bs=1");
    slow->v[FIELD_verdict] = value_str("INVALID");
    text = text_of(f);
    check_lacks(text, "fastest");
    check_lacks(text, "best of");
}

/* What failed before stays so; else the whole text, or an error and nothing. */
static void failures_are_kept(void **state)
{
    struct analysis_fixture *f = *state;
    const struct origin o = {.versions = "torch 2.10.0"};
    struct row *r = add(f, "g5", "short", 1, 100);
    r->v[FIELD_max_num_seqs] = value_int(4);
    r->v[FIELD_price_usd_per_hour] = value_num(1);
    r = add(f, "inf2", "short", 1, 100);
    r->v[FIELD_first_token_latency] = value_num(0.1); /* its last line is the longest */
    f->of[0].origin = &o;
    analysis_fixture_keeps_failures(&f->x, report_machines_put, strlen(text_of(f)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_machine_of_one_cell),     TEST(each_machine_has_its_part_baseline_first),
        TEST(settings_of_every_kind),    TEST(settings_that_differ),
        TEST(arguments_of_the_engine),   TEST(repeats_of_several_launches),
        TEST(settings_of_a_long_sweep),  TEST(long_settings_are_wrapped),
        TEST(versions_of_each_machine),  TEST(prices_with_their_source),
        TEST(several_prices_of_a_cell),  TEST(more_prices_than_are_said),
        TEST(real_cells_are_best),       TEST(the_best_cells),
        TEST(the_best_of_each_scenario), TEST(what_is_no_best_cell),
        TEST(failures_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
