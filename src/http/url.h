/* http(s)://host[:port][/path][?query], and unix:/path/of/socket. */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"

struct url {
    bool is_tls;
    const char *host;      /* without brackets; "localhost" for a unix socket */
    int port;              /* 80, 443 where not given */
    const char *prefix;    /* of what is no API, e.g. /metrics: "", "/llm" */
    const char *api;       /* of the API: "/v1", "/llm/v1", "/api/v3", "/v1beta/openai" */
    const char *path;      /* the endpoint, where the address names a whole one; NULL */
    const char *query;     /* "" or "?api-version=2024-10-21" */
    bool is_guess;         /* of a path without a version, /v1 was added to it in api */
    const char *unix_path; /* or NULL */
    const char *authority; /* for the Host header: "[::1]:8000"; no default port */
};

/* A path with a version in it ("v1", "v3", "v1beta") is the API's whole; another one gets
 * a "/v1". Refuses (STATUS_BAD_OPTION, where: `option`) user:pass@ and queries that may
 * hold a key, whose values are never printed then, and other schemes. Paths have no slash
 * at their end. Strings live in the arena. */
MUST_CHECK enum status url_parse(const char *text, const char *option, struct arena *a,
                                 struct url *out, struct err *e);

#endif
