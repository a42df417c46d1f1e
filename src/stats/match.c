#include "stats/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/interval.h"
#include "stats/match_cell.h"
#include "stats/match_diff.h"

static const char *const by_names[] = {
    [MATCH_BY_CACHING] = "enable_prefix_caching", [MATCH_BY_LABEL] = "label",
    [MATCH_BY_INSTANCE] = "instance_type",        [MATCH_BY_MODEL] = "model_name",
    [MATCH_BY_VERSION] = "engine_version",
};

const char *match_by_name(enum match_by by)
{
    return by_names[by];
}

enum status match_by_find(const char *name, enum match_by *out, struct err *e)
{
    for (size_t i = 0; i < sizeof by_names / sizeof *by_names; i++)
        if (strcmp(by_names[i], name) == 0) {
            *out = (enum match_by)i;
            return STATUS_OK;
        }
    status_fail(e, STATUS_BAD_OPTION, "--by", "cannot compare by \"%s\"", name);
    return status_hint(e, "One of label, instance_type, model_name, engine_version.");
}

/* Everything on its way to a result. partners: of shape [side_count][cell_count], for a
 * baseline cell the index of its partner on that side, else NO_CELL. */
struct work {
    const struct match_options *options;
    const struct match_fields *fields;
    struct match_cell *cells;
    size_t cell_count;
    const char **sides;
    size_t side_count;
    size_t *partners;
    bool *is_used; /* [cell_count] */
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

/* Sides that have something measured, in order of appearance; the baseline goes first.
 * "unknown" is no side. */
static enum status find_sides(struct work *w)
{
    const char *first = w->options->baseline;
    if (first == NULL && w->options->by == MATCH_BY_CACHING)
        first = "OFF";
    w->sides = arena_alloc(w->arena, w->cell_count + 1, sizeof(const char *));
    if (w->sides == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < w->cell_count; i++) {
        bool is_new = w->cells[i].measured > 0 && !is_side(&w->cells[i], MATCH_UNKNOWN);
        for (size_t k = 0; k < w->side_count && is_new; k++)
            is_new = !is_side(&w->cells[i], w->sides[k]);
        if (is_new)
            w->sides[w->side_count++] = w->cells[i].side;
    }
    for (size_t k = 1; first != NULL && k < w->side_count; k++) {
        if (strcmp(w->sides[k], first) != 0)
            continue;
        const char *found = w->sides[k];
        memmove(w->sides + 1, w->sides, k * sizeof *w->sides);
        w->sides[0] = found;
    }
    return STATUS_OK;
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

/* All pairs of the baseline and a side that nothing hinders; the caller frees them. */
static enum status find_candidates(const struct work *w, const char *side,
                                   struct candidate **out, size_t *count)
{
    struct candidate *found = NULL;
    size_t n = 0, room = 0;
    for (size_t i = 0; i < w->cell_count; i++)
        for (size_t k = 0; k < w->cell_count && is_candidate(&w->cells[i], w->sides[0]);
             k++) {
            const struct match_cell *b = &w->cells[i], *o = &w->cells[k];
            if (w->is_used[k] || !is_candidate(o, side) ||
                match_diff_is_hindered(w->fields, b, o, w->options->by))
                continue;
            if (!mem_grow(&found, n, &room, sizeof *found)) {
                mem_free(found);
                return STATUS_NO_MEMORY;
            }
            size_t d = match_diff_distance(w->fields, b, o, w->options->by);
            found[n++] = (struct candidate){d, i, k};
        }
    *out = found;
    *count = n;
    return STATUS_OK;
}

/* Partners of one side: the pairs that differ least beyond the comparison come first. */
static enum status find_partners(struct work *w, size_t side)
{
    size_t *partners = w->partners + side * w->cell_count, count = 0;
    struct candidate *all = NULL;
    for (size_t i = 0; i < w->cell_count; i++)
        partners[i] = NO_CELL;
    if (find_candidates(w, w->sides[side], &all, &count) != STATUS_OK)
        return STATUS_NO_MEMORY;
    if (count > 0)
        qsort(all, count, sizeof *all, by_distance);
    for (size_t i = 0; i < count; i++) {
        const struct candidate *c = &all[i];
        if (partners[c->baseline] != NO_CELL || w->is_used[c->other])
            continue;
        partners[c->baseline] = c->other;
        w->is_used[c->other] = true;
    }
    mem_free(all);
    return STATUS_OK;
}

/* Sums for a ratio, or for the geometric mean of several. */
struct sums {
    double logs, variance, squares; /* squares: of variances by their degrees of freedom
                                     */
    size_t pairs;
    bool has_launches; /* some cell has several, or nobody knows */
};

static void add_pair(struct sums *s, const struct match_pair *p, enum metric m)
{
    const struct match_cell *const cells[] = {p->baseline, p->other};
    double difference = cells[1]->spread[m].logs.mean - cells[0]->spread[m].logs.mean;
    if (isnan(difference))
        return;
    s->logs += difference;
    s->pairs++;
    for (int i = 0; i < 2; i++) {
        const struct spread *of = &cells[i]->spread[m];
        double v = of->logs.variance;
        s->has_launches |= cells[i]->launches != 1;
        s->variance += v;
        s->squares += v * v / ((double)of->count - 1);
    }
}

/* exp(mean log +- t sqrt(variance)), degrees of freedom after Welch and Satterthwaite. */
static struct match_ratio ratio_of(const struct sums *s)
{
    struct match_ratio r = {.ratio = NAN,
                            .low = NAN,
                            .high = NAN,
                            .is_one_launch = !s->has_launches,
                            .pairs = s->pairs};
    if (s->pairs == 0)
        return r;
    double n = (double)s->pairs;
    r.ratio = exp(s->logs / n);
    if (isnan(s->variance))
        return r;
    double half = 0;
    if (s->variance > 0)
        half = interval_t_quantile(0.975, s->variance * s->variance / s->squares) *
               sqrt(s->variance) / n;
    r.low = r.ratio * exp(-half);
    r.high = r.ratio * exp(half);
    return r;
}

/* Why the pair stays out of geometric means; NULL if it counts, or without memory. */
static const char *refusal(const struct work *w, const struct match_pair *p, bool *counts)
{
    *counts = false;
    if (w->options->by == MATCH_BY_CACHING &&
        (p->baseline->shares_nothing || p->other->shares_nothing))
        return "the prompts share no prefix: no claim about prefix caching";
    *counts = p->baseline->is_valid && p->other->is_valid;
    if (*counts)
        return NULL;
    if (p->baseline->is_valid)
        return arena_printf(w->arena, "the other cell is %s", p->other->verdict);
    if (p->other->is_valid)
        return arena_printf(w->arena, "the baseline is %s", p->baseline->verdict);
    if (strcmp(p->baseline->verdict, p->other->verdict) == 0)
        return arena_printf(w->arena, "both cells are %s", p->other->verdict);
    return arena_printf(w->arena, "the baseline is %s, the other cell is %s",
                        p->baseline->verdict, p->other->verdict);
}

/* False: no memory. */
static bool fill_pair(const struct work *w, struct match_pair *p)
{
    bool counts = true;
    p->note = refusal(w, p, &counts);
    p->is_counted = counts;
    for (int m = 0; m < METRIC_COUNT; m++) {
        struct sums sums = {0};
        add_pair(&sums, p, (enum metric)m);
        p->ratios[m] = ratio_of(&sums);
    }
    return counts || p->note != NULL;
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

static enum status build_group(struct work *w, size_t side, struct match_group *out)
{
    const size_t *partners = w->partners + side * w->cell_count;
    struct match_group g = {.baseline = w->sides[0], .other = w->sides[side]};
    struct match_diff_list also = {.arena = w->arena};
    g.pairs = arena_alloc(w->arena, w->cell_count + 1, sizeof *g.pairs);
    if (g.pairs == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < w->cell_count; i++) {
        if (partners[i] == NO_CELL)
            continue;
        struct match_pair *p = &g.pairs[g.pair_count++];
        p->baseline = &w->cells[i];
        p->other = &w->cells[partners[i]];
        w->is_used[i] = true;
        if (!fill_pair(w, p))
            return STATUS_NO_MEMORY;
    }
    prefer_real(&g);
    for (size_t i = 0; i < g.pair_count; i++)
        if (g.pairs[i].is_counted) {
            g.counted++;
            match_diff_add(&also, w->fields, &g.pairs[i], w->options->by);
        }
    for (int m = 0; m < METRIC_COUNT; m++) {
        struct sums sums = {0};
        for (size_t i = 0; i < g.pair_count; i++)
            if (g.pairs[i].is_counted)
                add_pair(&sums, &g.pairs[i], (enum metric)m);
        g.geomean[m] = ratio_of(&sums);
    }
    enum status s = match_diff_text(&also, &g.differs);
    if (s == STATUS_OK)
        *out = g;
    return s;
}

static enum status build_groups(struct work *w, struct match_result *out)
{
    out->groups = arena_alloc(w->arena, w->side_count + 1, sizeof *out->groups);
    if (out->groups == NULL)
        return STATUS_NO_MEMORY;
    for (size_t side = 1; side < w->side_count; side++) {
        struct match_group *g = &out->groups[out->group_count];
        enum status s = find_partners(w, side);
        if (s == STATUS_OK)
            s = build_group(w, side, g);
        if (s != STATUS_OK)
            return s;
        out->group_count += g->pair_count > 0;
    }
    return STATUS_OK;
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
        size_t n = match_diff_obstacles(w->fields, c, o, w->options->by);
        if (best == NULL || n < fewest) {
            best = o;
            fewest = n;
        }
    }
    return best;
}

static enum status explain(const struct work *w, const struct match_cell *c,
                           const char **why)
{
    if (c->measured == 0) {
        *why = c->failed > 0
                   ? arena_printf(w->arena, "nothing measured: %zu failed", c->failed)
                   : arena_strdup(w->arena, "only warm-ups");
        return *why != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (is_side(c, MATCH_UNKNOWN)) {
        *why = arena_printf(w->arena, "%s is unknown", by_names[w->options->by]);
        return *why != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    const struct match_cell *o = nearest(w, c);
    if (o == NULL) {
        *why = "no cell on the other side";
        return STATUS_OK;
    }
    const struct match_pair pair = {.baseline = c, .other = o};
    *why = match_diff_explain(w->fields, &pair, w->options->by, w->arena);
    return *why != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status list_lone(struct work *w, struct match_result *out)
{
    if (w->side_count < 2)
        return STATUS_OK;
    out->lone = arena_alloc(w->arena, w->cell_count, sizeof *out->lone);
    if (out->lone == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < w->cell_count; i++) {
        if (w->is_used[i])
            continue;
        struct match_lone *l = &out->lone[out->lone_count++];
        l->cell = &w->cells[i];
        enum status s = explain(w, l->cell, &l->why);
        if (s != STATUS_OK)
            return s;
    }
    return STATUS_OK;
}

static enum status pair_up(struct work *w, struct match_result *out)
{
    size_t places = (w->side_count + 1) * (w->cell_count + 1);
    w->partners = arena_alloc(w->arena, places, sizeof *w->partners);
    w->is_used = arena_alloc(w->arena, w->cell_count + 1, sizeof *w->is_used);
    if (w->partners == NULL || w->is_used == NULL)
        return STATUS_NO_MEMORY;
    enum status s = build_groups(w, out);
    return s == STATUS_OK ? list_lone(w, out) : s;
}

enum status match_build(const struct match_input *inputs,
                        const struct match_options *options, struct arena *a,
                        struct match_result *out, struct err *e)
{
    struct match_result made = {0};
    struct match_cells found = {0};
    struct match_fields *fields = arena_alloc(a, 1, sizeof *fields);
    enum status s = STATUS_NO_MEMORY;
    if (fields != NULL) {
        match_field_list(fields);
        s = match_cell_collect(inputs, fields, options->by, a, &found);
    }
    struct work w = {.options = options,
                     .fields = fields,
                     .cells = found.cells,
                     .cell_count = found.count,
                     .arena = a};
    if (s == STATUS_OK)
        s = find_sides(&w);
    if (s == STATUS_OK)
        s = pair_up(&w, &made);
    if (s != STATUS_OK)
        return status_fail(e, s, "match", "out of memory for %zu rows", inputs->count);
    made.cells = w.cells;
    made.cell_count = w.cell_count;
    made.sides = w.sides;
    made.side_count = w.side_count;
    *out = made;
    return STATUS_OK;
}
