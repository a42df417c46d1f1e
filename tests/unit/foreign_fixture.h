/* A folder of its own for a test, and rows of a results file made from text. */
#ifndef TESTS_FOREIGN_FIXTURE_H
#define TESTS_FOREIGN_FIXTURE_H

#include "base/arena.h"
#include "store/foreign.h"

#define FOREIGN_FIXTURE_ROWS 9

struct foreign_fixture {
    char dir[64]; /* removed by foreign_fixture_fini */
    struct arena arena;
    struct foreign_file file;
    struct foreign_row rows[FOREIGN_FIXTURE_ROWS];
    size_t count;
};

void foreign_fixture_init(struct foreign_fixture *f);
void foreign_fixture_fini(struct foreign_fixture *f);
/* Writes dir/name, folders included; returns its path, in the arena. */
const char *foreign_fixture_put(struct foreign_fixture *f, const char *name,
                                const char *text);
/* Reads text, a results file, into `file` and `rows`; once in a test. */
void foreign_fixture_read(struct foreign_fixture *f, const char *text);

#endif
