/* Borrowed strings: a pointer and a length, never freed, not terminated. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr;
    size_t len;
};

struct str str_from(const char *text); /* NULL gives the empty string */
bool str_equal(struct str a, struct str b);
bool str_same(const char *a, const char *b); /* NULL is the same as NULL only */
bool str_is(struct str s, const char *text);
bool str_is_any_case(struct str s, const char *text); /* letters' case ignored */
bool str_starts(struct str s, const char *prefix);
bool str_ends_any_case(struct str s, const char *end); /* letters' case ignored */
/* Position of `what` in s from `from` on; s.len: nowhere. */
size_t str_at(struct str s, size_t from, const char *what);
/* Where `word` first is, letters' case ignored; NULL: nowhere. */
const char *str_find(struct str s, const char *word);
struct str str_trim(struct str s); /* white space off both ends */
/* Takes the part before the first `sep` off *rest and returns it; *rest is what follows.
 * Without a `sep` returns all and empties *rest. */
struct str str_cut(struct str *rest, char sep);

/* Whole-string number readers: false (and *out untouched) for anything left over, for an
 * empty string, and for what does not fit. "inf" is a double, "nan" is not. */
bool str_to_i64(struct str s, int64_t *out);
bool str_to_double(struct str s, double *out);
/* Per cent, with the sign or without, as a share above 0 and below 1: "2%" is 0.02. */
bool str_to_share(struct str s, double *out);
/* A length of time with its unit, "250us" or "1.5s", in whole nanoseconds; units: ns us
 * ms s min h, and none for a bare 0. Not negative. */
bool str_to_span_ns(struct str s, int64_t *out);

/* Order of `const char *` items, for qsort and bsearch. */
int str_order(const void *a, const void *b);

/* The ending of a noun that is counted: "" of one, else "s". */
const char *str_plural(int64_t count);

/* Bytes of the character at p, of which `left` are there; 0: it is none. No overlong
 * form, no surrogate, nothing above U+10FFFF. */
size_t str_utf8_len(const char *p, size_t left);
/* Damerau-Levenshtein distance, letters' case ignored; for "did you mean". O(n * m). */
size_t str_distance(const char *a, const char *b);

#endif
