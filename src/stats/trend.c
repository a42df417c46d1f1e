#include "stats/trend.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/quantile.h"

#define MAX_S (TREND_EXACT_MAX * (TREND_EXACT_MAX - 1) / 2)

/* Means of blocks of one size, at most TREND_MAX and at least half as many; what is left
 * at the end is left out. How many. */
static size_t thin(const double *values, size_t count, double out[TREND_MAX])
{
    size_t block = (count + TREND_MAX - 1) / TREND_MAX, n = count / block;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < block; k++)
            sum += values[i * block + k];
        out[i] = sum / (double)block;
    }
    return n;
}

static long score(const double *values, size_t count)
{
    long s = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            s += (values[j] > values[i]) - (values[j] < values[i]);
    return s;
}

/* Sum of t (t - 1) (2 t + 5) over groups of t equal values; 0 without ties. */
static double tie_term(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        size_t equal = 0;
        int is_first = 1;
        for (size_t j = 0; j < count; j++) {
            if (values[j] == values[i]) {
                equal++;
                if (j < i)
                    is_first = 0;
            }
        }
        if (is_first && equal > 1) {
            double t = (double)equal;
            sum += t * (t - 1) * (2 * t + 5);
        }
    }
    return sum;
}

/* P(|S| >= |s|) over all orders of n distinct values. The number of orders with k
 * inversions comes from inserting the n-th value at each of its n places. */
static double exact_p(long s, size_t n)
{
    double orders[MAX_S + 1] = {1}, all = 1;
    size_t pairs = n * (n - 1) / 2;
    for (size_t m = 2; m <= n; m++) {
        for (size_t k = m * (m - 1) / 2; k + 1 > 0; k--) {
            double sum = 0;
            for (size_t i = 0; i < m && i <= k; i++)
                sum += orders[k - i];
            orders[k] = sum;
        }
        all *= (double)m;
    }
    double beyond = 0;
    for (size_t k = 0; k <= pairs; k++)
        if (labs((long)pairs - 2 * (long)k) >= labs(s))
            beyond += orders[k];
    return beyond / all;
}

double trend_p(const double *values, size_t count)
{
    double means[TREND_MAX];
    if (count < 3)
        return NAN;
    if (count > TREND_MAX)
        return trend_p(means, thin(values, count, means));
    long s = score(values, count);
    double n = (double)count, ties = tie_term(values, count);
    if (ties == 0 && count <= TREND_EXACT_MAX)
        return exact_p(s, count);
    double variance = (n * (n - 1) * (2 * n + 5) - ties) / 18;
    if (variance <= 0 || s == 0)
        return 1;
    double z = ((double)labs(s) - 1) / sqrt(variance);
    return erfc(z / sqrt(2.0));
}

enum status trend_drift(const double *values, size_t count, double *out)
{
    double means[TREND_MAX];
    if (count < 2) {
        *out = NAN;
        return STATUS_OK;
    }
    if (count > TREND_MAX)
        return trend_drift(means, thin(values, count, means), out);
    size_t pairs = count * (count - 1) / 2, n = 0;
    double *work = mem_alloc(pairs > count ? pairs : count, sizeof *work);
    if (work == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        work[i] = values[i];
    double median = fabs(quantile_median(work, count));
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            work[n++] = (values[j] - values[i]) / (double)(j - i);
    double slope = quantile_median(work, pairs);
    *out = median > 0 ? slope * (double)(count - 1) / median : NAN;
    mem_free(work);
    return STATUS_OK;
}
