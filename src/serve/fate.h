/* What goes wrong on purpose: each request draws its fate, from its own random stream, so
 * that request n of a seed has the same one whatever else happens. */
#ifndef SERVE_FATE_H
#define SERVE_FATE_H

#include <stdint.h>

#include "base/rng.h"
#include "base/status.h"

/* name in the log, option */
#define FATE_LIST(X)      \
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

enum fate_kind {
#define X(name, text) FATE_##name,
    FATE_LIST(X)
#undef X
        FATE_COUNT
};

/* share[FATE_OK] is unused: the rest is ok. */
struct fate_shares {
    double share[FATE_COUNT];
};

enum fate_garbage {
    FATE_GARBAGE_HEAD,     /* no HTTP at all */
    FATE_GARBAGE_CHUNK,    /* a chunk size that is no number */
    FATE_GARBAGE_NEGATIVE, /* a chunk size below 0 */
    FATE_GARBAGE_JSON,     /* an event that is no JSON */
    FATE_GARBAGE_LINE,     /* a line of 4 MB that does not end */
    FATE_GARBAGE_KINDS
};
#define FATE_GARBAGE_CHOICES "any|head|chunk|negative|json|line"

struct fate {
    enum fate_kind kind;
    enum fate_garbage garbage;
    double where;   /* [0, 1): how far into the answer it strikes */
    struct rng rng; /* further draws of this request */
};

/* STATUS_BAD_OPTION if the shares sum to more than 1. */
MUST_CHECK enum status fate_check(const struct fate_shares *s, struct err *e);
/* garbage: one of FATE_GARBAGE_CHOICES. */
void fate_draw(const struct fate_shares *s, const char *garbage, uint64_t seed,
               int64_t request, struct fate *out);
const char *fate_name(enum fate_kind kind);
/* How many of `count` events are sent before it strikes: 1 to count - 1; of one, none. */
int64_t fate_events(const struct fate *f, int64_t count);

#endif
