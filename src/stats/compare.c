#include "stats/compare.h"

#include <math.h>
#include <string.h>

#include "stats/interval.h"
#include "stats/match_field.h"

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

/* A side's counted cells: means of logarithms by cell, figure and launch, NAN where a
 * launch has none. Launches are numbered by the time of their first row. */
struct side {
    const struct row **rows; /* measured, cell by cell */
    struct launches launches;
    const struct row **first; /* [launches.count] the first row of each launch */
    double *y;                /* [cell][COMPARE_COUNT][launches.count] */
};

struct work {
    const struct match_group *group;
    struct side sides[2];
    struct arena *arena;
    double *one, *two; /* scratch: a sample of each side; two has twice the room */
    double margin;
    bool is_interleaved;
};

enum field_id compare_field(enum compare_id id, const struct match_cell *c)
{
    return id == COMPARE_tokens_per_second
               ? metric_field(METRIC_tokens_per_second, c->row)
               : figures[id].field;
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

static size_t measured_in(const struct match_pair *p, int side)
{
    return p->is_counted ? cell_of(p, side)->measured : 0;
}

/* --- launches */

static bool is_before(const struct row *a, const struct row *b)
{
    const char *at = field_str(a, FIELD_timestamp_utc),
               *bt = field_str(b, FIELD_timestamp_utc);
    return at != NULL && bt != NULL && strcmp(at, bt) < 0;
}

/* Numbers the launches anew: by the time of their first rows. */
static void order_launches(struct side *s, size_t count, struct arena *a)
{
    size_t n = s->launches.count;
    size_t *of = arena_alloc(a, count + 1, sizeof *of);
    size_t *place = arena_alloc(a, n + 1, sizeof *place);
    size_t *order = arena_alloc(a, n + 1, sizeof *order);
    s->first = arena_alloc(a, n + 1, sizeof(const struct row *));
    const struct row **first = arena_alloc(a, n + 1, sizeof(const struct row *));
    if (a->has_failed)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t l = s->launches.of != NULL ? s->launches.of[i] : 0;
        if (first[l] == NULL || is_before(s->rows[i], first[l]))
            first[l] = s->rows[i];
    }
    for (size_t l = 0; l < n; l++) {
        size_t at = l;
        for (; at > 0 && is_before(first[l], first[order[at - 1]]); at--)
            order[at] = order[at - 1];
        order[at] = l;
    }
    for (size_t k = 0; k < n; k++) {
        place[order[k]] = k;
        s->first[k] = first[order[k]];
    }
    for (size_t i = 0; i < count; i++)
        of[i] = place[s->launches.of != NULL ? s->launches.of[i] : 0];
    s->launches.of = of;
}

static void find_launches(struct work *w, int side)
{
    struct side *s = &w->sides[side];
    size_t n = 0, count = 0;
    for (size_t i = 0; i < w->group->pair_count; i++)
        count += measured_in(&w->group->pairs[i], side);
    s->rows = arena_alloc(w->arena, count + 1, sizeof(const struct row *));
    if (s->rows == NULL)
        return;
    for (size_t i = 0; i < w->group->pair_count; i++)
        for (size_t k = 0; k < measured_in(&w->group->pairs[i], side); k++)
            s->rows[n++] = cell_of(&w->group->pairs[i], side)->rows[k];
    s->launches = launches_of(s->rows, count, w->arena);
    order_launches(s, count, w->arena);
}

static double *values_of(const struct side *s, size_t cell, enum compare_id id)
{
    return s->y + (cell * COMPARE_COUNT + (size_t)id) * s->launches.count;
}

static double log_of(const struct row *row, enum field_id id)
{
    double x = field_num(row, id);
    return x > 0 ? log(x) : (double)NAN;
}

/* Of each launch of a cell, whose rows begin at `from`: the mean of its logarithms. */
static void fill_cell(struct work *w, int side, size_t cell, size_t from)
{
    const struct side *s = &w->sides[side];
    const struct match_cell *c = cell_of(&w->group->pairs[cell], side);
    const struct launches own = {.of = s->launches.of + from, .count = s->launches.count};
    for (int id = 0; id < COMPARE_COUNT; id++) {
        enum field_id field = compare_field((enum compare_id)id, c);
        for (size_t k = 0; k < c->measured; k++)
            w->one[k] = log_of(c->rows[k], field);
        launches_means(&own, w->one, c->measured, w->two);
        memcpy(values_of(s, cell, (enum compare_id)id), w->two,
               own.count * sizeof *w->two);
    }
}

static enum status fill_sides(struct work *w)
{
    size_t most = 1;
    for (int side = 0; side < 2; side++) {
        struct side *s = &w->sides[side];
        find_launches(w, side);
        s->y = arena_alloc(w->arena,
                           w->group->pair_count * COMPARE_COUNT * s->launches.count + 1,
                           sizeof *s->y);
        most = s->launches.count > most ? s->launches.count : most;
        for (size_t i = 0; i < w->group->pair_count; i++)
            if (cell_of(&w->group->pairs[i], side)->measured > most)
                most = cell_of(&w->group->pairs[i], side)->measured;
    }
    w->one = arena_alloc(w->arena, most, sizeof *w->one);
    w->two = arena_alloc(w->arena, 2 * most, sizeof *w->two);
    if (w->arena->has_failed)
        return STATUS_NO_MEMORY;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0, from = 0; i < w->group->pair_count; i++) {
            size_t count = measured_in(&w->group->pairs[i], side);
            if (count > 0)
                fill_cell(w, side, i, from);
            from += count;
        }
    return STATUS_OK;
}

/* Launch k of one and launch k of the other come from one run, for every k: the run took
 * them in turn. */
static bool are_interleaved(const struct work *w)
{
    const struct side *a = &w->sides[0], *b = &w->sides[1];
    bool is = a->launches.count == b->launches.count && a->launches.count > 1;
    for (size_t k = 0; is && k < a->launches.count; k++) {
        const char *run = field_str(a->first[k], FIELD_run_id);
        is = run != NULL && field_is(b->first[k], FIELD_run_id, run);
    }
    return is;
}

/* --- one figure */

/* The known ones of both, in order; pairs lose both where one is unknown. */
static void take_samples(struct work *w, const double *a, const double *b,
                         struct contrast_sample out[2])
{
    size_t n[2] = {0, 0};
    for (size_t l = 0; l < w->sides[0].launches.count; l++)
        if (!isnan(a[l]) && !(w->is_interleaved && isnan(b[l])))
            w->one[n[0]++] = a[l];
    for (size_t l = 0; l < w->sides[1].launches.count; l++)
        if (!isnan(b[l]) && !(w->is_interleaved && isnan(a[l])))
            w->two[n[1]++] = b[l];
    out[0] = (struct contrast_sample){w->one, n[0]};
    out[1] = (struct contrast_sample){w->two, n[1]};
}

/* The repeats, where launches are too few. */
static void take_repeats(struct work *w, const struct match_pair *p, enum compare_id id,
                         struct contrast_sample out[2])
{
    double *const into[] = {w->one, w->two};
    for (int side = 0; side < 2; side++) {
        const struct match_cell *c = cell_of(p, side);
        size_t n = 0;
        for (size_t k = 0; k < c->measured; k++) {
            double x = log_of(c->rows[k], compare_field(id, c));
            if (!isnan(x))
                into[side][n++] = x;
        }
        out[side] = (struct contrast_sample){into[side], n};
    }
}

static void put_interval(struct compare_figure *f, const struct contrast *c)
{
    double half = contrast_half(c);
    f->ratio = exp(c->difference);
    f->low = exp(c->difference - half);
    f->high = exp(c->difference + half);
}

static enum compare_call direction(enum field_id id, double difference)
{
    bool is_up = difference > 0;
    return is_up == (field_table[id].better == BETTER_HIGHER) ? COMPARE_BETTER
                                                              : COMPARE_WORSE;
}

/* One launch a side: only what no launch does by itself is called. */
static void call_within(struct compare_figure *f, const struct contrast *c,
                        enum field_id id)
{
    double half = contrast_half(c);
    f->is_within = true;
    f->call = COMPARE_CANNOT_TELL;
    f->launches = LEAST_ADVICE;
    if (fabs(c->difference) - half > log(COMPARE_ASSUMED)) {
        f->call = direction(id, c->difference);
        f->is_assumed = true;
        f->launches = 0;
    }
}

/* `better` and `worse` wait for all p (settle). */
static void call_launches(struct compare_figure *f, const struct contrast *c,
                          const struct contrast_sample s[2], double margin)
{
    f->p = contrast_p(c);
    f->call = contrast_is_same(c, margin) ? COMPARE_SAME : COMPARE_CANNOT_TELL;
    if (f->call == COMPARE_CANNOT_TELL)
        f->launches = contrast_launches_needed(c, s[0], s[1], MOST_NEEDED);
}

static struct compare_figure unknown_figure(void)
{
    return (struct compare_figure){
        .values = {NAN, NAN}, .ratio = NAN, .low = NAN, .high = NAN, .p = NAN};
}

static struct compare_figure figure_of(struct work *w, size_t cell, enum compare_id id)
{
    struct compare_figure f = unknown_figure();
    const struct match_pair *p = &w->group->pairs[cell];
    struct contrast_sample s[2];
    struct contrast c;
    take_repeats(w, p, id, s);
    for (int side = 0; side < 2; side++)
        f.values[side] = exp(interval_mean(s[side].y, s[side].count));
    c = contrast_welch(s[0], s[1]);
    if (isnan(c.difference) || !p->is_counted) {
        f.ratio = exp(c.difference);
        return f;
    }
    if (w->sides[0].launches.count > 1 && w->sides[1].launches.count > 1)
        take_samples(w, values_of(&w->sides[0], cell, id),
                     values_of(&w->sides[1], cell, id), s);
    if (w->sides[0].launches.count < 2 || w->sides[1].launches.count < 2 ||
        s[0].count < 2 || s[1].count < 2) {
        put_interval(&f, &c);
        call_within(&f, &c, compare_field(id, p->baseline));
        return f;
    }
    c = w->is_interleaved ? contrast_paired(s[0], s[1]) : contrast_welch(s[0], s[1]);
    put_interval(&f, &c);
    call_launches(&f, &c, s, w->margin);
    return f;
}

/* Price by throughput: the same interval, mirrored. */
static struct compare_figure cost_of(const struct compare_figure *throughput,
                                     double price_ratio)
{
    struct compare_figure f = unknown_figure();
    f.ratio = price_ratio / throughput->ratio;
    f.low = price_ratio / throughput->high;
    f.high = price_ratio / throughput->low;
    f.is_within = throughput->is_within;
    return f;
}

static double price_of(const struct match_cell *c)
{
    return field_num(c->row, FIELD_price_usd_per_hour);
}

static double price_ratio_of(const struct match_pair *p)
{
    return price_of(p->other) / price_of(p->baseline);
}

/* --- all of them */

/* `better` and `worse` by Holm over all figures that have a p; those called `same` count
 * among the tests. */
static enum status settle(struct work *w, struct compare *out)
{
    size_t n = 0, tests = 0, room = w->group->pair_count * COMPARE_COUNT + 1;
    struct compare_figure **waiting = arena_alloc(w->arena, room,
                                                  sizeof(struct compare_figure *));
    size_t *scratch = arena_alloc(w->arena, room, sizeof *scratch);
    double *p = arena_alloc(w->arena, room, sizeof *p);
    if (w->arena->has_failed)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < w->group->pair_count; i++)
        for (int id = 0; id < COMPARE_COUNT; id++) {
            struct compare_figure *f = &out->cells[i].figures[id];
            tests += !isnan(f->p);
            if (isnan(f->p) || f->call == COMPARE_SAME)
                continue;
            waiting[n] = f;
            p[n++] = f->p;
        }
    contrast_holm(p, n, tests, scratch);
    for (size_t i = 0; i < n; i++)
        waiting[i]->p = p[i];
    for (size_t i = 0; i < w->group->pair_count; i++)
        for (int id = 0; id < COMPARE_COUNT; id++) {
            struct compare_figure *f = &out->cells[i].figures[id];
            if (f->call != COMPARE_CANNOT_TELL || !(f->p <= ERROR_SHARE))
                continue;
            f->call = direction(
                compare_field((enum compare_id)id, out->cells[i].pair->baseline),
                log(f->ratio));
            f->launches = 0;
        }
    return STATUS_OK;
}

/* True if every launch of both sides has the figure. */
static bool is_in_all(const struct work *w, size_t cell, enum compare_id id)
{
    bool is = w->group->pairs[cell].is_counted;
    for (int side = 0; side < 2; side++)
        for (size_t l = 0; is && l < w->sides[side].launches.count; l++)
            is = !isnan(values_of(&w->sides[side], cell, id)[l]);
    return is;
}

/* Means over the cells inside each launch; how many cells. */
static size_t take_means(struct work *w, enum compare_id id, struct contrast_sample s[2])
{
    double *const into[] = {w->one, w->two};
    size_t cells = 0;
    for (size_t i = 0; i < w->group->pair_count; i++)
        cells += is_in_all(w, i, id);
    for (int side = 0; side < 2; side++) {
        for (size_t l = 0; l < w->sides[side].launches.count; l++) {
            double sum = 0;
            for (size_t i = 0; i < w->group->pair_count; i++)
                if (is_in_all(w, i, id))
                    sum += values_of(&w->sides[side], i, id)[l];
            into[side][l] = sum / (double)cells;
        }
        s[side] = (struct contrast_sample){into[side], w->sides[side].launches.count};
    }
    return cells;
}

/* With one launch a side the cells' own variances are all that is known. */
static struct contrast within_cells(struct work *w, enum compare_id id)
{
    struct contrast_sum sum = {.n = 0};
    for (size_t i = 0; i < w->group->pair_count; i++) {
        struct contrast_sample s[2];
        if (!is_in_all(w, i, id))
            continue;
        take_repeats(w, &w->group->pairs[i], id, s);
        struct contrast c = contrast_welch(s[0], s[1]);
        contrast_add(&sum, &c);
    }
    return contrast_of_sum(&sum);
}

static struct compare_figure geomean_of(struct work *w, enum compare_id id, size_t *cells)
{
    struct compare_figure f = unknown_figure();
    struct contrast_sample s[2];
    size_t n = take_means(w, id, s);
    if (n == 0)
        return f;
    const struct match_pair *first = NULL;
    for (size_t i = 0; first == NULL; i++)
        first = is_in_all(w, i, id) ? &w->group->pairs[i] : NULL;
    enum field_id field = compare_field(id, first->baseline);
    *cells = n > *cells ? n : *cells;
    for (int side = 0; side < 2; side++)
        f.values[side] = exp(interval_mean(s[side].y, s[side].count));
    if (s[0].count < 2 || s[1].count < 2) {
        struct contrast c = within_cells(w, id);
        put_interval(&f, &c);
        call_within(&f, &c, field);
        return f;
    }
    struct contrast c = w->is_interleaved ? contrast_paired(s[0], s[1])
                                          : contrast_welch(s[0], s[1]);
    put_interval(&f, &c);
    call_launches(&f, &c, s, w->margin);
    if (f.call == COMPARE_CANNOT_TELL && f.p <= ERROR_SHARE) {
        f.call = direction(field, c.difference);
        f.launches = 0;
    }
    return f;
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

/* --- what would settle it */

/* Time of one launch of a side: loading, and the mean time of its repeats. */
static double launch_s(const struct work *w, int side)
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
    return load_s + repeats_s / (double)w->sides[side].launches.count;
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
        long more = wanted - (long)w->sides[side].launches.count;
        if (more <= 0)
            continue;
        double s = (double)more * launch_s(w, side);
        out->more_launches = more > out->more_launches ? more : out->more_launches;
        out->more_s += s;
        out->more_usd += s / 3600 * price_of(cell_of(&w->group->pairs[0], side));
    }
}

static bool has_unknown_launches(const struct match_group *g)
{
    for (size_t i = 0; i < g->pair_count; i++)
        for (int side = 0; side < 2; side++)
            if (field_is(cell_of(&g->pairs[i], side)->row, FIELD_launch_source, "run"))
                return true;
    return false;
}

enum status compare_build(const struct match_group *group, double margin, struct arena *a,
                          struct compare *out)
{
    struct work w = {.group = group, .arena = a, .margin = margin};
    *out = (struct compare){.group = group, .margin = margin};
    out->cells = arena_alloc(a, group->pair_count + 1, sizeof *out->cells);
    enum status s = fill_sides(&w);
    if (s != STATUS_OK)
        return s;
    w.is_interleaved = are_interleaved(&w);
    for (size_t i = 0; i < group->pair_count; i++) {
        struct compare_cell *c = &out->cells[i];
        c->pair = &group->pairs[i];
        for (int id = 0; id < COMPARE_COUNT; id++)
            c->figures[id] = figure_of(&w, i, (enum compare_id)id);
        c->cost = cost_of(&c->figures[0], price_ratio_of(c->pair));
    }
    s = settle(&w, out);
    for (int id = 0; id < COMPARE_COUNT; id++)
        out->geomean[id] = geomean_of(&w, (enum compare_id)id, &out->geomean_cells);
    out->geomean_cost = cost_of(&out->geomean[0], mean_price_ratio(group));
    for (int side = 0; side < 2; side++)
        out->launches[side] = w.sides[side].launches.count;
    out->is_interleaved = w.is_interleaved;
    out->has_unknown_launches = has_unknown_launches(group);
    fill_advice(&w, out);
    return s;
}

bool compare_has_worse(const struct compare *c)
{
    for (size_t i = 0; i < c->group->pair_count; i++)
        for (int id = 0; id < COMPARE_COUNT; id++)
            if (c->cells[i].figures[id].call == COMPARE_WORSE)
                return true;
    return c->group->counted == 0;
}
