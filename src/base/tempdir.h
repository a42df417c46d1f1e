/* A private folder for the time of a process, in $TMPDIR or /tmp, of a name that nobody
 * can foresee. One that a killed process left behind is cleared by the next: the folder
 * of a living one is locked. */
#ifndef BASE_TEMPDIR_H
#define BASE_TEMPDIR_H

#include "base/status.h"

#define TEMPDIR_BYTES 4096

struct tempdir {
    char path[TEMPDIR_BYTES]; /* "": none */
    int fd;                   /* holds the lock; -1: none */
};

/* Clears what others of that kind left behind, and makes a folder. names: all files that
 * may be in it; NULL-terminated. */
MUST_CHECK enum status tempdir_make(struct tempdir *d, const char *kind,
                                    const char *const *names, struct err *e);
/* Removes it with these files; harmless twice, and after a failure of tempdir_make. */
void tempdir_drop(struct tempdir *d, const char *const *names);

#endif
