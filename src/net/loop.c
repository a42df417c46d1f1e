#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 256 };

/* The system call itself: older C libraries lack the function. */
static int pwait2(int epoll_fd, struct epoll_event *events, int count,
                  const struct timespec *timeout)
{
    return (int)syscall(SYS_epoll_pwait2, epoll_fd, events, count, timeout, NULL,
                        (size_t)0);
}

enum status loop_open(struct loop *l, struct err *e)
{
    struct loop made = {.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                        .urgent_fd = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event seen;
    const struct timespec none = {.tv_sec = 0};
    if (made.epoll_fd < 0 || made.urgent_fd < 0) {
        enum status status = status_errno(e, "event loop", "cannot be created");
        (void)status_hint(e, "Too many descriptors? See `ulimit -n`");
        loop_close(&made);
        return status;
    }
    made.has_pwait2 = pwait2(made.epoll_fd, &seen, 1, &none) >= 0;
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    *l = made;
    return STATUS_OK;
}

void loop_close(struct loop *l)
{
    if (l->urgent_fd >= 0)
        (void)close(l->urgent_fd);
    if (l->epoll_fd >= 0)
        (void)close(l->epoll_fd);
    *l = (struct loop){.epoll_fd = -1, .urgent_fd = -1};
}

static struct epoll_event event_of(uint64_t tag)
{
    return (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.u64 = tag};
}

enum status loop_add(struct loop *l, int fd, uint64_t tag, struct err *e)
{
    struct epoll_event event = event_of(tag);
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return status_errno(e, "event loop", "cannot watch a socket");
    return STATUS_OK;
}

void loop_remove(struct loop *l, int fd)
{
    struct epoll_event unused = {.events = 0};
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, &unused);
}

/* The kernel looks at an edge again when it is asked for anew (epoll_ctl(2)). */
void loop_again(struct loop *l, int fd, uint64_t tag)
{
    struct epoll_event event = event_of(tag);
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

bool loop_hasten(struct loop *l, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
                                .data.u64 = tag};
    return epoll_ctl(l->urgent_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void loop_relax(struct loop *l, int fd)
{
    struct epoll_event unused = {.events = 0};
    (void)epoll_ctl(l->urgent_fd, EPOLL_CTL_DEL, fd, &unused);
}

static unsigned flags_of(uint32_t events)
{
    unsigned flags = 0;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        flags |= LOOP_READ;
    if ((events & (EPOLLOUT | EPOLLERR)) != 0)
        flags |= LOOP_WRITE;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        flags |= LOOP_HANGUP;
    return flags;
}

static int wait_ms(int epoll_fd, int64_t left_ns, struct epoll_event *events, int count)
{
    int64_t ms = left_ns / NS_PER_MS + (left_ns % NS_PER_MS != 0);
    return epoll_wait(epoll_fd, events, count, ms > INT_MAX ? -1 : (int)ms);
}

static int wait_ns(int epoll_fd, int64_t left_ns, struct epoll_event *events, int count)
{
    const struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                                  .tv_nsec = (long)(left_ns % NS_PER_S)};
    return pwait2(epoll_fd, events, count, &left);
}

static size_t wait_on(const struct loop *l, int epoll_fd, struct instant until,
                      struct loop_ready *out, size_t cap)
{
    struct epoll_event events[BATCH];
    int count = cap < BATCH ? (int)cap : BATCH;
    int64_t left_ns = clock_between(clock_now(), until).ns;
    if (left_ns < 0)
        left_ns = 0;
    int ready = l->has_pwait2 ? wait_ns(epoll_fd, left_ns, events, count)
                              : wait_ms(epoll_fd, left_ns, events, count);
    for (int i = 0; i < ready; i++)
        out[i] = (struct loop_ready){.tag = events[i].data.u64,
                                     .flags = flags_of(events[i].events)};
    return ready > 0 ? (size_t)ready : 0;
}

size_t loop_wait(struct loop *l, struct instant until, struct loop_ready *out, size_t cap)
{
    return wait_on(l, l->epoll_fd, until, out, cap);
}

size_t loop_doze(struct loop *l, struct instant until, struct loop_ready *out, size_t cap)
{
    return wait_on(l, l->urgent_fd, until, out, cap);
}
