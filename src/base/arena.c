#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK_BYTES = 4096, ALIGN = _Alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t used_bytes;
    size_t size_bytes;
    max_align_t data[];
};

void arena_init(struct arena *a, size_t cap_bytes)
{
    *a = (struct arena){.cap_bytes = cap_bytes};
}

/* Blocks grow with the arena, so that a big one needs few of them. */
static struct arena_block *add_block(struct arena *a, size_t need)
{
    size_t size = BLOCK_BYTES;
    while (size < a->used_bytes / 2 && size < ((size_t)1 << 20))
        size *= 2;
    if (size < need)
        size = need;
    struct arena_block *block = mem_alloc(1, sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->size_bytes = size;
    /* A block made for one large piece goes behind the current one, which has room
     * left. */
    if (size == need && need > BLOCK_BYTES && a->blocks != NULL) {
        block->next = a->blocks->next;
        a->blocks->next = block;
    } else {
        block->next = a->blocks;
        a->blocks = block;
    }
    return block;
}

static void *take(struct arena *a, size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX / 2) / size)
        return NULL;
    size_t bytes = count * size;
    size_t need = bytes == 0 ? ALIGN : (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (need > a->cap_bytes || a->used_bytes > a->cap_bytes - need)
        return NULL;
    struct arena_block *block = a->blocks;
    if (block == NULL || block->size_bytes - block->used_bytes < need)
        block = add_block(a, need);
    if (block == NULL)
        return NULL;
    void *piece = (char *)block->data + block->used_bytes;
    block->used_bytes += need;
    a->used_bytes += need;
    return piece;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    void *piece = take(a, count, size);
    a->has_failed |= piece == NULL;
    return piece;
}

bool arena_grow(struct arena *a, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room == 0 ? MEM_FIRST_ROOM : *room * 2;
    void *old, *block = arena_alloc(a, wanted, size);
    if (block == NULL)
        return false;
    memcpy(&old, items, sizeof old);
    if (count > 0)
        memcpy(block, old, count * size);
    memcpy(items, &block, sizeof block);
    *room = wanted;
    return true;
}

char *arena_str(struct arena *a, struct str s)
{
    char *copy = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1, 1) : NULL;
    if (copy != NULL && s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
    return text == NULL ? NULL : arena_str(a, str_from(text));
}

static char *print(struct arena *a, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    char *text = len >= 0 ? arena_alloc(a, (size_t)len + 1, 1) : NULL;
    if (text != NULL)
        (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = print(a, fmt, args);
    va_end(args);
    return text;
}

const char *arena_text_args(struct arena *a, const char *fmt, va_list args)
{
    const char *text = print(a, fmt, args);
    return text != NULL ? text : "";
}

const char *arena_text(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = arena_text_args(a, fmt, args);
    va_end(args);
    return text;
}

void arena_fini(struct arena *a)
{
    while (a->blocks != NULL) {
        struct arena_block *next = a->blocks->next;
        mem_free(a->blocks);
        a->blocks = next;
    }
    a->used_bytes = 0;
    a->has_failed = false;
}
