/* Rows read back from a server, on their way into one results file: are they sound, in
 * which order, and how they are written. */
#ifndef TRACK_PULLED_H
#define TRACK_PULLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "text/jsonw.h"

/* One MLflow run that should hold a row. Texts are borrowed. */
struct pulled {
    const char *id, *name, *artifact_uri;
    const char *unique; /* value of the tag inferbench.row */
    int64_t start_ms;   /* of the row */
    const char *stamp;  /* its field timestamp: tells rows of one millisecond apart */
    struct str text;    /* row.json; empty: there is none that can be used */
    const char *env;    /* JSON: the machine of its group, at its first row; or NULL */
    /* filled by pulled_split, pulled_sort, pulled_check */
    const char *group;  /* run_id of the benchmark run; else all of `unique` */
    int64_t row;        /* in it; -1: none */
    int64_t group_ms;   /* start of the group's first row */
    bool is_failed;     /* its error is not null */
    bool has_nonfinite; /* NaN or Infinity stands in it */
};

/* "<run_id>/<row>" is a row of the group run_id; anything else a group of its own. */
MUST_CHECK enum status pulled_split(struct pulled *p, struct arena *a);
/* Groups by their start, rows of a group by their number. */
void pulled_sort(struct pulled *rows, size_t count);
/* Is the text a whole row, and the one that `unique` names? `name`: for the message. */
MUST_CHECK enum status pulled_check(struct pulled *p, const char *name, struct arena *a,
                                    struct err *e);
/* Members "sources" and "results" of a merged file (FORMAT.md 4), into open objects. */
void pulled_put_sources(const struct pulled *rows, size_t count, const char *file,
                        struct jsonw *w);
MUST_CHECK enum status pulled_put_rows(const struct pulled *rows, size_t count,
                                       struct jsonw *w);

#endif
