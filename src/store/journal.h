/* The journal: JSON lines on disk, the source of every other file (FORMAT.md 6). One
 * writer, not a measuring thread. After the first failure (a full disk) every later call
 * fails alike and the file holds whole lines up to there. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "core/run_data.h"
#include "text/jsonw.h"

#define JOURNAL_RANKS_MAX      65536
#define JOURNAL_LINE_CAP_BYTES ((size_t)256 << 20) /* the LF included */

/* A comparison of clocks: rank 0's CLOCK_MONOTONIC was this rank's + offset_ns, within
 * +- error_ns, at a time since the start of this rank's journal. */
struct clock_data {
    int64_t at_ns, offset_ns, error_ns;
};

struct journal {
    int fd; /* -1: closed */
    const char *path;
    struct instant start; /* all times in the file count from here */
    int64_t
        at_ns; /* time of lines that are written again; NS_UNKNOWN: they tell of now */
    bool is_draft; /* not synced line by line: its owner syncs it whole */
    struct buf line;
    int64_t cell_count; /* cells, and repeats, that have begun */
    int64_t repeat_count;
    int64_t request_count; /* lines of the repeat under way */
    uint64_t request_sum;  /* of them; journal_sum.h */
    struct err failed;     /* code STATUS_OK until something failed */
};

/* Creates raw_dir/journal.jsonl, which must not exist, and locks it until it is closed.
 * path is borrowed. */
MUST_CHECK enum status journal_create(struct journal *j, const char *path,
                                      struct instant start, struct err *e);
/* Lines of a journal that was written before, into an open file that stays the caller's:
 * journal_leave. Each takes its time from at_ns; nothing is synced. */
void journal_rewrite(struct journal *j, int fd, const char *path, struct instant start);
void journal_leave(struct journal *j);
/* Header, from the members of run that stand before `cells`. */
MUST_CHECK enum status journal_run(struct journal *j, const struct run_data *run,
                                   struct err *e);
MUST_CHECK enum status journal_cell(struct journal *j, size_t index,
                                    const struct cell_data *cell, struct err *e);
/* Start of a repeat: cell, repeat, is_warmup, start_ns, requests_planned, expected
 * hits. */
MUST_CHECK enum status journal_repeat(struct journal *j, const struct repeat_data *r,
                                      struct err *e);
MUST_CHECK enum status journal_request(struct journal *j, const struct repeat_data *of,
                                       const struct request_record *r, bool with_gaps,
                                       struct err *e);
/* How the clock of this rank (run->rank) compared with rank 0's. */
MUST_CHECK enum status journal_clock(struct journal *j, const struct clock_data *c,
                                     struct err *e);
/* r->fields, r->phase_ns, r->error, how many request lines there are and the sum of their
 * bytes; then syncs. */
MUST_CHECK enum status journal_repeat_end(struct journal *j, const struct repeat_data *r,
                                          struct err *e);
/* cause: "done", "signal" or "failed"; syncs. */
MUST_CHECK enum status journal_run_end(struct journal *j, const char *cause,
                                       bool is_complete, struct err *e);
/* If there is no file at its path any more (its folder was deleted or renamed), writes
 * all that was written there again; *was_gone tells. */
MUST_CHECK enum status journal_restore(struct journal *j, bool *was_gone, struct err *e);
void journal_close(struct journal *j);
/* True while a run still writes the journal at path, as its lock tells. */
bool journal_is_live(const char *path);

/* The members of a partial row as one JSON object; shared with the readers of rows. */
void journal_fields(struct jsonw *w, const char *key, const struct row *fields);

#endif
