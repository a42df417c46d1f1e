#include "base/thread.h"

#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

#define SLICE_NS 100000 /* the shortest that the kernel takes */
#define NICE     (-10)

/* struct sched_attr of the kernel, first version; the headers of libc lack it. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

bool thread_hurry(void)
{
    int thread = (int)syscall(SYS_gettid);
    bool is_granted = setpriority(PRIO_PROCESS, (id_t)thread, NICE) == 0;
    struct attributes a = {.size = sizeof a};
    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0)
        return is_granted;
    a.runtime = SLICE_NS;
    return syscall(SYS_sched_setattr, 0, &a, 0) == 0 || is_granted;
}

bool thread_go_first(void)
{
    const struct sched_param p = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p) == 0;
}

int thread_spare_cpu(int index, int spare)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < spare)
        return -1;
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
        if (CPU_ISSET(cpu, &set) && index-- == 0)
            return cpu;
    return -1;
}

bool thread_pin(int cpu)
{
    cpu_set_t set;
    if (cpu < 0)
        return false;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

void thread_yield(void)
{
    (void)sched_yield();
}

bool thread_waited(struct thread_waits *out)
{
    char text[96];
    int64_t run_ns;
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0)
        (void)close(fd);
    struct str rest = {.ptr = text, .len = got > 0 ? (size_t)got : 0};
    rest = str_trim(rest);
    return str_to_i64(str_cut(&rest, ' '), &run_ns) &&
           str_to_i64(str_cut(&rest, ' '), &out->wait_ns) &&
           str_to_i64(rest, &out->count);
}
