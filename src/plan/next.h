/* Which repeat comes next, given what came of those before: a policy. A policy is a pure
 * function of the plan and the outcomes, so that a test drives it without an engine. */
#ifndef PLAN_NEXT_H
#define PLAN_NEXT_H

#include "plan/plan.h"

/* A repeat of a cell. */
struct next_turn {
    size_t cell;
    int64_t repeat; /* 0 is the warm-up */
};

/* What came of it: STATUS_OK, or why it failed (of the engine, too, that did not
 * open). */
struct next_outcome {
    struct next_turn turn;
    enum status status;
    double
        value; /* of the metric that a target is of; of a search: below; NAN: unknown */
    double end_s; /* since the start of the run */
};

struct next_history {
    const struct next_outcome *items; /* [count], in order of execution */
    size_t count;
};

/* Cells whose repeats are taken in turn have one number. */
size_t next_group(const struct plan *p, size_t cell);

/* Of a target: the first stage of all cells is over, so values are needed from here
 * on, if anything can come. */
bool next_is_second_stage(const struct plan *p, const struct next_history *past);
/* Repeats of a cell that are sure to come before anything is measured, warm-ups included:
 * of a target those of the first stage, of a search's load one block. */
int64_t next_sure_repeats(const struct plan *p);
/* Launches of each cell that are sure to come; of a target of launches those of the first
 * stage. */
int64_t next_sure_launches(const struct plan *p);
/* Repeats of a target that are sure to come, of all cells, warm-ups included: those of
 * the first stage, and of the second once its values are known. */
int64_t next_known_turns(const struct plan *p, const struct next_history *past);

/* False: the run is over. */
typedef bool next_policy(const struct plan *p, const struct next_history *past,
                         struct next_turn *out);

/* Every cell of the plan, each with all its repeats, in the plan's order. A cell ends
 * with the first repeat that fails. Two cells that fail one after the other, and every
 * failure that another try cannot mend (no vLLM, no such model), end the run. */
next_policy next_of_grid;

/* Cells in pairs, OFF and ON, whose repeats come in blocks (blocks.h). A pair ends with
 * the first repeat that fails; else as above. */
next_policy next_of_blocks;

/* As many repeats as the plan's target takes (stats/stein.h): the grid with STEIN_FIRST
 * measured repeats, then what each cell lacks, cell by cell. Neither more than the plan's
 * num_runs, nor, of the second stage, later than target_max_s. A failure leaves cells
 * measured before it as they are, for their engine is gone.
 *
 * A target of launches: the grid with STEIN_FIRST launches, then whole launches, with all
 * cells, until the cell that takes most of them has its number: a cell then meets the
 * same neighbours in each launch, and every launch has all cells (match_sides.h). Neither
 * more than the plan has, nor, of the second stage, one that begins after target_max_s.
 * The value of a cell's launch is the geometric mean of its measured repeats. */
next_policy next_of_target;

/* A search of a capacity (stats/capacity.h): a warm-up of the plan's first cell, then, if
 * that is the closed load from which a search of a rate starts, one repeat of it; then
 * blocks, as repeats from 1 on, of the cell with the load that the search asks for. Their
 * values: of the closed load its requests/s; of a block 1 if it was good, 0 if it was
 * bad, NAN if it counts for nothing. Ends with the first repeat that fails, after
 * target_max_s, and where no cell has that load. */
next_policy next_of_search;
/* Of a cell: requests/s, or requests in flight; NAN where the search is not for that. */
double next_level_of(const struct plan *p, size_t cell);
/* The load that it asks for next: requests/s or requests in flight; NAN: none, or not
 * known yet. */
double next_search_level(const struct plan *p, const struct next_history *past);

#endif
