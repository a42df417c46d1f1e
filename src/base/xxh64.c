#include "base/xxh64.h"

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)

enum { LANES = 4, WORD = 8, STRIPE = LANES * WORD };

static uint64_t rotated(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* Little-endian, as a single load where the machine is. */
static uint64_t read_32(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
           (uint64_t)p[3] << 24;
}

static uint64_t read_64(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
           (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
           (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static uint64_t mixed(uint64_t lane, uint64_t word)
{
    return rotated(lane + word * PRIME_2, 31) * PRIME_1;
}

/* Whole stripes of *p, which moves on behind them. */
static uint64_t take_stripes(const unsigned char **p, size_t count, uint64_t seed)
{
    uint64_t lanes[LANES] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed,
                             seed - PRIME_1};
    for (; count > 0; count--, *p += STRIPE)
        for (int i = 0; i < LANES; i++)
            lanes[i] = mixed(lanes[i], read_64(*p + (size_t)i * WORD));
    uint64_t sum = rotated(lanes[0], 1) + rotated(lanes[1], 7) + rotated(lanes[2], 12) +
                   rotated(lanes[3], 18);
    for (int i = 0; i < LANES; i++)
        sum = (sum ^ mixed(0, lanes[i])) * PRIME_1 + PRIME_4;
    return sum;
}

static uint64_t take_rest(const unsigned char *p, size_t len, uint64_t sum)
{
    for (; len >= WORD; p += WORD, len -= WORD)
        sum = rotated(sum ^ mixed(0, read_64(p)), 27) * PRIME_1 + PRIME_4;
    if (len >= 4) {
        sum = rotated(sum ^ read_32(p) * PRIME_1, 23) * PRIME_2 + PRIME_3;
        p += 4;
        len -= 4;
    }
    for (; len > 0; p++, len--)
        sum = rotated(sum ^ *p * PRIME_5, 11) * PRIME_1;
    return sum;
}

static uint64_t spread(uint64_t sum)
{
    sum = (sum ^ sum >> 33) * PRIME_2;
    sum = (sum ^ sum >> 29) * PRIME_3;
    return sum ^ sum >> 32;
}

uint64_t xxh64(struct str text, uint64_t seed)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    uint64_t sum = text.len >= STRIPE ? take_stripes(&p, text.len / STRIPE, seed)
                                      : seed + PRIME_5;
    return spread(take_rest(p, text.len % STRIPE, sum + text.len));
}
