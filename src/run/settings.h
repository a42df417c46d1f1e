/* The settings of a run: those of --setting, prefix caching OFF and ON, or one. */
#ifndef RUN_SETTINGS_H
#define RUN_SETTINGS_H

#include "run/run.h"

/* Fills the settings and max_model_len of the plan's options, in the order in which they
 * run: drawn from the run's id, but for a dry run. Each has all words for its engine,
 * which has settled them. r->ops and run_id are there.
 *   BAD_OPTION  names or words that cannot be, or options that say otherwise */
MUST_CHECK enum status run_settings_build(struct run *r, struct plan_options *out,
                                          struct err *e);

/* --- for --dry-run */

/* "fast"; without a name "ON" or "OFF". */
const char *run_settings_name(const struct plan_setting *s);
/* What tells cells of settings apart: column's head, and text of it. */
const char *run_settings_head(const struct plan_options *o);
const char *run_settings_cell(const struct plan_cell *c);
/* Names and words, launches and their order; nothing where there is one of each. */
void run_settings_text(const struct run *r, struct buf *out);

#endif
