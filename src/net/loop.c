#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAKE_TAG UINT64_MAX

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
                        .urgent_fd = epoll_create1(EPOLL_CLOEXEC),
                        .wake_fd = -1};
    struct epoll_event wake = {.events = EPOLLIN, .data.u64 = WAKE_TAG}, seen;
    const struct timespec none = {.tv_sec = 0};
    if (made.epoll_fd >= 0 && made.urgent_fd >= 0)
        made.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (made.wake_fd < 0 ||
        epoll_ctl(made.epoll_fd, EPOLL_CTL_ADD, made.wake_fd, &wake) != 0) {
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
    if (l->wake_fd >= 0)
        (void)close(l->wake_fd);
    if (l->urgent_fd >= 0)
        (void)close(l->urgent_fd);
    if (l->epoll_fd >= 0)
        (void)close(l->epoll_fd);
    *l = (struct loop){.epoll_fd = -1, .urgent_fd = -1, .wake_fd = -1};
}

static struct epoll_event event_of(uint64_t tag)
{
    return (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.u64 = tag};
}

enum status loop_add(struct loop *l, int fd, uint64_t tag, struct err *e)
{
    struct epoll_event event = event_of(tag);
    if (tag == WAKE_TAG)
        return status_fail(e, STATUS_INTERNAL, "event loop",
                           "the tag of the loop itself");
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

static int wait_on(const struct loop *l, int epoll_fd, struct instant until,
                   struct epoll_event *events, size_t cap)
{
    int count = cap < BATCH ? (int)cap : BATCH;
    int64_t left_ns = clock_between(clock_now(), until).ns;
    if (left_ns < 0)
        left_ns = 0;
    return l->has_pwait2 ? wait_ns(epoll_fd, left_ns, events, count)
                         : wait_ms(epoll_fd, left_ns, events, count);
}

size_t loop_wait(struct loop *l, struct instant until, struct loop_ready *out, size_t cap)
{
    struct epoll_event events[BATCH];
    int ready = wait_on(l, l->epoll_fd, until, events, cap);
    size_t filled = 0;
    for (int i = 0; i < ready; i++) {
        uint64_t tag = events[i].data.u64;
        if (tag == WAKE_TAG) {
            uint64_t wakes;
            ssize_t got = read(l->wake_fd, &wakes, sizeof wakes);
            (void)got; /* nothing there: another wait took it */
            continue;
        }
        out[filled++] = (struct loop_ready){.tag = tag,
                                            .flags = flags_of(events[i].events)};
    }
    return filled;
}

size_t loop_doze(struct loop *l, struct instant until, struct loop_ready *out, size_t cap)
{
    struct epoll_event events[BATCH];
    int ready = wait_on(l, l->urgent_fd, until, events, cap);
    for (int i = 0; i < ready; i++)
        out[i] = (struct loop_ready){.tag = events[i].data.u64,
                                     .flags = flags_of(events[i].events)};
    return ready > 0 ? (size_t)ready : 0;
}

void loop_wake(struct loop *l)
{
    const uint64_t one = 1;
    ssize_t put = write(l->wake_fd, &one, sizeof one);
    (void)put; /* fails only while 2^64 - 2 wakes wait to be seen */
}
