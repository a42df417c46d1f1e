#include "http/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { HOST_BYTES = 254 }; /* the longest name of the DNS, and a 0 */

/* What every step needs to refuse. */
struct parse {
    const char *option;
    struct arena *arena;
    struct err *e;
};

PRINTF_LIKE(3, 4)
static enum status refuse(const struct parse *p, const char *hint, const char *what, ...)
{
    char text[256];
    va_list args;
    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    (void)status_fail(p->e, STATUS_BAD_OPTION, p->option, "%s", text);
    (void)status_hint(p->e, "%s", hint);
    return STATUS_BAD_OPTION;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

static enum status parse_unix(const struct parse *p, const char *path, struct url *out)
{
    while (path[0] == '/' && path[1] == '/')
        path++;
    if (path[0] != '/' || path[1] == '\0')
        return refuse(p, "Write unix:/path/of/socket, an absolute path",
                      "\"unix:%s\" has no absolute path", path);
    *out = (struct url){.host = "localhost",
                        .port = 80,
                        .prefix = "",
                        .api = "/v1",
                        .query = "",
                        .unix_path = arena_strdup(p->arena, path),
                        .authority = "localhost"};
    return out->unix_path != NULL ? STATUS_OK : status_no_memory(p->e, p->option);
}

/* A query with a value that may be a secret, or with one that has no name. */
static bool holds_key(const char *query)
{
    static const char *const secret[] = {"key",  "token", "secret", "sig",
                                         "pass", "auth",  "code",   "cred"};
    if (query == NULL)
        return false;
    struct str rest = str_from(query + 1);
    while (rest.len > 0) {
        struct str value = str_cut(&rest, '&');
        if (memchr(value.ptr, '=', value.len) == NULL)
            return true;
        struct str name = str_cut(&value, '=');
        for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
            if (str_find(name, secret[i]) != NULL)
                return true;
    }
    return false;
}

/* What must not be printed comes first: it may hold a secret. */
static enum status check_whole(const struct parse *p, const char *text)
{
    if (strchr(text, '@') != NULL)
        return refuse(
            p, "Keys come from files or the environment: --api-key-file, OPENAI_API_KEY",
            "user and password in an address are not accepted");
    if (strchr(text, '#') != NULL || holds_key(strchr(text, '?')))
        return refuse(
            p, "Use --header, --api-key-file",
            "a fragment, or a query that is no NAME=VALUE or may hold a key, is "
            "not accepted in an address");
    for (const char *c = text; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c) || strchr("\"<>\\^`{|}", *c) != NULL)
            return refuse(p, "Write other characters as %XX",
                          "an invalid character at position %zu", (size_t)(c - text) + 1);
    return STATUS_OK;
}

static enum status parse_port(const struct parse *p, struct str text, struct url *out)
{
    int64_t port = 0;
    bool is_number = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        is_number = is_number && isdigit((unsigned char)text.ptr[i]);
    if (!is_number || !str_to_i64(text, &port) || port < 1 || port > UINT16_MAX)
        return refuse(p, "Ports are 1 to 65535, e.g. http://localhost:8000",
                      "\"%.*s\" is not a port", (int)text.len, text.ptr);
    out->port = (int)port;
    return STATUS_OK;
}

static enum status check_name(const struct parse *p, struct str name)
{
    bool is_good = name.len > 0 && name.len < HOST_BYTES;
    for (size_t i = 0; i < name.len; i++)
        is_good = is_good && (isalnum((unsigned char)name.ptr[i]) ||
                              strchr("-._", name.ptr[i]) != NULL);
    if (is_good)
        return STATUS_OK;
    if (name.len == 0)
        return refuse(p, "Write e.g. http://localhost:8000", "no host in the address");
    return refuse(
        p,
        "Host names have letters, digits, dots and dashes; IPv6 addresses need brackets",
        "\"%.*s\" is not a host name", name.len < 64 ? (int)name.len : 64, name.ptr);
}

static enum status check_ipv6(const struct parse *p, struct str name)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr binary;
    if (name.len < sizeof text)
        memcpy(text, name.ptr, name.len);
    if (inet_pton(AF_INET6, text, &binary) == 1)
        return STATUS_OK;
    return refuse(p, "Write e.g. http://[::1]:8000", "\"[%.*s]\" is not an IPv6 address",
                  name.len < 64 ? (int)name.len : 64, name.ptr);
}

/* What stands between "://" and the first '/'. */
struct authority {
    bool is_v6;
    bool has_port;
    struct str host, port;
};

static struct str from_place(struct str s, size_t place)
{
    return (struct str){.ptr = s.ptr + place, .len = s.len - place};
}

/* host, host:port, [v6], [v6]:port */
static enum status split(const struct parse *p, struct str text, struct authority *out)
{
    struct authority got = {.is_v6 = text.len > 0 && text.ptr[0] == '['};
    const char *stop = memchr(text.ptr, got.is_v6 ? ']' : ':', text.len);
    size_t end = stop != NULL ? (size_t)(stop - text.ptr) : text.len;
    got.host = (struct str){.ptr = text.ptr + got.is_v6, .len = end - got.is_v6};
    if (got.is_v6 && stop == NULL)
        return refuse(p, "Write e.g. http://[::1]:8000", "a '[' without a ']'");
    struct str rest = from_place(text, end + got.is_v6);
    got.has_port = rest.len > 0;
    if (got.has_port && rest.ptr[0] != ':')
        return refuse(p, "Write e.g. http://[::1]:8000", "unexpected text after ']'");
    got.port = from_place(rest, got.has_port);
    if (memchr(got.port.ptr, ':', got.port.len) != NULL)
        return refuse(p, "Put IPv6 addresses in brackets: http://[::1]:8000",
                      "more than one ':' in the host");
    *out = got;
    return STATUS_OK;
}

static enum status parse_authority(const struct parse *p, struct str text,
                                   struct url *out)
{
    const int usual = out->port;
    struct authority got = {.has_port = false};
    enum status status = split(p, text, &got);
    if (status == STATUS_OK)
        status = got.is_v6 ? check_ipv6(p, got.host) : check_name(p, got.host);
    if (status == STATUS_OK && got.has_port)
        status = parse_port(p, got.port, out);
    if (status != STATUS_OK)
        return status;
    out->host = arena_str(p->arena, got.host);
    if (out->host == NULL)
        return status_no_memory(p->e, p->option);
    const char *open = got.is_v6 ? "[" : "", *close = got.is_v6 ? "]" : "";
    out->authority = out->port == usual
                         ? arena_printf(p->arena, "%s%s%s", open, out->host, close)
                         : arena_printf(p->arena, "%s%s%s:%d", open, out->host, close,
                                        out->port);
    return out->authority != NULL ? STATUS_OK : status_no_memory(p->e, p->option);
}

static struct str without_slashes(struct str s)
{
    while (s.len > 0 && s.ptr[s.len - 1] == '/')
        s.len--;
    return s;
}

/* Bytes before the first segment like "v1", "V3", "v1beta"; all where there is none. */
static size_t before_version(struct str path)
{
    for (size_t i = 0; i + 2 < path.len; i++)
        if (path.ptr[i] == '/' && (path.ptr[i + 1] | 0x20) == 'v' &&
            isdigit((unsigned char)path.ptr[i + 2]))
            return i;
    return path.len;
}

/* Takes an endpoint off the path; true if it was one that load goes to. */
static bool cut_endpoint(struct str *path)
{
    static const char *const endpoints[] = {"/chat/completions", "/completions",
                                            "/models"};
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
        if (str_ends_any_case(*path, endpoints[i])) {
            path->len -= strlen(endpoints[i]);
            return i < 2;
        }
    return false;
}

/* Slips in what people join from parts: "//v1", "/v1/v1". */
static struct str without_twins(struct str path)
{
    while (path.len > 1 && path.ptr[0] == '/' && path.ptr[1] == '/')
        path = from_place(path, 1);
    while (str_ends_any_case(path, "/v1/v1"))
        path.len -= strlen("/v1");
    return path;
}

static enum status parse_path(const struct parse *p, struct str path, struct url *out)
{
    path = without_twins(without_slashes(path));
    const struct str whole = path;
    bool is_endpoint = cut_endpoint(&path);
    path = without_slashes(path);
    size_t before = before_version(path);
    bool has_version = before < path.len, is_base = is_endpoint || has_version;
    struct str prefix = without_slashes((struct str){path.ptr, before});
    out->is_guess = !is_base && path.len > 0;
    out->prefix = arena_str(p->arena, prefix);
    out->api = arena_printf(p->arena, "%.*s%s", (int)path.len, path.ptr,
                            is_base ? "" : "/v1");
    out->path = is_endpoint ? arena_str(p->arena, whole) : NULL;
    bool is_lost = out->prefix == NULL || out->api == NULL ||
                   (is_endpoint && out->path == NULL);
    return is_lost ? status_no_memory(p->e, p->option) : STATUS_OK;
}

enum status url_parse(const char *text, const char *option, struct arena *a,
                      struct url *out, struct err *e)
{
    const struct parse p = {.option = option, .arena = a, .e = e};
    struct url url = {.port = 0};
    enum status status = STATUS_OK;
    if (has_prefix(text, "unix:")) {
        status = parse_unix(&p, text + strlen("unix:"), &url);
        if (status == STATUS_OK)
            *out = url;
        return status;
    }
    status = check_whole(&p, text);
    if (status != STATUS_OK)
        return status;
    const char *sign = strstr(text, "://");
    url.is_tls = has_prefix(text, "https://");
    url.port = url.is_tls ? 443 : 80;
    if (!url.is_tls && !has_prefix(text, "http://"))
        return refuse(&p, "Write http://host:port, https://host or unix:/path",
                      "\"%.64s\" does not begin with http:// or https://", text);
    const char *host = sign + strlen("://");
    size_t len = strcspn(host, "/?"), path_len = strcspn(host + len, "?");
    url.query = arena_strdup(a, host + len + path_len);
    if (url.query == NULL)
        return status_no_memory(e, option);
    status = parse_authority(&p, (struct str){.ptr = host, .len = len}, &url);
    if (status == STATUS_OK)
        status = parse_path(&p, (struct str){host + len, path_len}, &url);
    if (status == STATUS_OK)
        *out = url;
    return status;
}
