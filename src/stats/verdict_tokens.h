/* Judges of tokens: who counted them, and are the instants of their arrival true? */
#ifndef STATS_VERDICT_TOKENS_H
#define STATS_VERDICT_TOKENS_H

#include "stats/verdict_case.h"

void verdict_tokens_estimated(struct verdict_case *c);
void verdict_tokens_buffered(struct verdict_case *c);
/* Most events came together with later ones, and what is left is too coarse to tell when
 * tokens came. ANSWERS_BUFFERED where our own reads were on time: then the instants are
 * not the server's. Else the client is to blame, and CLIENT_LATE fires. */
enum verdict_reads { VERDICT_READS_GOOD, VERDICT_READS_BUFFERED, VERDICT_READS_LATE };
enum verdict_reads verdict_tokens_reads(const struct run_data *run,
                                        const struct row *row);
void verdict_tokens_bounded(struct verdict_case *c);
void verdict_tokens_unknown(struct verdict_case *c);
void verdict_tokens_partial_itl(struct verdict_case *c);
void verdict_tokens_partial_tpot(struct verdict_case *c);

#endif
