/* A set of things met before, by 128-bit hash: two different things share one with a
 * probability below 1e-25 for a million of them (no defence against someone who wants
 * to). */
#ifndef STORE_ROW_SET_H
#define STORE_ROW_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "core/field.h"
#include "store/results_scan.h"

struct row_set_key {
    uint64_t high, low;
};

struct row_set {
    struct row_set_entry *slots; /* [room], a power of two */
    size_t count, room;
};

/* Of the same row in whatever layout and order of fields; numbers by their spelling.
 * instance_type: stands in for the row's own; NULL: it keeps its own. */
struct row_set_key row_set_content(const struct scanned_row *row,
                                   const char *instance_type);
/* True if it has no run_id: a row of offline_benchmark.py. */
bool row_set_is_published(const struct scanned_row *row);
/* What makes a row the same: its run_id and row, whichever way the number is written. Of
 * a row without run_id: when it was measured, to the millisecond, and all that it says in
 * texts, numbers and truth values, as `decoded` has them, to six digits because notebooks
 * round. Its whole content where the time is not known.
 *   decoded        NULL: it cannot be read; of rows with a run_id it is not needed
 *   instance_type  as for row_set_content */
struct row_set_key row_set_identity(const struct scanned_row *row,
                                    const struct row *decoded, const char *instance_type);

void row_set_init(struct row_set *s);
/* Adds key with its content. *is_new false: it was there; *is_equal: with the same
 * content. */
MUST_CHECK enum status row_set_add(struct row_set *s, struct row_set_key key,
                                   uint64_t content, bool *is_new, bool *is_equal);
bool row_set_has(const struct row_set *s, struct row_set_key key);
/* The content that key was added with. False: it was not. */
bool row_set_find(const struct row_set *s, struct row_set_key key, uint64_t *content);
void row_set_fini(struct row_set *s);

#endif
