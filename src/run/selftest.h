/* The self-test: our client against our own server on this machine, and where it falls
 * short. Names no engine. */
#ifndef RUN_SELFTEST_H
#define RUN_SELFTEST_H

#include "run/selftest_judge.h"
#include "run/selftest_load.h"

#define SELFTEST_RATES_MAX 16
#define SELFTEST_STEPS_MAX 12
#define SELFTEST_SENDS     2

struct selftest_options {
    double *rates_eps; /* [rate_count], > 0; are sorted */
    size_t rate_count; /* 1..SELFTEST_RATES_MAX */
    int64_t streams;   /* most at a time */
    bool is_quick;
};

/* The search for the highest rate: steps above the rates that hold. */
struct selftest_search {
    struct selftest_point steps[SELFTEST_STEPS_MAX]; /* [count] */
    size_t count;
    double highest_eps; /* achieved by the last load without a break; NAN: none */
    bool has_broken;    /* false: no limit broke up to there */
    double broke_eps;   /* asked for where it broke */
    struct selftest_reasons broke;
};

struct selftest_result {
    struct selftest_point rates[SELFTEST_RATES_MAX]; /* [rate_count] */
    size_t rate_count;
    struct selftest_search search;
    struct selftest_point sends[SELFTEST_SENDS];
    struct selftest_memory memory;
    struct selftest_machine machine;
    struct selftest_cores cores;
    double steal_ratio, throttled_s; /* NAN unknown */
    double load_before; /* load average of the minute before the start; NAN unknown */
    double duration_s;
    struct selftest_reasons reasons; /* none: this machine holds the defaults */
};

struct selftest_job {
    const struct selftest_options *options;
    const struct engine_ops *ops;
    struct log *log; /* where the live line is drawn */
    bool is_quiet;
    bool (*stop)(void *arg);
    void *arg;
};

/* BAD_OPTION for rates that cannot be, INTERRUPTED, or what kept it from measuring; a
 * limit that breaks is a result. */
MUST_CHECK enum status selftest_run(const struct selftest_job *job,
                                    struct selftest_result *out, struct err *e);

/* The closed load of that many events/s over at most `streams` streams for about that
 * long: intervals of 50 ms, shorter where the streams are too few. */
struct selftest_load selftest_load_of(double rate_eps, int64_t streams, double seconds);

#endif
