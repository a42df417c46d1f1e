#include "plan/blocks.h"

#include <stdio.h>

#include "base/rng.h"

int64_t blocks_runs(int64_t blocks)
{
    return BLOCKS_WARMUPS + 2 * blocks;
}

bool blocks_is_warmup(const struct plan *p, int64_t repeat)
{
    return repeat < (p->options.ab_blocks > 0 ? BLOCKS_WARMUPS : 1);
}

int64_t blocks_of(const struct plan *p, int64_t repeat)
{
    return p->options.ab_blocks == 0 || repeat < BLOCKS_WARMUPS
               ? -1
               : (repeat - BLOCKS_WARMUPS) / 2;
}

/* Of the block: ON OFF OFF ON. */
static bool begins_on(const struct plan *p, size_t pair, int64_t block)
{
    char stream[96];
    struct rng r;

    if (block < 0)
        return false;
    snprintf(stream, sizeof stream, "blocks/%zu/%s", pair,
             p->options.run_id != NULL ? p->options.run_id : "");
    rng_init(&r, (uint64_t)block, stream);
    return rng_below(&r, 2) == 1;
}

void blocks_turn(const struct plan *p, size_t pair, size_t n, size_t *cell,
                 int64_t *repeat)
{
    size_t place = n % 4;
    int64_t first = 2 * (int64_t)(n / 4);
    bool is_outer = place == 0 || place == 3;

    *repeat = first + (place >= 2);
    *cell = 2 * pair + (is_outer == begins_on(p, pair, blocks_of(p, first)));
}

enum status blocks_check(const struct plan *p, const struct plan_which *w, struct err *e)
{
    if (p->options.ab_blocks == 0)
        return STATUS_OK;
    if (w->lacks_cache) {
        status_fail(e, STATUS_UNSUPPORTED, "--ab", "the engine's prefix cache is off");
        return status_hint(e, "Both arms need it: start the server with prefix caching");
    }
    if (w->lacks_salt) {
        status_fail(e, STATUS_UNSUPPORTED, "--ab",
                    "the server takes no cache_salt, which keeps the requests of arm OFF "
                    "apart");
        return status_hint(e, "Measure a server with its cache off and one with it on, "
                              "then inferbench compare");
    }
    return STATUS_OK;
}
