/* How soon a measuring thread gets its core back. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* Asks the kernel to run this thread soon after it wakes: a short time slice (Linux 6.12
 * and later, no privilege needed), and a better priority where that is allowed. It runs
 * in short bursts, so the others lose next to nothing. True if anything was granted. */
bool thread_hurry(void);
/* More than that, where others compute on all cores: real-time priority, the lowest,
 * which goes before every thread without one. Only for a thread that waits most of the
 * time. False where that is not allowed: it takes root, CAP_SYS_NICE or an
 * RLIMIT_RTPRIO. */
bool thread_go_first(void);
/* The index-th from the end of the CPUs that this process may use, if it may use at least
 * `spare`; else -1: there are none to spare. */
int thread_spare_cpu(int index, int spare);
/* Keeps this thread on that CPU; false where that is not allowed. -1: does nothing. */
bool thread_pin(int cpu);

/* Lets a thread that waits for this core have it. The kernel looks again only when a
 * thread wakes or a tick has passed (4 ms): one that woke in vain waits that long. */
void thread_yield(void);

/* How often this thread was given a core since it began, and how long it had waited for
 * one while it could have run, all together; false where the kernel does not tell. */
struct thread_waits {
    int64_t count, wait_ns;
};
bool thread_waited(struct thread_waits *out);

#endif
