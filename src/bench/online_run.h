/* Executes an online plan: settings, cells, repeats; everything that happens goes into
 * the journal. Names no engine. */
#ifndef BENCH_ONLINE_RUN_H
#define BENCH_ONLINE_RUN_H

#include <stdbool.h>

#include "bench/cells.h"
#include "bench/session.h"
#include "plan/plan.h"
#include "report/progress.h"
#include "store/journal.h"

#define ONLINE_THREADS_MAX 64

struct online {
    const struct engine_ops *ops;
    struct engine_settings settings; /* caching is set for each cell; target is set */
    const struct plan *plan;
    struct journal *journal; /* the run line is written */
    struct arena *arena;     /* of the run */
    struct progress *progress;
    struct engine_watch watch;
    struct cells_pause pause;
    struct log *log;
    const char *hardware_type; /* --hardware-type, or NULL: the engine's */
    const char *model_name;    /* --model-name, or NULL: the server's */
    const char *run_id;
    const char *slo_json;  /* --goodput as an object of limits in s, or NULL */
    const char *body_json; /* --extra-body in canonical form, secrets masked, or NULL */
    bool with_gaps;
    int64_t client_threads; /* 1..ONLINE_THREADS_MAX */
    double drain_timeout_s; /* after the last send of a repeat */

    struct session session;
    struct engine_target target; /* settings.target, with the load's kind */
    struct engine_lane *lanes[ONLINE_THREADS_MAX];
    size_t lane_count;
    size_t open_setting;
    int64_t openings;      /* of engines, failed ones included */
    size_t short_told;     /* the last cell, + 1, whose plan was said to be too small */
    double in_flight_mean; /* of the last repeat of the cell; 0: there is none */
    struct progress_load last_load; /* of the repeat that ended last */
};

/* As offline_run. */
MUST_CHECK enum status online_run(struct online *o, struct cells_outcome *out,
                                  struct err *e);

#endif
