/* Findings of verdicts in JSON: reasons and warnings are lists of codes, checks one of
 * objects {code, field, value, limit, text}. */
#ifndef STORE_FINDINGS_H
#define STORE_FINDINGS_H

#include "base/arena.h"
#include "core/finding.h"
#include "text/jsonw.h"

/* A boolean, number or text; null for every other kind. */
void findings_write_value(struct jsonw *w, const char *key, struct value v);
/* On one line, whatever the indent. */
void findings_write_codes(struct jsonw *w, const char *key, const struct findings *of);
void findings_write_checks(struct jsonw *w, const char *key, const struct findings *of);
/* A list's codes, and its objects whose code is among `fired`, reasons and warnings;
 * items of another kind are left out. NULL: no memory, and only then. */
const struct findings *findings_read_codes(const char *json_list, struct arena *a);
const struct findings *findings_read_checks(const char *json_list,
                                            const struct findings *const fired[2],
                                            struct arena *a);

#endif
