/* JSON writer: text straight into a buffer. Doubles are written in the shortest form that
 * reads back to the same value, NAN and infinities as null, so a file can be rebuilt byte
 * for byte. Errors stick in the buffer (see buf.h): check once at the end. */
#ifndef TEXT_JSONW_H
#define TEXT_JSONW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define JSONW_MAX_DEPTH 32

struct jsonw {
    struct buf *out;
    int indent; /* spaces a level; 0: everything on one line, no blanks */
    int depth;
    bool has_items[JSONW_MAX_DEPTH];
};

/* key: the member's name in an object, NULL in an array and at the top. */
void jsonw_init(struct jsonw *w, struct buf *out, int indent);
void jsonw_object(struct jsonw *w, const char *key);
void jsonw_object_end(struct jsonw *w);
void jsonw_array(struct jsonw *w, const char *key);
void jsonw_array_end(struct jsonw *w);
void jsonw_str(struct jsonw *w, const char *key, const char *value); /* NULL: null */
void jsonw_int(struct jsonw *w, const char *key, int64_t value);
void jsonw_count(struct jsonw *w, const char *key, int64_t value); /* negative: null */
void jsonw_num(struct jsonw *w, const char *key, double value);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_null(struct jsonw *w, const char *key);
/* Already valid JSON text; re-indented when it holds objects or arrays and indent > 0.
 * NaN and Infinity become null. */
void jsonw_raw(struct jsonw *w, const char *key, const char *json);
/* Appends such a text with two blanks a level, its first line at `depth`. */
enum status jsonw_copy(struct buf *out, struct str json, int depth);
/* Shortest decimal text that reads back to the same double; out holds 32 bytes.
 * Integral values below 2^53 get ".0"; NAN and infinities become "null". */
void jsonw_double_text(double value, char *out);

#endif
