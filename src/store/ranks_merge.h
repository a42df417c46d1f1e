/* The journals of all processes ("ranks") of one run, as one. Rank N of a run writes
 * rank_N/journal.jsonl, whose run line has `rank` and `ranks`; the merged journal has
 * `ranks` alone, and each of its requests the rank that sent it. */
#ifndef STORE_RANKS_MERGE_H
#define STORE_RANKS_MERGE_H

#include "base/arena.h"
#include "base/status.h"

/* Reads dirs[i]/journal.jsonl, of all ranks of one run in any order, and writes
 * raw_dir/journal.jsonl as one process would have written it, whole or not at all.
 * Cells, start, planned cache hits and the server's numbers are rank 0's; requests are
 * those of all, their times mapped to rank 0's (ranks_clock.h); the numbers of the client
 * are merged (ranks_fields.h); planned requests are added. A repeat that is not whole in
 * every rank gets an error that names one: "rank 3: cause". A rank whose journal is not
 * there, or has no sound first line, is missing in every repeat. STATUS_BAD_INPUT:
 * rank 0 is missing, a rank is there twice, they are not of one run, or raw_dir holds
 * another run's journal. */
MUST_CHECK enum status ranks_merge(const char *const *dirs, size_t count,
                                   const char *raw_dir, struct arena *a, struct err *e);

#endif
