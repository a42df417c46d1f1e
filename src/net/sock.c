#include "net/sock.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

/* The status of the errno, with the hint that belongs to it. */
static enum status why(const char *where, const char *what, struct err *e)
{
    int number = errno;
    struct rlimit files = {.rlim_cur = 0};
    enum status status = status_errno(e, where, what);
    switch (number) {
    case EMFILE:
        (void)getrlimit(RLIMIT_NOFILE, &files);
        (void)status_hint(e,
                          "Each connection takes a descriptor and this process may have "
                          "%llu: raise `ulimit -n`, or lower the concurrency",
                          (unsigned long long)files.rlim_cur);
        break;
    case ENFILE:
        (void)status_hint(e, "The machine is out of descriptors: raise fs.file-max; "
                             "`ulimit -n` does not help");
        break;
    case EADDRINUSE:
        (void)status_hint(e, "Another program uses this address, or left its socket file "
                             "behind: stop it, or choose another");
        break;
    case EACCES:
        (void)status_hint(e,
                          "Ports below 1024 and folders of unix sockets need permission");
        break;
    default: break;
    }
    return status;
}

static enum status why_unconnected(const char *where, struct err *e)
{
    switch (errno) {
    case ECONNREFUSED:
        (void)status_fail(e, STATUS_CLOSED, where, "connection refused");
        (void)status_hint(e, "Is the server running, and is the address right?");
        return STATUS_CLOSED;
    case EAGAIN: /* a unix socket's queue; TCP gives EINPROGRESS */
        (void)status_fail(e, STATUS_CLOSED, where,
                          "the server's queue of new connections is full");
        return STATUS_CLOSED;
    case ENOENT:
        (void)status_fail(e, STATUS_NOT_FOUND, where, "no such unix socket");
        (void)status_hint(e, "Is the server running? It creates the file at startup");
        return STATUS_NOT_FOUND;
    case EADDRNOTAVAIL:
        (void)status_errno(e, where, "cannot connect");
        (void)status_hint(e, "Out of local ports: keep connections open, lower the "
                             "concurrency, or widen net.ipv4.ip_local_port_range");
        return STATUS_IO;
    default: return why(where, "cannot connect", e);
    }
}

/* Best effort: without stamps (a kernel or a sandbox that has none), the times are those
 * of the reads, and the results say so. */
static void ask_for_stamps(int fd)
{
    const int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
}

int sock_stamp_keeper(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        ask_for_stamps(fd);
    return fd;
}

static void send_at_once(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static enum status open_stream(const struct addr *a, int *fd, struct err *e)
{
    int family = a->sa.ss_family;
    int made = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return why(a->text, "cannot open a socket", e);
    if (family != AF_UNIX) {
        ask_for_stamps(made);
        send_at_once(made);
    }
    *fd = made;
    return STATUS_OK;
}

enum status sock_connect(const struct addr *to, int *fd, struct err *e)
{
    int made = -1;
    enum status status = open_stream(to, &made, e);
    if (status != STATUS_OK)
        return status;
    int code = connect(made, (const struct sockaddr *)&to->sa, to->len);
    if (code != 0 && errno != EINPROGRESS && errno != EINTR) {
        status = why_unconnected(to->text, e);
        sock_close(&made);
        return status;
    }
    *fd = made;
    return STATUS_OK;
}

/* Waits for the end of an attempt. */
static enum status await(int fd, const char *where, struct span timeout, struct err *e)
{
    struct instant end = clock_after(clock_now(), timeout);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int ready = 0;
    do {
        int64_t left_ms = clock_between(clock_now(), end).ns / NS_PER_MS;
        if (left_ms < 0)
            left_ms = 0;
        ready = poll(&p, 1, left_ms > INT32_MAX ? -1 : (int)left_ms + 1);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return status_fail(e, STATUS_TIMEOUT, where, "no connection within %.3g s",
                           clock_to_s(timeout));
    errno = sock_connect_error(fd);
    return errno == 0 ? STATUS_OK : why_unconnected(where, e);
}

enum status sock_reach(const struct addr_list *list, struct span timeout,
                       struct addr *out, struct err *e)
{
    struct err last;
    (void)status_fail(&last, STATUS_NOT_FOUND, "", "no address to connect to");
    for (size_t i = 0; i < list->count; i++) {
        int fd = -1;
        enum status status = sock_connect(&list->at[i], &fd, &last);
        if (status == STATUS_OK)
            status = await(fd, list->at[i].text, timeout, &last);
        sock_close(&fd);
        if (status != STATUS_OK)
            continue;
        *out = list->at[i];
        return STATUS_OK;
    }
    if (e != NULL)
        *e = last;
    return last.code;
}

enum status sock_listen(const struct addr *at, int *fd, struct err *e)
{
    const int on = 1;
    int made = -1;
    enum status status = open_stream(at, &made, e);
    if (status != STATUS_OK)
        return status;
    if (at->sa.ss_family != AF_UNIX)
        (void)setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(made, (const struct sockaddr *)&at->sa, at->len) != 0 ||
        listen(made, BACKLOG) != 0) {
        status = why(at->text, "cannot listen", e);
        sock_close(&made);
        return status;
    }
    *fd = made;
    return STATUS_OK;
}

enum sock_result sock_accept(int listener, int *fd)
{
    for (;;) {
        int made = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (made >= 0) {
            send_at_once(made); /* not a matter of a unix socket: it refuses */
            *fd = made;
            return SOCK_OK;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return SOCK_AGAIN;
        if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO)
            return SOCK_ERROR;
    }
}

int sock_port(int fd)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof sa;
    if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return 0;
    if (sa.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&sa)->sin_port);
    if (sa.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&sa)->sin6_port);
    return 0;
}

int sock_connect_error(int fd)
{
    int code = 0;
    socklen_t len = sizeof code;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == 0 ? code : errno;
}

int64_t sock_stamp_ns(struct msghdr *m)
{
    struct scm_timestamping ts;
    if ((m->msg_flags & MSG_CTRUNC) != 0)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING ||
            c->cmsg_len < CMSG_LEN(sizeof ts))
            continue;
        memcpy(&ts, CMSG_DATA(c), sizeof ts);
        int64_t s = ts.ts[0].tv_sec, ns = ts.ts[0].tv_nsec;
        bool is_sane = s >= 0 && s < INT64_MAX / NS_PER_S && ns >= 0 && ns < NS_PER_S;
        return is_sane ? s * NS_PER_S + ns : 0;
    }
    return 0;
}

enum sock_result sock_recv(int fd, void *buf, size_t room, struct sock_read *out)
{
    union {
        char raw[CMSG_SPACE(sizeof(struct scm_timestamping))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = buf, .iov_len = room};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.raw,
                       .msg_controllen = sizeof control.raw};
    ssize_t got = 0;
    *out = (struct sock_read){.len = 0};
    do {
        got = recvmsg(fd, &m, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? SOCK_AGAIN : SOCK_ERROR;
    if (got == 0)
        return SOCK_END;
    out->len = (size_t)got;
    out->kernel_realtime_ns = sock_stamp_ns(&m);
    out->is_full = out->len == room;
    return SOCK_OK;
}

enum sock_result sock_send(int fd, const void *data, size_t len, size_t *sent)
{
    ssize_t took = 0;
    *sent = 0;
    do {
        took = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (took < 0 && errno == EINTR);
    if (took < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? SOCK_AGAIN : SOCK_ERROR;
    *sent = (size_t)took;
    return SOCK_OK;
}

int sock_unacked(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}

void sock_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}
