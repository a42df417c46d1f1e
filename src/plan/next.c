#include "plan/next.h"

#include <math.h>

#include "plan/blocks.h"
#include "stats/stein.h"

/* Failures that another engine of the same kind would meet again. */
static bool is_final(enum status s)
{
    return s == STATUS_NOT_FOUND || s == STATUS_UNSUPPORTED || s == STATUS_BAD_OPTION ||
           s == STATUS_BAD_INPUT;
}

size_t next_group(const struct plan *p, size_t cell)
{
    return p->options.ab_blocks > 0 ? cell / 2 : cell;
}

/* Outcomes of the group that had the last one. */
static size_t count_last(const struct plan *p, const struct next_history *past)
{
    size_t group = next_group(p, past->items[past->count - 1].turn.cell), n = 0;
    while (n < past->count &&
           next_group(p, past->items[past->count - 1 - n].turn.cell) == group)
        n++;
    return n;
}

/* The last repeat failed, and no other cell will do better: nothing mends it, or the
 * group before failed too. */
static bool is_over(const struct plan *p, const struct next_history *past)
{
    enum status s = past->items[past->count - 1].status;
    size_t n = count_last(p, past);
    return is_final(s) || (s != STATUS_OK && n < past->count &&
                           past->items[past->count - 1 - n].status != STATUS_OK);
}

/* The grid with so many repeats a cell. */
static bool next_of_repeats(const struct plan *p, int64_t repeats,
                            const struct next_history *past, struct next_turn *out)
{
    *out = (struct next_turn){0};
    if (past->count == 0)
        return p->cell_count > 0;
    const struct next_outcome *last = &past->items[past->count - 1];
    *out = last->turn;
    if (last->status == STATUS_OK && ++out->repeat < repeats)
        return true;
    if (is_over(p, past))
        return false;
    *out = (struct next_turn){.cell = last->turn.cell + 1};
    return out->cell < p->cell_count;
}

bool next_of_blocks(const struct plan *p, const struct next_history *past,
                    struct next_turn *out)
{
    size_t pair = 0, n = 0;
    *out = (struct next_turn){0};
    if (past->count > 0) {
        const struct next_outcome *last = &past->items[past->count - 1];
        pair = next_group(p, last->turn.cell);
        n = count_last(p, past);
        if (last->status != STATUS_OK || n == 2 * (size_t)p->options.num_runs) {
            if (is_over(p, past))
                return false;
            pair++;
            n = 0;
        }
    }
    if (2 * pair >= p->cell_count)
        return false;
    blocks_turn(p, pair, n, &out->cell, &out->repeat);
    return true;
}

bool next_of_grid(const struct plan *p, const struct next_history *past,
                  struct next_turn *out)
{
    return next_of_repeats(p, p->options.num_runs, past, out);
}

/* --- a target */

int64_t next_sure_repeats(const struct plan *p)
{
    if (p->options.search != NULL)
        return 2;
    if (!(p->options.target_share > 0) || p->options.is_target_of_launches)
        return p->options.num_runs;
    return p->options.num_runs < STEIN_FIRST + 1 ? p->options.num_runs : STEIN_FIRST + 1;
}

static int64_t all_launches(const struct plan *p)
{
    return p->options.launches > 1 ? p->options.launches : 1;
}

int64_t next_sure_launches(const struct plan *p)
{
    int64_t most = all_launches(p);
    return p->options.is_target_of_launches && most > STEIN_FIRST ? STEIN_FIRST : most;
}

static size_t cells_of_launch(const struct plan *p)
{
    return p->cell_count / (size_t)all_launches(p);
}

/* The next turn of the grid is one of the second stage. */
static bool is_late_launch(const struct plan *p, const struct next_history *past)
{
    struct next_turn t;
    return past->count > 0 && next_of_repeats(p, p->options.num_runs, past, &t) &&
           t.cell >= STEIN_FIRST * cells_of_launch(p);
}

bool next_is_second_stage(const struct plan *p, const struct next_history *past)
{
    if (p->options.is_target_of_launches)
        return is_late_launch(p, past);
    struct next_turn ignored;
    const struct next_outcome *last = past->count > 0 ? &past->items[past->count - 1]
                                                      : NULL;
    if (last == NULL || p->cell_count == 0)
        return false;
    if (last->turn.repeat >= next_sure_repeats(p))
        return true;
    return !next_of_repeats(p, next_sure_repeats(p), past, &ignored) &&
           last->turn.cell + 1 == p->cell_count;
}

/* Values of a cell's first stage, and how many repeats it has; false: one failed, or one
 * that came later did. */
static bool look_at(const struct next_history *past, size_t cell, double x[STEIN_FIRST],
                    int64_t *measured)
{
    bool is_whole = true;
    *measured = 0;
    for (size_t i = 0; i < past->count; i++) {
        const struct next_outcome *o = &past->items[i];
        if (o->turn.cell == cell && o->turn.repeat > 0) {
            if (*measured < STEIN_FIRST)
                x[*measured] = o->value;
            (*measured)++;
        }
        if (o->turn.cell == cell)
            is_whole = true;
        is_whole = is_whole && o->status == STATUS_OK;
    }
    return is_whole && *measured > 0;
}

/* Measured repeats that a cell lacks. */
static int64_t lacks(const struct plan *p, const struct next_history *past, size_t cell,
                     int64_t *measured)
{
    double x[STEIN_FIRST];
    if (!look_at(past, cell, x, measured))
        return 0;
    size_t known = *measured < STEIN_FIRST ? (size_t)*measured : STEIN_FIRST;
    int64_t most = p->options.num_runs - 1;
    int64_t n = stein_of(x, known, p->options.target_share).n;
    n = n < most ? n : most;
    return n > *measured ? n - *measured : 0;
}

/* Of the cell of that number in each launch: the launches that it takes; 0: unknown, for
 * one of the first has no value. */
static int64_t takes(const struct plan *p, const struct next_history *past, size_t cell)
{
    double sums[STEIN_FIRST] = {0}, x[STEIN_FIRST];
    int64_t repeats[STEIN_FIRST] = {0};
    size_t per = cells_of_launch(p);
    for (size_t i = 0; i < past->count; i++) {
        const struct next_outcome *o = &past->items[i];
        size_t launch = o->turn.cell / per;
        if (o->turn.cell % per != cell || launch >= STEIN_FIRST)
            continue;
        if (o->status != STATUS_OK)
            return 0;
        if (o->turn.repeat == 0)
            continue;
        sums[launch] += stein_log(o->value);
        repeats[launch]++;
    }
    for (size_t l = 0; l < STEIN_FIRST; l++)
        x[l] = exp(sums[l] / (double)repeats[l]); /* of none NAN */
    return stein_of(x, STEIN_FIRST, p->options.target_share).n;
}

/* Launches there will be: those of the cell that takes most. */
static int64_t launches_to_come(const struct plan *p, const struct next_history *past)
{
    int64_t most = next_sure_launches(p);
    for (size_t cell = 0; cell < cells_of_launch(p); cell++) {
        int64_t n = takes(p, past, cell);
        most = n > most ? n : most;
    }
    return most < all_launches(p) ? most : all_launches(p);
}

/* A launch that has begun is finished. */
static bool next_of_launches(const struct plan *p, const struct next_history *past,
                             struct next_turn *out)
{
    size_t per = cells_of_launch(p);
    double most_s = p->options.target_max_s;
    if (!next_of_repeats(p, p->options.num_runs, past, out))
        return false;
    if (out->repeat > 0 || out->cell % per != 0 || !is_late_launch(p, past))
        return true;
    if (most_s > 0 && past->items[past->count - 1].end_s >= most_s)
        return false;
    return launches_to_come(p, past) > (int64_t)(out->cell / per);
}

bool next_of_target(const struct plan *p, const struct next_history *past,
                    struct next_turn *out)
{
    if (p->options.is_target_of_launches)
        return next_of_launches(p, past, out);
    if (!next_is_second_stage(p, past))
        return next_of_repeats(p, next_sure_repeats(p), past, out);
    const struct next_outcome *last = &past->items[past->count - 1];
    double most_s = p->options.target_max_s;
    size_t from = last->turn.repeat >= next_sure_repeats(p) ? last->turn.cell : 0;
    if (most_s > 0 && last->end_s >= most_s)
        return false;
    for (size_t cell = from; cell < p->cell_count; cell++) {
        int64_t measured;
        if (lacks(p, past, cell, &measured) == 0)
            continue;
        *out = (struct next_turn){.cell = cell, .repeat = measured + 1};
        return true;
    }
    return false;
}

int64_t next_known_turns(const struct plan *p, const struct next_history *past)
{
    int64_t launch = (int64_t)cells_of_launch(p) * next_sure_repeats(p);
    int64_t turns = launch * next_sure_launches(p), measured;
    if (!next_is_second_stage(p, past))
        return turns;
    if (p->options.is_target_of_launches)
        return launch * launches_to_come(p, past);
    turns = (int64_t)past->count;
    for (size_t cell = 0; cell < p->cell_count; cell++)
        turns += lacks(p, past, cell, &measured);
    return turns;
}

/* --- a search */

double next_level_of(const struct plan *p, size_t cell)
{
    const struct load *l = p->cells[cell].load;
    bool is_rate = l->kind == LOAD_OPEN;
    if (is_rate != p->options.search->is_rate)
        return NAN;
    return is_rate ? l->rate_rps : (double)l->concurrency;
}

/* Does it start from what a closed load reached? */
static bool has_start(const struct plan *p)
{
    return isnan(next_level_of(p, 0));
}

struct search_past {
    const struct plan *plan;
    const struct next_history *past;
};

static struct capacity_outcome outcome_at(const void *arg, size_t i)
{
    const struct search_past *s = arg;
    const struct next_outcome *o = &s->past->items[i];
    enum capacity_block block = isnan(o->value)  ? CAPACITY_VOID
                                : o->value > 0.5 ? CAPACITY_GOOD
                                                 : CAPACITY_BAD;
    bool is_block = o->turn.repeat > 0 && o->status == STATUS_OK;
    double level = is_block ? next_level_of(s->plan, o->turn.cell) : (double)NAN;
    return (struct capacity_outcome){level, block};
}

double next_search_level(const struct plan *p, const struct next_history *past)
{
    struct capacity_rule rule = p->options.search->rule;
    const struct search_past arg = {p, past};
    size_t first = has_start(p) ? 2 : 1;
    if (past->count < first)
        return NAN;
    if (has_start(p))
        rule.from = SEARCH_FROM_SHARE * past->items[1].value;
    if (!(rule.from > 0))
        return NAN;
    return capacity_of(&rule, &(struct capacity_past){past->count, outcome_at, &arg})
        .next;
}

/* Repeats of a cell so far, warm-ups apart. */
static int64_t measured_of(const struct next_history *past, size_t cell)
{
    int64_t n = 0;
    for (size_t i = 0; i < past->count; i++)
        n += past->items[i].turn.cell == cell && past->items[i].turn.repeat > 0;
    return n;
}

bool next_of_search(const struct plan *p, const struct next_history *past,
                    struct next_turn *out)
{
    double most_s = p->options.target_max_s;
    *out = (struct next_turn){0};
    if (past->count == 0)
        return p->cell_count > 0;
    const struct next_outcome *last = &past->items[past->count - 1];
    if (last->status != STATUS_OK || (most_s > 0 && last->end_s >= most_s))
        return false;
    if (past->count == 1 && has_start(p)) {
        out->repeat = 1;
        return true;
    }
    double level = next_search_level(p, past);
    while (out->cell < p->cell_count && next_level_of(p, out->cell) != level)
        out->cell++;
    out->repeat = 1 + measured_of(past, out->cell);
    return out->cell < p->cell_count && out->repeat < p->options.num_runs;
}
