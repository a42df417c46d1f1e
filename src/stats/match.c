#include "stats/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/match_diff.h"
#include "stats/stein.h"
#include "stats/match_field.h"

/* Everything on its way to a result. */
struct work {
    enum field_id by;
    const char *baseline;
    bool has_no_ratios;
    struct match_cell *cells;
    size_t cell_count;
    const char **sides;
    const struct match_cell **firsts; /* a cell of each side */
    size_t side_count;
    uint64_t *keys;   /* [cell_count] */
    size_t *partners; /* [cell_count] of a baseline cell on one side, else NO_CELL */
    bool *is_used;    /* [cell_count] */
    struct arena *arena;
};

#define NO_CELL SIZE_MAX

static bool is_side(const struct match_cell *c, const char *side)
{
    return strcmp(c->side, side) == 0;
}

static bool is_candidate(const struct match_cell *c, const char *side)
{
    return c->measured > 0 && is_side(c, side);
}

/* Settings of a run stand as they were given; which ran first was drawn, and means
 * nothing. */
static void add_side(struct work *w, const struct match_cell *c)
{
    const struct match_cell **firsts = w->firsts;
    size_t at = w->side_count++;
    for (; at > 0 && match_field_are_settings(firsts[at - 1]->row, c->row) &&
           field_num(c->row, FIELD_setting_number) <
               field_num(firsts[at - 1]->row, FIELD_setting_number);
         at--) {
        w->sides[at] = w->sides[at - 1];
        firsts[at] = firsts[at - 1];
    }
    w->sides[at] = c->side;
    firsts[at] = c;
}

/* Sides that have something measured, in order of appearance; the baseline goes first.
 * "unknown" is no side. */
static void find_sides(struct work *w)
{
    const char *first = w->baseline;
    if (first == NULL && w->by == FIELD_enable_prefix_caching)
        first = "OFF";
    for (size_t i = 0; i < w->cell_count; i++) {
        bool is_new = w->cells[i].measured > 0 && !is_side(&w->cells[i], MATCH_UNKNOWN);
        for (size_t k = 0; k < w->side_count && is_new; k++)
            is_new = !is_side(&w->cells[i], w->sides[k]);
        if (is_new)
            add_side(w, &w->cells[i]);
    }
    for (size_t k = 1; first != NULL && k < w->side_count; k++) {
        if (strcmp(w->sides[k], first) != 0)
            continue;
        const char *found = w->sides[k];
        memmove(w->sides + 1, w->sides, k * sizeof *w->sides);
        w->sides[0] = found;
    }
}

/* Two cells that may be compared. */
struct candidate {
    size_t distance, baseline, other; /* indices of cells */
};

/* The nearest first; then by the order of the cells. */
static int by_distance(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    if (a->baseline != b->baseline)
        return a->baseline < b->baseline ? -1 : 1;
    return (a->other > b->other) - (a->other < b->other);
}

/* The cells of a side that are left, by their keys. */
struct keyed {
    uint64_t key;
    size_t cell;
};

static int by_key(const void *x, const void *y)
{
    const struct keyed *a = x, *b = y;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->cell > b->cell) - (a->cell < b->cell);
}

static size_t sort_side(const struct work *w, const char *side, struct keyed *out)
{
    size_t n = 0;
    for (size_t i = 0; i < w->cell_count; i++)
        if (!w->is_used[i] && is_candidate(&w->cells[i], side))
            out[n++] = (struct keyed){w->keys[i], i};
    if (n > 0)
        qsort(out, n, sizeof *out, by_key);
    return n;
}

/* The first one with that key or a higher one. */
static size_t find_key(const struct keyed *all, size_t count, uint64_t key)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (all[middle].key < key)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* All pairs of the baseline and a side that nothing hinders; how many. */
static size_t find_candidates(const struct work *w, const char *side,
                              struct candidate **out)
{
    size_t n = 0, room = 0;
    struct keyed *others = arena_alloc(w->arena, w->cell_count + 1, sizeof *others);
    size_t count = others != NULL ? sort_side(w, side, others) : 0;
    for (size_t i = 0; i < w->cell_count; i++) {
        const struct match_cell *b = &w->cells[i];
        if (!is_candidate(b, w->sides[0]))
            continue;
        for (size_t k = find_key(others, count, w->keys[i]);
             k < count && others[k].key == w->keys[i]; k++) {
            const struct match_cell *o = &w->cells[others[k].cell];
            if (match_diff_obstacles(b, o, w->by, 1) > 0)
                continue;
            if (!arena_grow(w->arena, out, n, &room, sizeof **out))
                return n;
            size_t d = match_diff_distance(b, o, w->by);
            (*out)[n++] = (struct candidate){d, i, others[k].cell};
        }
    }
    return n;
}

/* Rows of offline_benchmark.py leave out most fields: beside one of them keys tell
 * nothing. */
static void fill_keys(struct work *w)
{
    bool has_published = false;
    for (size_t i = 0; i < w->cell_count; i++)
        has_published |= w->cells[i].is_published;
    for (size_t i = 0; i < w->cell_count && !has_published; i++)
        w->keys[i] = match_diff_key(&w->cells[i], w->by);
}

/* Partners of one side: the pairs that differ least beyond the comparison come first. */
static void find_partners(struct work *w, const char *side)
{
    struct candidate *all = NULL;
    size_t count = find_candidates(w, side, &all);
    for (size_t i = 0; i < w->cell_count; i++)
        w->partners[i] = NO_CELL;
    if (count > 0)
        qsort(all, count, sizeof *all, by_distance);
    for (size_t i = 0; i < count; i++) {
        const struct candidate *c = &all[i];
        if (w->partners[c->baseline] != NO_CELL || w->is_used[c->other])
            continue;
        w->partners[c->baseline] = c->other;
        w->is_used[c->other] = true;
    }
}

/* How far the launches that a pair rests on are known. */
static bool is_of_known_launches(const struct match_pair *p)
{
    return p->baseline->launches > 0 && p->other->launches > 0;
}

static struct match_ratio ratio_of(const struct match_contrast *c, size_t pairs,
                                   bool are_known)
{
    double half = contrast_half(&c->of);
    return (struct match_ratio){.ratio = exp(c->of.difference),
                                .low = exp(c->of.difference - half),
                                .high = exp(c->of.difference + half),
                                .is_one_launch = c->is_within && are_known,
                                .pairs = pairs};
}

/* "INVALID (CLIENT_LATE, CLIENT_BUSY)"; what other tools write has no codes. */
static const char *worth(const struct work *w, const struct match_cell *c)
{
    const struct findings *codes = c->doubtful_row != NULL
                                       ? field_findings(c->doubtful_row, FIELD_reasons)
                                       : NULL;
    const char *text = c->verdict;
    for (size_t i = 0; codes != NULL && i < codes->count; i++)
        text = arena_text(w->arena, "%s%s%s", text, i == 0 ? " (" : ", ",
                          codes->items[i].code);
    return text == c->verdict ? text : arena_text(w->arena, "%s)", text);
}

/* Why the pair stays out of geometric means; NULL if it counts. */
static const char *refusal(const struct work *w, const struct match_pair *p)
{
    if (w->by == FIELD_enable_prefix_caching &&
        (p->baseline->shares_nothing || p->other->shares_nothing))
        return "the prompts share no prefix: no claim about prefix caching";
    if (p->baseline->is_valid && p->other->is_valid)
        return NULL;
    if (p->baseline->is_valid)
        return arena_text(w->arena, "the other cell is %s", worth(w, p->other));
    if (p->other->is_valid)
        return arena_text(w->arena, "the baseline is %s", worth(w, p->baseline));
    const char *a = worth(w, p->baseline), *b = worth(w, p->other);
    if (strcmp(a, b) == 0)
        return arena_text(w->arena, "both cells are %s", b);
    return arena_text(w->arena, "the baseline is %s, the other cell is %s", a, b);
}

static void fill_pair(const struct work *w, struct match_pair *p)
{
    p->note = refusal(w, p);
    p->is_counted = p->note == NULL;
}

struct match_sides *match_group_sides(const struct match_group *g,
                                      struct match_figures figures, struct arena *a)
{
    struct match_sides_pair *pairs = arena_alloc(a, g->pair_count + 1, sizeof *pairs);
    if (pairs == NULL)
        return NULL;
    for (size_t i = 0; i < g->pair_count; i++)
        pairs[i] = (struct match_sides_pair){{g->pairs[i].baseline, g->pairs[i].other},
                                             g->pairs[i].is_counted};
    return match_sides_new(pairs, g->pair_count, figures, a);
}

static double value_of(const struct row *row, int m)
{
    return metric_value(row, (enum metric)m);
}

static double s0_of(const struct row *row, int m)
{
    return stein_s0(row, (enum metric)m);
}

/* Of each metric: the ratio of each pair, and the mean of those that count. */
static void fill_ratios(const struct work *w, struct match_group *g)
{
    const struct match_figures figures = {value_of, s0_of};
    struct match_sides *sides = match_group_sides(g, figures, w->arena);
    bool are_known = true;
    for (size_t i = 0; i < g->pair_count; i++)
        are_known = are_known &&
                    (!g->pairs[i].is_counted || is_of_known_launches(&g->pairs[i]));
    for (int m = 0; sides != NULL && m < METRIC_COUNT; m++) {
        for (size_t i = 0; i < g->pair_count; i++) {
            struct match_contrast c = match_sides_cell(sides, i, m);
            g->pairs[i].ratios[m] = ratio_of(&c, !isnan(c.of.difference),
                                             is_of_known_launches(&g->pairs[i]));
        }
        struct match_contrast c = match_sides_mean(sides, m);
        g->geomean[m] = ratio_of(&c, c.cells, are_known);
    }
}

/* Made numbers are no part of a mean of real ones. */
static void prefer_real(struct match_group *g)
{
    bool has_real = false;
    for (size_t i = 0; i < g->pair_count; i++)
        has_real |= !g->pairs[i].baseline->is_simulated;
    for (size_t i = 0; has_real && i < g->pair_count; i++) {
        struct match_pair *p = &g->pairs[i];
        if (!p->is_counted || !p->baseline->is_simulated)
            continue;
        p->is_counted = false;
        p->note = "simulated: not counted beside real cells";
    }
}

/* Pairs of the baseline and a side. */
static void build_group(struct work *w, const char *side, struct match_group *out)
{
    struct match_group g = {.baseline = w->sides[0], .other = side};
    struct match_diff_list also = {.arena = w->arena};
    g.pairs = arena_alloc(w->arena, w->cell_count, sizeof *g.pairs);
    if (g.pairs == NULL)
        return;
    find_partners(w, side);
    for (size_t i = 0; i < w->cell_count; i++) {
        if (w->partners[i] == NO_CELL)
            continue;
        struct match_pair *p = &g.pairs[g.pair_count++];
        p->baseline = &w->cells[i];
        p->other = &w->cells[w->partners[i]];
        w->is_used[i] = true;
        fill_pair(w, p);
    }
    prefer_real(&g);
    for (size_t i = 0; i < g.pair_count; i++)
        if (g.pairs[i].is_counted) {
            g.counted++;
            match_diff_add(&also, g.pairs[i].baseline, g.pairs[i].other, w->by);
        }
    if (!w->has_no_ratios)
        fill_ratios(w, &g);
    g.differs = match_diff_text(&also);
    *out = g;
}

static void build_groups(struct work *w, struct match_result *out)
{
    for (size_t side = 1; side < w->side_count; side++) {
        struct match_group *g = &out->groups[out->group_count];
        build_group(w, w->sides[side], g);
        out->group_count += g->pair_count > 0;
    }
}

/* The cell of another side with the fewest obstacles; a baseline's partners are on any
 * other side, all others' on the baseline. */
static const struct match_cell *nearest(const struct work *w, const struct match_cell *c)
{
    bool is_baseline = is_side(c, w->sides[0]);
    const struct match_cell *best = NULL;
    size_t fewest = 0;
    for (size_t i = 0; i < w->cell_count; i++) {
        const struct match_cell *o = &w->cells[i];
        if (o->measured == 0 || is_side(o, MATCH_UNKNOWN) ||
            is_side(o, w->sides[0]) == is_baseline)
            continue;
        size_t n = match_diff_obstacles(c, o, w->by, best != NULL ? fewest : FIELD_COUNT);
        if (best == NULL || n < fewest) {
            best = o;
            fewest = n;
        }
    }
    return best;
}

static const char *explain(const struct work *w, const struct match_cell *c)
{
    if (c->measured == 0)
        return c->failed > 0
                   ? arena_text(w->arena, "nothing measured: %zu failed", c->failed)
                   : "only warm-ups";
    if (is_side(c, MATCH_UNKNOWN))
        return arena_text(w->arena, "%s is unknown", field_table[w->by].name);
    const struct match_cell *o = nearest(w, c);
    return o == NULL ? "no cell on the other side"
                     : match_diff_explain(c, o, w->by, w->arena);
}

static void list_lone(struct work *w, struct match_result *out)
{
    for (size_t i = 0; w->side_count > 1 && i < w->cell_count; i++)
        if (!w->is_used[i])
            out->lone[out->lone_count++] = (struct match_lone){
                .cell = &w->cells[i], .why = explain(w, &w->cells[i])};
}

enum status match_build(const struct match_input *inputs,
                        const struct match_options *options, struct arena *a,
                        struct match_result *out, struct err *e)
{
    struct match_cells found = {0};
    enum status s = match_cell_collect(inputs, options->by, a, &found);
    size_t n = found.count + 1;
    struct work w = {.by = options->by,
                     .baseline = options->baseline,
                     .has_no_ratios = options->has_no_ratios,
                     .cells = found.cells,
                     .cell_count = found.count,
                     .sides = arena_alloc(a, n, sizeof(const char *)),
                     .firsts = arena_alloc(a, n, sizeof(const struct match_cell *)),
                     .keys = arena_alloc(a, n, sizeof *w.keys),
                     .partners = arena_alloc(a, n, sizeof *w.partners),
                     .is_used = arena_alloc(a, n, sizeof *w.is_used),
                     .arena = a};
    struct match_result made = {.cells = found.cells,
                                .cell_count = found.count,
                                .sides = w.sides,
                                .groups = arena_alloc(a, n, sizeof *made.groups),
                                .lone = arena_alloc(a, n, sizeof *made.lone)};
    if (s == STATUS_OK && !a->has_failed) {
        find_sides(&w);
        fill_keys(&w);
        build_groups(&w, &made);
        list_lone(&w, &made);
    }
    if (s != STATUS_OK || a->has_failed)
        return status_no_memory(e, "match");
    made.side_count = w.side_count;
    *out = made;
    return STATUS_OK;
}
