#include "entry_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

const char *const entry_fixture_online =
    "{\"experiment_id\": \"g5_online_in64_20261124_181324\","
    " \"timestamp\": \"2026-11-25T03:13:24.055243\", \"model_name\": \"Qwen/Qwen3-0.6B\","
    " \"instance_type\": \"g5\", \"hardware_type\": \"gpu\","
    " \"serving_mode\": \"online\", \"batch_size\": null, \"input_length\": 64,"
    " \"max_output_tokens\": 32, \"enable_prefix_caching\": false,"
    " \"temperature\": 0.7, \"top_p\": 1.0, \"total_time\": 2.639505485,"
    " \"prefill_time\": null, \"time_per_token\": 0.8248454640625,"
    " \"inter_token_latency\": 10.020833078709677, \"actual_output_tokens\": 3200,"
    " \"tokens_per_second\": 1212.3483047052657, \"cache_hit_rate\": null,"
    " \"error\": null, \"notes\": \"scenario=in64, run=1, warmup=False\","
    " \"run_id\": \"20e9e824e4d115e26f36bc6c096424f1\", \"row\": 1,"
    " \"timestamp_utc\": \"2026-11-24T18:13:24.055243+00:00\", \"label\": \"g5|a\","
    " \"metadata\": {\"rack\": \"7\", \"who?\": true}, \"scenario\": \"in64\","
    " \"repeat\": 1, \"is_warmup\": false, \"engine\": \"openai\", \"seed\": 0,"
    " \"dataset\": null, \"arrival\": \"poisson\", \"request_rate\": 50.0,"
    " \"model_fingerprint\": \"4a4f08f9ca4c961a65a21718795bcba764a0b76c8db0cad55056200849"
    "26f13a\", \"max_model_len\": 131072, \"enforce_eager\": null,"
    " \"is_simulated\": true, \"requests_planned\": 101, \"requests_ok\": 100,"
    " \"requests_failed\": 1, \"requests_cancelled\": 0,"
    " \"failed_by_class\": {\"timeout\": 1}, \"slo\": {\"ttft\": 200.0},"
    " \"ttft_mean_s\": 0.02034585895, \"ttft_p99_s\": null, \"stamps_exact\": 3101,"
    " \"token_source\": \"usage\", \"verdict\": \"INVALID\","
    " \"reasons\": [\"ERRORS\", \"CLIENT_LATE\"], \"warnings\": [],"
    " \"checks\": [{\"code\": \"ERRORS\", \"field\": \"requests_failed\","
    " \"value\": 0.01, \"limit\": 0.001}, {\"code\": \"CLIENT_LATE\","
    " \"field\": \"send_late_share\", \"value\": 1.0, \"limit\": 0.01}],"
    " \"field_of_tomorrow\": 5}";

const char *const entry_fixture_published =
    "{\n  \"experiment_id\": \"g5.xlarge_offline_short_20250601_100000\",\n"
    "  \"timestamp\": \"2025-06-01T10:01:00.0\",\n"
    "  \"model_name\": \"Qwen/Qwen3-0.6B\",\n  \"instance_type\": \"g5.xlarge\",\n"
    "  \"hardware_type\": \"gpu\",\n  \"serving_mode\": \"offline\",\n"
    "  \"batch_size\": 1,\n  \"input_length\": 312,\n  \"max_output_tokens\": 128,\n"
    "  \"enable_prefix_caching\": true,\n  \"temperature\": 0.7,\n  \"top_p\": 0.9,\n"
    "  \"total_time\": 4.1491085899513775,\n  \"prefill_time\": 0.4149108589951378,\n"
    "  \"decode_time\": 3.73419773095624,\n"
    "  \"first_token_latency\": 0.4149108589951378,\n  \"actual_input_tokens\": 78,\n"
    "  \"actual_output_tokens\": 128,\n  \"tokens_per_second\": 30.85,\n"
    "  \"time_per_token\": 32.414910858995135,\n"
    "  \"inter_token_latency\": 29.403131739812913,\n  \"memory_used_mb\": 13456.5,\n"
    "  \"peak_memory_mb\": 13500.25,\n  \"cache_hit_rate\": null,\n"
    "  \"error\": null,\n  \"notes\": \"scenario=short, run=0, warmup=True\"\n}";

void entry_fixture_make(struct entry_fixture *f, const char *row_text,
                        const struct entry_context *c)
{
    static const struct entry_context empty = {.options = NULL};
    arena_init(&f->arena, 1 << 20);
    f->row = json_loads(row_text, 0, NULL);
    assert_non_null(f->row);
    const struct entry_row row = {.json = f->row, .text = row_text};
    struct err e = {.what = ""};
    enum status s = entry_of_row(&row, c != NULL ? c : &empty, &f->arena, &f->entry, &e);
    assert_string_equal(e.what, "");
    assert_int_equal(s, STATUS_OK);
}

void entry_fixture_fini(struct entry_fixture *f)
{
    json_decref(f->row);
    arena_fini(&f->arena);
}

static const char *value_of(const struct entry_pair *pairs, size_t count, const char *key)
{
    const char *value = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].key, key) == 0) {
            assert_null(value); /* no key stands twice */
            value = pairs[i].value;
        }
    return value;
}

const char *entry_fixture_param(const struct entry *e, const char *key)
{
    return value_of(e->params, e->param_count, key);
}

const char *entry_fixture_tag(const struct entry *e, const char *key)
{
    return value_of(e->tags, e->tag_count, key);
}

double entry_fixture_metric(const struct entry *e, const char *key)
{
    for (size_t i = 0; i < e->metric_count; i++)
        if (strcmp(e->metrics[i].key, key) == 0)
            return e->metrics[i].value;
    return NAN;
}
