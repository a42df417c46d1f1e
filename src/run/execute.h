/* The measuring of a run: its plan on its engine, under the live line. */
#ifndef RUN_EXECUTE_H
#define RUN_EXECUTE_H

#include "run/run.h"

/* What is to be measured. Texts are borrowed. */
struct run_work {
    const struct plan *plan;
    const struct engine_ops *ops;
    struct engine_settings settings;
    size_t client_threads;  /* 1 offline */
    double planned_s;       /* of all repeats; NAN: unknown */
    double drain_timeout_s; /* online */
    const char *model_name; /* as struct bench, like the next two */
    const char *slo_json, *body_json;
    bool loads_per_batch; /* as struct driver */
};

/* Between run_open and run_finish, which takes what it gives. */
MUST_CHECK enum status run_execute(struct run *r, const struct run_work *w,
                                   struct err *e);

#endif
