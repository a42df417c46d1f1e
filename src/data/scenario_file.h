/* Scenario files, in YAML. */
#ifndef DATA_SCENARIO_FILE_H
#define DATA_SCENARIO_FILE_H

#include "base/arena.h"
#include "base/status.h"
#include "core/workload.h"

/* All scenarios of a file, into the arena:
 *     - name: rag
 *       prompt_tokens: 2048        # lengths ...
 *       shared_prefix_tokens: 1024 #   of which so many are shared
 *       max_tokens: 64
 *     - name: faq
 *       prompts: ["...", "..."]    # ... or texts
 *       max_tokens: 64
 * Errors name file:line. */
MUST_CHECK enum status scenario_file_read(const char *path, struct arena *a,
                                          struct scenario_list *out, struct err *e);

#endif
