#include "http/rest.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/addr.h"
#include "net/tls.h"

enum { WHERE_BYTES = 160 };

/* libcurl, opened at run time: linked in, it would cost every start milliseconds. Types
 * and constants come from its header. */
struct lazycurl {
    __typeof__(&curl_easy_init) init;
    __typeof__(&curl_easy_cleanup) cleanup;
    CURLcode (*set)(CURL *handle, CURLoption option, ...);
    CURLcode (*get)(CURL *handle, CURLINFO info, ...);
    __typeof__(&curl_easy_perform) perform;
    __typeof__(&curl_slist_append) list_append;
    __typeof__(&curl_slist_free_all) list_free;
};

struct rest {
    struct lazycurl curl;
    CURL *handle;
    struct curl_slist *plain, *with_json, *with_bytes; /* headers by what a call sends */
    const char *trust_hint;                            /* or NULL */
    bool is_direct;                                    /* never through a proxy */
    bool is_unset;                                     /* an option was not taken */
    bool (*stop)(void *);                              /* or NULL */
    double timeout_s;
    int64_t body_cap_bytes;
    char detail[CURL_ERROR_SIZE];
};

/* The call under way. */
struct intake {
    struct rest_call *call;
    int64_t cap_bytes;
    enum status kept; /* of the answer's body */
};

/* ---- the library */

static bool find(void *library, const char *symbol, void *slot)
{
    void *address = dlsym(library, symbol);
    memcpy(slot, &address, sizeof address);
    return address != NULL;
}

/* False where the library is missing. Never closed: libcurl does not like to be
 * unloaded. */
static bool open_library(struct lazycurl *out)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return false;
    return find(library, "curl_easy_init", &out->init) &&
           find(library, "curl_easy_cleanup", &out->cleanup) &&
           find(library, "curl_easy_setopt", &out->set) &&
           find(library, "curl_easy_getinfo", &out->get) &&
           find(library, "curl_easy_perform", &out->perform) &&
           find(library, "curl_slist_append", &out->list_append) &&
           find(library, "curl_slist_free_all", &out->list_free);
}

/* ---- set-up ------------------------------------------------------------------------ */

static void set_text(struct rest *r, CURLoption option, const char *value)
{
    if (value != NULL && r->curl.set(r->handle, option, value) != CURLE_OK)
        r->is_unset = true;
}

static void set_long(struct rest *r, CURLoption option, long value)
{
    if (r->curl.set(r->handle, option, value) != CURLE_OK)
        r->is_unset = true;
}

static bool has_control(const char *text)
{
    for (const char *c = text; c != NULL && *c != '\0'; c++)
        if ((unsigned char)*c < ' ' && *c != '\t')
            return true;
    return false;
}

/* The values are never told: they may be keys. */
static enum status check(const struct rest_options *o, struct err *e)
{
    for (size_t i = 0; i < o->headers.count; i++) {
        const char *header = o->headers.items[i];
        const char *colon = strchr(header, ':');
        if (colon != NULL && colon != header && !has_control(header) &&
            strcspn(header, " \t") >= (size_t)(colon - header))
            continue;
        (void)status_fail(e, STATUS_BAD_OPTION, "--header", "header %zu cannot be sent",
                          i + 1);
        (void)status_hint(e, "Write 'Name: value' on one line");
        return STATUS_BAD_OPTION;
    }
    const char *const secrets[] = {o->bearer, o->user, o->password};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        if (has_control(secrets[i]))
            return status_fail(e, STATUS_BAD_OPTION, "key or password",
                               "holds a line end or another control character");
    return STATUS_OK;
}

static bool add_line(struct rest *r, struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = r->curl.list_append(*list, line);
    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

/* libcurl takes "Name:" as the removal of a header; one without a value is "Name;". */
static bool add_header(struct rest *r, struct curl_slist **list, const char *header)
{
    struct str value = str_from(header);
    struct str name = str_cut(&value, ':');
    if (str_trim(value).len > 0)
        return add_line(r, list, header);
    char *bare = mem_alloc(name.len + 2, 1);
    if (bare == NULL)
        return false;
    memcpy(bare, name.ptr, name.len);
    bare[name.len] = ';';
    bool is_added = add_line(r, list, bare);
    mem_free(bare);
    return is_added;
}

static bool make_headers(struct rest *r, const struct rest_options *o,
                         const char *content_type, struct curl_slist **list)
{
    bool is_good = add_line(r, list, "Expect:") && add_line(r, list, content_type);
    if (o->closes_each) /* so the server need not wait for our end */
        is_good = is_good && add_line(r, list, "Connection: close");
    for (size_t i = 0; i < o->headers.count; i++)
        is_good = is_good && add_header(r, list, o->headers.items[i]);
    return is_good;
}

/* Seconds from now to a date as HTTP writes it (RFC 9110, 5.6.7: the one form that is
 * still sent); 0 where it is past. */
static bool until(struct str text, int64_t *seconds)
{
    char date[40] = "";
    struct tm tm = {0};
    if (text.len >= sizeof date)
        return false;
    memcpy(date, text.ptr, text.len);
    const char *end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (end == NULL || *end != '\0')
        return false;
    *seconds = (int64_t)timegm(&tm) - clock_wall().ns / NS_PER_S;
    if (*seconds < 0)
        *seconds = 0;
    return true;
}

static void keep_header(char headers[REST_HEADERS_BYTES], struct str line)
{
    size_t used = strlen(headers);
    if (line.len == 0 || line.len + 2 > REST_HEADERS_BYTES - used)
        return;
    memcpy(headers + used, line.ptr, line.len);
    memcpy(headers + used + line.len, "\n", 2);
}

/* A header's line; a new answer (after 100 Continue) begins with its status line. */
static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
    struct intake *in = arg;
    struct str line = {.ptr = data, .len = size * count};
    if (str_starts(line, "HTTP/")) {
        in->call->retry_after_s = -1;
        in->call->headers[0] = '\0';
    }
    keep_header(in->call->headers, str_trim(line));
    struct str value = line;
    struct str name = str_cut(&value, ':');
    int64_t seconds = 0;
    if (str_is_any_case(name, "Retry-After") &&
        (str_to_i64(str_trim(value), &seconds) || until(str_trim(value), &seconds)) &&
        seconds >= 0)
        in->call->retry_after_s = seconds;
    return line.len;
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct intake *in = arg;
    struct buf *body = &in->call->body;
    size_t len = size * count;
    if (len > (uint64_t)in->cap_bytes - body->len)
        in->kept = STATUS_TOO_BIG;
    else
        in->kept = buf_append(body, data, len);
    return in->kept == STATUS_OK ? len : 0;
}

static void set_tls(struct rest *r, const struct rest_options *o)
{
    set_long(r, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set_long(r, CURLOPT_SSL_VERIFYPEER, o->is_insecure ? 0L : 1L);
    set_long(r, CURLOPT_SSL_VERIFYHOST, o->is_insecure ? 0L : 2L);
    set_text(r, CURLOPT_CAINFO, o->ca_cert);
    set_text(r, CURLOPT_SSLCERT, o->client_cert);
    set_text(r, CURLOPT_SSLKEY, o->client_cert);
}

void rest_set_timeout(struct rest *r, double timeout_s)
{
    int64_t limit_ms = 0; /* libcurl's word for none */
    if (isfinite(timeout_s))
        limit_ms = clock_seconds(timeout_s).ns / NS_PER_MS;
    if (isfinite(timeout_s) && limit_ms < 1)
        limit_ms = 1;
    if (limit_ms > INT32_MAX)
        limit_ms = INT32_MAX;
    set_long(r, CURLOPT_TIMEOUT_MS, (long)limit_ms);
    set_long(r, CURLOPT_CONNECTTIMEOUT_MS, limit_ms > 0 ? (long)limit_ms : INT32_MAX);
    r->timeout_s = timeout_s;
}

/* libcurl's, not zero ends the call. */
static int look(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct rest *r = arg;
    (void)a, (void)b, (void)c, (void)d;
    return r->stop != NULL && r->stop(NULL);
}

void rest_set_stop(struct rest *r, bool (*stop)(void *))
{
    r->stop = stop;
    set_long(r, CURLOPT_NOPROGRESS, stop == NULL);
    if (r->curl.set(r->handle, CURLOPT_XFERINFOFUNCTION, look) != CURLE_OK ||
        r->curl.set(r->handle, CURLOPT_XFERINFODATA, r) != CURLE_OK)
        r->is_unset = true;
}

static void set_up(struct rest *r, const struct rest_options *o)
{
    set_long(r, CURLOPT_NOSIGNAL, 1L);
    set_long(r, CURLOPT_FORBID_REUSE, o->closes_each ? 1L : 0L);
    set_long(r, CURLOPT_FOLLOWLOCATION, 0L);
    set_long(r, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set_text(r, CURLOPT_USERAGENT, "inferbench");
    set_text(r, CURLOPT_UNIX_SOCKET_PATH, o->unix_path);
    if (o->bearer != NULL) {
        set_long(r, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        set_text(r, CURLOPT_XOAUTH2_BEARER, o->bearer);
    } else if (o->user != NULL) {
        set_long(r, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        set_text(r, CURLOPT_USERNAME, o->user);
        set_text(r, CURLOPT_PASSWORD, o->password);
    }
    set_tls(r, o);
    rest_set_timeout(r, o->timeout_s);
    if (r->curl.set(r->handle, CURLOPT_WRITEFUNCTION, take_body) != CURLE_OK ||
        r->curl.set(r->handle, CURLOPT_HEADERFUNCTION, take_header) != CURLE_OK ||
        r->curl.set(r->handle, CURLOPT_ERRORBUFFER, r->detail) != CURLE_OK)
        r->is_unset = true;
}

enum status rest_open(const struct rest_options *o, struct rest **out, struct err *e)
{
    enum status status = check(o, e);
    if (status != STATUS_OK)
        return status;
    struct rest *r = mem_alloc(1, sizeof *r);
    if (r == NULL)
        return status_no_memory(e, "HTTP");
    if (!open_library(&r->curl)) {
        mem_free(r);
        (void)status_fail(e, STATUS_UNSUPPORTED, "HTTP", "libcurl.so.4 is missing");
        (void)status_hint(e, "Install libcurl, e.g. apt install libcurl4");
        return STATUS_UNSUPPORTED;
    }
    r->is_direct = o->is_direct || o->unix_path != NULL;
    r->trust_hint = o->trust_hint;
    r->body_cap_bytes = o->body_cap_bytes;
    r->handle = r->curl.init();
    if (r->handle != NULL)
        set_up(r, o);
    if (r->handle == NULL || r->is_unset ||
        !make_headers(r, o, "Content-Type:", &r->plain) ||
        !make_headers(r, o, "Content-Type: application/json", &r->with_json) ||
        !make_headers(r, o, "Content-Type: application/octet-stream", &r->with_bytes)) {
        rest_close(r);
        return status_fail(e, STATUS_NO_MEMORY, "HTTP",
                           "libcurl refused its options, or out of memory");
    }
    *out = r;
    return STATUS_OK;
}

void rest_close(struct rest *r)
{
    if (r == NULL)
        return;
    if (r->handle != NULL)
        r->curl.cleanup(r->handle);
    r->curl.list_free(r->plain);
    r->curl.list_free(r->with_json);
    r->curl.list_free(r->with_bytes);
    mem_free(r);
}

/* ---- a call ------------------------------------------------------------------------ */

/* "host:port" of a URL, without user and password. */
static struct str authority_of(const char *url)
{
    const char *sign = strstr(url, "://");
    const char *start = sign != NULL ? sign + strlen("://") : url;
    struct str a = {.ptr = start, .len = strcspn(start, "/?#")};
    for (size_t i = a.len; i > 0; i--)
        if (a.ptr[i - 1] == '@')
            return (struct str){.ptr = a.ptr + i, .len = a.len - i};
    return a;
}

/* A URL with http:// or https:// as it may be shown: without user, password and query,
 * and without all where a '@' behind the host says that those hold odd characters. */
static void show(const char *url, char out[WHERE_BYTES])
{
    struct str authority = authority_of(url);
    const char *path = authority.ptr + authority.len;
    int scheme_len = (int)strcspn(url, ":");
    if (strchr(path, '@') != NULL)
        (void)snprintf(out, WHERE_BYTES, "%.*s://...", scheme_len, url);
    else
        (void)snprintf(out, WHERE_BYTES, "%.*s://%.*s%.*s", scheme_len, url,
                       (int)authority.len, authority.ptr, (int)strcspn(path, "?#"), path);
}

static void set_proxy(struct rest *r, bool is_direct)
{
    const char *proxy = is_direct ? "" : NULL, *without = is_direct ? "*" : NULL;
    if (r->curl.set(r->handle, CURLOPT_PROXY, proxy) != CURLE_OK ||
        r->curl.set(r->handle, CURLOPT_NOPROXY, without) != CURLE_OK)
        r->is_unset = true;
}

/* The body and its headers. */
static bool set_body(struct rest *r, const struct rest_call *c)
{
    const struct curl_slist *headers = r->plain;
    struct str body = {0};
    if (c->json != NULL) {
        headers = r->with_json;
        body = str_from(c->json);
    } else if (c->bytes.ptr != NULL) {
        headers = r->with_bytes;
        body = c->bytes;
    }
    set_long(r, CURLOPT_HTTPGET, 1L);
    if (body.ptr != NULL || strcmp(c->method, "GET") != 0)
        set_text(r, CURLOPT_POSTFIELDS, body.ptr != NULL ? body.ptr : "");
    return r->curl.set(r->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len) ==
               CURLE_OK &&
           r->curl.set(r->handle, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
}

static void set_call(struct rest *r, const struct rest_call *c, struct intake *in)
{
    r->is_unset = false;
    r->detail[0] = '\0';
    set_text(r, CURLOPT_URL, c->url);
    if (!set_body(r, c))
        r->is_unset = true;
    set_text(r, CURLOPT_CUSTOMREQUEST, c->method);
    set_long(r, CURLOPT_FRESH_CONNECT, c->is_once ? 1L : 0L);
    set_proxy(r, r->is_direct || addr_is_near(authority_of(c->url)));
    if (r->curl.set(r->handle, CURLOPT_WRITEDATA, in) != CURLE_OK ||
        r->curl.set(r->handle, CURLOPT_HEADERDATA, in) != CURLE_OK)
        r->is_unset = true;
}

/* ---- why it failed ----------------------------------------------------------------- */

struct cause {
    CURLcode code;
    enum status status;
    const char *what, *hint;
    bool has_detail; /* libcurl's own words are added */
};

static const struct cause causes[] = {
    {CURLE_COULDNT_RESOLVE_HOST, STATUS_NOT_FOUND, "the host name is unknown",
     "Check the spelling; /etc/hosts and DNS were tried", false},
    {CURLE_COULDNT_RESOLVE_PROXY, STATUS_NOT_FOUND, "the proxy's host name is unknown",
     "See http_proxy, https_proxy and no_proxy in the environment", false},
    {CURLE_GOT_NOTHING, STATUS_CLOSED, "the connection was closed without an answer", "",
     false},
    {CURLE_PARTIAL_FILE, STATUS_CLOSED, "the connection was closed within the answer", "",
     false},
    {CURLE_SEND_ERROR, STATUS_CLOSED, "the connection broke", "", true},
    {CURLE_RECV_ERROR, STATUS_CLOSED, "the connection broke", "", true},
    {CURLE_ABORTED_BY_CALLBACK, STATUS_INTERRUPTED, "stopped by a signal", "", false},
    {CURLE_OUT_OF_MEMORY, STATUS_TOO_BIG, "a header without end, or out of memory", "",
     false}, /* libcurl has one code for both */
    {CURLE_UNSUPPORTED_PROTOCOL, STATUS_BAD_INPUT, "the answer is not HTTP",
     "Is this the right port? If it speaks TLS, write https://", false},
    {CURLE_WEIRD_SERVER_REPLY, STATUS_BAD_INPUT, "the answer is not HTTP",
     "Is this the right port? If it speaks TLS, write https://", false},
    {CURLE_URL_MALFORMAT, STATUS_BAD_INPUT, "not a valid address", "", false},
    {CURLE_SSL_CACERT_BADFILE, STATUS_UNSUPPORTED,
     "the CA file holds no usable certificate", "--ca-cert needs a PEM file", false},
    {CURLE_SSL_CERTPROBLEM, STATUS_UNSUPPORTED, "the client certificate cannot be used",
     "It must be PEM, with its key in the same file", true},
};

static enum status why_unconnected(struct rest *r, const char *where, struct err *e)
{
    long number = 0;
    (void)r->curl.get(r->handle, CURLINFO_OS_ERRNO, &number);
    if (number == ECONNREFUSED || number == ENOENT) {
        (void)status_fail(e, STATUS_CLOSED, where,
                          number == ENOENT ? "no such unix socket"
                                           : "connection refused");
        (void)status_hint(e, "Is the server running, and is the address right?");
    } else {
        (void)status_fail(e, STATUS_CLOSED, where, "no connection: %s", r->detail);
    }
    return STATUS_CLOSED;
}

static enum status why_untrusted(struct rest *r, CURLcode code, const char *where,
                                 struct err *e)
{
    long verified = 0;
    (void)r->curl.get(r->handle, CURLINFO_SSL_VERIFYRESULT, &verified);
    if (code == CURLE_SSL_CONNECT_ERROR) {
        (void)status_fail(e, STATUS_UNSUPPORTED, where, "the TLS handshake failed: %s",
                          r->detail);
        (void)status_hint(e,
                          "Does this port speak TLS 1.2 or later? If it has none, write "
                          "http:// instead of https://");
        return STATUS_UNSUPPORTED;
    }
    (void)status_fail(e, STATUS_UNSUPPORTED, where,
                      "the server's certificate was refused: %s", r->detail);
    if (strstr(r->detail, "subject name") != NULL) /* its own check, after OpenSSL's */
        verified = X509_V_ERR_HOSTNAME_MISMATCH;
    const char *hint = tls_verify_hint(verified);
    if (r->trust_hint != NULL &&
        strcmp(hint, tls_verify_hint(X509_V_ERR_UNSPECIFIED)) == 0)
        hint = r->trust_hint;
    (void)status_hint(e, "%s", hint);
    return STATUS_UNSUPPORTED;
}

static enum status why_listed(struct rest *r, CURLcode code, const char *where,
                              struct err *e)
{
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        const struct cause *c = &causes[i];
        if (c->code != code)
            continue;
        bool has_detail = c->has_detail && r->detail[0] != '\0';
        (void)status_fail(e, c->status, where, "%s%s%s", c->what, has_detail ? ": " : "",
                          has_detail ? r->detail : "");
        bool is_trust = code == CURLE_SSL_CACERT_BADFILE && r->trust_hint != NULL;
        (void)status_hint(e, "%s", is_trust ? r->trust_hint : c->hint);
        return c->status;
    }
    return status_fail(e, STATUS_IO, where, "libcurl's error %d: %s", (int)code,
                       r->detail);
}

static enum status why(struct rest *r, CURLcode code, const struct intake *in,
                       const char *where, struct err *e)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return status_fail(e, STATUS_TIMEOUT, where, "no complete answer within %.3g s",
                           r->timeout_s);
    case CURLE_WRITE_ERROR:
        if (in->kept == STATUS_NO_MEMORY)
            return status_no_memory(e, where);
        return status_fail(e, STATUS_TOO_BIG, where,
                           "the answer is larger than %lld bytes",
                           (long long)in->cap_bytes);
    case CURLE_COULDNT_CONNECT: return why_unconnected(r, where, e);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR: return why_untrusted(r, code, where, e);
    default: return why_listed(r, code, where, e);
    }
}

static enum status perform(struct rest *r, struct rest_call *c, struct intake *in,
                           struct err *e)
{
    char where[WHERE_BYTES];
    show(c->url, where);
    set_call(r, c, in);
    if (r->is_unset)
        return status_no_memory(e, where);
    CURLcode code = r->curl.perform(r->handle);
    if (code != CURLE_OK) {
        buf_clear(&c->body);
        return why(r, code, in, where, e);
    }
    long answer = 0;
    (void)r->curl.get(r->handle, CURLINFO_RESPONSE_CODE, &answer);
    c->status = (int)answer;
    return STATUS_OK;
}

enum status rest_do(struct rest *r, struct rest_call *c, struct err *e)
{
    int64_t cap_bytes = r->body_cap_bytes;
    if (cap_bytes <= 0 || (uint64_t)cap_bytes > c->body.cap_bytes)
        cap_bytes = c->body.cap_bytes < INT64_MAX ? (int64_t)c->body.cap_bytes
                                                  : INT64_MAX;
    struct intake in = {.call = c, .cap_bytes = cap_bytes};
    c->status = 0;
    c->retry_after_s = -1;
    c->headers[0] = '\0';
    buf_clear(&c->body);
    if (strncasecmp(c->url, "http://", 7) != 0 && strncasecmp(c->url, "https://", 8) != 0)
        return status_fail(e, STATUS_BAD_INPUT, "HTTP",
                           "not an http:// or https:// address");
    return perform(r, c, &in, e);
}
