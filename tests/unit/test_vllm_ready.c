#include "engines/vllm_ready.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "text/json.h"

/* Reads this event into `facts`; its strings live in the arena, not in the event. */
static void read_ready(const char *text, struct arena *a, struct engine_facts *facts)
{
    json_t *ready = NULL;
    struct err e;
    *facts = (struct engine_facts){.root_pid = 7, .python = "p"};
    assert_int_equal(json_from_text(str_from(text), "test", &ready, &e), STATUS_OK);
    vllm_ready_read(ready, a, facts);
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
        cmocka_unit_test(members_become_facts_and_fields),
        cmocka_unit_test(what_is_missing_is_unknown),
        cmocka_unit_test(notes_are_one_text),
        cmocka_unit_test(no_memory_makes_strings_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
