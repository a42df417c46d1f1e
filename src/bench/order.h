/* The order in which a lane sends its requests: those that wait for no other in that of
 * the plan; one that waits for another when that has ended, before all that are still to
 * come. */
#ifndef BENCH_ORDER_H
#define BENCH_ORDER_H

#include "core/engine.h"

/* A request whose turn has come. */
struct order_turn {
    int32_t position;  /* in `requests` */
    struct instant at; /* the end that it waited for */
};

struct order {
    /* set by the caller; one that is waited for is in the same lane */
    const struct engine_request *requests; /* [count] */
    size_t count;
    const int32_t *positions; /* in `requests`, by index from first_index on */
    int32_t first_index;

    size_t next;       /* the next that waits for none; count: there is none */
    int32_t *follower; /* [count] who waits for it, -1: nobody; NULL: nobody waits */
    struct order_turn *turns; /* [turn_count], those before turn_next are sent */
    size_t turn_next, turn_count;
};

MUST_CHECK enum status order_init(struct order *o, struct err *e);
void order_fini(struct order *o);
static inline size_t order_position(const struct order *o, int32_t request)
{
    return (size_t)o->positions[request - o->first_index];
}
/* Is there a request that may be sent now, or when it is due? */
static inline bool order_has_more(const struct order *o)
{
    return o->turn_next < o->turn_count || o->next < o->count;
}
/* The next one, if its turn has come by the end of another; else NULL. */
static inline const struct order_turn *order_turn(const struct order *o)
{
    return o->turn_next < o->turn_count ? &o->turns[o->turn_next] : NULL;
}
/* Takes the position of the next one. There is one. */
size_t order_take(struct order *o);
/* Who waits for this position; -1: nobody. */
int32_t order_follower(const struct order *o, size_t position);
/* Its turn has come. */
void order_release(struct order *o, int32_t position, struct instant at);

#endif
