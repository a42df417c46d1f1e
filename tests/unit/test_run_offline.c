/* From a command line to plan, engine settings and the journal's header. */
#include "run_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "probe_fixture.h"

/* Fails the test unless these words are refused, at `where`, with `what` in the text. */
static void refused(struct run_fixture *f, const char *words, const char *where,
                    const char *what)
{
    if (run_fixture_plan(f, words) == STATUS_OK)
        fail_msg("accepted: %s", words);
    char text[1024];
    status_format(&f->e, text, sizeof text);
    journal_fixture_has(text, where);
    journal_fixture_has(text, what);
}

static void defaults(void **state)
{
    struct run_fixture *f = *state;
    assert_int_equal(run_fixture_plan(f, ""), STATUS_OK);
    const struct run *j = &f->run;
    assert_int_equal(j->plan.cell_count, 6);
    assert_int_equal(j->plan.options.num_runs, 3);
    assert_string_equal(j->plan.options.scenarios[2].name, "prefix_caching");
    assert_false(j->plan.cells[5].setting->caching);
    assert_string_equal(j->settings.model, "Qwen/Qwen3-0.6B");
    assert_int_equal(j->settings.max_model_len, 4096);
    assert_int_equal(j->settings.max_num_seqs, 256);
    assert_true(vllm_settings_of(&j->settings)->gpu_memory_utilization == 0.9);
    assert_true(j->settings.temperature == 0.7 && j->settings.top_p == 0.9);
    assert_string_equal(vllm_settings_of(&j->settings)->engine_mode, "mp");
    assert_null(vllm_settings_of(&j->settings)->dtype);
    assert_false(j->settings.stop_at_eos);
    assert_false(j->settings.needs_tokenizer);
    assert_int_equal(j->settings.rest.count, 0);
    assert_int_equal(j->settings.vocab_size, 0);
    assert_string_equal(run_fixture_told(f), "");
}

static void options_reach_plan_and_engine(void **state)
{
    struct run_fixture *f = *state;
    const struct run *j = &f->run;
    assert_int_equal(
        run_fixture_plan(f, "--batch-sizes 2,300 --scenarios long --max-tokens 7 "
                            "--test-prefix-caching --vocab-size 777 --dtype float16 "
                            "--engine-arg a=1 --seed 5 -- --enforce-eager x"),
        STATUS_OK);
    assert_int_equal(j->plan.cell_count, 4);
    assert_true(j->plan.cells[0].setting->caching != j->plan.cells[3].setting->caching);
    assert_int_equal(j->plan.cells[1].load->batch_size, 300);
    assert_int_equal(j->plan.cells[1].max_tokens, 7);
    assert_int_equal(j->settings.max_num_seqs, 300);
    assert_int_equal(j->settings.vocab_size, 777);
    assert_int_equal(j->settings.seed, 5);
    assert_string_equal(vllm_settings_of(&j->settings)->dtype, "float16");
    assert_string_equal(vllm_settings_of(&j->settings)->engine_args.items[0], "a=1");
    assert_int_equal(j->settings.rest.count, 2);
    assert_string_equal(j->settings.rest.items[0], "--enforce-eager");
    assert_int_equal(run_fixture_plan(f, "--enable-prefix-caching --prefix-reuse "
                                         "warm"),
                     STATUS_OK);
    assert_true(j->plan.cells[0].setting->caching);
    assert_true(j->plan.options.is_prefix_warm);
    assert_int_equal(j->plan.options.setting_count, 1);
}

/* Every run has an id of its own; the settings' order is drawn from it, both come up. */
static void a_run_and_its_settings(void **state)
{
    struct run_fixture *f = *state;
    char before[40] = "";
    int off_first = 0;
    for (int i = 0; i < 64; i++) {
        run_fixture_ok(f, "--test-prefix-caching");
        const char *id = field_str(&f->run.data.fields, FIELD_run_id);
        const struct plan_setting *settings = f->run.plan.options.settings;
        assert_int_equal(strlen(id), 32);
        assert_string_not_equal(id, before);
        assert_true(settings[0].caching != settings[1].caching);
        off_first += !settings[0].caching;
        snprintf(before, sizeof before, "%s", id);
    }
    assert_true(off_first > 0 && off_first < 64); /* by chance once in 2^63 */
    for (int i = 0; i < 64; i++) {                /* shown as they are */
        run_fixture_ok(f, "--test-prefix-caching --dry-run");
        assert_false(f->run.plan.options.settings[0].caching);
    }
}

/* Words of all settings, then its own; '+' stands for a blank. */
static void settings_by_name(void **state)
{
    struct run_fixture *f = *state;
    const struct plan_options *o = &f->run.plan.options;
    run_fixture_ok(f, "--dry-run --max-model-len 3000 --setting "
                      "a=--max-model-len+2000+--no-enable-prefix-caching b= "
                      "--setting=c=--x+'y+z' --enable-prefix-caching -- --all");
    assert_int_equal(o->setting_count, 3);
    static const char *const names[] = {"a", "b", "c"};
    static const size_t counts[] = {3, 1, 3};
    for (size_t i = 0; i < 3; i++) {
        const struct plan_setting *s = &o->settings[i];
        assert_string_equal(s->name, names[i]);
        assert_int_equal(s->number, i + 1);
        assert_int_equal(s->caching, i > 0);
        assert_int_equal(s->max_model_len, i == 0 ? 2000 : 3000);
        assert_int_equal(s->words.count, counts[i]);
        assert_string_equal(s->words.items[0], "--all");
    }
    assert_string_equal(o->settings[2].words.items[2], "y z");
    assert_int_equal(o->max_model_len, 2000);
    assert_int_equal(f->run.plan.cell_count, 18);
    refused(f, "--setting a=--max-model-len+100", "short", "100");
    refused(f, "--setting a= a=", "--setting", "two settings");
    refused(f, "--setting a='", "--setting", "not closed");
    refused(f, "--setting a=--model+x", "model", "before the --");
    refused(f, "--setting a= --label b", "--label", "--setting");
    refused(f, "--setting a= --test-prefix-caching", "--test-prefix-caching", "off=");
}

static void the_old_default_model_has_a_note(void **state)
{
    struct run_fixture *f = *state;
    assert_int_equal(run_fixture_plan(f, "--model Qwen/Qwen3-0.6B-Instruct"), STATUS_OK);
    assert_string_equal(f->run.settings.model, "Qwen/Qwen3-0.6B");
    journal_fixture_has(run_fixture_told(f), "does not exist on the hub");
}

static void the_vocabulary_is_that_of_a_local_model(void **state)
{
    struct run_fixture *f = *state;
    char path[128], words[256];
    snprintf(path, sizeof path, "%s/config.json", f->fx.dir);
    snprintf(words, sizeof words, "--model %s --vocab-size 999", f->fx.dir);
    static const struct {
        const char *config;
        int64_t size;
    } cases[] = {{"{\"vocab_size\": 4321}", 4321},
                 {"{\"vocab_size\": 3}", 999}, /* cannot be */
                 {"{}", 999},
                 {"{", 999}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        journal_fixture_put(path, str_from(cases[i].config));
        assert_int_equal(run_fixture_plan(f, words), STATUS_OK);
        assert_int_equal(f->run.settings.vocab_size, cases[i].size);
    }
}

static void scenarios_of_files(void **state)
{
    struct run_fixture *f = *state;
    char yaml[128], data[128], words[400];
    snprintf(yaml, sizeof yaml, "%s/own.yaml", f->fx.dir);
    snprintf(data, sizeof data, "%s/questions.jsonl", f->fx.dir);
    journal_fixture_put(yaml, str_from("- name: rag\n  prompt_tokens: 64\n"
                                       "  max_tokens: 4\n"));
    journal_fixture_put(data, str_from("{\"prompt\": \"why?\"}\n"));
    const struct plan_options *o = &f->run.plan.options;
    snprintf(words, sizeof words, "--scenario-file %s --dataset %s", yaml, data);
    assert_int_equal(run_fixture_plan(f, words), STATUS_OK);
    assert_int_equal(o->scenario_count, 2); /* without --scenarios: just these */
    assert_string_equal(o->scenarios[0].name, "rag");
    assert_string_equal(o->scenarios[1].name, "questions");
    assert_true(f->run.settings.needs_tokenizer);
    snprintf(words, sizeof words, "--scenario-file %s --dataset %s --scenarios short",
             yaml, data);
    assert_int_equal(run_fixture_plan(f, words), STATUS_OK);
    assert_int_equal(o->scenario_count, 2); /* a data set is always measured */
    assert_string_equal(o->scenarios[0].name, "short");
    assert_string_equal(o->scenarios[1].name, "questions");
    snprintf(words, sizeof words, "--scenario-file %s --scenarios rag short", yaml);
    assert_int_equal(run_fixture_plan(f, words), STATUS_OK);
    assert_string_equal(o->scenarios[0].name, "rag");
    assert_false(f->run.settings.needs_tokenizer);
}

static void what_cannot_be_is_refused(void **state)
{
    struct run_fixture *f = *state;
    refused(f, "--engine vlm", "--engine", "Did you mean vllm");
    refused(f, "--scenarios shrt", "shrt", "short");
    refused(f, "--limit ERORS=1", "--limit", "Did you mean ERRORS");
    refused(f, "--limit ERRORS=few", "--limit", "not CODE=VALUE");
    refused(f, "--accept-invalid=ERRORS,NOPE", "--accept-invalid", "NOPE");
    refused(f, "--num-runs 1", "--num-runs", "warm-up");
    refused(f, "--max-model-len 100", "short", "100");
    refused(f, "--dataset /nowhere.jsonl", "/nowhere.jsonl", "");
    refused(f, "--scenario-file /nowhere.yaml", "/nowhere.yaml", "");
    refused(f, "-- --enable-prefix-caching", "enable-prefix-caching", "before the --");
    refused(f, "-- --no_enable_prefix_caching", "enable-prefix-caching", "before the --");
    refused(f, "--engine-arg enable_prefix_caching=true", "enable-prefix-caching", "");
    refused(f, "-- --model=x", "model", "before the --");
    refused(f, "-- --max-model-len 100", "short", "100");
    refused(f, "-- --max_model_len=100", "short", "100");
    refused(f, "--engine-arg max_model_len=100", "short", "100");
    assert_int_equal(run_fixture_plan(f, "-- --max-model-len"), STATUS_OK);
    assert_int_equal(f->run.settings.max_model_len, 4096);
    assert_int_equal(run_fixture_plan(f, "--limit ERRORS=0.5 --accept-invalid=TREND"),
                     STATUS_OK);
    assert_int_equal(f->run.data.limit_count, 1);
    assert_string_equal(f->run.data.limits[0].code, "ERRORS");
    assert_true(f->run.data.limits[0].value == 0.5);
}

static void the_header_tells_the_run(void **state)
{
    struct run_fixture *f = *state;
    const struct run *j = &f->run;
    const struct row *fields = &j->data.fields;
    setenv("INFERBENCH_PROBE_ROOT", probe_fixture_path("g5.xlarge"), 1);
    assert_int_equal(
        run_fixture_plan(f, "--instance-type g5.xlarge --price-per-hour 2.5 "
                            "--metadata who=me api_key=s3cret --model-name mine "
                            "--engine-arg hf_token=s3cret --hardware-type neuron "
                            "--batch-sizes 3"),
        STATUS_OK);
    assert_int_equal(run_fixture_open(f), STATUS_OK);
    struct stat st;
    assert_int_equal(stat(j->raw_dir, &st), 0);
    journal_fixture_has(j->journal_path, j->raw_dir);
    assert_string_equal(j->settings.raw_dir, j->raw_dir);
    assert_string_equal(field_str(fields, FIELD_instance_type), "g5.xlarge");
    assert_string_equal(field_str(fields, FIELD_label), "g5.xlarge");
    assert_string_equal(field_str(fields, FIELD_model_name), "mine");
    assert_string_equal(field_str(fields, FIELD_price_source), "--price-per-hour");
    assert_true(fields->v[FIELD_price_usd_per_hour].n == 2.5);
    assert_int_equal(strlen(field_str(fields, FIELD_run_id)), 32);
    assert_int_equal(strlen(field_str(fields, FIELD_machine_sha256)), 64);
    assert_string_equal(field_str(fields, FIELD_machine_sha256),
                        field_str(fields, FIELD_client_machine_sha256));
    assert_string_equal(fields->v[FIELD_metadata].s,
                        "{\"who\":\"me\",\"api_key\":\"***\"}");
    assert_null(strstr(j->data.options_json, "s3cret"));
    assert_null(strstr(j->data.command_json, "s3cret"));
    assert_null(strstr(j->data.env_json, "s3cret"));
    journal_fixture_has(j->data.command_json, "[\"inferbench\",\"offline\",\"--engine\"");
    assert_int_equal(j->settings.max_num_seqs, 3); /* Neuron compiles for it */
    char first[40];
    snprintf(first, sizeof first, "%s", field_str(fields, FIELD_run_id));
    assert_int_equal(run_fixture_plan(f, "--label x"), STATUS_OK);
    assert_int_equal(run_fixture_open(f), STATUS_OK);
    assert_string_not_equal(field_str(fields, FIELD_run_id), first);
    assert_string_equal(field_str(fields, FIELD_label), "x");
    unsetenv("INFERBENCH_PROBE_ROOT");
}

static void a_folder_that_cannot_be_made(void **state)
{
    struct run_fixture *f = *state;
    journal_fixture_put(f->fx.path, str_from("a file"));
    char words[128];
    snprintf(words, sizeof words, "--output-dir %s/sub", f->fx.path);
    assert_int_equal(run_fixture_plan(f, words), STATUS_OK);
    assert_int_equal(run_fixture_open(f), STATUS_IO);
    journal_fixture_has(f->e.where, f->fx.path);
}

/* Every allocation of planning fails once: an error, and no crash. */
static void memory_may_run_out(void **state)
{
    struct run_fixture *f = *state;
    static const char words[] =
        "--scenarios short --limit ERRORS=1 --accept-invalid=TREND";
    enum status s = STATUS_NO_MEMORY;
    long nth = 1;
    for (; s != STATUS_OK && nth < 1000; nth++) {
        mem_fail_at(nth);
        s = run_fixture_plan(f, words);
        mem_fail_at(0);
        if (s != STATUS_OK)
            assert_int_equal(s, STATUS_NO_MEMORY);
    }
    assert_int_equal(s, STATUS_OK);
    assert_true(nth > 2);
}

int main(void)
{
#define TEST(name)                                                    \
    cmocka_unit_test_setup_teardown(name, run_fixture_set_up_offline, \
                                    run_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(defaults),
        TEST(options_reach_plan_and_engine),
        TEST(a_run_and_its_settings),
        TEST(settings_by_name),
        TEST(the_old_default_model_has_a_note),
        TEST(the_vocabulary_is_that_of_a_local_model),
        TEST(scenarios_of_files),
        TEST(what_cannot_be_is_refused),
        TEST(the_header_tells_the_run),
        TEST(a_folder_that_cannot_be_made),
        TEST(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
