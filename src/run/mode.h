/* What differs between an offline and an online run: one row each, run_offline and
 * run_online. */
#ifndef RUN_MODE_H
#define RUN_MODE_H

#include "plan/scenario.h"
#include "run/run.h"

struct run_mode {
    const char *name;       /* of the subcommand, and the field serving_mode */
    const char *experiment; /* the default one of MLflow */
    enum engine_flag flag;
    const struct opt *options; /* [option_count], of struct run_opts */
    size_t option_count;
    /* Completes the options, and checks what is of this mode alone. */
    enum status (*check)(struct run *r, struct err *e);
    const char *(*engine)(const struct run *r); /* its name */
    /* Scenarios, loads, and what else of the plan is of this mode alone. Scenarios come
     * first; max_tokens, seed and the number of repeats are there. */
    enum status (*scenarios)(struct run *r, struct scenario_list *out, struct err *e);
    enum status (*loads)(struct run *r, struct plan_options *o, struct err *e);
    /* What the engine must know beside the options of both modes, once there is a plan;
     * returns the most requests in flight at a time. */
    int64_t (*settings)(struct run *r, struct engine_settings *s);
    void (*opened)(struct run *r); /* or NULL: once the machine is known */
    /* --dry-run: what is measured; its cells; what it takes. */
    void (*dry_head)(const struct run *r, struct buf *out);
    void (*dry_cells)(const struct run *r, struct buf *out);
    void (*dry_end)(const struct run *r, struct buf *out);
    double (*estimate_s)(const struct run *r); /* of all repeats; NAN: unknown */
};

extern const struct run_mode run_offline, run_online;

#endif
