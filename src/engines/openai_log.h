/* What the log of a launched vLLM server tells, of which it says nothing elsewhere. */
#ifndef ENGINES_OPENAI_LOG_H
#define ENGINES_OPENAI_LOG_H

#include "base/arena.h"
#include "base/str.h"
#include "core/field.h"

/* The number behind the last `before` that has `after` behind it: 1.12 of
 * ("Model loading took ", "GiB"); NAN: none. */
double openai_log_number(struct str log, const char *before, const char *after);
/* What the engine says of its settings when it starts, where no page of the server did:
 * vLLM's Rust front-end has none. Sets what is absent in *f. */
void openai_log_settings(struct str log, struct arena *a, struct row *f);

#endif
