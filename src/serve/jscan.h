/* JSON read in one pass over the text, without a tree and without memory: what the server
 * needs of a request is a few members and the length of a list. RFC 8259. */
#ifndef SERVE_JSCAN_H
#define SERVE_JSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum jscan_kind {
    JSCAN_NONE, /* the end of the text, or no JSON */
    JSCAN_STRING,
    JSCAN_NUMBER,
    JSCAN_OBJECT,
    JSCAN_ARRAY,
    JSCAN_TRUE,
    JSCAN_FALSE,
    JSCAN_NULL
};

/* Once is_bad, every call fails; at then stands where the text went wrong. */
struct jscan {
    const char *at, *end;
    int depth;
    bool is_bad;
    bool is_first; /* no member or item of the innermost container was read yet */
};

void jscan_init(struct jscan *j, struct str text);
/* Kind of the next value, which stays unread. */
enum jscan_kind jscan_kind(struct jscan *j);
/* Enters the object or array that comes next. */
void jscan_enter(struct jscan *j);
/* The next member of the object: true, and its value is to be read or skipped next;
 * false: the object has ended (or is bad). Keys are given as written, escapes included.
 */
bool jscan_member(struct jscan *j, struct str *key);
/* The same for an array. */
bool jscan_item(struct jscan *j);
/* A string as written, without its quotes; *bytes (may be NULL): its length in UTF-8. */
struct str jscan_string(struct jscan *j, size_t *bytes);
/* Is the string, as jscan_string gives it, this text (of whole characters of the basic
 * plane) once its escapes are undone? */
bool jscan_means(struct str string, const char *text);
/* A number; false if it is not a whole one that fits. */
bool jscan_int(struct jscan *j, int64_t *out);
/* Any value, as written. */
struct str jscan_skip(struct jscan *j);
/* Nothing but white space is left, and all was well. */
bool jscan_end(struct jscan *j);

#endif
