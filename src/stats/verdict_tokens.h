/* Judges of tokens: who counted them, and are the instants of their arrival true? What
 * others ask of them. */
#ifndef STATS_VERDICT_TOKENS_H
#define STATS_VERDICT_TOKENS_H

#include "core/run_data.h"

/* Most events came together with later ones, and what is left is too coarse to tell when
 * tokens came. ANSWERS_BUFFERED where our own reads were on time: then the instants are
 * not the server's. Else the client is to blame, and CLIENT_LATE fires. */
enum verdict_reads { VERDICT_READS_GOOD, VERDICT_READS_BUFFERED, VERDICT_READS_LATE };
enum verdict_reads verdict_tokens_reads(const struct run_data *run,
                                        const struct row *row);

#endif
