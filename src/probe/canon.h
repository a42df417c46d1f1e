/* One text for one meaning: values that reach engines and servers, as rows hold them, so
 * that they can be compared. Secrets are masked. */
#ifndef PROBE_CANON_H
#define PROBE_CANON_H

#include <jansson.h>

#include "base/buf.h"

/* Appends JSON: members sorted, no blanks, 1.0 as 1, numbers in their shortest form.
 * Texts are masked as mask.h says, whole below a member whose name is that of a secret;
 * numbers and switches never are. */
enum status canon_json(const json_t *value, struct buf *out);
/* Appends the value of the option or variable `name`: an object or a list as canon_json,
 * "True" as true, "0.90" as 0.9, other texts as they are, masked. */
enum status canon_value(const char *name, const char *value, struct buf *out);

#endif
