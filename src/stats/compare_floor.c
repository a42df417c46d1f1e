#include "stats/compare_floor.h"

#include <math.h>
#include <string.h>

#include "stats/interval.h"
#include "stats/match_field.h"

struct search {
    const struct floor_list *floors;
    const struct match_pair *pair;
    struct arena *arena;
    const char *refused;
};

static const struct match_cell *cell_of(const struct match_pair *p, int side)
{
    return side == 0 ? p->baseline : p->other;
}

static bool is_newer(const struct floor_cell *a, const struct floor_cell *b)
{
    return b == NULL || strcmp(a->of->created, b->of->created) > 0;
}

static const char *file_of(const struct floor_cell *c)
{
    return c->of->file != NULL ? c->of->file : "the floor";
}

static void refuse(struct search *s, const struct floor_cell *c, const struct row *row,
                   enum field_id why)
{
    char own[MATCH_FIELD_BYTES], other[MATCH_FIELD_BYTES];
    if (s->refused != NULL)
        return;
    match_field_say(c->row, why, own);
    match_field_say(row, why, other);
    s->refused = arena_text(s->arena, "%s: %s is %s there, %s here", file_of(c),
                            field_table[why].name, own, other);
}

static bool has_too_many_repeats(struct search *s, const struct floor_cell *c,
                                 const struct match_cell *side)
{
    if (side->measured <= c->repeats)
        return false;
    if (s->refused == NULL)
        s->refused = arena_text(s->arena,
                                "%s: its launches have %zu repeats, the run %zu",
                                file_of(c), c->repeats, side->measured);
    return true;
}

/* The newest floor of a side's own settings. */
static const struct floor_cell *own_floor(struct search *s, int side)
{
    const struct match_cell *cell = cell_of(s->pair, side);
    const struct floor_cell *best = NULL;
    for (size_t i = 0; i < s->floors->count; i++)
        for (size_t k = 0; k < s->floors->items[i].count; k++) {
            const struct floor_cell *c = &s->floors->items[i].cells[k];
            enum field_id why;
            enum floor_fit fit = floor_fit(c, cell->row, &why);
            if (fit == FLOOR_UNFIT && why != FIELD_COUNT)
                refuse(s, c, cell->row, why);
            if (fit == FLOOR_FITS && !has_too_many_repeats(s, c, cell) &&
                is_newer(c, best))
                best = c;
        }
    return best;
}

/* Does it stand for a side of other settings, too? */
static bool serves(struct search *s, const struct floor_cell *c, int side)
{
    const struct match_cell *cell = cell_of(s->pair, side);
    enum field_id why;
    if (c == NULL)
        return false;
    return floor_fit(c, cell->row, &why) != FLOOR_UNFIT &&
           !has_too_many_repeats(s, c, cell);
}

void compare_floor_find(const struct floor_list *floors, const struct match_pair *p,
                        struct arena *a, struct compare_floor *out)
{
    struct search s = {.floors = floors, .pair = p, .arena = a};
    const struct floor_cell *own[2] = {own_floor(&s, 0), own_floor(&s, 1)};
    *out = (struct compare_floor){.refused = NULL};
    for (int side = 0; side < 2; side++)
        if (own[side] == NULL && serves(&s, own[1 - side], side)) {
            own[side] = own[1 - side];
            out->is_borrowed[side] = true;
        }
    out->refused = s.refused;
    if (own[0] == NULL || own[1] == NULL)
        return;
    out->sides[0] = own[0];
    out->sides[1] = own[1];
    out->refused = NULL;
}

bool compare_floor_contrast(const struct compare_floor *f,
                            const struct compare_floor_query *q, struct contrast *out)
{
    return compare_floor_means(&f, 1, q, out);
}

/* The mean of cells in each launch of one floor; NAN: they are not of one, or one does
 * not know the field. */
static double mean_of_launch(const struct compare_floor *const *cells, size_t count,
                             enum field_id id, int side, size_t launch)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const struct floor_cell *c = cells[i]->sides[side];
        const struct floor_figure *f = floor_figure(c, id);
        if (f == NULL || c->of != cells[0]->sides[side]->of || launch >= c->launches)
            return NAN;
        sum += f->y[launch];
    }
    return sum / (double)count;
}

/* Standard deviation of these means, in one pass (Welford, Technometrics 4 (1962)
 * 419-420). */
static double launch_sd(const struct compare_floor *const *cells, size_t count,
                        enum field_id id, int side)
{
    size_t launches = cells[0]->sides[side]->launches;
    double mean = 0, squares = 0;
    for (size_t l = 0; l < launches; l++) {
        double y = mean_of_launch(cells, count, id, side, l), off = y - mean;
        mean += off / (double)(l + 1);
        squares += off * (y - mean);
    }
    return sqrt(squares / (double)(launches - 1));
}

static struct floor_side side_of(const struct compare_floor *const *cells, size_t count,
                                 const struct compare_floor_query *q, int side)
{
    const struct floor_cell *first = cells[0]->sides[side];
    double squares = 0;
    size_t fewest = first->repeats;
    for (size_t i = 0; i < count; i++) {
        const struct floor_figure *f = floor_figure(cells[i]->sides[side], q->field);
        fewest = cells[i]->sides[side]->repeats < fewest ? cells[i]->sides[side]->repeats
                                                         : fewest;
        squares += f != NULL ? f->repeat_sd * f->repeat_sd : (double)NAN;
    }
    double launches = (double)first->launches;
    return (struct floor_side){.launch_sd = launch_sd(cells, count, q->field, side),
                               .launches = launches,
                               .repeat_sd = sqrt(squares) / (double)count,
                               .within = launches * (double)(fewest - 1),
                               .floor_repeats = (double)fewest,
                               .repeats = (double)q->repeats[side]};
}

bool compare_floor_means(const struct compare_floor *const *cells, size_t count,
                         const struct compare_floor_query *q, struct contrast *out)
{
    struct floor_side sides[2];
    bool is_shared = true;
    for (size_t i = 0; i < count; i++) {
        if (cells[i]->sides[0] == NULL)
            return false;
        is_shared = is_shared && cells[i]->sides[0] == cells[i]->sides[1];
    }
    for (int side = 0; side < 2; side++)
        sides[side] = side_of(cells, count, q, side);
    *out = floor_contrast(q->difference, sides, is_shared);
    return !isnan(out->variance);
}
