#include "stats/sketch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/quantile.h"
#include "text/json.h"

#define SAMPLES_MAX ((int64_t)1 << 53)

const double sketch_shares[SKETCH_POINTS] = {
    0,    0.001, 0.005,  0.01,  0.02,   0.03,  0.05,   0.07,   0.1,  0.125, 0.15, 0.175,
    0.2,  0.225, 0.25,   0.275, 0.3,    0.325, 0.35,   0.375,  0.4,  0.425, 0.45, 0.475,
    0.5,  0.525, 0.55,   0.575, 0.6,    0.625, 0.65,   0.675,  0.7,  0.725, 0.75, 0.775,
    0.8,  0.825, 0.85,   0.875, 0.9,    0.91,  0.92,   0.93,   0.94, 0.95,  0.96, 0.97,
    0.98, 0.99,  0.9925, 0.995, 0.9975, 0.999, 0.9995, 0.9999, 1};

/* To five digits: more say nothing, and take room in every row. */
static double rounded(double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.5g", x);
    return strtod(text, NULL);
}

struct sketch sketch_of_sorted(const double *sorted, size_t count, size_t lost)
{
    struct sketch s = {.samples = (int64_t)count, .lost = (int64_t)lost};
    s.count = count < SKETCH_POINTS ? count : SKETCH_POINTS;
    for (size_t i = 0; i < s.count; i++) {
        double x = count <= SKETCH_POINTS ? sorted[i]
                   : i == 0               ? sorted[0]
                            : quantile_of_sorted(sorted, count, 100 * sketch_shares[i]);
        s.points[i] = rounded(x);
    }
    return s;
}

double sketch_share(const struct sketch *s, size_t i)
{
    return s->samples <= SKETCH_POINTS ? ((double)i + 0.5) / (double)s->samples
                                       : sketch_shares[i];
}

/* --- pooled */

/* Share of a part's values at or below x: straight between its points. */
static double share_below(const struct sketch *s, double x)
{
    size_t low = 0, high = s->count; /* points[low - 1] <= x < points[high] */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->points[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || low == s->count)
        return low == 0 ? 0 : 1;
    double from = s->points[low - 1], to = s->points[low];
    double share = sketch_share(s, low - 1);
    return share + (sketch_share(s, low) - share) * (x - from) / (to - from);
}

/* Where the share of a mixture is known: every point of its parts, ascending. */
struct places {
    const double *at; /* [count] */
    size_t count, next;
};

static double pooled_share(const struct sketch *parts, size_t count, double samples,
                           double x)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        if (parts[k].count > 0)
            sum += (double)parts[k].samples * share_below(&parts[k], x);
    return sum / samples;
}

/* The first of places [k, n) where the share is at least that; the last one where it is
 * nowhere. The share never falls from one place to the next. */
static size_t first_at_least(const struct sketch *parts, size_t count, double samples,
                             double wanted, struct places places)
{
    size_t low = places.next, high = places.count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pooled_share(parts, count, samples, places.at[middle]) < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Quantiles of the mixture, whose share is known at all places. */
static void read_off(const struct sketch *parts, size_t count, struct places places,
                     struct sketch *out)
{
    double samples = (double)out->samples;
    for (size_t i = 0; i < out->count; i++) {
        double wanted = sketch_shares[i], last = 0;
        size_t k = places.next = first_at_least(parts, count, samples, wanted, places);
        double x = places.at[k], share = pooled_share(parts, count, samples, x);
        if (k > 0)
            last = pooled_share(parts, count, samples, places.at[k - 1]);
        if (k > 0 && share > wanted && wanted > last)
            x -= (x - places.at[k - 1]) * (share - wanted) / (share - last);
        out->points[i] = rounded(x);
    }
}

static size_t collect(const struct sketch *parts, size_t count, double *out)
{
    size_t n = 0;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < parts[k].count; i++)
            out[n++] = parts[k].points[i];
    quantile_sort(out, n);
    return n;
}

static enum status mix(const struct sketch *parts, size_t count, size_t points,
                       struct sketch *out, struct err *e)
{
    double *places = mem_alloc(points, sizeof *places);
    if (places == NULL)
        return status_no_memory(e, "distributions");
    size_t n = collect(parts, count, places);
    if (out->samples <= SKETCH_POINTS) {
        *out = sketch_of_sorted(places, n, (size_t)out->lost);
    } else {
        out->count = SKETCH_POINTS;
        read_off(parts, count, (struct places){places, n, 0}, out);
    }
    mem_free(places);
    return STATUS_OK;
}

enum status sketch_pool(const struct sketch *parts, size_t count, struct sketch *out,
                        struct err *e)
{
    size_t points = 0, filled = 0, last = 0;
    struct sketch pool = {0};
    for (size_t i = 0; i < count; i++) {
        pool.samples += parts[i].samples;
        pool.lost += parts[i].lost;
        points += parts[i].count;
        filled += parts[i].count > 0;
        last = parts[i].count > 0 ? i : last;
    }
    *out = pool;
    if (filled > 1)
        return mix(parts, count, points, out, e);
    if (filled == 1)
        *out = parts[last];
    out->lost = pool.lost;
    return STATUS_OK;
}

/* --- in files */

void sketch_write(const struct sketch *s, const char *key, struct jsonw *w)
{
    if (s->count == 0)
        return;
    jsonw_object(w, key);
    jsonw_int(w, "n", s->samples);
    jsonw_int(w, "lost", s->lost);
    jsonw_array(w, "points");
    for (size_t i = 0; i < s->count; i++)
        jsonw_num(w, NULL, s->points[i]);
    jsonw_array_end(w);
    jsonw_object_end(w);
}

static bool read_points(const json_t *points, struct sketch *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const json_t *x = json_array_get(points, i);
        s->points[i] = json_number_value(x);
        if (!json_is_number(x) || !isfinite(s->points[i]) ||
            (i > 0 && s->points[i] < s->points[i - 1]))
            return false;
    }
    return true;
}

bool sketch_read(const char *json, const char *key, struct sketch *out)
{
    json_t *all = json_parse(str_from(json));
    const json_t *of = json_object_get(all, key), *points = json_object_get(of, "points");
    struct sketch s = {.samples = json_range_of(of, "n", 1, SAMPLES_MAX, 0),
                       .lost = json_range_of(of, "lost", 0, SAMPLES_MAX, 0)};
    s.count = s.samples < SKETCH_POINTS ? (size_t)s.samples : SKETCH_POINTS;
    bool is_good = s.count > 0 && json_array_size(points) == s.count &&
                   read_points(points, &s);
    json_decref(all);
    *out = is_good ? s : (struct sketch){0};
    return is_good;
}
