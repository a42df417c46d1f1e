#include "base/rng.h"

/* splitmix64 (Steele, Lea, Flood 2014): one step of its stream. */
static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash_name(const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const unsigned char *p = (const unsigned char *)name; *p != 0; p++)
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

/* The seed is mixed before the name is folded in, so that neighbouring seeds and names
 * that hash to neighbours cannot cancel out. splitmix64 gives no four zeros in a row, the
 * one state that xoshiro must not have. */
void rng_init(struct rng *r, uint64_t seed, const char *name)
{
    uint64_t state = seed;
    state = split_mix(&state) ^ hash_name(name);
    for (int i = 0; i < 4; i++)
        r->s[i] = split_mix(&state);
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    /* 2^64 mod n: the draws below it would favour small values. */
    uint64_t skip = (0 - n) % n;
    uint64_t x = rng_u64(r);
    while (x < skip)
        x = rng_u64(r);
    return x % n;
}

double rng_unit(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}
