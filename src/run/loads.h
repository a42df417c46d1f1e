/* From options to the loads of an online plan, and --goodput. */
#ifndef RUN_LOADS_H
#define RUN_LOADS_H

#include "base/arena.h"
#include "run/opts.h"
#include "plan/plan.h"

/* True if --max-concurrency caps nothing: without --request-rate it is taken for
 * --concurrency, as in vLLM's bench. */
bool run_loads_cap_is_closed(const struct run_opts *o);
/* Closed loads, or open ones where --request-rate is given; options that do not go
 * together are refused. *out has its scenarios and max_tokens already: without
 * --num-prompts and --duration an open load is as long as its answers ask for. */
MUST_CHECK enum status run_loads_build(const struct opt_parse *p,
                                       const struct run_opts *o, struct arena *a,
                                       struct plan_options *out, struct err *e);
/* --sweep-rates written out as --request-rate. BAD_OPTION. */
MUST_CHECK enum status run_loads_sweep(const struct opt_parse *p, struct run_opts *o,
                                       struct arena *a, struct err *e);
/* --goodput, which --slo was written to, "ttft:500ms" ..., into the field `slo`:
 * {"ttft_ms": 500}; *out NULL where none is given. */
MUST_CHECK enum status run_loads_goodput(const struct run_opts *o, struct arena *a,
                                         const char **out, struct err *e);

#endif
