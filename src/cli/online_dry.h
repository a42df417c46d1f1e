/* --dry-run of online: the plan. */
#ifndef CLI_ONLINE_DRY_H
#define CLI_ONLINE_DRY_H

#include "base/buf.h"
#include "cli/online_job.h"

/* Server, scenarios, loads, cells, repeats, requests, tokens, limits, and the time where
 * the load decides it. */
MUST_CHECK enum status online_dry_text(const struct online_job *j, struct buf *out,
                                       struct err *e);
/* Seconds until the last send of every repeat, all together; NAN where the server decides
 * it. */
double online_dry_estimate_s(const struct plan *p);

#endif
