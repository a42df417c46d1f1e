/* Are two settings different? Differences of logarithms over launches of the engine, with
 * an error probability. Pure; no allocation.
 *
 * A sample is one number a launch: the mean of ln x over its measured repeats. Launches
 * are the unit because the repeats of one launch share what that launch drew: its memory
 * layout, its compiled kernels, its neighbours. docs/compare.md has the sources. */
#ifndef STATS_CONTRAST_H
#define STATS_CONTRAST_H

#include <stdbool.h>
#include <stddef.h>

struct contrast_sample {
    const double *y; /* [count] */
    size_t count;
};

/* All NAN where a sample is empty; variance and freedom NAN where one is too small. */
struct contrast {
    double difference; /* other - baseline; exp of it is the ratio */
    double variance;   /* of the difference */
    double freedom;    /* degrees of, for Student's t */
};

/* A mean, its variance, and the degrees of freedom of that. */
struct contrast_mean {
    double mean, variance, freedom;
};

/* Of a sample's mean: all NAN of an empty one, variance NAN below 2 values. */
struct contrast_mean contrast_mean_of(struct contrast_sample s);

/* Unequal variances, degrees of freedom after Satterthwaite (Biometrics Bull. 2 (1946)
 * 110-114). */
struct contrast contrast_between(struct contrast_mean baseline,
                                 struct contrast_mean other);
/* The mean of n >= 1 independent ones; likewise. Added one by one to a zeroed sum. */
struct contrast_sum {
    double difference, variance, squares; /* squares: of variances by their degrees */
    size_t n;
};
void contrast_add(struct contrast_sum *sum, const struct contrast *c);
struct contrast contrast_of_sum(const struct contrast_sum *sum);

/* The same of samples (Welch, Biometrika 34 (1947) 28-35). Known from 2 values a side
 * on. */
struct contrast contrast_welch(struct contrast_sample baseline,
                               struct contrast_sample other);
/* Value k of one with value k of the other, of equal count: what drifts over a run hits
 * both. Known from 2 pairs on. */
struct contrast contrast_paired(struct contrast_sample baseline,
                                struct contrast_sample other);

/* Half width of the 95 % interval of the difference; NAN where the variance is. */
double contrast_half(const struct contrast *c);
/* Two-sided, of no difference at all; NAN likewise. */
double contrast_p(const struct contrast *c);
/* True if the ratio is within 1 / (1 + margin) .. 1 + margin, by two one-sided tests at
 * 5 % (Schuirmann, J. Pharmacokin. Biopharm. 15 (1987) 657-680). */
bool contrast_is_same(const struct contrast *c, double margin);

/* Adjusts p of shape [count], in place, for `tests` >= count tests made (Holm, Scand.
 * J. Statist. 6 (1979) 65-70): calling those that stay below 5 % different errs in any
 * with a probability of 5 % at most. scratch: of the same shape. None may be NAN. */
void contrast_holm(double *p, size_t count, size_t tests, size_t *scratch);

/* Launches a side that would tell the difference from none: the least L >= 2 with
 * t(.975, 2 L - 2) s sqrt(2 / L) <= |difference|, s the standard deviation of a launch,
 * pooled. 0 where more than `most` are needed or s is unknown. */
long contrast_launches_needed(const struct contrast *c, struct contrast_sample baseline,
                              struct contrast_sample other, long most);
/* The same of a standard deviation that is known otherwise. */
long contrast_launches_of(double difference, double sd, long most);

#endif
