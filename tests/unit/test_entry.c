#include "track/entry.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/mem.h"
#include "core/field.h"
#include "entry_fixture.h"

static void param_is(const struct entry *e, const char *key, const char *value)
{
    const char *held = entry_fixture_param(e, key);
    assert_string_equal(held != NULL ? held : key, value);
}

static void tag_is(const struct entry *e, const char *key, const char *value)
{
    const char *held = entry_fixture_tag(e, key);
    assert_string_equal(held != NULL ? held : key, value);
}

static void metric_is(const struct entry *e, const char *key, double value)
{
    assert_true(entry_fixture_metric(e, key) == value);
}

static void test_identity(void **state)
{
    (void)state;
    struct entry_fixture f;
    entry_fixture_make(&f, entry_fixture_online, NULL);
    const struct entry *e = &f.entry;
    assert_string_equal(e->name, "g5_online_in64_20261124_181324");
    assert_string_equal(e->unique, "20e9e824e4d115e26f36bc6c096424f1/1");
    assert_string_equal(e->run_id, "20e9e824e4d115e26f36bc6c096424f1");
    assert_string_equal(e->experiment, "vllm-online-benchmark");
    assert_int_equal(e->row, 1);
    assert_int_equal(e->start_ms, 1795544004055);
    assert_int_equal(e->end_ms, 1795544004055 + 2640);
    assert_false(e->is_failed || e->is_warmup);
    assert_int_equal(e->cut, 0);
    entry_fixture_fini(&f);
}

static void test_params(void **state)
{
    (void)state;
    struct entry_fixture f;
    entry_fixture_make(&f, entry_fixture_online, NULL);
    const struct entry *e = &f.entry;
    static const char *const want[][2] = {
        {"model_name", "Qwen/Qwen3-0.6B"},
        {"instance_type", "g5"},
        {"hardware_type", "gpu"},
        {"serving_mode", "online"},
        {"input_length", "64"},
        {"max_output_tokens", "32"},
        {"enable_prefix_caching", "False"},
        {"temperature", "0.7"},
        {"top_p", "1.0"},
        {"is_warmup", "False"},
        {"scenario", "in64"},
        {"repeat", "1"},
        {"engine", "openai"},
        {"seed", "0"},
        {"arrival", "poisson"},
        {"request_rate", "50"},
        {"max_model_len", "131072"},
        {"is_simulated", "True"},
        {"slo", "{\"ttft\":200.0}"},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        param_is(e, want[i][0], want[i][1]);
    assert_non_null(entry_fixture_param(e, "model_fingerprint"));
    assert_int_equal(e->param_count, sizeof want / sizeof want[0] + 1);
    entry_fixture_fini(&f);
}

/* Words of a list, a blank between them. */
static bool is_among(const char *list, const char *name)
{
    for (struct str rest = str_from(list); rest.len > 0;)
        if (str_is(str_cut(&rest, ' '), name))
            return true;
    return false;
}

static json_t *some_value(enum field_id id)
{
    switch (field_table[id].kind) {
    case VALUE_STR: return json_string("x");
    case VALUE_BOOL: return json_true();
    case VALUE_JSON:
    case VALUE_FINDINGS: return json_pack("[s]", "x");
    default: return json_integer(7);
    }
}

static const char *place_in(const struct entry *e, const char *name)
{
    for (size_t i = 0; i < e->metric_count; i++)
        if (strcmp(e->metrics[i].key, name) == 0)
            return "metric";
    return entry_fixture_param(e, name) != NULL ? "parameter"
           : entry_fixture_tag(e, name) != NULL ? "tag"
                                                : "nowhere";
}

/* A field that changes its place has every row of every server sent again. Those of
 * format 1 are where they were; the others follow their roles. */
static void test_places(void **state)
{
    static const char params[] =
        "model_name instance_type hardware_type serving_mode batch_size input_length "
        "max_output_tokens enable_prefix_caching temperature top_p scenario repeat "
        "engine seed dataset arrival request_rate endpoint engine_version engine_mode "
        "weights "
        "model_fingerprint dtype quantization tensor_parallel_size devices max_model_len "
        "max_num_seqs max_num_batched_tokens block_size kv_cache_tokens enforce_eager "
        "prefix_reuse prefix_share cache_arm is_simulated slo is_warmup "
        /* format 2 */
        "engine_args settings_sha256 machine_sha256 client_machine_sha256 "
        "driver_version plan_sha256 burstiness ramp_up_s num_prompts duration_s "
        "max_concurrency warmup_requests stop_at_eos is_streamed is_keepalive "
        "token_counts extra_body dialect ranks";
    static const char tags[] =
        "experiment_id timestamp timestamp_utc error notes run_id label token_source "
        "cache_source price_source verdict reasons warnings "
        /* format 2 */
        "target_ci target_metric target_unit rank "
        "launch_id launch_source setting_position setting_number ab_block first_error "
        "token_events slo_search slo_block "
        "token_differences answered_by";
    static const char nowhere[] = "row checks metadata failed_by_class "
                                  "distributions timeline kv_usage";
    (void)state;
    json_t *row = json_object();
    for (int id = 0; id < FIELD_COUNT; id++)
        json_object_set_new(row, field_table[id].name, some_value((enum field_id)id));
    char *text = json_dumps(row, 0);
    struct entry_fixture f;
    entry_fixture_make(&f, text, NULL);
    for (int id = 0; id < FIELD_COUNT; id++) {
        const char *name = field_table[id].name;
        const char *key = id == FIELD_time_per_token        ? "time_per_token_ms"
                          : id == FIELD_inter_token_latency ? "inter_token_latency_ms"
                                                            : name;
        const char *want = is_among(params, name)    ? "parameter"
                           : is_among(tags, name)    ? "tag"
                           : is_among(nowhere, name) ? "nowhere"
                                                     : "metric";
        if (strcmp(place_in(&f.entry, key), want) != 0)
            fail_msg("%s: %s, not %s", name, place_in(&f.entry, key), want);
    }
    entry_fixture_fini(&f);
    free(text);
    json_decref(row);
}

static void test_metrics(void **state)
{
    (void)state;
    struct entry_fixture f;
    entry_fixture_make(&f, entry_fixture_online, NULL);
    const struct entry *e = &f.entry;
    metric_is(e, "total_time", 2.639505485);
    metric_is(e, "tokens_per_second", 1212.3483047052657);
    metric_is(e, "time_per_token_ms", 0.8248454640625);
    metric_is(e, "inter_token_latency_ms", 10.020833078709677);
    metric_is(e, "actual_output_tokens", 3200);
    metric_is(e, "requests_planned", 101);
    metric_is(e, "requests_ok", 100);
    metric_is(e, "requests_failed", 1);
    metric_is(e, "requests_cancelled", 0);
    metric_is(e, "failed_by_class.timeout", 1);
    metric_is(e, "ttft_mean_s", 0.02034585895);
    metric_is(e, "stamps_exact", 3101);
    assert_int_equal(e->metric_count, 12);
    entry_fixture_fini(&f);
}

static void test_tags(void **state)
{
    (void)state;
    const char *items[] = {
        "team=infra",       "flag",       "cost%=a=b", "label=mine", "mlflow.user=you",
        "inferbench.row=x", "is?warmup=x"};
    const struct opt_strings tags = {.items = items, .count = 7};
    const struct entry_context c = {.tags = &tags, .user = "me"};
    struct entry_fixture f;
    entry_fixture_make(&f, entry_fixture_online, &c);
    static const char *const want[][2] = {
        {"experiment_id", "g5_online_in64_20261124_181324"},
        {"timestamp", "2026-11-25T03:13:24.055243"},
        {"timestamp_utc", "2026-11-24T18:13:24.055243+00:00"},
        {"notes", "scenario=in64, run=1, warmup=False"},
        {"run_id", "20e9e824e4d115e26f36bc6c096424f1"},
        {"label", "g5|a"},
        {"metadata.rack", "7"},
        {"metadata.who_", "True"},
        {"is_warmup", "False"},
        {"token_source", "usage"},
        {"verdict", "INVALID"},
        {"reasons", "ERRORS, CLIENT_LATE"},
        {"inferbench.row", "20e9e824e4d115e26f36bc6c096424f1/1"},
        {"mlflow.source.name", "inferbench"},
        {"mlflow.source.type", "LOCAL"},
        {"mlflow.user", "you"},
        {"team", "infra"},
        {"flag", ""},
        {"cost_", "a=b"},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        tag_is(&f.entry, want[i][0], want[i][1]);
    assert_non_null(entry_fixture_tag(&f.entry, "mlflow.note.content"));
    assert_int_equal(f.entry.tag_count, sizeof want / sizeof want[0] + 1);
    entry_fixture_fini(&f);
}

static void test_reserved(void **state)
{
    (void)state;
    assert_true(entry_is_reserved("inferbench.row"));
    assert_true(entry_is_reserved("mlflow.runName"));
    assert_true(entry_is_reserved("is_warmup"));
    assert_true(entry_is_reserved("run_id"));
    assert_true(entry_is_reserved("warnings"));
    assert_false(entry_is_reserved("model_name")); /* a parameter */
    assert_false(entry_is_reserved("mlflow.note.content"));
    assert_false(entry_is_reserved("team"));
}

static void test_options(void **state)
{
    (void)state;
    json_t *options = json_loads(
        "{\"batch-sizes\": \"1 4\", \"label\": \"\", \"seed\": 7,"
        "\"rate\": 2.0, \"eager\": true, \"none\": null,"
        "\"rest\": [\"--x\", \"1\"], \"list\": []}",
        0, NULL);
    const struct entry_context c = {.options = options};
    struct entry_fixture f, bare;
    entry_fixture_make(&f, entry_fixture_online, &c);
    entry_fixture_make(&bare, entry_fixture_online, NULL);
    param_is(&f.entry, "opt.batch-sizes", "1 4");
    param_is(&f.entry, "opt.seed", "7");
    param_is(&f.entry, "opt.rate", "2");
    param_is(&f.entry, "opt.eager", "True");
    param_is(&f.entry, "opt.rest", "[\"--x\",\"1\"]");
    assert_int_equal(f.entry.param_count, bare.entry.param_count + 5);
    entry_fixture_fini(&bare);
    entry_fixture_fini(&f);
    json_decref(options);
}

static void test_inputs(void **state)
{
    (void)state;
    const struct entry_context c = {
        .plan_sha256 =
            "29e54be7e468c9905f3df63c460e95a27b9176da52a5ae343e51308534354f03"};
    struct entry_fixture f;
    entry_fixture_make(&f, entry_fixture_online, &c);
    assert_int_equal(f.entry.input_count, 2);
    const struct entry_input *set = &f.entry.inputs[0], *model = &f.entry.inputs[1];
    assert_string_equal(set->name, "in64");
    assert_string_equal(set->digest, "29e54be7e468c9905f3df63c460e95a27b91");
    assert_string_equal(set->source, "{\"uri\":\"in64\"}");
    assert_string_equal(set->context, "benchmark");
    assert_string_equal(model->name, "Qwen/Qwen3-0.6B");
    assert_string_equal(model->digest, "4a4f08f9ca4c961a65a21718795bcba764a0");
    assert_string_equal(model->source, "{\"uri\":\"Qwen/Qwen3-0.6B\"}");
    assert_string_equal(model->context, "model");
    entry_fixture_fini(&f);

    entry_fixture_make(&f,
                       "{\"dataset\": \"/data/chat.jsonl\", \"model_name\": \"/m/tiny\","
                       "\"scenario\": \"chat\", \"model_fingerprint\": \"none\"}",
                       NULL);
    set = &f.entry.inputs[0], model = &f.entry.inputs[1];
    assert_string_equal(set->name, "chat.jsonl");
    assert_string_equal(set->source, "{\"uri\":\"/data/chat.jsonl\"}");
    assert_string_equal(model->name, "tiny");
    assert_int_equal(strlen(set->digest), 36);
    assert_int_equal(strlen(model->digest), 36);
    assert_string_not_equal(set->digest, model->digest);
    entry_fixture_fini(&f);

    char row[700], name[602];
    memset(name, 'm', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    (void)snprintf(row, sizeof row, "{\"model_name\": \"%s\"}", name);
    entry_fixture_make(&f, row, NULL);
    assert_int_equal(f.entry.input_count, 1);
    assert_int_equal(strlen(f.entry.inputs[0].name), 500); /* MLflow takes no
                                                              longer one */
    assert_non_null(strstr(f.entry.inputs[0].source, name));
    entry_fixture_fini(&f);
}

static void test_published(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "JST-9", 1), 0);
    tzset();
    struct entry_fixture f;
    entry_fixture_make(&f, entry_fixture_published, NULL);
    const struct entry *e = &f.entry;
    assert_string_equal(e->experiment, "vllm-offline-benchmark");
    assert_null(e->run_id);
    assert_int_equal(e->row, -1);
    assert_true(e->is_warmup);
    assert_int_equal(e->start_ms, 1748739660000);
    assert_int_equal(e->end_ms, 1748739660000 + 4149);
    param_is(e, "batch_size", "1");
    param_is(e, "enable_prefix_caching", "True");
    param_is(e, "is_warmup", "True");
    param_is(e, "scenario", "short");
    param_is(e, "repeat", "0");
    assert_int_equal(e->param_count, 10 + 3);
    assert_int_equal(e->metric_count, 11);
    metric_is(e, "time_per_token_ms", 32.414910858995135);
    tag_is(e, "is_warmup", "True");
    assert_null(entry_fixture_tag(e, "error"));
    assert_int_equal(strncmp(e->unique, "published/", 10), 0);
    assert_int_equal(strlen(e->unique), 10 + 64);
    entry_fixture_fini(&f);
}

static const char *unique_of(const char *row_text, char out[80])
{
    struct entry_fixture f;
    entry_fixture_make(&f, row_text, NULL);
    (void)snprintf(out, 80, "%s", f.entry.unique);
    entry_fixture_fini(&f);
    return out;
}

static void test_unique(void **state)
{
    (void)state;
    char a[80], b[80];
    /* Blanks depend on the file, not on the row; blanks within a text do not. */
    assert_string_equal(unique_of("{\"a\": 1,\n \"b\": \"x y\"}", a),
                        unique_of("{\"a\":1,\"b\":\"x y\"}", b));
    assert_string_not_equal(a, unique_of("{\"a\":1,\"b\":\"x  y\"}", b));
    assert_string_not_equal(a, unique_of("{\"a\":2,\"b\":\"x y\"}", b));
    assert_string_equal(unique_of("{\"run_id\": \"r\", \"row\": 0}", a), "r/0");
    unique_of("{\"run_id\": \"r\"}", a);
    assert_int_equal(strncmp(a, "published/", 10), 0);
}

static void test_failed(void **state)
{
    (void)state;
    struct entry_fixture f;
    entry_fixture_make(
        &f,
        "{\"experiment_id\": \"x\", \"error\": \"engine died\","
        "\"total_time\": null, \"timestamp_utc\": \"1970-01-01T00:00:01Z\"}",
        NULL);
    assert_true(f.entry.is_failed);
    assert_int_equal(f.entry.start_ms, 1000);
    assert_int_equal(f.entry.end_ms, 1000);
    assert_int_equal(f.entry.metric_count, 0);
    tag_is(&f.entry, "error", "engine died");
    entry_fixture_fini(&f);
}

/* Nothing went wrong: the run is finished, and its tags say what it is worth. */
static void test_doubtful(void **state)
{
    (void)state;
    struct entry_fixture f;
    entry_fixture_make(&f,
                       "{\"experiment_id\": \"x\", \"verdict\": \"INCONCLUSIVE\","
                       "\"reasons\": [\"SHORT_RUN\"], \"error\": null}",
                       NULL);
    assert_false(f.entry.is_failed);
    tag_is(&f.entry, "verdict", "INCONCLUSIVE");
    tag_is(&f.entry, "reasons", "SHORT_RUN");
    entry_fixture_fini(&f);
}

static void test_cut(void **state)
{
    (void)state;
    enum { CHARS = 9000 };
    static char value[2 * CHARS + 1], text[2 * CHARS + 100];
    for (size_t i = 0; i < CHARS; i++)
        memcpy(value + 2 * i, "\xc3\xa9", 2);
    (void)snprintf(text, sizeof text, "{\"engine_mode\": \"%s\"}", value);
    struct entry_fixture f;
    entry_fixture_make(&f, text, NULL);
    assert_int_equal(strlen(entry_fixture_param(&f.entry, "engine_mode")), 2 * 6000);
    assert_int_equal(f.entry.cut, 1);
    entry_fixture_fini(&f);
    (void)snprintf(text, sizeof text, "{\"error\": \"%s\"}", value);
    entry_fixture_make(&f, text, NULL);
    assert_int_equal(strlen(entry_fixture_tag(&f.entry, "error")), 2 * 8000);
    assert_int_equal(f.entry.cut, 1);
    entry_fixture_fini(&f);
}

static void test_odd_rows(void **state)
{
    (void)state;
    struct arena a;
    struct entry out;
    struct err e;
    const struct entry_context c = {.user = NULL};
    arena_init(&a, 1 << 20);
    json_t *list = json_array();
    assert_int_equal(entry_of_row(&(struct entry_row){.json = list}, &c, &a, &out, &e),
                     STATUS_BAD_INPUT);
    json_decref(list);
    arena_fini(&a);
    /* Nothing known, and everything of another type. */
    struct entry_fixture f;
    entry_fixture_make(&f, "{}", NULL);
    assert_string_equal(f.entry.name, "row");
    assert_int_equal(f.entry.start_ms, 0);
    entry_fixture_fini(&f);
    entry_fixture_make(&f,
                       "{\"experiment_id\": 5, \"total_time\": \"long\", \"notes\": [],"
                       "\"metadata\": 3, \"reasons\": {}, \"failed_by_class\": [1],"
                       "\"is_warmup\": \"True\", \"error\": {\"a\": 1}}",
                       NULL);
    assert_true(f.entry.is_failed && f.entry.is_warmup);
    tag_is(&f.entry, "error", "{\"a\":1}");
    tag_is(&f.entry, "experiment_id", "5");
    assert_int_equal(f.entry.metric_count, 0);
    entry_fixture_fini(&f);
}

static void test_no_memory(void **state)
{
    (void)state;
    json_t *row = json_loads(entry_fixture_online, 0, NULL);
    json_t *options = json_loads("{\"a\": [1], \"b\": \"x\"}", 0, NULL);
    const struct entry_row in = {.json = row, .text = entry_fixture_online};
    const char *items[] = {"team=infra"};
    const struct opt_strings tags = {.items = items, .count = 1};
    const struct entry_context c = {.options = options, .tags = &tags, .user = "me"};
    enum status s = STATUS_NO_MEMORY;
    size_t cap = 0;
    for (; s != STATUS_OK && cap < (1 << 20); cap += 64) {
        struct arena a;
        struct entry out = {.name = "untouched"};
        struct err e = {.code = STATUS_OK};
        arena_init(&a, cap);
        s = entry_of_row(&in, &c, &a, &out, &e);
        assert_int_equal(e.code, s);
        if (s != STATUS_OK)
            assert_string_equal(out.name, "untouched");
        arena_fini(&a);
    }
    assert_int_equal(s, STATUS_OK);
    assert_true(cap > 1000);
    json_decref(options);
    json_decref(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),  cmocka_unit_test(test_params),
        cmocka_unit_test(test_places),    cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_tags),      cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_options),   cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_published), cmocka_unit_test(test_unique),
        cmocka_unit_test(test_failed),    cmocka_unit_test(test_doubtful),
        cmocka_unit_test(test_cut),       cmocka_unit_test(test_odd_rows),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
