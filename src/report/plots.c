#include "report/plots.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "report/charts.h"
#include "report/glyphs.h"
#include "report/plot.h"
#include "report/width.h"

#define TITLE_COLUMNS 130
#define NAME_COLUMNS  120
#define TICK_COLUMNS  60

/* One drawing: what is drawn from, and where to. */
struct sheet {
    const struct analysis *x;
    const char *dir;
    struct arena *arena;
    struct glyphs *glyphs; /* NULL: nothing is drawn here */
    struct plots_result *out;
    struct err *e;
};

/* No picture of an earlier analysis stays where this one has none, nor what draws it. */
static void forget(const struct sheet *s, const char *stem, bool has_script)
{
    static const char *const kinds[][2] = {
        {"", "png"}, {"source/", "svg"}, {"source/", "gp"}, {"source/", "dat"}};
    for (size_t i = 0; i < (has_script ? 2 : 4); i++)
        (void)remove(
            arena_text(s->arena, "%s/%s%s.%s", s->dir, kinds[i][0], stem, kinds[i][1]));
}

/* The same of pages from `page` on. */
static void forget_pages(const struct sheet *s, const char *stem, size_t page)
{
    for (; page > 1 && page <= PAGES_MAX; page++)
        forget(s, arena_text(s->arena, "%s_%zu", stem, page), false);
}

static void note_left_out(const struct sheet *s, const char *name, const char *why)
{
    if (s->out->left_out_count == sizeof s->out->left_out / sizeof *s->out->left_out)
        return;
    s->out->left_out[s->out->left_out_count++] = arena_text(s->arena, "%s: %s", name,
                                                            why);
}

/* gnuplot could not: the others may yet be drawn. */
static void give_up(const struct sheet *s, const char *stem)
{
    char why[sizeof *s->e];
    status_format(s->e, why, sizeof why);
    forget(s, stem, true);
    note_left_out(s, stem, why);
    s->out->failed++;
}

/* No text makes a picture wider than a page. */
static const char *shortened(const struct sheet *s, const char *text, size_t columns)
{
    struct buf out;
    if (width_of(text) <= columns)
        return text;
    buf_init(&out, 4096);
    (void)width_shorten(&out, text, columns);
    const char *copy = arena_text(s->arena, "%s", buf_cstr(&out));
    buf_fini(&out);
    return copy;
}

/* Texts that the fonts can draw and that fit. */
static void make_legible(const struct sheet *s, struct plot *p)
{
    if (s->glyphs != NULL)
        glyphs_apply(s->glyphs, p);
    p->title = shortened(s, p->title, TITLE_COLUMNS);
    for (size_t i = 0; i < p->panel_count; i++) {
        struct plot_panel *panel = &p->panels[i];
        panel->title = shortened(s, panel->title, NAME_COLUMNS);
        for (size_t k = 0; k < panel->tick_count; k++)
            panel->ticks[k] = shortened(s, panel->ticks[k], TICK_COLUMNS);
        for (size_t k = 0; k < panel->series_count; k++)
            panel->series[k].name = shortened(s, panel->series[k].name, NAME_COLUMNS);
    }
}

/* One page; notes the file, or that there is no gnuplot. */
static enum status draw_page(const struct sheet *s, struct plot *p)
{
    const char *path = arena_text(s->arena, "%s/%s.png", s->dir, p->stem);
    make_legible(s, p);
    if (s->arena->has_failed)
        return STATUS_NO_MEMORY;
    enum status st = plot_draw(p, s->dir, s->arena, s->e);
    switch (st) {
    case STATUS_OK:
        s->out->made[s->out->made_count++] = (struct plots_made){path, p->title};
        return STATUS_OK;
    case STATUS_NOT_FOUND:
        s->out->has_gnuplot = false;
        forget(s, p->stem, true);
        return STATUS_OK;
    case STATUS_IO:
    case STATUS_TIMEOUT: give_up(s, p->stem); return STATUS_OK;
    default: return st;
    }
}

static const char *page_stem(const struct sheet *s, const char *stem, size_t page)
{
    return page == 1 ? stem : arena_text(s->arena, "%s_%zu", stem, page);
}

/* Draws all pages. */
static enum status draw(const struct sheet *s, struct plot *p)
{
    const char *stem = p->stem, *title = charts_title(s->x, p->title, s->arena);
    size_t count = 0, n = 0, failed = s->out->failed;
    p->title = title;
    if (pages_split(p, s->arena) != STATUS_OK)
        return STATUS_NO_MEMORY;
    for (size_t from = 0; from < p->panel_count; count++)
        (void)pages_next(p, &from);
    for (size_t from = 0; from < p->panel_count && n < PAGES_MAX;) {
        struct plot page = pages_next(p, &from);
        page.stem = page_stem(s, stem, ++n);
        if (count > 1)
            page.title = arena_text(s->arena, "%s (page %zu of %zu)", title, n, count);
        enum status st = draw_page(s, &page);
        if (st != STATUS_OK)
            return st;
        if (s->out->failed > failed)
            break; /* so would the next */
    }
    forget_pages(s, stem, n + 1);
    if (count > n)
        note_left_out(s, stem,
                      arena_text(s->arena,
                                 "%zu of %zu pages; give fewer files, or --plots",
                                 count - n, count));
    return STATUS_OK;
}

static enum status draw_picture(const struct sheet *s, const struct chart *of)
{
    struct plot p;
    if (charts_build(s->x, of, s->arena, &p) != STATUS_OK)
        return STATUS_NO_MEMORY;
    if (p.panel_count > 0)
        return draw(s, &p);
    forget(s, of->stem, false);
    forget_pages(s, of->stem, 2);
    if (of->why_none != NULL)
        note_left_out(s, of->name, of->why_none);
    return STATUS_OK;
}

/* Where scripts are carried to another machine, its fonts count. */
static bool has_gnuplot(void)
{
    char path[4096];
    struct err ignored;
    return proc_find("gnuplot", path, sizeof path, &ignored) == STATUS_OK;
}

enum status plots_draw(const struct analysis *x, const struct plots_order *order,
                       struct arena *a, struct plots_result *out, struct err *e)
{
    struct glyphs glyphs;
    struct sheet s = {.x = x, .dir = order->dir, .arena = a, .out = out, .e = e};
    *out = (struct plots_result){.has_gnuplot = true};
    glyphs_init(&glyphs, a);
    s.glyphs = has_gnuplot() ? &glyphs : NULL;
    enum status st = file_make_dirs(arena_text(a, "%s/source", order->dir), e);
    for (size_t i = 0; i < PLOTS_MAX && st == STATUS_OK; i++)
        if (opt_is_chosen(order->wanted, charts_table[i].name))
            st = draw_picture(&s, &charts_table[i]);
    out->missing_glyphs = glyphs_said(&glyphs);
    glyphs_fini(&glyphs);
    return st == STATUS_NO_MEMORY || a->has_failed ? status_no_memory(e, "analyze") : st;
}
