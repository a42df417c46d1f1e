/* A process with all its descendants, and the memory they use. */
#ifndef PROBE_TREE_H
#define PROBE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes up to cap pids of the tree, root_pid first, and returns how many there are (0:
 * it is gone). Members of the root's own process group count too: a child whose parent
 * has ended is no descendant any more. */
size_t tree_pids(const char *root, int32_t root_pid, int32_t *pids, size_t cap);
/* Proportional set size of one process, bytes (what is shared counts by share); -1
 * unknown. */
int64_t tree_pss_bytes(const char *root, int32_t pid);
/* Sum over the tree; a process that ends meanwhile is left out; -1 where none can be
 * read. */
int64_t tree_memory_bytes(const char *root, int32_t root_pid);
/* Resident memory of this process, bytes; -1 unknown. */
int64_t tree_own_rss_bytes(const char *root);

#endif
