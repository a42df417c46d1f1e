#include "store/inputs.h"

#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

enum { MAX_DEPTH = 4, MAX_INPUTS = 100000 };

bool inputs_is_same(const char *path, const char *other)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

enum status inputs_skip(struct input_skips *to, struct input_skip one, struct arena *a)
{
    if (one.why == NULL ||
        !arena_grow(a, &to->items, to->count, &to->room, sizeof *to->items))
        return STATUS_NO_MEMORY;
    to->items[to->count++] = one;
    to->bad_count += one.is_bad;
    return STATUS_OK;
}

void inputs_log_skips(const struct input_skips *of, struct log *log)
{
    for (size_t i = 0; i < of->count; i++)
        log_line(log, of->items[i].is_bad ? LOG_ERROR : LOG_DEBUG,
                 "inferbench: skipped %s", of->items[i].why);
}

void inputs_write_skips(const struct input_skips *of, const char *file, struct jsonw *w)
{
    jsonw_array(w, "skipped");
    for (size_t i = 0; i < of->count; i++) {
        jsonw_object(w, NULL);
        jsonw_str(w, "file", file != NULL ? file : of->items[i].file);
        jsonw_str(w, "why", of->items[i].why);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

const char *inputs_why(const struct err *e, struct arena *a)
{
    char text[sizeof *e];
    status_format(e, text, sizeof text);
    return arena_strdup(a, text);
}

bool inputs_have(const struct input_list *l, const char *path)
{
    for (size_t i = 0; i < l->count; i++)
        if (inputs_is_same(l->items[i].path, path))
            return true;
    return false;
}

enum status inputs_add(struct input_list *l, struct input item, struct err *e)
{
    if (inputs_have(l, item.path))
        return STATUS_OK;
    if (l->count == MAX_INPUTS)
        return status_fail(e, STATUS_TOO_BIG, item.path, "more than %d files",
                           MAX_INPUTS);
    if (!arena_grow(l->arena, &l->items, l->count, &l->room, sizeof item))
        return status_no_memory(e, item.path);
    l->items[l->count++] = item;
    return STATUS_OK;
}

static bool is_results_name(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".json") == 0 &&
           strstr(name, "results") != NULL;
}

const char *inputs_pattern(struct str text, struct arena *a)
{
    char *out = arena_alloc(a, 2 * text.len + 1, 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len && out != NULL; i++) {
        if (strchr("*?[]\\", text.ptr[i]) != NULL)
            out[len++] = '\\';
        out[len++] = text.ptr[i];
    }
    return out;
}

static enum status search(struct input_list *l, const char *folder, int depth,
                          struct err *e);

static enum status look_at(struct input_list *l, const char *found, int depth,
                           struct err *e)
{
    const char *name = file_base_name(found);
    bool is_folder = file_is_dir(found);
    if (strncmp(name, "raw_", 4) == 0 ||
        (is_folder ? depth == MAX_DEPTH : !is_results_name(name)))
        return STATUS_OK;
    const char *path = arena_strdup(l->arena, found);
    if (path == NULL)
        return status_no_memory(e, found);
    return is_folder ? search(l, path, depth + 1, e)
                     : inputs_add(l, (struct input){.path = path}, e);
}

/* What lies in a folder, by name; hidden ones and raw_* are left out. */
static enum status search(struct input_list *l, const char *folder, int depth,
                          struct err *e)
{
    const char *at = inputs_pattern(str_from(folder), l->arena);
    const char *pattern = at != NULL ? arena_printf(l->arena, "%s/*", at) : NULL;
    glob_t g;
    if (pattern == NULL)
        return status_no_memory(e, folder);
    int code = glob(pattern, GLOB_ERR, NULL, &g);
    if (code == GLOB_NOMATCH)
        return STATUS_OK;
    if (code != 0)
        return code == GLOB_NOSPACE ? status_no_memory(e, folder)
                                    : status_errno(e, folder, "cannot read the folder");
    enum status st = STATUS_OK;
    for (size_t i = 0; i < g.gl_pathc && st == STATUS_OK; i++)
        st = look_at(l, g.gl_pathv[i], depth, e);
    globfree(&g);
    return st;
}

static enum status add_word(struct input_list *l, const char *word, struct err *e)
{
    struct input item = {.path = word};
    const char *sign = strchr(word, '=');
    if (sign != NULL && sign > word && !file_exists(word)) {
        item.instance_type = arena_str(
            l->arena, (struct str){.ptr = word, .len = (size_t)(sign - word)});
        item.path = sign + 1;
        if (item.instance_type == NULL)
            return status_no_memory(e, word);
    }
    if (!file_is_dir(item.path))
        return inputs_add(l, item, e);
    size_t before = l->count;
    const char *folder = arena_str(l->arena, file_without_slash(item.path));
    enum status st = folder != NULL ? search(l, folder, 1, e) : status_no_memory(e, word);
    if (st != STATUS_OK)
        return st;
    for (size_t i = before; i < l->count; i++)
        l->items[i].instance_type = item.instance_type;
    if (l->count > before)
        return STATUS_OK;
    status_fail(e, STATUS_NOT_FOUND, word, "no results in this folder");
    return status_hint(e,
                       "Results are files such as offline_results_20261124_090000.json");
}

enum status inputs_expand(const struct opt_strings *words, struct arena *a,
                          struct input **out, size_t *count, struct err *e)
{
    struct input_list l = {.arena = a};
    for (size_t i = 0; i < words->count; i++) {
        enum status st = add_word(&l, words->items[i], e);
        if (st != STATUS_OK)
            return st;
    }
    *out = l.items;
    *count = l.count;
    return STATUS_OK;
}
