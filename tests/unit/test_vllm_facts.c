/* vllm_facts.c: what the worker and a server tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engines/vllm_facts.h"
#include "text/json.h"

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
    bool is_read = vllm_facts_config(root, &arena, &facts, model);
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

static void numbers_beyond_reason_are_unknown(void **state)
{
    (void)state;
    const char *model = "x";
    assert_true(
        read_text("{\"vllm_config\": {\"parallel_config\": {\"tensor_parallel_size\": "
                  "9223372036854775807, \"pipeline_parallel_size\": "
                  "9223372036854775807}, \"model_config\": {\"max_model_len\": -5}, "
                  "\"cache_config\": {\"kv_cache_memory_bytes\": "
                  "9223372036854775807}}}",
                  &model));
    assert_int_equal(facts.fields.v[FIELD_devices].kind, VALUE_ABSENT);
    assert_int_equal(facts.fields.v[FIELD_max_model_len].kind, VALUE_NULL);
    assert_int_equal(facts.fields.v[FIELD_kv_cache_mb].kind, VALUE_ABSENT);
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
    vllm_facts_metrics(str_from(METRICS), &facts);
    assert_int_equal(facts.block_size, 128);
    assert_int_equal(f[FIELD_kv_cache_tokens].i, 512);
    assert_true(f[FIELD_kv_cache_mb].n == 2.0);
    assert_true(facts.is_caching && f[FIELD_enable_prefix_caching].b);
}

static void labels_of_an_older_server(void **state)
{
    (void)state;
    vllm_facts_metrics(
        str_from("vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"10\","
                 "enable_prefix_caching=\"False\"} 1.0\n"),
        &facts);
    assert_int_equal(facts.fields.v[FIELD_kv_cache_tokens].i, 160);
    assert_false(facts.is_caching);
    assert_int_equal(facts.fields.v[FIELD_enable_prefix_caching].kind, VALUE_BOOL);
}

/* Reads this event into *out; its strings live in the arena, not in the event. */
static void read_ready(const char *text, struct arena *a, struct engine_facts *out)
{
    json_t *ready = NULL;
    struct err e;
    *out = (struct engine_facts){.root_pid = 7, .python = "p"};
    assert_int_equal(json_from_text(str_from(text), "test", &ready, &e), STATUS_OK);
    vllm_facts_ready(ready, a, out);
    json_decref(ready);
}

static void members_become_facts_and_fields(void **state)
{
    struct arena a;
    static struct engine_facts f;
    (void)state;
    arena_init(&a, 1 << 16);
    read_ready("{\"engine_version\":\"0.32.0\",\"is_tried\":true,\"dtype\":\"bfloat16\","
               "\"vocab_size\":512,\"block_size\":16,\"device\":\"rocm\","
               "\"enable_prefix_caching\":true,\"quantization\":\"awq\",\"devices\":2,"
               "\"max_model_len\":\"long\",\"load_time_s\":3,\"weights_mb\":1.5}",
               &a, &f);
    assert_string_equal(field_str(&f.fields, FIELD_engine_version), "0.32.0");
    assert_string_equal(field_str(&f.fields, FIELD_quantization), "awq");
    assert_int_equal(f.fields.v[FIELD_devices].kind, VALUE_INT);
    assert_int_equal(f.fields.v[FIELD_load_time_s].kind, VALUE_NUM); /* 3 is 3.0 */
    assert_true(field_num(&f.fields, FIELD_weights_mb) == 1.5);
    assert_int_equal(f.fields.v[FIELD_kv_cache_mb].kind, VALUE_NULL);
    assert_int_equal(f.fields.v[FIELD_label].kind, VALUE_ABSENT);
    assert_false(f.fields.v[FIELD_is_simulated].b);
    assert_int_equal(f.vocab_size, 512);
    assert_int_equal(f.block_size, 16);
    assert_true(f.is_caching);
    assert_string_equal(f.hardware_type, "gpu");
    assert_null(f.notes);
    assert_int_equal(f.root_pid, 7); /* left alone */
    assert_string_equal(f.python, "p");
    arena_fini(&a);
}

static void what_is_missing_is_unknown(void **state)
{
    struct arena a;
    static struct engine_facts f;
    (void)state;
    arena_init(&a, 1 << 16);
    read_ready("{\"is_tried\":true}", &a, &f);
    assert_int_equal(f.fields.v[FIELD_engine_version].kind, VALUE_NULL);
    assert_string_equal(field_str(&f.fields, FIELD_quantization), "none");
    assert_int_equal(f.vocab_size, 0);
    assert_false(f.is_caching);
    assert_string_equal(f.hardware_type, "unknown");
    arena_fini(&a);
}

static void notes_are_one_text(void **state)
{
    struct arena a;
    static struct engine_facts f;
    (void)state;
    arena_init(&a, 1 << 16);
    read_ready("{\"engine_version\":\"9.9\",\"is_tried\":false,\"device\":\"neuron\","
               "\"notes\":[\"one\",\"two\"]}",
               &a, &f);
    assert_string_equal(f.notes,
                        "vLLM 9.9 is untested with this inferbench, trying it; one; two");
    assert_string_equal(f.hardware_type, "neuron");
    read_ready("{\"is_tried\":true,\"notes\":[\"one\"]}", &a, &f);
    assert_string_equal(f.notes, "one");
    read_ready("{\"is_tried\":false,\"notes\":[3,\"one\"]}", &a, &f);
    assert_null(strstr(f.notes, "null"));
    assert_non_null(strstr(f.notes, "; one"));
    arena_fini(&a);
}

/* Strings become unknown, never dangling. */
static void no_memory_makes_strings_unknown(void **state)
{
    struct arena a;
    static struct engine_facts f;
    (void)state;
    arena_init(&a, 1);
    read_ready("{\"engine_version\":\"0.32.0\",\"vocab_size\":9,\"notes\":[\"n\"]}", &a,
               &f);
    assert_int_equal(f.fields.v[FIELD_engine_version].kind, VALUE_NULL);
    assert_int_equal(f.vocab_size, 9);
    assert_null(f.notes);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_whole_configuration, make, drop),
        cmocka_unit_test_setup_teardown(numbers_beyond_reason_are_unknown, make, drop),
        cmocka_unit_test_setup_teardown(what_is_not_told_stays_unset, make, drop),
        cmocka_unit_test_setup_teardown(an_older_server_answers_in_text, make, drop),
        cmocka_unit_test_setup_teardown(labels_of_the_metrics, make, drop),
        cmocka_unit_test_setup_teardown(labels_of_an_older_server, make, drop),
        cmocka_unit_test(members_become_facts_and_fields),
        cmocka_unit_test(what_is_missing_is_unknown),
        cmocka_unit_test(notes_are_one_text),
        cmocka_unit_test(no_memory_makes_strings_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
