/* The bytes of a rank's journal on their way to rank 0, in pieces. */
#ifndef RUN_PEERS_JOURNAL_H
#define RUN_PEERS_JOURNAL_H

#include "run/run.h"

/* Where rank 0 has it; NULL: out of memory. */
const char *peers_journal_of(const struct run *r, int rank);
/* The next `bytes` of this rank's journal; both sides know how many. */
MUST_CHECK enum status peers_journal_send(struct run *r, int64_t bytes, struct err *e);
MUST_CHECK enum status peers_journal_receive(struct run *r, int rank, int64_t bytes,
                                             struct err *e);

#endif
