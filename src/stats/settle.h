/* Which events of a stream were tokens.
 *
 * Servers frame their answers differently: some close with an event that holds the finish
 * reason alone, some open with an empty text, some send an empty text for half a
 * character. What an event was cannot be told from the event; the server's own count of
 * the answer's tokens tells it afterwards, once a repeat has ended:
 *
 *   - Where engine or server counted the tokens of each event, those counts hold.
 *   - Else the sets {text}, {text, empty}, {text, finish}, {text, empty, finish} are
 * tried in this order: the one whose size equals the server's count in most of the
 * answered requests, and in at least half of them, is the repeat's. So a coincidence in a
 * few answers settles nothing.
 *   - An answer that does not fit the repeat's set, or all of them where no set does, is
 *     unsettled: its first and last events with text are known, its gaps are not. */
#ifndef STATS_SETTLE_H
#define STATS_SETTLE_H

#include "base/arena.h"
#include "core/run_data.h"

/* Settles all answers of all repeats, in place: events that are no tokens are taken out,
 * first_ns and last_ns are set. An answer without any event of a token ends when it is
 * done. Runs of definitions 1 came settled. Idempotent; allocates nothing. */
void settle_run(struct run_data *run);
void settle_repeat(struct repeat_data *repeat);

/* How far events with text and tokens are apart in answers: a JSON object of counts by
 * difference, {"1": 48}; the 16 most frequent ones, smallest first, the rest as "other".
 * In the arena; NULL or cut short where that has failed. */
const char *settle_differences(const struct repeat_data *repeat, struct arena *a);

#endif
