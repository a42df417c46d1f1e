/* Fields of rows as matching sees them: what is known, what is equal, and how a value is
 * called. */
#ifndef STATS_MATCH_FIELD_H
#define STATS_MATCH_FIELD_H

#include <stdint.h>

#include "core/field.h"

#define MATCH_FIELD_BYTES 4096 /* of a value's text */

/* Rows of offline_benchmark.py have it, and the scenario, in their notes. */
bool match_field_is_warmup(const struct row *row);
/* No warm-up, and it did not fail. */
bool match_field_is_measured(const struct row *row);
bool match_field_is_online(const struct row *row);
/* Which start of the engine it comes from: its launch, else its run (of which it is then
 * the only one); NULL: nobody knows. */
const char *match_field_launch(const struct row *row);
/* Order of cells in tables and plots: by batch size, concurrency or rate, all at once
 * behind these and unknown ones last; then caching OFF before the rest, settings as
 * they were given. */
bool match_field_is_before(const struct row *a, const struct row *b);
/* Two settings of one run? Their user has named them, to compare one with the other. */
bool match_field_are_settings(const struct row *a, const struct row *b);
/* Rows that do not say are older than the field: 1. */
int match_field_definitions(const struct row *row);
/* "..._sha256": a value that says nothing to people. */
bool match_field_is_digest(enum field_id id);

/* Where a machine cannot be asked for such a field, rows of it may stand for any: which
 * machine, whose client, which driver. */
bool match_field_is_wild(enum field_id id);
/* Its text; "unknown" where it has none. */
const char *match_field_name(const struct row *row, enum field_id id);
/* Has it no text, or one that names nothing: "", "unknown"? */
bool match_field_is_nameless(const struct row *row, enum field_id id);
bool match_field_is_known(const struct row *row, enum field_id id);
/* Whether models have fingerprints that are the same. */
bool match_field_is_one_model(const struct row *a, const struct row *b);
bool match_field_is_caching_off(const struct row *row);
/* What a request meets: the arm of an interleaved run, else how the engine is set. */
struct value match_field_caching(const struct row *row);
/* Of that: OFF, which comes first. */
bool match_field_is_off_first(const struct row *row);
/* Values of a field in two rows: equal, both unknown included. The model is its
 * fingerprint where both rows have one; room of the KV cache is equal within 1 %. */
bool match_field_is_equal(const struct row *a, const struct row *b, enum field_id id);
/* Equal at a glance: of one kind and value. */
bool match_field_is_same(const struct row *a, const struct row *b, enum field_id id);
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
