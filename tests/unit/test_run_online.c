/* From a command line to plan and settings. */
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
#include "probe_fixture.h"

static void defaults(void **state)
{
    struct run_fixture *f = *state;
    run_fixture_ok(f, "");
    const struct run *j = &f->run;
    assert_int_equal(j->plan.cell_count, 3);
    assert_string_equal(j->plan.cells[0].scenario->name, "short");
    assert_true(j->plan.cells[0].setting->caching); /* as the server is set: read back */
    assert_int_equal(j->plan.options.max_model_len, 0);
    assert_int_equal(j->plan.options.num_runs, 3);
    assert_string_equal(j->plan.options.run, field_str(&j->data.fields, FIELD_run_id));
    assert_null(j->settings.model);
    assert_ptr_equal(j->settings.target, &j->target);
    assert_int_equal(j->settings.vocab_size, 10000);
    assert_false(j->settings.stop_at_eos);
    assert_true(j->settings.temperature == 0.7 && j->settings.top_p == 0.9);
    char first[40], hash[65];
    snprintf(first, sizeof first, "%s", j->plan.options.run);
    snprintf(hash, sizeof hash, "%s", j->plan.sha256);
    run_fixture_ok(f, "--base-url http://gpu7:9 --label x");
    assert_string_not_equal(j->plan.options.run, first);
    assert_string_equal(j->plan.sha256, hash); /* whatever the server */
}

static void launched(void **state)
{
    struct run_fixture *f = *state;
    const struct run *j = &f->run;
    run_fixture_ok(f, "--launch --concurrency 300 --dtype half --vocab-size 70 "
                      "--engine-arg a=1 -- --max-model-len 512 --enforce-eager");
    assert_string_equal(j->settings.model, "Qwen/Qwen3-0.6B");
    assert_int_equal(j->settings.max_num_seqs, 300);
    assert_int_equal(j->settings.max_model_len, 512);
    assert_int_equal(j->plan.options.max_model_len, 512);
    assert_int_equal(j->settings.vocab_size, 70);
    assert_string_equal(vllm_settings_of(&j->settings)->dtype, "half");
    assert_string_equal(vllm_settings_of(&j->settings)->engine_args.items[0], "a=1");
    assert_int_equal(j->settings.rest.count, 3);
    assert_int_equal(j->plan.options.setting_count, 1);
    assert_false(j->plan.cells[0].setting->caching);
    run_fixture_ok(f, "--launch --enable-prefix-caching --model m");
    assert_true(j->plan.cells[0].setting->caching);
    assert_string_equal(j->settings.model, "m");
    assert_int_equal(j->settings.max_num_seqs, 256);
    run_fixture_ok(f, "--launch --test-prefix-caching --prefix-reuse warm");
    assert_int_equal(j->plan.cell_count, 6);
    assert_true(j->plan.cells[2].setting->caching != j->plan.cells[3].setting->caching);
    assert_true(j->plan.options.is_prefix_warm);
    run_fixture_refused(f, "--launch --scenarios long --max-model-len 100",
                        "scenario long", "--max-model-len");
    static const char *const ours[] = {"enable-prefix-caching", "model", "port",
                                       "api-key", "served-model-name"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        char words[128];
        snprintf(words, sizeof words, "--launch -- --%s x", ours[i]);
        run_fixture_refused(f, words, ours[i], "is set by inferbench");
        snprintf(words, sizeof words, "--launch --engine-arg %s=x", ours[i]);
        run_fixture_refused(f, words, ours[i], "is set by inferbench");
    }
}

static void scenarios(void **state)
{
    struct run_fixture *f = *state;
    const struct plan_options *o = &f->run.plan.options;
    char data[128], words[300];
    snprintf(data, sizeof data, "%s/questions.jsonl", f->fx.dir);
    journal_fixture_put(data, str_from("{\"prompt\": \"why?\"}\n"));
    run_fixture_ok(f, "--input-len 1024 64");
    assert_int_equal(o->scenario_count, 2);
    assert_string_equal(o->scenarios[0].name, "in1024");
    assert_int_equal(o->scenarios[0].own_tokens, 1024);
    assert_int_equal(o->scenarios[0].shared_tokens, 0);
    assert_int_equal(o->scenarios[0].max_tokens, 128);
    assert_string_equal(o->scenarios[1].name, "in64");
    run_fixture_ok(f, "--input-len 64 --scenarios medium short");
    assert_int_equal(o->scenario_count, 3);
    assert_string_equal(o->scenarios[0].name, "medium");
    assert_string_equal(o->scenarios[2].name, "in64");
    snprintf(words, sizeof words, "--input-len 64 --dataset %s --max-tokens 5", data);
    run_fixture_ok(f, words);
    assert_int_equal(o->scenario_count, 2);
    assert_string_equal(o->scenarios[0].name, "questions");
    assert_int_equal(f->run.plan.cells[0].max_tokens, 5);
    run_fixture_refused(f, "--input-len 64 64", "scenario in64", "twice");
    run_fixture_refused(f, "--scenarios shrt", "--scenarios", "short");
    run_fixture_refused(f, "--limit NOPE=1", "--limit", "unknown rule");
    run_fixture_ok(f, "--endpoint chat");
    assert_true(o->is_chat);
}

static void the_vocabulary_is_that_of_a_local_model(void **state)
{
    struct run_fixture *f = *state;
    char path[128], words[256];
    snprintf(path, sizeof path, "%s/config.json", f->fx.dir);
    snprintf(words, sizeof words, "--model %s --vocab-size 999", f->fx.dir);
    journal_fixture_put(path, str_from("{\"vocab_size\": 4321}"));
    run_fixture_ok(f, words);
    assert_int_equal(f->run.settings.vocab_size, 4321);
    run_fixture_ok(f, "--vocab-size 999");
    assert_int_equal(f->run.settings.vocab_size, 999);
}

static void the_header_tells_the_run(void **state)
{
    struct run_fixture *f = *state;
    struct run *j = &f->run;
    const struct row *fields = &j->data.fields;
    setenv("INFERBENCH_PROBE_ROOT", probe_fixture_path("inf2.xlarge"), 1);
    run_fixture_ok(f, "--host gpu7 --metadata who=me --price-per-hour 2.5 --label x "
                      "--api-key s3cret");
    assert_int_equal(run_fixture_open(f), STATUS_OK);
    assert_string_equal(field_str(fields, FIELD_instance_type), "unknown"); /* remote */
    assert_string_equal(field_str(fields, FIELD_label), "x");
    assert_string_equal(field_str(fields, FIELD_serving_mode), "online");
    assert_string_equal(field_str(fields, FIELD_engine), "openai");
    assert_string_equal(field_str(fields, FIELD_run_id), j->plan.options.run);
    assert_int_equal(fields->v[FIELD_model_name].kind, VALUE_NULL); /* the server's */
    assert_int_equal(fields->v[FIELD_machine_sha256].kind, VALUE_NULL);
    assert_int_equal(fields->v[FIELD_driver_version].kind, VALUE_NULL);
    assert_int_equal(strlen(field_str(fields, FIELD_client_machine_sha256)), 64);
    assert_string_equal(j->settings.raw_dir, j->raw_dir);
    assert_string_equal(j->data.plan_sha256, j->plan.sha256);
    assert_null(strstr(j->data.options_json, "s3cret"));
    assert_null(strstr(j->data.command_json, "s3cret"));
    assert_null(strstr(j->data.env_json, "s3cret"));
    run_fixture_ok(f, "--model m --instance-type g5.xlarge");
    assert_int_equal(run_fixture_open(f), STATUS_OK);
    assert_string_equal(field_str(fields, FIELD_instance_type), "g5.xlarge");
    assert_string_equal(field_str(fields, FIELD_model_name), "m");
    assert_string_equal(field_str(fields, FIELD_machine_sha256), /* on this machine */
                        field_str(fields, FIELD_client_machine_sha256));
    assert_string_equal(field_str(fields, FIELD_driver_version), "2.24.7.0");
    unsetenv("INFERBENCH_PROBE_ROOT");
}

/* Every allocation of planning fails once: an error, and no crash. */
static void memory_may_run_out(void **state)
{
    struct run_fixture *f = *state;
    enum status s = STATUS_NO_MEMORY;
    long nth = 1;
    for (; s != STATUS_OK && nth < 1000; nth++) {
        mem_fail_at(nth);
        s = run_fixture_plan(f, "--header a=b --extra-body {\"x\":1} --api-key k "
                                "--goodput ttft:1s --input-len 9 --launch");
        mem_fail_at(0);
        if (s != STATUS_OK)
            assert_int_equal(s, STATUS_NO_MEMORY);
    }
    assert_int_equal(s, STATUS_OK);
    assert_true(nth > 2);
}

int main(void)
{
#define TEST(name)                                                   \
    cmocka_unit_test_setup_teardown(name, run_fixture_set_up_online, \
                                    run_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(defaults),
        TEST(launched),
        TEST(scenarios),
        TEST(the_vocabulary_is_that_of_a_local_model),
        TEST(the_header_tells_the_run),
        TEST(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
