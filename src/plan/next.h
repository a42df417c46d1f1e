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
};

struct next_history {
    const struct next_outcome *items; /* [count], in order of execution */
    size_t count;
};

/* Cells whose repeats are taken in turn have one number. */
size_t next_group(const struct plan *p, size_t cell);

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

#endif
