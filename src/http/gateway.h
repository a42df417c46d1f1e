/* What a gateway says in the headers of an answer about who gave it: the backend's name,
 * its host, never a path, a query or a key. */
#ifndef HTTP_GATEWAY_H
#define HTTP_GATEWAY_H

#include <stdbool.h>

#include "base/str.h"

#define GATEWAY_BYTES 128

struct gateway {
    char backend[GATEWAY_BYTES]; /* "hosted_vllm/m 10.0.0.7:8000 1.108.7"; "" if none; a
                                    longer one is cut */
    bool is_diverted; /* by its own word: a fallback has answered, or its cache */
};

/* What stands elsewhere: a provider in the body. */
void gateway_add(struct gateway *g, struct str text);
/* One header; those of no gateway are left alone. `value` is without blanks around it. */
void gateway_header(struct gateway *g, struct str name, struct str value);

#endif
