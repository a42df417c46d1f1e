/* Non-blocking stream sockets with kernel receive stamps. A stamp is prepared before
 * connect: what the kernel queues earlier carries none. The kernel switches its stamping
 * on some milliseconds after the first socket of the machine has asked for it. */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "net/addr.h"

enum sock_result {
    SOCK_OK,
    SOCK_AGAIN, /* nothing to read, or no room to write, now */
    SOCK_END,   /* the peer closed its side (read) */
    SOCK_ERROR  /* errno says what */
};

struct sock_read {
    size_t len;                 /* bytes read, > 0 with SOCK_OK */
    int64_t kernel_realtime_ns; /* of the last segment touched; 0: none given */
    bool is_full;               /* the buffer was filled: more may wait */
};

/* Opens and starts to connect: *fd is non-blocking, close-on-exec, TCP_NODELAY, stamped.
 * STATUS_OK also while the connection is under way (then it becomes writable).
 * STATUS_CLOSED: refused at once; STATUS_NOT_FOUND: no such unix socket; descriptors used
 * up: STATUS_IO with `ulimit -n` in the hint. */
MUST_CHECK enum status sock_connect(const struct addr *to, int *fd, struct err *e);
/* Connects to each address, in order, for up to `timeout`, and hangs up; the first
 * that accepts is *out. For the set-up: blocks. If none does, the error is that of the
 * last. */
MUST_CHECK enum status sock_reach(const struct addr_list *list, struct span timeout,
                                  struct addr *out, struct err *e);
/* Listens, SO_REUSEADDR; port 0: any (sock_port). Accepted sockets inherit the stamps. */
MUST_CHECK enum status sock_listen(const struct addr *at, int *fd, struct err *e);
/* accept4, non-blocking; SOCK_AGAIN when none waits. */
enum sock_result sock_accept(int listener, int *fd);
int sock_port(int fd); /* local port; 0 for a unix socket */
/* errno of the connection attempt; 0: connected. */
int sock_connect_error(int fd);
/* One recvmsg; room > 0. */
enum sock_result sock_recv(int fd, void *buf, size_t room, struct sock_read *out);
/* The kernel's stamp among the control messages of a recvmsg; 0: none, or cut off. */
int64_t sock_stamp_ns(struct msghdr *m);
/* One sendmsg without SIGPIPE; *sent bytes taken, possibly fewer than len. */
enum sock_result sock_send(int fd, const void *data, size_t len, size_t *sent);
/* Bytes sent that the peer's kernel has not acknowledged; -1: unknown. */
int sock_unacked(int fd);
void sock_close(int *fd); /* harmless for -1; sets -1 */

/* The kernel stamps as long as some socket asks for it, and begins only a while after the
 * first one has. This one keeps it stamping while connections come and go, and carries
 * nothing; -1: there is none. */
int sock_stamp_keeper(void);

#endif
