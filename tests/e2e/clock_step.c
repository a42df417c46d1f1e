/* Preloaded into a client: from the moment that the file CLOCK_STEP_FILE exists, the wall
 * clock is CLOCK_STEP_S seconds off, for the program and in the kernel's receive stamps
 * of what arrives later: what a clock that was set looks like. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

#define NS INT64_C(1000000000)

static int (*real_clock)(clockid_t, struct timespec *);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
static const char *path;
static int64_t shift_s;
static _Atomic int64_t stepped_at_ns; /* by the true wall clock; 0: not yet */

static void prepare(void)
{
    if (real_clock != NULL)
        return;
    const char *by = getenv("CLOCK_STEP_S");
    path = getenv("CLOCK_STEP_FILE");
    shift_s = by != NULL ? strtoll(by, NULL, 10) : 0;
    *(void **)&real_recvmsg = dlsym(RTLD_NEXT, "recvmsg");
    *(void **)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
}

__attribute__((constructor)) static void first(void)
{
    prepare();
}

static int64_t true_wall_ns(void)
{
    struct timespec t;
    (void)real_clock(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    prepare();
    int result = real_clock(id, t);
    if (id == CLOCK_REALTIME && result == 0 && stepped_at_ns != 0)
        t->tv_sec += shift_s;
    return result;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec t;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &t);
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = t.tv_nsec / 1000;
    return result;
}

static void shift_stamp(struct cmsghdr *c)
{
    struct scm_timestamping ts;
    memcpy(&ts, CMSG_DATA(c), sizeof ts);
    if ((int64_t)ts.ts[0].tv_sec * NS + ts.ts[0].tv_nsec < stepped_at_ns)
        return;
    ts.ts[0].tv_sec += shift_s;
    memcpy(CMSG_DATA(c), &ts, sizeof ts);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    prepare();
    if (stepped_at_ns == 0 && path != NULL && access(path, F_OK) == 0) {
        int64_t not_yet = 0;
        (void)atomic_compare_exchange_strong(&stepped_at_ns, &not_yet, true_wall_ns());
    }
    ssize_t got = real_recvmsg(fd, m, flags);
    if (got <= 0 || stepped_at_ns == 0)
        return got;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING)
            shift_stamp(c);
    return got;
}
