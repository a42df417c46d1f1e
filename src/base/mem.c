#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The one global that is not a table: the fault seam of the tests. It cannot travel in a
 * struct, since allocations happen everywhere; it is atomic, since they happen in every
 * thread. 0: off; 1: every call fails; n: n - 1 more calls succeed. */
static _Atomic long fail_in;

void mem_fail_at(long nth)
{
    atomic_store_explicit(&fail_in, nth, memory_order_relaxed);
}

static bool must_fail(void)
{
    long n = atomic_load_explicit(&fail_in, memory_order_relaxed);
    while (n > 1)
        if (atomic_compare_exchange_weak_explicit(
                &fail_in, &n, n - 1, memory_order_relaxed, memory_order_relaxed))
            return false;
    return n == 1;
}

static bool overflows(size_t count, size_t size)
{
    return size != 0 && count > SIZE_MAX / size;
}

void *mem_alloc(size_t count, size_t size)
{
    if (must_fail() || overflows(count, size))
        return NULL;
    return count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size);
}

void *mem_resize(void *block, size_t count, size_t size)
{
    if (must_fail() || overflows(count, size))
        return NULL;
    size_t bytes = count * size;
    return realloc(block, bytes == 0 ? 1 : bytes);
}

bool mem_grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room == 0 ? MEM_FIRST_ROOM : *room * 2;
    void *block;
    memcpy(&block, items, sizeof block);
    block = mem_resize(block, wanted, size);
    if (block == NULL)
        return false;
    memcpy(items, &block, sizeof block);
    *room = wanted;
    return true;
}

char *mem_strdup(const char *text)
{
    if (text == NULL)
        return NULL;
    size_t len = strlen(text);
    char *copy = mem_alloc(len + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, len);
    return copy;
}

void mem_free(void *block)
{
    free(block);
}
