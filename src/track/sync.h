/* Rows of a results file into MLflow: the one way in which rows are logged, at the end of
 * a run and by `inferbench mlflow sync`. Sends what the server does not hold yet, told by
 * the tag inferbench.row, so that it may be stopped and repeated at any moment, from
 * any machine: nothing is lost and nothing logged twice. */
#ifndef TRACK_SYNC_H
#define TRACK_SYNC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/opt.h"
#include "base/status.h"
#include "track/account.h"

struct sync_options {
    const struct account *account;
    const char *experiment;         /* NULL: the account's, else by serving mode */
    const struct opt_strings *tags; /* "key=value"; or NULL */
    const char *user;               /* for mlflow.user; or NULL */
    bool must_verify;               /* read back and compare what was sent */
    bool is_partial;                /* more rows will follow: no results, no summary */
    double row_limit_s;             /* a row that takes longer ends it; INFINITY: none */
    double limit_s, row_more_s;     /* of all: limit_s + rows x row_more_s */
    int tries;                      /* of a call that fails in passing */
    bool (*stop)(void *);           /* or NULL */
    void (*tick)(void *arg, size_t done, size_t of); /* or NULL */
    void *arg;
};

struct sync_outcome {
    size_t rows;
    size_t sent;       /* now */
    size_t there;      /* the server held them already */
    size_t deleted;    /* somebody deleted their run there: left alone */
    size_t pending;    /* could not be logged; `first` says why */
    size_t refused;    /* of these: rows that are not as they were measured */
    size_t cut;        /* values longer than the server keeps, of the rows sent */
    bool no_artifacts; /* the server takes none */
    bool no_ledger;    /* the list could not be written beside the results */
    const char *link; /* page of the runs, warm-ups filtered out; NULL: no row is there */
    const char *ledger_path;
    struct err first;
};

/* STATUS_OK: every row is there or was deleted there. Else *e (= out->first) says why
 * not; what was sent until then counts. BAD_INPUT and the like of results_scan_file for
 * the file. A row with a value of another type than its field's, which a notebook wrote,
 * is refused: nothing of it is logged, the others are. */
MUST_CHECK enum status sync_file(const char *results_path, const struct sync_options *o,
                                 struct arena *a, struct sync_outcome *out,
                                 struct err *e);

#endif
