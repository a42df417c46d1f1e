/* Judges of tokens: who counted them, and are the instants of their arrival true? */
#ifndef STATS_VERDICT_TOKENS_H
#define STATS_VERDICT_TOKENS_H

#include "stats/verdict_case.h"

void verdict_tokens_estimated(struct verdict_case *c);
void verdict_tokens_buffered(struct verdict_case *c);
/* ANSWERS_BUFFERED would fire: most events came together with later ones although our own
 * reads were on time, so the instants are not the server's. */
bool verdict_tokens_is_buffered(const struct run_data *run, const struct row *row);
void verdict_tokens_bounded(struct verdict_case *c);
void verdict_tokens_unknown(struct verdict_case *c);
void verdict_tokens_partial_itl(struct verdict_case *c);
void verdict_tokens_partial_tpot(struct verdict_case *c);

#endif
