#include "stats/contrast.h"

#include <math.h>

#include "stats/interval.h"

#define ERROR_SHARE 0.05

static const struct contrast unknown = {(double)NAN, (double)NAN, (double)NAN};

static double variance_of(struct contrast_sample s)
{
    double std = interval_std(s.y, s.count);
    return std * std;
}

struct contrast contrast_between(struct contrast_mean baseline,
                                 struct contrast_mean other)
{
    double a = baseline.variance, b = other.variance;
    struct contrast c = {.difference = other.mean - baseline.mean, .variance = a + b};
    c.freedom = c.variance * c.variance /
                (a * a / baseline.freedom + b * b / other.freedom);
    if (c.variance == 0)
        c.freedom = baseline.freedom + other.freedom;
    return c;
}

void contrast_add(struct contrast_sum *sum, const struct contrast *c)
{
    sum->difference += c->difference;
    sum->variance += c->variance;
    sum->squares += c->variance > 0 ? c->variance * c->variance / c->freedom : 0;
    sum->n++;
}

struct contrast contrast_of_sum(const struct contrast_sum *sum)
{
    double n = (double)sum->n;
    return (struct contrast){.difference = sum->difference / n,
                             .variance = sum->variance / (n * n),
                             .freedom = sum->variance * sum->variance / sum->squares};
}

struct contrast_mean contrast_mean_of(struct contrast_sample s)
{
    double n = (double)s.count;
    return (struct contrast_mean){interval_mean(s.y, s.count), variance_of(s) / n, n - 1};
}

struct contrast contrast_welch(struct contrast_sample baseline,
                               struct contrast_sample other)
{
    if (baseline.count == 0 || other.count == 0)
        return unknown;
    return contrast_between(contrast_mean_of(baseline), contrast_mean_of(other));
}

struct contrast contrast_paired(struct contrast_sample baseline,
                                struct contrast_sample other)
{
    struct contrast c = unknown;
    size_t count = baseline.count < other.count ? baseline.count : other.count;
    double n = (double)count, squares = 0;
    if (count == 0)
        return c;
    c.difference = interval_mean(other.y, count) - interval_mean(baseline.y, count);
    if (count < 2)
        return c;
    for (size_t i = 0; i < count; i++) {
        double off = other.y[i] - baseline.y[i] - c.difference;
        squares += off * off;
    }
    c.variance = squares / (n - 1) / n;
    c.freedom = n - 1;
    return c;
}

double contrast_half(const struct contrast *c)
{
    if (c->variance == 0)
        return 0;
    return interval_t_quantile(1 - ERROR_SHARE / 2, c->freedom) * sqrt(c->variance);
}

double contrast_p(const struct contrast *c)
{
    if (isnan(c->variance))
        return NAN;
    if (c->variance == 0)
        return c->difference == 0 ? 1 : 0;
    return 2 * interval_t_tail(fabs(c->difference) / sqrt(c->variance), c->freedom);
}

bool contrast_is_same(const struct contrast *c, double margin)
{
    double room = log1p(margin) - fabs(c->difference);
    if (isnan(c->variance) || !(room > 0))
        return false;
    return c->variance == 0 ||
           interval_t_tail(room / sqrt(c->variance), c->freedom) < ERROR_SHARE;
}

/* Indices of p, the smallest first. */
static void sort_order(const double *p, size_t count, size_t *order)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && p[order[at - 1]] > p[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

void contrast_holm(double *p, size_t count, size_t tests, size_t *scratch)
{
    double highest = 0;
    sort_order(p, count, scratch);
    for (size_t i = 0; i < count; i++) {
        double adjusted = fmin(1, (double)(tests - i) * p[scratch[i]]);
        highest = fmax(highest, adjusted);
        p[scratch[i]] = highest;
    }
}

long contrast_launches_of(double difference, double sd, long most)
{
    for (long l = 2; !isnan(sd) && l <= most; l++) {
        double se = sd * sqrt(2 / (double)l), d = fabs(difference);
        if (se == 0 || interval_t_tail(d / se, 2 * (double)l - 2) <= ERROR_SHARE / 2)
            return l;
    }
    return 0;
}

long contrast_launches_needed(const struct contrast *c, struct contrast_sample baseline,
                              struct contrast_sample other, long most)
{
    double n[2] = {(double)baseline.count, (double)other.count};
    double pooled = sqrt(
        ((n[0] - 1) * variance_of(baseline) + (n[1] - 1) * variance_of(other)) /
        (n[0] + n[1] - 2));
    return contrast_launches_of(c->difference, pooled, most);
}
