/* http(s)://host[:port][/prefix], and unix:/path/of/socket. */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"

struct url {
    bool is_tls;
    const char *host;      /* without brackets; "localhost" for a unix socket */
    int port;              /* 80, 443 where not given */
    const char *prefix;    /* "" or "/v1" ...: no slash at its end */
    const char *unix_path; /* or NULL */
    const char *authority; /* for the Host header: "[::1]:8000"; no default port */
};

/* Refuses (STATUS_BAD_OPTION, where: `option`) user:pass@ and queries, whose values are
 * never printed then, other schemes, and the address of an endpoint. A trailing "/v1" is
 * dropped from the prefix: our paths bring it. Strings live in the arena. */
MUST_CHECK enum status url_parse(const char *text, const char *option, struct arena *a,
                                 struct url *out, struct err *e);

#endif
