/* What of a results file is logged where: raw_STAMP/mlflow.json, or RESULTS.json.mlflow,
 *     { "format": 1, "servers": [ { "uri", "experiment", "experiment_id",
 *                                   "rows": { UNIQUE: MLFLOW_RUN_ID, ... } } ] }
 * with the rows that the server confirmed. The server itself is the authority: a lost or
 * broken list costs a search there, nothing else. No secret is in it. */
#ifndef TRACK_LEDGER_H
#define TRACK_LEDGER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/status.h"

struct ledger {
    const char *path; /* borrowed */
    json_t *root;
    struct instant saved;
    bool is_changed;
    struct err failed; /* of the last write; code STATUS_OK */
};

/* Server and experiment of a row. */
struct ledger_place {
    const char *uri, *experiment, *experiment_id;
};

MUST_CHECK enum status ledger_open(struct ledger *l, const char *path, struct err *e);
/* Notes a row; writes the file at most once a second. A folder that cannot be written is
 * kept in l->failed. */
void ledger_note(struct ledger *l, const struct ledger_place *p, const char *unique,
                 const char *run);
/* Writes what is not written yet. */
void ledger_close(struct ledger *l);

#endif
