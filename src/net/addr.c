#include "net/addr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

enum { HOST_BYTES = 256 };

static void write_text(struct addr *a)
{
    char host[INET6_ADDRSTRLEN + 32] = "?", port[8] = "?"; /* room for a %zone */
    (void)getnameinfo((const struct sockaddr *)&a->sa, a->len, host, sizeof host, port,
                      sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    bool is_v6 = a->sa.ss_family == AF_INET6;
    (void)snprintf(a->text, sizeof a->text, is_v6 ? "[%s]:%s" : "%s:%s", host, port);
}

static enum status why_unresolved(const char *host, int code, struct err *e)
{
    if (code == EAI_SYSTEM)
        return status_errno(e, host, "the host name cannot be looked up");
    if (code == EAI_MEMORY)
        return status_no_memory(e, host);
    (void)status_fail(e, STATUS_NOT_FOUND, host, "the host name is unknown: %s",
                      gai_strerror(code));
    return status_hint(e, "Check the spelling; /etc/hosts and DNS were tried");
}

enum status addr_resolve_all(const char *host, int port, struct addr_list *out,
                             struct err *e)
{
    char service[16];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    if (host[0] == '\0')
        return status_fail(e, STATUS_BAD_INPUT, host, "an empty host name");
    if (port < 0 || port > UINT16_MAX)
        return status_fail(e, STATUS_BAD_INPUT, host,
                           "%d is not a port; ports are 0 to 65535", port);
    (void)snprintf(service, sizeof service, "%d", port);
    int code = getaddrinfo(host, service, &hints, &found);
    if (code != 0)
        return why_unresolved(host, code, e);
    struct addr_list list = {.count = 0};
    for (const struct addrinfo *i = found; i != NULL && list.count < ADDR_LIST_MAX;
         i = i->ai_next) {
        struct addr *a = &list.at[list.count];
        if (i->ai_addrlen > sizeof a->sa)
            continue;
        memcpy(&a->sa, i->ai_addr, i->ai_addrlen);
        a->len = i->ai_addrlen;
        write_text(a);
        list.count++;
    }
    freeaddrinfo(found);
    if (list.count == 0)
        return why_unresolved(host, EAI_NONAME, e);
    *out = list;
    return STATUS_OK;
}

enum status addr_resolve(const char *host, int port, struct addr *out, struct err *e)
{
    struct addr_list list;
    enum status status = addr_resolve_all(host, port, &list, e);
    if (status == STATUS_OK)
        *out = list.at[0];
    return status;
}

enum status addr_unix(const char *path, struct addr *out, struct err *e)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len == 0)
        return status_fail(e, STATUS_BAD_INPUT, path, "an empty path of a unix socket");
    if (len >= sizeof un.sun_path) {
        (void)status_fail(e, STATUS_BAD_INPUT, path,
                          "unix socket path of %zu bytes; the kernel allows %zu", len,
                          sizeof un.sun_path - 1);
        return status_hint(e, "Use a shorter path, or a symbolic link to its folder");
    }
    memcpy(un.sun_path, path, len + 1);
    struct addr a = {
        .len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1)};
    memcpy(&a.sa, &un, sizeof un);
    (void)snprintf(a.text, sizeof a.text, "%s", path);
    *out = a;
    return STATUS_OK;
}

static bool is_near_v4(const unsigned char a[4])
{
    return a[0] == 127 || a[0] == 0 || (a[0] == 169 && a[1] == 254);
}

/* ::1, ::, fe80::/10, and IPv4 within */
static bool is_near_v6(const unsigned char a[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const unsigned char zeros[15];
    if (memcmp(a, mapped, sizeof mapped) == 0)
        return is_near_v4(a + 12);
    return (memcmp(a, zeros, sizeof zeros) == 0 && a[15] <= 1) ||
           (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

bool addr_is_near(struct str authority)
{
    char host[HOST_BYTES] = "";
    unsigned char binary[16];
    bool has_brackets = authority.len > 0 && authority.ptr[0] == '[';
    struct str name = str_cut(&authority, has_brackets ? ']' : ':');
    if (has_brackets) {
        name.ptr++;
        name.len--;
        name = str_cut(&name, '%');
    }
    if (name.len >= sizeof host)
        return false;
    memcpy(host, name.ptr, name.len);
    if (inet_pton(AF_INET, host, binary) == 1)
        return is_near_v4(binary);
    if (inet_pton(AF_INET6, host, binary) == 1)
        return is_near_v6(binary);
    const char *tail = strrchr(host, '.');
    return strcasecmp(host, "localhost") == 0 ||
           (tail != NULL && strcasecmp(tail, ".localhost") == 0);
}
