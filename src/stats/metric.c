#include "stats/metric.h"

#include <math.h>

/* How a metric departs from the others. */
static const struct {
    bool has_window;      /* online: */
    enum field_id window; /* this field */
    bool is_inverse;      /* of a rate */
} special[METRIC_COUNT] = {
    [METRIC_tokens_per_second] = {.has_window = true,
                                  .window = FIELD_window_tokens_per_second},
    [METRIC_requests_per_second] = {.has_window = true,
                                    .window = FIELD_window_requests_per_second},
    [METRIC_usd_per_million_output_tokens] = {.is_inverse = true},
    [METRIC_usd_per_million_tokens] = {.is_inverse = true},
};

enum field_id metric_field(enum metric m, const struct row *row)
{
    bool is_window = special[m].has_window && field_is(row, FIELD_serving_mode, "online");
    return is_window ? special[m].window : field_of_metric(m);
}

double metric_value(const struct row *row, enum metric m)
{
    double value = field_num(row, metric_field(m, row));
    bool is_ours = value_is_known(row->v[FIELD_run_id]);
    return is_ours || !isnan(value) ? value : field_num(row, field_of_metric(m));
}

size_t metric_values(const struct row *const *rows, size_t count, enum metric m,
                     double *out)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        double value = metric_value(rows[i], m);
        if (!isnan(value))
            out[n++] = value;
    }
    return n;
}

/* Mean and interval by way of logarithms; NAN where a value is not positive. */
static void use_logs(struct spread *s, double t)
{
    double half = t * sqrt(s->logs.variance);
    s->mean = exp(s->logs.mean);
    s->ci95_low = exp(s->logs.mean - half);
    s->ci95_high = exp(s->logs.mean + half);
}

/* t: interval_t_95(count). */
static struct spread spread_of(enum metric m, int definitions, const double *values,
                               size_t count, double t)
{
    double mean = interval_mean(values, count), half = interval_half_95(values, count, t);
    struct spread s = {.count = count,
                       .units = count,
                       .mean = mean,
                       .min = count > 0 ? values[0] : NAN,
                       .max = count > 0 ? values[0] : NAN,
                       .std = interval_std(values, count),
                       .ci95_low = mean - half,
                       .ci95_high = mean + half,
                       .logs = interval_of_logs(values, count)};
    for (size_t i = 1; i < count; i++) {
        s.min = values[i] < s.min ? values[i] : s.min;
        s.max = values[i] > s.max ? values[i] : s.max;
    }
    if (special[m].is_inverse && definitions != 1)
        use_logs(&s, t);
    return s;
}

struct spread metric_spread(enum metric m, int definitions, const double *values,
                            size_t count)
{
    return spread_of(m, definitions, values, count, interval_t_95(count));
}

/* Means of the launches that know the metric, into means of shape [2 * launches.count];
 * of_logs: geometric ones, none at all where a value is not positive. How many. */
static size_t means_of(const struct metric_rows *in, enum metric m, bool of_logs,
                       double *values, double *means)
{
    size_t n = 0;
    for (size_t i = 0; i < in->count; i++) {
        values[i] = metric_value(in->items[i], m);
        if (of_logs && values[i] <= 0)
            return 0;
        values[i] = of_logs ? log(values[i]) : values[i];
    }
    launches_means(&in->launches, values, in->count, means);
    for (size_t l = 0; l < in->launches.count; l++)
        if (!isnan(means[l]))
            means[n++] = of_logs ? exp(means[l]) : means[l];
    return n;
}

static void use_launches(struct spread *s, const struct metric_rows *in, enum metric m,
                         double *scratch)
{
    double *means = scratch + in->count;
    s->units = means_of(in, m, false, scratch, means);
    s->is_over_launches = true;
    double t = interval_t_95(s->units);
    double half = interval_half_95(means, s->units, t);
    s->mean = interval_mean(means, s->units);
    s->ci95_low = s->mean - half;
    s->ci95_high = s->mean + half;
    s->logs = interval_of_logs(means, means_of(in, m, true, scratch, means));
    if (special[m].is_inverse && in->definitions != 1)
        use_logs(s, t);
}

void metric_spreads(const struct metric_rows *in, double *scratch,
                    struct spread out[METRIC_COUNT])
{
    size_t last = 0;
    double t = interval_t_95(last);
    for (int m = 0; m < METRIC_COUNT; m++) {
        size_t n = metric_values(in->items, in->count, (enum metric)m, scratch);
        if (n != last)
            t = interval_t_95(n);
        last = n;
        out[m] = spread_of((enum metric)m, in->definitions, scratch, n, t);
        if (in->launches.count > 1 && n > 0)
            use_launches(&out[m], in, (enum metric)m, scratch);
    }
}

void metric_costs(const struct row *row, struct metric_costs *out)
{
    enum field_id rate = metric_field(METRIC_tokens_per_second, row);
    double in = field_num(row, FIELD_actual_input_tokens),
           tokens = field_num(row, FIELD_actual_output_tokens);
    out->output_usd = field_num(row, FIELD_price_usd_per_hour) / 3600 /
                      field_num(row, rate) * 1e6;
    out->all_usd = out->output_usd * (tokens / (in + tokens));
    out->joules = field_num(row, FIELD_energy_j) / tokens;
}
