/* Reading back: a 200 of an MLflow server does not prove that it stored the data. */
#ifndef TRACK_READBACK_H
#define TRACK_READBACK_H

#include <jansson.h>

#include "base/status.h"
#include "track/entry.h"

/* Compares the `run` object of runs/get, or of a search, with the entry: status, end,
 * metrics as doubles, parameters, tags and inputs as texts. More on the server is no
 * difference, nor is what people change there: the run's name, its description and user.
 * BAD_INPUT: e says the first difference. */
MUST_CHECK enum status readback_check(const struct entry *entry, const json_t *run,
                                      struct err *e);

#endif
