/* openai_config.c: settings as vLLM's server tells them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engines/openai_config.h"

#define METRICS                                                                 \
    "vllm:cache_config_info{block_size=\"128\",enable_prefix_caching=\"True\"," \
    "kv_cache_memory_bytes=\"2000000\",kv_cache_size_tokens=\"512\","           \
    "num_gpu_blocks=\"9\"} 1.0\n"

static struct arena arena;
static struct engine_facts facts;

static int make(void **state)
{
    (void)state;
    facts = (struct engine_facts){.hardware_type = "unknown"};
    arena_init(&arena, 1 << 20);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static bool read_text(const char *text, const char **model)
{
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    bool is_read = openai_config_read(root, &arena, &facts, model);
    json_decref(root);
    return is_read;
}

static void a_whole_configuration(void **state)
{
    (void)state;
    const char *model = NULL;
    struct value *f = facts.fields.v;
    assert_true(read_text(
        "{\"vllm_config\": {\"model_config\": {\"model\": \"/m\", \"dtype\": "
        "\"torch.float32\", \"quantization\": null, \"enforce_eager\": true, "
        "\"max_model_len\": 2048}, \"cache_config\": {\"block_size\": 32, "
        "\"enable_prefix_caching\": true, \"kv_cache_memory_bytes\": 3000000, "
        "\"kv_cache_size_tokens\": 640}, \"scheduler_config\": {\"max_num_seqs\": 6, "
        "\"max_num_batched_tokens\": 512}, \"parallel_config\": "
        "{\"tensor_parallel_size\": 2, \"pipeline_parallel_size\": 3}, "
        "\"load_config\": {\"load_format\": \"dummy\"}, "
        "\"device_config\": {\"device\": \"cuda:0\"}}}",
        &model));
    assert_string_equal(model, "/m");
    assert_string_equal(f[FIELD_dtype].s, "float32");
    assert_string_equal(f[FIELD_quantization].s, "none");
    assert_string_equal(f[FIELD_weights].s, "dummy");
    assert_string_equal(facts.hardware_type, "gpu");
    assert_true(f[FIELD_enforce_eager].b && f[FIELD_enable_prefix_caching].b);
    assert_true(facts.is_caching);
    assert_int_equal(f[FIELD_max_model_len].i, 2048);
    assert_int_equal(f[FIELD_max_num_seqs].i, 6);
    assert_int_equal(f[FIELD_max_num_batched_tokens].i, 512);
    assert_int_equal(f[FIELD_tensor_parallel_size].i, 2);
    assert_int_equal(f[FIELD_devices].i, 6);
    assert_int_equal(f[FIELD_block_size].i, 32);
    assert_int_equal(facts.block_size, 32);
    assert_int_equal(f[FIELD_kv_cache_tokens].i, 640);
    assert_true(f[FIELD_kv_cache_mb].n == 3.0);
}

static void what_is_not_told_stays_unset(void **state)
{
    (void)state;
    const char *model = "x";
    assert_true(
        read_text("{\"vllm_config\": {\"model_config\": {\"dtype\": null}}}", &model));
    assert_null(model);
    assert_int_equal(facts.fields.v[FIELD_dtype].kind, VALUE_ABSENT);
    assert_int_equal(facts.fields.v[FIELD_devices].kind, VALUE_ABSENT);
    assert_int_equal(facts.fields.v[FIELD_weights].kind, VALUE_ABSENT);
    assert_string_equal(facts.hardware_type, "unknown");
}

static void an_older_server_answers_in_text(void **state)
{
    (void)state;
    const char *model = "x";
    assert_false(read_text("{\"vllm_config\": \"model='/m', dtype=...\"}", &model));
    assert_null(model);
    assert_false(read_text("[]", &model));
}

static void labels_of_the_metrics(void **state)
{
    (void)state;
    struct value *f = facts.fields.v;
    openai_config_metrics(str_from(METRICS), &facts);
    assert_int_equal(facts.block_size, 128);
    assert_int_equal(f[FIELD_kv_cache_tokens].i, 512);
    assert_true(f[FIELD_kv_cache_mb].n == 2.0);
    assert_true(facts.is_caching && f[FIELD_enable_prefix_caching].b);
}

static void labels_of_an_older_server(void **state)
{
    (void)state;
    openai_config_metrics(
        str_from("vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"10\","
                 "enable_prefix_caching=\"False\"} 1.0\n"),
        &facts);
    assert_int_equal(facts.fields.v[FIELD_kv_cache_tokens].i, 160);
    assert_false(facts.is_caching);
    assert_int_equal(facts.fields.v[FIELD_enable_prefix_caching].kind, VALUE_BOOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_whole_configuration, make, drop),
        cmocka_unit_test_setup_teardown(what_is_not_told_stays_unset, make, drop),
        cmocka_unit_test_setup_teardown(an_older_server_answers_in_text, make, drop),
        cmocka_unit_test_setup_teardown(labels_of_the_metrics, make, drop),
        cmocka_unit_test_setup_teardown(labels_of_an_older_server, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
