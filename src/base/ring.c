#include "base/ring.h"

#include "base/mem.h"

enum status ring_init(struct ring *r, size_t count, struct err *e)
{
    size_t room = 2;
    while (room < count)
        room *= 2;
    r->items = mem_alloc(room, sizeof *r->items);
    r->mask = room - 1;
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
    return r->items != NULL ? STATUS_OK : status_no_memory(e, "queue");
}

void ring_fini(struct ring *r)
{
    mem_free(r->items);
    r->items = NULL;
}

bool ring_put(struct ring *r, void *item)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (tail - atomic_load_explicit(&r->head, memory_order_acquire) > r->mask)
        return false;
    r->items[tail & r->mask] = item;
    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
    return true;
}

void *ring_take(struct ring *r)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    if (head == atomic_load_explicit(&r->tail, memory_order_acquire))
        return NULL;
    void *item = r->items[head & r->mask];
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return item;
}
