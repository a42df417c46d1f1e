/* One run of several processes, as an MPI launcher starts them (net/ranks.h). Online each
 * sends its share of every repeat, and all keep step: the same turns, one start, one end.
 * Each keeps a journal in RAW_DIR/rank_N; rank 0 makes of them that of the run. Alone
 * these do nothing. */
#ifndef RUN_PEERS_H
#define RUN_PEERS_H

#include "run/run.h"
#include "store/results.h"

/* Before the plan: who takes part (--mpi). Ranks but the first are quiet, and the log of
 * each bears its name. */
MUST_CHECK enum status run_peers_join(struct run *r, bool is_online, struct log *log,
                                      struct err *e);
bool run_peers_is_first(const struct run *r); /* alone, too */
/* The files of the run are written by it: the first one's, offline each one's. */
bool run_peers_has_files(const struct run *r);
/* Online: the run's id is rank 0's. */
MUST_CHECK enum status run_peers_identify(struct run *r, char *id, size_t bytes,
                                          struct err *e);
/* All have the same plan, which has work for each. BAD_OPTION. */
MUST_CHECK enum status run_peers_check(struct run *r, struct err *e);
/* The run's start, and with it the names of its files, are rank 0's. */
MUST_CHECK enum status run_peers_start(struct run *r, struct err *e);
/* Sets raw_dir and data.stamp, and returns the folder of this rank's journal and logs in
 * *own: raw_dir where it is alone. */
MUST_CHECK enum status run_peers_claim(struct run *r, const char **own, struct err *e);
/* The journal is there: whose of them are on a disk of rank 0? */
MUST_CHECK enum status run_peers_opened(struct run *r, struct err *e);
/* The share of this rank, and what keeps it in step. */
void run_peers_prepare(struct run *r, struct driver *d);
/* The run as its journal has it so far; of several ranks it is first made out of theirs,
 * as far as they have come here. */
MUST_CHECK enum status run_peers_read(struct run *r, struct arena *a,
                                      struct recovery *out, struct err *e);
/* This rank's journal has ended: sends what is left of it to rank 0. What went wrong is
 * logged: what is there is used. */
void run_peers_collect(struct run *r);
/* Before anything was measured: there will be no run. All leave together, for a launcher
 * kills the others as soon as the first one ends with a failure. */
void run_peers_quit(struct run *r);
/* Waits for the first, and returns its exit code, or `code` where it is unknown. */
int run_peers_leave(struct run *r, int code);

#endif
