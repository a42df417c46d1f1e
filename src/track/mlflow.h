/* Calls of an MLflow tracking server, REST 2.0 (checked against 3.17.2). Calls that fail
 * in passing (408, 429, 500, 502, 503, 504, a lost connection) are made again,
 * Retry-After minded, until `give_up`; creating a run is not, because its answer may be
 * lost: look for the run first. Texts of errors are the server's first line, never a page
 * of HTML. An answer of 200 does not prove that data were stored: see readback_check. */
#ifndef TRACK_MLFLOW_H
#define TRACK_MLFLOW_H

#include <jansson.h>

#include "base/clock.h"
#include "base/status.h"
#include "http/rest.h"
#include "track/account.h"
#include "track/entry.h"

struct mlflow {
    const struct account *account; /* borrowed */
    struct rest *rest;
    struct rest_call call;
    struct instant give_up; /* no call lasts longer; ns INT64_MAX: each has 30 s */
    int tries;              /* of one call, 1 or more */
    bool (*stop)(void *);   /* no further try once true; NULL: never */
};

MUST_CHECK enum status mlflow_open(struct mlflow *m, const struct account *account,
                                   struct err *e);
void mlflow_close(struct mlflow *m); /* harmless twice, and on a zeroed struct */

/* GET /health, once. STATUS_CLOSED, STATUS_TIMEOUT, STATUS_NOT_FOUND: nobody answers. */
MUST_CHECK enum status mlflow_ping(struct mlflow *m, double timeout_s, struct err *e);
/* An experiment, also a deleted one. */
struct mlflow_found {
    const char *id; /* in the arena */
    bool is_deleted;
};
/* Nothing of that name: STATUS_NOT_FOUND, and m->call.status is 404. */
MUST_CHECK enum status mlflow_look_up(struct mlflow *m, const char *name, struct arena *a,
                                      struct mlflow_found *out, struct err *e);
/* The first thousand of them: a new array of the server's objects; NULL: none. */
MUST_CHECK enum status mlflow_experiments(struct mlflow *m, json_t **out, struct err *e);
/* Id of an experiment, which is created where it is missing, restored where it was
 * deleted. In the arena. */
MUST_CHECK enum status mlflow_experiment(struct mlflow *m, const char *name,
                                         struct arena *a, const char **id, struct err *e);
/* The name of the experiment that the account's variables say, in the arena; NULL: they
 * say none. Asks the server where they say an id. */
MUST_CHECK enum status mlflow_default_experiment(struct mlflow *m, struct arena *a,
                                                 const char **name, struct err *e);
/* Runs of an experiment that a filter of MLflow's finds. */
struct mlflow_query {
    const char *experiment_id, *filter;
    bool with_deleted;
    /* Called for each; run: the server's object, borrowed. Not OK: ends the search. */
    enum status (*take)(void *arg, json_t *run, struct err *e);
    void *arg;
};
/* Oldest first, however many pages they fill. */
MUST_CHECK enum status mlflow_search(struct mlflow *m, const struct mlflow_query *q,
                                     struct err *e);
/* One run's object, a new reference. */
MUST_CHECK enum status mlflow_get(struct mlflow *m, const char *run, json_t **out,
                                  struct err *e);
/* Makes a run of an entry, with all its tags. *out is a new reference to its object. */
MUST_CHECK enum status mlflow_create(struct mlflow *m, const char *experiment_id,
                                     const struct entry *entry, json_t **out,
                                     struct err *e);
/* Tags, parameters, metrics and inputs of an entry, in batches within the server's
 * limits; may be repeated: metrics carry start_ms, and the same point is kept once. */
MUST_CHECK enum status mlflow_log(struct mlflow *m, const char *run,
                                  const struct entry *entry, int64_t start_ms,
                                  struct err *e);
/* Stores a file of a run under its artifact_uri; path: letters, digits, "._-/".
 * STATUS_UNSUPPORTED: the server does not take artifacts. */
MUST_CHECK enum status mlflow_put(struct mlflow *m, const char *artifact_uri,
                                  const char *path, struct str bytes, struct err *e);
/* Such a file back, into m->call.body. NOT_FOUND and UNSUPPORTED as above. */
MUST_CHECK enum status mlflow_fetch(struct mlflow *m, const char *artifact_uri,
                                    const char *path, struct err *e);
/* Artifacts at the top of a run, or in a folder that is not NULL: a new array of {"path",
 * "is_dir", "file_size"}; NULL: there are none. */
MUST_CHECK enum status mlflow_list(struct mlflow *m, const char *run, const char *folder,
                                   json_t **out, struct err *e);
/* FINISHED or FAILED. */
MUST_CHECK enum status mlflow_end(struct mlflow *m, const char *run,
                                  const struct entry *entry, struct err *e);

/* Members of a server's run object, borrowed; NULL where missing. */
const char *mlflow_info(const json_t *run, const char *key);
bool mlflow_is_deleted(const json_t *run);
const char *mlflow_tag(const json_t *run, const char *key);

/* --- reading back, for a 200 does not prove that the data were stored: readback.c */

/* Compares the `run` object of runs/get, or of a search, with the entry: status, end,
 * metrics as doubles, parameters, tags and inputs as texts. More on the server is no
 * difference, nor is what people change there: the run's name, its description and user.
 * BAD_INPUT: e says the first difference. */
MUST_CHECK enum status readback_check(const struct entry *entry, const json_t *run,
                                      struct err *e);

#endif
