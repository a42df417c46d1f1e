/* Fields of rows as matching sees them: what is known, what is equal, and how a value is
 * called. */
#ifndef STATS_MATCH_FIELD_H
#define STATS_MATCH_FIELD_H

#include <stdint.h>

#include "base/str.h"
#include "stats/agree.h"
#include "stats/match.h"

#define MATCH_FIELD_BYTES 4096 /* of a value's text */

/* The fields that tell cells apart, and in what they must agree. */
struct match_fields {
    enum field_id ids[FIELD_COUNT]; /* [count] */
    size_t count;
    enum agree in[FIELD_COUNT][AGREE_WHERE_COUNT];
};

void match_field_list(struct match_fields *out);

/* "scenario=short, run=1, warmup=False": what rows of offline_benchmark.py say there. */
struct str match_field_scenario(const struct row *row);
bool match_field_is_warmup(const struct row *row);
/* No warm-up, and it did not fail. */
bool match_field_is_measured(const struct row *row);
bool match_field_is_online(const struct row *row);
/* Order of cells in tables and plots: by batch size, concurrency or rate, all at once
 * behind these and unknown ones last; then caching OFF before the rest. */
bool match_field_is_before(const struct row *a, const struct row *b);
/* Rows that do not say are older than the field: 1. */
int match_field_definitions(const struct row *row);
/* "..._sha256": a value that says nothing to people. */
bool match_field_is_digest(enum field_id id);

/* Where a machine cannot be asked for such a field, rows of it may stand for any: which
 * machine, whose client, which driver. */
bool match_field_is_wild(enum field_id id);
/* Values of a field in two rows: equal, both unknown included. The model is its
 * fingerprint where both rows have one; room of the KV cache is equal within 1 %. */
bool match_field_is_equal(const struct row *a, const struct row *b, enum field_id id);
/* Equal at a glance: of one kind and value. */
bool match_field_is_same(const struct row *a, const struct row *b, enum field_id id);
/* Whether two cells differ. A row that is older than the field, or of
 * offline_benchmark.py, does not differ by what it does not say. */
bool match_field_differs(const struct match_cell *a, const struct match_cell *b,
                         enum field_id id);
/* Equal values give equal hashes (tolerance and fields that are wild aside). */
uint64_t match_field_hash(uint64_t h, const struct row *row, enum field_id id);

/* A value's text, on one line; "" where it is not known. out: MATCH_FIELD_BYTES. */
void match_field_text(const struct row *row, enum field_id id, char *out);
/* As much of a text as fits in room bytes, "..." behind it where it is cut; characters
 * stay whole, and what would steer a terminal becomes a blank. */
void match_field_cut(const char *text, char *out, size_t room);
/* The same in a sentence: digests in short, "unknown" where it is not known. */
void match_field_say(const struct row *row, enum field_id id, char *out);

#endif
