/* Two arms in one engine, taken in turn: blocks of four repeats, A B B A or B A A B by a
 * coin. What drifts over a run, and what one repeat hands on to the next, hits both arms
 * alike, and the coin makes what is left of it chance. Pure. */
#ifndef PLAN_BLOCKS_H
#define PLAN_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"

#define BLOCKS_WARMUPS 2 /* repeats of an arm before the first block */

/* Repeats of an arm, warm-ups included. */
int64_t blocks_runs(int64_t blocks);
/* Of any plan: repeat 0, or with arms the first ones. */
bool blocks_is_warmup(const struct plan *p, int64_t repeat);
/* The block of a repeat, from 0; -1: it is in none. */
int64_t blocks_of(const struct plan *p, int64_t repeat);
/* The n-th repeat that cells 2 pair (OFF) and 2 pair + 1 (ON) take, 0 <= n < 2 num_runs:
 * a cell and its own repeat. */
void blocks_turn(const struct plan *p, size_t pair, size_t n, size_t *cell,
                 int64_t *repeat);
/* UNSUPPORTED where the cell is an arm and the engine cannot serve it. */
MUST_CHECK enum status blocks_check(const struct plan *p, const struct plan_which *w,
                                    struct err *e);

#endif
