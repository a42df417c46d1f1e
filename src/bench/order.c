#include "bench/order.h"

#include "base/mem.h"

static void skip_followers(struct order *o)
{
    while (o->next < o->count && o->requests[o->next].after != NULL)
        o->next++;
}

enum status order_init(struct order *o, struct err *e)
{
    bool is_any = false;
    for (size_t i = 0; i < o->count; i++)
        is_any = is_any || o->requests[i].after != NULL;
    skip_followers(o);
    if (!is_any)
        return STATUS_OK;
    o->follower = mem_alloc(o->count, sizeof *o->follower);
    o->turns = mem_alloc(o->count, sizeof *o->turns);
    if (o->follower == NULL || o->turns == NULL)
        return status_no_memory(e, "requests in flight");
    for (size_t i = 0; i < o->count; i++)
        o->follower[i] = -1;
    for (size_t i = 0; i < o->count; i++)
        if (o->requests[i].after != NULL)
            o->follower[order_position(o, o->requests[i].after->index)] = (int32_t)i;
    return STATUS_OK;
}

void order_fini(struct order *o)
{
    mem_free(o->follower);
    mem_free(o->turns);
    *o = (struct order){0};
}

size_t order_take(struct order *o)
{
    if (o->turn_next < o->turn_count)
        return (size_t)o->turns[o->turn_next++].position;
    size_t position = o->next++;
    skip_followers(o);
    return position;
}

int32_t order_follower(const struct order *o, size_t position)
{
    return o->follower != NULL ? o->follower[position] : -1;
}

void order_release(struct order *o, int32_t position, struct instant at)
{
    o->turns[o->turn_count++] = (struct order_turn){position, at};
}
