#include "stats/interval.h"

#include <float.h>
#include <math.h>

#define MAX_TERMS 10000
#define TINY      1e-300
#define PI        3.14159265358979323846

double interval_mean(const double *values, size_t count)
{
    if (count == 0)
        return NAN;
    double sum = 0, rest = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        rest += values[i] - mean;
    return mean + rest / (double)count;
}

double interval_std(const double *values, size_t count)
{
    if (count < 2)
        return NAN;
    double mean = interval_mean(values, count), squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (double)(count - 1));
}

double interval_geometric_mean(const double *values, size_t count)
{
    if (count == 0)
        return NAN;
    double logs = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(values[i] > 0))
            return NAN;
        logs += log(values[i]);
    }
    return exp(logs / (double)count);
}

struct interval_logs interval_of_logs(const double *values, size_t count)
{
    struct interval_logs l = {.mean = log(interval_geometric_mean(values, count)),
                              .variance = NAN};
    double n = (double)count, squares = 0;
    if (count < 3 || isnan(l.mean))
        return l;
    for (size_t i = 0; i < count; i++) {
        double off = log(values[i]) - l.mean;
        squares += off * off;
    }
    l.variance = squares / (n - 1) / n;
    return l;
}

double interval_t_95(size_t count)
{
    return count < 3 ? NAN : interval_t_quantile(0.975, (double)count - 1);
}

double interval_half_95(const double *values, size_t count, double t)
{
    return t * interval_std(values, count) / sqrt((double)count);
}

/* The fraction b1 / (1 + ...) of DLMF 8.17.22; converges fast for x < (a + 1) / (a + b +
 * 2). */
static double beta_fraction(double x, double a, double b)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < TINY ? TINY : d);
    double f = d;
    for (int m = 1; m < MAX_TERMS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step = 1;
        for (int k = 0; k < 2; k++) {
            double term = k == 0 ? even : odd;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < TINY ? TINY : d);
            c = fabs(c) < TINY ? TINY : c;
            step = c * d;
            f *= step;
        }
        if (fabs(step - 1) < DBL_EPSILON)
            break;
    }
    return f;
}

double interval_beta_inc(double x, double a, double b)
{
    if (!(a > 0 && b > 0 && x >= 0 && x <= 1))
        return NAN;
    if (x <= 0 || x >= 1)
        return x;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) +
                       b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

static double gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int k = 1; k < MAX_TERMS && fabs(term) > fabs(sum) * DBL_EPSILON; k++) {
        term *= x / (a + k);
        sum += term;
    }
    return sum * exp(-x + a * log(x) - lgamma(a));
}

/* Upper function Q(a, x). */
static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1 / TINY, d = 1 / b, f = d;
    for (int k = 1; k < MAX_TERMS; k++) {
        double term = -k * (k - a);
        b += 2;
        d = term * d + b;
        c = b + term / c;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = fabs(c) < TINY ? TINY : c;
        f *= c * d;
        if (fabs(c * d - 1) < DBL_EPSILON)
            break;
    }
    return f * exp(-x + a * log(x) - lgamma(a));
}

double interval_gamma_inc(double a, double x)
{
    if (!(a > 0 && x >= 0))
        return NAN;
    if (x <= 0)
        return 0;
    return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

double interval_t_tail(double t, double df)
{
    double x = df / (df + t * t);
    return 0.5 * interval_beta_inc(x, df / 2, 0.5);
}

/* Where a function that falls from above `value` meets it, from 0 on; high: a first
 * guess. */
static double inverse(double (*of)(double x, double df), double df, double value,
                      double high)
{
    double low = 0;
    while (of(high, df) > value && high < DBL_MAX / 4)
        high *= 2;
    for (int i = 0; i < 200 && high - low > high * DBL_EPSILON; i++) {
        double middle = low + (high - low) / 2;
        if (of(middle, df) > value)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}

/* Where the tail is so much, 0 < tail < 0.5: Newton's steps, halving the interval where
 * one leaves it. The slope of the tail is Student's density. */
static double t_of_tail(double tail, double df)
{
    double scale = exp(lgamma((df + 1) / 2) - lgamma(df / 2)) / sqrt(df * PI);
    double low = 0, high = 1;
    while (interval_t_tail(high, df) > tail && high < DBL_MAX / 4)
        high *= 2;
    double t = high;
    for (int i = 0; i < 200; i++) {
        double off = interval_t_tail(t, df) - tail;
        *(off > 0 ? &low : &high) = t;
        double slope = scale * exp(-(df + 1) / 2 * log1p(t * t / df));
        double next = t + off / slope;
        if (!(next >= low && next <= high))
            next = low + (high - low) / 2;
        double step = fabs(next - t);
        t = next;
        if (step <= t * DBL_EPSILON * 4)
            break;
    }
    return t;
}

double interval_t_quantile(double p, double df)
{
    if (!(p > 0 && p < 1 && df > 0))
        return NAN;
    if (p == 0.5)
        return 0;
    double t = t_of_tail(p < 0.5 ? p : 1 - p, df);
    return p < 0.5 ? -t : t;
}

/* Less than 0: it falls, as what is inverted has to. */
static double chi2_below(double x, double df)
{
    return -interval_gamma_inc(df / 2, x / 2);
}

double interval_chi2_quantile(double p, double df)
{
    return p > 0 && p < 1 && df > 0 ? inverse(chi2_below, df, -p, df + 1) : (double)NAN;
}

double interval_cv(const double *values, size_t count)
{
    double mean = fabs(interval_mean(values, count));
    return mean > 0 ? interval_std(values, count) / mean : NAN;
}

double interval_cv_lower_90(const double *values, size_t count)
{
    if (count < 3)
        return NAN;
    double n = (double)count, k = interval_cv(values, count);
    double u = interval_chi2_quantile(0.9, n - 1);
    double inner = ((u + 2) / n - 1) * k * k + u / (n - 1);
    return inner > 0 ? k / sqrt(inner) : NAN;
}

long interval_repeats_needed(double cv, double share)
{
    if (!isfinite(cv) || cv < 0 || !(share > 0))
        return 0;
    /* t exceeds the normal 1.95996, so the answer is not below this. */
    double start = floor(pow(1.95996 * cv / share, 2));
    if (start > 1e9)
        return 0;
    long n = start < 3 ? 3 : (long)start;
    while (interval_t_quantile(0.975, (double)n - 1) * cv / sqrt((double)n) > share)
        n++;
    return n;
}

struct interval_repeats interval_repeats_range(const double *values, size_t count,
                                               double share)
{
    struct interval_repeats r = {0, 0};
    double n = (double)count;
    double s = sqrt(interval_of_logs(values, count).variance * n);
    if (isnan(s))
        return r;
    double low = s * sqrt((n - 1) / interval_chi2_quantile(0.9, n - 1));
    double high = s * sqrt((n - 1) / interval_chi2_quantile(0.1, n - 1));
    r.low = interval_repeats_needed(low, log1p(share));
    r.high = interval_repeats_needed(high, log1p(share));
    return r;
}
