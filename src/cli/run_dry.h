/* What --dry-run of offline and online have in common. */
#ifndef CLI_RUN_DRY_H
#define CLI_RUN_DRY_H

#include "base/buf.h"
#include "plan/scenario.h"

/* The table of scenarios: lengths of prompts and answers. max_tokens: of the option. */
void run_dry_scenarios(const struct scenario_list *scenarios, int64_t max_tokens,
                       struct buf *out);

/* Says, where there are several settings, that nobody knows yet which runs first. */
void run_dry_order(size_t settings, struct buf *out);

#endif
