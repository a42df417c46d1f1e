/* One request of an online repeat while it is in flight: the lane notes its events, the
 * writer turns them into a record once it has ended. The timing rules are here:
 *
 *   due    open: of the plan; closed: the end of the answer before on that slot (a slot's
 *          first request: when it is sent)
 *   ready  max(due, a slot became free)
 *   first, last  arrival of the first and the last event with tokens
 *   done   end of the answer
 *   a gap between two token events is booked if both are exact or tail and the later one
 *   holds one token; else it is excluded, and kept apart
 *
 * One token an event is proven if events with tokens are as many as the answer's own
 * count; else the events' tokens are unknown and no gap is booked. */
#ifndef BENCH_FLIGHT_H
#define BENCH_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "core/event.h"
#include "core/record.h"

#define FLIGHT_ERROR_BYTES 192

struct flight {
    int32_t request, slot;
    int64_t max_tokens;
    struct instant due, ready, sent; /* due 0: when it is sent */
    struct instant done;
    int64_t connect_ns, tls_ns;
    int64_t *at_ns;  /* [count] CLOCK_MONOTONIC of each token event, room for `room` */
    int32_t *tokens; /* [count] TOKENS_UNKNOWN: one by one is not known */
    uint8_t *stamps; /* [count] of enum event_stamp */
    size_t count, room, lost; /* lost: events beyond the room */
    int64_t tokens_in, tokens_out, tokens_cached;
    enum token_source source;
    enum record_status status;
    enum fail_class fail;
    char error[FLIGHT_ERROR_BYTES];
};

/* Bytes of all arrays of a flight with room for so many token events. */
size_t flight_bytes(size_t room);
/* Lays the arrays of f over `memory`, flight_bytes(room) long, 8-byte aligned. */
void flight_place(struct flight *f, void *memory, size_t room);
void flight_begin(struct flight *f, int32_t request, int32_t slot, int64_t max_tokens);
/* True when the request has ended. */
bool flight_event(struct flight *f, const struct event *ev);
/* Where a record's arrays go; one for the writer, for one record at a time. */
struct flight_scratch {
    int64_t *gaps_ns, *excluded_ns, *excluded_at, *event_tokens; /* [room] */
    size_t room;
};
/* As long as the longest flight. */
MUST_CHECK enum status flight_scratch_init(struct flight_scratch *s, size_t room,
                                           struct err *e);
void flight_scratch_fini(struct flight_scratch *s);
/* The record; its arrays lie in the scratch, its text in f. Times count from `zero`. */
void flight_record(struct flight *f, struct instant zero, struct flight_scratch *s,
                   struct request_record *out);

#endif
