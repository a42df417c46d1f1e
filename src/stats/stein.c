#include "stats/stein.h"

#include <math.h>
#include <string.h>

#include "stats/interval.h"

static double quantile(void)
{
    return interval_t_quantile(0.975, STEIN_FIRST - 1);
}

struct stein stein_of(const double *x, size_t count, double share)
{
    struct stein s = {.s0 = NAN};
    double y[STEIN_FIRST];
    if (count < STEIN_FIRST)
        return s;
    for (size_t i = 0; i < STEIN_FIRST; i++) {
        if (!(x[i] > 0) || !isfinite(x[i]))
            return s;
        y[i] = log(x[i]);
    }
    s.s0 = interval_std(y, STEIN_FIRST);
    double root = quantile() * s.s0 / log1p(share);
    double n = fmax(STEIN_FIRST, ceil(root * root));
    s.n = n < STEIN_MOST ? (int64_t)n : STEIN_MOST;
    return s;
}

double stein_half(double s0, size_t measured)
{
    return quantile() * s0 / sqrt((double)measured);
}

enum metric stein_metric(const char *name)
{
    int m = 0;
    while (m < METRIC_COUNT &&
           (name == NULL ||
            strcmp(field_table[field_of_metric((enum metric)m)].name, name) != 0))
        m++;
    return (enum metric)m;
}

static double value_of(const struct row *row, enum metric m)
{
    return m < METRIC_COUNT ? field_num(row, metric_field(m, row)) : (double)NAN;
}

static bool is_measured(const struct repeat_data *r, const struct row *row)
{
    return !r->is_warmup && !value_is_known(row->v[FIELD_error]);
}

static struct stein of_cell(const struct run_data *run, const struct row *rows,
                            int32_t cell)
{
    const char *name = field_str(&run->fields, FIELD_target_metric);
    enum metric m = stein_metric(name);
    double x[STEIN_FIRST];
    size_t n = 0;
    for (size_t i = 0; i < run->repeat_count && n < STEIN_FIRST; i++)
        if (run->repeats[i].cell == cell && is_measured(&run->repeats[i], &rows[i]))
            x[n++] = value_of(&rows[i], m);
    return stein_of(x, n, field_num(&run->fields, FIELD_target_ci));
}

enum status stein_fill(const struct run_data *run, struct row *rows, struct arena *a)
{
    bool has_target = !isnan(field_num(&run->fields, FIELD_target_ci));
    struct stein *cells = arena_alloc(a, run->cell_count + 1, sizeof *cells);
    if (cells == NULL)
        return STATUS_NO_MEMORY;
    for (size_t c = 0; c < run->cell_count && has_target; c++)
        cells[c] = of_cell(run, rows, (int32_t)c);
    for (size_t i = 0; i < run->repeat_count; i++) {
        const struct stein *s = &cells[run->repeats[i].cell];
        bool is_known = has_target && s->n > 0;
        rows[i].v[FIELD_stein_n0] = is_known ? value_int(STEIN_FIRST) : value_null();
        rows[i].v[FIELD_stein_s0] = is_known ? value_num(s->s0) : value_null();
        rows[i].v[FIELD_stein_n] = is_known ? value_int(s->n) : value_null();
    }
    return STATUS_OK;
}

double stein_s0(const struct row *row, enum metric m)
{
    return m == stein_metric(field_str(row, FIELD_target_metric))
               ? field_num(row, FIELD_stein_s0)
               : (double)NAN;
}

void stein_put_interval(const struct row *const *rows, size_t count,
                        struct spread spreads[METRIC_COUNT])
{
    const char *name = count > 0 ? field_str(rows[0], FIELD_target_metric) : NULL;
    enum metric m = stein_metric(name);
    double s0 = count > 0 ? field_num(rows[0], FIELD_stein_s0) : (double)NAN;
    if (m == METRIC_COUNT || isnan(s0) || spreads[m].count != count)
        return;
    struct spread *s = &spreads[m];
    double half = stein_half(s0, count);
    if (!isfinite(s->logs.mean))
        return;
    s->ci95_low = exp(s->logs.mean - half);
    s->ci95_high = exp(s->logs.mean + half);
    s->logs.variance = s0 * s0 / (double)count;
}
