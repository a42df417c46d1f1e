#include "engines/openai_launch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "engines/given.h"
#include "engines/model_dir.h"
#include "engines/openai_cpu.h"
#include "engines/openai_log.h"
#include "engines/vllm_errors.h"
#include "engines/vllm_python.h"
#include "engines/vllm_settings.h"
#include "net/sock.h"
#include "probe/sysfile.h"

#define WORDS_MAX     256
#define ENV_MAX       8
#define LOG_CAP_BYTES ((size_t)256 << 20)
#define LOG_TAIL      ((size_t)64 << 10)
#define STOP_GRACE_S  10.0
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
    struct str value = str_from(pair);
    const char *key = arena_str(w->arena, str_cut(&value, '='));
    char *name = key != NULL ? arena_printf(w->arena, "--%s", key) : NULL;
    for (char *c = name; c != NULL && *c != '\0'; c++)
        if (*c == '_')
            *c = '-';
    if (name == NULL)
        w->is_full = true;
    else if (str_is(value, "true") || str_is(value, "True"))
        add(w, name);
    else if (str_is(value, "false") || str_is(value, "False"))
        add(w, arena_printf(w->arena, "--no-%s", name + 2));
    else
        add_pair(w, name, arena_str(w->arena, value));
}

static void add_vllm(struct words *w, const struct engine_settings *s, bool is_cpu)
{
    const struct vllm_settings *v = vllm_settings_of(s);
    add_pair(w, "--model", s->model);
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

/* The next word of a command line, into `word`; quotes hold words together. */
static const char *cut_word(const char *c, char *word, size_t room)
{
    size_t len = 0;
    char quote = '\0';
    for (; *c == ' '; c++)
        ;
    for (; *c != '\0' && (*c != ' ' || quote != '\0') && len < room - 1; c++)
        if (quote == '\0' && (*c == '"' || *c == '\''))
            quote = *c;
        else if (*c == quote)
            quote = '\0';
        else
            word[len++] = *c;
    word[len] = '\0';
    return c;
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

/* --launch-command. */
static void add_command(struct words *w, const char *command, const char *port,
                        const char *model)
{
    char word[4096];
    while (*command != '\0') {
        command = cut_word(command, word, sizeof word);
        if (word[0] == '\0')
            continue;
        const char *whole = replaced(w->arena, arena_strdup(w->arena, word), "{port}",
                                     port);
        add(w, replaced(w->arena, whole, "{model}", model != NULL ? model : ""));
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

struct env {
    struct arena *arena;
    const char *items[ENV_MAX + 1];
    size_t count;
    bool is_full;
};

static void set(struct env *v, const char *name, const char *value)
{
    const char *item = arena_printf(v->arena, "%s=%s", name, value);
    if (item == NULL || v->count == ENV_MAX)
        v->is_full = true;
    else
        v->items[v->count++] = item;
}

static bool is_unset(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || *value == '\0';
}

/* The key by the environment, never on the command line; development mode has the
 * endpoints that empty the prefix cache and tell the settings. */
static void set_common(struct env *v, const struct engine_settings *s)
{
    set(v, "VLLM_SERVER_DEV_MODE", "1");
    set(v, "VLLM_NO_USAGE_STATS", "1");
    if (s->target->api_key != NULL)
        set(v, "VLLM_API_KEY", s->target->api_key);
}

static const char *whole_gib(int64_t bytes, struct arena *a)
{
    long long gib = bytes >> 30;
    return arena_printf(a, "%lld", gib + 1);
}

/* The KV cache of a CPU, unless the user has chosen. vLLM 0.13 knows whole GiB alone. */
static void size_cpu_cache(struct words *w, struct env *v,
                           const struct engine_settings *s, const char *version)
{
    if (!is_unset("VLLM_CPU_KVCACHE_SPACE") ||
        value_of(w, "kv-cache-memory-bytes") != NULL ||
        value_of(w, "gpu-memory-utilization") != NULL ||
        value_of(w, "num-gpu-blocks-override") != NULL)
        return;
    const struct openai_cpu_need need = {
        .folder = model_dir_find(s->model, w->arena),
        .dtype = value_of(w, "dtype"),
        .max_model_len = int_of(w, "max-model-len", s->max_model_len),
        .max_num_seqs = int_of(w, "max-num-seqs", s->max_num_seqs)};
    int64_t bytes = openai_cpu_kv_bytes(&need, w->arena);
    if (strncmp(version, "0.13.", 5) != 0)
        add_int(w, "--kv-cache-memory-bytes", bytes);
    else
        set(v, "VLLM_CPU_KVCACHE_SPACE", whole_gib(bytes, w->arena));
}

static void fit_cpu(struct words *w, struct env *v, const struct engine_settings *s,
                    const char *version)
{
    size_cpu_cache(w, v, s, version);
    const char *cpus = openai_cpu_list(sysfile_root(), w->arena);
    if (cpus != NULL && is_unset("VLLM_CPU_OMP_THREADS_BIND") &&
        int_of(w, "tensor-parallel-size", 1) == 1)
        set(v, "VLLM_CPU_OMP_THREADS_BIND", cpus);
}

/* --- start */

struct command {
    struct words words;
    struct env env;
};

static enum status vllm_words(const struct engine_settings *s, const char *port,
                              struct command *c, struct openai_launch *out, struct err *e)
{
    struct words *w = &c->words;
    struct vllm_python python;
    if (vllm_python_find(vllm_settings_python(s), w->arena, &python, e) != STATUS_OK)
        return e->code;
    const char *asked = vllm_settings_of(s)->dtype;
    const char *dtype = python.is_cpu ? "float32" : NULL;
    const char *other = python.neuron != NULL ? "neuron" : "gpu";
    out->hardware_type = python.is_cpu ? "cpu" : other;
    add(w, python.path);
    add(w, "-m");
    add(w, "vllm.entrypoints.openai.api_server");
    add_pair(w, "--host", "127.0.0.1");
    add_pair(w, "--port", port);
    add_pair(w, "--dtype", asked != NULL ? asked : dtype);
    add_vllm(w, s, python.is_cpu);
    out->dtype = value_of(w, "dtype");
    if (python.is_cpu)
        fit_cpu(w, &c->env, s, python.vllm);
    return STATUS_OK;
}

/* The command as it stands in the option: which port is free says nothing of it. */
static const char *plain_command(const char *command, struct arena *a)
{
    struct words w = {.arena = a};
    add_command(&w, command, "{port}", "{model}");
    return w.is_full ? NULL : given_command(w.items, w.count, a);
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
    *out = (struct openai_launch){.hardware_type = "unknown", .start = clock_now()};
    if (free_port(&port, e) != STATUS_OK)
        return e->code;
    const char *port_text = arena_printf(a, "%d", port);
    const char *command = s->target->launch_command;
    out->given = command != NULL ? plain_command(command, a) : given_list(s, a);
    set_common(&c.env, s);
    if (command != NULL)
        add_command(&c.words, command, port_text, s->model);
    else if (vllm_words(s, port_text, &c, out, e) != STATUS_OK)
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

/* From log_from on; the buffer is the caller's. */
static struct str read_log(const struct openai_launch *l, struct buf *log)
{
    struct err ignored;
    buf_init(log, LOG_CAP_BYTES);
    if (l->log_path == NULL || file_read(l->log_path, log, &ignored) != STATUS_OK)
        buf_clear(log);
    size_t from = l->log_from < log->len ? l->log_from : log->len;
    return (struct str){.ptr = buf_cstr(log) + from, .len = log->len - from};
}

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
        log_facts(read_log(l, &log), f);
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

static void explain(struct openai_launch *l, const char *stage, struct arena *a,
                    struct err *e)
{
    struct buf log;
    struct openai_log_cause cause = {0};
    struct vllm_failure f = {.log_path = l->log_path != NULL ? l->log_path : "none",
                             .who = "server",
                             .stage = stage,
                             .is_running = strcmp(stage, "running") == 0};
    struct str tail = read_log(l, &log);
    (void)proc_has_ended(&l->proc, &f.end);
    if (f.end.signal == 0) /* who is killed has no time to say why */
        (void)openai_log_cause(tail, a, &cause);
    f.type = cause.type;
    f.text = cause.text;
    f.log_tail = tail.ptr + (tail.len > LOG_TAIL ? tail.len - LOG_TAIL : 0);
    (void)vllm_errors_explain(&f, e);
    buf_fini(&log);
}

bool openai_launch_has_died(struct openai_launch *l, struct span patience,
                            const char *stage, struct arena *a, struct err *e)
{
    struct instant limit = clock_after(clock_now(), patience);
    if (l->base_url == NULL || l->proc.guardian_pid == 0)
        return false;
    while (!proc_has_ended(&l->proc, NULL)) {
        if (!clock_before(clock_now(), limit))
            return false;
        clock_sleep_until(clock_after(clock_now(), clock_seconds(DEATH_POLL_S)));
    }
    explain(l, stage, a, e);
    return true;
}

void openai_launch_stop(struct openai_launch *l)
{
    proc_stop(&l->proc, clock_seconds(STOP_GRACE_S));
}
