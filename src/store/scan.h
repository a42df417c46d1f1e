/* A strict JSON reader (RFC 8259) over text in memory that hands out pieces of the text
 * itself, so that rows can be copied whole whatever they hold, much faster than through a
 * tree.
 *
 *     scan_init, scan_enter('{'), then scan_key + scan_value until there is no more;
 *     lists: scan_enter('['), then scan_item + scan_value; at the end scan_finish.
 *
 * One leniency: NaN, Infinity and -Infinity, which Python writes, are read as null. A key
 * given twice is not noticed. Pieces live as long as the text. */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

enum scan_kind { SCAN_NULL, SCAN_BOOL, SCAN_NUMBER, SCAN_STRING, SCAN_LIST, SCAN_OBJECT };

struct scan {
    const char *begin, *at, *end; /* *end must be readable and 0 */
    const char *name;             /* file, for messages */
    bool has_nonfinite; /* NaN or Infinity was met since this was last cleared */
};

struct scan_value {
    enum scan_kind kind;
    struct str text; /* with quotes or brackets */
};

struct scan_level { /* one open object or list */
    char close;
    bool is_begun;
};

/* The byte after the text must be 0 (a buf has it). A byte order mark is skipped. */
void scan_init(struct scan *s, struct str text, const char *name);
/* What comes next, without taking it: '{', '[', '"', a digit ... ; 0 at the end. */
char scan_peek(struct scan *s);
MUST_CHECK enum status scan_enter(struct scan *s, char open, struct scan_level *level,
                                  struct err *e);
/* Next member's key, without quotes, escapes left as they are; *has false at the end. */
MUST_CHECK enum status scan_key(struct scan *s, struct scan_level *level, struct str *key,
                                bool *has, struct err *e);
/* Next item of a list: its value may be taken if *has. */
MUST_CHECK enum status scan_item(struct scan *s, struct scan_level *level, bool *has,
                                 struct err *e);
/* One whole value, checked. */
MUST_CHECK enum status scan_value(struct scan *s, struct scan_value *out, struct err *e);
/* Nothing but blanks may follow. */
MUST_CHECK enum status scan_finish(struct scan *s, struct err *e);
/* "name:line: what", where the scan stands. */
PRINTF_LIKE(3, 4)
enum status scan_fail(const struct scan *s, struct err *e, const char *what, ...);

/* Text of a SCAN_STRING, escapes resolved, in the arena; NULL for other kinds or no
 * memory. */
char *scan_text(struct scan_value v, struct arena *a);
/* Appends a checked value, laid out anew: two blanks a level, the first line at `depth`.
 */
enum status scan_copy(struct str value, int depth, struct buf *out);

#endif
