#include "report/analysis_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/analysis_left.h"
#include "report/analysis_sides.h"
#include "report/figure.h"
#include "report/width.h"

#define COLUMNS     80
#define PART_BYTES  ((size_t)1 << 20)
#define NOTES_BYTES 256 /* what is said of one figure */

void analysis_text_pass(const struct buf *part, struct buf *out)
{
    if (part->failed == STATUS_OK || out->failed != STATUS_OK)
        return;
    buf_clear(out);
    out->failed = part->failed;
}

static const char *cells_word(size_t n)
{
    return n == 1 ? "matched cell" : "matched cells";
}

/* Ends a line of an answer; later ones of an answer begin with blanks. */
static void put_line(struct buf *line, struct buf *out)
{
    width_wrap(out, buf_cstr(line), buf_cstr(line)[0] == ' ' ? 2 : 0, COLUMNS);
    buf_clear(line);
}

/* Appends a piece, which is never broken over two lines, to the line or to a new one. */
static void put_piece(struct buf *line, const char *piece, struct buf *out)
{
    if (line->len > 0 && width_of(buf_cstr(line)) + 1 + width_of(piece) > COLUMNS) {
        put_line(line, out);
        buf_printf(line, "  %s", piece);
        return;
    }
    buf_printf(line, "%s%s", line->len > 0 ? " " : "", piece);
}

/* What a line of the answer says of its figures: once for all, where it holds for all. */
struct answer {
    const struct match_group *group;
    const struct match_ratio *ratios[2]; /* [count] those that are known */
    const char *names[2];
    size_t count;
    bool is_spread_unknown, is_one_launch; /* of all figures */
};

static void add_figure(struct answer *w, enum metric m, const char *name)
{
    const struct match_ratio *r = &w->group->geomean[m];
    if (isnan(r->ratio))
        return;
    w->is_spread_unknown = (w->count == 0 || w->is_spread_unknown) && isnan(r->low);
    w->is_one_launch = (w->count == 0 || w->is_one_launch) && r->is_one_launch;
    w->names[w->count] = name;
    w->ratios[w->count++] = r;
}

static void add_note(char notes[NOTES_BYTES], const char *note)
{
    size_t len = strlen(notes);
    (void)snprintf(notes + len, NOTES_BYTES - len, "%s%s", len > 0 ? ", " : "", note);
}

/* "0.71x tokens/s (0.69..0.73)"; "0.50x $/token (spread unknown, 1 of 2 cells)". */
static void put_figure(struct buf *line, const struct answer *w, size_t i,
                       struct buf *out)
{
    const struct match_ratio *r = w->ratios[i];
    char text[FIGURE_BYTES], notes[NOTES_BYTES] = "", whole[2 * NOTES_BYTES];
    figure_certainty(r, text);
    if (!w->is_spread_unknown)
        add_note(notes, text);
    (void)snprintf(text, sizeof text, "%zu of %zu cells", r->pairs, w->group->counted);
    if (r->pairs != w->group->counted)
        add_note(notes, text);
    if (r->is_one_launch && !w->is_one_launch)
        add_note(notes, "within one launch");
    figure_ratio(r->ratio, text);
    (void)snprintf(whole, sizeof whole, *notes != '\0' ? "%s %s (%s)" : "%s %s%s", text,
                   w->names[i], notes);
    if (i > 0)
        buf_char(line, ',');
    put_piece(line, whole, out);
}

/* "inf2.xlarge / g5.xlarge: 0.71x tokens/s (0.69..0.73), 0.91x $/token (0.88..0.94)
 *   (8 matched cells, within one launch)" */
static void put_answer(const struct match_group *g, const char *what, bool has_cost,
                       struct buf *out)
{
    struct answer w = {.group = g};
    char count[4 * FIGURE_BYTES];
    struct buf line;
    buf_init(&line, PART_BYTES);
    buf_printf(&line, "%s:", what);
    add_figure(&w, METRIC_tokens_per_second, "tokens/s");
    add_figure(
        &w, has_cost ? METRIC_usd_per_million_output_tokens : METRIC_first_token_latency,
        has_cost ? "$/token" : "TTFT");
    for (size_t i = 0; i < w.count; i++)
        put_figure(&line, &w, i, out);
    if (g->counted == 0)
        (void)snprintf(count, sizeof count, "no claim (%zu %s, none counts: see below)",
                       g->pair_count, cells_word(g->pair_count));
    else
        (void)snprintf(count, sizeof count, "%s(%zu %s%s%s)",
                       w.count == 0 ? "no figure is known " : "", g->counted,
                       cells_word(g->counted),
                       w.is_spread_unknown ? ", spread unknown" : "",
                       w.is_one_launch ? ", within one launch" : "");
    put_piece(&line, count, out);
    put_line(&line, out);
    analysis_text_pass(&line, out);
    buf_fini(&line);
}

static void put_caching_answers(const struct analysis *x, struct buf *out)
{
    for (size_t i = 0; i < x->machines.side_count; i++) {
        const struct analysis_side *s = &x->sides[i];
        struct buf what;
        if (s->caching.group_count == 0)
            continue;
        buf_init(&what, PART_BYTES);
        buf_printf(&what, "prefix caching ON / OFF, %s", s->name);
        put_answer(&s->caching.groups[0], buf_cstr(&what), false, out);
        analysis_text_pass(&what, out);
        buf_fini(&what);
    }
}

enum status analysis_text_answer(const struct analysis *x, struct buf *out)
{
    const struct match_result *r = &x->machines;
    for (size_t i = 0; i < r->group_count; i++) {
        struct buf what;
        buf_init(&what, PART_BYTES);
        buf_printf(&what, "%s / %s", r->groups[i].other, r->groups[i].baseline);
        put_answer(&r->groups[i], buf_cstr(&what), true, out);
        analysis_text_pass(&what, out);
        buf_fini(&what);
    }
    if (r->side_count == 1)
        buf_printf(out, "One %s: %s. Nothing to compare it with.\n", match_by_name(x->by),
                   r->sides[0]);
    else if (r->group_count == 0)
        buf_text(out, "No two machines share a cell: nothing is compared (see below).\n");
    put_caching_answers(x, out);
    if (x->is_simulated)
        buf_text(out,
                 "SIMULATED: some of these numbers do not come from real hardware.\n");
    else if (x->has_dummy_weights)
        buf_text(out, "Dummy weights: the speed is real, the text is not.\n");
    return out->failed;
}

/* --- matched cells --- */

void analysis_text_heading(const char *text, struct buf *out)
{
    buf_printf(out, "\n%s\n", text);
    for (size_t n = width_of(text); n > 0; n--)
        buf_char(out, '-');
    buf_char(out, '\n');
}

static void put_cell_ratio(struct buf *out, const struct match_ratio *r)
{
    char text[FIGURE_BYTES];
    figure_ratio(r->ratio, text);
    buf_char(out, ' ');
    width_pad(out, text, -7);
}

/* "0.69..0.73", the 95 % interval of the throughput's ratio. */
static void put_interval(struct buf *out, const struct match_ratio *r)
{
    char low[FIGURE_BYTES], high[FIGURE_BYTES];
    if (isnan(r->low) || isnan(r->high))
        return;
    figure_digits(r->low, 3, low);
    figure_digits(r->high, 3, high);
    buf_printf(out, "  %s..%s", low, high);
}

static void put_pair(const struct match_pair *p, struct buf *out)
{
    width_pad(out, p->baseline->name, 34);
    put_cell_ratio(out, &p->ratios[METRIC_tokens_per_second]);
    put_cell_ratio(out, &p->ratios[METRIC_first_token_latency]);
    put_cell_ratio(out, &p->ratios[METRIC_inter_token_latency]);
    put_cell_ratio(out, &p->ratios[METRIC_usd_per_million_output_tokens]);
    buf_text(out, p->is_counted ? "" : "  *");
    if (p->is_counted)
        put_interval(out, &p->ratios[METRIC_tokens_per_second]);
    buf_char(out, '\n');
    if (p->note != NULL && !p->is_counted)
        width_wrap(out, p->note, 6, COLUMNS);
}

/* Columns of the mean that lack cells: "of fewer: $/tok 1". */
static void put_fewer(const struct match_group *g, struct buf *out)
{
    static const struct {
        enum metric metric;
        const char *name;
    } columns[] = {{METRIC_tokens_per_second, "tok/s"},
                   {METRIC_first_token_latency, "TTFT"},
                   {METRIC_inter_token_latency, "TPOT"},
                   {METRIC_usd_per_million_output_tokens, "$/tok"}};
    const char *joint = "  of fewer cells: ";
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        size_t pairs = g->geomean[columns[i].metric].pairs;
        if (pairs == 0 || pairs == g->counted)
            continue;
        buf_printf(out, "%s%s of %zu", joint, columns[i].name, pairs);
        joint = ", ";
    }
    buf_text(out, *joint == ',' ? "\n" : "");
}

static void put_mean(const struct match_group *g, struct buf *out)
{
    struct buf name;
    buf_init(&name, PART_BYTES);
    buf_printf(&name, "geometric mean of %zu", g->counted);
    width_pad(out, buf_cstr(&name), 34);
    put_cell_ratio(out, &g->geomean[METRIC_tokens_per_second]);
    put_cell_ratio(out, &g->geomean[METRIC_first_token_latency]);
    put_cell_ratio(out, &g->geomean[METRIC_inter_token_latency]);
    put_cell_ratio(out, &g->geomean[METRIC_usd_per_million_output_tokens]);
    put_interval(out, &g->geomean[METRIC_tokens_per_second]);
    buf_char(out, '\n');
    put_fewer(g, out);
    analysis_text_pass(&name, out);
    buf_fini(&name);
}

static void put_group(const struct match_group *g, const char *heading, struct buf *out)
{
    bool has_uncounted = false;
    analysis_text_heading(heading, out);
    buf_printf(out, "%-34s %7s %7s %7s %7s  %s\n", "matched cell", "tok/s", "TTFT",
               "TPOT", "$/tok", "95 % tok/s");
    for (size_t i = 0; i < g->pair_count; i++) {
        put_pair(&g->pairs[i], out);
        has_uncounted = has_uncounted || !g->pairs[i].is_counted;
    }
    if (g->counted > 0)
        put_mean(g, out);
    if (has_uncounted)
        buf_text(out, "* not counted in the geometric mean\n");
    if (g->differs != NULL) {
        struct buf text;
        buf_init(&text, PART_BYTES);
        buf_printf(&text, "also different: %s", g->differs);
        width_wrap(out, buf_cstr(&text), 2, COLUMNS);
        analysis_text_pass(&text, out);
        buf_fini(&text);
    }
}

static void put_groups(const struct analysis *x, struct buf *out)
{
    struct buf heading;
    buf_init(&heading, PART_BYTES);
    for (size_t i = 0; i < x->machines.group_count; i++) {
        const struct match_group *g = &x->machines.groups[i];
        analysis_text_pass(&heading, out);
        buf_clear(&heading);
        buf_printf(&heading, "%s / %s", g->other, g->baseline);
        put_group(g, buf_cstr(&heading), out);
    }
    for (size_t i = 0; i < x->machines.side_count; i++) {
        if (x->sides[i].caching.group_count == 0)
            continue;
        analysis_text_pass(&heading, out);
        buf_clear(&heading);
        buf_printf(&heading, "Prefix caching ON / OFF, %s", x->sides[i].name);
        put_group(&x->sides[i].caching.groups[0], buf_cstr(&heading), out);
    }
    analysis_text_pass(&heading, out);
    buf_fini(&heading);
}

enum status analysis_text_report(const struct analysis *x, struct buf *out)
{
    analysis_text_answer(x, out);
    buf_text(
        out,
        "\nRatios are of matched cells; what else differs is named below them. "
        "Over 1 means\nmore; more tokens/s is better, less TTFT, TPOT and $/token "
        "is better. Intervals\nare of 95 %; within one launch they do not say by how "
        "much launches differ.\n");
    put_groups(x, out);
    analysis_sides_put(x, out);
    analysis_left_put(x, out);
    return out->failed;
}
