#include "report/plots.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/file.h"
#include "analysis_fixture.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down
#define add       analysis_fixture_add

static void draw(struct analysis_fixture *f, const char *wanted, struct plots_result *out)
{
    const char *items[] = {wanted};
    const struct opt_strings list = {.items = items, .count = 1};
    const struct plots_order order = {.wanted = &list, .dir = f->dir};
    struct err e;
    analysis_fixture_build(f, NULL, NULL);
    if (plots_draw(&f->x, &order, &f->arena, out, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

static const char *path_of(struct analysis_fixture *f, const char *name)
{
    return arena_printf(&f->arena, "%s/source/%s", f->dir, name);
}

static void check_file(struct analysis_fixture *f, const char *name, const char *text)
{
    struct buf in;
    struct err e;
    buf_init(&in, 1 << 20);
    if (file_read(path_of(f, name), &in, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    if (strstr(buf_cstr(&in), text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, buf_cstr(&in));
    buf_fini(&in);
}

/* Categories by batch size, OFF before ON, whatever the order of the rows. */
static void test_bars(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    add(f, "g5", "short", 4, 40);
    add(f, "g5", "short", 1, 15)->v[FIELD_enable_prefix_caching] = value_bool(true);
    add(f, "g5", "short", 1, 10);
    add(f, "inf2", "short", 4, 80);
    add(f, "inf2", "short", 4, 90);
    draw(f, "tokens_per_sec", &r);
    assert_false(r.has_gnuplot);
    assert_int_equal(r.made_count, 0);
    assert_int_equal(r.left_out_count, 0);
    check_file(f, "tokens_per_sec_comparison.gp",
               "('bs=1 cache=off' 0, 'bs=1 cache=on' 1, 'bs=4 cache=off' 2)");
    check_file(f, "tokens_per_sec_comparison.dat",
               "series: g5\n1.79 40.0 40.0 40.0 \"\"\n0.79 15.0 15.0 15.0 \"\"\n"
               "-0.21 10.0 10.0 10.0 \"\"\n\n\n# panel: short; series: inf2\n"
               "2.21 85.0 80.0 90.0 \"\"\n"); /* two repeats: lowest to highest */
    assert_false(file_exists(path_of(f, "ttft_comparison.gp")));
}

static void test_units_and_interval(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    for (int i = 0; i < 3; i++)
        add(f, "g5", "short", 1, 1)->v[FIELD_first_token_latency] = value_num(0.25);
    add(f, "g5", "long", 1, 1)->v[FIELD_first_token_latency] = value_num(1);
    draw(f, "ttft", &r);
    check_file(f, "ttft_comparison.dat", "0.0 250.0 250.0 250.0 \"\"\n"); /* ms */
    f->rows[1].v[FIELD_first_token_latency] = value_num(1.25);
    draw(f, "ttft", &r); /* the interval reaches below 0, the bar does not */
    check_file(f, "ttft_comparison.dat", " 0.0 ");
}

static void test_caching(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    add(f, "inf2", "short", 1, 7);
    add(f, "g5", "short", 1, 10);
    add(f, "g5", "short", 1, 20)->v[FIELD_enable_prefix_caching] = value_bool(true);
    draw(f, "prefix_caching", &r);
    check_file(f, "prefix_caching_effect.dat",
               "# panel: g5; series: prefix caching OFF\n-0.21 10.0 10.0 10.0 \"\"\n\n\n"
               "# panel: g5; series: prefix caching ON\n0.21 20.0 20.0 20.0 \"2.00x\"\n");
    check_file(f, "prefix_caching_effect.gp", "'#F5D999'"); /* colour of the 2nd side */
}

static void test_scaling(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    add(f, "g5", "short", 8, 80);
    add(f, "g5", "short", 1, 10);
    add(f, "g5", "long", 8, 5); /* one size: no line */
    draw(f, "batch_scaling", &r);
    check_file(f, "batch_size_scaling.dat",
               "# panel: short; series: g5, caching OFF\n1.0 10.0 10.0 10.0 \"\"\n"
               "8.0 80.0 80.0 80.0 \"\"\n");
}

/* Slots of an online load and batches are never points of one line. */
static void test_scaling_online(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    for (int i = 0; i < 2; i++)
        add(f, "g5", "short", i + 1, 10)->v[FIELD_serving_mode] = value_str("online");
    draw(f, "batch_scaling", &r);
    check_file(f, "batch_size_scaling.gp", "Throughput by concurrency");
    add(f, "g5", "short", 4, 10);
    add(f, "g5", "short", 8, 20);
    draw(f, "batch_scaling", &r);
    check_file(f, "batch_size_scaling.gp", "batch size or concurrency");
    check_file(f, "batch_size_scaling.dat",
               "series: g5, online, caching OFF\n1.0 10.0 10.0 10.0 \"\"\n"
               "2.0 10.0 10.0 10.0 \"\"\n");
    check_file(f, "batch_size_scaling.dat",
               "series: g5, caching OFF\n4.0 10.0 10.0 10.0 \"\"\n");
}

/* Lines of one colour have other dashes and points. */
static void test_unlike_lines(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    for (int i = 0; i < 4; i++)
        add(f, "g5", "short", 1 + i / 2, 10)->v[FIELD_dtype] = value_str(
            i % 2 == 0 ? "a" : "b");
    draw(f, "batch_scaling", &r);
    check_file(f, "batch_size_scaling.dat",
               "series: g5, caching OFF, dtype=a\n1.0 10.0 10.0 10.0 \"\"\n"
               "2.0 10.0 10.0 10.0 \"\"\n");
    check_file(f, "batch_size_scaling.gp", "index 0 using 1:2 with lines lw 2 dt 1 lc");
    check_file(f, "batch_size_scaling.gp",
               "index 1 using 1:2 with lines lw 2 dt (12,3,2,3) lc");
    check_file(f, "batch_size_scaling.gp", "lw 1.4 pt 5 ps");
}

/* By rate, all at once last. */
static void test_rates(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    static const double rates[] = {16, 2};
    struct row *row = add(f, "g5", "short", 1, 30);
    row->v[FIELD_request_rate] = value_str("inf");
    row->v[FIELD_batch_size] = value_null();
    for (int i = 0; i < 2; i++) {
        row = add(f, "g5", "short", 1, 10);
        row->v[FIELD_request_rate] = value_num(rates[i]);
        row->v[FIELD_batch_size] = value_null();
    }
    draw(f, "tokens_per_sec", &r);
    check_file(f, "tokens_per_sec_comparison.gp",
               "('rate=2 cache=off' 0, 'rate=16 cache=off' 1, 'rate=inf cache=off' 2)");
}

/* Three rates make a curve; the last before OVERLOADED is its knee. */
static void test_rate_curve(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    static const struct finding overload = {.code = "OVERLOADED"};
    static const struct findings reasons = {&overload, 1};
    for (int i = 0; i < 4; i++) {
        struct row *row = add(f, "g5", "short", 1, 10 * (i + 1));
        row->v[FIELD_serving_mode] = value_str("online");
        row->v[FIELD_request_rate] = value_num(1 << (3 - i));
        row->v[FIELD_batch_size] = value_null();
        if (i == 0) {
            row->v[FIELD_verdict] = value_str("INVALID");
            row->v[FIELD_reasons] = value_findings(&reasons);
        }
    }
    draw(f, "rate_curve", &r);
    check_file(f, "rate_curve.dat",
               "series: g5, online, caching OFF\n1.0 40.0 40.0 40.0 \"\"\n"
               "2.0 30.0 30.0 30.0 \"\"\n4.0 20.0 20.0 20.0 \"\"\n8.0 10.0");
    check_file(
        f, "rate_curve.dat",
        "series: knee: the last rate before OVERLOADED\n4.0 20.0 20.0 20.0 \"\"\n");
    check_file(f, "rate_curve.gp", "Throughput by request rate");
}

static void test_left_out(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    add(f, "g5", "short", 8, 80);
    add(f, "g5", "short", 1, 80)->v[FIELD_is_warmup] = value_bool(true);
    draw(f, "all", &r);
    assert_int_equal(r.left_out_count, 6);
    assert_string_equal(r.left_out[0], "time_per_token: not measured");
    assert_string_equal(r.left_out[3], "cost: price unknown (--price-per-hour)");
    assert_string_equal(r.left_out[4],
                        "prefix_caching: no cell was measured with OFF and ON");
    assert_string_equal(r.left_out[5],
                        "batch_scaling: no cells differ in batch size alone");
    f->rows[0].v[FIELD_is_simulated] = value_bool(true);
    draw(f, "tokens_per_sec", &r);
    check_file(f, "tokens_per_sec_comparison.gp", "set label 2 'SIMULATED: ");
}

static void put_old(struct analysis_fixture *f, const char *name)
{
    struct err e;
    assert_int_equal(file_replace(path_of(f, name), str_from("old"), &e), STATUS_OK);
}

/* What an earlier analysis drew does not stay where this one draws nothing. */
static void test_old_pictures(void **state)
{
    struct analysis_fixture *f = *state;
    static const char *const stems[] = {"cost_comparison", "prefix_caching_effect",
                                        "batch_size_scaling"};
    static const char *const endings[] = {"png", "svg", "gp", "dat"};
    struct plots_result r;
    add(f, "g5", "short", 8, 80);
    draw(f, "ttft", &r);
    put_old(f, "../tokens_per_sec_comparison.png");
    put_old(f, "tokens_per_sec_comparison.svg");
    put_old(f, "../ttft.png"); /* not ours */
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 4; k++)
            put_old(f, arena_printf(&f->arena, "%s%s.%s", k == 0 ? "../" : "", stems[i],
                                    endings[k]));
    draw(f, "all", &r); /* without gnuplot */
    assert_false(file_exists(path_of(f, "../tokens_per_sec_comparison.png")));
    assert_false(file_exists(path_of(f, "tokens_per_sec_comparison.svg")));
    assert_true(file_exists(path_of(f, "tokens_per_sec_comparison.gp")));
    assert_true(file_exists(path_of(f, "../ttft.png")));
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 4; k++)
            assert_false(file_exists(
                path_of(f, arena_printf(&f->arena, "%s%s.%s", k == 0 ? "../" : "",
                                        stems[i], endings[k]))));
}

static void test_made(void **state)
{
    struct analysis_fixture *f = *state;
    struct plots_result r;
    struct err e;
    const char *path = arena_printf(&f->arena, "%s/gnuplot", f->dir);
    assert_int_equal(file_replace(path, str_from("#!/bin/sh\n"), &e), STATUS_OK);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(setenv("PATH", f->dir, 1), 0);
    add(f, "g5", "short", 8, 80);
    draw(f, "all", &r);
    assert_true(r.has_gnuplot);
    assert_int_equal(r.made_count, 1);
    assert_string_equal(
        r.made[0].path,
        arena_printf(&f->arena, "%s/tokens_per_sec_comparison.png", f->dir));
}

static void test_small_arena(void **state)
{
    struct analysis_fixture *f = *state;
    const char *items[] = {"all"};
    const struct opt_strings list = {.items = items, .count = 1};
    const struct plots_order order = {.wanted = &list, .dir = f->dir};
    enum status st = STATUS_NO_MEMORY;
    add(f, "g5", "short", 1, 10);
    add(f, "g5", "short", 2, 10);
    add(f, "g5", "short", 2, 20)->v[FIELD_enable_prefix_caching] = value_bool(true);
    analysis_fixture_build(f, NULL, NULL);
    for (size_t cap = 0; st != STATUS_OK; cap += 16 + cap / 64) { /* each draws to disk */
        struct arena a;
        struct plots_result r;
        struct err e;
        arena_init(&a, cap);
        st = plots_draw(&f->x, &order, &a, &r, &e);
        assert_true(st == STATUS_OK || st == STATUS_NO_MEMORY);
        if (st == STATUS_OK)
            check_file(f, "prefix_caching_effect.dat", "2.00x");
        else if (file_exists(path_of(f, "prefix_caching_effect.dat")))
            check_file(f, "prefix_caching_effect.dat", "2.00x");
        assert_true(cap < (1 << 20));
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bars, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_units_and_interval, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_caching, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scaling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scaling_online, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unlike_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rate_curve, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_pictures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_small_arena, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
