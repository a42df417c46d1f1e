/* From options to the server that an online run aims at. */
#ifndef RUN_TARGET_H
#define RUN_TARGET_H

#include "base/arena.h"
#include "run/opts.h"
#include "core/target.h"

/* Addresses, key, headers and members of the body, all checked; is_closed_load is left
 * alone. A launched server has no address yet. Texts live in the arena and in `o`. */
MUST_CHECK enum status run_target_build(const struct opt_parse *p,
                                        const struct run_opts *o, struct arena *a,
                                        struct engine_target *out, struct err *e);
/* True if that server runs on this machine: launched, on a unix socket or on loopback. */
bool run_target_is_local(const struct engine_target *t, struct arena *a);
/* --extra-body as rows hold it: canonical, secrets masked; *out NULL where it adds
 * nothing. After run_target_build. */
MUST_CHECK enum status run_target_body(const struct run_opts *o, struct arena *a,
                                       const char **out, struct err *e);

#endif
