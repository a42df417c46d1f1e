/* From a command line to the server that is aimed at. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "run_fixture.h"

#define SECRET "sk-abc123"

static void addresses(void **state)
{
    struct run_fixture *f = *state;
    const struct engine_target *t = &f->run.target;
    run_fixture_ok(f, "");
    assert_int_equal(t->base_urls.count, 1);
    assert_string_equal(t->base_urls.items[0], "http://localhost:8000");
    run_fixture_ok(f, "--host ::1 --port 9");
    assert_string_equal(t->base_urls.items[0], "http://[::1]:9");
    run_fixture_ok(f, "--host gpu7");
    assert_string_equal(t->base_urls.items[0], "http://gpu7:8000");
    run_fixture_ok(f, "--base-url https://a/v1 unix:/run/x.sock");
    assert_int_equal(t->base_urls.count, 2);
    assert_string_equal(t->base_urls.items[1], "unix:/run/x.sock");
}

static void whose_machine(void **state)
{
    struct run_fixture *f = *state;
    static const struct {
        const char *words;
        bool is_local;
    } cases[] = {{"", true},
                 {"--base-url http://127.0.0.1:1 http://[::1]:2 unix:/x", true},
                 {"--launch", true},
                 {"--host gpu7", false},
                 {"--base-url http://localhost:1 http://gpu7:1", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_fixture_ok(f, cases[i].words);
        assert_int_equal(f->run.target.is_local, cases[i].is_local);
    }
}

static void what_the_engine_is_told(void **state)
{
    struct run_fixture *f = *state;
    const struct engine_target *t = &f->run.target;
    run_fixture_ok(f, "");
    assert_string_equal(t->endpoint, "completions");
    assert_string_equal(t->token_counts, "usage");
    assert_true(t->is_stream && t->is_keepalive && !t->is_insecure);
    assert_true(t->request_timeout_s == 600 && t->ready_timeout_s == 600);
    assert_int_equal(t->drain_interval_us, OPT_INT_UNSET);
    assert_false(t->is_launched);
    assert_true(t->is_closed_load);
    assert_null(t->api_key);
    run_fixture_ok(f, "--endpoint chat --no-stream --no-keepalive --insecure "
                      "--request-timeout 1500ms --ready-timeout 0 "
                      "--drain-interval 250us --request-rate 4 --ca-cert x.pem "
                      "--extra-body {\"top_k\":1}");
    assert_string_equal(t->endpoint, "chat");
    assert_true(!t->is_stream && !t->is_keepalive && t->is_insecure);
    assert_true(t->request_timeout_s == 1.5 && t->ready_timeout_s == 0);
    assert_int_equal(t->drain_interval_us, 250);
    assert_false(t->is_closed_load);
    assert_string_equal(t->ca_cert, "x.pem");
    assert_string_equal(t->extra_body, "{\"top_k\":1}");
    run_fixture_ok(
        f, "--base-url http://h/v1/chat/completions --dialect openai --rename top_p=b");
    assert_string_equal(t->endpoint, "chat"); /* as the address says */
    assert_string_equal(t->dialect, "openai");
    assert_null(t->endpoint_path);
    assert_int_equal(t->renames.count, 1);
    assert_false(t->is_default_url);
    run_fixture_ok(f, "--endpoint /its/completions");
    assert_string_equal(t->endpoint, "completions");
    assert_string_equal(t->endpoint_path, "/its/completions");
    assert_true(t->is_default_url);
    run_fixture_ok(f,
                   "--endpoint /generate --extra-body "
                   "{\"max_tokens\":null,\"max_completion_tokens\":20,\"top_p\":null}");
    assert_string_equal(t->endpoint, "chat");
    run_fixture_ok(f, "--token-counts ids");
    assert_string_equal(t->token_counts, "ids");
}

static void keys(void **state)
{
    struct run_fixture *f = *state;
    const struct engine_target *t = &f->run.target;
    char path[128], words[256];
    snprintf(path, sizeof path, "%s/key", f->fx.dir);
    snprintf(words, sizeof words, "--api-key-file %s", path);
    journal_fixture_put(path, str_from(" " SECRET "\r\nand more\n"));
    run_fixture_ok(f, words);
    assert_string_equal(t->api_key, SECRET);
    setenv("OPENAI_API_KEY", "of-the-environment", 1);
    run_fixture_ok(f, "");
    assert_string_equal(t->api_key, "of-the-environment");
    run_fixture_ok(f, words);
    assert_string_equal(t->api_key, SECRET);
    run_fixture_ok(f, "--api-key " SECRET);
    assert_string_equal(t->api_key, SECRET);
    for (int i = 0; i < f->given.argc; i++)
        assert_null(strstr(f->given.argv[i], "sk-"));
    run_fixture_refused(f, "--api-key a --api-key-file b", "--api-key", "--api-key-file");
    journal_fixture_put(path, str_from("\n" SECRET));
    run_fixture_refused(f, words, path, "empty");
    journal_fixture_put(path, str_from(SECRET " x"));
    run_fixture_refused(f, words, path, "blank");
    run_fixture_refused(f, "--api-key-file /nowhere/key", "/nowhere/key", "");
    setenv("OPENAI_API_KEY", "two words", 1);
    run_fixture_refused(f, "", "OPENAI_API_KEY", "blank");
    char text[1024];
    status_format(&f->e, text, sizeof text);
    assert_null(strstr(text, "two"));
}

static void headers(void **state)
{
    struct run_fixture *f = *state;
    const struct engine_target *t = &f->run.target;
    run_fixture_ok(f, "--header X-Team=a=b,c Accept=*/* --header Authorization="
                      "Bearer+" SECRET);
    assert_int_equal(t->headers.count, 3);
    assert_string_equal(t->headers.items[0], "X-Team: a=b,c");
    assert_string_equal(t->headers.items[1], "Accept: */*");
    assert_string_equal(t->headers.items[2], "Authorization: Bearer " SECRET);
    for (int i = 0; i < f->given.argc; i++)
        assert_null(strstr(f->given.argv[i], "sk-"));
    run_fixture_refused(f, "--header a:b=c", "--header", "not a valid header name");
    run_fixture_refused(f, "--header a=b\rc", "--header", "control character");
    run_fixture_refused(f, "--header content-length=3", "--header",
                        "is set by inferbench");
    run_fixture_refused(f, "--api-key k --header authorization=k", "--header",
                        "together with an API key");
}

static void what_does_not_go_together(void **state)
{
    struct run_fixture *f = *state;
    static const char *const cases[][3] = {
        {"--base-url ftp://x", "--base-url", ""},
        {"--base-url http://x --port 1", "--base-url", "--host or --port"},
        {"--host http://x", "--host", "--base-url"},
        {"--launch --base-url http://x", "--launch", "given with --base-url"},
        {"--launch --port 8000", "--launch", "given with --port"},
        {"--launch --launch-command x", "--launch-command", "given with --launch"},
        {"--launch-command x --host y", "--launch-command", "given with --host"},
        {"--test-prefix-caching", "--test-prefix-caching", "Add --launch"},
        {"--enable-prefix-caching", "--enable-prefix-caching", "Add --launch"},
        {"--launch-command x --test-prefix-caching", "--test-prefix-caching", "--launch"},
        {"--engine-arg a=b", "--engine-arg", "Add --launch"},
        {"--max-model-len 100", "--max-model-len", "Add --launch"},
        {"--python x", "--python", "Add --launch"},
        {"-- --enforce-eager", "--", "Add --launch"},
        {"--extra-body [1]", "--extra-body", "not a JSON object"},
        {"--extra-body {", "--extra-body", "top_k"},
        {"--extra-body {\"api_key\":\"abc\"x}", "--extra-body",
         "not valid JSON at column"},
        {"--extra-body {\"max_tokens\":1}", "--extra-body", "Use --max-tokens"},
        {"--extra-body {\"max_completion_tokens\":1}", "--extra-body", "--rename"},
        {"--extra-body {\"model\":null}", "--extra-body", "Use --model"},
        {"--endpoint responses", "--endpoint", "/its/path"},
        {"--rename a=", "--rename", "max_completion_tokens"},
        {"--rename a=\"x", "--rename", "max_completion_tokens"},
        {"--extra-body {\"a\":1,\"stream\":false}", "--extra-body", "Use --no-stream"},
        {"--no-stream --token-counts ids", "--token-counts", "--no-stream"},
        {"--no-stream --goodput e2e:1s ttft:1s", "--goodput", "Limit e2e alone"},
        {"--no-stream --goodput tpot:50ms", "--goodput", "Limit e2e alone"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_fixture_refused(f, cases[i][0], cases[i][1], cases[i][2]);
}

static void a_launched_server(void **state)
{
    struct run_fixture *f = *state;
    const struct engine_target *t = &f->run.target;
    run_fixture_ok(f, "--launch --test-prefix-caching -- --enforce-eager");
    assert_true(t->is_launched);
    assert_false(t->is_default_url); /* it may load for as long as --ready-timeout */
    assert_null(t->launch_command);
    assert_int_equal(t->base_urls.count, 0);
    run_fixture_ok(f, "--launch-command serve+--port+{port}");
    assert_true(t->is_launched);
    assert_string_equal(t->launch_command, "serve --port {port}");
}

int main(void)
{
#define TEST(name)                                                   \
    cmocka_unit_test_setup_teardown(name, run_fixture_set_up_online, \
                                    run_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(addresses),
        TEST(whose_machine),
        TEST(what_the_engine_is_told),
        TEST(keys),
        TEST(headers),
        TEST(what_does_not_go_together),
        TEST(a_launched_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
