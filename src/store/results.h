/* Environment, results and summary files of a run, from its journal's content: the live
 * run and `recover` call the same function (FORMAT.md 1 to 3, 5). */
#ifndef STORE_RESULTS_H
#define STORE_RESULTS_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/status.h"
#include "core/run_data.h"
#include "stats/summary.h"
#include "store/journal_read.h"

struct results {
    struct row *rows; /* [run->repeat_count] */
    struct summary_entry *cells;
    size_t cell_count;
    int64_t failed_rows;
    const char *env_path, *results_path, *summary_path;
};

struct recovery {
    struct run_data run;
    struct journal_note note;
    struct results results;
};

/* Builds rows and summary; writes nothing. Everything lives in the arena or in run. */
MUST_CHECK enum status results_build(const struct run_data *run, const char *output_dir,
                                     struct arena *a, struct results *out, struct err *e);
/* Writes the three files, each whole or not at all. */
MUST_CHECK enum status results_write(const struct run_data *run, const struct results *r,
                                     struct err *e);

/* raw_dir/journal.jsonl back in, for files in output_dir, NULL: the folder that holds
 * raw_dir. They bear the stamp of a folder raw_STAMP, else that of the journal. Writes
 * nothing: results_write does. */
MUST_CHECK enum status results_read(const char *raw_dir, const char *output_dir,
                                    struct arena *a, struct recovery *out, struct err *e);

/* FOLDER/MODE_results_STAMP.json in pieces; folder with its slash, or empty. False: not
 * such a name. */
struct results_name {
    struct str folder, mode, stamp;
};
bool results_name_split(const char *path, struct results_name *out);

/* The folder raw_STAMP beside MODE_results_STAMP.json, in the arena; NULL: there is
 * none. */
const char *results_raw_dir(const char *results_path, struct arena *a);

/* Takes a stamp for a new run that starts at run->start and sets run->stamp: creates
 * output_dir and output_dir/raw_<stamp>, with -2, -3... where the folder is there. Texts
 * live in the arena. */
MUST_CHECK enum status results_claim(const char *output_dir, struct run_data *run,
                                     struct arena *a, const char **raw_dir,
                                     struct err *e);

#endif
