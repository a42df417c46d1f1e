#include "stats/floor.h"

#include <math.h>

#include "stats/agree.h"
#include "stats/interval.h"
#include "stats/match_field.h"

#define ERROR_SHARE 0.05
#define POWER       0.80

double floor_single(double launch_sd, size_t launches)
{
    double t = interval_t_quantile(1 - ERROR_SHARE / 2, (double)launches - 1);
    return expm1(t * launch_sd * sqrt(2));
}

double floor_seen(double launch_sd, int each)
{
    double freedom = 2 * (double)each - 2;
    double t = interval_t_quantile(1 - ERROR_SHARE / 2, freedom) +
               interval_t_quantile(POWER, freedom);
    return expm1(t * launch_sd * sqrt(2 / (double)each));
}

/* Of these it is told that they differ: all else makes another cell. */
static bool is_of_machine(enum field_id id)
{
    return field_table[id].role == ROLE_MACHINE || id == FIELD_engine ||
           id == FIELD_engine_version;
}

/* Settings are compared one by one: their digest holds the engine's version, too. */
static bool differs(const struct floor_cell *c, const struct row *row, enum field_id id)
{
    return id != FIELD_settings_sha256 && agree_of(id, AGREE_FLOOR) != AGREE_SILENT &&
           !match_field_is_equal(c->row, row, id);
}

static enum floor_fit fit_of_settings(const struct floor_cell *c, const struct row *row,
                                      bool are_alike)
{
    return are_alike && match_field_is_equal(c->row, row, FIELD_settings_sha256)
               ? FLOOR_FITS
               : FLOOR_OTHER_SETTINGS;
}

enum floor_fit floor_fit(const struct floor_cell *c, const struct row *row,
                         enum field_id *why)
{
    bool are_alike = true;
    bool is_known = match_field_is_known(row, FIELD_machine_sha256);
    enum field_id of_machine = is_known ? FIELD_COUNT : FIELD_machine_sha256;
    *why = FIELD_COUNT;
    for (int i = 0; i < FIELD_COUNT; i++) {
        enum field_id id = (enum field_id)i;
        if (!differs(c, row, id))
            continue;
        if (agree_of(id, AGREE_FLOOR) != AGREE_MUST)
            are_alike = false;
        else if (!is_of_machine(id))
            return FLOOR_UNFIT;
        else if (of_machine == FIELD_COUNT)
            of_machine = id;
    }
    *why = are_alike ? of_machine : FIELD_COUNT;
    return of_machine == FIELD_COUNT ? fit_of_settings(c, row, are_alike) : FLOOR_UNFIT;
}

const struct floor_figure *floor_figure(const struct floor_cell *c, enum field_id id)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->figures[i].field == id)
            return &c->figures[i];
    return NULL;
}

/* s^2 (1 / m - 1 / r): what the mean of fewer repeats varies by more. */
static double of_fewer_repeats(const struct floor_side *s)
{
    double more = 1 / s->repeats - 1 / s->floor_repeats;
    return more > 0 ? s->repeat_sd * s->repeat_sd * more : 0;
}

/* A variance of so many degrees of freedom more. */
static void add(struct contrast_sum *sum, double variance, double freedom)
{
    const struct contrast part = {
        .difference = 0, .variance = variance, .freedom = freedom};
    contrast_add(sum, &part);
}

struct contrast floor_contrast(double difference, const struct floor_side sides[2],
                               bool is_shared)
{
    struct contrast_sum sum = {.n = 0};
    const struct floor_side *a = &sides[0], *b = &sides[1];
    double a_launch = a->launch_sd * a->launch_sd, b_launch = b->launch_sd * b->launch_sd;
    double a_within = of_fewer_repeats(a), b_within = of_fewer_repeats(b);
    add(&sum, is_shared ? 2 * a_launch : a_launch, a->launches - 1);
    add(&sum, is_shared ? a_within + b_within : a_within, a->within);
    if (!is_shared) {
        add(&sum, b_launch, b->launches - 1);
        add(&sum, b_within, b->within);
    }
    sum.n = 1; /* a sum, no mean */
    struct contrast c = contrast_of_sum(&sum);
    c.difference = difference;
    return c;
}
