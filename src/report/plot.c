#include "report/plot.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/visible.h"
#include "report/layout.h"
#include "report/style.h"
#include "text/jsonw.h"

#define TEXT_CAP_BYTES ((size_t)64 << 20)
#define DRAW_SECONDS   120
#define LEGEND_LABELS  10
#define LEGEND_POINTS  10000
#define TICKS_MAX      10
#define GROUP_WIDTH    0.84

/* A character between double quotes. No octal: gnuplot reads too many digits. */
static void put_inside(struct buf *out, char c)
{
    if (c == '\n') {
        buf_text(out, "\\n");
        return;
    }
    if (strchr("\"\\`", c) != NULL)
        buf_char(out, '\\');
    buf_char(out, c);
}

/* A gnuplot string, `doubled` twice ('\0': nothing). Between single quotes all stands for
 * itself, but gnuplot does not read every single quote inside as it should: a text that
 * has one stands between double quotes. */
static void put_string(struct buf *out, const char *text, char doubled)
{
    bool is_plain = strchr(text, '\'') == NULL;
    char quote = is_plain ? '\'' : '"', room[VISIBLE_BYTES];
    struct str rest = str_from(text);
    buf_char(out, quote);
    for (struct str s; (s = visible_next(&rest, false, room)).len > 0;)
        for (size_t i = 0; i < s.len; i++)
            for (int times = s.ptr[i] == doubled ? 2 : 1; times > 0; times--)
                if (is_plain)
                    buf_char(out, s.ptr[i]);
                else
                    put_inside(out, s.ptr[i]);
    buf_char(out, quote);
}

static void put_quoted(struct buf *out, const char *text)
{
    put_string(out, text, '\0');
}

/* "set WHAT 'TEXT'" */
static void put_setting(struct buf *out, const char *what, const char *text)
{
    if (text == NULL)
        return;
    buf_printf(out, "set %s ", what);
    put_quoted(out, text);
    buf_text(out, " noenhanced\n");
}

/* A number of the data, and the blank behind it. */
static void put_number(struct buf *out, double value)
{
    char text[32];
    jsonw_double_text(value, text);
    buf_printf(out, "%s ", isnan(value) ? "NaN" : text);
}

/* x of a bar: the bars of a category stand side by side around its index. */
static double x_of(const struct plot *p, const struct plot_panel *panel, size_t series,
                   const struct plot_point *at)
{
    double width = GROUP_WIDTH / (double)panel->series_count;
    if (p->kind == PLOT_LINES)
        return at->x;
    return at->x + ((double)series - ((double)panel->series_count - 1) / 2) * width;
}

static void put_data(const struct plot *p, struct buf *out)
{
    buf_printf(out, "# %s, %s\n# columns: x, mean, low, high, note; one block a series\n",
               p->title, p->y_label);
    for (size_t i = 0; i < p->panel_count; i++)
        for (size_t k = 0; k < p->panels[i].series_count; k++) {
            const struct plot_series *s = &p->panels[i].series[k];
            buf_text(out, "\n\n# panel: ");
            (void)visible_append(out, str_from(p->panels[i].title), false);
            buf_text(out, "; series: ");
            (void)visible_append(out, str_from(s->name), false);
            buf_char(out, '\n');
            for (size_t n = 0; n < s->count; n++) {
                const struct plot_point *at = &s->points[n];
                bool has_bar = !isnan(at->low) && !isnan(at->high);
                put_number(out, x_of(p, &p->panels[i], k, at));
                put_number(out, at->mean);
                put_number(out, has_bar ? at->low : at->mean);
                put_number(out, has_bar ? at->high : at->mean);
                buf_printf(out, "\"%s\"\n", at->note != NULL ? at->note : "");
            }
            if (s->count == 0)
                buf_text(out, "NaN NaN NaN NaN \"\"\n");
        }
}

/* Lines over more sizes than this, and speeds over as much, get a logarithmic axis. */
#define WIDE_RANGE 32

static bool has_log_axis(const struct plot *p)
{
    double least = INFINITY, most = 0;
    for (size_t i = 0; p->kind == PLOT_LINES && i < p->panel_count; i++)
        for (size_t k = 0; k < p->panels[i].series_count; k++)
            for (size_t n = 0; n < p->panels[i].series[k].count; n++) {
                const struct plot_point *at = &p->panels[i].series[k].points[n];
                if (at->mean <= 0 || at->low <= 0)
                    return false; /* nowhere on such an axis */
                least = at->x < least ? at->x : least;
                most = at->x > most ? at->x : most;
            }
    return most > least * WIDE_RANGE;
}

/* --- script --- */

static void put_head(const struct plot *p, const struct layout *l, struct buf *out)
{
    buf_printf(
        out,
        "# gnuplot %s.gp makes ../%s.png; gnuplot -e \"format='svg'\" makes the SVG\n"
        "if (!exists('format')) format = 'png'\n"
        "if (format eq 'svg') {\n"
        "  set terminal svg size %zu,%zu font 'DejaVu Sans,13' background '#ffffff'\n"
        "  set output '%s.svg'\n"
        "} else {\n"
        "  set terminal pngcairo size %zu,%zu font 'DejaVu Sans,11' noenhanced\n"
        "  set output '../%s.png'\n"
        "}\n"
        "set encoding utf8\nset datafile missing 'NaN'\n",
        p->stem, p->stem, l->width, l->height, p->stem, l->width, l->height, p->stem);
    buf_text(out, "set border 3 lc rgb '#404040'\nset tics nomirror out\n"
                  "set grid ytics lc rgb '#dddddd' lt 1\nset style fill solid 1.0\n"
                  "unset key\n"
                  "set style arrow 1 heads size screen 0.003,90 lw 1.4 lc rgb '#202020'\n"
                  "set bars 0.6\nset yrange [0:*]\nset offsets 0, 0, graph 0.16, 0\n");
    buf_text(out, "set ylabel ");
    put_quoted(out, p->y_label);
    buf_printf(out, "%s noenhanced\n", has_log_axis(p) ? ".' (logarithmic)'" : "");
    put_setting(out, "xlabel", p->x_label);
}

/* Title, warning, caption and remark; y: pixels from the top. */
static void put_texts(const struct plot *p, const struct layout *l, struct buf *out)
{
    const struct {
        const char *text, *look;
        size_t y;
    } texts[] = {
        {p->title, "font ',15'", 26},
        {p->warning, "font ',11' tc rgb '#C00000'", 54},
        {p->caption, "font ',9' tc rgb '#505050'", l->height - l->foot + 24},
        {p->remark, "font ',9' tc rgb '#505050'", l->height - 16},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].text == NULL)
            continue;
        buf_printf(out, "set label %zu ", i + 1);
        put_quoted(out, texts[i].text);
        buf_printf(out, " noenhanced at screen %.5f,%.5f left %s\n",
                   14.0 / (double)l->width, 1 - (double)texts[i].y / (double)l->height,
                   texts[i].look);
    }
}

/* Sign of a line, entry n of the legend, at x, y of a picture of w x h. */
static void put_line_sign(const struct plot_series *s, size_t n, const double at[4],
                          struct buf *out)
{
    double x = at[0], y = at[1], w = at[2], h = at[3];
    buf_printf(out,
               "set arrow %zu from screen %.5f,%.5f to screen %.5f,%.5f nohead lw 2 "
               "dt %s lc rgb '%s'\n"
               "set label %zu '' at screen %.5f,%.5f point pt %d ps 1.1 lc rgb "
               "'%s'\n",
               n + 1, x / w, 1 - y / h, (x + 36) / w, 1 - y / h,
               style_dash(s->is_light, s->variant), style_shade(s->colour, false),
               n + LEGEND_POINTS, (x + 18) / w, 1 - y / h,
               style_point(s->colour, s->is_light, s->variant),
               style_shade(s->colour, false));
}

/* The same of a bar. */
static void put_bar_sign(const struct plot *p, const struct plot_series *s, size_t n,
                         const double at[4], struct buf *out)
{
    double x = at[0], y = at[1], w = at[2], h = at[3];
    bool has_pattern = style_lap(s->colour) > 0 && !p->has_grey_legend;
    for (size_t k = 0; k < (has_pattern ? 2 : 1); k++) {
        buf_printf(out,
                   "set object %zu rectangle from screen %.5f,%.5f to screen %.5f,%.5f ",
                   n + 1 + k * LEGEND_POINTS, x / w, 1 - (y + 7) / h, (x + 24) / w,
                   1 - (y - 7) / h);
        if (k == 0)
            buf_printf(out, "fc rgb '%s' fs solid noborder",
                       style_shade(p->has_grey_legend ? -1 : s->colour, s->is_light));
        else
            style_put_hatch(s->colour, s->is_light, out);
        buf_char(out, '\n');
    }
}

/* Sign and name of one series, entry n of the legend, under the title. */
static void put_entry(const struct plot *p, const struct layout *l,
                      const struct plot_series *s, size_t n, struct buf *out)
{
    size_t row = n / l->legend_wide, column = n % l->legend_wide;
    double w = (double)l->width, h = (double)l->height;
    double x = 14 + (double)(column * layout_legend_pixels(l));
    double y = (double)l->head - 16 - 22 * (double)(l->legend_rows - 1 - row);
    if (p->kind == PLOT_LINES)
        put_line_sign(s, n, (const double[]){x, y, w, h}, out);
    else
        put_bar_sign(p, s, n, (const double[]){x, y, w, h}, out);
    buf_printf(out, "set label %zu ", n + LEGEND_LABELS);
    put_quoted(out, s->name);
    buf_printf(out, " noenhanced at screen %.5f,%.5f left font ',11'\n",
               (x + (p->kind == PLOT_LINES ? 44 : 32)) / w, 1 - y / h);
}

/* gnuplot's own legend cannot be laid out over several panels. */
static void put_legend(const struct plot *p, const struct layout *l, struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < p->panel_count; i++)
        for (size_t k = 0; k < p->panels[i].series_count; k++)
            if (!layout_is_listed(p, i, k))
                put_entry(p, l, &p->panels[i].series[k], n++, out);
}

static void put_line(const struct plot *p, const struct plot_series *s, size_t block,
                     struct buf *out)
{
    buf_printf(out,
               "  '%s.dat' index %zu using 1:2 with lines lw 2 dt %s lc rgb '%s' notitle",
               p->stem, block, style_dash(s->is_light, s->variant),
               style_shade(s->colour, false));
    buf_printf(
        out,
        ", \\\n  '' index %zu using 1:2:3:4 with yerrorbars lw 1.4 pt %d ps 1.1 lc "
        "rgb '%s' notitle",
        block, style_point(s->colour, s->is_light, s->variant),
        style_shade(s->colour, false));
}

static void put_boxes(const struct plot *p, const struct plot_series *s, size_t block,
                      struct buf *out)
{
    buf_printf(out, "  '%s.dat' index %zu using 1:2 with boxes lc rgb '%s' notitle",
               p->stem, block, style_shade(s->colour, s->is_light));
    if (style_lap(s->colour) > 0) {
        buf_printf(out, ", \\\n  '' index %zu using 1:2 with boxes ", block);
        style_put_hatch(s->colour, s->is_light, out);
        buf_text(out, " notitle");
    }
    buf_printf(out,
               ", \\\n  '' index %zu using 1:3:(0):($4-$3) with vectors arrowstyle "
               "1 notitle",
               block);
    buf_printf(out,
               ", \\\n  '' index %zu using 1:4:5 with labels offset 0,0.7 font ',10' "
               "noenhanced notitle",
               block);
}

/* The x values there are, each once and sorted; count above TICKS_MAX: too many. */
static size_t distinct_x(const struct plot_panel *panel, double out[TICKS_MAX])
{
    size_t n = 0;
    for (size_t k = 0; k < panel->series_count; k++)
        for (size_t i = 0; i < panel->series[k].count; i++) {
            double x = panel->series[k].points[i].x;
            size_t at = 0;
            while (at < n && out[at] < x)
                at++;
            if (at < n && out[at] == x)
                continue;
            if (n == TICKS_MAX)
                return TICKS_MAX + 1;
            memmove(&out[at + 1], &out[at], (n - at) * sizeof *out);
            out[at] = x;
            n++;
        }
    return n;
}

/* A logarithmic axis of y: 1, 2, 5, 10 .. of its decades where they are few, so that
 * there are numbers to read. */
static void put_log_axis(const struct plot_panel *panel, struct buf *out)
{
    double least, most;
    layout_extent(panel, &least, &most);
    if (!isfinite(least) || !isfinite(most))
        return;
    least /= 1.3;
    most *= 1.5;
    buf_printf(out, "set logscale y\nset yrange [%.6g:%.6g]\nset ytics (", least, most);
    static const double steps[] = {1, 2, 5};
    size_t step_count = most > least * 1e3 ? 1 : 3, count = 0;
    for (int e = (int)floor(log10(least)); e <= (int)log10(most); e++)
        for (size_t i = 0; i < step_count; i++) {
            double at = pow(10, e) * steps[i];
            if (at >= least && at <= most)
                buf_printf(out, "%s'%.10g' %.10g", count++ > 0 ? ", " : "", at, at);
        }
    buf_text(out, ")\n");
}

static void put_line_axis(const struct plot *p, const struct plot_panel *panel,
                          struct buf *out)
{
    double x[TICKS_MAX];
    size_t n = distinct_x(panel, x);
    bool is_log = has_log_axis(p);
    buf_printf(out,
               "set logscale x 2\nset xrange [*:*]\n"
               "set offsets graph 0.06, graph 0.06, %s, 0\n",
               is_log ? "0" : "graph 0.16");
    if (is_log)
        put_log_axis(panel, out);
    if (n > TICKS_MAX) {
        buf_text(out, "set xtics auto norotate\n");
        return;
    }
    buf_text(out, "set xtics norotate (");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s'%.10g' %.10g", i > 0 ? ", " : "", x[i], x[i]);
    buf_text(out, ")\n");
}

static void put_axis(const struct plot *p, const struct plot_panel *panel,
                     const struct layout *l, struct buf *out)
{
    if (panel->most > 0)
        buf_printf(out, "set yrange [0:%.6g]\n", panel->most * 1.18);
    if (p->kind == PLOT_LINES) {
        put_line_axis(p, panel, out);
        return;
    }
    double width = GROUP_WIDTH /
                   (double)(panel->series_count > 0 ? panel->series_count : 1);
    buf_printf(out, "set boxwidth %.4f\nset xrange [-0.6:%.1f]\nset xtics (",
               width * 0.94, (double)panel->tick_count - 0.4);
    for (size_t i = 0; i < panel->tick_count; i++) {
        buf_text(out, i > 0 ? ", " : "");
        put_string(out, panel->ticks[i], '%'); /* it is taken for a format */
        buf_printf(out, " %zu", i);
    }
    buf_printf(out, ") %s noenhanced\n",
               l->is_rotated ? "rotate by 35 right" : "norotate");
}

static void put_panels(const struct plot *p, const struct layout *l, struct buf *out)
{
    size_t block = 0;
    double bottom = (double)l->foot / (double)l->height;
    double top = 1 - (double)l->head / (double)l->height;
    buf_text(out, "set multiplot\n");
    for (size_t i = 0; i < p->panel_count; i++) {
        const struct plot_panel *panel = &p->panels[i];
        double w = 1.0 / (double)l->columns, h = (top - bottom) / (double)l->rows;
        double left = w * (double)(i % l->columns);
        size_t row = i / l->columns;
        double up = top - h * (double)row;
        double low = up - h + (58.0 + (double)l->label_height) / (double)l->height;
        buf_printf(out, "set lmargin at screen %.4f\nset rmargin at screen %.4f\n",
                   left + layout_left_pixels(l, panel) / (double)l->width,
                   left + w - LAYOUT_RIGHT_PIXELS / (double)l->width);
        buf_printf(out, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n",
                   up - 30.0 / (double)l->height, low);
        buf_text(out, "set title ");
        put_quoted(out, panel->title);
        buf_text(out, " noenhanced offset 0,-0.4\n");
        if (i == 1)
            buf_text(out, "unset label\nunset arrow\nunset object\n");
        put_axis(p, panel, l, out);
        buf_text(out, "plot \\\n");
        for (size_t k = 0; k < panel->series_count; k++) {
            (p->kind == PLOT_LINES ? put_line : put_boxes)(p, &panel->series[k], block++,
                                                           out);
            buf_text(out, k + 1 < panel->series_count ? ", \\\n" : "\n");
        }
    }
    buf_text(out, "unset multiplot\n");
}

static void put_script(const struct plot *p, struct buf *out)
{
    struct layout l = layout_of(p);
    put_head(p, &l, out);
    put_texts(p, &l, out);
    put_legend(p, &l, out);
    put_panels(p, &l, out);
}

static enum status put_file(const char *dir, const char *stem, const char *ending,
                            struct buf *text, struct err *e)
{
    struct buf path;
    buf_init(&path, 8192);
    buf_printf(&path, "%s/source/%s.%s", dir, stem, ending);
    enum status s = path.failed != STATUS_OK ? path.failed : text->failed;
    if (s != STATUS_OK)
        s = status_fail(e, s, stem, "%s", status_text(s));
    else
        s = file_replace(buf_cstr(&path), buf_str(text), e);
    buf_fini(&path);
    return s;
}

static enum status run_gnuplot(const struct plot *p, const char *dir, const char *format,
                               struct arena *a, struct err *e)
{
    struct buf cd, said;
    int code = 0;
    buf_init(&cd, 8192);
    buf_init(&said, 4096);
    buf_text(&cd, "cd \"");
    for (const char *c = dir; *c != '\0'; c++)
        put_inside(&cd, *c);
    buf_printf(&cd, "\"; cd 'source'; format = '%s'", format);
    const char *script = arena_printf(a, "%s.gp", p->stem);
    const char *const argv[] = {"gnuplot", "-d", "-e", buf_cstr(&cd), script, NULL};
    enum status s = script == NULL || cd.failed != STATUS_OK
                        ? status_no_memory(e, p->stem)
                        : proc_run(argv, clock_seconds(DRAW_SECONDS), &said, &code, e);
    if (s == STATUS_OK && code != 0) {
        status_fail(e, STATUS_IO, p->stem, "gnuplot exited with %d", code);
        s = status_hint(e, "Try it by hand: cd %s/source; gnuplot %s.gp", dir, p->stem);
    }
    buf_fini(&cd);
    buf_fini(&said);
    return s;
}

enum status plot_draw(const struct plot *p, const char *dir, struct arena *a,
                      struct err *e)
{
    struct buf text;
    buf_init(&text, TEXT_CAP_BYTES);
    put_data(p, &text);
    enum status s = put_file(dir, p->stem, "dat", &text, e);
    buf_clear(&text);
    put_script(p, &text);
    if (s == STATUS_OK)
        s = put_file(dir, p->stem, "gp", &text, e);
    buf_fini(&text);
    if (s == STATUS_OK)
        s = run_gnuplot(p, dir, "png", a, e);
    return s == STATUS_OK ? run_gnuplot(p, dir, "svg", a, e) : s;
}
