/* One answer on its way: what it will say, when, and how far it has come. All instants
 * come from one absolute schedule, so that lateness never adds up. */
#ifndef SERVE_ANSWER_H
#define SERVE_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "serve/ask.h"
#include "serve/chunks.h"
#include "serve/fate.h"
#include "serve/settings.h"
#include "serve/slog.h"

#define ANSWER_HELD_BYTES ((size_t)256 << 20)

struct answer {
    struct ask ask;
    struct fate fate;
    struct chunks chunks;
    char id[160];
    int64_t tokens, events;           /* of the whole answer */
    int64_t strike;                   /* events before the fault; -1: none */
    int64_t made_events, made_tokens; /* so far, also those that are held back */
    int64_t unstamped;                /* events with tokens that were made and not sent */
    struct buf held;                  /* bytes that wait for more: --buffer */
    int64_t held_events;              /* of any kind */
    int64_t ttft_ns, itl_ns;          /* ttft_ns: as drawn */
    int64_t finish_delay_ns;          /* NS_UNKNOWN: no finish chunk */
    double jitter;
    struct instant due; /* of the next event; DUE_NEVER before answer_start */
    bool is_active;     /* logged when it ends */
    bool is_waiting;    /* in the queue */
    bool is_running;    /* its turn has come: counted among those that are answered */
    bool is_finishing;  /* all of it was handed over, some of it may still wait */
    bool awaits_stamp;  /* the last event found no room: stamped when it is out */
    struct slog_record record;
};

void answer_init(struct answer *a);
void answer_fini(struct answer *a);
/* Plans an answer to a->ask, a->record and a->fate, which are set: its length, where its
 * fault strikes. line: scratch. */
void answer_begin(struct answer *a, const struct settings *s, int64_t created_s,
                  struct buf *line);
/* Its turn comes: `due` is that of the first event, the time to it counts from there. */
void answer_start(struct answer *a, struct instant from);
/* Moves `due` on to the next event, once the one before was counted as made. */
void answer_advance(struct answer *a);
/* Moves it to the last event at once: an answer that is not streamed. */
void answer_advance_to_end(struct answer *a);
/* Tokens of the next event; none: it is the finish chunk. */
struct chunks_tokens answer_next(const struct answer *a);
/* Why the whole answer ends: "length", "stop" for a short one. */
const char *answer_finish(const struct answer *a);

#endif
