/* What tells that bytes of a journal have changed since they were written. The last
 * member of every line but requests is `sum`, in 16 hex digits: XXH64 of the line up to
 * there. A repeat's end covers its requests too. */
#ifndef STORE_JOURNAL_SUM_H
#define STORE_JOURNAL_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define JOURNAL_SUM_KEY "sum"

enum { JOURNAL_SUM_ROOM = 17 };

/* The sum of lines, the first without one before it (0); a line is without its LF. */
uint64_t journal_sum_add(uint64_t before, struct str line);
void journal_sum_text(uint64_t sum, char text[JOURNAL_SUM_ROOM]);
/* Does that line, read from a file, end with its sum?
 *   before  sum of the lines that its own covers as well; 0: none */
bool journal_sum_is_right(struct str line, uint64_t before);

#endif
