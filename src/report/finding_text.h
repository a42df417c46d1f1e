/* What a verdict found, for people. */
#ifndef REPORT_FINDING_TEXT_H
#define REPORT_FINDING_TEXT_H

#include "base/buf.h"
#include "core/finding.h"

/* Appends ": cache_hit_rate 0.31, limit 0.0" of the check (NULL: none) that bears this
 * code; nothing where there is none. */
void finding_text_put(const struct findings *checks, const char *code, struct buf *out);

#endif
