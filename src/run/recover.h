/* The files of a run, rebuilt from its journal. */
#ifndef RUN_RECOVER_H
#define RUN_RECOVER_H

#include "store/results.h"

#define RECOVER_CAP_BYTES ((size_t)64 << 30)

struct recover_from {
    const char *const *dirs; /* [count] raw_STAMP, with the journal or with folders of
                                ranks in it; or several of either, which are merged */
    size_t count;
    const char *output_dir; /* NULL: the folder that holds *raw_dir */
};

/* *raw_dir: the folder of the journal that the files come from. Refuses to replace the
 * files of another run. */
MUST_CHECK enum status run_recover(const struct recover_from *from, struct arena *a,
                                   struct recovery *out, const char **raw_dir,
                                   struct err *e);

#endif
