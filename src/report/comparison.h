/* A comparison of two sides (stats/compare.h) for people and for programs. */
#ifndef REPORT_COMPARISON_H
#define REPORT_COMPARISON_H

#include "report/document.h"
#include "stats/compare.h"

struct comparison {
    const struct compare *compare;
    const struct match_result *match; /* that its group is of */
    enum field_id by;                 /* as it was matched (match.h) */
};

/* The answer first, then what differs besides, each matched cell, and what was left
 * out. */
void comparison_build(const struct comparison *c, struct document *d);
/* {"cells": [{"cell", "metrics": {FIELD: {"ratio", "low", "high", "verdict", "p"}},
 * "note"}], "geomean": {FIELD: {...}}, "unmatched": [{"cell", "why"}], "differs":
 * [{"field", "a", "b"}], ...}: docs/compare.md. An object with its line end; out tells
 * whether it found memory. */
void comparison_json(const struct comparison *c, struct arena *a, struct buf *out);

#endif
