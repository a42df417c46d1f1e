#include "stats/floor_build.h"

#include <math.h>

#include "stats/agree.h"
#include "stats/compare.h"
#include "stats/interval.h"

struct building {
    const struct match_cell *cell;
    struct launches launches;
    struct arena *arena;
    double *x; /* [cell->measured] scratch */
};

static size_t launch_of(const struct building *b, size_t row)
{
    return b->launches.of != NULL ? b->launches.of[row] : 0;
}

static size_t fewest_repeats(const struct building *b)
{
    size_t fewest = b->cell->measured;
    for (size_t l = 0; l < b->launches.count; l++) {
        size_t n = 0;
        for (size_t k = 0; k < b->cell->measured; k++)
            n += launch_of(b, k) == l;
        fewest = n < fewest ? n : fewest;
    }
    return fewest;
}

/* Logarithms of a metric into b->x; false: a repeat does not know it. */
static bool take_logs(const struct building *b, enum field_id id)
{
    for (size_t k = 0; k < b->cell->measured; k++) {
        double x = field_num(b->cell->rows[k], id);
        if (!(x > 0) || !isfinite(x))
            return false;
        b->x[k] = log(x);
    }
    return true;
}

/* Inside launches, pooled; NAN of one repeat each. */
static double repeat_sd(const struct building *b, const double *means)
{
    double squares = 0;
    size_t freedom = b->cell->measured - b->launches.count;
    for (size_t k = 0; k < b->cell->measured; k++) {
        double off = b->x[k] - means[launch_of(b, k)];
        squares += off * off;
    }
    return freedom > 0 ? sqrt(squares / (double)freedom) : (double)NAN;
}

static void fill_figures(const struct building *b, struct floor_cell *out)
{
    struct floor_figure *figures = arena_alloc(b->arena, COMPARE_COUNT, sizeof *figures);
    for (int i = 0; i < COMPARE_COUNT && figures != NULL; i++) {
        enum field_id id = compare_field((enum compare_id)i, b->cell);
        double *y = arena_alloc(b->arena, 2 * out->launches, sizeof *y);
        if (y == NULL || !take_logs(b, id))
            continue;
        launches_means(&b->launches, b->x, b->cell->measured, y);
        figures[out->count++] = (struct floor_figure){
            .field = id,
            .y = y,
            .launch_sd = interval_std(y, out->launches),
            .repeat_sd = repeat_sd(b, y)};
    }
    out->figures = figures;
}

/* What a floor agrees in, and no more. */
static const struct row *row_of(const struct match_cell *c, struct arena *a)
{
    struct row *row = arena_alloc(a, 1, sizeof *row);
    for (int id = 0; id < FIELD_COUNT && row != NULL; id++)
        if (agree_of((enum field_id)id, AGREE_FLOOR) != AGREE_SILENT)
            row->v[id] = c->row->v[id];
    return row;
}

static const char *why_not(const struct match_cell *c)
{
    if (c->failed_row != NULL)
        return "a repeat failed";
    if (c->measured == 0)
        return "nothing was measured";
    if (!c->is_valid)
        return "it is not VALID";
    if (c->launches < FLOOR_LAUNCHES_MIN)
        return "fewer than 3 launches are known";
    return NULL;
}

enum status floor_build(const struct match_cells *cells, struct arena *a,
                        struct floor *out, const char **why)
{
    struct floor_cell *made = arena_alloc(a, cells->count + 1, sizeof *made);
    out->cells = made;
    out->count = 0;
    for (size_t i = 0; i < cells->count && made != NULL; i++) {
        const struct match_cell *c = &cells->cells[i];
        why[i] = why_not(c);
        if (why[i] != NULL)
            continue;
        const struct building b = {.cell = c,
                                   .launches = launches_of(c->rows, c->measured, a),
                                   .arena = a,
                                   .x = arena_alloc(a, c->measured, sizeof *b.x)};
        struct floor_cell *f = &made[out->count++];
        if (b.x == NULL)
            break;
        *f = (struct floor_cell){.of = out,
                                 .row = row_of(c, a),
                                 .name = c->name,
                                 .launches = b.launches.count,
                                 .repeats = fewest_repeats(&b)};
        fill_figures(&b, f);
    }
    return a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
}
