/* The files of a run, rebuilt from its journal. */
#ifndef RUN_RECOVER_H
#define RUN_RECOVER_H

#include "store/results.h"

/* output_dir: NULL: the folder that holds raw_dir. Refuses to replace the files of
 * another run. */
MUST_CHECK enum status run_recover(const char *raw_dir, const char *output_dir,
                                   struct arena *a, struct recovery *out, struct err *e);

#endif
