/* Rows of any number of files, matched: what report and plots are made from. Pure. */
#ifndef STATS_ANALYSIS_H
#define STATS_ANALYSIS_H

#include "base/arena.h"
#include "base/status.h"
#include "stats/floor.h"
#include "stats/match.h"
#include "stats/analysis_row.h"
#include "stats/pricing.h"

/* One machine (label, model, version: by what is compared). */
struct analysis_side {
    const char *name;
    struct match_result caching; /* its own rows, ON against OFF: at most one group */
};

struct analysis {
    struct analysis_rows rows;
    enum field_id by;
    struct match_result machines;         /* sides[0] is the baseline */
    struct analysis_side *sides;          /* [machines.side_count], in the same order */
    bool is_simulated, has_dummy_weights; /* any cell */
    struct money_view money;
};

struct analysis_options {
    const char *by;           /* NULL: the first of label, instance_type, model_name and
                             engine_version that has several values, else label */
    const char *baseline;     /* NULL: the first side */
    struct floor_list floors; /* that are known (compare.h) */
    struct money_view money;
};

/* Everything lives in the arena or in the rows. BAD_OPTION: no such side as
 * baseline. */
MUST_CHECK enum status analysis_build(const struct analysis_rows *c,
                                      const struct analysis_options *o, struct arena *a,
                                      struct analysis *out, struct err *e);

/* The side that a row belongs to; never NULL. Borrowed from the row. */
const char *analysis_side_of(const struct analysis *x, const struct row *row);
/* What a cell is called within its scenario: "bs=4 cache=on". Borrowed. */
const char *analysis_short_name(const struct match_cell *c);
/* True if a side measured something real; scenario NULL: in any. */
bool analysis_has_real(const struct analysis *x, const char *side, const char *scenario);
/* Best valid cell of a side; scenario NULL: of all. A simulated one only where nothing is
 * real. NULL: none. */
const struct match_cell *analysis_best(const struct analysis *x, const char *side,
                                       const char *scenario, enum metric m);

#endif
