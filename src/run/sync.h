/* Rows of results files into MLflow: what `inferbench mlflow sync` does. */
#ifndef RUN_SYNC_H
#define RUN_SYNC_H

#include "run/run.h"

struct sync_wish {
    const char *uri, *experiment; /* as given, or NULL */
    struct opt_strings tags;      /* "key=value" */
    struct opt_strings words;     /* files and folders */
};

/* Sends what is not there yet; says what came of each file, and each error. The code is
 * that of the first error, INTERRUPTED before all. */
enum status run_sync(const struct sync_wish *w, const struct run_host *host,
                     struct arena *a);

#endif
