/* One answer on its way: what it will say, when, and how far it has come. All instants
 * come from one absolute schedule, so that lateness never adds up. */
#ifndef SERVE_COMPLETION_H
#define SERVE_COMPLETION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "serve/completion_request.h"
#include "serve/chunks.h"
#include "serve/fault.h"
#include "serve/settings.h"
#include "serve/slog.h"
#include "stats/pace.h"

#define COMPLETION_HELD_BYTES ((size_t)256 << 20)

struct completion {
    struct completion_request request;
    struct fault fault;
    struct chunks chunks;
    char id[160];
    int64_t tokens, events;           /* of the whole answer */
    int64_t strike;                   /* events before the fault; -1: none */
    int64_t made_events, made_tokens; /* so far, also those that are held back */
    int64_t unstamped;                /* events with tokens that were made and not sent */
    struct buf held;                  /* bytes that wait for more: --buffer */
    int64_t held_events;              /* of any kind */
    struct pace pace;
    struct span ttft;        /* as drawn */
    int64_t finish_delay_ns; /* NS_UNKNOWN: no finish chunk */
    struct instant due;      /* of the next event; DUE_NEVER before completion_start */
    bool is_active;          /* logged when it ends */
    bool is_waiting;         /* in the queue */
    bool is_running;   /* its turn has come: counted among those that are answered */
    bool is_finishing; /* all of it was handed over, some of it may still wait */
    bool awaits_stamp; /* the last event found no room: stamped when it is out */
    struct slog_record record;
};

void completion_init(struct completion *a);
void completion_fini(struct completion *a);
/* Plans an answer to a->request, a->record and a->fault, which are set: its length, where
 * its fault strikes. line: scratch. */
void completion_begin(struct completion *a, const struct settings *s, int64_t created_s,
                      struct buf *line);
/* Its turn comes: `due` is that of the first event, the time to it counts from there. */
void completion_start(struct completion *a, struct instant from);
/* Moves `due` on to the next event, once the one before was counted as made. */
void completion_advance(struct completion *a);
/* Moves it to the last event at once: an answer that is not streamed. */
void completion_advance_to_end(struct completion *a);
/* Tokens of the next event; none: it is the finish chunk. */
struct chunks_tokens completion_next(const struct completion *a);
/* Why the whole answer ends: "length", "stop" for a short one. */
const char *completion_finish(const struct completion *a);

#endif
