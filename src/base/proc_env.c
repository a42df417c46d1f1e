#include "base/proc_env.h"

#include <string.h>

#include "base/mem.h"

extern char **environ;

static const char *const lists[] = {"PATH=", "PYTHONPATH="};
static const char safe_path[] = "PYTHONSAFEPATH=1";

enum { LIST_COUNT = sizeof lists / sizeof *lists };

struct str proc_env_folder(struct str *rest)
{
    while (rest->len > 0) {
        struct str folder = str_cut(rest, ':');
        if (folder.len > 0 && folder.ptr[0] == '/')
            return folder;
    }
    return (struct str){0};
}

/* "NAME=" and the folders of its list that stay; false: no memory. *out is NULL where
 * none stays. */
static bool make_list(const char *name, const char *value, char **out)
{
    size_t len = strlen(name), at = len;
    struct str rest = str_from(value), folder;
    char *text = mem_alloc(len + rest.len + 1, 1);
    *out = NULL;
    if (text == NULL)
        return false;
    memcpy(text, name, len);
    while ((folder = proc_env_folder(&rest)).len > 0) {
        if (at > len)
            text[at++] = ':';
        memcpy(text + at, folder.ptr, folder.len);
        at += folder.len;
    }
    text[at] = '\0';
    if (at > len)
        *out = text;
    else
        mem_free(text);
    return true;
}

static size_t count(const char *const *words)
{
    size_t n = 0;
    while (words != NULL && words[n] != NULL)
        n++;
    return n;
}

static bool same_name(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return strncmp(a, b, n) == 0 && b[n] == '=';
}

static bool is_among(const char *var, const char *const *words)
{
    for (; words != NULL && *words != NULL; words++)
        if (same_name(var, *words))
            return true;
    return same_name(var, safe_path);
}

/* Puts a variable of ours where the child finds it. */
static bool take(struct proc_env *out, size_t *n, char *var)
{
    for (size_t i = 0; i < LIST_COUNT; i++) {
        size_t len = strlen(lists[i]);
        if (strncmp(var, lists[i], len) != 0)
            continue;
        mem_free(out->made[i]); /* a name may stand there twice */
        if (!make_list(lists[i], var + len, &out->made[i]))
            return false;
        return true;
    }
    out->vars[(*n)++] = var;
    return true;
}

bool proc_env_make(struct proc_env *out, const char *const *add)
{
    const char *const *own = (const char *const *)environ;
    size_t n = 0;
    *out = (struct proc_env){0};
    out->vars = mem_alloc(count(own) + count(add) + LIST_COUNT + 2, sizeof *out->vars);
    bool is_good = out->vars != NULL;
    for (size_t i = 0; is_good && own != NULL && own[i] != NULL; i++)
        if (!is_among(own[i], add))
            is_good = take(out, &n, environ[i]);
    if (!is_good) {
        proc_env_drop(out);
        return false;
    }
    for (size_t i = 0; i < LIST_COUNT; i++)
        if (out->made[i] != NULL)
            out->vars[n++] = out->made[i];
    out->vars[n++] = (char *)safe_path;
    for (; add != NULL && *add != NULL; add++)
        out->vars[n++] = (char *)*add;
    out->vars[n] = NULL;
    return true;
}

void proc_env_drop(struct proc_env *env)
{
    for (size_t i = 0; i < LIST_COUNT; i++)
        mem_free(env->made[i]);
    mem_free(env->vars);
    *env = (struct proc_env){0};
}
