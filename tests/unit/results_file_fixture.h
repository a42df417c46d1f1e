/* A folder of its own for a test, and rows of a results file made from text. */
#ifndef TESTS_RESULTS_FILE_FIXTURE_H
#define TESTS_RESULTS_FILE_FIXTURE_H

#include "base/arena.h"
#include "folder_fixture.h"
#include "store/results_scan.h"

#define FOREIGN_FIXTURE_ROWS 9

struct results_file_fixture {
    char dir[FOLDER_FIXTURE_BYTES]; /* removed by results_file_fixture_fini */
    struct arena arena;
    struct scanned_file file;
    struct scanned_row rows[FOREIGN_FIXTURE_ROWS];
    size_t count;
};

void results_file_fixture_init(struct results_file_fixture *f);
void results_file_fixture_fini(struct results_file_fixture *f);
/* For cmocka: *state is a struct results_file_fixture. */
int results_file_fixture_set_up(void **state);
int results_file_fixture_tear_down(void **state);
#define RESULTS_FILE_TEST(name)                                        \
    cmocka_unit_test_setup_teardown(name, results_file_fixture_set_up, \
                                    results_file_fixture_tear_down)
/* Writes dir/name, folders included; returns its path, in the arena. */
const char *results_file_fixture_put(struct results_file_fixture *f, const char *name,
                                     const char *text);
/* Reads text, a results file, into `file` and `rows`; once in a test. */
void results_file_fixture_read(struct results_file_fixture *f, const char *text);

#endif
