/* A folder of its own for a test, and a made run as a journal in it. */
#ifndef TESTS_JOURNAL_FIXTURE_H
#define TESTS_JOURNAL_FIXTURE_H

#include "base/buf.h"
#include "folder_fixture.h"
#include "stats_fixture.h"
#include "store/journal.h"

struct journal_fixture {
    char dir[FOLDER_FIXTURE_BYTES]; /* removed by journal_fixture_fini */
    char path[96];                  /* dir/journal.jsonl */
    struct stats_fixture f;
};

/* Texts of the header are set, so that results can be written. */
void journal_fixture_init(struct journal_fixture *j);
void journal_fixture_fini(struct journal_fixture *j);
int journal_fixture_tear_down(void **state); /* for cmocka */
/* Writes the whole run, closed; the first failure is returned. */
enum status journal_fixture_write(struct journal_fixture *j, struct err *e);
/* Content of a file, in a buffer that the caller ends. */
void journal_fixture_read(const char *path, struct buf *out);
void journal_fixture_put(const char *path, struct str text);
/* Makes a member of that name one that no reader knows, in every line. */
void journal_fixture_forget(struct buf *text, const char *name);
/* Fails the test unless the whole of `text` is in `in`. */
void journal_fixture_has(const char *in, const char *text);

#endif
