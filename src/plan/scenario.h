/* Scenarios: the built-in five, scenario files (YAML) and data sets (JSON lines). */
#ifndef PLAN_SCENARIO_H
#define PLAN_SCENARIO_H

#include "plan/plan.h"

struct scenario_list {
    const struct scenario *items;
    size_t count;
};

/* The built-in scenarios, const. */
struct scenario_list scenario_builtin(void);

/* All scenarios of a file, into the arena:
 *     - name: rag
 *       prompt_tokens: 2048        # lengths ...
 *       shared_prefix_tokens: 1024 #   of which so many are shared
 *       max_tokens: 64
 *     - name: faq
 *       prompts: ["...", "..."]    # ... or texts
 *       max_tokens: 64
 * Errors name file:line. */
MUST_CHECK enum status scenario_from_file(const char *path, struct arena *a,
                                          struct scenario_list *out, struct err *e);
/* One scenario "dataset" (name: the file's stem) of {"prompt": ..., "max_tokens": n}
 * lines. */
MUST_CHECK enum status scenario_from_dataset(const char *path, struct arena *a,
                                             struct scenario *out, struct err *e);
/* Picks `names` from extra (of files), then the built-ins; unknown: the nearest is named.
 */
MUST_CHECK enum status scenario_pick(const struct opt_strings *names,
                                     const struct scenario_list *extra, struct arena *a,
                                     struct scenario_list *out, struct err *e);

#endif
