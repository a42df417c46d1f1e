/* The limits of the self-test. Each that breaks is named with its value. Pure. */
#ifndef RUN_SELFTEST_JUDGE_H
#define RUN_SELFTEST_JUDGE_H

#include "run/selftest_point.h"

/* code, unit, limit, what it means; a value beyond the limit breaks it (ACHIEVED: below).
 * Those of the client come from DESIGN's targets and the rules of the verdicts. */
#define SELFTEST_LIMIT_LIST(X)                                                           \
    X(NO_STAMPS, "", 0, "the kernel gives no receive stamps")                            \
    X(ONE_CORE, "cores", 2, "client and server share one core")                          \
    X(CLOCK_WIDE, "us", 5, "kernel stamps cannot be put on the monotonic clock")         \
    X(REQUESTS_FAILED, "requests", 0, "requests failed or do not match the log")         \
    X(STAMPS_LATE, "us", 10, "p99 of the error of exact stamps")                         \
    X(STAMPS_BOUNDED, "share", 0.01, "events that are only bounded")                     \
    X(CLIENT_BUSY, "share", 0.05, "100 ms windows with the client above 80 % of a core") \
    X(TTFT_OFF, "us", 100, "error of a percentile of the time to first token")           \
    X(SENDS_LATE, "us", 200, "p99 of a send's lateness")                                 \
    X(SERVER_BEHIND, "share", 0.95, "events that the server sent in time, of those due")

enum selftest_limit {
#define X(name, unit, limit, text) SELFTEST_LIMIT_##name,
    SELFTEST_LIMIT_LIST(X)
#undef X
        SELFTEST_LIMIT_COUNT
};

struct selftest_reason {
    enum selftest_limit limit;
    double value;
    double at;    /* events/s or requests/s of the load; NAN: of the machine */
    bool is_open; /* at: requests/s */
};

#define SELFTEST_REASONS_MAX 64
struct selftest_reasons {
    struct selftest_reason items[SELFTEST_REASONS_MAX]; /* [count]; more are dropped */
    size_t count;
};

/* What is so about the machine itself. */
struct selftest_machine {
    int64_t usable_cores;  /* -1: unknown */
    double clock_width_us; /* of the narrowest sandwich of clock readings */
    bool has_stamps;       /* some event got one */
};

struct selftest_limits {
    const char *code, *unit, *text;
    double limit;
};
extern const struct selftest_limits selftest_judge_limits[SELFTEST_LIMIT_COUNT];

/* STAMPS_LATE is judged from 10,000 events/s on: events farther apart wake a sleeping
 * core, and what that costs lies between the server's stamp and its send. Tail events are
 * left out: their stamp is that of the answer's end, which is sent after them. Adds what
 * breaks in one load. */
void selftest_judge_point(const struct selftest_point *p, struct selftest_reasons *out);
void selftest_judge_machine(const struct selftest_machine *m,
                            struct selftest_reasons *out);
/* Adds those of `more` behind. */
void selftest_judge_append(struct selftest_reasons *out,
                           const struct selftest_reasons *more);
/* Some reason among [from, count) is the client's: not the server's alone. */
bool selftest_judge_is_client(const struct selftest_reasons *r, size_t from);

#endif
