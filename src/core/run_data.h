/* What a journal holds, in memory: a run, its cells, their repeats and requests
 * (record.h). Rows and summary are a pure function of this (stats/). All strings and
 * arrays live in the run's arena. Times `_ns` count from the run's start
 * (CLOCK_MONOTONIC), NS_UNKNOWN where unmeasured. */
#ifndef CORE_RUN_DATA_H
#define CORE_RUN_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/field.h"
#include "core/record.h"

struct repeat_data {
    int32_t cell;             /* index into run_data.cells */
    int32_t repeat;           /* 0 is the warm-up */
    bool is_warmup, is_ended; /* ended: a repeat_end line was there */
    int64_t start_ns;
    int64_t phase_ns; /* online: start of the measured phase, warm-up requests over, that
                         due times count from; 0: unknown */
    int64_t requests_planned;
    int64_t expected_cached_tokens;  /* hits the prompts allow; TOKENS_UNKNOWN */
    struct row fields;               /* row numbers that do not come from requests */
    const char *error;               /* why the repeat failed; NULL if it did not */
    struct request_record *requests; /* [request_count], ascending indices */
    size_t request_count;
    enum token_set tokens; /* which events were tokens, once settled */
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

#define RANK_ALL (-1) /* of a journal that was merged from those of all ranks */
struct run_data {
    struct row fields; /* the same for all rows: run_id, model_name, instance_type, ... */
    int definitions;   /* of the numbers: the journal's format, 1 or 2 */
    int32_t rank, ranks; /* this process of so many; 0, 0: it ran alone */
    struct wall start;
    int32_t utc_offset_s;
    const char *stamp, *serving_mode; /* of the file names */
    const char *tool, *command_json, *options_json, *env_json, *plan_sha256;
    int64_t seed;
    double *percentiles; /* [percentile_count], --percentiles */
    size_t percentile_count;
    bool has_asked_percentiles; /* the user named them */
    struct limit *limits;       /* [limit_count] */
    size_t limit_count;
    struct cell_data *cells;
    size_t cell_count;
    struct repeat_data *repeats; /* in order of execution; row i is repeats[i] */
    size_t repeat_count;
    int64_t end_ns;        /* time of the last line */
    bool is_complete;      /* a run_end line says that the whole plan was executed */
    const char *end_cause; /* run_end: "done", "signal", "failed"; NULL without run_end */
};

#endif
