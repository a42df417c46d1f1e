#include "net/stamp.h"

#include <stdbool.h>
#include <stdlib.h>

#define WIDTH_GOOD_NS INT64_C(200)
#define TAKES_A_TURN  4
#define TAKES_AT_INIT 32
#define STEP_NS       NS_PER_MS

static int64_t width_of(struct stamp_sandwich s)
{
    return s.after.ns - s.before.ns;
}

/* Up to `takes` sandwiches, until one is narrow; the narrowest. *last: the last
 * reading. */
static struct stamp_sandwich narrowest(int takes, struct instant *last)
{
    struct stamp_sandwich best = {.after = {INT64_MAX}};
    for (int i = 0; i < takes && width_of(best) > WIDTH_GOOD_NS; i++) {
        struct stamp_sandwich s;
        s.before = clock_now();
        s.wall = clock_wall();
        s.after = clock_now();
        *last = s.after;
        if (width_of(s) < width_of(best))
            best = s;
    }
    return best;
}

/* A wide sandwich replaces the offset before only where both widths together cannot
 * explain the difference: the wall clock was stepped, or has drifted away since. */
void stamp_take(struct stamp_clock *c, struct stamp_sandwich s)
{
    int64_t width_ns = width_of(s);
    int64_t offset_ns = s.wall.ns - s.before.ns - width_ns / 2;
    bool is_first = c->turns == 0;
    int64_t moved_ns = is_first ? 0 : llabs(offset_ns - c->offset_ns);
    int64_t doubt_ns = (width_ns + c->width_ns) / 2;
    c->turns++;
    if (!is_first && width_ns > WIDTH_GOOD_NS && moved_ns <= doubt_ns)
        return;
    c->steps += moved_ns > STEP_NS + doubt_ns;
    c->offset_ns = offset_ns;
    c->width_ns = width_ns;
    if (is_first || offset_ns < c->offset_min_ns)
        c->offset_min_ns = offset_ns;
    if (is_first || offset_ns > c->offset_max_ns)
        c->offset_max_ns = offset_ns;
    if (width_ns > c->width_max_ns)
        c->width_max_ns = width_ns;
}

void stamp_init(struct stamp_clock *c)
{
    struct instant last = {0};
    *c = (struct stamp_clock){.turns = 0};
    stamp_take(c, narrowest(TAKES_AT_INIT, &last));
}

struct instant stamp_turn(struct stamp_clock *c)
{
    struct instant last = {0};
    stamp_take(c, narrowest(TAKES_A_TURN, &last));
    return last;
}

struct instant stamp_mono(const struct stamp_clock *c, int64_t realtime_ns)
{
    return (struct instant){realtime_ns == 0 ? NS_UNKNOWN : realtime_ns - c->offset_ns};
}
