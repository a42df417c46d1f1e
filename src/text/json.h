/* JSON in, through jansson: files and lines with messages that name the place, and
 * readers of members that treat "absent", "null" and "of another type" alike. */
#ifndef TEXT_JSON_H
#define TEXT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

#define JSON_SERVER_CAP ((size_t)32 << 20)
#define JSON_COUNT_MAX  ((int64_t)1 << 53) /* of anything: more is no exact number */
#define JSON_IDS_MAX    (1 << 24)          /* of a vocabulary: more is none */
#define JSON_BYTES_MAX  ((int64_t)1 << 50) /* of memory or a cache: more is no size */
#define JSON_NS_MAX     ((int64_t)1 << 62) /* of a clock: their differences are numbers */

/* A new reference to the value, of whatever kind; NULL: no JSON, nested too deeply
 * (JSONR_MAX_DEPTH), or no memory. */
json_t *json_parse(struct str text);
/* How deep lists and objects of a text stand in one another, be it sound or not. */
size_t json_depth(struct str text);
/* *out is a new reference: json_decref. A file over max_bytes is refused. */
MUST_CHECK enum status json_from_file(const char *path, size_t max_bytes, json_t **out,
                                      struct err *e);
/* `where`: file:line for the message. */
MUST_CHECK enum status json_from_text(struct str text, const char *where, json_t **out,
                                      struct err *e);
/* What a server said: refused where its values would take more than JSON_SERVER_CAP of
 * memory, which is far more than its text has. */
MUST_CHECK enum status json_from_server(struct str text, const char *where, json_t **out,
                                        struct err *e);
/* Members of an object; obj may be NULL or no object. Strings live as long as obj. */
const char *json_str_of(const json_t *obj, const char *key); /* NULL if none */
bool json_str_is(const json_t *obj, const char *key, const char *text);
int64_t json_int_of(const json_t *obj, const char *key, int64_t none); /* 5.0 is 5 */
/* The same of a number that means something only from min to max: others are none. For
 * all that a server, an engine or a tool says of itself. */
int64_t json_range_of(const json_t *obj, const char *key, int64_t min, int64_t max,
                      int64_t none);
int64_t json_range(const json_t *value, int64_t min, int64_t max, int64_t none);
double json_num_of(const json_t *obj, const char *key); /* NAN if none */
bool json_bool_of(const json_t *obj, const char *key, bool none);
/* Compact text of a value, keys in their order; appended to out. */
enum status json_to_text(const json_t *value, struct buf *out);
/* The same with sorted keys: one text for all spellings of a value. */
enum status json_to_sorted_text(const json_t *value, struct buf *out);

#endif
