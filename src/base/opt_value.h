/* Values of options: words into the target's field and back. For opt.c and opt_help.c. */
#ifndef BASE_OPT_VALUE_H
#define BASE_OPT_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/opt_table.h"
#include "base/status.h"

struct opt_value_job {
    const struct opt *opt;
    void *field;         /* of the type that opt->type says */
    const char *where;   /* "--num-runs" or "file:line: num_runs" */
    struct arena *arena; /* texts are copied, lists made there */
    struct err *e;
};

bool opt_value_is_list(const struct opt *o);
/* Unset, empty, false. */
void opt_value_clear(const struct opt *o, void *field);
/* Stores the only word of a scalar; adds all words to a list. */
MUST_CHECK enum status opt_value_store(const struct opt_value_job *job,
                                       const struct opt_strings *words);
/* The value as the user would type it; as opt_text. */
enum status opt_value_text(const struct opt *o, const void *field, struct buf *out);
/* The range as words: "2 to 1000", "0 or more"; "" where the option has none. */
enum status opt_value_range(const struct opt *o, struct buf *out);
/* The one of `choices` (words separated by '|') that is most like word, if any is at all;
 * its length in *len. */
const char *opt_value_nearest(const char *choices, const char *word, size_t *len);
/* Shortest text that reads back to the same number; "inf" for infinity. */
enum status opt_value_number(double value, struct buf *out);
/* Nanoseconds in the largest unit that leaves a whole number: "1500ms". */
enum status opt_value_span(int64_t ns, struct buf *out);

#endif
