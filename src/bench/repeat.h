/* What a repeat is to offline and online alike: how a cell's repeats follow each other,
 * the cold or warm cache before each, and the row of one that did not come about. */
#ifndef BENCH_REPEAT_H
#define BENCH_REPEAT_H

#include "bench/session.h"
#include "core/run_data.h"

struct repeats {
    int64_t count; /* the warm-up included */
    const struct engine_watch *watch;
    void *arg;
    enum status (*run)(void *arg, int64_t repeat, struct err *why, struct err *e);
};

/* One after the other until one fails or a signal asks to stop (INTERRUPTED). Codes as
 * those of cells.run. */
MUST_CHECK enum status repeat_all(const struct repeats *r, struct err *why,
                                  struct err *e);
/* Cold: emptied before each repeat; warm: before the first one of the cell. *is_done is
 * false only where the engine was asked and could not. */
MUST_CHECK enum status repeat_empty_cache(const struct session *s, bool is_warm,
                                          int64_t repeat, bool *is_done, struct err *e);
/* What ended a repeat early, as its row tells it; NULL when nothing did. */
const char *repeat_cause(enum status s, const struct err *why, struct arena *a);
/* The only repeat of a cell whose engine did not open; borrows from *why. */
struct repeat_data repeat_unopened(size_t cell, int64_t start_ns, const struct err *why);

#endif
