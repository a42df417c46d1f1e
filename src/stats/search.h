/* The search of a capacity in a run's rows: which of them are blocks, what came of them,
 * and the answer. Pure functions of rows, so that run and recovery say the same. */
#ifndef STATS_SEARCH_H
#define STATS_SEARCH_H

#include "base/arena.h"
#include "base/status.h"
#include "core/run_data.h"
#include "stats/capacity.h"

/* The field `slo_search`. A rate may start at half of what a closed load of `from_slots`
 * requests in flight reached: rule.from is NAN then. */
struct search {
    struct capacity_rule rule;
    bool is_rate; /* of requests a second; else of requests in flight */
    double share; /* of a block's requests that must keep the SLO */
};

#define SEARCH_FROM_SLOTS 32
#define SEARCH_FROM_SHARE 0.5 /* of the requests/s that they reached */

/* As JSON, in the arena; NULL: no memory. */
const char *search_text(const struct search *s, struct arena *a);
/* False where the run was no search. */
bool search_of_run(const struct run_data *run, struct search *out);

/* Sets slo_block of all rows, null where a row is no block. rows: [run->repeat_count],
 * judged. Bad: too few requests kept the SLO, or OVERLOADED. Void: INVALID for another
 * reason than OVERLOADED and ERRORS, which are the server's answer; or nobody knows how
 * many kept it. */
void search_fill(const struct run_data *run, struct row *rows);

/* The requests/s of the closed load that a search starts from; NAN: not there yet. */
double search_start_rps(const struct search *s, const struct row *rows, size_t count);
/* What a block of a row was; level NAN: the row is none. */
struct capacity_outcome search_outcome(const struct search *s, const struct row *row);

struct search_answer {
    struct search search;
    struct capacity found;
    bool is_confirmed;
    double low, high; /* tested, else estimated; NAN: none */
    size_t blocks;    /* that count */
    /* Of the good blocks at `low`: */
    double window_s;                                         /* mean length */
    double tokens_per_second, usd_per_million_output_tokens; /* means; NAN: unknown */
    int64_t due, late;                                       /* of all blocks at `low` */
    bool loadgen_passes;
};

/* False where the run was no search. rows: [run->repeat_count], of rows_build_all. */
bool search_answer(const struct run_data *run, const struct row *rows,
                   struct search_answer *out);

/* "estimate", "confirmed", ... as in files. */
const char *search_state(const struct search_answer *a);

#endif
