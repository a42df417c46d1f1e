/* What the rules of verdicts found in a row or a cell; only store/ spells it in JSON. */
#ifndef CORE_FINDING_H
#define CORE_FINDING_H

#include <stddef.h>

#include "core/value.h"

struct finding {
    const char *code;   /* of the rule; of a file's row perhaps one that we do not know */
    const char *field;  /* what was judged; NULL in lists of codes: reasons, warnings */
    struct value value; /* what it was */
    double limit;       /* NAN: none */
    const char *text;   /* for people; NULL: the rule did not fire, or numbers say all */
};

struct findings {
    const struct finding *items; /* [count] in order of the rules */
    size_t count;
};

#endif
