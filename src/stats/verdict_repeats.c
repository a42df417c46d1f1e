/* Judges of a cell: do its repeats agree, and are there enough? */

#include <math.h>

#include "stats/interval.h"
#include "stats/stein.h"
#include "stats/trend.h"
#include "stats/verdict_case.h"

/* Two repeats give no bound of their spread, but they prove one where they lie this many
 * limits apart: 20 % for the limit of 5 %. */
#define TWO_LIMITS 4
#define TREND_P    0.01

static double apart(const double two[2])
{
    return fmax(two[0], two[1]) / fmin(two[0], two[1]) - 1;
}

/* Blocks of a search have their own judge: each draws arrivals, so tokens/s differ. */
static bool are_blocks(const struct verdict_case *c)
{
    return c->cell->row_count > 0 && value_is_known(c->cell->rows[0]->v[FIELD_slo_block]);
}

void verdict_repeats_unrepeatable(struct verdict_case *c)
{
    if (are_blocks(c))
        return;
    if (c->rate_count == 2 && (c->run == NULL || c->run->definitions != 1)) {
        double gap = apart(c->rates), limit = TWO_LIMITS * c->limit;
        verdict_case_number(c, (struct verdict_number){gap, limit, gap > limit},
                            "two repeats %.3g %% apart, limit %.3g %%", gap * 100,
                            limit * 100);
        return;
    }
    double cv = interval_cv_lower_90(c->rates, c->rate_count);
    verdict_case_above(c, cv, "repeats vary by %.3g %% at least, limit %.3g %%", cv * 100,
                       c->limit * 100);
}

void verdict_repeats_trend(struct verdict_case *c)
{
    if (are_blocks(c))
        return;
    double drift = fabs(c->drift), p = trend_p(c->rates, c->rate_count);
    verdict_case_number(
        c, (struct verdict_number){drift, c->limit, p < TREND_P && drift > c->limit},
        "%.3g %% %s over the repeats, limit %.3g %%", drift * 100,
        c->drift > 0 ? "faster" : "slower", c->limit * 100);
}

void verdict_repeats_few(struct verdict_case *c)
{
    size_t n = c->cell->row_count;
    verdict_case_report(c,
                        (struct finding){.field = "count",
                                         .value = value_int((int64_t)n),
                                         .limit = c->limit},
                        (double)n <= c->limit);
}

/* Of a run with a target: as many repeats, or launches, as its first stage asks for? */
void verdict_repeats_target(struct verdict_case *c)
{
    if (c->cell->row_count == 0)
        return;
    const struct row *row = c->cell->rows[0];
    double share = field_num(row, FIELD_target_ci);
    if (isnan(share))
        return;
    bool of_launches = field_is(row, FIELD_target_unit, STEIN_LAUNCH);
    size_t units = of_launches
                       ? launches_of(c->cell->rows, c->cell->row_count, c->arena).count
                       : c->cell->row_count;
    double wanted = field_num(row, FIELD_stein_n), measured = (double)units;
    const char *name = of_launches ? "launches" : "measured repeats";
    const char *text =
        isnan(wanted)
            ? arena_text(c->arena,
                         "the first %d %s do not all know the metric, so nobody knows "
                         "how many the target takes",
                         STEIN_FIRST, of_launches ? "launches" : "repeats")
            : arena_text(c->arena, "+-%.3g %% takes %.0f %s, %.0f are there", share * 100,
                         wanted, name, measured);
    verdict_case_report(c,
                        (struct finding){.field = field_table[FIELD_stein_n].name,
                                         .value = row->v[FIELD_stein_n],
                                         .limit = measured,
                                         .text = text},
                        !(measured >= wanted));
}

/* What nobody asked for is missed by nobody. */
void verdict_repeats_few_samples(struct verdict_case *c)
{
    if (c->run == NULL || !c->run->has_asked_percentiles)
        return;
    for (size_t i = 0; i < 3; i++) {
        const struct verdict_samples *s = &c->cell->samples[i];
        if (s->samples == 0 || s->floor == 0)
            continue;
        verdict_case_report(
            c,
            (struct finding){.field = s->name,
                             .value = value_int((int64_t)s->samples),
                             .limit = (double)s->floor,
                             .text = arena_text(c->arena,
                                                "%s: %zu independent samples, %zu needed",
                                                s->name, s->samples, s->floor)},
            s->samples < s->floor);
    }
}
