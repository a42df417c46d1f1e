#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http/url.h"

struct good {
    const char *text, *host;
    int port;
    const char *prefix, *authority;
    bool is_tls;
    const char *api; /* NULL: prefix + "/v1" */
    const char *path, *query;
    bool is_guess;
};

static const struct good goods[] = {
    {"http://localhost", "localhost", 80, "", "localhost", false, .api = NULL},
    {"http://localhost/", "localhost", 80, "", "localhost", false, .api = NULL},
    {"http://localhost:8000", "localhost", 8000, "", "localhost:8000", false,
     .api = NULL},
    {"http://localhost:80", "localhost", 80, "", "localhost", false, .api = NULL},
    {"http://localhost:0443", "localhost", 443, "", "localhost:443", false, .api = NULL},
    {"https://a.example", "a.example", 443, "", "a.example", true, .api = NULL},
    {"https://a.example:443/", "a.example", 443, "", "a.example", true, .api = NULL},
    {"https://a.example:80", "a.example", 80, "", "a.example:80", true, .api = NULL},
    {"HTTPS://A.Example:8443", "A.Example", 8443, "", "A.Example:8443", true,
     .api = NULL},
    {"http://10.0.0.5:65535", "10.0.0.5", 65535, "", "10.0.0.5:65535", false,
     .api = NULL},
    {"http://my_host-1:1", "my_host-1", 1, "", "my_host-1:1", false, .api = NULL},
    {"http://[::1]", "::1", 80, "", "[::1]", false, .api = NULL},
    {"http://[::1]:8000/", "::1", 8000, "", "[::1]:8000", false, .api = NULL},
    {"https://[2001:db8::7]:443/x", "2001:db8::7", 443, "/x", "[2001:db8::7]", true,
     .is_guess = true},
    {"http://h/v1", "h", 80, "", "h", false, .api = NULL},
    {"http://h/v1/", "h", 80, "", "h", false, .api = NULL},
    {"http://h/V1", "h", 80, "", "h", false, .api = "/V1"},
    {"http://h/api/v1", "h", 80, "/api", "h", false, .api = NULL},
    {"http://h/api/v1/x/", "h", 80, "/api", "h", false, .api = "/api/v1/x"},
    {"http://h/xv1", "h", 80, "/xv1", "h", false, .is_guess = true},
    {"http://h:9/a%20b///", "h", 9, "/a%20b", "h:9", false, .is_guess = true},
    {"http://h/a:b/[c]", "h", 80, "/a:b/[c]", "h", false, .is_guess = true},
    {"http://h/api/v3", "h", 80, "/api", "h", false, .api = "/api/v3"},
    {"http://h/v1beta/openai/", "h", 80, "", "h", false, .api = "/v1beta/openai"},
    {"http://h//v1//", "h", 80, "", "h", false, .api = NULL},
    {"http://h/v1/v1", "h", 80, "", "h", false, .api = NULL},
    {"http://h/a/v1/v1/chat/completions", "h", 80, "/a", "h", false, .api = "/a/v1/v1",
     .path = "/a/v1/v1/chat/completions"},
    {"http://h/openai/v1", "h", 80, "/openai", "h", false, .api = NULL},
    {"http://h/v", "h", 80, "/v", "h", false, .is_guess = true},
    {"http://h/vx1", "h", 80, "/vx1", "h", false, .is_guess = true},
    {"http://h/v1/chat/completions", "h", 80, "", "h", false,
     .path = "/v1/chat/completions"},
    {"http://h/v1/completions/", "h", 80, "", "h", false, .path = "/v1/completions"},
    {"http://h/v1/models", "h", 80, "", "h", false, .api = NULL},
    {"http://h/chat/completions", "h", 80, "", "h", false, .api = "",
     .path = "/chat/completions"},
    {"https://h/openai/deployments/m/chat/completions?api-version=2024-10-21", "h", 443,
     "/openai/deployments/m", "h", true, .api = "/openai/deployments/m",
     .path = "/openai/deployments/m/chat/completions",
     .query = "?api-version=2024-10-21"},
    {"http://h?a=1&b=", "h", 80, "", "h", false, .query = "?a=1&b="},
    {"http://h:1/v1/?a=/x", "h", 1, "", "h:1", false, .query = "?a=/x"},
};

struct bad {
    const char *text, *what, *hint;
};

static const struct bad bads[] = {
    {"", "does not begin with http://", "http://host:port"},
    {"localhost:8000", "\"localhost:8000\" does not begin", "http://host:port"},
    {"ftp://h", "does not begin", "http://host:port"},
    {"httpx://h", "does not begin", ""},
    {"http:/h", "does not begin", ""},
    {"http://", "no host", "http://localhost:8000"},
    {"http:///v1", "no host", ""},
    {"http://:8000", "no host", ""},
    {"http://h:", "\"\" is not a port", "1 to 65535"},
    {"http://h:0", "\"0\" is not a port", ""},
    {"http://h:65536", "\"65536\" is not a port", ""},
    {"http://h:-1", "\"-1\" is not a port", ""},
    {"http://h:+1", "\"+1\" is not a port", ""},
    {"http://h:8x", "\"8x\" is not a port", ""},
    {"http://h:99999999999999999999999", "is not a port", ""},
    {"http://::1", "more than one ':'", "brackets"},
    {"http://::1:8000/v1", "more than one ':'", "brackets"},
    {"http://h:1:2", "more than one ':'", ""},
    {"http://[::1", "without a ']'", ""},
    {"http://[", "without a ']'", ""},
    {"http://[]", "\"[]\" is not an IPv6", ""},
    {"http://[::1]x", "after ']'", ""},
    {"http://[::1]:x", "\"x\" is not a port", ""},
    {"http://[::1]:", "\"\" is not a port", ""},
    {"http://[localhost]", "is not an IPv6 address", "[::1]"},
    {"http://[fe80::1%eth0]", "is not an IPv6 address", ""},
    {"http://[1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8]", "is not an IPv6",
     ""},
    {"http://ho$t", "\"ho$t\" is not a host name", "letters"},
    {"http://h%41", "is not a host", ""},
    {"http://h h", "invalid character at position 9", "%XX"},
    {"http://h\n", "at position 9", ""},
    {"http://h\xc3\xa4", "at position 9", ""},
    {"http:\\\\h", "at position 6", ""},
    {"http://h/?a", "NAME=VALUE", "--header"},
    {"http://h/?a=1&b", "NAME=VALUE", "--header"},
    {"unix:", "no absolute path", "unix:/path"},
    {"unix:/", "no absolute path", ""},
    {"unix:run/s", "\"unix:run/s\"", ""},
};

/* Each holds the secret "s3cret", which no message may. */
static const char *const secrets[] = {
    "http://user:s3cret@h",
    "http://s3cret@h:8000",
    "user:s3cret@h",
    "https://u:s3cret/a@h/v1",
    "http://u:s3cret?@h",
    "http://h/?key=s3cret",
    "http://h/?a=1&ApiKey=s3cret",
    "http://h/?access_token=s3cret",
    "http://h?s3cret",
    "http://h:8000/v1#s3cret",
    "http://u:s3cret@h\n",
    "ftp://u:s3cret@h",
    "http://u:s3cret@[::1]:x",
    "h?s3cret",
};

static void what_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
        const struct good *g = &goods[i];
        struct arena a;
        struct url u;
        struct err e;
        arena_init(&a, 4096);
        if (url_parse(g->text, "--base-url", &a, &u, &e) != STATUS_OK)
            fail_msg("%s: %s", g->text, e.what);
        assert_string_equal(u.host, g->host);
        assert_int_equal(u.port, g->port);
        assert_string_equal(u.prefix, g->prefix);
        char api[100];
        (void)snprintf(api, sizeof api, "%s/v1", g->prefix);
        assert_string_equal(u.api, g->api != NULL ? g->api : api);
        assert_string_equal(u.query, g->query != NULL ? g->query : "");
        assert_int_equal(u.is_guess, g->is_guess);
        assert_true(str_same(u.path, g->path));
        assert_string_equal(u.authority, g->authority);
        assert_int_equal(u.is_tls, g->is_tls);
        assert_null(u.unix_path);
        arena_fini(&a);
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        struct url u = {.port = 77};
        struct err e = {.code = STATUS_OK};
        assert_int_equal(url_parse(bads[i].text, "--base-url", &a, &u, &e),
                         STATUS_BAD_OPTION);
        assert_string_equal(e.where, "--base-url");
        if (strstr(e.what, bads[i].what) == NULL || strstr(e.hint, bads[i].hint) == NULL)
            fail_msg("%s: %s. %s", bads[i].text, e.what, e.hint);
        assert_int_equal(u.port, 77);
        assert_int_equal(url_parse(bads[i].text, "--base-url", &a, &u, NULL),
                         STATUS_BAD_OPTION);
    }
    arena_fini(&a);
}

static void secrets_are_not_told(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        struct url u;
        struct err e;
        char text[1024];
        assert_int_equal(url_parse(secrets[i], "--base-url", &a, &u, &e),
                         STATUS_BAD_OPTION);
        status_format(&e, text, sizeof text);
        if (strstr(text, "s3cret") != NULL)
            fail_msg("%s", text);
        assert_non_null(strstr(text, "--"));
    }
    arena_fini(&a);
}

static void long_hosts(void **state)
{
    (void)state;
    struct arena a;
    struct url u;
    struct err e;
    char text[400] = "http://";
    arena_init(&a, 4096);
    memset(text + 7, 'h', 253);
    assert_int_equal(url_parse(text, "x", &a, &u, &e), STATUS_OK);
    assert_int_equal(strlen(u.host), 253);
    memset(text + 7, 'h', 254);
    assert_int_equal(url_parse(text, "x", &a, &u, &e), STATUS_BAD_OPTION);
    arena_fini(&a);
}

static void unix_sockets(void **state)
{
    (void)state;
    const char *const texts[][2] = {{"unix:/run/v.sock", "/run/v.sock"},
                                    {"UNIX:///run/v.sock", "/run/v.sock"},
                                    {"unix:/a b/user:x@y?z", "/a b/user:x@y?z"},
                                    {"unix:/v1", "/v1"}};
    struct arena a;
    arena_init(&a, 4096);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct url u;
        assert_int_equal(url_parse(texts[i][0], "x", &a, &u, NULL), STATUS_OK);
        assert_string_equal(u.unix_path, texts[i][1]);
        assert_string_equal(u.host, "localhost");
        assert_string_equal(u.authority, "localhost");
        assert_string_equal(u.prefix, "");
        assert_int_equal(u.port, 80);
        assert_false(u.is_tls);
    }
    arena_fini(&a);
}

static void no_memory_is_clean(void **state)
{
    (void)state;
    const char *const texts[] = {"http://[::1]:8000/api", "unix:/run/s"};
    for (size_t i = 0; i < 2; i++) {
        enum status status = STATUS_NO_MEMORY;
        for (size_t cap = 1; status != STATUS_OK; cap++) {
            struct arena a;
            struct url u = {.port = 77};
            struct err e;
            assert_true(cap < 4096);
            arena_init(&a, cap);
            status = url_parse(texts[i], "--base-url", &a, &u, &e);
            assert_int_equal(u.port == 77, status != STATUS_OK);
            if (status != STATUS_OK)
                assert_int_equal(e.code, STATUS_NO_MEMORY);
            arena_fini(&a);
        }
        struct arena a;
        struct url u;
        arena_init(&a, 4096);
        mem_fail_at(1);
        status = url_parse(texts[i], "--base-url", &a, &u, NULL);
        mem_fail_at(0);
        assert_int_equal(status, STATUS_NO_MEMORY);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken),        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(secrets_are_not_told), cmocka_unit_test(long_hosts),
        cmocka_unit_test(unix_sockets),         cmocka_unit_test(no_memory_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
