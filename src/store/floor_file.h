/* Floors (stats/floor.h) on disk: beside the results that they were measured with, and in
 * the user's data folder, where every later comparison finds them. docs/files.md has the
 * format. */
#ifndef STORE_FLOOR_FILE_H
#define STORE_FLOOR_FILE_H

#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"
#include "stats/analysis_row.h"
#include "stats/floor.h"

/* An object with its line end; out tells whether it found memory. */
void floor_file_write(const struct floor *f, const char *tool, struct buf *out);
/* A file as such; what it holds is believed only where it can be. Lives in the arena.
 *   NOT_FOUND, IO       it cannot be read
 *   UNSUPPORTED         of a later format
 *   BAD_INPUT           no floor, or one that no run can have measured */
MUST_CHECK enum status floor_file_read(const char *path, struct arena *a,
                                       struct floor *out, struct err *e);

/* FOLDER/MODE_floor_STAMP.json beside FOLDER/MODE_results_STAMP.json, and in the user's
 * data folder floors/RUN_ID.json; in the arena, NULL: no memory. */
const char *floor_file_beside(const char *results_path, struct arena *a);
const char *floor_file_of_user(const char *run_id, struct arena *a);

/* Every floor in the user's data folder, and of each run whose results have rows here:
 * what lies beside them. Of one run the first counts. Files that cannot be read are told
 * in the log and left out. NO_MEMORY is the only failure. */
MUST_CHECK enum status floor_file_find(const struct analysis_rows *rows, struct arena *a,
                                       struct log *log, struct floor_list *out);

#endif
