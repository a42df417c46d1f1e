/* What is kept of one request: its times, its counts, and the events of its answer. Times
 * `_ns` count from the run's start (CLOCK_MONOTONIC), NS_UNKNOWN where unmeasured. */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

#define TOKENS_UNKNOWN (-1)
#define RECORD_FORMAT  2 /* of journals and results that are written */
/* Tokens of a prompt, or of an answer whose cap nobody sent, at most. */
#define RECORD_MAX_COUNT INT32_MAX
/* More tokens than any request or repeat has: a larger count is a server's mistake, and
 * unknown. Sums of such counts stay far from the end of int64_t. */
#define RECORD_TOKENS_MAX ((int64_t)1000000000000)

/* UNANSWERED: sent, and without an end when the drain was over. INTERRUPTED: cut off by
 * our own stop, or ("cancelled" in journals of format 1) by either. */
enum record_status { RECORD_OK, RECORD_FAILED, RECORD_UNANSWERED, RECORD_INTERRUPTED };

/* How true the stamp of an event is. EXACT: its own; BOUNDED: it came not later; TAIL:
 * read together with the end of the answer only. An engine with its own clock reports
 * EXACT. */
enum event_stamp { EVENT_EXACT, EVENT_BOUNDED, EVENT_TAIL, EVENT_STAMP_COUNT };

/* What an event that may hold tokens carries: some text; a text that is empty (half a
 * character, or an opening); a finish reason without text. Which of them are tokens is
 * settled when a repeat has ended (stats/settle.h). */
enum event_class { EVENT_TEXT, EVENT_EMPTY, EVENT_FINISH, EVENT_CLASS_COUNT };

/* Class and stamp of one event in a byte. */
#define RECORD_MARK(cls, stamp) ((uint8_t)((cls) | (stamp) << 2))
#define RECORD_CLASS(mark)      ((enum event_class)((mark)&3))
#define RECORD_STAMP(mark)      ((enum event_stamp)((mark) >> 2 & 3))
/* In journals, by enum event_class and event_stamp. */
#define RECORD_CLASS_LETTERS "TEF"
#define RECORD_STAMP_LETTERS "xbt"
#define RECORD_GAP_EXCLUDED  0x10 /* format 1: the gap before it was not booked */

#define FAIL_LIST(X) \
    X(refused) X(reset) X(timeout) X(rate_limit) X(http) X(stream) X(aborted) X(engine)
enum fail_class {
    FAIL_none,
#define X(name) FAIL_##name,
    FAIL_LIST(X)
#undef X
        FAIL_COUNT
};

#define TOKEN_SOURCE_LIST(X) X(engine) X(usage) X(token_ids) X(estimated)
enum token_source {
    TOKEN_SOURCE_none,
#define X(name) TOKEN_SOURCE_##name,
    TOKEN_SOURCE_LIST(X)
#undef X
        TOKEN_SOURCE_COUNT
};

/* The events of a class: what is left of them with --no-gaps. */
struct record_class {
    int64_t count;
    int64_t first_ns, last_ns; /* NS_UNKNOWN where count is 0 */
    int64_t stamps[EVENT_STAMP_COUNT];
};

/* How far the tokens of an answer's events are known. */
enum record_events {
    RECORD_RAW,       /* as they came: not settled yet */
    RECORD_WHOLE,     /* the answer came in one piece: no event of its own */
    RECORD_SETTLED,   /* only events with tokens are left, and their tokens are known */
    RECORD_UNSETTLED, /* only events with text are left; events and tokens do not fit */
};

/* planned = ok + failed by class + unanswered + interrupted, for each repeat. */
struct request_record {
    int32_t index, rank; /* in its repeat; merged: of the process that sent it, else 0 */
    enum record_status status;
    enum fail_class fail;
    int32_t http_status; /* of FAIL_http, FAIL_rate_limit; 0: unknown */
    int64_t due_ns, ready_ns, sent_ns, done_ns;
    int64_t first_ns, last_ns; /* first and last token; of a raw record of format 2
                                  unknown, but for the last of an answer in one piece */
    int64_t prefill_ns;        /* engine's own clock: scheduled to first token */
    int64_t decode_ns;         /* engine's own clock: first to last token */
    int64_t connect_ns; /* opening its new connection, TLS apart; NS_UNKNOWN: none */
    int64_t tls_ns;     /* its TLS handshake; NS_UNKNOWN: reused, or none */
    int64_t tokens_in, tokens_out, tokens_cached; /* or TOKENS_UNKNOWN */
    int64_t max_tokens;                           /* what was asked for */
    enum token_source source;
    /* Events in order of arrival. With --no-gaps only the classes are known: the arrays
     * are NULL, event_count is 0. */
    enum record_events events;
    int64_t *at_ns;        /* [event_count] ascending */
    uint8_t *marks;        /* [event_count] RECORD_MARK; NULL: all text and exact */
    int64_t *event_tokens; /* [event_count] counted by event; NULL: all are 1 where
                              is_counted or settled, else nobody counted by event */
    size_t event_count;
    bool is_counted; /* engine or server counted each event's tokens, and they add up */
    int64_t first_event_tokens; /* of the first event; TOKENS_UNKNOWN: taken to be 1 */
    struct record_class classes[EVENT_CLASS_COUNT]; /* as they came, settled or not */
    /* Definitions 1, whose journals tell no more where nobody kept the events. */
    int64_t gaps_excluded;
    const char *error; /* NULL if none */
};

/* Sets of classes that may be the tokens, in the order in which they are tried. */
#define TOKEN_SET_LIST(X)                                         \
    X(text, "text", 1 << EVENT_TEXT)                              \
    X(empty, "text+empty", 1 << EVENT_TEXT | 1 << EVENT_EMPTY)    \
    X(finish, "text+finish", 1 << EVENT_TEXT | 1 << EVENT_FINISH) \
    X(all, "text+empty+finish", 1 << EVENT_TEXT | 1 << EVENT_EMPTY | 1 << EVENT_FINISH)
enum token_set {
    TOKEN_SET_none, /* not settled, or nothing fits */
#define X(id, name, mask) TOKEN_SET_##id,
    TOKEN_SET_LIST(X)
#undef X
        TOKEN_SET_counted, /* counted by event */
    TOKEN_SET_COUNT
};

/* Names of the enums above, e.g. "timeout"; "" for none. */
const char *record_fail_name(enum fail_class f);
const char *record_source_name(enum token_source s);
const char *record_class_name(enum event_class c); /* "text", "empty", "finish" */
const char *record_set_name(enum token_set s);
/* Classes of a set, bits of enum event_class. */
unsigned record_set_mask(enum token_set s);
enum fail_class record_fail_find(struct str name);
enum token_source record_source_find(struct str name);

/* Forgets counts that cannot be: tokens of an answer below 0, 0 beside text, or above
 * `most`; prompt tokens outside 0..RECORD_MAX_COUNT; cached ones above those of the
 * prompt. */
void record_check_counts(struct request_record *q, int64_t most);
/* The most tokens that an answer can have: max_tokens and a stop token; RECORD_MAX_COUNT
 * where no cap was sent. */
int64_t record_most_tokens(const struct request_record *q);
/* Fills `classes` from the events. */
void record_count_classes(struct request_record *q);
/* Tokens of event i of a settled record. */
int64_t record_event_tokens(const struct request_record *q, size_t i);
/* Is the gap between events i - 1 and i, i > 0, one between two tokens with stamps of
 * their own? */
bool record_has_gap(const struct request_record *q, size_t i);

#endif
