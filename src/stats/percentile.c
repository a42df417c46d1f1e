#include "stats/percentile.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/interval.h"
#include "stats/quantile.h"

static int in_time(const void *a, const void *b)
{
    const struct percentile_sample *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

enum status percentile_series_add(struct percentile_series *s,
                                  struct percentile_sample *samples, size_t count,
                                  size_t unit, enum percentile_order order)
{
    if (count > 0 && !mem_grow(&s->parts, s->part_count, &s->part_room, sizeof *s->parts))
        return STATUS_NO_MEMORY;
    if (count > 1)
        qsort(samples, count, sizeof *samples, in_time);
    for (size_t i = 0; i < count; i++) {
        if (!mem_grow(&s->values, s->count + i, &s->room, sizeof *s->values))
            return STATUS_NO_MEMORY;
        s->values[s->count + i] = samples[i].value;
    }
    s->order = order;
    s->count += count;
    if (count > 0)
        s->parts[s->part_count++] = (struct percentile_part){count, unit};
    s->is_sorted = false;
    return STATUS_OK;
}

void percentile_series_fini(struct percentile_series *s)
{
    mem_free(s->values);
    mem_free(s->parts);
    *s = (struct percentile_series){0};
}

/* --- batches: of each repeat equal ones, one after the other, and the rest of it */

static size_t batches_of_part(const struct percentile_series *s)
{
    size_t most = s->part_count > 0 ? PERCENTILE_BATCHES / s->part_count : 0;
    return s->order == PERCENTILE_TIMED && most > 1 ? most : 1;
}

/* A walk over batches. Zero-initialise, with the parts to go over. */
struct walk {
    size_t part, end, begin; /* begin: of the part, in values */
    size_t k;                /* in the part, of the batch that comes next */
    bool has_rests;          /* what is behind the last batch of a part is one more */
    /* the batch */
    double *values; /* [count], ascending once sorted */
    size_t count;
    bool is_first; /* of its part */
};

static bool next_batch(const struct percentile_series *s, struct walk *w)
{
    size_t each = batches_of_part(s);
    if (w->part < w->end && w->k == each + w->has_rests) {
        w->begin += s->parts[w->part++].count;
        w->k = 0;
    }
    if (w->part >= w->end || each == 0)
        return false;
    size_t count = s->parts[w->part].count / each;
    w->is_first = w->k == 0;
    w->values = s->values + w->begin + w->k * count;
    w->count = w->k < each ? count : s->parts[w->part].count - each * count;
    w->k++;
    return true;
}

static void sort_batches(struct percentile_series *s)
{
    struct walk w = {.end = s->part_count, .has_rests = true};
    while (!s->is_sorted && next_batch(s, &w))
        quantile_sort(w.values, w.count);
    s->is_sorted = true;
}

/* Values of the batch that are not above `limit`. */
static size_t count_up_to(const struct walk *batch, double limit)
{
    size_t low = 0, high = batch->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (batch->values[middle] <= limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* NAN of an empty one. */
static double share_above(const struct walk *batch, double limit)
{
    double count = (double)batch->count;
    return (count - (double)count_up_to(batch, limit)) / count;
}

/* --- units: what follows each other and varies as one */

struct unit {
    size_t from, to; /* parts */
    size_t begin, count;
};

/* The unit behind *u; false where there is none. */
static bool next_unit(const struct percentile_series *s, struct unit *u)
{
    struct unit next = {u->to, u->to, u->begin + u->count, 0};
    while (next.to < s->part_count && s->parts[next.to].unit == s->parts[next.from].unit)
        next.count += s->parts[next.to++].count;
    *u = next;
    return next.to > next.from;
}

static struct walk over(const struct unit *u)
{
    return (struct walk){.part = u->from, .end = u->to, .begin = u->begin};
}

/* --- dependence */

/* What batches tell of a value: how the share above it varies within units. */
struct shares {
    double squares; /* sum of squared distances from the unit's mean */
    double beside;  /* of products of two neighbours' distances */
    double size;    /* of all batches together */
    size_t batches, units;
};

static void add_unit(const struct percentile_series *s, const struct unit *u,
                     double limit, struct shares *to)
{
    double n = 0, sum = 0, before = 0;
    for (struct walk w = over(u); next_batch(s, &w); n++)
        sum += share_above(&w, limit);
    for (struct walk w = over(u); next_batch(s, &w);) {
        double off = share_above(&w, limit) - sum / n;
        to->squares += off * off;
        to->beside += w.is_first ? 0 : off * before;
        to->size += (double)w.count;
        to->batches++;
        before = off;
    }
    to->units++;
}

/* V: variance of the batches' shares above `limit`, and what neighbours have in common of
 * it, against that of independent samples; at least 1. NAN where there are too few
 * batches, or an empty one. */
static double dependence(const struct percentile_series *s, double p, double limit)
{
    struct shares all = {0};
    for (struct unit u = {0}; next_unit(s, &u);)
        add_unit(s, &u, limit, &all);
    double q = p / 100, freedom = (double)all.batches - (double)all.units;
    double size = all.size / (double)all.batches;
    double variance = (all.squares + 2 * fmax(0, all.beside)) / freedom;
    double v = size * variance / (q * (1 - q));
    return freedom < 1 || isnan(v) ? (double)NAN : fmax(1, v);
}

/* --- a load that went on */

static double value_of(const struct percentile_pool *pool, double rank)
{
    return rank >= 1 && rank <= (double)pool->count ? pool->sorted[(size_t)rank - 1]
                                                    : (double)NAN;
}

static double nearest(const struct percentile_pool *pool, double p)
{
    size_t rank = quantile_rank(p, pool->count + pool->lost);
    return value_of(pool, (double)rank);
}

/* As a limit that shares lie above: above those without an answer lies none. */
static double limit_of(const struct percentile_pool *pool, double p)
{
    double value = nearest(pool, p);
    return isnan(value) ? (double)INFINITY : value;
}

static double variance_ratio(const struct percentile_series *s,
                             const struct percentile_pool *pool, double p)
{
    double median = dependence(s, 50, limit_of(pool, 50));
    if (p == 50)
        return median;
    double own = dependence(s, p, limit_of(pool, p));
    return isnan(own) || isnan(median) ? (double)NAN : fmax(own, 2 * median);
}

/* The lowest and the highest of the batches' percentiles; false where one of them has too
 * few samples, or none. */
static bool find_range(const struct percentile_series *s,
                       const struct percentile_pool *pool, struct percentile *of)
{
    struct walk w = {.end = s->part_count};
    double floor = (double)quantile_floor(of->p);
    double distinct = (double)pool->distinct / (double)s->count;
    of->low = INFINITY;
    of->high = -INFINITY;
    while (next_batch(s, &w)) {
        double value = quantile_of_sorted(w.values, w.count, of->p);
        if (!((double)w.count * distinct >= floor && isfinite(value)))
            return false;
        of->low = fmin(of->low, value);
        of->high = fmax(of->high, value);
    }
    return s->part_count > 0;
}

/* Order statistics, as many ranks from the value as n / V samples leave open. */
static bool find_ranks(const struct percentile_series *s,
                       const struct percentile_pool *pool, struct percentile *of)
{
    double n = (double)(pool->count + pool->lost), q = of->p / 100;
    double v = variance_ratio(s, pool, of->p);
    if (isnan(v))
        return false;
    double t = interval_t_95(s->part_count * batches_of_part(s));
    double half = t * sqrt(n * q * (1 - q) * v);
    double low = floor(n * q - half), high = ceil(n * q + half) + 1;
    of->samples = (size_t)fmin((double)pool->distinct, n / v);
    of->low = value_of(pool, low);
    of->high = value_of(pool, high);
    return of->samples >= of->needed && high <= n;
}

static void find_timed(const struct percentile_series *s,
                       const struct percentile_pool *pool, struct percentile *of)
{
    of->needed = of->needed > PERCENTILE_LEAST ? of->needed : PERCENTILE_LEAST;
    of->samples = pool->distinct > 0;
    if (find_ranks(s, pool, of))
        return;
    bool is_narrow = find_range(s, pool, of) &&
                     of->high - of->low <= PERCENTILE_NARROW * of->value;
    if (is_narrow) {
        of->samples = of->samples > of->needed ? of->samples : of->needed;
        return;
    }
    of->low = of->high = NAN;
    if (of->p != 50 || pool->distinct < quantile_floor(50))
        of->value = NAN;
}

/* --- over repeats or launches */

static size_t up_to_in_unit(const struct percentile_series *s, const struct unit *u,
                            double limit)
{
    size_t count = 0;
    struct walk w = over(u);
    w.has_rests = true;
    while (next_batch(s, &w))
        count += count_up_to(&w, limit);
    return count;
}

/* A unit's own percentile: the least value of the pool that has its rank of the unit's
 * samples up to it. NAN where they are too few, or the rank is among those without an
 * answer. */
static double unit_value(const struct percentile_series *s,
                         const struct percentile_pool *pool, double p,
                         const struct unit *u)
{
    size_t low = 0, high = pool->count, rank = quantile_rank(p, u->count);
    double distinct = (double)pool->distinct / (double)s->count;
    if ((double)u->count * distinct < (double)quantile_floor(p))
        return NAN;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (up_to_in_unit(s, u, pool->sorted[middle]) >= rank)
            high = middle;
        else
            low = middle + 1;
    }
    return low < pool->count ? pool->sorted[low] : (double)NAN;
}

/* The mean of the units' percentiles, and its interval: two passes. */
static void find_over_units(const struct percentile_series *s,
                            const struct percentile_pool *pool, struct percentile *of)
{
    double n = 0, sum = 0, squares = 0;
    for (struct unit u = {0}; next_unit(s, &u); n++)
        sum += unit_value(s, pool, of->p, &u);
    double mean = sum / n;
    for (struct unit u = {0}; next_unit(s, &u);) {
        double off = unit_value(s, pool, of->p, &u) - mean;
        squares += off * off;
    }
    double half = interval_t_95((size_t)n) * sqrt(squares / (n - 1) / n);
    of->low = mean - half;
    of->high = mean + half;
}

static bool has_several_units(const struct percentile_series *s)
{
    return s->part_count > 1 && s->parts[0].unit != s->parts[s->part_count - 1].unit;
}

size_t percentile_needs(double p, enum percentile_order order)
{
    size_t floor = quantile_floor(p);
    if (order != PERCENTILE_TIMED || p == 50)
        return floor;
    floor = floor > PERCENTILE_LEAST ? floor : PERCENTILE_LEAST;
    return 2 * floor; /* V is 1, and 2 of others than the median */
}

struct percentile percentile_of(struct percentile_series *s,
                                const struct percentile_pool *pool, double p)
{
    struct percentile of = {p,   nearest(pool, p), NAN,
                            NAN, pool->distinct,   quantile_floor(p)};
    sort_batches(s);
    if (s->order == PERCENTILE_TIMED)
        find_timed(s, pool, &of);
    else if (of.samples < of.needed)
        of.value = NAN;
    bool is_known = !isnan(of.value);
    if (is_known && s->order != PERCENTILE_ANY && has_several_units(s))
        find_over_units(s, pool, &of);
    if (!is_known)
        of.low = of.high = NAN;
    return of;
}
