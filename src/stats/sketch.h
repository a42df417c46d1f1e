/* The distribution of a sample in few numbers: small enough for every row, so that those
 * of many repeats can be pooled and drawn long after their journals are gone.
 *
 * A sample of SKETCH_POINTS values or fewer is kept whole. Of a larger one its quantiles
 * (nearest rank, quantile.h) at sketch_shares are kept, which lie closer at both ends:
 * 0, 0.1, 0.5, 1, 2, 3, 5, 7 %, 10 to 90 % in steps of 2.5, 91 to 99 % in steps of 1,
 * 99.25, 99.5, 99.75, 99.9, 99.95, 99.99 and 100 %. Values have five digits. */
#ifndef STATS_SKETCH_H
#define STATS_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "text/jsonw.h"

#define SKETCH_POINTS 57

extern const double sketch_shares[SKETCH_POINTS];

struct sketch {
    int64_t samples;              /* values that it stands for; 0: empty */
    int64_t lost;                 /* beside them: longer than every value */
    size_t count;                 /* of points: samples, or SKETCH_POINTS */
    double points[SKETCH_POINTS]; /* ascending, as they are */
};

struct sketch sketch_of_sorted(const double *sorted, size_t count, size_t lost);
/* Share of the values at or below point i, from 0 to 1: (i + 1/2) / samples of a sample
 * that is whole. */
double sketch_share(const struct sketch *s, size_t i);
/* The mixture of all parts, each with the weight of its values: between two points of a
 * part its share grows evenly, the sum of all is known at every point, and the pooled
 * quantiles are read off between them. Few values: all of them. One part: itself. */
MUST_CHECK enum status sketch_pool(const struct sketch *parts, size_t count,
                                   struct sketch *out, struct err *e);
/* The member `key`: {"n", "lost", "points"}; nothing where the sketch is empty. */
void sketch_write(const struct sketch *s, const char *key, struct jsonw *w);
/* Back from the text of an object of such members; false where there is none, or none
 * that can be: points that are no numbers, do not ascend, or are of another count. */
bool sketch_read(const char *json, const char *key, struct sketch *out);

#endif
