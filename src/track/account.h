/* Which MLflow server to log to, and what it takes to be let in: from an option, MLflow's
 * own environment variables and ~/.mlflow/credentials, with the precedence of MLflow's
 * Python client. */
#ifndef TRACK_ACCOUNT_H
#define TRACK_ACCOUNT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "http/rest.h"

#define ACCOUNT_DEFAULT_URI "http://localhost:5000"

struct account_options {
    const char *uri;  /* --mlflow-uri or the config file's; NULL or "": not given */
    const char *home; /* folder of .mlflow/credentials, or NULL */
};

/* Strings live in the arena. user and password come together, and then without a
 * token. */
struct account {
    const char *base; /* "http://h:5000/prefix": no slash at its end, no user:pass@ */
    const char *user, *password, *token;           /* or NULL; secret */
    const char *ca_cert, *client_cert, *workspace; /* or NULL */
    const char *experiment, *experiment_id; /* where no option names one; or NULL */
    bool is_insecure;
    bool is_default; /* nobody named a server: ACCOUNT_DEFAULT_URI */
};

/* Server: o->uri, MLFLOW_TRACKING_URI, the default. Let in by: user:pass@ of the server's
 * URI; MLFLOW_TRACKING_USERNAME and _PASSWORD, where each may stand in the credentials
 * file; MLFLOW_TRACKING_TOKEN. Also read: MLFLOW_TRACKING_INSECURE_TLS,
 * _SERVER_CERT_PATH, _CLIENT_CERT_PATH, MLFLOW_WORKSPACE, MLFLOW_EXPERIMENT_NAME, which
 * wins, and _ID.
 * STATUS_BAD_OPTION: what is no server's http address (folders, databases, Databricks,
 * SageMaker), or settings that contradict. No message holds a secret. */
MUST_CHECK enum status account_resolve(const struct account_options *o, struct arena *a,
                                       struct account *out, struct err *e);
/* A client that is let in. timeout_s as in rest_options; answers may fill their
 * buffer. */
MUST_CHECK enum status account_open(const struct account *acc, double timeout_s,
                                    struct rest **out, struct err *e);
/* True where the answer (its HTTP status and body) says that the server, or a proxy, does
 * not let us in: 401, 403, 407, and redirections, which are not followed. e says then
 * why, and what to do. */
bool account_is_refused(const struct account *acc, const struct rest_call *answer,
                        struct err *e);
/* The table of an experiment's runs without warm-ups; run_id: only the rows of that run
 * of inferbench, NULL: all. In the arena; NULL: no memory. */
const char *account_runs_link(const struct account *acc, const char *experiment_id,
                              const char *run_id, struct arena *a);
/* Adds to e, about a connection that broke, what TLS leaves unsaid: a server that wants
 * to see a certificate closes the connection on those who show none. */
void account_explain_closed(const struct account *acc, struct err *e);

#endif
