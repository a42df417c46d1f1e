/* The children of this process, as /proc shows them. Async-signal-safe. */
#ifndef BASE_PROC_TREE_H
#define BASE_PROC_TREE_H

/* SIGKILL to every direct child. */
void proc_tree_kill_children(void);

#endif
