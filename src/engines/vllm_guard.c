#include "engines/vllm_guard.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc_env.h"

#define LIST_CAP_BYTES ((size_t)1 << 20)

/* The interpreter puts the script's folder, or the current one, before PYTHONPATH once
 * `site` is done: the finder, asked first at every import, takes it off again. A
 * sitecustomize of the machine's own is still run. */
static const char module[] = "import os, sys\n"
                             "\n"
                             "\n"
                             "class Guard:\n"
                             "    ours = os.path.dirname(__file__)\n"
                             "\n"
                             "    @classmethod\n"
                             "    def find_spec(cls, name, path=None, target=None):\n"
                             "        if sys.path[1:2] != [cls.ours]:\n"
                             "            return None\n"
                             "        try:\n"
                             "            here = os.getcwd()\n"
                             "        except OSError:\n"
                             "            here = ''\n"
                             "        if sys.path[0] in ('', here):\n"
                             "            del sys.path[0]\n"
                             "            sys.meta_path.remove(cls)\n"
                             "        return None\n"
                             "\n"
                             "\n"
                             "sys.meta_path.insert(0, Guard)\n"
                             "sys.path.remove(Guard.ours)\n"
                             "me = sys.modules.pop('sitecustomize')\n"
                             "try:\n"
                             "    import sitecustomize\n"
                             "except ModuleNotFoundError as error:\n"
                             "    if error.name != 'sitecustomize':\n"
                             "        raise\n"
                             "finally:\n"
                             "    sys.path.insert(0, Guard.ours)\n"
                             "    sys.modules.setdefault('sitecustomize', me)\n";

/* A file of the name of Python's cache: no cache is written then. */
static const char *const files[] = {"sitecustomize.py", "__pycache__", NULL};

static bool has_safe_path(const char *version)
{
    struct str rest = str_from(version);
    int64_t major = 0, minor = 0;
    return str_to_i64(str_cut(&rest, '.'), &major) &&
           str_to_i64(str_cut(&rest, '.'), &minor) &&
           (major > 3 || (major == 3 && minor >= 11));
}

static enum status put(const struct vllm_guard *g, const char *name, const char *text,
                       struct err *e)
{
    int fd = openat(g->dir.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return status_errno(e, g->dir.path, "cannot write there");
    enum status s = file_write_all(fd, g->dir.path, str_from(text), e);
    (void)close(fd);
    return s;
}

/* Ours, then what is left of the user's. */
static const char *list(const struct vllm_guard *g, struct arena *a)
{
    struct str rest = str_from(getenv("PYTHONPATH")), folder;
    struct buf text;
    buf_init(&text, LIST_CAP_BYTES);
    buf_printf(&text, "PYTHONPATH=%s", g->dir.path);
    while ((folder = proc_env_folder(&rest)).len > 0)
        buf_printf(&text, ":%.*s", (int)folder.len, folder.ptr);
    const char *made = text.failed == STATUS_OK ? arena_strdup(a, buf_cstr(&text)) : NULL;
    buf_fini(&text);
    return made;
}

enum status vllm_guard_make(struct vllm_guard *g, const char *version, struct arena *a,
                            struct err *e)
{
    *g = (struct vllm_guard){.dir.fd = -1};
    if (has_safe_path(version))
        return STATUS_OK;
    enum status s = tempdir_make(&g->dir, "python", files, e);
    for (size_t i = 0; s == STATUS_OK && files[i] != NULL; i++)
        s = put(g, files[i], i == 0 ? module : "", e);
    if (s == STATUS_OK)
        g->variable = list(g, a);
    if (s == STATUS_OK && g->variable == NULL)
        s = status_no_memory(e, "PYTHONPATH");
    if (s != STATUS_OK)
        vllm_guard_drop(g);
    return s;
}

void vllm_guard_drop(struct vllm_guard *g)
{
    tempdir_drop(&g->dir, files);
    g->variable = NULL;
}
