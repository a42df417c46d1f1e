#include "report/pages.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "report/layout.h"

#define SERIES 50
#define TICKS  30

static struct plot_point points[SERIES][TICKS];
static struct plot_series series[SERIES];
static struct plot_panel panels[2];
static const char *ticks[TICKS];

/* Two panels; bar k on tick i is (k + 1) * (i + 1) high. */
static struct plot make(size_t series_count, size_t tick_count)
{
    for (size_t k = 0; k < series_count; k++) {
        for (size_t i = 0; i < tick_count; i++)
            points[k][i] = (struct plot_point){.x = (double)i,
                                               .mean = (double)((k + 1) * (i + 1)),
                                               .low = NAN,
                                               .high = NAN};
        series[k] = (struct plot_series){
            .name = "m", .colour = (int)k, .points = points[k], .count = tick_count};
    }
    for (size_t i = 0; i < tick_count; i++)
        ticks[i] = "bs=1";
    for (size_t i = 0; i < 2; i++)
        panels[i] = (struct plot_panel){.title = i == 0 ? "short" : "long",
                                        .ticks = ticks,
                                        .tick_count = tick_count,
                                        .series = series,
                                        .series_count = series_count};
    return (struct plot){
        .stem = "s", .title = "t", .y_label = "y", .panels = panels, .panel_count = 2};
}

static void test_few_stay_one(void **state)
{
    struct arena a;
    struct plot p = make(8, 9);
    size_t from = 0;
    (void)state;
    arena_init(&a, 1 << 20);
    assert_int_equal(pages_split(&p, &a), STATUS_OK);
    assert_int_equal(p.panel_count, 2);
    assert_string_equal(p.panels[0].title, "short");
    assert_true(p.panels[0].most == 0);
    struct plot page = pages_next(&p, &from);
    assert_int_equal(page.panel_count, 2);
    assert_int_equal(from, 2);
    arena_fini(&a);
}

/* Every bar is in one piece, at its place, under an axis that the pieces of other
 * machines share. */
static void test_pieces(void **state)
{
    struct arena a;
    struct plot p = make(SERIES, TICKS);
    size_t seen = 0;
    (void)state;
    arena_init(&a, 16 << 20);
    assert_int_equal(pages_split(&p, &a), STATUS_OK);
    for (size_t i = 0; i < p.panel_count; i++) {
        const struct plot_panel *panel = &p.panels[i];
        double most = 0;
        assert_in_range(panel->series_count * panel->tick_count, 1, 72);
        for (size_t k = 0; k < panel->series_count; k++) {
            assert_int_equal(panel->series[k].count, panel->tick_count);
            for (size_t n = 0; n < panel->series[k].count; n++) {
                const struct plot_point *at = &panel->series[k].points[n];
                assert_true(at->x == (double)n && at->mean <= panel->most);
                most = fmax(most, at->mean / (panel->series[k].colour + 1));
                seen++;
            }
        }
        assert_true(panel->most == most * SERIES);
    }
    assert_int_equal(seen, (size_t)2 * SERIES * TICKS);
    assert_string_equal(p.panels[0].title, "short (1 of 24)");
    arena_fini(&a);
}

/* Pages are not higher than a screen scrolls, and their legend is of one part. */
static void test_pages(void **state)
{
    struct arena a;
    struct plot p = make(SERIES, TICKS);
    size_t from = 0, count = 0;
    (void)state;
    arena_init(&a, 16 << 20);
    assert_int_equal(pages_split(&p, &a), STATUS_OK);
    for (; from < p.panel_count; count++) {
        struct plot page = pages_next(&p, &from);
        assert_in_range(layout_of(&page).height, 300, 1800);
        for (size_t i = 1; i < page.panel_count; i++)
            assert_int_equal(page.panels[i].part, page.panels[0].part);
    }
    assert_in_range(count, 10, 60);
    arena_fini(&a);
}

static void test_lines(void **state)
{
    struct arena a;
    struct plot p = make(40, 5);
    (void)state;
    p.kind = PLOT_LINES;
    for (size_t i = 0; i < 2; i++) {
        panels[i].ticks = NULL;
        panels[i].tick_count = 0;
    }
    arena_init(&a, 1 << 20);
    assert_int_equal(pages_split(&p, &a), STATUS_OK);
    assert_int_equal(p.panel_count, 6);
    assert_string_equal(p.panels[0].title, "short (1 of 3)");
    assert_string_equal(p.panels[1].title, "long (1 of 3)");
    assert_int_equal(p.panels[0].series_count, 14);
    assert_int_equal(p.panels[5].series_count, 12);
    assert_true(p.panels[0].most == 200 && p.panels[0].least == 1);
    arena_fini(&a);
}

static void test_no_memory(void **state)
{
    struct alloc_fixture alloc = {0};
    (void)state;
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        struct plot p = make(30, 5);
        arena_init(&a, 1 << 20);
        alloc_fixture_arm(&alloc);
        enum status s = pages_split(&p, &a);
        alloc_fixture_judge(&alloc, s);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_stay_one), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_pages),        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
