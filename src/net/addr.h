/* Where to connect to, resolved once before any clock starts. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/status.h"
#include "base/str.h"

#define ADDR_TEXT_BYTES 128
#define ADDR_LIST_MAX   8

struct addr {
    struct sockaddr_storage sa;
    socklen_t len;
    char text[ADDR_TEXT_BYTES]; /* "127.0.0.1:8000", "[::1]:8000", a path */
};

struct addr_list {
    struct addr at[ADDR_LIST_MAX];
    size_t count;
};

/* First address that getaddrinfo gives for host ("localhost", IPv4, IPv6 without
 * brackets) and port (0 to listen on any); may block. STATUS_NOT_FOUND if the name is
 * unknown. */
MUST_CHECK enum status addr_resolve(const char *host, int port, struct addr *out,
                                    struct err *e);
/* All of them (the first ADDR_LIST_MAX), in getaddrinfo's order. "localhost" is often
 * ::1 first, where a server may listen on 127.0.0.1 alone: sock_reach finds out. */
MUST_CHECK enum status addr_resolve_all(const char *host, int port, struct addr_list *out,
                                        struct err *e);
/* A unix socket. STATUS_BAD_INPUT if the path is longer than the kernel allows. */
MUST_CHECK enum status addr_unix(const char *path, struct addr *out, struct err *e);
/* Is the host of "host", "host:port" or "[::1]:port" this machine (loopback, any address,
 * localhost) or link-local? No proxy knows those. No name is looked up. */
bool addr_is_near(struct str authority);

#endif
