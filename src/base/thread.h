/* How soon a measuring thread gets its core back. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdbool.h>

/* Asks the kernel to run this thread soon after it wakes: a short time slice (Linux 6.12
 * and later, no privilege needed), and a better priority where that is allowed. It runs
 * in short bursts, so the others lose next to nothing. True if anything was granted. */
bool thread_hurry(void);
/* The index-th from the end of the CPUs that this process may use, if it may use at least
 * `spare`; else -1: there are none to spare. */
int thread_spare_cpu(int index, int spare);
/* Keeps this thread on that CPU; false where that is not allowed. -1: does nothing. */
bool thread_pin(int cpu);

#endif
