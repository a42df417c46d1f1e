#include "track/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "http_fixture.h"

#define SECRET    "s3cret"
#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"

static const char *const variables[] = {"MLFLOW_TRACKING_URI",
                                        "MLFLOW_TRACKING_USERNAME",
                                        "MLFLOW_TRACKING_PASSWORD",
                                        "MLFLOW_TRACKING_TOKEN",
                                        "MLFLOW_WORKSPACE",
                                        "MLFLOW_EXPERIMENT_NAME",
                                        "MLFLOW_EXPERIMENT_ID",
                                        "MLFLOW_TRACKING_INSECURE_TLS",
                                        "http_proxy",
                                        "MLFLOW_TRACKING_SERVER_CERT_PATH",
                                        "https_proxy",
                                        "MLFLOW_TRACKING_CLIENT_CERT_PATH",
                                        "all_proxy",
                                        "ALL_PROXY",
                                        "no_proxy",
                                        "NO_PROXY",
                                        "HTTPS_PROXY"};

struct fixture {
    struct arena arena;
    struct account_options o;
    struct account acc;
    struct err e;
    char home[64];
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.home = "/tmp/test_account.XXXXXX"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    assert_non_null(mkdtemp(f.home));
    f.o.home = f.home;
    arena_init(&f.arena, 1 << 20);
    *state = &f;
    return 0;
}

static const char *credentials(const struct fixture *f)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/.mlflow/credentials", f->home);
    return path;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s/.mlflow", f->home);
    (void)unlink(credentials(f));
    (void)rmdir(folder);
    (void)rmdir(f->home);
    arena_fini(&f->arena);
    return 0;
}

static void write_credentials(const struct fixture *f, const char *text)
{
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s/.mlflow", f->home);
    assert_int_equal(file_make_dirs(folder, NULL), STATUS_OK);
    assert_int_equal(file_replace(credentials(f), str_from(text), NULL), STATUS_OK);
}

/* No message may hold the secret. */
static enum status resolve(struct fixture *f, const char *uri)
{
    char text[1100];
    f->o.uri = uri;
    f->acc = (struct account){.base = "untouched"};
    f->e = (struct err){.code = STATUS_OK};
    enum status status = account_resolve(&f->o, &f->arena, &f->acc, &f->e);
    assert_int_equal(status, f->e.code);
    if (status != STATUS_OK) {
        status_format(&f->e, text, sizeof text);
        if (strstr(text, SECRET) != NULL)
            fail_msg("%s", text);
        assert_string_equal(f->acc.base, "untouched");
    }
    return status;
}

static void good(struct fixture *f, const char *uri)
{
    if (resolve(f, uri) != STATUS_OK)
        fail_msg("%s: %s. %s", f->e.where, f->e.what, f->e.hint);
}

static void same(const char *is, const char *want)
{
    if (want == NULL)
        assert_null(is);
    else if (is == NULL)
        fail_msg("NULL instead of %s", want);
    else
        assert_string_equal(is, want);
}

static void logged_in(const struct fixture *f, const char *user, const char *password,
                      const char *token)
{
    same(f->acc.user, user);
    same(f->acc.password, password);
    same(f->acc.token, token);
}

static void where_the_server_is(void **state)
{
    struct fixture *f = *state;
    good(f, NULL);
    assert_string_equal(f->acc.base, ACCOUNT_DEFAULT_URI);
    assert_true(f->acc.is_default);
    logged_in(f, NULL, NULL, NULL);
    setenv("MLFLOW_TRACKING_URI", " https://a.example/x/ ", 1);
    good(f, "");
    assert_string_equal(f->acc.base, "https://a.example/x");
    assert_false(f->acc.is_default);
    good(f, "http://b:5000");
    assert_string_equal(f->acc.base, "http://b:5000");
    setenv("MLFLOW_TRACKING_URI", "", 1);
    good(f, NULL);
    assert_true(f->acc.is_default);
    setenv("MLFLOW_TRACKING_URI", "sqlite:///m.db", 1);
    assert_int_equal(resolve(f, NULL), STATUS_BAD_OPTION);
    assert_string_equal(f->e.where, "MLFLOW_TRACKING_URI");
}

static void spellings(void **state)
{
    struct fixture *f = *state;
    const char *const cases[][2] = {
        {"HTTP://Host:5000/", "http://Host:5000"},
        {"http://h//", "http://h"},
        {"https://h:443/a/b/", "https://h/a/b"},
        {"http://[::1]:5000/v1", "http://[::1]:5000/v1"},
        {"http://h/a%20b", "http://h/a%20b"},
        {"http://h/models", "http://h/models"},
        {"http://u:p@h:5000/a/", "http://h:5000/a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        good(f, cases[i][0]);
        assert_string_equal(f->acc.base, cases[i][1]);
    }
}

struct refusal {
    const char *uri, *what, *hint;
};

static const struct refusal refusals[] = {
    {"file:///tmp/mlruns", "a folder is not a server", "setup_mlflow.sh"},
    {"./mlruns", "is a folder, not", "--backend-store-uri sqlite:"},
    {"/tmp/mlruns", "\"/tmp/mlruns\" is a folder", "http address"},
    {"mlruns", "is a folder, not", "http address"},
    {"~/" SECRET "@x", "the value is a folder", "http address"},
    {"sqlite:///" SECRET ".db", "a database is not a server (sqlite)", "http address"},
    {"mysql+pymysql://u:" SECRET "@h/db", "database is not a server (mysql+pymysql)", ""},
    {"postgresql://u:" SECRET "@h/db", "a database", "setup_mlflow.sh"},
    {"mssql+pyodbc://u:" SECRET "@h/db", "a database", "setup_mlflow.sh"},
    {"databricks", "Databricks is not supported", "http address"},
    {"databricks://profile", "Databricks is not supported", ""},
    {"arn:aws:sagemaker:us-east-1:1:mlflow-tracking-server/x", "SageMaker", ""},
    {"localhost:5000", "\"localhost:5000\" does not begin with http://", "e.g. http://"},
    {"ftp://u:" SECRET "@h", "the value does not begin with http://", ""},
    {"u:" SECRET "@h:5000", "the value does not begin", ""},
    {"http:/h", "does not begin with http://", ""},
    {"http://", "no host", ""},
    {"http://u:" SECRET "@/x", "no host", ""},
    {"http://h:70000", "\"70000\" is not a port", ""},
    {"http://u:" SECRET "@h:x", "\"x\" is not a port", ""},
    {"http://u:" SECRET "/x@h", "an '@' after the host", "%2F"},
    {"http://u:" SECRET "#x@h", "an '@' after the host", "%2F"},
    {"http://h:5000/#/experiments/1", "fragment", "only the server"},
    {"http://h:5000/?token=" SECRET, "query", "only the server"},
    {"http://h/a b", "not allowed in an address", "%XX"},
    {"http://h\n", "", ""},
};

static void what_is_no_server(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        if (r->what[0] == '\0') { /* white space around it is nothing */
            good(f, r->uri);
            continue;
        }
        assert_int_equal(resolve(f, r->uri), STATUS_BAD_OPTION);
        assert_string_equal(f->e.where, "--mlflow-uri");
        if (strstr(f->e.what, r->what) == NULL || strstr(f->e.hint, r->hint) == NULL)
            fail_msg("%s: %s. %s", r->uri, f->e.what, f->e.hint);
    }
}

static void who_we_are(void **state)
{
    struct fixture *f = *state;
    setenv("MLFLOW_TRACKING_TOKEN", "tok", 1);
    good(f, NULL);
    logged_in(f, NULL, NULL, "tok");
    setenv("MLFLOW_TRACKING_USERNAME", "ann", 1);
    good(f, NULL); /* half of it is nothing */
    logged_in(f, NULL, NULL, "tok");
    setenv("MLFLOW_TRACKING_PASSWORD", SECRET, 1);
    good(f, NULL);
    logged_in(f, "ann", SECRET, NULL);
    write_credentials(f, "[mlflow]\nmlflow_tracking_username = bob\n"
                         "mlflow_tracking_password = filed\n");
    good(f, NULL);
    logged_in(f, "ann", SECRET, NULL);
    unsetenv("MLFLOW_TRACKING_USERNAME");
    good(f, NULL); /* as MLflow's client: each of them on its own */
    logged_in(f, "bob", SECRET, NULL);
    setenv("MLFLOW_TRACKING_PASSWORD", "", 1);
    good(f, NULL);
    logged_in(f, "bob", "filed", NULL);
    good(f, "http://cy:p%40ss%2fw:%zz@h:5000/x");
    assert_string_equal(f->acc.base, "http://h:5000/x");
    logged_in(f, "cy", "p@ss/w:%zz", NULL);
    good(f, "http://cy@h");
    logged_in(f, "cy", "", NULL);
    good(f, "http://cy:a@b@h");
    logged_in(f, "cy", "a@b", NULL);
    good(f, "http://@h");
    logged_in(f, "bob", "filed", NULL);
    f->o.home = NULL;
    good(f, NULL);
    logged_in(f, NULL, NULL, "tok");
}

static void forms_of_the_credentials_file(void **state)
{
    struct fixture *f = *state;
    const char *const cases[][3] = {
        {"# c\r\n; d\r\n[mlflow]\r\nMLFLOW_TRACKING_USERNAME: ann\r\n"
         "mlflow_tracking_password=a=b:c\r\n",
         "ann", "a=b:c"},
        {"[other]\nmlflow_tracking_username=x\nmlflow_tracking_password=y\n", NULL, NULL},
        {"[mlflow]\nmlflow_tracking_username=x\n[other]\nmlflow_tracking_password=y\n",
         NULL, NULL},
        {"[mlflow]\nmlflow_tracking_username=x\nmlflow_tracking_password=10%% %\n", "x",
         "10% %"},
        {"[mlflow]\nmlflow_tracking_username\nmlflow_tracking_password=\n", NULL, NULL},
        {"[mlflow]\nmlflow_tracking_username=x\nmlflow_tracking_password=y #z", "x",
         "y #z"},
        {"", NULL, NULL},
        {"[", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_credentials(f, cases[i][0]);
        good(f, NULL);
        logged_in(f, cases[i][1], cases[i][2], NULL);
    }
    char *big = mem_alloc(70001, 1);
    assert_non_null(big);
    memset(big, '#', 70000);
    write_credentials(f, big);
    mem_free(big);
    assert_int_not_equal(resolve(f, NULL), STATUS_OK);
}

static void tls_and_workspace(void **state)
{
    struct fixture *f = *state;
    setenv("MLFLOW_TRACKING_INSECURE_TLS", "TRUE", 1);
    setenv("MLFLOW_WORKSPACE", "team a", 1);
    good(f, "https://h");
    assert_true(f->acc.is_insecure);
    same(f->acc.workspace, "team a");
    setenv("MLFLOW_TRACKING_INSECURE_TLS", "1", 1);
    setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", "/proc/self/status", 1);
    assert_int_equal(resolve(f, "https://h"), STATUS_BAD_OPTION);
    assert_string_equal(f->e.where, "MLFLOW_TRACKING_INSECURE_TLS");
    assert_non_null(strstr(f->e.what, "MLFLOW_TRACKING_SERVER_CERT_PATH"));
    setenv("MLFLOW_TRACKING_INSECURE_TLS", "perhaps", 1);
    assert_int_equal(resolve(f, "https://h"), STATUS_BAD_OPTION);
    setenv("MLFLOW_TRACKING_INSECURE_TLS", "0", 1);
    setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", "/proc/self/stat", 1);
    good(f, "https://h");
    assert_false(f->acc.is_insecure);
    same(f->acc.ca_cert, "/proc/self/status");
    same(f->acc.client_cert, "/proc/self/stat");
    setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", "/tmp", 1);
    assert_int_equal(resolve(f, "https://h"), STATUS_BAD_OPTION);
    assert_string_equal(f->e.where, "MLFLOW_TRACKING_SERVER_CERT_PATH");
    good(f, "http://h"); /* not asked for */
    same(f->acc.ca_cert, NULL);
}

/* The name wins over the id, as in MLflow's client; empty is unset. */
static void experiment_of_the_environment(void **state)
{
    struct fixture *f = *state;
    good(f, "http://h");
    same(f->acc.experiment, NULL);
    same(f->acc.experiment_id, NULL);
    setenv("MLFLOW_EXPERIMENT_ID", "7", 1);
    good(f, "http://h");
    same(f->acc.experiment, NULL);
    same(f->acc.experiment_id, "7");
    setenv("MLFLOW_EXPERIMENT_NAME", "llm bench", 1);
    good(f, "http://h");
    same(f->acc.experiment, "llm bench");
    same(f->acc.experiment_id, NULL);
    setenv("MLFLOW_EXPERIMENT_NAME", "", 1);
    good(f, "http://h");
    same(f->acc.experiment_id, "7");
}

static void no_memory_is_clean(void **state)
{
    struct fixture *f = *state;
    size_t cap = 0;
    write_credentials(f, "[mlflow]\nmlflow_tracking_username=x\n"
                         "mlflow_tracking_password=y\n");
    setenv("MLFLOW_WORKSPACE", "w", 1);
    for (;; cap += 8) {
        arena_fini(&f->arena);
        arena_init(&f->arena, cap);
        enum status status = resolve(f, "http://h:5000/x");
        if (status == STATUS_OK)
            break;
        assert_int_equal(status, STATUS_NO_MEMORY);
    }
    assert_true(cap > 50);
}

/* ---- against a server -------------------------------------------------------------- */

static void ask(struct fixture *f, struct http_fixture *server, struct rest_call *call,
                const char *userinfo)
{
    char uri[160], url[200];
    struct rest *rest = NULL;
    (void)snprintf(uri, sizeof uri, "%s://%s127.0.0.1:%d/mlflow/",
                   server->tls != NULL ? "https" : "http", userinfo, server->port);
    good(f, uri);
    if (account_open(&f->acc, 10, &rest, &f->e) != STATUS_OK)
        fail_msg("%s", f->e.what);
    (void)snprintf(url, sizeof url, "%s/health", f->acc.base);
    *call = (struct rest_call){.method = "GET", .url = url};
    buf_init(&call->body, 1 << 16);
    if (rest_do(rest, call, &f->e) != STATUS_OK)
        assert_true(server->tls != NULL);
    rest_close(rest);
}

static void what_is_sent(void **state)
{
    struct fixture *f = *state;
    struct http_fixture server = {.answer = OK_ANSWER};
    struct rest_call call;
    http_fixture_start(&server);
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* none for this machine */
    setenv("MLFLOW_TRACKING_TOKEN", "tok", 1);
    setenv("MLFLOW_WORKSPACE", "team", 1);
    ask(f, &server, &call, "");
    assert_int_equal(call.status, 200);
    assert_false(account_is_refused(&f->acc, &call, &f->e));
    assert_true(http_fixture_saw(&server, "GET /mlflow/health HTTP/1.1\r\n"));
    assert_true(http_fixture_saw(&server, "\r\nAuthorization: Bearer tok\r\n"));
    assert_true(http_fixture_saw(&server, "\r\nX-MLFLOW-WORKSPACE: team\r\n"));
    buf_fini(&call.body);
    ask(f, &server, &call, "ann:s3cre%74@");
    assert_true(
        http_fixture_saw(&server, "\r\nAuthorization: Basic YW5uOnMzY3JldA==\r\n"));
    assert_false(http_fixture_saw(&server, "Bearer"));
    buf_fini(&call.body);
    http_fixture_stop(&server);
    struct rest *rest = NULL;
    f->acc.workspace = "a\nb";
    assert_int_equal(account_open(&f->acc, 1, &rest, &f->e), STATUS_BAD_OPTION);
    char name[400];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    f->acc.workspace = name;
    assert_int_equal(account_open(&f->acc, 1, &rest, &f->e), STATUS_BAD_OPTION);
}

struct closed_door {
    const char *answer, *userinfo, *what, *hint;
};

static const struct closed_door closed_doors[] = {
    {"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"mlflow\"\r\n"
     "Content-Length: 0\r\n\r\n",
     "", "requires a user", "MLFLOW_TRACKING_USERNAME"},
    {"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"mlflow\"\r\n"
     "Content-Length: 0\r\n\r\n",
     "ann:" SECRET "@", "refused this user", "MLFLOW_TRACKING_PASSWORD"},
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 45\r\n\r\n"
     "Invalid Host header - possible DNS rebinding.",
     "", "this host name", "--allowed-hosts \"127.0.0.1:"},
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 17\r\n\r\nPermission denied", "",
     "no permission", "--mlflow-experiment"},
    {"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\n"
     "Content-Length: 0\r\n\r\n",
     "ann:" SECRET "@", "another address (HTTP 302)", "https://"},
    {"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "", "proxy", "http_proxy"},
};

static void not_let_in(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof closed_doors / sizeof closed_doors[0]; i++) {
        const struct closed_door *d = &closed_doors[i];
        struct http_fixture server = {.answer = d->answer};
        struct rest_call call;
        char text[1100];
        http_fixture_start(&server);
        ask(f, &server, &call, d->userinfo);
        assert_true(account_is_refused(&f->acc, &call, &f->e));
        assert_string_equal(f->e.where, f->acc.base);
        if (strstr(f->e.what, d->what) == NULL || strstr(f->e.hint, d->hint) == NULL)
            fail_msg("%zu: %s. %s", i, f->e.what, f->e.hint);
        status_format(&f->e, text, sizeof text);
        assert_null(strstr(text, SECRET));
        assert_int_equal(server.requests, 1);
        buf_fini(&call.body);
        http_fixture_stop(&server);
    }
    setenv("MLFLOW_TRACKING_TOKEN", SECRET, 1);
    good(f, NULL);
    const struct rest_call unauthorized = {.status = 401};
    assert_true(account_is_refused(&f->acc, &unauthorized, &f->e));
    assert_non_null(strstr(f->e.what, "MLFLOW_TRACKING_TOKEN"));
    const struct rest_call missing = {.status = 404};
    assert_false(account_is_refused(&f->acc, &missing, &f->e));
}

static void whom_to_trust(void **state)
{
    struct fixture *f = *state;
    struct cert_fixture certs;
    struct rest_call call;
    cert_fixture_init(&certs);
    struct http_fixture server = {.answer = OK_ANSWER};
    server.tls = cert_fixture_server(&certs, "IP:127.0.0.1", -3600, 3600);
    http_fixture_start(&server);
    ask(f, &server, &call, "");
    assert_int_equal(call.status, 0);
    assert_non_null(strstr(f->e.hint, "MLFLOW_TRACKING_SERVER_CERT_PATH"));
    buf_fini(&call.body);
    setenv("MLFLOW_TRACKING_INSECURE_TLS", "true", 1);
    ask(f, &server, &call, "");
    assert_int_equal(call.status, 200);
    buf_fini(&call.body);
    unsetenv("MLFLOW_TRACKING_INSECURE_TLS");
    setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", certs.ca_path, 1);
    ask(f, &server, &call, "");
    assert_int_equal(call.status, 200);
    buf_fini(&call.body);
    http_fixture_stop(&server);
    SSL_CTX_free(server.tls);
    cert_fixture_fini(&certs);
}

static void links(void **state)
{
    (void)state;
    struct arena a;
    const struct account below = {.base = "http://h:5000/p"}, top = {.base = "http://h"},
                         team = {.base = "http://h", .workspace = "team-1"};
    arena_init(&a, 1 << 16);
    assert_string_equal(account_runs_link(&below, "7", "ab", &a),
                        "http://h:5000/p/#/experiments/7/runs?searchFilter=tags.is_warmup"
                        "%20%3D%20'False'%20and%20tags.run_id%20%3D%20'ab'"
                        "&workflowType=machine_learning");
    assert_string_equal(account_runs_link(&top, "7", NULL, &a),
                        "http://h/#/experiments/7/runs?searchFilter=tags.is_warmup"
                        "%20%3D%20'False'&workflowType=machine_learning");
    assert_string_equal(
        account_runs_link(&team, "7", NULL, &a),
        "http://h/#/experiments/7/runs?searchFilter=tags.is_warmup"
        "%20%3D%20'False'&workflowType=machine_learning&workspace=team-1");
    arena_fini(&a);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(where_the_server_is),
        TEST(links),
        TEST(spellings),
        TEST(what_is_no_server),
        TEST(who_we_are),
        TEST(forms_of_the_credentials_file),
        TEST(tls_and_workspace),
        TEST(no_memory_is_clean),
        TEST(experiment_of_the_environment),
        TEST(what_is_sent),
        TEST(not_let_in),
        TEST(whom_to_trust),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
