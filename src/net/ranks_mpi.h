/* Which MPI launcher started this process, and the plugin for its library. */
#ifndef NET_RANKS_MPI_H
#define NET_RANKS_MPI_H

#include "base/status.h"
#include "net/ranks_link.h"

/* `which` as of ranks_open. *out NULL: this process is alone. The plugin is looked for in
 * $INFERBENCH_PLUGIN_DIR, beside the executable, and in lib, lib64 and lib/TRIPLET of the
 * folder above, below inferbench/. It stays loaded. */
MUST_CHECK enum status ranks_mpi_find(const char *which, const struct ranks_link **out,
                                      struct err *e);

#endif
