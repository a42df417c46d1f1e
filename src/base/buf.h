/* Growable byte buffer with a mandatory cap. After a failure the buffer is empty and
 * stays failed (every later append fails too), so a long run of appends needs one check
 * at its end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct buf {
    char *data; /* a 0 byte stands behind len, once anything was appended */
    size_t len;
    size_t room;
    size_t cap_bytes;
    enum status failed; /* STATUS_OK, NO_MEMORY or TOO_BIG */
};

void buf_init(struct buf *b, size_t cap_bytes);
enum status buf_append(struct buf *b, const void *data, size_t len);
enum status buf_text(struct buf *b, const char *text);
enum status buf_char(struct buf *b, char c);
enum status buf_int(struct buf *b, int64_t value); /* decimal; quicker than buf_printf */
PRINTF_LIKE(2, 3) enum status buf_printf(struct buf *b, const char *fmt, ...);
void buf_clear(struct buf *b);                  /* keeps the memory, forgets a failure */
void buf_drop_front(struct buf *b, size_t len); /* forgets the first len bytes */
const char *buf_cstr(const struct buf *b);      /* "" when empty; never NULL */
struct str buf_str(const struct buf *b);        /* the same with its length; borrowed */
void buf_fini(struct buf *b);                   /* harmless twice */

#endif
