/* Seeded random streams. Each purpose draws from a stream of its own name, so that one
 * feature never shifts the draws of another. xoshiro256** (Blackman, Vigna 2018), seeded
 * by splitmix64 over the seed and an FNV-1a hash of the name. The same everywhere. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* name: e.g. "prompt/short/bs4/run1". */
void rng_init(struct rng *r, uint64_t seed, const char *name);
uint64_t rng_u64(struct rng *r);
/* Uniform in [0, n), without bias (rejection); n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* Uniform in [0, 1), 53 bits. */
double rng_unit(struct rng *r);

#endif
