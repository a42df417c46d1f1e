#include "serve/due.h"

#include "base/mem.h"

void due_init(struct due *d)
{
    *d = (struct due){0};
}

void due_fini(struct due *d)
{
    mem_free(d->heap);
    mem_free(d->place);
    *d = (struct due){0};
}

enum status due_reserve(struct due *d, size_t members)
{
    if (members <= d->room)
        return STATUS_OK;
    size_t room = d->room == 0 ? 64 : d->room;
    while (room < members)
        room *= 2;
    struct due_entry *heap = mem_resize(d->heap, room, sizeof *heap);
    if (heap == NULL)
        return STATUS_NO_MEMORY;
    d->heap = heap;
    uint32_t *place = mem_resize(d->place, room, sizeof *place);
    if (place == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = d->room; i < room; i++)
        place[i] = 0;
    d->place = place;
    d->room = room;
    return STATUS_OK;
}

static void put(struct due *d, size_t i, struct due_entry entry)
{
    d->heap[i] = entry;
    d->place[entry.who] = (uint32_t)i + 1;
}

static void rise(struct due *d, size_t i, struct due_entry entry)
{
    while (i > 0 && d->heap[(i - 1) / 2].at_ns > entry.at_ns) {
        put(d, i, d->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(d, i, entry);
}

static void sink(struct due *d, size_t i, struct due_entry entry)
{
    for (size_t child = 2 * i + 1; child < d->count; child = 2 * i + 1) {
        if (child + 1 < d->count && d->heap[child + 1].at_ns < d->heap[child].at_ns)
            child++;
        if (d->heap[child].at_ns >= entry.at_ns)
            break;
        put(d, i, d->heap[child]);
        i = child;
    }
    put(d, i, entry);
}

static void place_at(struct due *d, size_t i, struct due_entry entry)
{
    if (i > 0 && d->heap[(i - 1) / 2].at_ns > entry.at_ns)
        rise(d, i, entry);
    else
        sink(d, i, entry);
}

void due_set(struct due *d, uint32_t who, struct instant at)
{
    struct due_entry entry = {.at_ns = at.ns, .who = who};
    if (d->place[who] == 0)
        rise(d, d->count++, entry);
    else
        place_at(d, d->place[who] - 1, entry);
}

void due_remove(struct due *d, uint32_t who)
{
    if (who >= d->room || d->place[who] == 0)
        return;
    size_t i = d->place[who] - 1;
    d->place[who] = 0;
    struct due_entry last = d->heap[--d->count];
    if (i < d->count)
        place_at(d, i, last);
}

struct instant due_next(const struct due *d, uint32_t *who)
{
    if (d->count == 0)
        return (struct instant){DUE_NEVER};
    *who = d->heap[0].who;
    return (struct instant){d->heap[0].at_ns};
}
