/* Executes a plan: asks a policy for the next repeat, opens the engine that it needs, and
 * runs it; everything that happens goes into the journal. Names no engine and no kind of
 * load. Whatever was measured before a failure stays; the repeat after one gets a fresh
 * engine. */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include "bench/bench.h"
#include "plan/next.h"

struct driver_outcome {
    bool is_interrupted;
    bool is_complete;     /* every repeat that was asked for was executed */
    int64_t cells_failed; /* a cell ends with the first repeat that fails */
    struct err first;     /* cause of the first failure; code STATUS_OK if none */
};

/* What is done after a cell, before the next one begins with its warm-up; run NULL:
 * nothing. */
struct driver_pause {
    void (*run)(void *arg);
    void *arg;
};

/* Before each turn: fills in values of outcomes that the policy asks for; run NULL:
 * nobody asks. */
struct driver_values {
    enum status (*run)(void *arg, struct next_outcome *past, size_t count, struct err *e);
    void *arg;
};

/* Other processes that send their share of the same repeats; NULLs: there are none. */
struct driver_peers {
    /* All agree on the turn that the first of them has chosen: on the others cells are
     * added to the plan as there, *turn and *has_turn are filled in. */
    enum status (*turn)(void *arg, struct next_turn *turn, bool *has_turn, struct err *e);
    /* A repeat has ended here, or failed (why): returns what came of it everywhere, and
     * fills *why where another one failed. *e is set where the run cannot go on. */
    enum status (*ended)(void *arg, enum status s, struct err *why, struct err *e);
    void *arg;
};

struct driver {
    struct bench *bench;
    struct driver_peers peers;
    next_policy *policy; /* NULL: next_of_grid */
    struct driver_pause pause;
    struct driver_values values;
    bool loads_per_batch; /* the compiled batch is part of the setting (Neuron) */
};

/* STATUS_OK also when cells failed (see the outcome); other codes: the journal could not
 * be written, or memory ran out. The session is closed afterwards. */
MUST_CHECK enum status driver_run(const struct driver *d, struct driver_outcome *out,
                                  struct err *e);

#endif
