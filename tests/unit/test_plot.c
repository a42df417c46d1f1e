#include "report/plot.h"

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
#include "base/mem.h"
#include "analysis_fixture.h"
#include "journal_fixture.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down

/* What plot_draw left in DIR/source/STEM.ending, in the arena. */
static const char *written(struct analysis_fixture *f, const char *name)
{
    struct buf text;
    struct err e;
    buf_init(&text, 1 << 20);
    if (file_read(arena_printf(&f->arena, "%s/source/%s", f->dir, name), &text, &e) !=
        STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    const char *copy = arena_strdup(&f->arena, buf_cstr(&text));
    buf_fini(&text);
    return copy;
}

static enum status draw(struct analysis_fixture *f, const struct plot *p, struct err *e)
{
    struct err made;
    const char *source = arena_printf(&f->arena, "%s/source", f->dir);
    assert_int_equal(file_make_dirs(source, &made), STATUS_OK);
    return plot_draw(p, f->dir, &f->arena, e);
}

/* A program of that name that does what `body` says, the only one to be found. */
static void fake_gnuplot(struct analysis_fixture *f, const char *body)
{
    struct err e;
    const char *path = arena_printf(&f->arena, "%s/gnuplot", f->dir);
    const char *text = arena_printf(&f->arena, "#!/bin/sh\n%s\n", body);
    assert_int_equal(file_replace(path, str_from(text), &e), STATUS_OK);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(setenv("PATH", f->dir, 1), 0);
}

static struct plot_point g5[] = {{.x = 0, .mean = 10, .low = 9, .high = 11.5},
                                 {.x = 1, .mean = 20, .low = NAN, .high = 21}};
static struct plot_point inf2[] = {
    {.x = 1, .mean = NAN, .low = NAN, .high = NAN, .note = "1.77x"}};
static const char *ticks[] = {"bs=1", "it's"};

static struct plot two_panels(struct plot_panel panels[2], struct plot_series series[2])
{
    series[0] = (struct plot_series){.name = "g5", .points = g5, .count = 2};
    series[1] = (struct plot_series){
        .name = "inf2", .colour = -1, .is_light = true, .points = inf2, .count = 1};
    for (int i = 0; i < 2; i++)
        panels[i] = (struct plot_panel){.title = i == 0 ? "short" : "long",
                                        .ticks = ticks,
                                        .tick_count = 2,
                                        .series = series,
                                        .series_count = 2};
    return (struct plot){.stem = "speed",
                         .title = "Jo's title",
                         .y_label = "tokens/s",
                         .panels = panels,
                         .panel_count = 2};
}

static void test_data(void **state)
{
    struct analysis_fixture *f = *state;
    struct plot_panel panels[2];
    struct plot_series series[2];
    struct plot p = two_panels(panels, series);
    struct err e;
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    const char *data = written(f, "speed.dat");
    /* two bars of 0.42 around each index; half an error bar is none */
    journal_fixture_has(data,
                        "\n\n# panel: short; series: g5\n-0.21 10.0 9.0 11.5 \"\"\n"
                        "0.79 20.0 20.0 20.0 \"\"\n\n\n# panel: short; series: inf2\n"
                        "1.21 NaN NaN NaN \"1.77x\"\n\n\n# panel: long; series: g5\n");
    series[1].count = 0; /* every block is there, or the indices would shift */
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    journal_fixture_has(written(f, "speed.dat"), "series: inf2\nNaN NaN NaN NaN \"\"\n");
}

static void test_script(void **state)
{
    struct analysis_fixture *f = *state;
    struct plot_panel panels[2];
    struct plot_series series[2];
    struct plot p = two_panels(panels, series);
    struct err e;
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    const char *text = written(f, "speed.gp");
    journal_fixture_has(text, "set label 1 \"Jo's title\" noenhanced");
    journal_fixture_has(text, "set output '../speed.png'");
    journal_fixture_has(text, "set ylabel 'tokens/s' noenhanced\n");
    journal_fixture_has(text, "set xtics ('bs=1' 0, \"it's\" 1)");
    journal_fixture_has(text, "set title 'long' noenhanced");
    journal_fixture_has(text,
                        "'speed.dat' index 3 using 1:2 with boxes lc rgb '#C8C8C8'");
    assert_null(strstr(text, "index 4"));
    assert_null(strstr(text, "set xlabel"));
    assert_null(strstr(text, "set label 2 "));        /* no warning */
    journal_fixture_has(text, "set label 11 'inf2'"); /* each name once in the legend */
    assert_null(strstr(text, "set label 12"));
    p.warning = "SIMULATED";
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    journal_fixture_has(written(f, "speed.gp"), "set label 2 'SIMULATED' noenhanced");
}

static void test_lines(void **state)
{
    struct analysis_fixture *f = *state;
    struct plot_panel panels[2];
    struct plot_series series[2];
    struct plot p = two_panels(panels, series);
    struct err e;
    p.kind = PLOT_LINES;
    p.x_label = "batch size";
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    journal_fixture_has(written(f, "speed.dat"),
                        "series: g5\n0.0 10.0 9.0 11.5 \"\"\n1.0 20.0 ");
    const char *text = written(f, "speed.gp");
    journal_fixture_has(text, "set logscale x 2\n");
    journal_fixture_has(text, "set xlabel 'batch size' noenhanced\n");
    journal_fixture_has(text, "'speed.dat' index 0 using 1:2 with lines lw 2 ");
    journal_fixture_has(text, "index 0 using 1:2:3:4 with yerrorbars ");
    assert_null(strstr(text, "#C8C8C8")); /* light: dashed, not paler */
    assert_null(strstr(text, "with boxes"));
}

/* Of how many boxes lightness is what `is_light` says: colours come again hatched. */
static void test_colours_come_again(void **state)
{
    struct analysis_fixture *f = *state;
    struct plot_panel panels[2];
    struct plot_series series[2];
    struct plot p = two_panels(panels, series);
    struct err e;
    for (int colour = 0; colour < 60; colour += 4) {
        for (int k = 0; k < 2; k++)
            series[k] = (struct plot_series){.name = k == 0 ? "OFF" : "ON",
                                             .colour = colour,
                                             .is_light = k == 0,
                                             .points = g5,
                                             .count = 2};
        assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
        const char *text = written(f, "speed.gp");
        journal_fixture_has(text, colour % 8 == 0
                                      ? "index 0 using 1:2 with boxes lc rgb '#99C7E0'"
                                      : "index 0 using 1:2 with boxes lc rgb '#BBE1F6'");
        journal_fixture_has(text, colour % 8 == 0
                                      ? "index 1 using 1:2 with boxes lc rgb '#0072B2'"
                                      : "index 1 using 1:2 with boxes lc rgb '#56B4E9'");
        bool has_pattern = strstr(text, "with boxes fs transparent pattern ") != NULL;
        bool has_sign = strstr(text, "set object 10001 rectangle ") != NULL;
        assert_true(has_pattern == (colour >= 8) && has_sign == (colour >= 8));
    }
    p.kind = PLOT_LINES;
    series[1] = series[0]; /* its colour, another lap: another shape of point */
    series[1].colour -= 40;
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    const char *text = written(f, "speed.gp");
    journal_fixture_has(text, "index 0 using 1:2:3:4 with yerrorbars lw 1.4 pt 4 ");
    journal_fixture_has(text, "index 1 using 1:2:3:4 with yerrorbars lw 1.4 pt 8 ");
}

/* Batch sizes that differ much: speeds that do, too, and small ones are to be seen. */
static void test_wide_range(void **state)
{
    struct analysis_fixture *f = *state;
    struct plot_panel panels[2];
    struct plot_series series[2];
    struct plot p = two_panels(panels, series);
    struct err e;
    struct plot_point sizes[] = {{.x = 2, .mean = 10, .low = NAN, .high = NAN},
                                 {.x = 64, .mean = 200, .low = NAN, .high = NAN}};
    p.kind = PLOT_LINES;
    p.y_label = "tokens/s";
    series[0].points = series[1].points = sizes;
    series[1].count = 2;
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    assert_null(strstr(written(f, "speed.gp"), "set logscale y"));
    sizes[1].x = 65;
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    journal_fixture_has(written(f, "speed.gp"),
                        "set logscale y\nset yrange [7.69231:300]\n"
                        "set ytics ('10' 10, '20' 20, '50' 50, "
                        "'100' 100, '200' 200)\n");
    journal_fixture_has(written(f, "speed.gp"), "set ylabel 'tokens/s'.' (logarithmic)'");
    sizes[0].mean = 0; /* nowhere on such an axis */
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    assert_null(strstr(written(f, "speed.gp"), "set logscale y"));
}

static void test_layout(void **state)
{
    struct analysis_fixture *f = *state;
    struct plot_panel panels[2];
    struct plot_series series[2];
    struct plot p = two_panels(panels, series);
    struct err e;
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    journal_fixture_has(written(f, "speed.gp"), "pngcairo size 920,"); /* two of 460
                                                                          abreast */
    journal_fixture_has(written(f, "speed.gp"), ") norotate noenhanced\n");
    p.panel_count = 1;
    const char *many[40];
    for (int i = 0; i < 40; i++)
        many[i] = "a long label of a cell";
    panels[0].ticks = many;
    panels[0].tick_count = 40;
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    journal_fixture_has(written(f, "speed.gp"), "pngcairo size 2400,"); /* never wider */
    journal_fixture_has(written(f, "speed.gp"), ") rotate by 35 right noenhanced\n");
}

static void test_quotes(void **state)
{
    struct analysis_fixture *f = *state;
    struct plot_panel panels[2];
    struct plot_series series[2];
    struct plot p = two_panels(panels, series);
    struct err e;
    p.title = "`id` 50 % \x1b[2J\nx";
    p.warning = "'a''b\\n`id`\xc3\xa9";
    series[0].name = "a\nset output 'x'";
    assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
    const char *text = written(f, "speed.gp");
    journal_fixture_has(text, "label 1 '`id` 50 % \\x1b[2J\\nx' noenhanced");
    journal_fixture_has(text, "label 2 \"'a''b\\\\n\\`id\\`\xc3\xa9\" ");
    journal_fixture_has(text, "label 10 \"a\\\\nset output 'x'\" ");
    journal_fixture_has(written(f, "speed.dat"), "series: a\\nset output 'x'\n");
}

static void test_gnuplot_is_run(void **state)
{
    struct analysis_fixture *f = *state;
    struct plot_panel panels[2];
    struct plot_series series[2];
    struct plot p = two_panels(panels, series);
    struct err e;
    fake_gnuplot(f, "echo \"$@\" >>\"${0%/*}/source/said\"");
    assert_int_equal(draw(f, &p, &e), STATUS_OK);
    assert_string_equal(
        written(f, "said"),
        arena_printf(&f->arena,
                     "-d -e cd \"%s\"; cd 'source'; format = 'png' speed.gp\n"
                     "-d -e cd \"%s\"; cd 'source'; format = 'svg' speed.gp\n",
                     f->dir, f->dir));
    fake_gnuplot(f, "exit 3");
    assert_int_equal(draw(f, &p, &e), STATUS_IO);
    assert_string_equal(e.what, "gnuplot exited with 3");
}

static void test_failures(void **state)
{
    struct analysis_fixture *f = *state;
    struct plot_panel panels[2];
    struct plot_series series[2];
    struct plot p = two_panels(panels, series);
    struct err e;
    assert_int_equal(plot_draw(&p, "/nowhere", &f->arena, &e), STATUS_IO);
    enum status st = STATUS_NO_MEMORY;
    for (long nth = 1; st == STATUS_NO_MEMORY; nth++) {
        struct arena a;
        arena_init(&a, 1 << 16);
        assert_int_equal(draw(f, &p, &e), STATUS_NOT_FOUND);
        mem_fail_at(nth);
        st = plot_draw(&p, f->dir, &a, &e);
        mem_fail_at(0);
        arena_fini(&a);
        assert_true(nth < 1000);
    }
    assert_int_equal(st, STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_script, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_colours_come_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wide_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_layout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gnuplot_is_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
