/* From rows as they stand in a file to `struct row`. */
#ifndef STORE_DECODE_H
#define STORE_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/field.h"
#include "store/results_scan.h"
#include "text/jsonr.h"

/* Remembers what the last row held, since most values recur. */
struct decode {
    struct arena *arena;
    const char *file;          /* for messages */
    const char *instance_type; /* stands in for an unknown one; NULL: none. Set per file,
                                  as `file` */
    bool is_out_of_memory;
    int next; /* field: where the search for a name begins */
    struct decode_codes {
        const char *text;
        const struct findings *made;
    } codes[2];                   /* reasons and warnings of the last row */
    struct str last[FIELD_COUNT]; /* text of each field in the last row that had one */
};

void decode_init(struct decode *d, struct arena *arena);
/* Every field of the table set; unknown names are left out. Values of another type are
 * read as coerce_value says; BAD_INPUT names the first that cannot be. Where a row of
 * offline_benchmark.py lacks them, scenario, repeat and is_warmup come from its notes and
 * label from its instance_type. Strings live in the arena. *is_published: the row has no
 * run_id. */
MUST_CHECK enum status decode_row(struct decode *d, const struct scanned_row *row,
                                  struct row *out, bool *is_published, struct err *e);
/* One field of a row; an unknown name is left out, and a value that cannot be is unknown.
 * NULL in place of texts where the arena has_failed. */
void decode_field(struct decode *d, struct str key, struct jsonr_value v,
                  struct row *out);
/* Is each value of its field's own type, as inferbench and offline_benchmark.py write
 * them? BAD_INPUT names the first that is not, whether decode_row could read it or
 * not. */
MUST_CHECK enum status decode_check(struct decode *d, const struct scanned_row *row,
                                    struct err *e);

/* --- values of another JSON type than their field's: coerce.c
 *
 * Notebooks rewrite rows: pandas turns true into 1.0 and 12 into 12.0 as soon as a value
 * is missing in the column, a time into milliseconds since the epoch, the name "12" into
 * 12, and a list into its Python text. What such a value was is read where there is only
 * one answer. */

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
