#include "track/account.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "http/url.h"
#include "track/mlflow_path.h"

#define LINK_CAP_BYTES        ((size_t)64 << 10)
#define CREDENTIALS_CAP_BYTES ((size_t)64 << 10)
#define START_HINT                                                                   \
    "Start a server (scripts/setup_mlflow.sh, or mlflow server --backend-store-uri " \
    "sqlite:////path/mlflow.db) and give its http address"

struct work {
    const struct account_options *o;
    struct arena *arena;
    struct account *out;
    struct err *e;
    const char *source; /* of the URI: "--mlflow-uri", "MLFLOW_TRACKING_URI" */
};

/* An empty variable is none. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* ---- the server -------------------------------------------------------------------- */

struct no_server {
    const char *prefix, *what, *hint;
};

static const struct no_server no_servers[] = {
    {"file:", "a folder is not a server", START_HINT},
    {"sqlite:", "a database is not a server", START_HINT},
    {"mysql", "a database is not a server", START_HINT},
    {"postgres", "a database is not a server", START_HINT},
    {"mssql", "a database is not a server", START_HINT},
    {"databricks", "Databricks is not supported, only MLflow's own server", START_HINT},
    {"uc:", "Databricks is not supported, only MLflow's own server", START_HINT},
    {"arn:", "SageMaker is not supported, only MLflow's own server", START_HINT},
};

/* Nothing of the text is told where it may hold a password. */
static enum status refuse_uri(const struct work *w, const char *text)
{
    for (size_t i = 0; i < sizeof no_servers / sizeof no_servers[0]; i++) {
        const struct no_server *n = &no_servers[i];
        if (strncasecmp(text, n->prefix, strlen(n->prefix)) != 0)
            continue;
        (void)status_fail(w->e, STATUS_BAD_OPTION, w->source, "%s (%.*s)", n->what,
                          (int)strcspn(text, ":/"), text);
        return status_hint(w->e, "%s", n->hint);
    }
    bool has_secret = strchr(text, '@') != NULL;
    bool is_path = strchr("./~", text[0]) != NULL || strchr(text, ':') == NULL;
    (void)status_fail(w->e, STATUS_BAD_OPTION, w->source,
                      is_path ? "%s%.64s%s is a folder, not a server"
                              : "%s%.64s%s does not begin with http:// or https://",
                      has_secret ? "" : "\"", has_secret ? "the value" : text,
                      has_secret ? "" : "\"");
    if (is_path)
        return status_hint(w->e, START_HINT);
    return status_hint(w->e, "Write the server's address, e.g. http://localhost:5000");
}

/* %XX decoded. */
static const char *decoded(struct arena *a, struct str s)
{
    char *text = arena_str(a, s), *to = text;
    for (const char *from = text; from != NULL && *from != '\0'; to++) {
        char hex[3] = "";
        bool is_code = from[0] == '%' && isxdigit((unsigned char)from[1]) &&
                       isxdigit((unsigned char)from[2]);
        if (is_code)
            memcpy(hex, from + 1, 2);
        *to = is_code ? (char)strtol(hex, NULL, 16) : from[0];
        from += is_code ? 3 : 1;
    }
    if (to != NULL)
        *to = '\0';
    return text;
}

/* "user:pass" or "user" */
static enum status take_userinfo(const struct work *w, struct str userinfo)
{
    struct str password = userinfo;
    struct str user = str_cut(&password, ':');
    if (userinfo.len == 0)
        return STATUS_OK;
    w->out->user = decoded(w->arena, user);
    w->out->password = decoded(w->arena, password);
    return w->out->user != NULL && w->out->password != NULL
               ? STATUS_OK
               : status_no_memory(w->e, w->source);
}

static enum status check_path(const struct work *w, const char *path)
{
    if (strchr(path, '@') != NULL) {
        (void)status_fail(w->e, STATUS_BAD_OPTION, w->source, "an '@' after the host");
        return status_hint(w->e, "In a user or password, write / ? # as %%2F %%3F %%23");
    }
    if (strpbrk(path, "?#") != NULL) {
        (void)status_fail(w->e, STATUS_BAD_OPTION, w->source,
                          "a query or fragment in an address is not accepted");
        return status_hint(w->e, "Give only the server, without ? or #");
    }
    for (const char *c = path; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c) || strchr("\"<>\\^`{|}", *c) != NULL) {
            (void)status_fail(w->e, STATUS_BAD_OPTION, w->source,
                              "a character that is not allowed in an address");
            return status_hint(w->e, "Write it as %%XX");
        }
    return STATUS_OK;
}

/* "https" or "http" before "://"; NULL where it is another. */
static const char *scheme_of(const char *text)
{
    static const char *const schemes[] = {"https", "http"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(schemes[i]);
        if (strncasecmp(text, schemes[i], len) == 0 && strncmp(text + len, "://", 3) == 0)
            return schemes[i];
    }
    return NULL;
}

/* path: checked before */
static enum status make_base(const struct work *w, const char *scheme, struct str host,
                             const char *path)
{
    struct url url;
    const char *bare = arena_printf(w->arena, "%s://%.*s", scheme, (int)host.len,
                                    host.ptr);
    if (bare == NULL)
        return status_no_memory(w->e, w->source);
    if (url_parse(bare, w->source, w->arena, &url, w->e) != STATUS_OK)
        return w->e->code;
    int len = (int)strlen(path);
    while (len > 0 && path[len - 1] == '/')
        len--;
    w->out->base = arena_printf(w->arena, "%s://%s%.*s", scheme, url.authority, len,
                                path);
    return w->out->base != NULL ? STATUS_OK : status_no_memory(w->e, w->source);
}

static enum status parse_server(const struct work *w, const char *text)
{
    const char *scheme = scheme_of(text);
    if (scheme == NULL)
        return refuse_uri(w, text);
    const char *start = text + strlen(scheme) + strlen("://");
    const char *path = start + strcspn(start, "/?#");
    const char *at = memrchr(start, '@', (size_t)(path - start));
    const char *name = at != NULL ? at + 1 : start;
    struct str userinfo = {.ptr = start, .len = at != NULL ? (size_t)(at - start) : 0};
    struct str host = {.ptr = name, .len = (size_t)(path - name)};
    enum status status = check_path(w, path);
    if (status == STATUS_OK)
        status = make_base(w, scheme, host, path);
    return status == STATUS_OK ? take_userinfo(w, userinfo) : status;
}

static enum status find_server(struct work *w)
{
    const char *text = w->o->uri;
    w->source = "--mlflow-uri";
    if (text == NULL || text[0] == '\0') {
        text = variable("MLFLOW_TRACKING_URI");
        w->source = "MLFLOW_TRACKING_URI";
    }
    struct str bare = str_trim(str_from(text));
    w->out->is_default = bare.len == 0;
    if (w->out->is_default)
        bare = str_from(ACCOUNT_DEFAULT_URI);
    const char *uri = arena_str(w->arena, bare);
    return uri != NULL ? parse_server(w, uri) : status_no_memory(w->e, w->source);
}

/* ---- who we are -------------------------------------------------------------------- */

/* A value as Python's configparser reads it, where "%%" is a '%'. */
static const char *ini_value(struct arena *a, struct str value)
{
    char *text = arena_str(a, str_trim(value)), *to = text;
    for (const char *from = text; from != NULL && *from != '\0'; from++) {
        *to++ = *from;
        if (from[0] == '%' && from[1] == '%')
            from++;
    }
    if (to != NULL)
        *to = '\0';
    return text;
}

struct ini {
    struct str section;
    const char *user, *password;
};

static bool is_key(struct str key, const char *name)
{
    return key.len == strlen(name) && strncasecmp(key.ptr, name, key.len) == 0;
}

static bool take_ini_pair(struct ini *ini, struct arena *a, struct str key,
                          struct str value)
{
    const char **slot = NULL;
    if (is_key(key, "mlflow_tracking_username"))
        slot = &ini->user;
    else if (is_key(key, "mlflow_tracking_password"))
        slot = &ini->password;
    if (slot == NULL || !str_is(ini->section, "mlflow"))
        return true;
    *slot = ini_value(a, value);
    return *slot != NULL;
}

/* False: no memory. */
static bool take_ini_line(struct ini *ini, struct arena *a, struct str line)
{
    line = str_trim(line);
    if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
        return true;
    if (line.ptr[0] == '[') {
        struct str name = {.ptr = line.ptr + 1, .len = line.len - 1};
        ini->section = str_cut(&name, ']');
        return true;
    }
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '=' || line.ptr[i] == ':')
            return take_ini_pair(ini, a, str_trim((struct str){line.ptr, i}),
                                 (struct str){line.ptr + i + 1, line.len - i - 1});
    return true;
}

static enum status read_credentials(const struct work *w, struct ini *ini)
{
    if (w->o->home == NULL || w->o->home[0] == '\0')
        return STATUS_OK;
    const char *path = arena_printf(w->arena, "%s/.mlflow/credentials", w->o->home);
    if (path == NULL)
        return status_no_memory(w->e, w->source);
    if (!file_exists(path))
        return STATUS_OK;
    struct buf text;
    buf_init(&text, CREDENTIALS_CAP_BYTES);
    enum status status = file_read_any(path, &text, w->e);
    struct str rest = buf_str(&text);
    while (status == STATUS_OK && rest.len > 0)
        if (!take_ini_line(ini, w->arena, str_cut(&rest, '\n')))
            status = status_no_memory(w->e, w->source);
    buf_fini(&text);
    return status;
}

static bool is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

/* False: no memory. NULL stays NULL. */
static bool copy(struct arena *a, const char *value, const char **out)
{
    *out = arena_strdup(a, value);
    return value == NULL || *out != NULL;
}

static enum status find_login(const struct work *w)
{
    struct account *out = w->out;
    const char *user = variable("MLFLOW_TRACKING_USERNAME");
    const char *password = variable("MLFLOW_TRACKING_PASSWORD");
    struct ini file = {.user = NULL};
    if (out->user != NULL)
        return STATUS_OK;
    if ((user == NULL || password == NULL) && read_credentials(w, &file) != STATUS_OK)
        return w->e->code;
    user = user != NULL ? user : file.user;
    password = password != NULL ? password : file.password;
    bool is_copied = false;
    if (is_set(user) && is_set(password))
        is_copied = copy(w->arena, user, &out->user) &&
                    copy(w->arena, password, &out->password);
    else
        is_copied = copy(w->arena, variable("MLFLOW_TRACKING_TOKEN"), &out->token);
    return is_copied ? STATUS_OK : status_no_memory(w->e, w->source);
}

/* ---- TLS and the rest -------------------------------------------------------------- */

static enum status read_switch(const struct work *w, const char *name, bool *out)
{
    const char *value = variable(name);
    *out = value != NULL && (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
    if (value == NULL || *out || strcasecmp(value, "false") == 0 ||
        strcmp(value, "0") == 0)
        return STATUS_OK;
    (void)status_fail(w->e, STATUS_BAD_OPTION, name,
                      "\"%.64s\" is neither true nor false", value);
    return status_hint(w->e, "Write true or false");
}

/* A file that a variable names; only looked at where TLS is spoken. */
static enum status read_path(const struct work *w, const char *name, const char **out)
{
    struct err why;
    const char *path = variable(name);
    if (path == NULL || !str_starts(str_from(w->out->base), "https:"))
        return STATUS_OK;
    if (file_check(path, &why) != STATUS_OK) {
        (void)status_fail(w->e, STATUS_BAD_OPTION, name, "%.200s: %s", path, why.what);
        return status_hint(w->e, "%s",
                           *why.hint != '\0' ? why.hint : "It must be a PEM file");
    }
    *out = arena_strdup(w->arena, path);
    return *out != NULL ? STATUS_OK : status_no_memory(w->e, w->source);
}

static enum status find_trust(const struct work *w)
{
    static const char insecure[] = "MLFLOW_TRACKING_INSECURE_TLS";
    static const char cert[] = "MLFLOW_TRACKING_SERVER_CERT_PATH";
    struct account *out = w->out;
    if (read_switch(w, insecure, &out->is_insecure) != STATUS_OK)
        return w->e->code;
    if (out->is_insecure && variable(cert) != NULL) {
        (void)status_fail(w->e, STATUS_BAD_OPTION, insecure, "set together with %s",
                          cert);
        return status_hint(
            w->e, "One disables checks, the other names a CA to trust: unset one");
    }
    if (read_path(w, cert, &out->ca_cert) != STATUS_OK ||
        read_path(w, "MLFLOW_TRACKING_CLIENT_CERT_PATH", &out->client_cert) != STATUS_OK)
        return w->e->code;
    bool is_copied = copy(w->arena, variable("MLFLOW_WORKSPACE"), &out->workspace);
    return is_copied ? STATUS_OK : status_no_memory(w->e, w->source);
}

static enum status find_experiment(const struct work *w)
{
    struct account *out = w->out;
    const char *name = variable("MLFLOW_EXPERIMENT_NAME");
    const char *id = variable("MLFLOW_EXPERIMENT_ID");
    bool is_copied = true;
    if (is_set(name))
        is_copied = copy(w->arena, name, &out->experiment);
    else if (is_set(id))
        is_copied = copy(w->arena, id, &out->experiment_id);
    return is_copied ? STATUS_OK : status_no_memory(w->e, w->source);
}

enum status account_resolve(const struct account_options *o, struct arena *a,
                            struct account *out, struct err *e)
{
    struct account found = {.base = NULL};
    struct err local;
    struct work w = {.o = o, .arena = a, .out = &found, .e = e != NULL ? e : &local};
    if (find_server(&w) != STATUS_OK || find_login(&w) != STATUS_OK ||
        find_trust(&w) != STATUS_OK || find_experiment(&w) != STATUS_OK)
        return w.e->code;
    *out = found;
    return STATUS_OK;
}

enum status account_open(const struct account *acc, double timeout_s, struct rest **out,
                         struct err *e)
{
    char line[300];
    const char *headers[] = {line};
    struct rest_options o = {
        .user = acc->user,
        .password = acc->password,
        .bearer = acc->token,
        .ca_cert = acc->ca_cert,
        .client_cert = acc->client_cert,
        .is_insecure = acc->is_insecure,
        .timeout_s = timeout_s,
        .trust_hint = "Set MLFLOW_TRACKING_SERVER_CERT_PATH to a PEM file with the "
                      "certificate of its authority; MLFLOW_TRACKING_INSECURE_TLS=true "
                      "checks nothing"};
    if (acc->workspace != NULL) {
        int len = snprintf(line, sizeof line, "X-MLFLOW-WORKSPACE: %s", acc->workspace);
        if (len < 0 || (size_t)len >= sizeof line)
            return status_fail(e, STATUS_BAD_OPTION, "MLFLOW_WORKSPACE",
                               "too long for a workspace name");
        o.headers = (struct opt_strings){.items = headers, .count = 1};
    }
    return rest_open(&o, out, e);
}

const char *account_runs_link(const struct account *acc, const char *experiment_id,
                              const char *run_id, struct arena *a)
{
    struct buf out;
    buf_init(&out, LINK_CAP_BYTES);
    buf_printf(&out, "%s/#/experiments/", acc->base);
    mlflow_path_escape(&out, experiment_id);
    /* searchFilter: tags.is_warmup = 'False' [and tags.run_id = '...'] */
    buf_text(&out, "/runs?searchFilter=tags.is_warmup%20%3D%20'False'");
    if (run_id != NULL) {
        buf_text(&out, "%20and%20tags.run_id%20%3D%20'");
        mlflow_path_escape(&out, run_id);
        buf_char(&out, '\'');
    }
    buf_text(&out, "&workflowType=machine_learning");
    if (acc->workspace != NULL) {
        buf_text(&out, "&workspace=");
        mlflow_path_escape(&out, acc->workspace);
    }
    const char *link = out.failed == STATUS_OK ? arena_strdup(a, buf_cstr(&out)) : NULL;
    buf_fini(&out);
    return link;
}

/* ---- not let in -------------------------------------------------------------------- */

static void why_unknown(const struct account *acc, struct err *e)
{
    const char *what = "it requires a user and a password";
    if (acc->user != NULL)
        what = "it refused this user and password";
    else if (acc->token != NULL)
        what = "it refused MLFLOW_TRACKING_TOKEN";
    (void)status_fail(e, STATUS_UNSUPPORTED, acc->base, "%s (HTTP 401)", what);
    (void)status_hint(e, "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
                         "MLFLOW_TRACKING_TOKEN if it accepts tokens");
}

static void why_forbidden(const struct account *acc, struct str body, struct err *e)
{
    struct str host = str_from(strstr(acc->base, "://") + 3);
    host = str_cut(&host, '/');
    if (str_starts(str_trim(body), "Invalid Host header")) {
        (void)status_fail(e, STATUS_UNSUPPORTED, acc->base,
                          "it does not accept this host name (HTTP 403)");
        (void)status_hint(e,
                          "Start it with mlflow server --allowed-hosts \"%.*s\" (all "
                          "accepted host names, separated by commas)",
                          (int)host.len, host.ptr);
        return;
    }
    (void)status_fail(e, STATUS_UNSUPPORTED, acc->base, "no permission (HTTP 403)");
    (void)status_hint(
        e,
        "Request write permission, or use your own experiment with --mlflow-experiment");
}

bool account_is_refused(const struct account *acc, const struct rest_call *answer,
                        struct err *e)
{
    struct str body = buf_str(&answer->body);
    if (answer->status == 401) {
        why_unknown(acc, e);
    } else if (answer->status == 403) {
        why_forbidden(acc, body, e);
    } else if (answer->status == 407) {
        (void)status_fail(e, STATUS_UNSUPPORTED, acc->base,
                          "the proxy requires a password (HTTP 407)");
        (void)status_hint(
            e, "Put it into http_proxy or https_proxy, or add the server to no_proxy");
    } else if (answer->status >= 300 && answer->status < 400) {
        (void)status_fail(e, STATUS_UNSUPPORTED, acc->base,
                          "it redirects to another address (HTTP %d)", answer->status);
        (void)status_hint(e, "Use that address, e.g. with https://");
    } else {
        return false;
    }
    return true;
}

void account_explain_closed(const struct account *acc, struct err *e)
{
    if (e->code == STATUS_CLOSED && acc->client_cert == NULL &&
        str_starts(str_from(acc->base), "https://"))
        (void)status_hint(
            e,
            "If it requires a client certificate, set MLFLOW_TRACKING_CLIENT_CERT_PATH");
}
