/* Made online repeats: plans drawn from a seed, served by a model of known behaviour. */
#ifndef TESTS_ONLINE_FIXTURE_H
#define TESTS_ONLINE_FIXTURE_H

#include "base/rng.h"
#include "core/run_data.h"

#define ONLINE_FIXTURE_TOKENS 4

struct online_fixture {
    struct run_data run; /* one cell, one measured repeat */
    struct cell_data cell;
    struct repeat_data repeat;
    struct request_record *requests; /* [count] */
    int64_t (*at_ns)[ONLINE_FIXTURE_TOKENS];
    uint8_t (*marks)[ONLINE_FIXTURE_TOKENS];
    struct rng rng;
};

/* `count` requests that were never sent; fixed lengths, caching off, real weights, usage
 * counted. The cell is a Poisson load of 10 requests/s. */
void online_fixture_init(struct online_fixture *f, size_t count, uint64_t seed);
void online_fixture_fini(struct online_fixture *f);
/* Makes the cell a closed load of so many slots, or an open one; INFINITY: all at
 * once. */
void online_fixture_closed(struct online_fixture *f, int64_t concurrency);
void online_fixture_open(struct online_fixture *f, double rate_rps);

/* Due times: exponential gaps from the start of the phase; all ready when due. */
void online_fixture_poisson(struct online_fixture *f, double rate_rps);
/* Sends request i lag_ns after it was ready; the first token comes after a fifth of the
 * service, the others evenly until its end, at which it is done. Settled. */
void online_fixture_serve(struct online_fixture *f, size_t i, int64_t lag_ns,
                          int64_t service_ns);
/* Slots that send again at the end of their answer, each send 20 us late. */
void online_fixture_slots(struct online_fixture *f, size_t slots, int64_t service_ns);

#endif
