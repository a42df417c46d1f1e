#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/env.h"
#include "probe_fixture.h"

static const char *const keys[] = {
    "timestamp",
    "platform",
    "cpu",
    "memory",
    "gpu",
    "neuron",
    "instance",
    "python_packages",
    "environment_variables",
    "benchmark_config",
    "client",
    "tool",
};

static json_t *collect(const char *root, const struct env_request *q, struct arena *a,
                       struct env *env)
{
    struct err e;
    json_t *top = NULL;
    setenv("INFERBENCH_PROBE_ROOT", root, 1);
    assert_int_equal(env_collect(q, a, env, &e), STATUS_OK);
    unsetenv("INFERBENCH_PROBE_ROOT");
    assert_int_equal(json_from_text(str_from(env->json), "env", &top, &e), STATUS_OK);
    return top;
}

static void all_keys_are_there_and_secrets_are_not(void **state)
{
    (void)state;
    struct arena a;
    struct env env;
    arena_init(&a, 16 << 20);
    setenv("VLLM_API_KEY", "topsecretvalue", 1);
    setenv("VLLM_HOST", "http://me:topsecretvalue@h/", 1);
    setenv("VLLM_ZZ", "seen", 1);
    setenv("HF_TOKEN", "hf_topsecretvalue", 1);
    const struct env_request q = {.config_json = "{\"seed\":3}", .tool = "inferbench x"};
    json_t *top = collect(probe_fixture_path("g5.xlarge"), &q, &a, &env);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (json_object_get(top, keys[i]) == NULL)
            fail_msg("%s is missing", keys[i]);
    assert_null(strstr(env.json, "topsecretvalue"));
    const json_t *set = json_object_get(top, "environment_variables");
    assert_string_equal(json_str_of(set, "VLLM_API_KEY"), "***");
    assert_string_equal(json_str_of(set, "VLLM_HOST"), "http://***@h/");
    assert_string_equal(json_str_of(set, "VLLM_ZZ"), "seen");
    assert_true(json_is_null(json_object_get(set, "NEURON_CC_FLAGS")));
    assert_int_equal(json_int_of(json_object_get(top, "benchmark_config"), "seed", 0), 3);
    json_decref(top);
    unsetenv("VLLM_API_KEY");
    arena_fini(&a);
}

static void the_instance_is_known_by_dmi_on_ec2_only(void **state)
{
    (void)state;
    struct arena a;
    struct env env;
    arena_init(&a, 16 << 20);
    const struct env_request q = {.use_imds = false};
    json_t *top = collect(probe_fixture_path("g5.xlarge"), &q, &a, &env);
    assert_string_equal(env.instance_type, "g5.xlarge");
    const json_t *instance = json_object_get(top, "instance");
    assert_string_equal(json_str_of(instance, "source"), "dmi");
    assert_int_equal(strlen(env.machine_sha256), 64);
    assert_string_equal(json_str_of(json_object_get(top, "platform"), "machine_sha256"),
                        env.machine_sha256);
    json_decref(top);
    const char *dir = probe_fixture_dir();
    const char *dmi = "sys/devices/virtual/dmi/id/";
    char name[128];
    snprintf(name, sizeof name, "%ssys_vendor", dmi);
    probe_fixture_file(dir, name, "Google\n", false);
    snprintf(name, sizeof name, "%sproduct_name", dmi);
    probe_fixture_file(dir, name, "g5.xlarge\n", false);
    const struct env_request asking = {.use_imds = true}; /* and is not asked */
    top = collect(dir, &asking, &a, &env);
    assert_null(env.instance_type);
    assert_true(json_is_null(json_object_get(top, "instance")));
    json_decref(top);
    arena_fini(&a);
}

static void the_text_fits_80_columns(void **state)
{
    (void)state;
    struct arena a;
    struct env env;
    struct err e;
    struct buf out;
    arena_init(&a, 16 << 20);
    buf_init(&out, 1 << 20);
    const struct env_request q = {.tool = "inferbench x"};
    json_decref(collect(probe_fixture_path("inf2.xlarge"), &q, &a, &env));
    assert_int_equal(env_text(env.json, &out, &e), STATUS_OK);
    struct str rest = {buf_cstr(&out), out.len};
    assert_non_null(strstr(rest.ptr, "1 x Inferentia2, 2 cores"));
    while (rest.len > 0)
        assert_in_range(str_cut(&rest, '\n').len, 0, 80);
    assert_int_equal(env_text("{", &out, &e), STATUS_BAD_INPUT);
    buf_fini(&out);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keys_are_there_and_secrets_are_not),
        cmocka_unit_test(the_instance_is_known_by_dmi_on_ec2_only),
        cmocka_unit_test(the_text_fits_80_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
