#include "report/glyphs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

#define TOKYO "\xe6\x9d\xb1\xe4\xba\xac"

struct fixture {
    struct arena a;
    struct glyphs g;
    char dir[64];
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.dir = "/tmp/test_glyphs.XXXXXX"};
    *state = &f;
    arena_init(&f.a, 4 << 20);
    glyphs_init(&f.g, &f.a);
    return mkdtemp(f.dir) == NULL || setenv("PATH", f.dir, 1) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    const char *path = arena_printf(&f->a, "%s/fc-list", f->dir);
    (void)unlink(path);
    glyphs_fini(&f->g);
    arena_fini(&f->a);
    return rmdir(f->dir);
}

/* The only fc-list there is, and what it says. */
static void fonts(struct fixture *f, const char *said)
{
    struct err e;
    const char *path = arena_printf(&f->a, "%s/fc-list", f->dir);
    const char *text = arena_printf(&f->a, "#!/bin/sh\nprintf '%s'\n", said);
    assert_int_equal(file_replace(path, str_from(text), &e), STATUS_OK);
    assert_int_equal(chmod(path, 0755), 0);
}

static void test_latin_asks_nobody(void **state)
{
    struct fixture *f = *state;
    const char *text = "g5 \xc3\xa9t\xc3\xa9, 1.5x";
    assert_ptr_equal(glyphs_text(&f->g, text), text);
    assert_null(glyphs_text(&f->g, NULL));
    assert_false(f->g.is_asked);
    assert_null(glyphs_said(&f->g));
}

static void test_a_font_has_it(void **state)
{
    struct fixture *f = *state;
    fonts(f, "TrueType 20-7e a0-2e9\nCFF 4eac 6771-6772\n");
    assert_string_equal(glyphs_text(&f->g, TOKYO " g5"), TOKYO " g5");
    assert_null(glyphs_said(&f->g));
}

/* Codes, so that two names stay two. */
static void test_no_font_has_it(void **state)
{
    struct fixture *f = *state;
    fonts(f, "TrueType 20-7e\nPCF 4eac\nType 1 4eac\nTrueType 6771\nTrueType x 4-\n");
    assert_string_equal(glyphs_text(&f->g, TOKYO " g5"), "\xe6\x9d\xb1[4EAC] g5");
    assert_string_equal(glyphs_text(&f->g, "\xf0\x9f\x9a\x80"), "[1F680]");
    assert_non_null(strstr(glyphs_said(&f->g), "no font here has \xe4\xba\xac\xf0"));
    assert_non_null(strstr(glyphs_said(&f->g), "fonts-droid-fallback"));
}

static void test_no_fontconfig(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(glyphs_text(&f->g, TOKYO), "[6771][4EAC]");
    assert_non_null(strstr(glyphs_said(&f->g), "no fc-list"));
}

/* Nothing grows out of its line, hides, or turns the line about. */
static void test_shapes(void **state)
{
    struct fixture *f = *state;
    fonts(f, "TrueType 20-7e 300-36f 2764\n");
    assert_string_equal(glyphs_text(&f->g, "a\xcc\x80\xcc\x81\xcc\x82\xcc\x83z"),
                        "a\xcc\x80\xcc\x81z");
    assert_string_equal(glyphs_text(&f->g, "\xe2\x9d\xa4\xef\xb8\x8f"), "\xe2\x9d\xa4");
    assert_string_equal(glyphs_text(&f->g, "a\xe2\x80\xae"
                                           "b"),
                        "ab");
    assert_string_equal(glyphs_text(&f->g, "a\nb\xc2\x9b"
                                           "c\xff"),
                        "a b c?");
}

/* However many there are: a line. */
static void test_many(void **state)
{
    struct fixture *f = *state;
    char text[3 * 500 + 1];
    for (int i = 0; i < 500; i++)
        snprintf(text + (size_t)3 * i, 4, "\xe4%c%c", 0xb8 + i / 64, 0x80 + i % 64);
    assert_int_equal(strlen(glyphs_text(&f->g, text)), 500 * 6);
    assert_in_range(strlen(glyphs_said(&f->g)), 100, 300);
}

static void test_all_texts(void **state)
{
    struct fixture *f = *state;
    const char *ticks[] = {TOKYO, "bs=1"};
    struct plot_series series = {.name = "m " TOKYO};
    struct plot_panel panel = {.title = TOKYO,
                               .ticks = ticks,
                               .tick_count = 2,
                               .series = &series,
                               .series_count = 1};
    struct plot p = {.title = "t " TOKYO, .panels = &panel, .panel_count = 1};
    glyphs_apply(&f->g, &p);
    assert_string_equal(p.title, "t [6771][4EAC]");
    assert_string_equal(panel.title, "[6771][4EAC]");
    assert_string_equal(ticks[0], "[6771][4EAC]");
    assert_string_equal(series.name, "m [6771][4EAC]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_latin_asks_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_font_has_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_font_has_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_fontconfig, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_texts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
