/* Numbers as people read them. */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include <stddef.h>

#include "base/buf.h"
#include "core/finding.h"
#include "stats/match.h"

#define FIGURE_BYTES 48

/* From a metric's unit to the one that people read: times in ms. */
double figure_scale(enum metric m);
/* At least three digits that count: 12345, 412.3, 41.23, 2.431, 0.0312; "-" for NAN. */
void figure_number(double value, char out[FIGURE_BYTES]);
/* The same with exactly `digits` that count (2..6). */
void figure_digits(double value, int digits, char out[FIGURE_BYTES]);
/* "412.3 +-1.2%" (half of the 95 % interval); "412.3 +-?" where it is unknown; "-" for
 * NAN. */
void figure_spread(const struct spread *s, char out[FIGURE_BYTES]);
/* "31%"; "-" for NAN. ratio: 0..1 */
void figure_percent(double ratio, char out[FIGURE_BYTES]);
/* "0:42", "12:05", "3:07:55"; "-" for NAN. */
void figure_duration(double seconds, char out[FIGURE_BYTES]);
/* "0.71x"; "-" for NAN. */
void figure_ratio(double ratio, char out[FIGURE_BYTES]);
/* How sure a ratio is: "0.69..0.73, worse", its 95 % interval and its verdict, if it has
 * one; "spread unknown" where there is no interval. */
void figure_certainty(const struct match_ratio *r, char out[FIGURE_BYTES]);
/* Appends what a verdict found, ": cache_hit_rate 0.31, limit 0.0", of the check (NULL:
 * none) that bears this code; nothing where there is none. */
void figure_finding(const struct findings *checks, const char *code, struct buf *out);

#endif
