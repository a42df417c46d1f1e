#include "stats/hist.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define HALF_BITS 10 /* 1,024 buckets a power of two */
#define HALF      ((size_t)1 << HALF_BITS)

/* Power of two by which the buckets around a value are wider than 1. */
static unsigned shift_of(int64_t value_ns)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll((unsigned long long)value_ns | 1);
    return bits > HALF_BITS + 1 ? bits - HALF_BITS - 1 : 0;
}

/* With shift s > 0 the value / 2^s lies in [1024, 2048): row s begins after the 2,048
 * single values and (s - 1) rows. */
static size_t bucket_of(int64_t value_ns)
{
    unsigned shift = shift_of(value_ns);
    return shift * HALF + (size_t)((uint64_t)value_ns >> shift);
}

static int64_t middle_of(size_t bucket)
{
    if (bucket < 2 * HALF)
        return (int64_t)bucket;
    unsigned shift = (unsigned)(bucket / HALF) - 1;
    uint64_t low = (uint64_t)(bucket - shift * HALF) << shift;
    return (int64_t)(low + ((UINT64_C(1) << shift) - 1) / 2);
}

enum status hist_init(struct hist *h, struct err *e)
{
    *h = (struct hist){.counts = mem_alloc(HIST_BUCKETS, sizeof *h->counts)};
    if (h->counts == NULL)
        return status_no_memory(e, "histogram");
    return STATUS_OK;
}

void hist_fini(struct hist *h)
{
    mem_free(h->counts);
    *h = (struct hist){0};
}

bool hist_record(struct hist *h, int64_t value_ns)
{
    if (value_ns < 0 || value_ns > HIST_MAX_NS) {
        h->dropped++;
        return false;
    }
    h->counts[bucket_of(value_ns)]++;
    if (h->total == 0 || value_ns < h->min_ns)
        h->min_ns = value_ns;
    if (h->total == 0 || value_ns > h->max_ns)
        h->max_ns = value_ns;
    h->total++;
    return true;
}

void hist_merge(struct hist *into, const struct hist *from)
{
    into->dropped += from->dropped;
    if (from->total == 0)
        return;
    for (size_t i = 0; i < HIST_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    if (into->total == 0 || from->min_ns < into->min_ns)
        into->min_ns = from->min_ns;
    if (into->total == 0 || from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
    into->total += from->total;
}

void hist_clear(struct hist *h)
{
    memset(h->counts, 0, HIST_BUCKETS * sizeof *h->counts);
    h->total = h->dropped = 0;
    h->min_ns = h->max_ns = 0;
}

static int64_t within(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

int64_t hist_quantile_ns(const struct hist *h, double q)
{
    if (h->total == 0 || !(q > 0 && q <= 1))
        return NS_UNKNOWN;
    /* 1e-12: as in quantile.c, 0.07 of 100 is rank 7. */
    double exact = q * (double)h->total;
    uint64_t rank = (uint64_t)ceil(exact - exact * 1e-12), seen = 0;
    if (rank >= h->total)
        return h->max_ns;
    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen >= rank && h->counts[i] > 0)
            return within(middle_of(i), h->min_ns, h->max_ns);
    }
    return h->max_ns;
}
