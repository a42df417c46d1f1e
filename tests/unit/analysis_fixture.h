/* Rows under analysis, made by hand, and a folder for what is drawn of them. */
#ifndef TESTS_ANALYSIS_FIXTURE_H
#define TESTS_ANALYSIS_FIXTURE_H

#include "base/buf.h"
#include "folder_fixture.h"
#include "stats/analysis.h"
#include "report/document.h"
#include "store/rows_load.h"

#define ANALYSIS_FIXTURE_ROWS 32

struct analysis_fixture {
    char dir[FOLDER_FIXTURE_BYTES];
    struct arena arena;
    struct row rows[ANALYSIS_FIXTURE_ROWS];
    struct analysis_row of[ANALYSIS_FIXTURE_ROWS];
    struct loaded_rows loaded;
    struct analysis_rows all; /* of the loaded, since analysis_fixture_rows */
    struct analysis x;
};

/* For cmocka: *state is a struct analysis_fixture without rows. The search path is empty
 * while the test runs, so that no real gnuplot is met. */
int analysis_fixture_set_up(void **state);
int analysis_fixture_tear_down(void **state);
/* Appends a measured offline row, caching off; label and instance_type are machine. */
struct row *analysis_fixture_add(struct analysis_fixture *f, const char *machine,
                                 const char *scenario, int64_t batch,
                                 double tokens_per_second);
const struct analysis_rows *analysis_fixture_rows(struct analysis_fixture *f);
/* by and baseline: NULL as in analysis_options; the test fails if it fails. */
void analysis_fixture_build(struct analysis_fixture *f, const char *by,
                            const char *baseline);
/* What `build` makes of an analysis, as text. */
enum status analysis_fixture_put(const struct analysis *x,
                                 void (*build)(const struct analysis *,
                                               struct document *),
                                 struct buf *out);
/* Fails the test unless `build` gives its whole text of len bytes, or an error and
 * nothing, whatever the buffer's cap and whichever allocation fails. */
void analysis_fixture_keeps_failures(const struct analysis *x,
                                     void (*build)(const struct analysis *,
                                                   struct document *),
                                     size_t len);

#endif
