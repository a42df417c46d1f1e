#include "stats/match_sides.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/interval.h"
#include "stats/stein.h"

#define NO_LAUNCH     SIZE_MAX
#define LEAST_REPEATS 3 /* for an interval within a launch */

struct side {
    const struct row **rows; /* measured ones of the counted pairs, pair by pair */
    size_t *from;            /* [pair_count] where those of a pair begin */
    size_t *of;              /* the launch of each of them */
    size_t count;            /* launches; what follows is of shape [count] */
    const struct row **first;
    size_t *part;         /* the first launch of its part */
    size_t *next;         /* in its part; NO_LAUNCH: none */
    size_t *whole;        /* launches of a part, at its first one */
    size_t *cells;        /* of the mean under way, by part likewise */
    double *z;            /* of the mean under way */
    double *sums, *known; /* of the cell under way; 0 between calls */
};

struct match_sides {
    const struct match_sides_pair *pairs; /* [pair_count] */
    size_t pair_count;
    struct match_figures figures;
    struct side sides[2];
    double *one, *two;
    bool is_paired;
};

static size_t measured_in(const struct match_sides_pair *p, int side)
{
    return p->is_counted ? p->cells[side]->measured : 0;
}

/* --- launches */

struct first_row {
    const struct row *row;
    size_t launch;
};

static int by_time(const void *x, const void *y)
{
    const struct first_row *a = x, *b = y;
    const char *at = field_str(a->row, FIELD_timestamp_utc),
               *bt = field_str(b->row, FIELD_timestamp_utc);
    int order = at != NULL && bt != NULL ? strcmp(at, bt) : (at == NULL) - (bt == NULL);
    return order != 0 ? order : (a->launch > b->launch) - (a->launch < b->launch);
}

/* Numbers the launches anew: by the time of their first rows. */
static void order_launches(struct side *s, size_t rows, const size_t *of, struct arena *a)
{
    struct first_row *first = arena_alloc(a, s->count + 1, sizeof *first);
    size_t *place = arena_alloc(a, s->count + 1, sizeof *place);
    if (a->has_failed)
        return;
    for (size_t i = 0; i < rows; i++) {
        struct first_row *f = &first[of != NULL ? of[i] : 0];
        const struct first_row own = {s->rows[i], of != NULL ? of[i] : 0};
        if (f->row == NULL || by_time(&own, f) < 0)
            *f = own;
    }
    if (s->count > 1)
        qsort(first, s->count, sizeof *first, by_time);
    for (size_t k = 0; k < s->count; k++) {
        place[first[k].launch] = k;
        s->first[k] = first[k].row;
    }
    for (size_t i = 0; i < rows; i++)
        s->of[i] = place[of != NULL ? of[i] : 0];
}

static void find_launches(struct match_sides *w, int side, struct arena *a)
{
    struct side *s = &w->sides[side];
    size_t n = 0, rows = 0;
    for (size_t i = 0; i < w->pair_count; i++)
        rows += measured_in(&w->pairs[i], side);
    s->rows = arena_alloc(a, rows + 1, sizeof(const struct row *));
    s->of = arena_alloc(a, rows + 1, sizeof *s->of);
    s->from = arena_alloc(a, w->pair_count + 1, sizeof *s->from);
    if (a->has_failed)
        return;
    for (size_t i = 0; i < w->pair_count; i++) {
        s->from[i] = n;
        for (size_t k = 0; k < measured_in(&w->pairs[i], side); k++)
            s->rows[n++] = w->pairs[i].cells[side]->rows[k];
    }
    const struct launches found = launches_of(s->rows, rows, a);
    s->count = found.count;
    s->first = arena_alloc(a, s->count + 1, sizeof(const struct row *));
    order_launches(s, rows, found.of, a);
}

static bool are_paired(const struct side *a, const struct side *b)
{
    bool are = a->count == b->count && a->count > 1;
    for (size_t k = 0; are && k < a->count; k++) {
        const char *run = field_str(a->first[k], FIELD_run_id);
        are = run != NULL && field_is(b->first[k], FIELD_run_id, run);
    }
    return are;
}

/* --- parts: launches that share cells */

static size_t root_of(size_t *part, size_t launch)
{
    while (part[launch] != launch)
        launch = part[launch] = part[part[launch]];
    return launch;
}

static void join(size_t *part, size_t a, size_t b)
{
    size_t x = root_of(part, a), y = root_of(part, b);
    part[x > y ? x : y] = x < y ? x : y;
}

/* Pairs of launches are joined by the cells of both sides. */
static void find_parts(struct match_sides *w)
{
    if (w->is_paired)
        w->sides[1].part = w->sides[0].part;
    for (int side = 0; side < 2; side++)
        for (size_t l = 0; l < w->sides[side].count; l++)
            w->sides[side].part[l] = l;
    for (int side = 0; side < 2; side++) {
        const struct side *s = &w->sides[side];
        for (size_t i = 0; i < w->pair_count; i++)
            for (size_t k = 1; k < measured_in(&w->pairs[i], side); k++)
                join(s->part, s->of[s->from[i]], s->of[s->from[i] + k]);
    }
    for (int side = 0; side < 2; side++) {
        const struct side *s = &w->sides[side];
        for (size_t l = s->count; l-- > 0;) {
            size_t root = s->part[l] = root_of(s->part, l);
            s->whole[root]++;
            if (l == root)
                continue;
            s->next[l] = s->next[root];
            s->next[root] = l;
        }
    }
}

static void find_room(struct side *s, struct arena *a)
{
    size_t n = s->count + 1;
    size_t **const counts[] = {&s->part, &s->next, &s->whole, &s->cells};
    double **const numbers[] = {&s->z, &s->sums, &s->known};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = arena_alloc(a, n, sizeof **counts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = arena_alloc(a, n, sizeof **numbers[i]);
    for (size_t l = 0; s->next != NULL && l < n; l++)
        s->next[l] = NO_LAUNCH;
}

struct match_sides *match_sides_new(const struct match_sides_pair *pairs, size_t count,
                                    struct match_figures figures, struct arena *a)
{
    struct match_sides *w = arena_alloc(a, 1, sizeof *w);
    size_t most = 1;
    if (w == NULL)
        return NULL;
    *w = (struct match_sides){.pairs = pairs, .pair_count = count, .figures = figures};
    for (int side = 0; side < 2; side++) {
        find_launches(w, side, a);
        find_room(&w->sides[side], a);
        most = w->sides[side].count > most ? w->sides[side].count : most;
        for (size_t i = 0; i < count; i++) {
            size_t measured = pairs[i].cells[side]->measured;
            most = measured > most ? measured : most;
        }
    }
    w->one = arena_alloc(a, most, sizeof *w->one);
    w->two = arena_alloc(a, most, sizeof *w->two);
    if (a->has_failed)
        return NULL;
    w->is_paired = are_paired(&w->sides[0], &w->sides[1]);
    find_parts(w);
    return w;
}

size_t match_sides_launches(const struct match_sides *s, int side)
{
    return s->sides[side].count;
}

const struct row *const *match_sides_first(const struct match_sides *s, int side)
{
    return s->sides[side].first;
}

bool match_sides_are_paired(const struct match_sides *s)
{
    return s->is_paired;
}

/* --- one cell */

/* Known logarithms of the repeats, in order; 0 where one is not positive. */
static size_t take_repeats(const struct match_sides *w, const struct match_cell *c,
                           int figure, double *out)
{
    size_t n = 0;
    for (size_t k = 0; k < c->measured; k++) {
        double x = w->figures.value(c->rows[k], figure);
        if (x <= 0)
            return 0;
        if (!isnan(x))
            out[n++] = log(x);
    }
    return n;
}

static bool has_not_positive(const struct match_sides *w, const struct match_cell *c,
                             int figure)
{
    for (size_t k = 0; k < c->measured; k++)
        if (w->figures.value(c->rows[k], figure) <= 0)
            return true;
    return false;
}

/* Of launches, or of repeats; where a target decided how many there are, with the
 * variance that the first of them left. */
static struct contrast_mean mean_of_units(const struct match_sides *w,
                                          const struct match_cell *c, int figure,
                                          struct contrast_sample s, bool of_launches)
{
    double s0 = w->figures.s0(c->row, figure);
    struct contrast_mean m = contrast_mean_of(s);
    if (!isnan(s0) && stein_is_of_units(c->rows, c->measured, of_launches)) {
        m.variance = s0 * s0 / (double)s.count;
        m.freedom = STEIN_FIRST - 1;
    }
    return m;
}

static struct match_contrast within(const struct match_sides *w,
                                    const struct match_sides_pair *p, int figure)
{
    const struct contrast_sample s[2] = {
        {w->one, take_repeats(w, p->cells[0], figure, w->one)},
        {w->two, take_repeats(w, p->cells[1], figure, w->two)}};
    const struct contrast_mean means[2] = {
        mean_of_units(w, p->cells[0], figure, s[0], false),
        mean_of_units(w, p->cells[1], figure, s[1], false)};
    struct match_contrast c = {.of = contrast_between(means[0], means[1]),
                               .is_within = true};
    for (int side = 0; side < 2; side++) {
        c.means[side] = means[side].mean;
        if (s[side].count < LEAST_REPEATS || !p->is_counted)
            c.of.variance = c.of.freedom = NAN;
        c.is_not_positive |= s[side].count == 0 &&
                             has_not_positive(w, p->cells[side], figure);
    }
    return c;
}

/* Sums by launch of a pair without values that are not positive; drop() ends it. */
static void load(struct match_sides *w, size_t pair, int figure)
{
    for (int side = 0; side < 2; side++) {
        struct side *s = &w->sides[side];
        const struct match_sides_pair *p = &w->pairs[pair];
        for (size_t k = 0; k < measured_in(p, side); k++) {
            double x = w->figures.value(p->cells[side]->rows[k], figure);
            size_t l = s->of[s->from[pair] + k];
            s->sums[l] += isnan(x) ? 0 : log(x);
            s->known[l] += isnan(x) ? 0 : 1;
        }
    }
}

static void drop(struct match_sides *w, size_t pair)
{
    for (int side = 0; side < 2; side++) {
        struct side *s = &w->sides[side];
        for (size_t k = 0; k < measured_in(&w->pairs[pair], side); k++) {
            size_t l = s->of[s->from[pair] + k];
            s->sums[l] = s->known[l] = 0;
        }
    }
}

/* The launches of one side that are known, each once. */
static size_t take_launches(struct match_sides *w, size_t pair, int side, double *out)
{
    const struct side *s = &w->sides[side];
    size_t n = 0;
    for (size_t k = 0; k < measured_in(&w->pairs[pair], side); k++) {
        size_t l = s->of[s->from[pair] + k];
        if (s->known[l] <= 0)
            continue;
        out[n++] = s->sums[l] / s->known[l];
        s->known[l] = 0; /* taken */
    }
    return n;
}

/* Pairs in the order of the baseline's launches. */
static size_t take_pairs(struct match_sides *w, size_t pair)
{
    const struct side *a = &w->sides[0], *b = &w->sides[1];
    size_t n = 0;
    for (size_t k = 0; k < measured_in(&w->pairs[pair], 0); k++) {
        size_t l = a->of[a->from[pair] + k];
        if (a->known[l] <= 0 || b->known[l] <= 0)
            continue;
        w->one[n] = a->sums[l] / a->known[l];
        w->two[n++] = b->sums[l] / b->known[l];
        a->known[l] = 0; /* taken */
    }
    return n;
}

struct match_contrast match_sides_cell(struct match_sides *w, size_t pair, int figure)
{
    const struct match_sides_pair *p = &w->pairs[pair];
    struct match_contrast c = within(w, p, figure);
    size_t n[2];
    if (isnan(c.of.difference) || !p->is_counted || w->sides[0].count < 2 ||
        w->sides[1].count < 2)
        return c;
    load(w, pair, figure);
    if (w->is_paired) {
        n[0] = n[1] = take_pairs(w, pair);
    } else {
        n[0] = take_launches(w, pair, 0, w->one);
        n[1] = take_launches(w, pair, 1, w->two);
    }
    drop(w, pair);
    if (n[0] < 2 || n[1] < 2)
        return c;
    c.is_within = false;
    c.launches[0] = (struct contrast_sample){w->one, n[0]};
    c.launches[1] = (struct contrast_sample){w->two, n[1]};
    c.of = w->is_paired ? contrast_paired(c.launches[0], c.launches[1])
                        : contrast_between(
                              mean_of_units(w, p->cells[0], figure, c.launches[0], true),
                              mean_of_units(w, p->cells[1], figure, c.launches[1], true));
    for (int side = 0; side < 2; side++)
        c.means[side] = interval_mean(c.launches[side].y, n[side]);
    return c;
}

/* --- the mean over cells */

/* The known launches of a loaded pair are all of their part, and two or more. */
static bool is_whole(struct match_sides *w, size_t pair)
{
    bool is = true;
    for (int side = 0; side < 2; side++) {
        struct side *s = &w->sides[side];
        size_t from = s->from[pair], n = 0;
        for (size_t k = 0; k < measured_in(&w->pairs[pair], side); k++) {
            double *known = &s->known[s->of[from + k]];
            n += *known > 0;
            *known = -fabs(*known); /* counted */
        }
        is = is && n > 1 && n == s->whole[s->part[s->of[from]]];
    }
    return is;
}

static void add_whole(struct match_sides *w, size_t pair)
{
    for (int side = 0; side < 2; side++) {
        struct side *s = &w->sides[side];
        size_t from = s->from[pair];
        s->cells[s->part[s->of[from]]]++;
        for (size_t k = 0; k < measured_in(&w->pairs[pair], side); k++) {
            size_t l = s->of[from + k];
            s->z[l] += s->known[l] < 0 ? s->sums[l] / -s->known[l] : 0;
            s->known[l] = 0; /* added */
        }
    }
}

/* Adds up the cells that are whole, by launch; how many. */
static size_t add_cells(struct match_sides *w, int figure)
{
    size_t cells = 0;
    for (int side = 0; side < 2; side++) {
        struct side *s = &w->sides[side];
        memset(s->z, 0, s->count * sizeof *s->z);
        memset(s->cells, 0, s->count * sizeof *s->cells);
    }
    for (size_t i = 0; i < w->pair_count; i++) {
        const struct match_sides_pair *p = &w->pairs[i];
        if (!p->is_counted || has_not_positive(w, p->cells[0], figure) ||
            has_not_positive(w, p->cells[1], figure))
            continue;
        load(w, i, figure);
        if (is_whole(w, i)) {
            add_whole(w, i);
            cells++;
        }
        drop(w, i);
    }
    return cells;
}

/* A sum of independent means, each with the share of its cells. */
struct weighed {
    double mean, variance;
    double squares, freedom; /* of variances by their degrees; the sum of degrees */
};

static void weigh(struct weighed *w, double share, struct contrast_mean m)
{
    double variance = share * share * m.variance;
    w->mean += share * m.mean;
    w->variance += variance;
    w->squares += variance > 0 ? variance * variance / m.freedom : 0;
    w->freedom += m.freedom;
}

static struct contrast_mean mean_of(const struct weighed *w)
{
    return (struct contrast_mean){w->mean, w->variance,
                                  w->variance > 0 ? w->variance * w->variance / w->squares
                                                  : w->freedom};
}

static struct contrast_sample part_of(const struct side *s, size_t root, double *out)
{
    size_t n = 0;
    for (size_t l = root; l != NO_LAUNCH; l = s->next[l])
        out[n++] = s->z[l] / (double)s->cells[root];
    return (struct contrast_sample){out, n};
}

static struct contrast_mean mean_of_side(const struct match_sides *w, int side,
                                         size_t cells)
{
    const struct side *s = &w->sides[side];
    struct weighed sum = {0};
    for (size_t l = 0; l < s->count; l++) {
        if (s->part[l] != l || s->cells[l] == 0)
            continue;
        weigh(&sum, (double)s->cells[l] / (double)cells,
              contrast_mean_of(part_of(s, l, w->one)));
    }
    return mean_of(&sum);
}

static struct contrast mean_of_pairs(const struct match_sides *w, size_t cells)
{
    const struct side *a = &w->sides[0], *b = &w->sides[1];
    struct weighed sum = {0};
    for (size_t l = 0; l < a->count; l++) {
        if (a->part[l] != l || a->cells[l] == 0)
            continue;
        struct contrast c = contrast_paired(part_of(a, l, w->one), part_of(b, l, w->two));
        weigh(&sum, (double)a->cells[l] / (double)cells,
              (struct contrast_mean){c.difference, c.variance, c.freedom});
    }
    const struct contrast_mean mean = mean_of(&sum);
    return (struct contrast){mean.mean, mean.variance, mean.freedom};
}

static struct match_contrast mean_within(const struct match_sides *w, int figure)
{
    struct match_contrast out = {.is_within = true};
    struct contrast_sum sum = {0};
    for (size_t i = 0; i < w->pair_count; i++) {
        const struct match_contrast c = within(w, &w->pairs[i], figure);
        if (isnan(c.of.difference) || !w->pairs[i].is_counted)
            continue;
        contrast_add(&sum, &c.of);
        for (int side = 0; side < 2; side++)
            out.means[side] += c.means[side];
    }
    out.of = contrast_of_sum(&sum);
    out.cells = sum.n;
    for (int side = 0; side < 2; side++)
        out.means[side] /= (double)sum.n;
    return out;
}

struct match_contrast match_sides_mean(struct match_sides *w, int figure)
{
    struct match_contrast c = {.cells = add_cells(w, figure)};
    struct contrast_mean means[2];
    if (c.cells == 0)
        return mean_within(w, figure);
    for (int side = 0; side < 2; side++) {
        means[side] = mean_of_side(w, side, c.cells);
        c.means[side] = means[side].mean;
    }
    c.of = w->is_paired ? mean_of_pairs(w, c.cells)
                        : contrast_between(means[0], means[1]);
    return c;
}
