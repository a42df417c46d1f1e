/* The only caller of malloc and free. All calls are thread-safe. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Zeroed memory, or NULL. count * size is checked for overflow. Caller frees with
 * mem_free. */
void *mem_alloc(size_t count, size_t size);
/* Resizes to count * size bytes; the old block stays valid on NULL. New bytes are not
 * zeroed. */
void *mem_resize(void *block, size_t count, size_t size);
char *mem_strdup(const char *text);
void mem_free(void *block);

/* Test seam: the nth call from now (1 = the next) and all later ones return NULL;
 * 0 switches failing off. */
void mem_fail_at(long nth);

#endif
