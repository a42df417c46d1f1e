/* openai_engine.c: the table over one server and over two. Lanes have their own test. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "engines/openai_lane.h"
#include "engines/registry.h"
#include "engines/vllm_settings.h"
#include "http_fixture.h"

#define MODELS "{\"data\": [{\"id\": \"tiny\", \"max_model_len\": 2048}]}"
#define METRICS(queries, hits, preempted)                                             \
    "vllm:cache_config_info{block_size=\"128\",enable_prefix_caching=\"True\"} 1.0\n" \
    "vllm:prefix_cache_queries_total " queries "\n"                                   \
    "vllm:prefix_cache_hits_total " hits "\n"                                         \
    "vllm:num_preemptions_total " preempted "\n"
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
#define PAGES     5

struct world {
    struct http_fixture servers[2];
    struct http_fixture_page pages[2][PAGES];
    const char *urls[2];
    struct engine_ops ops;
    struct engine_target target;
    struct engine_settings settings;
    struct engine *engine;
    struct engine_facts facts;
    struct err e;
};

static int make(void **state)
{
    struct world *w = mem_alloc(1, sizeof *w);
    *state = w;
    for (size_t i = 0; i < 2; i++) {
        w->pages[i][0] = (struct http_fixture_page){"GET /health", 200, ""};
        w->pages[i][1] = (struct http_fixture_page){"GET /v1/models", 200, MODELS};
        w->pages[i][2] = (struct http_fixture_page){"GET /version", 200,
                                                    "{\"version\": \"0.32.0\"}"};
        w->pages[i][3] = (struct http_fixture_page){"GET /metrics", 200,
                                                    METRICS("0", "0", "0")};
        w->pages[i][4] = (struct http_fixture_page){"POST /reset_prefix_cache", 200,
                                                    "{\"success\": true}"};
        w->servers[i].answer = NOT_FOUND;
        w->servers[i].pages = w->pages[i];
        w->servers[i].page_count = PAGES;
        http_fixture_start(&w->servers[i]);
        w->urls[i] = w->servers[i].url;
    }
    w->target = (struct engine_target){.base_urls = {w->urls, 1},
                                       .endpoint = "completions",
                                       .token_counts = "usage",
                                       .is_stream = true,
                                       .is_keepalive = true,
                                       .request_timeout_s = 10,
                                       .ready_timeout_s = 0.05};
    w->settings = (struct engine_settings){.target = &w->target, .vocab_size = 512};
    assert_int_equal(registry_find("openai", ENGINE_ONLINE, &w->ops, &w->e), STATUS_OK);
    return 0;
}

static int drop(void **state)
{
    struct world *w = *state;
    w->ops.close(w->engine);
    for (size_t i = 0; i < 2; i++)
        http_fixture_stop(&w->servers[i]);
    mem_free(w);
    return 0;
}

static enum status open_engine(struct world *w)
{
    return w->ops.open(&w->settings, NULL, &w->engine, &w->facts, &w->e);
}

static void facts_of_the_server(void **state)
{
    struct world *w = *state;
    struct value *f = w->facts.fields.v;
    assert_int_equal(open_engine(w), STATUS_OK);
    assert_string_equal(f[FIELD_model_name].s, "tiny");
    assert_string_equal(f[FIELD_engine_version].s, "0.32.0");
    assert_int_equal(f[FIELD_max_model_len].i, 2048);
    assert_int_equal(w->facts.block_size, 128);
    assert_int_equal(w->facts.vocab_size, 512);
    assert_int_equal(w->facts.root_pid, 0);
    assert_true(w->facts.is_caching);
    assert_int_equal(f[FIELD_load_time_s].kind, VALUE_ABSENT);
}

static void counters_of_all_servers(void **state)
{
    struct world *w = *state;
    struct row row = {.v = {{0}}};
    w->target.base_urls.count = 2;
    assert_int_equal(open_engine(w), STATUS_OK);
    w->pages[0][3].body = METRICS("100", "30", "1");
    w->pages[1][3].body = METRICS("300", "70", "2");
    assert_int_equal(w->ops.counters(w->engine, &row, &w->e), STATUS_OK);
    assert_int_equal(row.v[FIELD_cached_input_tokens].i, 100);
    assert_true(row.v[FIELD_cache_hit_rate].n == 0.25);
    assert_string_equal(row.v[FIELD_cache_source].s, "metrics");
    assert_int_equal(row.v[FIELD_preemptions].i, 3);
    assert_int_equal(row.v[FIELD_kv_usage_max].kind, VALUE_ABSENT);
}

static void what_one_does_not_tell_is_unknown(void **state)
{
    struct world *w = *state;
    struct row row = {.v = {{0}}};
    w->target.base_urls.count = 2;
    w->pages[1][3].status = 404;
    assert_int_equal(open_engine(w), STATUS_OK);
    w->pages[0][3].body = METRICS("100", "30", "1");
    assert_int_equal(w->ops.counters(w->engine, &row, &w->e), STATUS_OK);
    assert_int_equal(row.v[FIELD_cached_input_tokens].kind, VALUE_ABSENT);
    assert_int_equal(row.v[FIELD_preemptions].kind, VALUE_ABSENT);
}

static void no_lookups_no_rate(void **state)
{
    struct world *w = *state;
    struct row row = {.v = {{0}}};
    assert_int_equal(open_engine(w), STATUS_OK);
    assert_int_equal(w->ops.counters(w->engine, &row, &w->e), STATUS_OK);
    assert_int_equal(row.v[FIELD_cache_hit_rate].kind, VALUE_ABSENT);
}

static void all_caches_are_emptied(void **state)
{
    struct world *w = *state;
    bool done = false;
    w->target.base_urls.count = 2;
    assert_int_equal(open_engine(w), STATUS_OK);
    assert_int_equal(w->ops.reset_prefix(w->engine, &done, &w->e), STATUS_OK);
    assert_true(done);
    assert_true(http_fixture_saw(&w->servers[0], "POST /reset_prefix_cache"));
    assert_true(http_fixture_saw(&w->servers[1], "POST /reset_prefix_cache"));
    w->pages[1][4].status = 404;
    assert_int_equal(w->ops.reset_prefix(w->engine, &done, &w->e), STATUS_OK);
    assert_false(done);
}

static void the_longest_drain_of_all_lanes(void **state)
{
    struct world *w = *state;
    struct engine_lane *lane = NULL;
    struct row row = {.v = {{0}}};
    w->target.drain_interval_us = 250;
    assert_int_equal(open_engine(w), STATUS_OK);
    assert_int_equal(w->ops.lane_new(w->engine, &lane, &w->e), STATUS_OK);
    assert_int_equal(w->ops.counters(w->engine, &row, &w->e), STATUS_OK);
    assert_true(row.v[FIELD_drain_interval_us].n == 250);
}

static int64_t steps_of(struct world *w)
{
    struct row row = {.v = {{0}}};
    assert_int_equal(w->ops.counters(w->engine, &row, &w->e), STATUS_OK);
    assert_int_equal(row.v[FIELD_clock_steps].kind, VALUE_INT);
    return row.v[FIELD_clock_steps].i;
}

/* One clock: two lanes that saw the same step did not see two. */
static void steps_since_the_call_before(void **state)
{
    struct world *w = *state;
    struct engine_lane *lanes[2] = {NULL, NULL};
    assert_int_equal(open_engine(w), STATUS_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(w->ops.lane_new(w->engine, &lanes[i], &w->e), STATUS_OK);
    assert_int_equal(steps_of(w), 0);
    lanes[0]->clock.steps = 1;
    lanes[1]->clock.steps = 2;
    assert_int_equal(steps_of(w), 2);
    assert_int_equal(steps_of(w), 0);
    lanes[0]->clock.steps = 2;
    assert_int_equal(steps_of(w), 1);
}

static void samples(void **state)
{
    struct world *w = *state;
    assert_int_equal(open_engine(w), STATUS_OK);
    assert_int_equal(w->ops.sample(w->engine, &w->e), STATUS_OK);
}

static void no_such_model(void **state)
{
    struct world *w = *state;
    w->settings.model = "other";
    assert_int_equal(open_engine(w), STATUS_NOT_FOUND);
    assert_non_null(strstr(w->e.hint, "tiny"));
}

static void an_interpreter_is_found_for_a_launch_only(void **state)
{
    struct world *w = *state;
    struct arena a;
    const struct vllm_settings own = {.python = "/no/python"};
    const char *python = "x", *notes = "x";
    arena_init(&a, 1 << 20);
    assert_int_equal(w->ops.locate(&w->settings, &a, &python, &notes, &w->e), STATUS_OK);
    assert_null(python);
    assert_null(notes);
    w->target.is_launched = true;
    w->settings.own = &own;
    assert_int_equal(w->ops.locate(&w->settings, &a, &python, &notes, &w->e),
                     STATUS_NOT_FOUND);
    w->target.launch_command = "server";
    assert_int_equal(w->ops.locate(&w->settings, &a, &python, &notes, &w->e), STATUS_OK);
    arena_fini(&a);
}

static void closing_nothing(void **state)
{
    struct world *w = *state;
    w->ops.close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(facts_of_the_server),
        TEST(counters_of_all_servers),
        TEST(what_one_does_not_tell_is_unknown),
        TEST(no_lookups_no_rate),
        TEST(all_caches_are_emptied),
        TEST(the_longest_drain_of_all_lanes),
        TEST(steps_since_the_call_before),
        TEST(samples),
        TEST(no_such_model),
        TEST(an_interpreter_is_found_for_a_launch_only),
        TEST(closing_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
