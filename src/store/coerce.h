/* Values of another JSON type than their field's. Notebooks rewrite rows: pandas turns
 * true into 1.0 and 12 into 12.0 as soon as a value is missing in the column, a time into
 * milliseconds since the epoch, the name "12" into 12, and a list into its Python text.
 * What such a value was is read where there is only one answer. */
#ifndef STORE_COERCE_H
#define STORE_COERCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/field.h"
#include "text/jsonr.h"

/* False: there is no value of the field's kind that this must be; `out` is untouched.
 * Strings live in the arena; *ran_out is set if there is no memory for one. v is not
 * null, and not what the field has anyway. */
bool coerce_value(enum field_id id, struct jsonr_value v, struct arena *a,
                  struct value *out, bool *ran_out);
/* The number of a row in its run: 3, 3.0, "3" and "3.0" are one. False: v is none. */
bool coerce_row_number(struct jsonr_value v, int64_t *out);
/* What a value of the field is, for messages: "true or false", "a whole number". */
const char *coerce_kind(enum field_id id);

#endif
