/* The reasons, warnings and checks of a row or a cell: JSON text in, answers out. */
#ifndef REPORT_CODES_H
#define REPORT_CODES_H

#include <stdbool.h>

#include "base/buf.h"

/* True if the JSON array of strings (NULL: empty) holds code. */
bool codes_has(const char *json_array, const char *code);
/* Calls on_code for each string of the array, in order; the text is borrowed for the
 * call. */
void codes_each(const char *json_array, void (*on_code)(void *arg, const char *code),
                void *arg);
/* Appends ": cache_hit_rate 0.31, limit 0" of the check (a JSON array of {code, field,
 * value, limit}) that bears this code; nothing where there is none. */
void codes_check_text(const char *checks_json, const char *code, struct buf *out);

#endif
