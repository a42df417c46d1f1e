/* Arena: many small allocations that live and die together. Not thread-safe. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used_bytes;
    size_t cap_bytes;
    bool has_failed; /* some call of it found no memory */
};

void arena_init(struct arena *a, size_t cap_bytes);
/* Zeroed memory for count things of `size` bytes, aligned for any type; NULL when out of
 * memory or over the cap. Lives until arena_fini. */
void *arena_alloc(struct arena *a, size_t count, size_t size);
/* As mem_grow; the block left behind stays until arena_fini. */
bool arena_grow(struct arena *a, void *items, size_t count, size_t *room, size_t size);
char *arena_str(struct arena *a, struct str s);        /* terminated copy */
char *arena_strdup(struct arena *a, const char *text); /* NULL for NULL */
PRINTF_LIKE(2, 3) char *arena_printf(struct arena *a, const char *fmt, ...);
/* The same for those who ask has_failed at their end: "" where there is no memory. */
PRINTF_LIKE(2, 3) const char *arena_text(struct arena *a, const char *fmt, ...);
const char *arena_text_args(struct arena *a, const char *fmt, va_list args);
void arena_fini(struct arena *a);

#endif
