/* One request of an online repeat while it is in flight: the lane notes its events, the
 * writer turns them into a record once it has ended. The timing rules are here:
 *
 *   due    open: of the plan; closed: the end of the answer before on that slot (a slot's
 *          first request: when it is sent)
 *   ready  max(due, a slot became free)
 *   done   end of the answer
 *
 * What its events were, and so its first and last token, is settled when the repeat has
 * ended (stats/settle.h): the record has each event's arrival, class and stamp. */
#ifndef BENCH_REQUEST_RECORD_H
#define BENCH_REQUEST_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "core/event.h"
#include "core/record.h"

#define REQUEST_RECORD_ERROR_BYTES 192

struct flight {
    int32_t request, slot;
    int64_t max_tokens;
    struct instant due, ready, sent; /* due 0: when it is sent */
    struct instant done;
    int64_t connect_ns, tls_ns;
    int64_t *at_ns;  /* [count] CLOCK_MONOTONIC of each token event, room for `room` */
    int32_t *tokens; /* [count] TOKENS_UNKNOWN: one by one is not known */
    uint8_t *marks;  /* [count] RECORD_MARK */
    size_t count, room;
    struct record_class lost[EVENT_CLASS_COUNT]; /* events beyond the room */
    bool has_lost;
    int64_t tokens_in, tokens_out, tokens_cached, prefill_ns, decode_ns;
    enum token_source source;
    enum record_status status;
    enum fail_class fail;
    int32_t http_status;
    char error[REQUEST_RECORD_ERROR_BYTES];
};

/* Bytes of all arrays of a flight with room for so many token events. */
size_t request_record_bytes(size_t room);
/* Lays the arrays of f over `memory`, request_record_bytes(room) long, 8-byte aligned. */
void request_record_place(struct flight *f, void *memory, size_t room);
void request_record_begin(struct flight *f, int32_t request, int32_t slot,
                          int64_t max_tokens);
/* True when the request has ended. */
bool request_record_event(struct flight *f, const struct event *ev);
/* Where a record's arrays go; one for the writer, for one record at a time. */
struct request_record_scratch {
    int64_t *at_ns, *event_tokens; /* [room] */
    size_t room;
};
/* As long as the longest flight. */
MUST_CHECK enum status request_record_scratch_init(struct request_record_scratch *s,
                                                   size_t room, struct err *e);
void request_record_scratch_fini(struct request_record_scratch *s);
/* The record, raw; its arrays lie in the scratch and in f, its text in f. Times count
 * from `zero`. is_whole: the answer came in one piece, its last token with its end and
 * its first at an instant that only the server knows. */
void request_record_finish(const struct flight *f, struct instant zero, bool is_whole,
                           struct request_record_scratch *s, struct request_record *out);

#endif
