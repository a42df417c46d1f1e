#include "stats/stein.h"

#include <math.h>
#include <string.h>

#include "stats/interval.h"
#include "stats/match_field.h"

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

double stein_log(double x)
{
    return x > 0 && isfinite(x) ? log(x) : (double)NAN;
}

static double value_of(const struct row *row, enum metric m)
{
    return m < METRIC_COUNT ? field_num(row, metric_field(m, row)) : (double)NAN;
}

static bool is_of_launches(const struct row *fields)
{
    return field_is(fields, FIELD_target_unit, STEIN_LAUNCH);
}

/* Values of units, by cell. */
struct units {
    double (*x)[STEIN_FIRST]; /* [cell_count] */
    size_t *count;            /* [cell_count], STEIN_FIRST at most */
};

static void add_unit(struct units *u, int32_t cell, double x)
{
    if (u->count[cell] < STEIN_FIRST)
        u->x[cell][u->count[cell]++] = x;
}

static void take_repeats(const struct run_data *run, const struct row *rows,
                         enum metric m, struct units *out)
{
    for (size_t i = 0; i < run->repeat_count; i++)
        if (!run->repeats[i].is_warmup && !value_is_known(rows[i].v[FIELD_error]))
            add_unit(out, run->repeats[i].cell, value_of(&rows[i], m));
}

/* Each cell is one launch of the first like it. One whose repeats did not all succeed has
 * no value. */
static enum status take_launches(const struct run_data *run, const struct row *rows,
                                 enum metric m, struct units *out, struct arena *a)
{
    const int32_t *first = launches_first_cells(run, a);
    double *sums = arena_alloc(a, run->cell_count + 1, sizeof *sums);
    double *repeats = arena_alloc(a, run->cell_count + 1, sizeof *repeats);
    if (a->has_failed)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < run->repeat_count; i++) {
        int32_t c = run->repeats[i].cell;
        bool has_failed = value_is_known(rows[i].v[FIELD_error]);
        if (run->repeats[i].is_warmup && !has_failed)
            continue;
        sums[c] += has_failed ? (double)NAN : stein_log(value_of(&rows[i], m));
        repeats[c]++;
    }
    for (size_t c = 0; c < run->cell_count; c++) /* 0 / 0: nothing was measured */
        add_unit(out, first[c], exp(sums[c] / repeats[c]));
    for (size_t c = 0; c < run->cell_count; c++) {
        out->count[c] = out->count[first[c]];
        memcpy(out->x[c], out->x[first[c]], sizeof out->x[c]);
    }
    return STATUS_OK;
}

static enum status take_units(const struct run_data *run, const struct row *rows,
                              struct units *out, struct arena *a)
{
    enum metric m = stein_metric(field_str(&run->fields, FIELD_target_metric));
    out->x = arena_alloc(a, run->cell_count + 1, sizeof *out->x);
    out->count = arena_alloc(a, run->cell_count + 1, sizeof *out->count);
    if (a->has_failed)
        return STATUS_NO_MEMORY;
    if (is_of_launches(&run->fields))
        return take_launches(run, rows, m, out, a);
    take_repeats(run, rows, m, out);
    return STATUS_OK;
}

enum status stein_fill(const struct run_data *run, struct row *rows, struct arena *a)
{
    double share = field_num(&run->fields, FIELD_target_ci);
    bool has_target = !isnan(share);
    struct units u;
    if (has_target && take_units(run, rows, &u, a) != STATUS_OK)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < run->repeat_count; i++) {
        int32_t c = run->repeats[i].cell;
        struct stein s = {.n = 0};
        if (has_target)
            s = stein_of(u.x[c], u.count[c], share);
        rows[i].v[FIELD_stein_n0] = s.n > 0 ? value_int(STEIN_FIRST) : value_null();
        rows[i].v[FIELD_stein_s0] = s.n > 0 ? value_num(s.s0) : value_null();
        rows[i].v[FIELD_stein_n] = s.n > 0 ? value_int(s.n) : value_null();
    }
    return STATUS_OK;
}

double stein_s0(const struct row *row, enum metric m)
{
    return m == stein_metric(field_str(row, FIELD_target_metric))
               ? field_num(row, FIELD_stein_s0)
               : (double)NAN;
}

bool stein_is_of_units(const struct row *const *rows, size_t count, bool of_launches)
{
    if (count == 0 || is_of_launches(rows[0]) != of_launches)
        return false;
    for (size_t i = 1; of_launches && i < count; i++)
        if (!match_field_is_same(rows[0], rows[i], FIELD_run_id))
            return false;
    return true;
}

void stein_put_interval(const struct metric_rows *in, struct spread spreads[METRIC_COUNT])
{
    bool of_launches = in->launches.count > 1;
    if (!stein_is_of_units(in->items, in->count, of_launches))
        return;
    enum metric m = stein_metric(field_str(in->items[0], FIELD_target_metric));
    double s0 = field_num(in->items[0], FIELD_stein_s0);
    size_t units = of_launches ? in->launches.count : in->count;
    if (m == METRIC_COUNT || isnan(s0) || spreads[m].units != units)
        return;
    struct spread *s = &spreads[m];
    double half = stein_half(s0, units);
    if (!isfinite(s->logs.mean))
        return;
    s->ci95_low = exp(s->logs.mean - half);
    s->ci95_high = exp(s->logs.mean + half);
    s->logs.variance = s0 * s0 / (double)units;
}
