/* The only caller of malloc and free. All calls are thread-safe. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

enum { MEM_FIRST_ROOM = 16 }; /* items, of an array that grows */

/* Zeroed memory, or NULL. count * size is checked for overflow. Caller frees with
 * mem_free. */
void *mem_alloc(size_t count, size_t size);
/* Resizes to count * size bytes; the old block stays valid on NULL. New bytes are not
 * zeroed. */
void *mem_resize(void *block, size_t count, size_t size);
/* Makes room for one more item of `size` bytes behind the `count` that are there: when
 * count has reached *room, doubles the block. items: address of the pointer to the block,
 * which may be NULL. False, and nothing changed, when out of memory. */
bool mem_grow(void *items, size_t count, size_t *room, size_t size);
char *mem_strdup(const char *text);
void mem_free(void *block);

/* Test seam: the nth call from now (1 = the next) and all later ones return NULL;
 * 0 switches failing off. */
void mem_fail_at(long nth);

#endif
