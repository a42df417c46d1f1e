#include "report/comparison.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/report_money.h"
#include "report/width.h"
#include "stats/match_field.h"

#define SIDE_WIDTH 10
#define NAME_WIDTH 36

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

/* One launch of a cell among several of others is said; where all have one, put_basis
 * says it. */
static const char *call_text(const struct compare *c, const struct compare_figure *f,
                             struct document *d)
{
    const char *name = compare_call_name(f->call);
    bool is_alone = f->is_within && !compare_is_within(c);
    if (name == NULL)
        return "";
    const char *why = is_alone && f->is_assumed ? " (one launch, assumed)"
                      : is_alone                ? " (one launch)"
                      : f->is_assumed           ? " (assumed)"
                                                : "";
    return arena_text(d->arena, "%s%s", name, why);
}

/* A side's name of any length, as much of it as leaves room for a figure. */
static const char *name_text(const char *name, struct document *d)
{
    struct buf text;
    buf_init(&text, strlen(name) + NAME_WIDTH);
    d->arena->has_failed |= width_shorten(&text, name, NAME_WIDTH) != STATUS_OK;
    const char *out = arena_text(d->arena, "%s", buf_cstr(&text));
    buf_fini(&text);
    return out;
}

/* --- the answer */

static void put_claim_figure(const struct compare *c, const char *words,
                             const struct compare_figure *f, struct document *d)
{
    char ratio[FIGURE_BYTES];
    const char *call = call_text(c, f, d), *cells = "";
    if (isnan(f->ratio))
        return;
    figure_ratio(f->ratio, ratio);
    buf_text(&d->line,
             d->line.len > 0 && buf_cstr(&d->line)[d->line.len - 1] == ':' ? " " : ", ");
    if (f->cells != c->geomean_cells)
        cells = arena_text(d->arena, ", %zu cell%s", f->cells,
                           str_plural((int64_t)f->cells));
    document_keep(d,
                  arena_text(d->arena, "%s %s (%s%s)%s%s", ratio, words,
                             interval_text(f, d), cells, *call != '\0' ? " " : "", call));
}

/* What stands for the next one: a launch, or a block of one. */
static const char *unit_text(const struct compare *c, size_t n)
{
    if (c->is_of_blocks)
        return n == 1 ? "block" : "blocks";
    return n == 1 ? "launch" : "launches";
}

static const char *launches_text(const struct compare *c, struct document *d)
{
    if (c->launches[0] == c->launches[1])
        return arena_text(d->arena, "%zu %s a side", c->launches[0],
                          unit_text(c, c->launches[0]));
    return arena_text(d->arena, "%zu against %zu %s", c->launches[0], c->launches[1],
                      unit_text(c, c->launches[1]));
}

/* "(3 matched cells, 3 launches a side)"; "(2 of 3 matched cells, ..." */
static const char *cells_text(const struct compare *c, struct document *d)
{
    const char *of = "";
    if (c->group->counted == 0)
        return arena_text(d->arena, "no claim: none of %zu matched cells counts",
                          c->group->pair_count);
    if (c->geomean_cells != c->group->counted)
        of = arena_text(d->arena, "%zu of ", c->geomean_cells);
    return arena_text(d->arena, "(%s%zu matched cell%s, %s)", of, c->group->counted,
                      str_plural((int64_t)c->group->counted), launches_text(c, d));
}

static void put_answer(const struct comparison *x, struct document *d)
{
    const struct compare *c = x->compare;
    buf_printf(&d->line, "%s / %s:", name_text(c->group->other, d),
               name_text(c->group->baseline, d));
    for (int id = 0; id < COMPARE_COUNT; id++)
        put_claim_figure(c, compare_words((enum compare_id)id), &c->geomean[id], d);
    put_claim_figure(c, "$/token", &c->geomean_cost, d);
    buf_char(&d->line, ' ');
    document_keep(d, cells_text(c, d));
    document_end(d, DOCUMENT_CLAIM);
}

/* Which costs less a token; nothing where no price is known. */
static void put_cost_claim(const struct compare *c, struct document *d)
{
    const struct compare_figure *f = &c->geomean_cost;
    const struct match_ratio ratio = {.ratio = f->ratio,
                                      .low = f->low,
                                      .high = f->high,
                                      .is_one_launch = f->is_within,
                                      .is_assumed = f->is_assumed,
                                      .call = compare_call_name(f->call)};
    const struct report_money_ratio r = {name_text(c->group->other, d),
                                         name_text(c->group->baseline, d), &ratio,
                                         f->cells, d->lang};
    if (!isnan(f->ratio))
        document_add(d, DOCUMENT_CLAIM, "%s.", report_money_sentence(&r, d->arena));
}

/* --- what it rests on */

/* "price of a: 1.2 USD an hour, spot, us-east-1, ..." of the first counted pair. */
static void put_prices(const struct compare *c, struct document *d)
{
    const struct match_pair *p = compare_price_pair(c);
    const char *const names[] = {c->group->baseline, c->group->other};
    for (int side = 0; side < 2 && p != NULL; side++) {
        const struct row *row = (side == 0 ? p->baseline : p->other)->row;
        const char *source = field_str(row, FIELD_price_source);
        char usd[FIGURE_BYTES];
        figure_number(field_num(row, FIELD_price_usd_per_hour), usd);
        document_add(d, DOCUMENT_ITEM, "price of %s: %s USD an hour, %s",
                     name_text(names[side], d), usd,
                     source != NULL ? source : "source unknown");
    }
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
                 "what cannot be told: it takes at least %ld more %s a side (about %s%s)",
                 c->more_launches, unit_text(c, (size_t)c->more_launches), time, usd);
}

/* "price_usd_per_hour 1.2 / 0.8", of the first pair in which they differ; "". */
static const char *prices_text(const struct compare *c, struct document *d)
{
    char a[MATCH_FIELD_BYTES], b[MATCH_FIELD_BYTES];
    const struct match_pair *p = compare_price_pair(c);
    if (p == NULL)
        return "";
    match_field_say(p->baseline->row, FIELD_price_usd_per_hour, a);
    match_field_say(p->other->row, FIELD_price_usd_per_hour, b);
    return arena_text(d->arena, "%s %s / %s", field_table[FIELD_price_usd_per_hour].name,
                      a, b);
}

/* Before all figures: what they may come from. */
static void put_differs(const struct compare *c, struct document *d)
{
    const char *differs = c->group->differs != NULL ? c->group->differs : "",
               *prices = prices_text(c, d);
    if (c->group->counted == 0)
        return;
    if (*differs == '\0' && *prices == '\0')
        differs = "nothing that results record";
    document_add(d, DOCUMENT_CLAIM, "differs: %s%s%s", differs,
                 *differs != '\0' && *prices != '\0' ? ", " : "", prices);
}

static void put_launches(const struct compare *c, struct document *d)
{
    if (c->is_of_blocks)
        document_add(d, DOCUMENT_ITEM, "%s", DOCUMENT_ARMS);
    if (c->has_unknown_launches)
        document_add(d, DOCUMENT_ITEM,
                     "launch unknown: some results do not tell from which start of the "
                     "engine they come (older ones, or of a server that does not tell "
                     "when it was started): each run stands for a launch");
    if (c->shared_launches > 0)
        document_add(d, DOCUMENT_ITEM,
                     "the same launch on both sides: %zu of %zu of %s are also of %s: "
                     "the same measurements, or repeats of one process",
                     c->shared_launches, c->launches[1], name_text(c->group->other, d),
                     name_text(c->group->baseline, d));
}

static bool has_floor_before(const struct compare *c, size_t cell, const struct floor *f)
{
    for (size_t i = 0; i < cell; i++)
        for (int side = 0; side < 2; side++)
            if (c->cells[i].floor.sides[side] != NULL &&
                c->cells[i].floor.sides[side]->of == f)
                return true;
    return false;
}

/* A floor, and for whom it stands. */
static void put_floor(const struct compare *c, const struct compare_floor *f, int side,
                      struct document *d)
{
    const struct floor_cell *cell = f->sides[side];
    const struct floor *of = cell->of;
    const char *const names[] = {name_text(c->group->baseline, d),
                                 name_text(c->group->other, d)};
    bool is_for_both = f->sides[0] == f->sides[1];
    const char *borrower = f->is_borrowed[0]   ? names[0]
                           : f->is_borrowed[1] ? names[1]
                                               : NULL;
    document_add(d, DOCUMENT_ITEM,
                 "how launches of %s differ is taken from the floor %s (%zu launches of "
                 "%zu repeats, %s)%s%s",
                 is_for_both ? "both sides" : names[side],
                 of->file != NULL ? of->file : "", cell->launches, cell->repeats,
                 of->created,
                 borrower != NULL ? ": those of other settings are taken to differ "
                                    "alike, here "
                                  : "",
                 borrower != NULL ? borrower : "");
}

/* Each floor once, and where one of a cell does not serve, why. */
static void put_floors(const struct compare *c, struct document *d)
{
    const char *refused = NULL;
    for (size_t i = 0; i < c->group->pair_count; i++) {
        const struct compare_floor *f = &c->cells[i].floor;
        refused = refused != NULL ? refused : f->refused;
        for (int side = 0; side < 2 && f->sides[0] != NULL; side++)
            if (!has_floor_before(c, i, f->sides[side]->of) &&
                (side == 0 || f->sides[0]->of != f->sides[1]->of))
                put_floor(c, f, side, d);
    }
    if (refused != NULL)
        document_add(d, DOCUMENT_ITEM, "a floor is not used: %s", refused);
}

static void put_basis(const struct compare *c, struct document *d)
{
    if (compare_is_within(c))
        document_add(
            d, DOCUMENT_ITEM,
            "intervals are within these launches: another launch of the same "
            "settings may differ by more. A difference is called where its "
            "interval is beyond %.3gx, on the assumption that launches differ by "
            "less than 20 %%",
            COMPARE_ASSUMED);
    else if (c->group->counted > 0)
        document_add(d, DOCUMENT_ITEM,
                     "intervals and verdicts are over %s%s; the probability that "
                     "any better or worse among the cells is wrong is 5 %% at most, and "
                     "so it is among the geometric means above; same: within %.3g %%",
                     unit_text(c, 2),
                     c->is_interleaved ? ", in pairs as they were run" : "",
                     c->margin * 100);
    put_prices(c, d);
    put_floors(c, d);
    put_launches(c, d);
    put_advice(c, d);
}

/* --- cells */

struct cell_table {
    const struct compare *compare;
    const struct compare_cell *cell;
    struct document_table *table;
};

/* A row of the figure without the values of the sides. */
static struct document_cell *put_row(const struct cell_table *t, const char *what,
                                     const struct compare_figure *f, struct document *d)
{
    struct document_cell *cells = document_row(d, t->table,
                                               t->cell->pair->baseline->name);
    cells[WHAT] = document_of_text(what);
    cells[BASELINE] = cells[OTHER] = document_of_text("");
    cells[RATIO] = document_of_value(f->ratio);
    cells[INTERVAL] = interval_cell(f);
    cells[CALL] = document_of_text(call_text(t->compare, f, d));
    return cells;
}

static void put_figure(const struct cell_table *t, enum compare_id id, struct document *d)
{
    const struct compare_figure *f = &t->cell->figures[id];
    double scale = scale_of(f->field);
    if (isnan(f->values[0]) && isnan(f->values[1]) && !f->is_not_positive)
        return;
    bool has_unit = id != COMPARE_tokens_per_second; /* which its words hold */
    const char *what = arena_text(d->arena, "  %s%s%s", compare_words(id),
                                  has_unit ? ", " : "",
                                  has_unit ? unit_of(f->field) : "");
    struct document_cell *cells = put_row(t, what, f, d);
    cells[BASELINE] = document_of_value(f->values[0] * scale);
    cells[OTHER] = document_of_value(f->values[1] * scale);
    if (f->is_not_positive)
        document_note(d, t->table, "a repeat has 0 or less, of which there is no ratio");
}

static void put_cost(const struct cell_table *t, const char *what,
                     const struct compare_figure *f, struct document *d)
{
    if (isnan(f->ratio))
        return;
    struct document_cell *cells = put_row(t, what, f, d);
    cells[BASELINE] = document_of_value(f->values[0]);
    cells[OTHER] = document_of_value(f->values[1]);
}

/* The sides as heads, where both have the room. */
static const struct document_column *columns_of(const struct compare *c,
                                                struct document *d)
{
    const char *const names[] = {c->group->baseline, c->group->other};
    struct document_column *own = arena_alloc(d->arena, COLUMN_COUNT, sizeof *own);
    if (own == NULL || width_of(names[0]) > SIDE_WIDTH || width_of(names[1]) > SIDE_WIDTH)
        return columns;
    memcpy(own, columns, sizeof columns);
    for (int side = 0; side < 2; side++)
        own[BASELINE + side].head = arena_text(d->arena, "%s", names[side]);
    return own;
}

static void put_cells(const struct compare *c, struct document *d)
{
    document_heading(d, "Matched cells");
    struct cell_table t = {.compare = c,
                           .table = document_table(d, columns_of(c, d), COLUMN_COUNT)};
    for (size_t i = 0; i < c->group->pair_count; i++) {
        t.cell = &c->cells[i];
        for (int id = 0; id < COMPARE_COUNT; id++)
            put_figure(&t, (enum compare_id)id, d);
        put_cost(&t, "  USD/1M output tokens", &t.cell->cost, d);
        put_cost(&t, "  USD/1M in + out tokens", &t.cell->cost_all, d);
        if (!t.cell->pair->is_counted && t.table->last != NULL)
            document_note(d, t.table,
                          arena_text(d->arena, "not counted: %s", t.cell->pair->note));
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
    put_cost_claim(c->compare, d);
    if (compare_is_simulated(c->compare))
        document_add(d, DOCUMENT_CLAIM, DOCUMENT_SIMULATED ".");
    put_basis(c->compare, d);
    put_cells(c->compare, d);
    put_unmatched(c->match, d);
}
