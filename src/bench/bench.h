/* What a repeat is run with: an engine, a plan, a journal, and who is told. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/log.h"
#include "bench/session.h"
#include "bench/share.h"
#include "plan/plan.h"
#include "report/progress.h"
#include "store/journal.h"

struct bench {
    struct session session; /* ops, settings and threads are set */
    const struct plan *plan;
    struct journal *journal; /* the run line is written */
    struct arena *arena;     /* of the run */
    struct progress *progress;
    struct engine_watch watch;
    struct log *log;
    const char *run_id;
    const char *hardware_type; /* --hardware-type, or NULL: the engine's */
    const char *model_name;    /* instead of the name that a server gives, or NULL */
    const char *slo_json;      /* --goodput as an object of limits in s, or NULL */
    const char *body_json; /* --extra-body in canonical form, secrets masked, or NULL */
    bool with_gaps;
    double drain_timeout_s;   /* online: after the last send of a repeat */
    struct bench_share share; /* of each repeat's requests */
    /* When the measured phase begins, *at being the first instant at which this process
     * can: several machines agree on one. NULL: that one. */
    enum status (*start)(void *arg, struct instant *at, struct err *e);
    void *start_arg;

    /* Its own. Of the cell: */
    int64_t openings;               /* of engines, failed ones included */
    double in_flight_mean;          /* online: of its last repeat; 0: there is none */
    bool is_short_told;             /* its plan was said to be too small */
    struct progress_load last_load; /* of the repeat that ended last */
};

/* A repeat under way. */
struct bench_repeat {
    struct plan_repeat plan;
    struct repeat_data data;
    struct arena *arena; /* of the repeat */
};

/* What ended a repeat early, as its row tells it; NULL when nothing did. */
const char *bench_cause(enum status s, const struct err *why, struct arena *a);

#endif
