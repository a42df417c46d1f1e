#include "stats/launches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "stats/match_field.h"

struct named {
    struct str id;
    double block; /* -1: in none */
    size_t row;
};

static int by_id(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    if (x->id.len != y->id.len)
        return x->id.len < y->id.len ? -1 : 1;
    int order = x->id.len > 0 ? memcmp(x->id.ptr, y->id.ptr, x->id.len) : 0;
    if (order == 0)
        order = (x->block > y->block) - (x->block < y->block);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static struct str id_of(const struct row *row)
{
    return str_from(match_field_launch(row));
}

static double block_of(const struct row *row)
{
    double block = field_num(row, FIELD_ab_block);
    return isnan(block) ? -1 : block;
}

static bool are_one(const struct row *const *rows, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!str_equal(id_of(rows[i]), id_of(rows[0])) ||
            block_of(rows[i]) != block_of(rows[0]))
            return false;
    return true;
}

struct launches launches_of(const struct row *const *rows, size_t count, struct arena *a)
{
    struct launches l = {.of = NULL, .count = count > 0};
    l.named = count > 0 && id_of(rows[0]).len > 0;
    if (are_one(rows, count))
        return l;
    struct named *all = arena_alloc(a, count, sizeof *all);
    size_t *of = arena_alloc(a, count, sizeof *of);
    if (all == NULL || of == NULL)
        return l;
    for (size_t i = 0; i < count; i++)
        all[i] = (struct named){id_of(rows[i]), block_of(rows[i]), i};
    qsort(all, count, sizeof *all, by_id);
    l.count = l.named = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_new = i == 0 || !str_equal(all[i].id, all[i - 1].id);
        l.named += is_new && all[i].id.len > 0;
        l.count += is_new || all[i].block != all[i - 1].block;
        of[all[i].row] = l.count - 1;
    }
    l.of = of;
    return l;
}

/* What repeats of one cell in several launches of its engine have in common. */
static const enum field_id common[] = {
    FIELD_setting_position, FIELD_plan_sha256,       FIELD_scenario, FIELD_batch_size,
    FIELD_request_rate,     FIELD_max_output_tokens, FIELD_cache_arm};

static bool is_another_launch(const struct cell_data *a, const struct cell_data *b)
{
    if (!value_is_known(a->fields.v[FIELD_setting_position]) ||
        !value_is_known(a->fields.v[FIELD_plan_sha256]))
        return false; /* of an older journal: its cells are told apart by their number */
    const char *launch = field_str(&a->fields, FIELD_launch_id),
               *other = field_str(&b->fields, FIELD_launch_id);
    if (launch != NULL && other != NULL && strcmp(launch, other) == 0)
        return false;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (!match_field_is_same(&a->fields, &b->fields, common[i]))
            return false;
    return true;
}

const int32_t *launches_first_cells(const struct run_data *run, struct arena *a)
{
    int32_t *first = arena_alloc(a, run->cell_count, sizeof *first);
    for (size_t i = 0; first != NULL && i < run->cell_count; i++) {
        size_t k = 0;
        while (k < i && !is_another_launch(&run->cells[k], &run->cells[i]))
            k++;
        first[i] = (int32_t)k;
    }
    return first;
}

void launches_means(const struct launches *l, const double *values, size_t rows,
                    double *means)
{
    double *known = means + l->count;
    for (size_t k = 0; k < l->count; k++)
        means[k] = known[k] = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t k = l->of != NULL ? l->of[i] : 0;
        if (isnan(values[i]))
            continue;
        means[k] += values[i];
        known[k]++;
    }
    for (size_t k = 0; k < l->count; k++)
        means[k] = known[k] > 0 ? means[k] / known[k] : (double)NAN;
}
