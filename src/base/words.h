/* A command line that came as one text, cut into its words. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/arena.h"
#include "base/opt_table.h"
#include "base/status.h"

/* White space parts words; quotes of either kind hold together what is between them and
 * are no part of it. No shell: no variables, no backslashes. The words live in the arena.
 *   BAD_OPTION  a quote without its partner; `where` is the place named */
MUST_CHECK enum status words_cut(const char *text, const char *where, struct arena *a,
                                 struct opt_strings *out, struct err *e);

#endif
