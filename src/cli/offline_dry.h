/* --dry-run: the plan, and how long it took before. */
#ifndef CLI_OFFLINE_DRY_H
#define CLI_OFFLINE_DRY_H

#include "base/buf.h"
#include "cli/offline_job.h"

/* Cells, repeats, requests, tokens; prompt lengths of each scenario; an estimate of the
 * time from earlier results in --output-dir, else "unknown". */
MUST_CHECK enum status offline_dry_text(struct offline_job *j, struct buf *out,
                                        struct err *e);
/* Seconds that all repeats took in earlier results of the same model, instance, scenario,
 * batch size and lengths, loading left out; NAN if a cell was never measured. */
double offline_dry_estimate_s(struct offline_job *j);

#endif
