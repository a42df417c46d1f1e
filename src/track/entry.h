/* A row of a results file as an MLflow run: parameters, metrics, tags, inputs
 * (FORMAT.md 7). A pure function of the row and its context: the same row gives the same
 * entry on any machine, but for rows of offline_benchmark.py, which state their start in
 * local time. Texts live as long as the arena, the row and the context. */
#ifndef TRACK_ENTRY_H
#define TRACK_ENTRY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/opt.h"
#include "base/status.h"

#define ENTRY_OFFLINE_EXPERIMENT "vllm-offline-benchmark"
#define ENTRY_ONLINE_EXPERIMENT  "vllm-online-benchmark"
#define ENTRY_ROW_TAG            "inferbench.row"

/* What a server of MLflow keeps, in characters; it cuts the rest silently. */
enum { ENTRY_PARAM_MAX_CHARS = 6000, ENTRY_TAG_MAX_CHARS = 8000 };

struct entry_pair {
    const char *key, *value;
};

struct entry_metric {
    const char *key;
    double value; /* finite */
};

/* A data set or a model, for runs/log-inputs. */
struct entry_input {
    const char *name;
    const char *digest;  /* 36 characters at most, never empty */
    const char *source;  /* JSON text {"uri": ...} */
    const char *context; /* "benchmark" or "model" */
};

/* Keys are legal for MLflow and no key stands twice in one of the lists. */
struct entry {
    const char *name;         /* the run's name: experiment_id */
    const char *unique;       /* value of ENTRY_ROW_TAG: "<run_id>/<row>"; of rows without
                                 these "published/<sha256 of the row, blanks left out>" */
    const char *run_id;       /* or NULL */
    const char *experiment;   /* by serving_mode */
    int64_t row;              /* -1: unknown */
    int64_t start_ms, end_ms; /* since the epoch, UTC; end is start without total_time */
    bool is_failed;           /* error is not null */
    bool is_warmup;           /* of rows without the field: from their notes */
    struct entry_pair *params; /* [param_count] */
    size_t param_count;
    struct entry_metric *metrics; /* [metric_count] */
    size_t metric_count;
    struct entry_pair *tags; /* [tag_count] MLflow's own and ENTRY_ROW_TAG included */
    size_t tag_count;
    struct entry_input *inputs; /* [input_count] */
    size_t input_count;
    size_t cut; /* values that were longer than the server keeps */
};

struct entry_context {
    const json_t *options;          /* metadata.options of the file, or NULL */
    const char *plan_sha256;        /* or NULL */
    const struct opt_strings *tags; /* "key=value", or NULL; reserved keys are left out */
    const char *user;               /* for mlflow.user, or NULL */
};

struct entry_row {
    const json_t *json;
    const char *text; /* as it stands in the file; NULL: the object's own text */
};

/* Fields that are null are left out, fields that the field table does not know are left
 * to row.json. BAD_INPUT: the row is no object. */
MUST_CHECK enum status entry_of_row(const struct entry_row *row,
                                    const struct entry_context *c, struct arena *a,
                                    struct entry *out, struct err *e);

/* True for tags that belong to the row, which --mlflow-tag must not set. */
bool entry_is_reserved(const char *key);

#endif
