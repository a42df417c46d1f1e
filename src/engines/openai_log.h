/* What the log of a launched vLLM server tells, of which it says nothing elsewhere. */
#ifndef ENGINES_OPENAI_LOG_H
#define ENGINES_OPENAI_LOG_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct openai_log_cause {
    const char *type, *text; /* "ValueError", "To serve at least ..."; in the arena */
};

/* The last error in it that is not merely about another process's death, if there is
 * any; a refused command line is a "BadArgument". False: it names none. */
bool openai_log_cause(struct str log, struct arena *a, struct openai_log_cause *out);
/* The number behind the last `before` that has `after` behind it: 1.12 of
 * ("Model loading took ", "GiB"); NAN: none. */
double openai_log_number(struct str log, const char *before, const char *after);

#endif
