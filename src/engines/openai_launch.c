#include "engines/openai_launch.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "engines/vllm_errors.h"
#include "engines/vllm_python.h"
#include "net/sock.h"

#define WORDS_MAX    256
#define LOG_TAIL     ((size_t)64 << 10)
#define STOP_GRACE_S 10.0
#define CPU_KV_GIB   "1" /* of VLLM_CPU_KVCACHE_SPACE, where nothing was said */

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
    add_pair(w, "--model", s->model);
    add_int(w, "--max-model-len", s->max_model_len);
    add_int(w, "--max-num-seqs", s->max_num_seqs);
    add_int(w, "--max-num-batched-tokens", s->max_num_batched_tokens);
    add_int(w, "--seed", s->seed);
    add_pair(w, "--load-format", s->load_format);
    if (!is_cpu)
        add_pair(w, "--gpu-memory-utilization",
                 arena_printf(w->arena, "%g", s->gpu_memory_utilization));
    add_pair(w, "--generation-config", "vllm");
    add(w, "--enable-prompt-tokens-details");
    add(w, s->enable_prefix_caching ? "--enable-prefix-caching"
                                    : "--no-enable-prefix-caching");
    for (size_t i = 0; i < s->engine_args.count; i++)
        add_engine_arg(w, s->engine_args.items[i]);
    for (size_t i = 0; i < s->rest.count; i++)
        add(w, s->rest.items[i]);
}

/* The next word of a command line, into `word`; quotes hold words together. */
static const char *cut_word(const char *c, char *word, size_t room)
{
    size_t len = 0;
    char quote = '\0';
    for (; *c == ' '; c++)
        ;
    for (; *c != '\0' && (*c != ' ' || quote != '\0') && len < room - 1; c++) {
        if (quote == '\0' && (*c == '"' || *c == '\''))
            quote = *c;
        else if (*c == quote)
            quote = '\0';
        else
            word[len++] = *c;
    }
    word[len] = '\0';
    return c;
}

/* --launch-command. */
static void add_command(struct words *w, const char *command, const char *port,
                        const char *model)
{
    char word[4096];
    while (*command != '\0') {
        command = cut_word(command, word, sizeof word);
        if (strcmp(word, "{port}") == 0)
            add(w, port);
        else if (strcmp(word, "{model}") == 0)
            add(w, model);
        else if (word[0] != '\0')
            add(w, arena_strdup(w->arena, word));
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

static enum status vllm_words(const struct engine_settings *s, struct words *w,
                              const char *port, struct openai_launch *out, struct err *e)
{
    struct engine_vllm_python python;
    if (engine_vllm_python_find(s->python, w->arena, &python, e) != STATUS_OK)
        return e->code;
    bool is_cpu = python.vllm != NULL && strstr(python.vllm, "cpu") != NULL;
    out->hardware_type = is_cpu ? "cpu" : python.neuron != NULL ? "neuron" : "gpu";
    out->dtype = s->dtype != NULL ? s->dtype : is_cpu ? "float32" : NULL;
    add(w, python.path);
    add(w, "-m");
    add(w, "vllm.entrypoints.openai.api_server");
    add_pair(w, "--host", "127.0.0.1");
    add_pair(w, "--port", port);
    add_pair(w, "--dtype", out->dtype);
    add_vllm(w, s, is_cpu);
    return STATUS_OK;
}

/* Of the server: its key, the endpoint that empties the prefix cache, what a CPU needs.
 */
static const char *const *environment(const struct engine_settings *s, bool is_cpu,
                                      struct arena *a)
{
    const char **env = arena_alloc(a, 8, sizeof *env);
    size_t n = 0;
    if (env == NULL)
        return NULL;
    env[n++] = "VLLM_SERVER_DEV_MODE=1";
    env[n++] = "VLLM_NO_USAGE_STATS=1";
    if (s->target->api_key != NULL)
        env[n++] = arena_printf(a, "VLLM_API_KEY=%s", s->target->api_key);
    if (is_cpu && getenv("VLLM_CPU_KVCACHE_SPACE") == NULL)
        env[n++] = "VLLM_CPU_KVCACHE_SPACE=" CPU_KV_GIB;
    return env;
}

enum status engine_openai_launch_start(const struct engine_settings *s, struct arena *a,
                                       struct openai_launch *out, struct err *e)
{
    struct words w = {.arena = a};
    int port = 0;
    *out = (struct openai_launch){.hardware_type = "unknown"};
    if (free_port(&port, e) != STATUS_OK)
        return e->code;
    const char *port_text = arena_printf(a, "%d", port);
    if (s->target->launch_command != NULL)
        add_command(&w, s->target->launch_command, port_text, s->model);
    else if (vllm_words(s, &w, port_text, out, e) != STATUS_OK)
        return e->code;
    out->base_url = arena_printf(a, "http://127.0.0.1:%d", port);
    out->log_path = s->raw_dir != NULL ? arena_printf(a, "%s/server.log", s->raw_dir)
                                       : NULL;
    const char *const *env = environment(s, strcmp(out->hardware_type, "cpu") == 0, a);
    if (w.is_full || env == NULL || out->base_url == NULL)
        return status_fail(e, STATUS_TOO_BIG, "--launch",
                           "more than %d words for the server's command line", WORDS_MAX);
    const struct proc_spec spec = {
        .argv = w.items, .env = env, .log_path = out->log_path};
    return proc_start(&spec, &out->proc, e);
}

enum status engine_openai_launch_explain(struct openai_launch *l, bool is_running,
                                         struct err *e)
{
    struct buf log;
    struct err ignored;
    struct engine_vllm_failure f = {.log_path = l->log_path,
                                    .stage = "starting the server",
                                    .is_running = is_running};
    buf_init(&log, (size_t)256 << 20);
    if (l->log_path == NULL || file_read(l->log_path, &log, &ignored) != STATUS_OK)
        buf_clear(&log);
    size_t cut = log.len > LOG_TAIL ? log.len - LOG_TAIL : 0;
    f.log_tail = buf_cstr(&log) + cut;
    (void)proc_has_ended(&l->proc, &f.end);
    enum status s = engine_vllm_errors_explain(&f, e);
    buf_fini(&log);
    return s;
}

void engine_openai_launch_stop(struct openai_launch *l)
{
    proc_stop(&l->proc, clock_seconds(STOP_GRACE_S));
}
