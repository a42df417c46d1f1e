/* vllm.c and vllm_link.c against captured dialogues of real vLLM, played by a stand-in
 * interpreter, and against dialogues that go wrong. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engines/registry.h"
#include "engines/vllm_settings.h"

#define IDS 300

static char folder[] = "/tmp/test_vllm_XXXXXX"; /* engine.log and made dialogues */
static char stand_in[4096];
static int32_t shared[IDS * 4];

static void transcript_path(const char *name, char *out, size_t size)
{
    const char *root = getenv("INFERBENCH_SOURCE_ROOT");
    snprintf(out, size, "%s/tests/transcripts/vllm/%s", root != NULL ? root : "..", name);
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < IDS * 4; i++)
        shared[i] = 16 + i * 7919 % 480;
    transcript_path("stand-in", stand_in, sizeof stand_in);
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char path[4096];
    const char *names[] = {"engine.log", "dialogue", "seen"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static struct vllm_settings own;

static struct engine_settings settings(void)
{
    own = (struct vllm_settings){
        .python = stand_in, .engine_mode = "mp", .max_num_batched_tokens = 2048};
    return (struct engine_settings){.model = "tiny",
                                    .own = &own,
                                    .max_model_len = 1024,
                                    .max_num_seqs = 8,
                                    .temperature = 0.7,
                                    .top_p = 0.9,
                                    .timeout_s = 60,
                                    .raw_dir = folder};
}

/* Makes a dialogue of these lines and has the stand-in play it. */
static void make_dialogue(const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/engine.log", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/dialogue", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    setenv("STAND_IN", path, 1);
}

/* Lines most made dialogues begin with: a loaded engine. */
#define LOADED                                                                      \
    "{\"from\":{\"ev\":\"hello\"}}\n{\"to\":{\"op\":\"open\"}}\n"                   \
    "{\"from\":{\"ev\":\"stage\",\"name\":\"loading\"}}\n"                          \
    "{\"from\":{\"ev\":\"ready\",\"engine_version\":\"0.20.1\",\"is_tried\":false," \
    "\"vocab_size\":512,\"block_size\":16,\"device\":\"cuda\",\"notes\":[\"n\"],"   \
    "\"stop_token_ids\":[2,7]}}\n"
#define BATCH_OF_1 "{\"to\":{\"op\":\"batch\",\"requests\":[1]}}\n"

static struct engine *open_or_fail(const struct engine_settings *s,
                                   struct engine_facts *f)
{
    struct engine *en = NULL;
    struct err e = {0};
    if (engine_vllm.open(s, NULL, &en, f, &e) != STATUS_OK) {
        print_error("%s: %s. %s\n", e.where, e.what, e.hint);
        fail();
    }
    return en;
}

static void submit(struct engine *en, int32_t index, size_t ids)
{
    struct engine_lane *lane = NULL;
    struct err e;
    struct engine_request r = {
        .index = index, .ids = shared, .id_count = ids, .max_tokens = 4};
    assert_int_equal(engine_vllm.lane_new(en, &lane, &e), STATUS_OK);
    assert_int_equal(engine_vllm.submit(lane, &r, &e), STATUS_OK);
}

/* What a batch gave, by request. */
struct outcome {
    int64_t due_ns, sent_ns[4], last_ns[4], tokens[4], cached[4], prefill_ns[4];
    int events[4], done, failed;
    enum fail_class fail[4];
    char text[4][256];
};

static void note(struct outcome *o, const struct event *ev)
{
    int r = ev->request;
    assert_in_range(r, 0, 3);
    if (ev->kind == EVENT_DUE) {
        o->due_ns = ev->at.ns;
    } else if (ev->kind == EVENT_SENT) {
        assert_true(ev->at.ns >= o->due_ns && o->due_ns > 0);
        o->sent_ns[r] = o->last_ns[r] = ev->at.ns;
    } else if (ev->kind == EVENT_TOKENS) {
        assert_true(ev->at.ns >= o->last_ns[r]);
        o->last_ns[r] = ev->at.ns;
        o->tokens[r] += ev->tokens;
        o->events[r]++;
    } else if (ev->kind == EVENT_DONE) {
        o->done++;
        o->cached[r] = ev->tokens_cached;
        o->prefill_ns[r] = ev->prefill_ns;
        assert_int_equal(ev->tokens_out, o->tokens[r]);
        assert_int_equal(ev->at.ns, o->last_ns[r]);
    } else {
        o->failed++;
        o->fail[r] = ev->fail;
        snprintf(o->text[r], sizeof o->text[r], "%s", ev->text);
    }
}

/* Runs what was submitted until `count` requests have ended. */
static enum status run(struct engine *en, int count, size_t cap, struct outcome *o,
                       struct err *e)
{
    struct engine_lane *lane = NULL;
    *o = (struct outcome){0};
    assert_int_equal(engine_vllm.lane_new(en, &lane, e), STATUS_OK);
    while (o->done + o->failed < count) {
        struct event events[64];
        size_t n = 0;
        struct instant soon = clock_after(clock_now(), clock_seconds(0.05));
        struct event_list list = {.items = events, .cap = cap};
        enum status st = engine_vllm.next(lane, soon, NULL, &list, e);
        n = list.count;
        if (st != STATUS_OK)
            return st;
        for (size_t i = 0; i < n; i++)
            note(o, &events[i]);
    }
    return STATUS_OK;
}

static void check_facts(const struct engine_facts *f, const char *version,
                        const char *mode)
{
    assert_int_equal(f->vocab_size, 512);
    assert_int_equal(f->block_size, 128);
    assert_true(f->is_caching);
    assert_true(f->root_pid > 1);
    assert_string_equal(f->hardware_type, "cpu");
    assert_string_equal(f->python, stand_in);
    assert_string_equal(field_str(&f->fields, FIELD_engine_version), version);
    assert_string_equal(field_str(&f->fields, FIELD_engine_mode), mode);
    assert_string_equal(field_str(&f->fields, FIELD_quantization), "none");
    assert_string_equal(field_str(&f->fields, FIELD_weights), "dummy");
    assert_true(field_num(&f->fields, FIELD_load_time_s) > 0);
    for (int i = 0; i < FIELD_COUNT; i++) { /* what the engine tells is never null */
        bool is_ours = i == FIELD_engine || i == FIELD_engine_args ||
                       i == FIELD_settings_sha256;
        if (field_table[i].role == ROLE_SETTING && !is_ours &&
            !value_is_known(f->fields.v[i]))
            fail_msg("%s is null", field_table[i].name);
    }
}

/* state: {file, version, mode}; the dialogue was captured by
 * tests/e2e/worker_harness.py. */
static void captured_dialogue(void **state)
{
    const char *const *what = *state;
    char path[4096];
    struct engine_facts facts;
    struct outcome o;
    struct err e;
    bool is_reset = false;
    struct engine_settings s = settings();
    transcript_path(what[0], path, sizeof path);
    setenv("STAND_IN", path, 1);
    struct engine *en = open_or_fail(&s, &facts);
    check_facts(&facts, what[1], what[2]);
    for (int repeat = 0; repeat < 2; repeat++) {
        struct row row = {0};
        submit(en, 0, 300);
        submit(en, 1, 256);
        submit(en, 2, 257);
        assert_int_equal(run(en, 3, repeat == 0 ? 64 : 1, &o, &e), STATUS_OK);
        assert_int_equal(o.done, 3);
        for (int r = 0; r < 3; r++) {
            assert_int_equal(o.tokens[r], 4);
            assert_true(o.prefill_ns[r] > 0);
        }
        assert_int_equal(o.cached[0], repeat == 0 ? 0 : 256);
        assert_int_equal(o.cached[1], 128);
        assert_int_equal(o.cached[2], 256);
        assert_int_equal(engine_vllm.counters(en, &row, &e), STATUS_OK);
        assert_true(field_num(&row, FIELD_kv_usage_max) > 0);
        assert_true(field_num(&row, FIELD_preemptions) == 0);
        assert_string_equal(field_str(&row, FIELD_cache_source), "engine");
    }
    assert_int_equal(engine_vllm.reset_prefix(en, &is_reset, &e), STATUS_OK);
    assert_true(is_reset);
    submit(en, 0, 300);
    submit(en, 1, 1200);
    assert_int_equal(run(en, 2, 64, &o, &e), STATUS_OK);
    assert_int_equal(o.tokens[0], 3);
    assert_int_equal(o.cached[0], 0);
    assert_int_equal(o.fail[1], FAIL_refused);
    assert_non_null(strstr(o.text[1], "longer than the maximum model length"));
    struct engine_text texts[] = {{.text = "ab"}, {.text = "hello"}};
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_int_equal(engine_vllm.tokenize(en, texts, 2, &a, &e), STATUS_OK);
    assert_int_equal(texts[0].id_count, 1);
    assert_true(texts[1].id_count > 1 && texts[1].ids[0] >= 5);
    arena_fini(&a);
    engine_vllm.close(en);
}

static void several_tokens_in_one_event_are_counted(void **state)
{
    (void)state;
    struct engine_facts facts;
    struct outcome o;
    struct err e;
    struct engine_settings s = settings();
    make_dialogue(
        LOADED BATCH_OF_1
        "{\"from\":{\"ev\":\"request\",\"index\":3,\"sent_ns\":1000,"
        "\"t_ns\":[2000,3000,4000],"
        "\"several\":[[1,5]],\"events\":3,\"output_tokens\":7,\"finish_reason\":\"stop\","
        "\"prompt_tokens\":9,\"cached_tokens\":null,\"scheduled_ns\":null}}\n"
        "{\"from\":{\"ev\":\"batch_end\",\"due_ns\":900,\"end_ns\":4100}}\n");
    struct engine *en = open_or_fail(&s, &facts);
    assert_string_equal(facts.hardware_type, "gpu");
    assert_string_equal(facts.notes,
                        "vLLM 0.20.1 is untested with this inferbench, trying it; n");
    submit(en, 3, 9);
    assert_int_equal(run(en, 1, 64, &o, &e), STATUS_OK);
    assert_int_equal(o.tokens[3], 7);
    assert_int_equal(o.events[3], 3);
    assert_int_equal(o.cached[3], TOKENS_UNKNOWN);
    assert_true(o.prefill_ns[3] == NS_UNKNOWN);
    struct row row = {0};
    assert_int_equal(engine_vllm.counters(en, &row, &e), STATUS_OK);
    assert_false(value_is_known(row.v[FIELD_preemptions]));
    engine_vllm.close(en);
}

/* All events of a batch of one request, which the worker tells so; how many. */
static size_t events_of(const char *request, struct event out[16], struct row *counters)
{
    struct engine_facts facts;
    struct engine_lane *lane = NULL;
    struct err e;
    struct engine_settings s = settings();
    char dialogue[4096];
    snprintf(dialogue, sizeof dialogue,
             LOADED BATCH_OF_1 "{\"from\":{\"ev\":\"request\",%s}}\n"
                               "{\"from\":{\"ev\":\"batch_end\",\"due_ns\":900,"
                               "\"end_ns\":4100,\"preemptions\":-3}}\n",
             request);
    make_dialogue(dialogue);
    struct engine *en = open_or_fail(&s, &facts);
    submit(en, 3, 9);
    assert_int_equal(engine_vllm.lane_new(en, &lane, &e), STATUS_OK);
    struct event_list list = {.items = out, .cap = 16};
    for (struct instant end = clock_after(clock_now(), clock_seconds(60));
         list.count == 0 && clock_before(clock_now(), end);)
        assert_int_equal(engine_vllm.next(lane,
                                          clock_after(clock_now(), clock_seconds(0.05)),
                                          NULL, &list, &e),
                         STATUS_OK);
    assert_int_equal(engine_vllm.counters(en, counters, &e), STATUS_OK);
    engine_vllm.close(en);
    return list.count;
}

/* Numbers that cannot be are unknown, and no arithmetic is done with them. */
static void numbers_that_cannot_be(void **state)
{
    (void)state;
    struct event ev[16];
    struct row row = {0};
    assert_true(events_of("\"index\":4294967299,\"t_ns\":[2000]", ev, &row) > 1);
    assert_int_equal(ev[1].request, -1); /* not 3 */
    assert_false(value_is_known(row.v[FIELD_preemptions]));
    size_t n = events_of("\"index\":3,\"sent_ns\":-9223372036854775807,"
                         "\"t_ns\":[2000,3000],\"several\":[[1,99999999999]],"
                         "\"output_tokens\":-7,\"finish_reason\":\"stop\","
                         "\"prompt_tokens\":1e300,\"cached_tokens\":99999999999,"
                         "\"scheduled_ns\":-9223372036854775807,"
                         "\"first_ns\":9223372036854775807,\"last_ns\":5",
                         ev, &row);
    assert_int_equal(n, 5); /* due, sent, two of tokens, the end */
    assert_true(ev[1].kind == EVENT_SENT && ev[1].at.ns == 900); /* when it was due */
    assert_true(ev[2].tokens == 1 && ev[3].tokens == TOKENS_UNKNOWN);
    assert_int_equal(ev[4].kind, EVENT_DONE);
    assert_int_equal(ev[4].tokens_in, TOKENS_UNKNOWN);
    assert_int_equal(ev[4].tokens_out, TOKENS_UNKNOWN);
    assert_int_equal(ev[4].tokens_cached, TOKENS_UNKNOWN);
    assert_true(ev[4].prefill_ns == NS_UNKNOWN && ev[4].decode_ns == NS_UNKNOWN);
    n = events_of("\"index\":3,\"sent_ns\":1000,\"t_ns\":[2000,-5],"
                  "\"finish_reason\":\"stop\"",
                  ev, &row);
    assert_int_equal(n, 3);
    assert_true(ev[2].kind == EVENT_FAILED && ev[2].fail == FAIL_engine);
}

/* A text of what the stand-in was sent. */
static void read_seen(char *out, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/seen", folder);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : 0;
    out[n > 0 ? n : 0] = 0;
    close(fd);
    unlink(path);
}

static void settings_reach_the_worker(void **state)
{
    (void)state;
    char seen[8192], path[4096];
    struct engine_facts facts;
    struct outcome o;
    struct err e;
    const char *args[] = {"block_size=32", "enforce_eager", "x=a=b"};
    const char *rest[] = {"--quantization", "awq"};
    struct engine_settings s = settings();
    own.dtype = "bfloat16";
    own.load_format = "dummy";
    s.seed = 5;
    s.enable_prefix_caching = true;
    s.stop_at_eos = true;
    own.engine_args = (struct opt_strings){args, 3};
    s.rest = (struct opt_strings){rest, 2};
    snprintf(path, sizeof path, "%s/seen", folder);
    setenv("STAND_IN_SEEN", path, 1);
    make_dialogue(LOADED BATCH_OF_1
                  "{\"from\":{\"ev\":\"refused\",\"index\":0,\"text\":\"no\"}}\n"
                  "{\"from\":{\"ev\":\"batch_end\",\"due_ns\":900,\"end_ns\":4100}}\n");
    struct engine *en = open_or_fail(&s, &facts);
    submit(en, 0, 3);
    assert_int_equal(run(en, 1, 64, &o, &e), STATUS_OK);
    engine_vllm.close(en);
    unsetenv("STAND_IN_SEEN");
    read_seen(seen, sizeof seen);
    const char *wanted[] = {"\"dtype\": \"bfloat16\"",
                            "\"load_format\": \"dummy\"",
                            "\"max_model_len\": 1024",
                            "\"max_num_seqs\": 8",
                            "\"max_num_batched_tokens\": 2048",
                            "\"seed\": 5",
                            "\"enable_prefix_caching\": true",
                            "\"block_size\": \"32\"",
                            "\"enforce_eager\": \"true\"",
                            "\"x\": \"a=b\"",
                            "\"cli_args\": [\"--quantization\", \"awq\"]",
                            "\"need_tokenizer\": false",
                            "\"temperature\": 0.7",
                            "\"top_p\": 0.9",
                            "\"ignore_eos\": false",
                            "\"stop_token_ids\": [2, 7]",
                            "\"ids\": [16, 255, 494]",
                            "\"max_tokens\": 4"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (strstr(seen, wanted[i]) == NULL)
            fail_msg("%s is not in %s", wanted[i], seen);
}

/* state: {dialogue, stage of failure, part of what, part of hint}. */
struct trouble {
    const char *dialogue;
    bool in_batch;
    enum status code;
    const char *what, *hint;
    double timeout_s;
};

static void trouble_is_explained(void **state)
{
    const struct trouble *t = *state;
    struct engine *en = NULL;
    struct engine_facts facts;
    struct outcome o;
    struct err e = {0};
    struct engine_settings s = settings();
    s.timeout_s = t->timeout_s > 0 ? t->timeout_s : 60;
    make_dialogue(t->dialogue);
    enum status st = engine_vllm.open(&s, NULL, &en, &facts, &e);
    if (t->in_batch) {
        assert_int_equal(st, STATUS_OK);
        submit(en, 0, 10);
        st = run(en, 1, 64, &o, &e);
        assert_int_equal(e.code, st);
        assert_int_equal(o.done, 0);
    }
    if (st != t->code || strstr(e.what, t->what) == NULL ||
        strstr(e.hint, t->hint) == NULL)
        fail_msg("status %d: %s. %s", (int)st, e.what, e.hint);
    assert_true(strstr(e.hint, "engine.log") != NULL);
    struct err again;
    if (en != NULL) { /* the dead stay dead, and closing is quick and quiet */
        submit(en, 0, 10);
        assert_int_equal(run(en, 1, 64, &o, &again), STATUS_DIED);
    }
    engine_vllm.close(en);
}

static bool stop_now(void *arg)
{
    int *calls = arg;
    return ++*calls > 3;
}

static void a_stop_interrupts_opening(void **state)
{
    (void)state;
    int calls = 0;
    struct engine *en = NULL;
    struct engine_facts facts;
    struct err e;
    struct engine_settings s = settings();
    const struct engine_watch watch = {.stop = stop_now, .arg = &calls};
    make_dialogue("{\"from\":{\"ev\":\"hello\"}}\n{\"do\":\"hang\"}\n");
    assert_int_equal(engine_vllm.open(&s, &watch, &en, &facts, &e), STATUS_INTERRUPTED);
    assert_null(en);
    assert_true(calls > 3);
}

struct seen_progress {
    char stages[256];
    int64_t tokens;
};

static void look(void *arg, const struct engine_progress *p)
{
    struct seen_progress *seen = arg;
    if (strstr(seen->stages, p->stage) == NULL) {
        size_t n = strlen(seen->stages);
        snprintf(seen->stages + n, sizeof seen->stages - n, "%s,", p->stage);
    }
    seen->tokens = p->tokens_out > seen->tokens ? p->tokens_out : seen->tokens;
}

static void progress_is_shown(void **state)
{
    (void)state;
    struct seen_progress seen = {0};
    struct engine *en = NULL;
    struct engine_facts facts;
    struct engine_lane *lane = NULL;
    struct err e;
    struct event events[8];
    size_t n = 0;
    struct engine_settings s = settings();
    const struct engine_watch watch = {.tick = look, .arg = &seen};
    make_dialogue("{\"from\":{\"ev\":\"stage\",\"name\":\"downloading\"}}\n"
                  "{\"do\":\"sleep 0.3\"}\n" LOADED BATCH_OF_1
                  "{\"beat\":[5,40,2]}\n{\"do\":\"sleep 0.4\"}\n"
                  "{\"from\":{\"ev\":\"refused\",\"index\":0,\"text\":\"no\"}}\n"
                  "{\"from\":{\"ev\":\"batch_end\",\"due_ns\":900,\"end_ns\":4100}}\n");
    assert_int_equal(engine_vllm.open(&s, &watch, &en, &facts, &e), STATUS_OK);
    assert_non_null(strstr(seen.stages, "downloading,"));
    submit(en, 0, 3);
    assert_int_equal(engine_vllm.lane_new(en, &lane, &e), STATUS_OK);
    for (int i = 0; i < 200 && n == 0; i++) {
        struct instant soon = clock_after(clock_now(), clock_seconds(0.05));
        struct event_list list = {.items = events, .cap = 8};
        assert_int_equal(engine_vllm.next(lane, soon, &watch, &list, &e), STATUS_OK);
        n = list.count;
    }
    assert_non_null(strstr(seen.stages, "running,"));
    assert_int_equal(seen.tokens, 40);
    engine_vllm.close(en);
}

#define ERROR(type, text)                                                                \
    "{\"from\":{\"ev\":\"error\",\"where\":\"x\",\"type\":\"" type "\",\"text\":\"" text \
    "\"}}\n{\"do\":\"exit 1\"}\n"
#define OPENING "{\"from\":{\"ev\":\"hello\"}}\n{\"to\":{\"op\":\"open\"}}\n"

static const struct trouble troubles[] = {
    {OPENING ERROR("BadArgument", "engine argument 'max_num_seq' is unknown"), false,
     STATUS_BAD_OPTION, "'max_num_seq' is unknown", "--engine-arg", 0},
    {OPENING ERROR("FileNotFoundError", "model folder /x does not exist"), false,
     STATUS_NOT_FOUND, "model folder /x", "spelling of --model", 0},
    {OPENING "{\"log\":\"ValueError: To serve at least one request with x\"}\n" ERROR(
         "RuntimeError", "Engine core initialization failed."),
     false, STATUS_ENGINE, "KV cache is too small for one request", "--max-model-len", 0},
    {OPENING
     "{\"from\":{\"ev\":\"stage\",\"name\":\"compiling\"}}\n{\"do\":\"kill 9\"}\n",
     false, STATUS_DIED, "signal 9 (Killed) while compiling", "host's memory", 0},
    {LOADED BATCH_OF_1 "{\"do\":\"kill 9\"}\n", true, STATUS_DIED,
     "signal 9 (Killed) while running", "dmesg", 0},
    {LOADED BATCH_OF_1 "{\"do\":\"kill 11\"}\n", true, STATUS_DIED, "signal 11", "log",
     0},
    {LOADED BATCH_OF_1 "{\"do\":\"exit 3\"}\n", true, STATUS_DIED, "exit status 3", "log",
     0},
    {LOADED BATCH_OF_1 ERROR("OutOfMemoryError", "CUDA out of memory. Tried to allocate"),
     true, STATUS_ENGINE, "out of device memory: CUDA", "smaller --batch-sizes", 0},
    {LOADED BATCH_OF_1 "{\"beat\":[1,1,0]}\n{\"do\":\"hang\"}\n", true, STATUS_TIMEOUT,
     "no token for", "--engine-timeout", 0.5},
    {OPENING ERROR("OddError", "never heard of"), false, STATUS_ENGINE,
     "OddError: never heard of", "nothing into its log", 0},
};

int main(void)
{
    static const char *mp32[] = {"0.32-mp.jsonl", "0.32.0", "mp"};
    static const char *in32[] = {"0.32-inproc.jsonl", "0.32.0", "inproc"};
    static const char *mp13[] = {"0.13-mp.jsonl", "0.13.0", "mp"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(captured_dialogue, mp32),
        cmocka_unit_test_prestate(captured_dialogue, in32),
        cmocka_unit_test_prestate(captured_dialogue, mp13),
        cmocka_unit_test(several_tokens_in_one_event_are_counted),
        cmocka_unit_test(numbers_that_cannot_be),
        cmocka_unit_test(settings_reach_the_worker),
        cmocka_unit_test(a_stop_interrupts_opening),
        cmocka_unit_test(progress_is_shown),
#define TROUBLE(i) cmocka_unit_test_prestate(trouble_is_explained, (void *)&troubles[i])
        TROUBLE(0),
        TROUBLE(1),
        TROUBLE(2),
        TROUBLE(3),
        TROUBLE(4),
        TROUBLE(5),
        TROUBLE(6),
        TROUBLE(7),
        TROUBLE(8),
        TROUBLE(9),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
