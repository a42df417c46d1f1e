/* How soon a measuring thread gets its core back. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdbool.h>

/* Asks the kernel to run this thread soon after it wakes: a short time slice (Linux 6.12
 * and later, no privilege needed), and a better priority where that is allowed. It runs
 * in short bursts, so the others lose next to nothing. True if anything was granted. */
bool thread_hurry(void);

#endif
