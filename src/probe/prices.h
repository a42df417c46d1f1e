/* Prices of machines: data/prices.yaml, built in, and a file of the user's of the same
 * form. Each has its kind (on demand, spot...), its source and its date. */
#ifndef PROBE_PRICES_H
#define PROBE_PRICES_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/status.h"
#include "stats/pricing.h"

#define PRICES_OLD_DAYS 180 /* what was collected before that is said to be old */

struct price_entry;
struct price_list {
    const struct price_entry *items; /* [count], those of the user's file first */
    size_t count;
    struct wall now;      /* ages are told from here */
    const char *own_file; /* NULL: the built-in list alone */
};

/* own_file NULL: the built-in list alone. A file of the user's is checked whole:
 *   BAD_INPUT  is of another form, another currency, or names a price twice
 * and what reading it fails with. Entries live in the arena. */
MUST_CHECK enum status prices_open(const char *own_file, struct wall now, struct arena *a,
                                   struct price_list *out, struct err *e);
/* The user's file wins. What is not listed is no error: the price is NAN then, and *out
 * says why. region NULL: only a price that holds everywhere is found, none is guessed.
 * NO_MEMORY is the only failure. */
MUST_CHECK enum status prices_find(const struct price_list *l, const char *instance_type,
                                   const char *region, struct arena *a,
                                   struct price *out);
/* Of each row: that of its instance type in the region that its file names, or else in
 * `region` (NULL: none is given); [rows->count] in the arena. NO_MEMORY is the only
 * failure. */
MUST_CHECK enum status prices_of_rows(const struct price_list *l,
                                      const struct analysis_rows *rows,
                                      const char *region, struct arena *a,
                                      const struct price **out);

#endif
