/* The server's own log (docs/serve.md) as the truth about one phase: when each request
 * arrived, when each event was sent. */
#ifndef RUN_SELFTEST_TRUTH_H
#define RUN_SELFTEST_TRUTH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

/* CLOCK_MONOTONIC of this machine, ns. */
struct selftest_truth {
    bool is_known;      /* the log has a line of this request */
    int64_t arrival_ns; /* the kernel's stamp; NS_UNKNOWN: it gave none */
    int64_t *sent_ns;   /* [sent_count] before each event's send */
    size_t sent_count;
};

struct selftest_log {
    struct str text;
    const char *phase;
};

/* Fills out, shape [count], by request index, from the lines whose id is
 * "<phase>-<index>"; lines of others are passed over. Lists live in the arena.
 * BAD_INPUT: a line is no JSON. */
MUST_CHECK enum status selftest_truth_read(const struct selftest_log *log,
                                           struct arena *a, struct selftest_truth *out,
                                           size_t count, struct err *e);

#endif
