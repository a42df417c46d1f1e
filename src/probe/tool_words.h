/* What a tool of a device said when it failed, in words for its user. */
#ifndef PROBE_TOOL_WORDS_H
#define PROBE_TOOL_WORDS_H

#include <stddef.h>

#include "base/str.h"

#define TOOL_WORDS_BYTES 480

/* "Driver/library version mismatch (nvidia-smi ended with exit status 18). Reboot ..."
 * into out: the first line it wrote, how it ended, and the cure where it is known. */
void tool_words_say(const char *tool, const char *end, struct str said, char *out,
                    size_t size);
/* What cures the fault that a tool's words name; NULL: not known. */
const char *tool_words_cure(struct str said);

#endif
