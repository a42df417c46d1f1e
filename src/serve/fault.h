/* What goes wrong on purpose: each request draws its fault, or none, from its own random
 * stream, so that request n of a seed has the same one whatever else happens. */
#ifndef SERVE_FAULT_H
#define SERVE_FAULT_H

#include <stdint.h>

#include "base/rng.h"
#include "base/status.h"

/* name in the log, option */
#define FAULT_LIST(X)     \
    X(OK, "ok")           \
    X(FAIL, "fail")       \
    X(CUT, "cut")         \
    X(STALL, "stall")     \
    X(HANG, "hang")       \
    X(RESET, "reset")     \
    X(ABORT, "abort")     \
    X(ERROR, "error")     \
    X(SHORT, "short")     \
    X(GARBAGE, "garbage") \
    X(BIG_HEADER, "big_header")

enum fault_kind {
#define X(name, text) FAULT_##name,
    FAULT_LIST(X)
#undef X
        FAULT_COUNT
};

/* share[FAULT_OK] is unused: the rest is ok. */
struct fault_shares {
    double share[FAULT_COUNT];
};

enum fault_garbage {
    FAULT_GARBAGE_HEAD,     /* no HTTP at all */
    FAULT_GARBAGE_CHUNK,    /* a chunk size that is no number */
    FAULT_GARBAGE_NEGATIVE, /* a chunk size below 0 */
    FAULT_GARBAGE_JSON,     /* an event that is no JSON */
    FAULT_GARBAGE_LINE,     /* a line of 4 MB that does not end */
    FAULT_GARBAGE_KINDS
};
#define FAULT_GARBAGE_CHOICES "any|head|chunk|negative|json|line"

struct fault {
    enum fault_kind kind;
    enum fault_garbage garbage;
    double where;   /* [0, 1): how far into the answer it strikes */
    struct rng rng; /* further draws of this request */
};

/* STATUS_BAD_OPTION if the shares sum to more than 1. */
MUST_CHECK enum status fault_check(const struct fault_shares *s, struct err *e);
/* garbage: one of FAULT_GARBAGE_CHOICES. */
void fault_draw(const struct fault_shares *s, const char *garbage, uint64_t seed,
                int64_t request, struct fault *out);
const char *fault_name(enum fault_kind kind);
/* How many of `count` events are sent before it strikes: 1 to count - 1; of one, none. */
int64_t fault_events(const struct fault *f, int64_t count);

#endif
