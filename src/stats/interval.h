/* Means and their uncertainty. Pure; no allocation. */
#ifndef STATS_INTERVAL_H
#define STATS_INTERVAL_H

#include <stddef.h>

/* NAN when empty. Sum, then a second pass over the residuals. */
double interval_mean(const double *values, size_t count);
/* Sample standard deviation (n - 1), two passes; NAN below 2 values. */
double interval_std(const double *values, size_t count);
/* NAN when empty or where a value is not positive. */
double interval_geometric_mean(const double *values, size_t count);

/* Of the logarithms of values: their mean, and the variance of that mean, NAN below 3
 * values. Both NAN where a value is not positive or there is none. */
struct interval_logs {
    double mean, variance;
};
struct interval_logs interval_of_logs(const double *values, size_t count);

/* Student's t of the 95 % interval of a mean of so many values; NAN below 3. */
double interval_t_95(size_t count);
/* Half width of that interval; t: interval_t_95(count), which takes longer than the rest
 * and is the same for all metrics of a cell. */
double interval_half_95(const double *values, size_t count, double t);

/* Quantile of Student's t, 0 < p < 1, df > 0 (need not be integral); relative error <
 * 1e-9. Inverts P(T > t) = I(df / (df + t^2); df / 2, 1 / 2) / 2 by bisection (Abramowitz
 * & Stegun 26.7.1). NAN outside. */
double interval_t_quantile(double p, double df);
/* P(T > t) of it, t >= 0. */
double interval_t_tail(double t, double df);
/* Quantile of chi-square, 0 < p < 1, df > 0: inverts P(df / 2, x / 2) (A & S 26.4.19). */
double interval_chi2_quantile(double p, double df);

/* Regularised incomplete beta I(x; a, b), continued fraction of DLMF 8.17.22 by the
 * modified Lentz method. 0 <= x <= 1, a, b > 0. */
double interval_beta_inc(double x, double a, double b);
/* Regularised lower incomplete gamma P(a, x): series DLMF 8.11.4, continued
 * fraction 8.9.2. */
double interval_gamma_inc(double a, double x);

/* std / |mean|; NAN below 2 values or with mean 0. */
double interval_cv(const double *values, size_t count);
/* One-sided lower 90 % confidence bound of the coefficient of variation, modified McKay
 * interval: K / sqrt(((u + 2) / n - 1) K^2 + u / (n - 1)), u the 90 % quantile of
 * chi-square with n - 1 degrees (Vangel, The American Statistician 50 (1996) 21-26). NAN
 * below 3 values. */
double interval_cv_lower_90(const double *values, size_t count);

/* Least n >= 3 for which the 95 % interval of the mean would be +-`share` of it, if the
 * coefficient of variation is cv: t(0.975, n - 1) cv / sqrt(n) <= share. 0 where cv is
 * NAN. */
long interval_repeats_needed(double cv, double share);
/* The same of the logarithms, whose interval is to be within a factor of 1 + share: at
 * the two ends of an 80 % interval of their standard deviation s, by chi-square: s
 * sqrt((n - 1) / chi2(.9 | .1, n - 1)). Both 0 below 3 values, and where one is not
 * positive. */
struct interval_repeats {
    long low, high;
};
struct interval_repeats interval_repeats_range(const double *values, size_t count,
                                               double share);

#endif
