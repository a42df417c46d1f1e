/* MLflow in a run: which server, is it there, and the rows at the end. Nothing is sent
 * between the first request and the last file. */
#ifndef TRACK_TRACKING_H
#define TRACK_TRACKING_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/opt.h"
#include "track/account.h"
#include "track/entry.h"
#include "track/sync.h"

/* What a dead server can cost: at the start, and at the end; a slow one half a second a
 * row more. */
#define TRACKING_GREET_S 2.0
#define TRACKING_ROW_S   10.0
#define TRACKING_ALL_S   30.0
#define TRACKING_PART_S  10.0 /* between two cells; after a failure no more */

struct tracking {
    struct log *log;
    struct arena *arena;
    const char *uri, *experiment; /* as given, or NULL */
    const char *default_experiment;
    struct opt_strings tags;
    bool must_verify;
    bool (*stop)(void *);                            /* ends a part; or NULL */
    void (*tick)(void *arg, size_t done, size_t of); /* rows sent at the end; or NULL */
    void *arg;
    bool is_late;           /* a part could not be sent: all at the end */
    bool has_linked;        /* the link of the first part was shown */
    bool is_off;            /* --no-mlflow, or nobody answers at the default address */
    struct account account; /* of tracking_choose */
};

/* Refuses tags of --mlflow-tag that belong to the rows: STATUS_BAD_OPTION. */
MUST_CHECK enum status tracking_check_tags(const struct opt_strings *tags,
                                           struct arena *a, struct err *e);
/* Which server, from options and environment; asks nobody. STATUS_BAD_OPTION: none that
 * rows can be sent to. */
MUST_CHECK enum status tracking_choose(struct tracking *t, struct err *e);
/* Asks the server for the experiment, so that what is wrong is said before hours of
 * measuring. Only the default address and nobody there: one note, and is_off. */
void tracking_greet(struct tracking *t);
/* The same in the middle of a run, with the rows so far; silent where it succeeds, but
 * for the link the first time. After a failure nothing is tried until the end. */
void tracking_log_part(struct tracking *t, const char *results_path, struct arena *a);
/* Logs the rows of a results file that were measured just now; returns lines for the list
 * of files, in the arena, or NULL where there is nothing to say. What could not be logged
 * is said, with the command that does it later. */
const char *tracking_log(struct tracking *t, const char *results_path,
                         const char *raw_dir);

/* What a user should know of rows that are logged. who: begins each line, "MLflow" or a
 * file; where: what holds whole what the server does not. */
void tracking_warn(struct log *log, const char *who, const char *where,
                   const struct sync_outcome *o);
/* Who runs this: $USER, else the name of the user id; NULL unknown. */
const char *tracking_user(void);

#endif
