/* What the log of a launched vLLM server tells, of which it says nothing elsewhere. */
#ifndef ENGINES_OPENAI_LOG_H
#define ENGINES_OPENAI_LOG_H

#include "base/str.h"

/* The number behind the last `before` that has `after` behind it: 1.12 of
 * ("Model loading took ", "GiB"); NAN: none. */
double openai_log_number(struct str log, const char *before, const char *after);

#endif
