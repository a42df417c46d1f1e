/* What a journal holds, in memory: a run, its cells, their repeats and requests. Rows and
 * summary are a pure function of this (stats/). All strings and arrays live in the run's
 * arena. Times `_ns` count from the run's start (CLOCK_MONOTONIC), NS_UNKNOWN where
 * unmeasured. */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/field.h"

#define TOKENS_UNKNOWN (-1)
/* More tokens than any request or repeat has: a larger count is a server's mistake, and
 * unknown. Sums of such counts stay far from the end of int64_t. */
#define RECORD_TOKENS_MAX ((int64_t)1000000000000)

enum record_status { RECORD_OK, RECORD_FAILED, RECORD_CANCELLED };

#define FAIL_LIST(X) X(refused) X(reset) X(timeout) X(http) X(stream) X(aborted) X(engine)
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

/* planned = ok + failed by class + cancelled, for each repeat. */
struct request_record {
    int32_t index; /* in its repeat */
    enum record_status status;
    enum fail_class fail;
    int64_t due_ns, ready_ns, sent_ns, first_ns, last_ns, done_ns;
    int64_t prefill_ns; /* engine's own clock: scheduled to first token */
    int64_t decode_ns;  /* engine's own clock: first to last token */
    int64_t connect_ns; /* opening the connection that this request was the first to use,
                           TLS apart; NS_UNKNOWN: reused, or never sent */
    int64_t tls_ns;     /* its TLS handshake; NS_UNKNOWN: reused, or none */
    int64_t tokens_in, tokens_out, tokens_cached; /* TOKENS_UNKNOWN where nobody counted
                                                   */
    int64_t max_tokens;                           /* what was asked for */
    enum token_source source;
    int64_t first_event_tokens; /* tokens of the first event; 1 where all are 1;
                                   TOKENS_UNKNOWN: taken to be 1 */
    int64_t *gaps_ns;           /* [gap_count] booked gaps, in order */
    size_t gap_count;
    int64_t gaps_excluded;
    /* [gaps_excluded], or both NULL where nobody kept them: length of each excluded gap,
     * and which event ends it (the first event is 0; ascending). With gaps_ns they give
     * the arrival of every event. */
    int64_t *excluded_ns, *excluded_at;
    int64_t *event_tokens; /* [event_count] tokens by event; NULL where all are 1, or
                              where only the answer's total is known */
    size_t event_count;
    int64_t stamps_exact, stamps_bounded, stamps_tail;
    const char *error; /* NULL if none */
};

struct repeat_data {
    int32_t cell;   /* index into run_data.cells */
    int32_t repeat; /* 0 is the warm-up */
    bool is_warmup;
    bool is_ended; /* a repeat_end line was there */
    int64_t start_ns;
    int64_t phase_ns; /* online: start of the measured phase, warm-up requests over, that
                         due times count from; 0: unknown */
    int64_t requests_planned;
    int64_t expected_cached_tokens;  /* hits the prompts allow; TOKENS_UNKNOWN */
    struct row fields;               /* row numbers that do not come from requests */
    const char *error;               /* why the repeat failed; NULL if it did not */
    struct request_record *requests; /* [request_count], in order of the journal */
    size_t request_count;
};

struct cell_data {
    struct row fields; /* cell and settings, the same for all its rows */
    bool has_fixed_lengths;
    bool has_gaps;                 /* false with --no-gaps */
    bool shares_prefix;            /* some prompt tokens could be cached */
    int64_t longest_prompt_tokens; /* as planned; TOKENS_UNKNOWN for texts */
    double ramp_up_s;              /* online: --ramp-up; 0: none */
    int64_t max_concurrency;       /* open load: --max-concurrency; 0: no limit */
};

struct limit { /* --limit CODE=VALUE */
    const char *code;
    double value;
};

struct run_data {
    struct row fields; /* the same for all rows: run_id, model_name, instance_type, ... */
    struct wall start;
    int32_t utc_offset_s;
    const char *stamp; /* of the file names */
    const char *serving_mode;
    const char *tool, *command_json, *options_json, *env_json, *plan_sha256;
    int64_t seed;
    double *percentiles; /* [percentile_count], --percentiles */
    size_t percentile_count;
    struct limit *limits; /* [limit_count] */
    size_t limit_count;
    struct cell_data *cells;
    size_t cell_count;
    struct repeat_data *repeats; /* in order of execution; row i is repeats[i] */
    size_t repeat_count;
    int64_t end_ns;        /* time of the last line */
    bool is_complete;      /* a run_end line says that the whole plan was executed */
    const char *end_cause; /* run_end: "done", "signal", "failed"; NULL without run_end */
};

/* Names of the enums above, e.g. "timeout"; "" for none. */
const char *record_fail_name(enum fail_class f);
const char *record_source_name(enum token_source s);
enum fail_class record_fail_find(const char *name);
enum token_source record_source_find(const char *name);

#endif
