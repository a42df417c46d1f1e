#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/sock.h"

struct pair {
    int listener, client, server;
};

static void await(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    assert_int_equal(poll(&p, 1, 30000), 1);
}

static struct addr loopback(int port)
{
    struct addr a;
    assert_int_equal(addr_resolve("127.0.0.1", port, &a, NULL), STATUS_OK);
    return a;
}

static void open_pair_at(struct pair *p, const struct addr *at, const struct addr *to)
{
    if (p->listener < 0)
        assert_int_equal(sock_listen(at, &p->listener, NULL), STATUS_OK);
    struct addr target = to != NULL ? *to : loopback(sock_port(p->listener));
    assert_int_equal(sock_accept(p->listener, &p->server), SOCK_AGAIN);
    assert_int_equal(sock_connect(&target, &p->client, NULL), STATUS_OK);
    await(p->client, POLLOUT);
    assert_int_equal(sock_connect_error(p->client), 0);
    await(p->listener, POLLIN);
    assert_int_equal(sock_accept(p->listener, &p->server), SOCK_OK);
}

static struct pair open_pair(void)
{
    struct pair p = {.listener = -1, .client = -1, .server = -1};
    struct addr at = loopback(0);
    open_pair_at(&p, &at, NULL);
    return p;
}

static void close_pair(struct pair *p)
{
    sock_close(&p->listener);
    sock_close(&p->client);
    sock_close(&p->server);
}

static void send_text(int fd, const char *text)
{
    size_t sent = 0;
    assert_int_equal(sock_send(fd, text, strlen(text), &sent), SOCK_OK);
    assert_int_equal(sent, strlen(text));
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void how_sockets_are_set(void **state)
{
    (void)state;
    struct pair p = open_pair();
    const int fds[] = {p.listener, p.client, p.server};
    for (size_t i = 0; i < 3; i++) {
        assert_true((fcntl(fds[i], F_GETFL) & O_NONBLOCK) != 0);
        assert_true((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
        assert_int_not_equal(option(fds[i], IPPROTO_TCP, TCP_NODELAY), 0);
        assert_int_equal(option(fds[i], SOL_SOCKET, SO_TIMESTAMPING),
                         SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
    }
    assert_int_not_equal(option(p.listener, SOL_SOCKET, SO_REUSEADDR), 0);
    assert_true(sock_port(p.listener) > 0);
    assert_int_equal(sock_port(p.server), sock_port(p.listener));
    assert_int_equal(sock_port(-1), 0);
    close_pair(&p);
    assert_int_equal(p.client, -1);
    close_pair(&p);
}

static void reading(void **state)
{
    (void)state;
    struct pair p = open_pair();
    struct sock_read r;
    char text[8];
    assert_int_equal(sock_recv(p.client, text, sizeof text, &r), SOCK_AGAIN);
    assert_int_equal(r.len, 0);
    send_text(p.server, "hello wo");
    await(p.client, POLLIN);
    assert_int_equal(sock_recv(p.client, text, 5, &r), SOCK_OK);
    assert_int_equal(r.len, 5);
    assert_true(r.is_full);
    assert_int_equal(sock_recv(p.client, text, sizeof text, &r), SOCK_OK);
    assert_int_equal(r.len, 3);
    assert_false(r.is_full);
    assert_memory_equal(text, " wo", 3);
    send_text(p.server, "!");
    sock_close(&p.server);
    await(p.client, POLLRDHUP);
    assert_int_equal(sock_recv(p.client, text, sizeof text, &r), SOCK_OK);
    assert_int_equal(r.len, 1);
    assert_int_equal(sock_recv(p.client, text, sizeof text, &r), SOCK_END);
    assert_int_equal(r.len, 0);
    assert_int_equal(sock_recv(-1, text, sizeof text, &r), SOCK_ERROR);
    assert_int_equal(errno, EBADF);
    close_pair(&p);
}

/* The kernel's stamp of a byte sent from one to the other, which lies between the wall
 * clock before the sending and after the reading. Stamping may be switched on late. */
static void check_stamp(int from, int to)
{
    struct instant end = clock_after(clock_now(), clock_seconds(20));
    struct sock_read r = {.len = 0};
    char text[16];
    while (r.kernel_realtime_ns == 0 && clock_before(clock_now(), end)) {
        int64_t before_ns = clock_wall().ns;
        send_text(from, "x");
        await(to, POLLIN);
        assert_int_equal(sock_recv(to, text, sizeof text, &r), SOCK_OK);
        if (r.kernel_realtime_ns != 0) {
            assert_true(r.kernel_realtime_ns >= before_ns);
            assert_true(r.kernel_realtime_ns <= clock_wall().ns);
        }
    }
    assert_true(r.kernel_realtime_ns != 0);
}

static void both_ends_have_stamps(void **state)
{
    (void)state;
    struct pair p = open_pair();
    check_stamp(p.server, p.client);
    check_stamp(p.client, p.server); /* accepted: inherited */
    close_pair(&p);
}

/* The stamp is that of the arrival, not of the reading. */
static void a_late_reader_sees_the_early_stamp(void **state)
{
    (void)state;
    struct pair p = open_pair(), other = open_pair();
    struct sock_read r;
    char text[16];
    check_stamp(p.server, p.client);
    send_text(p.server, "x");
    await(p.client, POLLIN);
    int64_t arrived_ns = clock_wall().ns;
    check_stamp(other.server, other.client); /* takes some time */
    assert_int_equal(sock_recv(p.client, text, sizeof text, &r), SOCK_OK);
    assert_in_range(r.kernel_realtime_ns, 1, arrived_ns);
    close_pair(&p);
    close_pair(&other);
}

static void a_cut_control_message_is_no_stamp(void **state)
{
    (void)state;
    struct scm_timestamping ts = {.ts = {{.tv_sec = 12, .tv_nsec = 34}}};
    union {
        char raw[CMSG_SPACE(sizeof ts)];
        struct cmsghdr head;
    } c;
    struct msghdr m = {.msg_control = c.raw, .msg_controllen = sizeof c.raw};
    memset(&c, 0, sizeof c);
    c.head.cmsg_level = SOL_SOCKET;
    c.head.cmsg_type = SCM_TIMESTAMPING;
    c.head.cmsg_len = CMSG_LEN(sizeof ts);
    memcpy(CMSG_DATA(&c.head), &ts, sizeof ts);
    assert_int_equal(sock_stamp_ns(&m), 12 * NS_PER_S + 34);
    m.msg_flags = MSG_CTRUNC;
    assert_int_equal(sock_stamp_ns(&m), 0);
    m.msg_flags = 0;
    for (size_t len = 0; len < CMSG_LEN(sizeof ts); len++) {
        c.head.cmsg_len = len;
        assert_int_equal(sock_stamp_ns(&m), 0);
    }
    c.head.cmsg_len = CMSG_LEN(sizeof ts);
    m.msg_controllen = 0;
    assert_int_equal(sock_stamp_ns(&m), 0);
    m.msg_controllen = sizeof c.raw;
    c.head.cmsg_type = SCM_RIGHTS;
    assert_int_equal(sock_stamp_ns(&m), 0);
    c.head.cmsg_type = SCM_TIMESTAMPING;
    ts.ts[0].tv_nsec = NS_PER_S;
    memcpy(CMSG_DATA(&c.head), &ts, sizeof ts);
    assert_int_equal(sock_stamp_ns(&m), 0);
    ts.ts[0] = (struct timespec){.tv_sec = INT64_MAX / NS_PER_S};
    memcpy(CMSG_DATA(&c.head), &ts, sizeof ts);
    assert_int_equal(sock_stamp_ns(&m), 0);
}

static void sending_without_room(void **state)
{
    (void)state;
    struct pair p = open_pair();
    static char block[1 << 16], back[1 << 16];
    struct sock_read r;
    size_t sent = 0, total = 0, got = 0;
    memset(block, 'b', sizeof block);
    enum sock_result result = SOCK_OK;
    while (result == SOCK_OK) {
        result = sock_send(p.client, block, sizeof block, &sent);
        total += sent;
        assert_true(sent <= sizeof block);
        assert_true(total < (size_t)1 << 30);
    }
    assert_int_equal(result, SOCK_AGAIN);
    assert_int_equal(sent, 0);
    while (got < total) {
        await(p.server, POLLIN);
        if (sock_recv(p.server, back, sizeof back, &r) == SOCK_OK)
            got += r.len;
    }
    assert_int_equal(got, total);
    await(p.client, POLLOUT);
    send_text(p.client, "again");
    close_pair(&p);
}

static void no_signal_from_a_gone_peer(void **state)
{
    (void)state;
    struct pair p = open_pair();
    size_t sent = 0;
    const struct linger reset = {.l_onoff = 1};
    (void)setsockopt(p.server, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    sock_close(&p.server);
    await(p.client, POLLHUP);
    char c;
    struct sock_read r;
    assert_int_equal(sock_recv(p.client, &c, 1, &r), SOCK_ERROR);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(sock_send(p.client, "x", 1, &sent), SOCK_ERROR);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(sent, 0);
    close_pair(&p);
}

/* A port that is taken, but listened to by none: refused for as long as it is held. */
static int hold_port(struct addr *at)
{
    *at = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at->sa, at->len), 0);
    *at = loopback(sock_port(fd));
    return fd;
}

static void refused(void **state)
{
    (void)state;
    struct err e;
    struct addr at, reached = {.len = 0};
    int held = hold_port(&at), fd = -1;
    enum status status = sock_connect(&at, &fd, &e);
    if (status == STATUS_OK) { /* the answer comes later */
        await(fd, POLLOUT);
        assert_int_equal(sock_connect_error(fd), ECONNREFUSED);
    } else {
        assert_int_equal(status, STATUS_CLOSED);
        assert_int_equal(fd, -1);
        assert_string_equal(e.where, at.text);
        assert_non_null(strstr(e.what, "refused"));
    }
    sock_close(&fd);
    struct addr_list list = {.at = {at}, .count = 1};
    struct span patience = clock_seconds(20);
    assert_int_equal(sock_reach(&list, patience, &reached, &e), STATUS_CLOSED);
    assert_non_null(strstr(e.hint, "running"));
    struct pair p = open_pair();
    list.at[1] = loopback(sock_port(p.listener));
    list.count = 2;
    e = (struct err){.code = STATUS_OK};
    assert_int_equal(sock_reach(&list, patience, &reached, &e), STATUS_OK);
    assert_string_equal(reached.text, list.at[1].text);
    assert_int_equal(e.code, STATUS_OK);
    list.count = 0;
    assert_int_equal(sock_reach(&list, patience, &reached, NULL), STATUS_NOT_FOUND);
    close_pair(&p);
    (void)close(held);
}

/* A listener whose queue is full leaves the attempt open. */
static void a_silent_address_times_out(void **state)
{
    (void)state;
    struct err e;
    struct addr at, reached;
    int held = hold_port(&at), fds[64];
    size_t opened = 0;
    assert_int_equal(listen(held, 0), 0);
    struct addr_list list = {.at = {at}, .count = 1};
    struct pollfd p = {.events = POLLOUT};
    while (opened < 64) { /* until one does not get in */
        assert_int_equal(sock_connect(&at, &fds[opened], NULL), STATUS_OK);
        p.fd = fds[opened++];
        if (poll(&p, 1, 50) == 0)
            break;
    }
    assert_true(opened < 64);
    assert_int_equal(sock_reach(&list, clock_seconds(0.02), &reached, &e),
                     STATUS_TIMEOUT);
    assert_non_null(strstr(e.what, "0.02 s"));
    for (size_t i = 0; i < opened; i++)
        sock_close(&fds[i]);
    (void)close(held);
}

static void an_address_taken(void **state)
{
    (void)state;
    struct err e;
    struct pair p = open_pair();
    struct addr at = loopback(sock_port(p.listener));
    int fd = -1;
    assert_int_equal(sock_listen(&at, &fd, &e), STATUS_IO);
    assert_int_equal(fd, -1);
    assert_string_equal(e.where, at.text);
    assert_non_null(strstr(e.hint, "Another program"));
    close_pair(&p);
}

static void descriptors_used_up(void **state)
{
    (void)state;
    struct err e;
    struct rlimit before, few;
    struct pair p = open_pair();
    struct addr at = loopback(sock_port(p.listener));
    int fd = -1, next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    enum status connecting = sock_connect(&at, &fd, &e);
    enum status listening = sock_listen(&at, &fd, NULL);
    (void)setrlimit(RLIMIT_NOFILE, &before);
    char number[24];
    (void)snprintf(number, sizeof number, " %d:", next);
    assert_int_equal(connecting, STATUS_IO);
    assert_int_equal(listening, STATUS_IO);
    assert_int_equal(e.code, STATUS_IO);
    assert_non_null(strstr(e.hint, "ulimit -n"));
    assert_non_null(strstr(e.hint, number));
    assert_int_equal(fd, -1);
    close_pair(&p);
}

static void unix_sockets_have_no_stamps(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_sock.XXXXXX", path[64], text[8];
    struct err e;
    struct addr at;
    struct pair p = {.listener = -1, .client = -1, .server = -1};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/s", folder);
    assert_int_equal(addr_unix(path, &at, NULL), STATUS_OK);
    assert_int_equal(sock_connect(&at, &p.client, &e), STATUS_NOT_FOUND);
    assert_string_equal(e.where, path);
    open_pair_at(&p, &at, &at);
    assert_int_equal(sock_port(p.listener), 0);
    send_text(p.client, "abc");
    struct sock_read r;
    await(p.server, POLLIN);
    assert_int_equal(sock_recv(p.server, text, sizeof text, &r), SOCK_OK);
    assert_int_equal(r.len, 3);
    assert_int_equal(r.kernel_realtime_ns, 0);
    int second = -1;
    assert_int_equal(sock_listen(&at, &second, &e), STATUS_IO);
    assert_non_null(strstr(e.hint, "socket file"));
    close_pair(&p);
    assert_int_equal(sock_connect(&at, &p.client, &e), STATUS_CLOSED); /* file is left */
    (void)unlink(path);
    (void)rmdir(folder);
}

static void ipv6(void **state)
{
    (void)state;
    struct addr at, to;
    struct pair p = {.listener = -1, .client = -1, .server = -1};
    assert_int_equal(addr_resolve("::1", 0, &at, NULL), STATUS_OK);
    if (sock_listen(&at, &p.listener, NULL) != STATUS_OK)
        skip(); /* a machine without */
    assert_true(sock_port(p.listener) > 0);
    assert_int_equal(addr_resolve("::1", sock_port(p.listener), &to, NULL), STATUS_OK);
    open_pair_at(&p, &at, &to);
    assert_int_not_equal(option(p.client, IPPROTO_TCP, TCP_NODELAY), 0);
    check_stamp(p.client, p.server);
    close_pair(&p);
    assert_int_equal(sock_accept(-1, &p.server), SOCK_ERROR);
    assert_int_equal(errno, EBADF);
}

static void a_full_queue(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_sock.XXXXXX", path[64];
    struct err e;
    struct addr at;
    int fds[8], opened = 0;
    enum status status = STATUS_OK;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/s", folder);
    assert_int_equal(addr_unix(path, &at, NULL), STATUS_OK);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at.sa, at.len), 0);
    assert_int_equal(listen(listener, 0), 0);
    while (opened < 8 && status == STATUS_OK) {
        status = sock_connect(&at, &fds[opened], &e);
        opened += status == STATUS_OK;
    }
    assert_int_equal(status, STATUS_CLOSED);
    assert_non_null(strstr(e.what, "queue"));
    while (opened > 0)
        sock_close(&fds[--opened]);
    (void)close(listener);
    (void)unlink(path);
    (void)rmdir(folder);
}

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    bool is_written = fputs(text, file) >= 0;
    return fclose(file) == 0 && is_written;
}

/* In a network of its own, which leaves this process no way back: the last test. */
static void ports_used_up(void **state)
{
    (void)state;
    struct err e;
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        skip();
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int code = ioctl(any, SIOCSIFFLAGS, &lo);
    (void)close(any);
    if (code != 0 ||
        !write_file("/proc/sys/net/ipv4/ip_local_port_range", "40000 40003\n"))
        skip();
    struct addr at = loopback(50000); /* the network is ours alone */
    int listener = -1, fds[8], opened = 0;
    enum status status = STATUS_OK;
    assert_int_equal(sock_listen(&at, &listener, NULL), STATUS_OK);
    while (opened < 8 && status == STATUS_OK) {
        status = sock_connect(&at, &fds[opened], &e);
        opened += status == STATUS_OK;
    }
    assert_int_equal(status, STATUS_IO);
    assert_non_null(strstr(e.hint, "ip_local_port_range"));
    while (opened > 0)
        sock_close(&fds[--opened]);
    sock_close(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_sockets_are_set),
        cmocka_unit_test(reading),
        cmocka_unit_test(both_ends_have_stamps),
        cmocka_unit_test(a_late_reader_sees_the_early_stamp),
        cmocka_unit_test(a_cut_control_message_is_no_stamp),
        cmocka_unit_test(sending_without_room),
        cmocka_unit_test(no_signal_from_a_gone_peer),
        cmocka_unit_test(refused),
        cmocka_unit_test(a_silent_address_times_out),
        cmocka_unit_test(an_address_taken),
        cmocka_unit_test(descriptors_used_up),
        cmocka_unit_test(unix_sockets_have_no_stamps),
        cmocka_unit_test(ipv6),
        cmocka_unit_test(a_full_queue),
        cmocka_unit_test(ports_used_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
