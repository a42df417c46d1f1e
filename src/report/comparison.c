#include "report/comparison.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/width.h"

#define SIDE_WIDTH 10

enum { WHAT, BASELINE, OTHER, RATIO, INTERVAL, CALL, COLUMN_COUNT };

static const struct document_column columns[COLUMN_COUNT] = {
    {"metric", NULL, NULL, DOCUMENT_TEXT, 26},
    {"baseline", NULL, NULL, DOCUMENT_NUMBER, -SIDE_WIDTH},
    {"other", NULL, NULL, DOCUMENT_NUMBER, -SIDE_WIDTH},
    {"ratio", NULL, NULL, DOCUMENT_RATIO, -7},
    {"95 %", "95 % interval", NULL, DOCUMENT_INTERVAL, -12},
    {"verdict", NULL, NULL, DOCUMENT_TEXT, 0},
};

/* Seconds are shown as ms. */
static double scale_of(enum field_id id)
{
    return strcmp(field_table[id].unit, "s") == 0 ? 1000 : 1;
}

static const char *unit_of(enum field_id id)
{
    return scale_of(id) > 1 ? "ms" : field_table[id].unit;
}

static struct document_cell interval_cell(const struct compare_figure *f)
{
    return (struct document_cell){.text = isnan(f->low) ? "?" : NULL,
                                  .value = f->ratio,
                                  .low = f->low,
                                  .high = f->high};
}

/* "0.93..0.97"; "?" where nobody knows. */
static const char *interval_text(const struct compare_figure *f, struct document *d)
{
    char text[FIGURE_BYTES];
    struct document_cell cell = interval_cell(f);
    return arena_text(d->arena, "%s",
                      document_cell_text(&columns[INTERVAL], &cell, text));
}

static const char *call_text(const struct compare_figure *f, struct document *d)
{
    const char *name = compare_call_name(f->call);
    if (name == NULL)
        return "";
    return arena_text(d->arena, "%s%s", name, f->is_assumed ? " (assumed)" : "");
}

/* --- the answer */

static void put_claim_figure(const char *words, const struct compare_figure *f,
                             struct document *d)
{
    char ratio[FIGURE_BYTES];
    if (isnan(f->ratio))
        return;
    figure_ratio(f->ratio, ratio);
    buf_text(&d->line,
             d->line.len > 0 && buf_cstr(&d->line)[d->line.len - 1] == ':' ? " " : ", ");
    const char *call = call_text(f, d);
    document_keep(d, arena_text(d->arena, "%s %s (%s)%s%s", ratio, words,
                                interval_text(f, d), *call != '\0' ? " " : "", call));
}

static const char *launches_text(const struct compare *c, struct document *d)
{
    if (c->launches[0] == c->launches[1])
        return arena_text(d->arena, "%zu launch%s a side", c->launches[0],
                          c->launches[0] == 1 ? "" : "es");
    return arena_text(d->arena, "%zu against %zu launches", c->launches[0],
                      c->launches[1]);
}

static void put_answer(const struct comparison *x, struct document *d)
{
    const struct compare *c = x->compare;
    buf_printf(&d->line, "%s / %s:", c->group->other, c->group->baseline);
    for (int id = 0; id < COMPARE_COUNT; id++)
        put_claim_figure(compare_words((enum compare_id)id), &c->geomean[id], d);
    put_claim_figure("$/token", &c->geomean_cost, d);
    const char *of =
        c->group->counted == 0
            ? arena_text(d->arena, "no claim: none of %zu matched cells counts",
                         c->group->pair_count)
            : arena_text(d->arena, "(%zu matched cell%s, %s)", c->geomean_cells,
                         str_plural((int64_t)c->geomean_cells), launches_text(c, d));
    buf_char(&d->line, ' ');
    document_keep(d, of);
    document_end(d, DOCUMENT_CLAIM);
}

/* --- what it rests on */

static bool is_within(const struct compare *c)
{
    return c->group->counted > 0 && (c->launches[0] < 2 || c->launches[1] < 2);
}

static void put_advice(const struct compare *c, struct document *d)
{
    char time[FIGURE_BYTES], usd[FIGURE_BYTES] = "";
    if (c->more_launches == 0)
        return;
    figure_duration(c->more_s, time);
    if (!isnan(c->more_usd))
        (void)snprintf(usd, sizeof usd, ", %.2f USD", c->more_usd);
    document_add(d, DOCUMENT_ITEM,
                 "what cannot be told: %ld more launch%s a side would settle it, if the "
                 "difference is what it seems (about %s%s)",
                 c->more_launches, c->more_launches == 1 ? "" : "es", time, usd);
}

/* Before all figures: what they may come from. */
static void put_differs(const struct compare *c, struct document *d)
{
    if (c->group->differs != NULL)
        document_add(d, DOCUMENT_CLAIM, "differs: %s", c->group->differs);
    else if (c->group->counted > 0)
        document_add(d, DOCUMENT_CLAIM, "differs: nothing that results record");
}

static void put_basis(const struct compare *c, struct document *d)
{
    if (is_within(c))
        document_add(
            d, DOCUMENT_ITEM,
            "intervals are within these launches: another launch of the same "
            "settings may differ by more. A difference is called where its "
            "interval is beyond %.3gx, on the assumption that launches differ by "
            "less than 20 %%",
            COMPARE_ASSUMED);
    else if (c->group->counted > 0)
        document_add(d, DOCUMENT_ITEM,
                     "intervals and verdicts are over launches%s; the probability that "
                     "any better or worse is wrong is 5 %% at most; same: within %.3g %%",
                     c->is_interleaved ? ", in pairs as they were run" : "",
                     c->margin * 100);
    if (c->has_unknown_launches)
        document_add(d, DOCUMENT_ITEM,
                     "launch unknown: a server did not tell when it was started, so each "
                     "run stands for a launch");
    put_advice(c, d);
}

/* --- cells */

/* A row of the figure without the values of the sides. */
static struct document_cell *put_row(const struct compare_cell *cell, const char *what,
                                     const struct compare_figure *f,
                                     struct document_table *t, struct document *d)
{
    struct document_cell *cells = document_row(d, t, cell->pair->baseline->name);
    cells[WHAT] = document_of_text(what);
    cells[BASELINE] = cells[OTHER] = document_of_text("");
    cells[RATIO] = document_of_value(f->ratio);
    cells[INTERVAL] = interval_cell(f);
    cells[CALL] = document_of_text(call_text(f, d));
    return cells;
}

static void put_figure(const struct compare_cell *cell, enum compare_id id,
                       struct document_table *t, struct document *d)
{
    const struct compare_figure *f = &cell->figures[id];
    enum field_id field = compare_field(id, cell->pair->baseline);
    double scale = scale_of(field);
    if (isnan(f->values[0]) && isnan(f->values[1]))
        return;
    bool has_unit = id != COMPARE_tokens_per_second; /* which its words hold */
    const char *what = arena_text(d->arena, "  %s%s%s", compare_words(id),
                                  has_unit ? ", " : "", has_unit ? unit_of(field) : "");
    struct document_cell *cells = put_row(cell, what, f, t, d);
    cells[BASELINE] = document_of_value(f->values[0] * scale);
    cells[OTHER] = document_of_value(f->values[1] * scale);
}

/* The sides as heads, where they have the room. */
static const struct document_column *columns_of(const struct compare *c,
                                                struct document *d)
{
    const char *const names[] = {c->group->baseline, c->group->other};
    struct document_column *own = arena_alloc(d->arena, COLUMN_COUNT, sizeof *own);
    if (own == NULL)
        return columns;
    memcpy(own, columns, sizeof columns);
    for (int side = 0; side < 2; side++)
        if (width_of(names[side]) <= SIDE_WIDTH)
            own[BASELINE + side].head = arena_text(d->arena, "%s", names[side]);
    return own;
}

static void put_cells(const struct compare *c, struct document *d)
{
    document_heading(d, "Matched cells");
    struct document_table *t = document_table(d, columns_of(c, d), COLUMN_COUNT);
    for (size_t i = 0; i < c->group->pair_count; i++) {
        const struct compare_cell *cell = &c->cells[i];
        for (int id = 0; id < COMPARE_COUNT; id++)
            put_figure(cell, (enum compare_id)id, t, d);
        if (!isnan(cell->cost.ratio))
            (void)put_row(cell, "  $/output token", &cell->cost, t, d);
        if (!cell->pair->is_counted && t->last != NULL)
            document_note(d, t,
                          arena_text(d->arena, "not counted: %s", cell->pair->note));
    }
}

static void put_unmatched(const struct match_result *r, struct document *d)
{
    document_heading(d, "Without a partner");
    for (size_t i = 0; i < r->lone_count; i++)
        document_add(d, DOCUMENT_ITEM, "%s, %s: %s", r->lone[i].cell->side,
                     r->lone[i].cell->name, r->lone[i].why);
}

void comparison_build(const struct comparison *c, struct document *d)
{
    put_differs(c->compare, d);
    put_answer(c, d);
    put_basis(c->compare, d);
    put_cells(c->compare, d);
    put_unmatched(c->match, d);
}
