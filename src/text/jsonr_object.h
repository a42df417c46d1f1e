/* An object read whole: its members in their order, found by name. For lines and rows
 * that are kept, or asked for many members. Values are pieces of the text. */
#ifndef TEXT_JSONR_OBJECT_H
#define TEXT_JSONR_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "text/jsonr.h"

#define JSONR_OBJECT_MAX 511 /* members */

struct jsonr_pair {
    struct str key; /* as written, without quotes */
    struct jsonr_value value;
};

/* Zero-initialise; may be filled again and again; jsonr_object_fini frees. */
struct jsonr_object {
    struct jsonr_pair *pairs; /* shape [count] */
    size_t count, room;
};

/* The object that comes next; r tells of failures: one of more members is bad. `what`
 * names the object in the message. */
void jsonr_object_read(struct jsonr *r, const char *what, struct jsonr_object *o);
void jsonr_object_fini(struct jsonr_object *o);

/* The member, of a key given twice the last; NULL: there is none. */
struct jsonr_pair *jsonr_object_find(const struct jsonr_object *o, const char *key);
/* Its value; JSONR_NONE. */
struct jsonr_value jsonr_object_get(const struct jsonr_object *o, const char *key);
/* `none` where it is absent, null or of another kind; 5.0 is 5. */
int64_t jsonr_object_int(const struct jsonr_object *o, const char *key, int64_t none);
bool jsonr_object_bool(const struct jsonr_object *o, const char *key, bool none);
/* NAN; NULL, also where there is no memory (the arena has_failed then). */
double jsonr_object_num(const struct jsonr_object *o, const char *key);
char *jsonr_object_text(const struct jsonr_object *o, const char *key, struct arena *a);
/* Is it that string? */
bool jsonr_object_is(const struct jsonr_object *o, const char *key, const char *text);

#endif
