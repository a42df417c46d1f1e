/* Parts of the bodies that MLflow's server takes. NULL: no memory. A json_t is a new
 * reference. */
#ifndef TRACK_MLFLOW_BODY_H
#define TRACK_MLFLOW_BODY_H

#include <jansson.h>

#include "track/entry.h"

/* A user's text may hold bytes that are no UTF-8: they are replaced when it is
 * written. */
json_t *mlflow_body_text(const char *text);
json_t *mlflow_body_pairs(const struct entry_pair *pairs, size_t count);
json_t *mlflow_body_metrics(const struct entry_metric *metrics, size_t count,
                            int64_t start_ms);
json_t *mlflow_body_inputs(const struct entry_input *inputs, size_t count);
/* A search for the runs with that value of a tag, in the arena: exactly those, but where
 * the value has what MLflow's grammar cannot quote: then some that resemble it, too. */
const char *mlflow_body_filter(const char *tag, const char *value, struct arena *a);

#endif
