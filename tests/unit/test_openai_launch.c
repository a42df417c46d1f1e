/* openai_launch.c: what a launched server is told, and why it died. A shell script stands
 * in for the interpreter: it answers the question for its vLLM, writes down words and
 * environment, says what the test wants into its log and then waits or ends. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "folder_fixture.h"
#include "base/file.h"
#include "engines/openai_launch.h"
#include "engines/vllm_settings.h"

#define KEY     "sk-launch-secret"
#define PATIENT 20.0 /* s; only a failing test takes so long */

static char folder[FOLDER_FIXTURE_BYTES];
static struct arena arena;
static struct engine_target target;
static struct engine_settings settings;
static struct vllm_settings own;
static struct openai_launch launch;
static struct err e;

static const char *at(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

/* An interpreter whose vLLM is of that version and device; `then`: what its server does
 * once its words are written down. */
/* In quotes: the plugin's version, the path of the front-end. */
static const char *neuron = "null", *rust = "null";

static void interpreter(const char *version, bool is_cpu, const char *then)
{
    FILE *f = fopen(at("python"), "w");
    assert_non_null(f);
    fprintf(
        f,
        "#!/bin/sh\nif [ \"$1\" = -c ]; then echo '{\"vllm\": \"%s\", \"python\": "
        "\"3.11\", \"cpu\": %s, \"neuron\": %s, \"rust\": %s, \"kv_bytes\": 67108864, "
        "\"dtype\": \"float32\", \"tensor_parallel_size\": 8, "
        "\"cpus\": \"0,2\"}'; exit; fi\n"
        "echo \"$*\" > %s/words.new; env > %s/env\nmv %s/words.new %s/words\n%s\n",
        version, is_cpu ? "true" : "false", neuron, rust, folder, folder, folder, folder,
        then);
    fclose(f);
    assert_int_equal(chmod(at("python"), 0700), 0);
    own.python = at("python");
}

static int make(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 22);
    e = (struct err){.code = STATUS_OK};
    launch = (struct openai_launch){.base_url = NULL};
    target = (struct engine_target){.is_launched = true};
    own = (struct vllm_settings){.max_num_batched_tokens = 64,
                                 .gpu_memory_utilization = 0.9};
    settings = (struct engine_settings){.model = "org/m",
                                        .max_model_len = 512,
                                        .max_num_seqs = 4,
                                        .own = &own,
                                        .target = &target,
                                        .raw_dir = folder};
    unlink(at("words"));
    unlink(at("server.log"));
    unsetenv("VLLM_CPU_KVCACHE_SPACE");
    unsetenv("VLLM_CPU_OMP_THREADS_BIND");
    return 0;
}

static int drop(void **state)
{
    (void)state;
    openai_launch_stop(&launch);
    arena_fini(&arena);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    folder_fixture_make(folder);
    folder_fixture_remove_at_exit(folder);
    return 0;
}

/* A file that the stand-in writes, once it is there. */
static const char *written(const char *name)
{
    struct buf text;
    struct err ignored;
    struct instant limit = clock_after(clock_now(), clock_seconds(PATIENT));
    buf_init(&text, 1 << 20);
    while (file_read(at(name), &text, &ignored) != STATUS_OK) {
        assert_true(clock_before(clock_now(), limit));
        clock_sleep_until(clock_after(clock_now(), clock_seconds(0.01)));
    }
    const char *out = arena_strdup(&arena, buf_cstr(&text));
    buf_fini(&text);
    return out;
}

static void begin(void)
{
    assert_int_equal(openai_launch_start(&settings, &arena, &launch, &e), STATUS_OK);
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in: %s", part, text);
}

static void words_of_a_gpu(void **state)
{
    (void)state;
    const char *args[] = {"block_size=32", "enforce_eager=true",
                          "async_scheduling=false"};
    const char *rest[] = {"--max-num-seqs", "6"};
    settings.enable_prefix_caching = true;
    own.engine_args = (struct opt_strings){args, 3};
    settings.rest = (struct opt_strings){rest, 2};
    interpreter("0.32.0", false, "sleep 100");
    begin();
    const char *words = written("words");
    has(words, "-m vllm.entrypoints.openai.api_server --host 127.0.0.1 --port ");
    has(words, strrchr(launch.base_url, ':') + 1);
    has(words, "--model org/m --max-model-len 512 --max-num-seqs 4 "
               "--max-num-batched-tokens 64 --seed 0");
    has(words, "--gpu-memory-utilization 0.9 --generation-config vllm "
               "--enable-prompt-tokens-details --enable-prefix-caching");
    has(words, "--block-size 32 --enforce-eager --no-async-scheduling --max-num-seqs 6");
    has_not(words, "--dtype");
    has_not(words, "kv-cache");
    has_not(written("env"), "VLLM_CPU_");
    assert_string_equal(launch.hardware_type, "gpu");
    assert_null(launch.dtype);
}

/* vLLM's own variables ask for its Rust front-end. */
static void words_of_the_rust_front_end(void **state)
{
    (void)state;
    setenv("VLLM_USE_RUST_FRONTEND", "1", 1);
    interpreter("0.32.0", false, "sleep 100");
    assert_int_equal(openai_launch_start(&settings, &arena, &launch, &e),
                     STATUS_NOT_FOUND);
    has(e.what, "no Rust front-end");
    has(e.hint, "VLLM_RUST_FRONTEND_PATH");
    rust = "\"/bin/true\"";
    interpreter("0.33.0", false, "sleep 100");
    begin();
    has(written("words"), "vllm.entrypoints.cli.main");
    has(written("words"), " serve org/m --host 127.0.0.1");
    has_not(written("words"), "--model ");
    has(written("env"), "VLLM_RUST_FRONTEND_PATH=/bin/true\n");
    openai_launch_stop(&launch);
    unlink(at("words"));
    setenv("VLLM_USE_RUST_FRONTEND", "0", 1);
    begin();
    has(written("words"), "vllm.entrypoints.openai.api_server");
    openai_launch_stop(&launch);
    unlink(at("words"));
    unlink(at("env"));
    unsetenv("VLLM_USE_RUST_FRONTEND");
    setenv("VLLM_RUST_FRONTEND_PATH", "/bin/false", 1);
    begin();
    has(written("words"), "vllm.entrypoints.cli.main");
    has(written("env"), "VLLM_RUST_FRONTEND_PATH=/bin/false\n");
    unsetenv("VLLM_RUST_FRONTEND_PATH");
    rust = "null";
}

static void words_of_neuron(void **state)
{
    (void)state;
    const char *rest[] = {"--tensor-parallel-size", "2"};
    neuron = "\"0.4.1\"";
    interpreter("0.13.0", false, "sleep 100");
    begin();
    has(written("words"), "--tensor-parallel-size 8");
    assert_string_equal(launch.hardware_type, "neuron");
    openai_launch_stop(&launch);
    unlink(at("words"));
    settings.rest = (struct opt_strings){rest, 2};
    begin();
    has_not(written("words"), "--tensor-parallel-size 8");
    neuron = "null";
}

static void words_of_a_cpu(void **state)
{
    (void)state;
    interpreter("0.32.0", true, "sleep 100");
    begin();
    const char *words = written("words"), *env = written("env");
    has(words, "--dtype float32");
    has(words, "--kv-cache-memory-bytes 67108864");
    has(words, "--no-enable-prefix-caching");
    has_not(words, "gpu-memory-utilization");
    has(env, "VLLM_CPU_OMP_THREADS_BIND=0,2\n");
    has_not(env, "VLLM_CPU_KVCACHE_SPACE=");
    assert_string_equal(launch.hardware_type, "cpu");
    assert_string_equal(launch.dtype, "float32");
}

static void what_the_user_chose_stays(void **state)
{
    (void)state;
    const char *rest[] = {"--num_gpu_blocks_override=9", "--dtype", "bfloat16"};
    settings.rest = (struct opt_strings){rest, 3};
    setenv("VLLM_CPU_OMP_THREADS_BIND", "1", 1);
    interpreter("0.32.0", true, "sleep 100");
    begin();
    has_not(written("words"), "--kv-cache-memory-bytes");
    has(written("env"), "VLLM_CPU_OMP_THREADS_BIND=1\n");
    assert_string_equal(launch.dtype, "bfloat16");
}

static void an_old_vllm_takes_whole_gib(void **state)
{
    (void)state;
    interpreter("0.13.0", true, "sleep 100");
    begin();
    has_not(written("words"), "--kv-cache-memory-bytes");
    has(written("env"), "VLLM_CPU_KVCACHE_SPACE=1\n");
}

static void the_key_goes_by_the_environment(void **state)
{
    (void)state;
    target.api_key = KEY;
    interpreter("0.32.0", false, "sleep 100");
    begin();
    has_not(written("words"), KEY);
    has(written("env"), "VLLM_API_KEY=" KEY "\n");
    has(written("env"), "VLLM_SERVER_DEV_MODE=1\n");
}

static void a_command_of_the_users(void **state)
{
    (void)state;
    interpreter("none", false, "sleep 100");
    target.launch_command = arena_printf(
        &arena, "%s  serve 'two words' --port={port} \"--model={model}\"", at("python"));
    begin();
    has(written("words"), "serve two words --port=");
    has(written("words"), strrchr(launch.base_url, ':') + 1);
    has(written("words"), "--model=org/m");
    assert_string_equal(launch.hardware_type, "unknown");
}

static bool died(const char *stage)
{
    return openai_launch_has_died(&launch, clock_seconds(PATIENT), stage, &e);
}

static void why_it_did_not_start(void **state)
{
    (void)state;
    interpreter("0.32.0", false,
                "echo '(EngineCore pid=7) ValueError: To serve at least one request x'\n"
                "echo 'RuntimeError: Engine core initialization failed.'; exit 1");
    begin();
    assert_true(died("starting"));
    assert_int_equal(e.code, STATUS_ENGINE);
    has(e.what, "the KV cache is too small for one request");
    has(e.hint, "server.log");
}

static void who_is_killed_says_nothing(void **state)
{
    (void)state;
    interpreter("0.32.0", false, "echo 'KeyError: harmless'; kill -9 $$");
    begin();
    assert_true(died("running"));
    assert_int_equal(e.code, STATUS_DIED);
    has(e.what, "the server was killed by signal 9 (Killed) while running");
}

static void an_end_without_a_word(void **state)
{
    (void)state;
    interpreter("0.32.0", false, "exit 7");
    begin();
    assert_true(died("starting"));
    has(e.what, "the server ended (exit status 7) while starting");
}

/* What we chose is not blamed on the user. */
static void a_dtype_of_ours_that_the_model_cannot_have(void **state)
{
    (void)state;
    static const char *const logs[] = {
        ("echo 'ValueError: torch.float32 is not supported for quantization method awq.'"
         "; exit 1"),
        "echo 'ValueError: The model type gemma7 does not support float32'; exit 1",
        "echo 'RuntimeError: expected scalar type of another dtype'; exit 1"};
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        own.dtype = NULL;
        interpreter("0.32.0", true, logs[i]);
        begin();
        assert_true(died("starting"));
        has(e.hint, "float32 is inferbench's own choice");
        has(e.hint, "--dtype auto");
        has(e.hint, "server.log");
        openai_launch_stop(&launch);
        own.dtype = "float32"; /* the user's */
        begin();
        assert_true(died("starting"));
        has_not(e.hint, "is inferbench's own choice on a CPU: give");
        openai_launch_stop(&launch);
    }
    own.dtype = NULL;
    interpreter("0.32.0", true, "echo 'ValueError: no such thing'; exit 1");
    begin();
    assert_true(died("starting"));
    has_not(e.hint, "float32");
}

static void one_that_lives_has_not_died(void **state)
{
    (void)state;
    struct openai_launch none = {.base_url = NULL};
    interpreter("0.32.0", false, "sleep 100");
    begin();
    assert_false(openai_launch_has_died(&launch, clock_seconds(0), "running", &e));
    assert_false(openai_launch_has_died(&none, clock_seconds(0), "running", &e));
}

static void facts_of_log_and_words(void **state)
{
    (void)state;
    struct engine_facts facts = {.hardware_type = "unknown"};
    own.load_format = "dummy";
    interpreter("0.32.0", false,
                "echo 'Model loading took 2.0 GiB'; echo 'compilation: 7.5 s'\n"
                "echo 'CPU KV cache size: 32,768 tokens'; exit 0");
    begin();
    (void)written("words");
    assert_true(died("starting"));
    facts.fields.v[FIELD_engine_mode] = value_str("inproc"); /* read back: stays */
    openai_launch_ready(&launch, &settings, &facts);
    struct value *f = facts.fields.v;
    assert_true(f[FIELD_weights_mb].n > 2147 && f[FIELD_weights_mb].n < 2148);
    assert_true(f[FIELD_compile_time_s].n == 7.5);
    assert_string_equal(f[FIELD_weights].s, "dummy");
    assert_int_equal(f[FIELD_max_num_seqs].i, 4);
    assert_int_equal(f[FIELD_kv_cache_tokens].i, 32768);
    assert_string_equal(f[FIELD_engine_mode].s, "inproc");
    assert_string_equal(facts.hardware_type, "gpu");
    assert_false(facts.is_caching);
    assert_int_equal(facts.root_pid, launch.proc.child_pid);
    /* what was logged before explains nothing that comes */
    assert_true(launch.log_from > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words_of_a_gpu, make, drop),
        cmocka_unit_test_setup_teardown(words_of_the_rust_front_end, make, drop),
        cmocka_unit_test_setup_teardown(words_of_neuron, make, drop),
        cmocka_unit_test_setup_teardown(words_of_a_cpu, make, drop),
        cmocka_unit_test_setup_teardown(what_the_user_chose_stays, make, drop),
        cmocka_unit_test_setup_teardown(an_old_vllm_takes_whole_gib, make, drop),
        cmocka_unit_test_setup_teardown(the_key_goes_by_the_environment, make, drop),
        cmocka_unit_test_setup_teardown(a_command_of_the_users, make, drop),
        cmocka_unit_test_setup_teardown(why_it_did_not_start, make, drop),
        cmocka_unit_test_setup_teardown(who_is_killed_says_nothing, make, drop),
        cmocka_unit_test_setup_teardown(an_end_without_a_word, make, drop),
        cmocka_unit_test_setup_teardown(a_dtype_of_ours_that_the_model_cannot_have, make,
                                        drop),
        cmocka_unit_test_setup_teardown(one_that_lives_has_not_died, make, drop),
        cmocka_unit_test_setup_teardown(facts_of_log_and_words, make, drop),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
