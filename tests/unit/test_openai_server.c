/* openai_server.c: what a server says of itself, with a server that says it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "talk_fixture.h"
#include "net/sock.h"

#define METRICS(hits, usage)                                                          \
    "vllm:cache_config_info{block_size=\"128\",enable_prefix_caching=\"True\"} 1.0\n" \
    "vllm:prefix_cache_queries_total{engine=\"0\"} " hits "0\n"                       \
    "vllm:prefix_cache_hits_total{engine=\"0\"} " hits "\n"                           \
    "vllm:num_preemptions_total{engine=\"0\"} 2.0\n"                                  \
    "vllm:kv_cache_usage_perc{engine=\"0\"} " usage "\n"                              \
    "vllm:kv_cache_usage_perc{engine=\"1\"} 0.125\n"

/* What vLLM's facts are read from; others are not asked. */
static struct talk *begin(void **state)
{
    struct talk *t = *state;
    t->options.dialect = "vllm";
    return talk_begin(state, "");
}

static void get_facts(struct talk *t)
{
    assert_int_equal(openai_server_facts(&t->s, &t->facts, &t->e), STATUS_OK);
}

static void facts_of_a_vllm(void **state)
{
    struct talk *t = begin(state);
    struct value *f = t->facts.fields.v;
    talk_page(t, "GET /version", 200, "{\"version\": \"0.32.0\"}");
    talk_page(t, "GET /metrics", 200, METRICS("10", "0.25"));
    talk_page(t, "GET /server_info?config_format=json", 200,
              "{\"vllm_config\": {\"model_config\": {\"model\": \"/else\", \"dtype\": "
              "\"torch.bfloat16\"}, \"device_config\": {\"device\": \"cpu\"}}}");
    get_facts(t);
    assert_string_equal(f[FIELD_engine_version].s, "0.32.0");
    assert_string_equal(f[FIELD_dtype].s, "bfloat16");
    assert_string_equal(t->facts.hardware_type, "cpu");
    assert_string_equal(t->s.loaded, "/else");
    assert_int_equal(t->facts.block_size, 128);
    assert_true(t->facts.is_caching);
    assert_false(f[FIELD_is_simulated].b);
    assert_int_equal(f[FIELD_model_fingerprint].kind, VALUE_ABSENT);
}

static void facts_of_a_server_that_tells_nothing(void **state)
{
    struct talk *t = begin(state);
    struct openai_counters c;
    get_facts(t);
    for (int i = 0; i < FIELD_COUNT; i++)
        if (i != FIELD_dialect)
            assert_int_equal(t->facts.fields.v[i].kind, VALUE_ABSENT);
    assert_false(t->facts.is_caching);
    int asked = t->server.requests;
    openai_server_sample(&t->s);
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(isnan(c.prefix_hits) && isnan(c.preemptions) && isnan(c.kv_usage_max));
    assert_int_equal(t->server.requests, asked); /* it is not asked again */
}

static void a_simulated_server(void **state)
{
    struct talk *t = begin(state);
    talk_page(t, "GET /version", 200, "{\"version\": \"1\", \"simulated\": true}");
    get_facts(t);
    assert_true(t->facts.fields.v[FIELD_is_simulated].b);
}

static void the_rust_front_end_is_named(void **state)
{
    struct talk *t = begin(state);
    talk_page(t, "GET /version", 200,
              "{\"version\":\"0.32.0\",\"rust_frontend_version\":\"0.33.0\"}");
    get_facts(t);
    assert_string_equal(t->facts.fields.v[FIELD_engine_version].s,
                        "0.32.0, Rust front-end 0.33.0");
}

static void a_model_on_this_machine(void **state)
{
    char folder[] = "/tmp/test_server_XXXXXX";
    struct talk *t = *state;
    assert_non_null(mkdtemp(folder));
    const char *path = arena_printf(&t->arena, "%s/config.json", folder);
    FILE *config = fopen(path, "w");
    fputs("{\"vocab_size\": 512}", config);
    fclose(config);
    t->options.is_local = true;
    talk_page(t, "GET /v1/models", 200,
              arena_printf(&t->arena,
                           "{\"data\": [{\"id\": \"tiny\", \"root\": \"%s\", "
                           "\"max_model_len\": 2048}]}",
                           folder));
    (void)begin(state);
    assert_int_equal(talk_meet(t, NULL), STATUS_OK);
    get_facts(t);
    assert_int_equal(t->facts.vocab_size, 512);
    assert_int_equal(strlen(t->facts.fields.v[FIELD_model_fingerprint].s), 64);
    unlink(path);
    rmdir(folder);
}

static void counters_are_differences(void **state)
{
    struct talk *t = begin(state);
    struct openai_counters c;
    talk_page(t, "GET /metrics", 200, METRICS("10", "0.25"));
    get_facts(t);
    talk_change(t, "GET /metrics", 200, METRICS("17", "0.25"));
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(c.prefix_hits == 7 && c.prefix_queries == 70 && c.preemptions == 0);
    assert_true(isnan(c.kv_usage_max)); /* nobody has looked meanwhile */
    talk_change(t, "GET /metrics", 200, METRICS("3", "0.25"));
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(isnan(c.prefix_hits)); /* started again */
    assert_true(c.preemptions == 0);
}

enum { NO_HTTP = 9 }; /* a status that ends the call, as a broken connection does */

static void what_is_beside_the_api_may_break(void **state)
{
    struct talk *t = begin(state);
    talk_page(t, "GET /version", NO_HTTP, "");
    talk_page(t, "GET /metrics", NO_HTTP, "");
    get_facts(t);
    assert_false(t->s.has_metrics);
}

/* The counters of a repeat are unknown where one of the two looks failed. */
static void counters_that_are_lost_for_a_while(void **state)
{
    struct talk *t = begin(state);
    struct openai_counters c;
    bool done = true;
    talk_page(t, "GET /metrics", 200, METRICS("10", "0.25"));
    talk_page(t, "POST /reset_prefix_cache", NO_HTTP, "");
    get_facts(t);
    talk_change(t, "GET /metrics", NO_HTTP, "");
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(isnan(c.prefix_hits) && isnan(c.prefix_queries));
    for (int i = 0; i < 2; i++) {
        talk_change(t, "GET /metrics", 200, METRICS("17", "0.25"));
        assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
        assert_true(i == 0 ? isnan(c.prefix_hits) : c.prefix_hits == 0);
    }
    assert_int_equal(openai_server_reset(&t->s, &done, &t->e), STATUS_OK);
    assert_false(done);
}

/* What no server can have counted is unknown, whether it comes as a number or not. */
static void odd_counters_are_unknown(void **state)
{
    static const char *const odd[] = {METRICS("1e300", "1e300"), METRICS("+Inf", "+Inf"),
                                      METRICS("NaN", "NaN"), METRICS("-1", "-1")};
    struct talk *t = begin(state);
    struct openai_counters c;
    talk_page(t, "GET /metrics", 200, METRICS("10", "0.25"));
    get_facts(t);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        talk_change(t, "GET /metrics", 200, odd[i]);
        t->s.next_sample = (struct instant){0};
        openai_server_sample(&t->s);
        assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
        assert_true(isnan(c.prefix_hits) && isnan(c.prefix_queries));
        assert_true(isnan(c.kv_usage_max) || c.kv_usage_max == 0.125);
        talk_change(t, "GET /metrics", 200, METRICS("10", "0.25"));
        assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    }
}

static void the_highest_of_the_samples(void **state)
{
    struct talk *t = begin(state);
    struct openai_counters c;
    talk_page(t, "GET /metrics", 200, METRICS("1", "0.75"));
    get_facts(t);
    int asked = t->server.requests;
    openai_server_sample(&t->s); /* too early */
    assert_int_equal(t->server.requests, asked);
    t->s.next_sample = clock_now();
    openai_server_sample(&t->s);
    assert_int_equal(t->server.requests, asked + 1);
    openai_server_sample(&t->s); /* not twice a second */
    assert_int_equal(t->server.requests, asked + 1);
    talk_change(t, "GET /metrics", 200, METRICS("1", "0.5"));
    t->s.next_sample = clock_now();
    openai_server_sample(&t->s);
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(c.kv_usage_max == 0.75);
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(isnan(c.kv_usage_max)); /* of the time since */
}

/* What metrics cost a server that is not vLLM, nobody knows. */
static void no_sample_of_others(void **state)
{
    struct talk *t = begin(state);
    struct openai_counters c;
    talk_page(t, "GET /metrics", 200, "llamacpp:kv_cache_usage_ratio 0.5\n");
    get_facts(t);
    int asked = t->server.requests;
    t->s.next_sample = clock_now();
    openai_server_sample(&t->s);
    assert_int_equal(t->server.requests, asked);
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_int_equal(t->server.requests, asked + 1);
    talk_change(t, "GET /metrics", 200,
                METRICS("1", "0.5")); /* another server meanwhile */
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    t->s.next_sample = clock_now();
    openai_server_sample(&t->s);
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(c.kv_usage_max == 0.5);
}

/* The peak may have been while nothing was told. */
static void a_sample_without_an_answer_is_the_last(void **state)
{
    struct talk *t = begin(state);
    struct openai_counters c;
    talk_page(t, "GET /metrics", 200, METRICS("1", "0.5"));
    get_facts(t);
    t->s.next_sample = clock_now();
    openai_server_sample(&t->s);
    assert_true(http_fixture_is_quiet(&t->server));
    t->server.page_count = 0;
    t->server.answer = NULL; /* from now on it is silent */
    for (int i = 0; i < 3; i++) {
        t->s.next_sample = clock_now();
        openai_server_sample(&t->s);
    }
    assert_true(http_fixture_is_quiet(&t->server));
    int asked = t->server.requests;
    t->server.answer = TALK_NOT_FOUND;
    t->server.page_count = 1;
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(isnan(c.kv_usage_max));
    assert_true(c.prefix_hits == 0);
    t->s.next_sample = clock_now();
    openai_server_sample(&t->s); /* in the next repeat it is asked again */
    assert_int_equal(t->server.requests, asked + 2);
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(c.kv_usage_max == 0.5);
}

static void no_call_leaves_a_connection(void **state)
{
    struct talk *t = begin(state);
    struct openai_counters c;
    bool done = false;
    talk_page(t, "GET /health", 200, "");
    talk_page(t, "GET /v1/models", 200, TALK_MODELS);
    talk_page(t, "GET /metrics", 200, METRICS("1", "0.5"));
    talk_page(t, "POST /reset_prefix_cache", 200, "");
    assert_int_equal(talk_meet(t, NULL), STATUS_OK);
    assert_true(http_fixture_is_quiet(&t->server));
    get_facts(t);
    assert_true(http_fixture_is_quiet(&t->server));
    assert_int_equal(openai_server_reset(&t->s, &done, &t->e), STATUS_OK);
    assert_true(http_fixture_is_quiet(&t->server));
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_true(http_fixture_is_quiet(&t->server));
    t->s.next_sample = clock_now();
    openai_server_sample(&t->s);
    assert_true(http_fixture_is_quiet(&t->server));
    assert_int_equal(t->server.connections, t->server.requests);
}

/* A connection of the load, on a server with one thread. */
struct load {
    struct addr to;
    int fd, closes;
};

static void connect_load(struct load *l)
{
    struct err e;
    assert_int_equal(sock_connect(&l->to, &l->fd, &e), STATUS_OK);
}

static size_t kept(void *arg)
{
    const struct load *l = arg;
    return l->fd >= 0;
}

static void close_kept(void *arg)
{
    struct load *l = arg;
    sock_close(&l->fd);
    l->closes++;
}

static void kept_connections_that_hold_the_server(void **state)
{
    struct talk *t = begin(state);
    struct openai_counters c;
    struct load l = {.fd = -1};
    talk_page(t, "GET /metrics", 200, METRICS("1", "0.5"));
    get_facts(t);
    assert_int_equal(addr_resolve("127.0.0.1", t->server.port, &l.to, &t->e), STATUS_OK);
    t->s.kept = (struct openai_kept){.count = kept, .close = close_kept, .arg = &l};
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_int_equal(l.closes, 0); /* there was none */
    for (int i = 1; i <= 2; i++) {
        int before = t->server.connections;
        connect_load(&l);
        assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
        assert_int_equal(l.closes, i);
        assert_true(http_fixture_is_quiet(&t->server));
        /* the load's, the call's, and at first, when that is not known, one in vain */
        assert_int_equal(t->server.connections, before + (i == 1 ? 3 : 2));
    }
}

/* A server with threads enough: the load keeps what it has. */
static void kept_connections_that_do_no_harm(void **state)
{
    struct talk *t = begin(state);
    struct openai_counters c;
    struct load l = {.fd = 0}; /* to anywhere */
    talk_page(t, "GET /metrics", 200, METRICS("1", "0.5"));
    get_facts(t);
    t->s.kept = (struct openai_kept){.count = kept, .close = close_kept, .arg = &l};
    assert_int_equal(openai_server_count(&t->s, &c, &t->e), STATUS_OK);
    assert_int_equal(l.closes, 0);
}

static bool is_reset(struct talk *t)
{
    bool done = false;
    assert_int_equal(openai_server_reset(&t->s, &done, &t->e), STATUS_OK);
    return done;
}

static void resets(void **state)
{
    struct talk *t = begin(state);
    assert_false(is_reset(t)); /* 404: it has none */
    talk_page(t, "POST /reset_prefix_cache", 200, "{\"success\": true}");
    assert_true(is_reset(t));
    talk_change(t, "POST /reset_prefix_cache", 200, "");
    assert_true(is_reset(t));
    int asked = t->server.requests;
    talk_change(t, "POST /reset_prefix_cache", 200, "{\"success\": false}");
    assert_false(is_reset(t));
    assert_true(t->server.requests > asked + 1); /* it may be busy: tried again */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, talk_make, talk_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(facts_of_a_vllm),
        TEST(facts_of_a_server_that_tells_nothing),
        TEST(a_simulated_server),
        TEST(the_rust_front_end_is_named),
        TEST(a_model_on_this_machine),
        TEST(counters_are_differences),
        TEST(what_is_beside_the_api_may_break),
        TEST(counters_that_are_lost_for_a_while),
        TEST(odd_counters_are_unknown),
        TEST(the_highest_of_the_samples),
        TEST(no_sample_of_others),
        TEST(a_sample_without_an_answer_is_the_last),
        TEST(no_call_leaves_a_connection),
        TEST(kept_connections_that_hold_the_server),
        TEST(kept_connections_that_do_no_harm),
        TEST(resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
