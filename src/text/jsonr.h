/* JSON read in one pass (RFC 8259), without a tree and without memory, for what is hot or
 * large: events, requests, results. It hands out pieces of the text itself.
 *
 *     jsonr_init; jsonr_enter('{'), then jsonr_member and a value until there is no more;
 *     lists: jsonr_enter('['), jsonr_item and a value; jsonr_end at the end.
 *
 * After a failure every call fails, so that one look at the end does. One leniency: NaN,
 * Infinity and -Infinity, which Python writes, are read as null. A key given twice is not
 * noticed. Pieces live as long as the text. */
#ifndef TEXT_JSONR_H
#define TEXT_JSONR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

enum { JSONR_MAX_DEPTH = 64 }; /* of lists and objects in a value: more is refused */

enum jsonr_kind {
    JSONR_NONE, /* the end of the text, no JSON, or a failure */
    JSONR_NULL,
    JSONR_BOOL,
    JSONR_NUMBER,
    JSONR_STRING,
    JSONR_LIST,
    JSONR_OBJECT
};

struct jsonr {
    const char *begin, *at, *end;
    const char *name;    /* the file, for messages */
    struct err *e;       /* told of the first failure; NULL: nobody is */
    enum status failed;  /* at stands where the text went wrong */
    bool is_first;       /* of the innermost container nothing was read yet */
    bool trusts_strings; /* may be set: bytes of strings are not judged */
    bool has_nonfinite;  /* NaN or Infinity was met since this was last cleared */
};

struct jsonr_value {
    enum jsonr_kind kind;
    struct str text; /* with quotes or brackets */
};

/* A byte order mark is skipped. name and e may be NULL. */
void jsonr_init(struct jsonr *r, struct str text, const char *name, struct err *e);
/* Kind of the next value, which stays unread. */
enum jsonr_kind jsonr_kind(struct jsonr *r);
/* Enters the object or list that comes next: '{' or '['. */
void jsonr_enter(struct jsonr *r, char open);
/* The next member: true, and its value is to be read next; false: the object has ended,
 * or is bad. Keys come as written, without quotes. */
bool jsonr_member(struct jsonr *r, struct str *key);
/* The same of a list. */
bool jsonr_item(struct jsonr *r);
/* One whole value, checked; JSONR_NONE after a failure. */
struct jsonr_value jsonr_value(struct jsonr *r);
/* A value; true if it is a whole number that fits. */
bool jsonr_int(struct jsonr *r, int64_t *out);
/* Nothing but blanks may follow. */
enum status jsonr_end(struct jsonr *r);
/* Fails with "name:line: what", unless it has failed already. */
PRINTF_LIKE(2, 3)
enum status jsonr_fail(struct jsonr *r, const char *what, ...);
/* Ends the reading for a reason of the caller's, who has told e. */
void jsonr_stop(struct jsonr *r, enum status why);

/* Of a number: NAN for another kind. */
double jsonr_num(struct jsonr_value v);
/* Is it a whole number that fits? 5.0 is 5. */
bool jsonr_whole(struct jsonr_value v, int64_t *out);
/* Of a string what stands between the quotes, escapes as they are; others as they are. */
struct str jsonr_inner(struct jsonr_value v);
/* Text of a string, escapes resolved, in the arena; NULL: another kind, or no memory. An
 * escape of no character (half a surrogate pair, 0) is left as it is written. */
char *jsonr_text(struct jsonr_value v, struct arena *a);
/* The same of a string's inside: how long, and is it that text? */
size_t jsonr_text_len(struct str inner);
bool jsonr_text_is(struct str inner, const char *text);

#endif
