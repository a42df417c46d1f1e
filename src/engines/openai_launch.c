#include "engines/openai_launch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/words.h"
#include "embed.h"
#include "engines/given.h"
#include "engines/model_dir.h"
#include "engines/openai_log.h"
#include "engines/vllm_errors.h"
#include "engines/vllm_python.h"
#include "engines/vllm_settings.h"
#include "net/sock.h"
#include "probe/neuron_meter.h"
#include "text/json.h"

#define WORDS_MAX     256
#define STOP_GRACE_S  10.0
#define CPU_TIMEOUT_S 30
#define CPU_CAP_BYTES ((size_t)64 << 10)
#define DEATH_POLL_S  0.02
#define MB_A_GIB      1073.741824

/* A command line that is being put together. */
struct words {
    struct arena *arena;
    const char *items[WORDS_MAX + 1];
    size_t count;
    bool is_full;
};

static void add(struct words *w, const char *word)
{
    if (word == NULL || w->count == WORDS_MAX)
        w->is_full = true;
    else
        w->items[w->count++] = word;
}

static void add_pair(struct words *w, const char *name, const char *value)
{
    if (value == NULL)
        return;
    add(w, name);
    add(w, value);
}

static void add_int(struct words *w, const char *name, int64_t value)
{
    add_pair(w, name, arena_printf(w->arena, "%lld", (long long)value));
}

/* "key=value" as an option: --key value; true and false as flags. */
static void add_engine_arg(struct words *w, const char *pair)
{
    struct str key;
    const char *value = vllm_settings_pair(pair, &key);
    char *name = arena_printf(w->arena, "--%.*s", (int)key.len, key.ptr);
    for (char *c = name; c != NULL && *c != '\0'; c++)
        if (*c == '_')
            *c = '-';
    if (name == NULL)
        w->is_full = true;
    else if (value == NULL || strcasecmp(value, "true") == 0)
        add(w, name);
    else if (strcasecmp(value, "false") == 0)
        add(w, arena_printf(w->arena, "--no-%s", name + 2));
    else
        add_pair(w, name, value);
}

static void add_vllm(struct words *w, const struct engine_settings *s, bool is_cpu)
{
    const struct vllm_settings *v = vllm_settings_of(s);
    add_int(w, "--max-model-len", s->max_model_len);
    add_int(w, "--max-num-seqs", s->max_num_seqs);
    add_int(w, "--max-num-batched-tokens", v->max_num_batched_tokens);
    add_int(w, "--seed", s->seed);
    add_pair(w, "--load-format", v->load_format);
    if (!is_cpu)
        add_pair(w, "--gpu-memory-utilization",
                 arena_printf(w->arena, "%g", v->gpu_memory_utilization));
    add_pair(w, "--generation-config", "vllm");
    add(w, "--enable-prompt-tokens-details");
    add(w, s->enable_prefix_caching ? "--enable-prefix-caching"
                                    : "--no-enable-prefix-caching");
    for (size_t i = 0; i < v->engine_args.count; i++)
        add_engine_arg(w, v->engine_args.items[i]);
    for (size_t i = 0; i < s->rest.count; i++)
        add(w, s->rest.items[i]);
}

/* The value of an option of the server; NULL: not given. */
static const char *value_of(struct words *w, const char *name)
{
    const struct opt_strings words = {w->items, w->count};
    return vllm_settings_find(&words, name);
}

static int64_t int_of(struct words *w, const char *name, int64_t none)
{
    int64_t n;
    const char *text = value_of(w, name);
    return text != NULL && str_to_i64(str_from(text), &n) ? n : none;
}

/* `word` with the first `mark` in it replaced. */
static const char *replaced(struct arena *a, const char *word, const char *mark,
                            const char *by)
{
    const char *at = word != NULL ? strstr(word, mark) : NULL;
    if (at == NULL)
        return word;
    return arena_printf(a, "%.*s%s%s", (int)(at - word), word, by, at + strlen(mark));
}

/* The words of --launch-command, then those of the setting. */
static enum status command_words(const struct engine_settings *s, struct arena *a,
                                 struct words *out, struct err *e)
{
    struct opt_strings command;
    *out = (struct words){.arena = a};
    if (words_cut(s->target->launch_command, "--launch-command", a, &command, e) !=
        STATUS_OK)
        return e->code;
    for (size_t i = 0; i < command.count; i++)
        add(out, command.items[i]);
    for (size_t i = 0; i < s->rest.count; i++)
        add(out, s->rest.items[i]);
    return STATUS_OK;
}

/* {port} and {model} filled in. */
static void fill_in(struct words *w, const char *port, const char *model)
{
    for (size_t i = 0; i < w->count; i++) {
        const char *whole = replaced(w->arena, w->items[i], "{port}", port);
        w->items[i] = replaced(w->arena, whole, "{model}", model != NULL ? model : "");
        w->is_full = w->is_full || w->items[i] == NULL;
    }
}

/* A port that is free now: of a listener that is closed again. */
static enum status free_port(int *port, struct err *e)
{
    struct addr any;
    int fd = -1;
    if (addr_resolve("127.0.0.1", 0, &any, e) != STATUS_OK ||
        sock_listen(&any, &fd, e) != STATUS_OK)
        return e->code;
    *port = sock_port(fd);
    sock_close(&fd);
    return STATUS_OK;
}

/* --- the server's environment */

static void set(struct words *env, const char *name, const char *value)
{
    add(env, arena_printf(env->arena, "%s=%s", name, value));
}

static bool is_unset(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || *value == '\0';
}

/* The key by the environment, never on the command line; development mode has the
 * endpoints that empty the prefix cache and tell the settings. */
static void set_common(struct words *env, const struct engine_settings *s)
{
    char tag[256];
    set(env, "VLLM_SERVER_DEV_MODE", "1");
    set(env, "VLLM_NO_USAGE_STATS", "1");
    set(env, "NEURON_PROCESS_TAG", neuron_meter_tag(tag, sizeof tag));
    if (s->target->api_key != NULL)
        set(env, "VLLM_API_KEY", s->target->api_key);
}

/* What vllm_worker.py gives an offline engine, so that both are comparable: on a "cpu"
 * dtype, KV cache in bytes and CPUs, on "neuron" how it is split; NULL: it does not say.
 * A new reference. */
static json_t *ask_worker(struct words *w, const struct engine_settings *s,
                          const char *device)
{
    const char *folder = model_dir_find(s->model, w->arena);
    json_t *answer = NULL;
    json_t *need = json_pack(
        "{s:s?, s:s?, s:s?, s:I, s:I}", "folder", folder, "dtype", value_of(w, "dtype"),
        "quantization", value_of(w, "quantization"), "max_model_len",
        (json_int_t)int_of(w, "max-model-len", s->max_model_len), "max_num_seqs",
        (json_int_t)int_of(w, "max-num-seqs", s->max_num_seqs));
    struct buf text, out;
    struct err ignored;
    int code = 0;
    buf_init(&text, CPU_CAP_BYTES);
    buf_init(&out, CPU_CAP_BYTES);
    if (json_to_text(need, &text) == STATUS_OK) {
        const char *argv[] = {
            w->items[0],     "-c", (const char *)embed_vllm_worker_py, device,
            buf_cstr(&text), NULL};
        struct span limit = clock_seconds(CPU_TIMEOUT_S);
        if (proc_run(argv, limit, &out, &code, &ignored) == STATUS_OK)
            answer = json_parse(buf_str(&out));
    }
    json_decref(need);
    buf_fini(&text);
    buf_fini(&out);
    return answer;
}

/* The KV cache, unless the user has chosen. vLLM 0.13 knows whole GiB alone. */
static void fit_cache(struct words *w, struct words *env, int64_t bytes,
                      const char *version)
{
    bool has_size = !is_unset("VLLM_CPU_KVCACHE_SPACE") ||
                    value_of(w, "kv-cache-memory-bytes") != NULL ||
                    value_of(w, "gpu-memory-utilization") != NULL ||
                    value_of(w, "num-gpu-blocks-override") != NULL;
    if (has_size || bytes <= 0)
        return;
    if (strncmp(version, "0.13.", 5) != 0)
        add_int(w, "--kv-cache-memory-bytes", bytes);
    else
        set(env, "VLLM_CPU_KVCACHE_SPACE",
            arena_printf(w->arena, "%lld", (long long)(bytes >> 30) + 1));
}

/* Dtype, KV cache and threads on a CPU, unless the user has chosen. */
static void fit_cpu(struct words *w, struct words *env, const struct engine_settings *s,
                    const char *version)
{
    json_t *found = ask_worker(w, s, "cpu");
    const char *dtype = json_str_of(found, "dtype");
    const char *cpus = json_str_of(found, "cpus");
    if (value_of(w, "dtype") == NULL)
        add_pair(w, "--dtype", arena_strdup(w->arena, dtype));
    fit_cache(w, env, json_range_of(found, "kv_bytes", 1, JSON_BYTES_MAX, 0), version);
    if (cpus != NULL && is_unset("VLLM_CPU_OMP_THREADS_BIND") &&
        int_of(w, "tensor-parallel-size", 1) == 1)
        set(env, "VLLM_CPU_OMP_THREADS_BIND", cpus);
    json_decref(found);
}

/* Over how many NeuronCores it is split, unless the user has chosen. */
static void fit_neuron(struct words *w, const struct engine_settings *s)
{
    json_t *found = ask_worker(w, s, "neuron");
    int64_t cores = json_range_of(found, "tensor_parallel_size", 1, 1024, 0);
    if (cores > 0 && value_of(w, "tensor-parallel-size") == NULL)
        add_int(w, "--tensor-parallel-size", cores);
    json_decref(found);
}

/* --- start */

struct command {
    struct words words;
    struct words env;
};

/* The program: vLLM's Python server, or `vllm serve` with its Rust front-end. */
static void add_program(const struct vllm_python *p, const char *rust, const char *model,
                        struct command *c)
{
    add(&c->words, p->path);
    add(&c->words, "-m");
    add(&c->words, rust != NULL ? "vllm.entrypoints.cli.main"
                                : "vllm.entrypoints.openai.api_server");
    if (rust == NULL)
        return;
    add(&c->words, "serve");
    add(&c->words, model);
    set(&c->env, "VLLM_USE_RUST_FRONTEND", "1");
    set(&c->env, "VLLM_RUST_FRONTEND_PATH", rust);
}

static enum status vllm_words(const struct engine_settings *s, const char *port,
                              struct command *c, struct openai_launch *out, struct err *e)
{
    struct words *w = &c->words;
    struct vllm_python python;
    if (vllm_python_find(vllm_settings_python(s), w->arena, &python, e) != STATUS_OK)
        return e->code;
    const char *asked = vllm_settings_of(s)->dtype;
    const char *other = python.neuron != NULL ? "neuron" : "gpu";
    out->hardware_type = python.is_cpu ? "cpu" : other;
    const char *rust;
    if (vllm_python_front_end(&python, &rust, e) != STATUS_OK)
        return e->code;
    if (vllm_guard_make(&out->guard, python.python, w->arena, e) != STATUS_OK)
        return e->code;
    if (out->guard.variable != NULL)
        add(&c->env, out->guard.variable);
    add_program(&python, rust, s->model, c);
    add_pair(w, "--host", "127.0.0.1");
    add_pair(w, "--port", port);
    add_pair(w, "--dtype", asked);
    if (rust == NULL)
        add_pair(w, "--model", s->model);
    add_vllm(w, s, python.is_cpu);
    bool has_dtype = value_of(w, "dtype") != NULL;
    if (python.is_cpu)
        fit_cpu(w, &c->env, s, python.vllm);
    else if (python.neuron != NULL)
        fit_neuron(w, s);
    out->dtype = value_of(w, "dtype");
    out->has_own_dtype = !has_dtype && out->dtype != NULL &&
                         strcmp(out->dtype, "auto") != 0;
    out->max_num_seqs = int_of(w, "max-num-seqs", 0);
    out->kv_bytes = int_of(w, "kv-cache-memory-bytes", 0);
    return STATUS_OK;
}

/* What is given, before it is filled in: which port is free says nothing of it. */
static enum status choose_words(const struct engine_settings *s, const char *port,
                                struct command *c, struct openai_launch *out,
                                struct err *e)
{
    struct arena *a = c->words.arena;
    if (s->target->launch_command == NULL) {
        out->given = given_list(s, a);
        return vllm_words(s, port, c, out, e);
    }
    if (command_words(s, a, &c->words, e) != STATUS_OK)
        return e->code;
    out->is_command = true;
    out->given = given_command(c->words.items, c->words.count, a);
    fill_in(&c->words, port, s->model);
    return STATUS_OK;
}

static size_t size_of_file(const char *path)
{
    struct stat about;
    return path != NULL && stat(path, &about) == 0 ? (size_t)about.st_size : 0;
}

enum status openai_launch_start(const struct engine_settings *s, struct arena *a,
                                struct openai_launch *out, struct err *e)
{
    struct command c = {.words = {.arena = a}, .env = {.arena = a}};
    int port = 0;
    *out = (struct openai_launch){
        .hardware_type = "unknown", .arena = a, .start = clock_now()};
    if (free_port(&port, e) != STATUS_OK)
        return e->code;
    const char *port_text = arena_printf(a, "%d", port);
    set_common(&c.env, s);
    if (choose_words(s, port_text, &c, out, e) != STATUS_OK)
        return e->code;
    out->base_url = arena_printf(a, "http://127.0.0.1:%d", port);
    if (s->raw_dir != NULL)
        out->log_path = arena_printf(a, "%s/server.log", s->raw_dir);
    out->log_from = size_of_file(out->log_path);
    if (c.words.is_full || c.env.is_full || out->base_url == NULL)
        return status_fail(e, STATUS_TOO_BIG, "--launch",
                           "more than %d words for the server's command line", WORDS_MAX);
    const struct proc_spec spec = {
        .argv = c.words.items, .env = c.env.items, .log_path = out->log_path};
    return proc_start(&spec, &out->proc, e);
}

/* --- what its log tells */

static void log_facts(struct str log, struct row *f)
{
    double weights = openai_log_number(log, "Model loading took ", "GiB");
    double kv = openai_log_number(log, "Available KV cache memory: ", "GiB");
    double compile = openai_log_number(log, "compilation: ", "s");
    if (isnan(compile))
        compile = openai_log_number(log, "torch.compile takes ", "s");
    struct value eager = f->v[FIELD_enforce_eager];
    if (eager.kind == VALUE_BOOL && eager.b)
        compile = 0;
    field_fill(f, FIELD_weights_mb, value_num(weights * MB_A_GIB));
    field_fill(f, FIELD_kv_cache_mb, value_num(kv * MB_A_GIB));
    field_fill(f, FIELD_compile_time_s, value_num(compile));
}

void openai_launch_ready(struct openai_launch *l, const struct engine_settings *s,
                         struct engine_facts *facts)
{
    struct buf log;
    struct row *f = &facts->fields;
    bool is_vllm = s->target->launch_command == NULL;
    facts->root_pid = l->proc.child_pid;
    if (strcmp(facts->hardware_type, "unknown") == 0)
        facts->hardware_type = l->hardware_type;
    if (is_vllm) {
        vllm_errors_read_log(l->log_path, (int64_t)l->log_from, &log);
        if (l->max_num_seqs > 0)
            field_fill(f, FIELD_max_num_seqs, value_int(l->max_num_seqs));
        if (l->kv_bytes > 0)
            field_fill(f, FIELD_kv_cache_mb, value_num((double)l->kv_bytes / 1e6));
        log_facts(buf_str(&log), f);
        openai_log_settings(buf_str(&log), l->arena, f);
        buf_fini(&log);
        if (l->dtype != NULL)
            field_fill(f, FIELD_dtype, value_str(l->dtype));
        field_fill(f, FIELD_engine_mode, value_str("mp"));
        const char *format = vllm_settings_of(s)->load_format;
        if (format != NULL && strcmp(format, "dummy") == 0)
            field_fill(f, FIELD_weights, value_str("dummy"));
        field_fill(f, FIELD_enable_prefix_caching, value_bool(s->enable_prefix_caching));
        facts->is_caching = f->v[FIELD_enable_prefix_caching].b;
    }
    l->log_from = size_of_file(l->log_path);
}

static void explain(struct openai_launch *l, const char *stage, struct err *e)
{
    struct buf log;
    struct vllm_failure f = {.log_path = l->log_path != NULL ? l->log_path : "none",
                             .who = "server",
                             .where = l->is_command ? "--launch-command" : NULL,
                             .stage = stage,
                             .is_running = strcmp(stage, "running") == 0};
    vllm_errors_read_log(l->log_path, (int64_t)l->log_from, &log);
    struct str tail = buf_str(&log);
    (void)proc_has_ended(&l->proc, &f.end);
    f.log_tail = tail.ptr +
                 (tail.len > VLLM_LOG_TAIL_BYTES ? tail.len - VLLM_LOG_TAIL_BYTES : 0);
    (void)vllm_errors_explain(&f, e);
    if (l->has_own_dtype &&
        (strstr(e->what, l->dtype) != NULL || strstr(e->what, "dtype") != NULL))
        (void)status_hint(e,
                          "%s is inferbench's own choice on a CPU: give --dtype auto, or "
                          "one that the model can have. Log: %s",
                          l->dtype, f.log_path);
    buf_fini(&log);
}

bool openai_launch_has_died(struct openai_launch *l, struct span patience,
                            const char *stage, struct err *e)
{
    struct instant limit = clock_after(clock_now(), patience);
    if (l->base_url == NULL || l->proc.guardian_pid == 0)
        return false;
    while (!proc_has_ended(&l->proc, NULL)) {
        if (!clock_before(clock_now(), limit))
            return false;
        clock_sleep_until(clock_after(clock_now(), clock_seconds(DEATH_POLL_S)));
    }
    explain(l, stage, e);
    return true;
}

void openai_launch_stop(struct openai_launch *l)
{
    proc_stop(&l->proc, clock_seconds(STOP_GRACE_S));
    vllm_guard_drop(&l->guard);
}
