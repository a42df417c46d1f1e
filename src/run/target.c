#include "run/target.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/words.h"
#include "http/url.h"
#include "net/tls.h"
#include "probe/canon.h"
#include "text/json.h"

#define KEY_FILE_CAP_BYTES ((size_t)64 << 10)
#define BODY_CAP_BYTES     ((size_t)16 << 20)
#define COUNT_OF(a)        (sizeof(a) / sizeof *(a))

static bool is_set(const struct opt_parse *p, const char *name)
{
    return opt_source_of(p, name) != OPT_FROM_DEFAULT;
}

/* --- addresses --- */

static enum status check_launch(const struct opt_parse *p, const struct run_opts *o,
                                struct arena *a, struct err *e)
{
    static const char *const others[] = {"base-url", "host", "port", "ca-cert",
                                         "insecure"};
    const char *launch = o->launch ? "--launch" : "--launch-command";
    struct opt_strings words;
    if (o->launch && o->launch_command != NULL) {
        status_fail(e, STATUS_BAD_OPTION, "--launch-command", "given with --launch");
        return status_hint(
            e, "--launch starts vLLM, --launch-command another server: use one of them");
    }
    if (o->launch_command != NULL &&
        words_cut(o->launch_command, launch, a, &words, e) != STATUS_OK)
        return e->code;
    if (o->launch_command != NULL && words.count == 0)
        return status_fail(e, STATUS_BAD_OPTION, launch, "names no program");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (!is_set(p, others[i]))
            continue;
        status_fail(e, STATUS_BAD_OPTION, launch,
                    "given with --%s, which starts its own server on a free port",
                    others[i]);
        return status_hint(e, "Use one of the two");
    }
    return STATUS_OK;
}

/* What only a server of ours can be told. */
static enum status check_attached(const struct opt_parse *p, const struct run_opts *o,
                                  struct err *e)
{
    static const char *const ours[] = {"enable-prefix-caching",
                                       "test-prefix-caching",
                                       "python",
                                       "engine-arg",
                                       "max-model-len",
                                       "dtype",
                                       "load-format"};
    for (size_t i = 0; i < COUNT_OF(ours) && !o->launch; i++) {
        if (!is_set(p, ours[i]))
            continue;
        char where[64];
        snprintf(where, sizeof where, "--%s", ours[i]);
        status_fail(e, STATUS_BAD_OPTION, where,
                    "is only for a vLLM server started by inferbench");
        return status_hint(e, "Add --launch, or configure the server yourself: its "
                              "settings are read back where it reports them");
    }
    if (p->rest.count == 0 || o->launch)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, "--", "vLLM server options need --launch");
    return status_hint(e, "Add --launch, or remove the words after --");
}

static enum status default_url(const struct run_opts *o, struct arena *a,
                               struct opt_strings *urls, struct err *e)
{
    const char *host = o->host != NULL ? o->host : "localhost";
    long long port = o->port != OPT_INT_UNSET ? o->port : 8000;
    bool is_ipv6 = strchr(host, ':') != NULL && host[0] != '[';
    if (strstr(host, "://") != NULL || strchr(host, '/') != NULL) {
        status_fail(e, STATUS_BAD_OPTION, "--host", "\"%s\" is not a host name", host);
        return status_hint(e, "Use --base-url for a full address");
    }
    urls->items = arena_alloc(a, 1, sizeof *urls->items);
    const char *url = arena_printf(a, is_ipv6 ? "http://[%s]:%lld" : "http://%s:%lld",
                                   host, port);
    if (urls->items == NULL || url == NULL)
        return status_no_memory(e, "options");
    urls->items[0] = url;
    urls->count = 1;
    return STATUS_OK;
}

static enum status find_urls(const struct opt_parse *p, const struct run_opts *o,
                             struct arena *a, struct engine_target *out, struct err *e)
{
    out->base_urls = o->base_urls;
    if (o->base_urls.count > 0 && (is_set(p, "host") || is_set(p, "port"))) {
        status_fail(e, STATUS_BAD_OPTION, "--base-url", "given with --host or --port");
        return status_hint(e,
                           "Put the port into the address: --base-url http://host:8000");
    }
    if (o->base_urls.count == 0 && default_url(o, a, &out->base_urls, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; i < out->base_urls.count; i++) {
        struct url unused;
        if (url_parse(out->base_urls.items[i], "--base-url", a, &unused, e) != STATUS_OK)
            return e->code;
    }
    return STATUS_OK;
}

bool run_target_is_local(const struct engine_target *t, struct arena *a)
{
    for (size_t i = 0; i < t->base_urls.count; i++) {
        struct url u;
        struct err e;
        if (url_parse(t->base_urls.items[i], "--base-url", a, &u, &e) != STATUS_OK)
            return false;
        bool is_loopback = strcasecmp(u.host, "localhost") == 0 ||
                           strncmp(u.host, "127.", 4) == 0 || strcmp(u.host, "::1") == 0;
        if (u.unix_path == NULL && !is_loopback)
            return false;
    }
    return true;
}

/* --- secrets --- */

/* Visible ASCII; the key is never part of a message. */
static enum status check_key(const char *key, const char *where, struct err *e)
{
    bool is_good = *key != '\0';
    for (const char *c = key; *c != '\0'; c++)
        is_good = is_good && isgraph((unsigned char)*c);
    if (is_good)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, where,
                *key == '\0' ? "the key is empty"
                             : "the key contains a blank or a non-ASCII character");
    return status_hint(e, "The key is sent exactly as written");
}

static enum status key_of_file(const char *path, struct arena *a, const char **out,
                               struct err *e)
{
    struct buf text;
    buf_init(&text, KEY_FILE_CAP_BYTES);
    enum status s = file_read_any(path, &text, e);
    if (s == STATUS_OK) {
        struct str rest = str_from(buf_cstr(&text));
        *out = arena_str(a, str_trim(str_cut(&rest, '\n')));
        s = *out != NULL ? check_key(*out, path, e) : status_no_memory(e, "options");
    } else {
        e->code = s == STATUS_NO_MEMORY ? s : STATUS_BAD_OPTION;
    }
    if (text.len > 0)
        memset(text.data, 0, text.len);
    buf_fini(&text);
    return s == STATUS_OK ? s : e->code;
}

static enum status find_key(const struct run_opts *o, struct arena *a,
                            struct engine_target *out, struct err *e)
{
    const char *key = getenv("OPENAI_API_KEY");
    if (o->api_key != NULL && o->api_key_file != NULL) {
        status_fail(e, STATUS_BAD_OPTION, "--api-key", "given with --api-key-file");
        return status_hint(e, "Use one of them: the file is safer");
    }
    if (o->api_key_file != NULL)
        return key_of_file(o->api_key_file, a, &out->api_key, e);
    if (o->api_key != NULL) {
        out->api_key = o->api_key;
        return check_key(o->api_key, "--api-key", e);
    }
    if (key == NULL || *key == '\0')
        return STATUS_OK;
    out->api_key = arena_strdup(a, key);
    return out->api_key != NULL ? check_key(key, "OPENAI_API_KEY", e)
                                : status_no_memory(e, "options");
}

/* A field's name as HTTP has it (RFC 9110, 5.6.2). */
static bool is_token(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.ptr[i]) &&
            (name.ptr[i] == '\0' || strchr("!#$%&'*+-.^_`|~", name.ptr[i]) == NULL))
            return false;
    return name.len > 0;
}

static bool is_one_of(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_is_any_case(name, names[i]))
            return true;
    return false;
}

static enum status check_header(struct str name, struct str value, bool has_key,
                                struct err *e)
{
    static const char *const ours[] = {"Host",         "Content-Length",
                                       "Content-Type", "Transfer-Encoding",
                                       "Connection",   "Accept-Encoding"};
    static const char *const key[] = {"Authorization"};
    if (!is_token(name)) {
        status_fail(e, STATUS_BAD_OPTION, "--header", "not a valid header name");
        return status_hint(e, "Write NAME=VALUE, e.g. X-Team=search");
    }
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 127)
            return status_fail(e, STATUS_BAD_OPTION, "--header",
                               "the value of %.*s contains a control character",
                               (int)name.len, name.ptr);
    }
    if (is_one_of(name, ours, COUNT_OF(ours))) {
        status_fail(e, STATUS_BAD_OPTION, "--header", "%.*s is set by inferbench",
                    (int)name.len, name.ptr);
        return status_hint(e, "Leave it out");
    }
    if (has_key && is_one_of(name, key, COUNT_OF(key))) {
        status_fail(e, STATUS_BAD_OPTION, "--header",
                    "Authorization is given together with an API key");
        return status_hint(
            e, "Use one of --api-key, --api-key-file, OPENAI_API_KEY and the header");
    }
    return STATUS_OK;
}

/* "NAME=VALUE" into "NAME: VALUE". */
static enum status build_headers(const struct run_opts *o, struct arena *a,
                                 struct engine_target *out, struct err *e)
{
    out->headers.items = arena_alloc(a, o->headers.count + 1, sizeof *out->headers.items);
    if (out->headers.items == NULL)
        return status_no_memory(e, "options");
    for (size_t i = 0; i < o->headers.count; i++) {
        struct str value = str_from(o->headers.items[i]);
        struct str name = str_cut(&value, '=');
        if (check_header(name, value, out->api_key != NULL, e) != STATUS_OK)
            return e->code;
        const char *line = arena_printf(a, "%.*s: %.*s", (int)name.len, name.ptr,
                                        (int)value.len, value.ptr);
        if (line == NULL)
            return status_no_memory(e, "options");
        out->headers.items[out->headers.count++] = line;
    }
    return STATUS_OK;
}

/* --- the body --- */

/* The length under its newer name, where the older one is left out. */
static bool is_new_max(const json_t *body, const char *name)
{
    return strcmp(name, "max_completion_tokens") == 0 &&
           json_is_null(json_object_get(body, "max_tokens")) &&
           json_is_integer(json_object_get(body, name));
}

/* What inferbench sends or counts on; instead: what sets it, NULL: --extra-body may. */
enum { MUST_STAY = 4 }; /* the first ones; null leaves the others out, --rename renames */
static const struct {
    const char *name, *instead;
} ours[] = {{"model", "Use --model"},
            {"prompt", "Use --scenarios or --dataset"},
            {"messages", "Use --scenarios or --dataset"},
            {"stream", "Use --no-stream"},
            {"max_tokens", "Use --max-tokens"},
            {"max_completion_tokens",
             "Use --max-tokens and --rename max_tokens=max_completion_tokens"},
            {"temperature", "Use --temperature"},
            {"top_p", "Use --top-p"},
            {"ignore_eos", "Use --stop-at-eos"},
            {"return_token_ids", "Use --token-counts"},
            {"n", "inferbench counts one answer per request"},
            {"best_of", "inferbench counts one answer per request"},
            {"stream_options", NULL},
            {"cache_salt", NULL}};

/* Its place among ours; COUNT_OF(ours): it is none. */
static size_t place_of(struct str name)
{
    size_t i = 0;
    while (i < COUNT_OF(ours) && !str_is(name, ours[i].name))
        i++;
    return i;
}

/* Members that would make the plan, or a row, untrue. */
static enum status check_member(const json_t *body, const char *name, struct err *e)
{
    size_t i = place_of(str_from(name));
    if (i == COUNT_OF(ours) || ours[i].instead == NULL || is_new_max(body, name) ||
        (i >= MUST_STAY && json_is_null(json_object_get(body, name))))
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, "--extra-body", "\"%s\" is set by inferbench",
                name);
    return status_hint(e, "%s", ours[i].instead);
}

static enum status check_body(const struct run_opts *o, struct err *e)
{
    json_t *body = NULL;
    const char *name;
    json_t *value;
    if (o->extra_body == NULL)
        return STATUS_OK;
    enum status s = json_from_text(str_from(o->extra_body), "--extra-body", &body, e);
    if (s != STATUS_OK || !json_is_object(body)) {
        json_decref(body);
        if (s == STATUS_NO_MEMORY)
            return s;
        char *of_value = s != STATUS_OK ? strstr(e->what, " near '") : NULL;
        if (of_value != NULL)
            *of_value = '\0'; /* it may hold a key */
        if (s == STATUS_OK)
            status_fail(e, s, "--extra-body", "is not a JSON object");
        e->code = STATUS_BAD_OPTION;
        return status_hint(e, "Write e.g. '{\"top_k\": 20}'");
    }
    json_object_foreach(body, name, value)
    {
        s = s == STATUS_OK ? check_member(body, name, e) : s;
    }
    json_decref(body);
    return s;
}

enum status run_target_body(const struct run_opts *o, struct arena *a, const char **out,
                            struct err *e)
{
    json_t *body = NULL;
    struct buf text;
    *out = NULL;
    if (o->extra_body == NULL)
        return STATUS_OK;
    if (json_from_text(str_from(o->extra_body), "--extra-body", &body, e) != STATUS_OK)
        return e->code;
    buf_init(&text, BODY_CAP_BYTES);
    enum status s = canon_json(body, &text);
    if (s == STATUS_OK && json_object_size(body) > 0)
        *out = arena_strdup(a, buf_cstr(&text));
    bool is_lost = s != STATUS_OK || (json_object_size(body) > 0 && *out == NULL);
    json_decref(body);
    buf_fini(&text);
    return is_lost ? status_no_memory(e, "options") : STATUS_OK;
}

/* A name as JSON needs no escapes for, and none that another of ours has. */
static bool may_be_called(struct str member, struct str name)
{
    bool is_good = name.len > 0;
    for (size_t k = 0; k < name.len; k++)
        is_good = is_good && (isalnum((unsigned char)name.ptr[k]) ||
                              strchr("_-.", name.ptr[k]) != NULL);
    return is_good &&
           (place_of(name) == COUNT_OF(ours) || str_equal(member, name) ||
            (str_is(member, "max_tokens") && str_is(name, "max_completion_tokens")));
}

/* Is one of the first `count` of the same member, or to the same name? */
static bool is_given(const struct opt_strings *renames, size_t count, struct str member,
                     struct str name)
{
    for (size_t i = 0; i < count; i++) {
        struct str other = str_from(renames->items[i]);
        if (str_equal(str_cut(&other, '='), member) || str_equal(other, name))
            return true;
    }
    return false;
}

static enum status check_renames(const struct run_opts *o, struct err *e)
{
    for (size_t i = 0; i < o->renames.count; i++) {
        struct str name = str_from(o->renames.items[i]);
        struct str member = str_cut(&name, '=');
        size_t place = place_of(member);
        if (place >= MUST_STAY && place < COUNT_OF(ours) && may_be_called(member, name) &&
            !is_given(&o->renames, i, member, name))
            continue;
        status_fail(e, STATUS_BAD_OPTION, "--rename",
                    "\"%.80s\" names no member that can have that name",
                    o->renames.items[i]);
        return status_hint(e, "Write e.g. --rename max_tokens=max_completion_tokens");
    }
    return STATUS_OK;
}

/* What an address may not hold, a path may not; it may be NULL. */
static enum status check_path(const char *path, struct arena *a, struct err *e)
{
    struct url unused;
    const char *whole = path != NULL ? arena_printf(a, "http://host%s", path) : NULL;
    if (path == NULL)
        return STATUS_OK;
    return whole != NULL ? url_parse(whole, "--endpoint", a, &unused, e)
                         : status_no_memory(e, "--endpoint");
}

/* "completions", "chat" or "/its/path"; not said: as an address names it. */
static enum status find_endpoint(const struct opt_parse *p, const struct run_opts *o,
                                 struct arena *a, struct engine_target *out,
                                 struct err *e)
{
    const char *given = o->endpoint;
    struct url u = {.path = NULL};
    if (!is_set(p, "endpoint") && out->base_urls.count > 0 &&
        url_parse(out->base_urls.items[0], "--base-url", a, &u, e) == STATUS_OK &&
        u.path != NULL)
        given = u.path;
    else if (*given == '/')
        out->endpoint_path = given;
    else if (strcmp(given, "chat") != 0 && strcmp(given, "completions") != 0) {
        status_fail(e, STATUS_BAD_OPTION, "--endpoint",
                    "\"%.80s\" is neither completions, chat nor a path", given);
        return status_hint(e, "Write e.g. --endpoint chat, or /its/path");
    }
    if (check_path(out->endpoint_path, a, e) != STATUS_OK)
        return e->code;
    bool is_text = strstr(given, "completions") && !strstr(given, "chat");
    out->endpoint = is_text ? "completions" : "chat";
    return STATUS_OK;
}

static enum status check_goodput(const struct run_opts *o, struct err *e)
{
    for (size_t i = 0; i < o->goodput.count; i++) {
        struct str rest = str_from(o->goodput.items[i]);
        struct str name = str_cut(&rest, ':');
        if (!str_is(name, "ttft") && !str_is(name, "tpot"))
            continue;
        status_fail(e, STATUS_BAD_OPTION, o->slo.count > 0 ? "--slo" : "--goodput",
                    "\"%s\" cannot be judged: --no-stream measures no TTFT and no TPOT",
                    o->goodput.items[i]);
        return status_hint(e, "Limit e2e alone, or remove --no-stream");
    }
    return STATUS_OK;
}

/* What --no-stream leaves nothing for. */
static enum status check_counts(const struct run_opts *o, struct err *e)
{
    if (!o->no_stream)
        return STATUS_OK;
    if (strcmp(o->token_counts, "usage") == 0)
        return check_goodput(o, e);
    status_fail(e, STATUS_BAD_OPTION, "--token-counts",
                "%s counts tokens by event, and --no-stream has none", o->token_counts);
    return status_hint(e, "Use one of the two");
}

static enum status check_ca(const struct run_opts *o, struct err *e)
{
    const struct tls_options tls = {
        .host = "localhost", .ca_cert = o->ca_cert, .is_insecure = o->insecure};
    struct tls_context *context = NULL;
    if (o->ca_cert == NULL)
        return STATUS_OK;
    enum status s = tls_context_new(&tls, &context, e);
    tls_context_free(context);
    return s;
}

/* What needs no check. */
static void take_plain(const struct run_opts *o, struct engine_target *out)
{
    out->dialect = o->dialect;
    out->renames = o->renames;
    out->extra_body = o->extra_body;
    out->ca_cert = o->ca_cert;
    out->token_counts = o->token_counts;
    out->is_insecure = o->insecure;
    out->is_stream = !o->no_stream;
    out->is_keepalive = !o->no_keepalive;
    out->request_timeout_s = (double)o->request_timeout_ns / 1e9;
    out->ready_timeout_s = (double)o->ready_timeout_ns / 1e9;
    out->drain_interval_us = o->drain_interval_ns != OPT_INT_UNSET
                                 ? o->drain_interval_ns / 1000
                                 : OPT_INT_UNSET;
    out->is_launched = o->launch || o->launch_command != NULL;
    out->launch_command = o->launch_command;
}

static enum status check_request(const struct run_opts *o, struct arena *a,
                                 struct engine_target *out, struct err *e)
{
    if (build_headers(o, a, out, e) != STATUS_OK || check_ca(o, e) != STATUS_OK ||
        check_renames(o, e) != STATUS_OK || check_body(o, e) != STATUS_OK)
        return e->code;
    return check_counts(o, e);
}

enum status run_target_build(const struct opt_parse *p, const struct run_opts *o,
                             struct arena *a, struct engine_target *out, struct err *e)
{
    take_plain(o, out);
    out->is_default_url = !out->is_launched && !is_set(p, "base-url") &&
                          !is_set(p, "host") && !is_set(p, "port");
    out->ready_left_s = arena_alloc(a, 1, sizeof *out->ready_left_s);
    if (out->ready_left_s == NULL)
        return status_no_memory(e, "options");
    *out->ready_left_s = out->ready_timeout_s;
    enum status s = out->is_launched ? check_launch(p, o, a, e) : STATUS_OK;
    if (s != STATUS_OK || check_attached(p, o, e) != STATUS_OK ||
        (!out->is_launched && find_urls(p, o, a, out, e) != STATUS_OK) ||
        find_endpoint(p, o, a, out, e) != STATUS_OK ||
        find_key(o, a, out, e) != STATUS_OK)
        return e->code;
    return check_request(o, a, out, e);
}
