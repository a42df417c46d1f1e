#include "stats/compare.h"

#include <math.h>

#include "stats/interval.h"
#include "stats/launches.h"
#include "stats/match_field.h"
#include "stats/stein.h"

#define ERROR_SHARE  0.05
#define MOST_NEEDED  30 /* launches a side: more than that is too noisy to ask for */
#define LEAST_ADVICE 3  /* launches a side, where nothing is known of them */

static const struct {
    enum field_id field;
    const char *words;
} figures[] = {
#define X(field, words) {FIELD_##field, words},
    COMPARE_FIGURES(X)
#undef X
};

static const char *const call_names[] = {
    [COMPARE_CANNOT_TELL] = "cannot tell",
    [COMPARE_SAME] = "same",
    [COMPARE_BETTER] = "better",
    [COMPARE_WORSE] = "worse",
};

struct work {
    const struct match_group *group;
    struct match_sides *sides;
    struct arena *arena;
    double margin;
    struct compare_cell *cells; /* [group->pair_count] */
    bool has_floors;            /* one launch a side, and floors are asked */
};

static enum field_id field_of(enum compare_id id, const struct row *row)
{
    return id == COMPARE_tokens_per_second ? metric_field(METRIC_tokens_per_second, row)
                                           : figures[id].field;
}

static double value_of(const struct row *row, int id)
{
    return id == COMPARE_tokens_per_second
               ? metric_value(row, METRIC_tokens_per_second)
               : field_num(row, field_of((enum compare_id)id, row));
}

static double s0_of(const struct row *row, int id)
{
    return id == COMPARE_tokens_per_second ? stein_s0(row, METRIC_tokens_per_second)
                                           : (double)NAN;
}

enum field_id compare_field(enum compare_id id, const struct match_cell *c)
{
    return field_of(id, c->row);
}

const char *compare_words(enum compare_id id)
{
    return figures[id].words;
}

const char *compare_call_name(enum compare_call call)
{
    return call_names[call];
}

static const struct match_cell *cell_of(const struct match_pair *p, int side)
{
    return side == 0 ? p->baseline : p->other;
}

/* --- one figure */

static void put_interval(struct compare_figure *f, const struct contrast *c)
{
    double half = contrast_half(c);
    f->ratio = exp(c->difference);
    f->low = exp(c->difference - half);
    f->high = exp(c->difference + half);
}

static enum compare_call direction(const struct compare_figure *f)
{
    bool is_up = f->ratio > 1;
    return is_up == (field_table[f->field].better == BETTER_HIGHER) ? COMPARE_BETTER
                                                                    : COMPARE_WORSE;
}

/* One launch a side: only what no launch does by itself is called. */
static void call_within(struct compare_figure *f, const struct contrast *c)
{
    double half = contrast_half(c);
    f->is_within = true;
    f->call = COMPARE_CANNOT_TELL;
    f->launches = LEAST_ADVICE;
    if (fabs(c->difference) - half > log(COMPARE_ASSUMED)) {
        f->call = direction(f);
        f->is_assumed = true;
        f->launches = 0;
    }
}

/* `better` and `worse` wait for all p (settle). */
static void call_launches(struct compare_figure *f, const struct match_contrast *c,
                          double margin)
{
    f->p = contrast_p(&c->of);
    f->call = contrast_is_same(&c->of, margin) ? COMPARE_SAME : COMPARE_CANNOT_TELL;
    if (f->call == COMPARE_CANNOT_TELL && c->launches[0].count > 0)
        f->launches = contrast_launches_needed(&c->of, c->launches[0], c->launches[1],
                                               MOST_NEEDED);
}

static struct compare_figure unknown_figure(void)
{
    return (struct compare_figure){
        .values = {NAN, NAN}, .ratio = NAN, .low = NAN, .high = NAN, .p = NAN};
}

/* What cells and means have in common; `better` and `worse` of launches come later. */
static struct compare_figure figure_of(const struct work *w,
                                       const struct match_contrast *c, enum field_id id)
{
    struct compare_figure f = unknown_figure();
    f.field = id;
    f.is_not_positive = c->is_not_positive;
    f.cells = c->cells;
    for (int side = 0; side < 2; side++)
        f.values[side] = exp(c->means[side]);
    put_interval(&f, &c->of);
    if (isnan(f.ratio))
        return f;
    if (c->is_within)
        call_within(&f, &c->of);
    else
        call_launches(&f, c, w->margin);
    return f;
}

/* The same, with what floors say of how launches differ. */
static struct compare_figure floored_figure(const struct work *w,
                                            const struct match_contrast *c,
                                            const struct contrast *by_floor,
                                            enum field_id id)
{
    struct match_contrast own = *c;
    own.of = *by_floor;
    own.is_within = false;
    struct compare_figure f = figure_of(w, &own, id);
    f.is_floored = true;
    if (f.call == COMPARE_CANNOT_TELL)
        f.launches = contrast_launches_of(f.ratio > 0 ? log(f.ratio) : 0,
                                          sqrt(by_floor->variance / 2), MOST_NEEDED);
    return f;
}

static size_t known_repeats(const struct match_cell *c, enum compare_id id)
{
    size_t n = 0;
    for (size_t k = 0; k < c->measured; k++)
        n += !isnan(value_of(c->rows[k], (int)id));
    return n;
}

/* Lowers q->repeats to those of the pair that know the figure. */
static void count_repeats(const struct match_pair *p, enum compare_id id,
                          struct compare_floor_query *q)
{
    for (int side = 0; side < 2; side++) {
        size_t n = known_repeats(cell_of(p, side), id);
        q->repeats[side] = n < q->repeats[side] ? n : q->repeats[side];
    }
}

static struct compare_figure figure_of_counted(struct work *w, size_t cell,
                                               enum compare_id id,
                                               const struct match_contrast *c)
{
    const struct match_pair *p = &w->group->pairs[cell];
    struct compare_floor_query q = {
        compare_field(id, p->baseline), c->of.difference, {SIZE_MAX, SIZE_MAX}};
    struct contrast by_floor;
    if (!w->has_floors || isnan(c->of.difference))
        return figure_of(w, c, q.field);
    count_repeats(p, id, &q);
    return compare_floor_contrast(&w->cells[cell].floor, &q, &by_floor)
               ? floored_figure(w, c, &by_floor, q.field)
               : figure_of(w, c, q.field);
}

static struct compare_figure figure_of_cell(struct work *w, size_t cell,
                                            enum compare_id id)
{
    const struct match_pair *p = &w->group->pairs[cell];
    const struct match_contrast c = match_sides_cell(w->sides, cell, id);
    enum field_id field = compare_field(id, p->baseline);
    struct compare_figure f = unknown_figure();
    if (p->is_counted)
        return figure_of_counted(w, cell, id, &c);
    f.field = field;
    f.is_not_positive = c.is_not_positive;
    f.ratio = exp(c.of.difference);
    for (int side = 0; side < 2; side++)
        f.values[side] = exp(c.means[side]);
    return f;
}

/* --- what it costs */

static double price_of(const struct match_cell *c)
{
    return field_num(c->row, FIELD_price_usd_per_hour);
}

static double price_ratio_of(const struct match_pair *p)
{
    return price_of(p->other) / price_of(p->baseline);
}

/* Price by throughput: the same interval, mirrored. At one price it is the same question,
 * and has the same answer; at two it is not judged. */
static struct compare_figure cost_of(const struct compare_figure *throughput,
                                     double price_ratio)
{
    struct compare_figure f = unknown_figure();
    f.field = FIELD_usd_per_million_output_tokens;
    f.ratio = price_ratio / throughput->ratio;
    f.low = price_ratio / throughput->high;
    f.high = price_ratio / throughput->low;
    f.is_within = throughput->is_within;
    f.is_floored = throughput->is_floored;
    f.cells = throughput->cells;
    if (price_ratio != 1)
        return f;
    f.p = throughput->p;
    f.call = throughput->call;
    f.is_assumed = throughput->is_assumed;
    return f;
}

/* Output tokens by all tokens of the cell's repeats; NAN: unknown. */
static double output_share(const struct match_cell *c)
{
    double in = 0, out = 0;
    for (size_t k = 0; k < c->measured; k++) {
        in += field_num(c->rows[k], FIELD_actual_input_tokens);
        out += field_num(c->rows[k], FIELD_actual_output_tokens);
    }
    return out / (in + out);
}

/* Both costs of a cell, of its throughput, with the values of the sides. */
static void fill_costs(struct compare_cell *c)
{
    const struct compare_figure *throughput = &c->figures[COMPARE_tokens_per_second];
    const struct match_cell *const sides[] = {c->pair->baseline, c->pair->other};
    double shares[2];
    c->cost = cost_of(throughput, price_ratio_of(c->pair));
    c->cost_all = c->cost;
    c->cost_all.field = FIELD_usd_per_million_tokens;
    for (int side = 0; side < 2; side++) {
        shares[side] = output_share(sides[side]);
        c->cost.values[side] = price_of(sides[side]) / 3600 / throughput->values[side] *
                               1e6;
        c->cost_all.values[side] = c->cost.values[side] * shares[side];
    }
    if (shares[0] == shares[1])
        return;
    c->cost_all.call = COMPARE_NONE; /* a question of its own, which nobody tested */
    c->cost_all.is_assumed = false;
    c->cost_all.p = NAN;
    c->cost_all.ratio *= shares[1] / shares[0];
    c->cost_all.low *= shares[1] / shares[0];
    c->cost_all.high *= shares[1] / shares[0];
}

static double mean_price_ratio(const struct match_group *g)
{
    double logs = 0;
    size_t n = 0;
    for (size_t i = 0; i < g->pair_count; i++)
        if (g->pairs[i].is_counted) {
            logs += log(price_ratio_of(&g->pairs[i]));
            n++;
        }
    return exp(logs / (double)n);
}

/* --- all of them */

/* `better` and `worse` by Holm over a family of figures, those that have a p; what is
 * called `same` counts among the tests. */
struct family {
    struct compare_figure **figures; /* [count] */
    size_t count;
};

static enum status settle(const struct family *family, struct arena *a)
{
    size_t n = 0, tests = 0;
    size_t *scratch = arena_alloc(a, family->count + 1, sizeof *scratch);
    double *p = arena_alloc(a, family->count + 1, sizeof *p);
    struct compare_figure **waiting = arena_alloc(a, family->count + 1,
                                                  sizeof(struct compare_figure *));
    if (a->has_failed)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < family->count; i++) {
        struct compare_figure *f = family->figures[i];
        tests += !isnan(f->p);
        if (isnan(f->p) || f->call == COMPARE_SAME)
            continue;
        waiting[n] = f;
        p[n++] = f->p;
    }
    contrast_holm(p, n, tests, scratch);
    for (size_t i = 0; i < n; i++) {
        waiting[i]->p = p[i];
        if (!(p[i] <= ERROR_SHARE))
            continue;
        waiting[i]->call = direction(waiting[i]);
        waiting[i]->launches = 0;
    }
    return STATUS_OK;
}

/* The cells are one family. The geometric means are another: they are what a reader takes
 * away, and do not lose power to how many cells there are. */
static enum status settle_all(struct work *w, struct compare *out)
{
    size_t cells = w->group->pair_count * COMPARE_COUNT, n = 0;
    struct compare_figure **all = arena_alloc(w->arena, cells + COMPARE_COUNT,
                                              sizeof(struct compare_figure *));
    if (all == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < w->group->pair_count; i++)
        for (int id = 0; id < COMPARE_COUNT; id++)
            all[n++] = &out->cells[i].figures[id];
    for (int id = 0; id < COMPARE_COUNT; id++)
        all[n++] = &out->geomean[id];
    enum status s = settle(&(struct family){all, cells}, w->arena);
    if (s == STATUS_OK)
        s = settle(&(struct family){all + cells, COMPARE_COUNT}, w->arena);
    return s;
}

/* The mean of cells that are known, by floors of all of them. */
static bool means_by_floors(const struct work *w, enum compare_id id,
                            struct compare_floor_query *q, struct contrast *out)
{
    size_t n = 0;
    const struct compare_floor **cells = arena_alloc(
        w->arena, w->group->pair_count + 1, sizeof(const struct compare_floor *));
    for (size_t i = 0; i < w->group->pair_count && cells != NULL; i++) {
        if (!w->group->pairs[i].is_counted || isnan(w->cells[i].figures[id].ratio))
            continue;
        cells[n++] = &w->cells[i].floor;
        count_repeats(&w->group->pairs[i], id, q);
    }
    return n > 0 && compare_floor_means(cells, n, q, out);
}

static struct compare_figure geomean_of(struct work *w, enum compare_id id)
{
    const struct match_contrast c = match_sides_mean(w->sides, id);
    struct compare_floor_query q = {FIELD_COUNT, c.of.difference, {SIZE_MAX, SIZE_MAX}};
    struct contrast by_floor;
    for (size_t i = 0; i < w->group->pair_count && q.field == FIELD_COUNT; i++)
        if (w->group->pairs[i].is_counted)
            q.field = compare_field(id, w->group->pairs[i].baseline);
    if (q.field == FIELD_COUNT)
        return unknown_figure();
    return w->has_floors && means_by_floors(w, id, &q, &by_floor)
               ? floored_figure(w, &c, &by_floor, q.field)
               : figure_of(w, &c, q.field);
}

/* --- what would settle it */

/* Time of one launch of a side: loading, and the mean time of its repeats; of a block, of
 * its repeats. */
static double launch_s(const struct work *w, int side, bool is_of_blocks)
{
    double repeats_s = 0, load_s = 0;
    for (size_t i = 0; i < w->group->pair_count; i++) {
        const struct match_cell *c = cell_of(&w->group->pairs[i], side);
        if (!w->group->pairs[i].is_counted)
            continue;
        double load = field_num(c->row, FIELD_load_time_s);
        load_s = load > load_s ? load : load_s;
        for (size_t k = 0; k < c->measured; k++)
            repeats_s += field_num(c->rows[k], FIELD_total_time);
    }
    return (is_of_blocks ? 0 : load_s) +
           repeats_s / (double)match_sides_launches(w->sides, side);
}

static void fill_advice(const struct work *w, struct compare *out)
{
    long wanted = 0;
    for (size_t i = 0; i < w->group->pair_count; i++)
        for (int id = 0; id < COMPARE_COUNT; id++) {
            const struct compare_figure *f = &out->cells[i].figures[id];
            if (f->call == COMPARE_CANNOT_TELL && f->launches > wanted)
                wanted = f->launches;
        }
    out->more_s = out->more_usd = 0;
    for (int side = 0; side < 2; side++) {
        long more = wanted - (long)out->launches[side];
        if (more <= 0)
            continue;
        double s = (double)more * launch_s(w, side, out->is_of_blocks);
        out->more_launches = more > out->more_launches ? more : out->more_launches;
        out->more_s += s;
        out->more_usd += s / 3600 * price_of(cell_of(&w->group->pairs[0], side));
    }
}

/* --- whose launches they are */

static bool is_unknown_launch(const struct row *row)
{
    return !value_is_known(row->v[FIELD_launch_id]) ||
           field_is(row, FIELD_launch_source, "run");
}

/* How many launches of the other side are among those of the baseline, by what tells them
 * apart. */
static size_t shared_launches(const struct match_sides *s, struct arena *a)
{
    size_t n = 0, counts[2] = {match_sides_launches(s, 0), match_sides_launches(s, 1)};
    const struct row **all = arena_alloc(a, counts[0] + counts[1] + 1,
                                         sizeof(const struct row *));
    if (all == NULL)
        return 0;
    for (int side = 0; side < 2; side++)
        for (size_t k = 0; k < counts[side]; k++)
            if (value_is_known(match_sides_first(s, side)[k]->v[FIELD_launch_id]))
                all[n++] = match_sides_first(s, side)[k];
    return n - launches_of(all, n, a).count;
}

/* Arms of one engine: every unit is a block. */
static bool are_blocks(const struct match_sides *s)
{
    size_t n = 0;
    for (int side = 0; side < 2; side++)
        for (size_t k = 0; k < match_sides_launches(s, side); k++, n++)
            if (!value_is_known(match_sides_first(s, side)[k]->v[FIELD_ab_block]))
                return false;
    return n > 0;
}

static void fill_launches(const struct work *w, struct compare *out)
{
    out->is_interleaved = match_sides_are_paired(w->sides);
    out->is_of_blocks = are_blocks(w->sides);
    out->shared_launches = out->is_of_blocks ? 0 : shared_launches(w->sides, w->arena);
    for (int side = 0; side < 2; side++) {
        out->launches[side] = match_sides_launches(w->sides, side);
        for (size_t k = 0; k < out->launches[side]; k++)
            out->has_unknown_launches |= is_unknown_launch(
                match_sides_first(w->sides, side)[k]);
    }
}

/* One launch a side, and not one of both: how launches differ is known from nothing but
 * floors. */
static void find_floors(struct work *w, const struct floor_list *floors,
                        const struct compare *c)
{
    w->has_floors = c->launches[0] == 1 && c->launches[1] == 1 && c->shared_launches == 0;
    for (size_t i = 0; i < w->group->pair_count && w->has_floors; i++)
        if (w->group->pairs[i].is_counted)
            compare_floor_find(floors, &w->group->pairs[i], w->arena, &w->cells[i].floor);
}

enum status compare_build(const struct match_group *group,
                          const struct compare_options *o, struct arena *a,
                          struct compare *out)
{
    struct work w = {.group = group, .arena = a, .margin = o->margin};
    *out = (struct compare){.group = group, .margin = o->margin};
    out->cells = w.cells = arena_alloc(a, group->pair_count + 1, sizeof *out->cells);
    w.sides = match_group_sides(group, (struct match_figures){value_of, s0_of}, a);
    if (a->has_failed)
        return STATUS_NO_MEMORY;
    fill_launches(&w, out);
    find_floors(&w, &o->floors, out);
    for (size_t i = 0; i < group->pair_count; i++) {
        out->cells[i].pair = &group->pairs[i];
        for (int id = 0; id < COMPARE_COUNT; id++)
            out->cells[i].figures[id] = figure_of_cell(&w, i, (enum compare_id)id);
    }
    for (int id = 0; id < COMPARE_COUNT; id++) {
        out->geomean[id] = geomean_of(&w, (enum compare_id)id);
        if (out->geomean[id].cells > out->geomean_cells)
            out->geomean_cells = out->geomean[id].cells;
    }
    if (settle_all(&w, out) != STATUS_OK)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < group->pair_count; i++)
        fill_costs(&out->cells[i]);
    out->geomean_cost = cost_of(&out->geomean[0], mean_price_ratio(group));
    fill_advice(&w, out);
    return a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
}

static void put_call(struct match_ratio *r, const struct compare_figure *f)
{
    r->call = compare_call_name(f->call);
    r->is_assumed = f->is_assumed;
    if (!f->is_floored)
        return;
    r->low = f->low;
    r->high = f->high;
    r->is_one_launch = false;
}

static void put_calls(struct match_ratio *ratios, const struct compare_figure *throughput,
                      const struct compare_figure *cost)
{
    put_call(&ratios[METRIC_tokens_per_second], throughput);
    put_call(&ratios[METRIC_usd_per_million_output_tokens], cost);
}

enum status compare_judge(struct match_result *r, const struct floor_list *floors,
                          struct arena *a)
{
    const struct compare_options o = {.margin = COMPARE_MARGIN, .floors = *floors};
    for (size_t i = 0; i < r->group_count; i++) {
        struct match_group *g = &r->groups[i];
        struct compare c;
        if (compare_build(g, &o, a, &c) != STATUS_OK)
            return STATUS_NO_MEMORY;
        for (size_t k = 0; k < g->pair_count; k++)
            put_calls(g->pairs[k].ratios, &c.cells[k].figures[COMPARE_tokens_per_second],
                      &c.cells[k].cost);
        put_calls(g->geomean, &c.geomean[COMPARE_tokens_per_second], &c.geomean_cost);
    }
    return STATUS_OK;
}

static bool has_call(const struct compare_figure *of, enum compare_call call)
{
    for (int id = 0; id < COMPARE_COUNT; id++)
        if (of[id].call == call)
            return true;
    return false;
}

bool compare_has_worse(const struct compare *c)
{
    bool has = c->group->counted == 0 || has_call(c->geomean, COMPARE_WORSE);
    for (size_t i = 0; !has && i < c->group->pair_count; i++)
        has = has_call(c->cells[i].figures, COMPARE_WORSE);
    return has;
}

bool compare_is_simulated(const struct compare *c)
{
    bool is = c->group->pair_count > 0;
    for (size_t i = 0; i < c->group->pair_count; i++)
        is = is && c->group->pairs[i].baseline->is_simulated;
    return is;
}

const struct match_pair *compare_price_pair(const struct compare *c)
{
    for (size_t i = 0; i < c->group->pair_count; i++) {
        const struct match_pair *p = &c->group->pairs[i];
        if (p->is_counted && !match_field_is_equal(p->baseline->row, p->other->row,
                                                   FIELD_price_usd_per_hour))
            return p;
    }
    return NULL;
}

static bool has_floored(const struct compare *c)
{
    for (size_t i = 0; i < c->group->pair_count; i++)
        for (int id = 0; id < COMPARE_COUNT; id++)
            if (c->cells[i].figures[id].is_floored)
                return true;
    return false;
}

bool compare_is_within(const struct compare *c)
{
    return c->group->counted > 0 && (c->launches[0] < 2 || c->launches[1] < 2) &&
           !has_floored(c);
}
