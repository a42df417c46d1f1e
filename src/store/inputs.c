#include "store/inputs.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

enum { MAX_DEPTH = 4, MAX_INPUTS = 100000 };

struct list {
    struct arena *arena;
    struct input *items;
    size_t count, room;
};

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

const char *inputs_why(const struct err *e, struct arena *a)
{
    char text[sizeof *e];
    status_format(e, text, sizeof text);
    return arena_strdup(a, text);
}

static enum status add(struct list *l, struct input item, struct err *e)
{
    for (size_t i = 0; i < l->count; i++)
        if (inputs_is_same(l->items[i].path, item.path))
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

/* Names in a folder, sorted, hidden ones and raw_* left out; in the arena. */
static enum status list_names(struct arena *a, const char *folder, const char ***out,
                              size_t *count, struct err *e)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return status_errno(e, folder, "cannot read the folder");
    struct name_node {
        struct name_node *next;
        const char *name;
    } *nodes = NULL;
    size_t n = 0;
    bool is_out = false;
    for (struct dirent *d = readdir(dir); d != NULL && !is_out; d = readdir(dir)) {
        if (d->d_name[0] == '.' || strncmp(d->d_name, "raw_", 4) == 0)
            continue;
        struct name_node *node = arena_alloc(a, 1, sizeof *node);
        const char *name = arena_strdup(a, d->d_name);
        is_out = node == NULL || name == NULL;
        if (is_out)
            break;
        *node = (struct name_node){.next = nodes, .name = name};
        nodes = node;
        n++;
    }
    closedir(dir);
    const char **names = is_out ? NULL : arena_alloc(a, n + 1, sizeof *names);
    if (names == NULL)
        return status_no_memory(e, folder);
    size_t at = 0;
    for (struct name_node *node = nodes; node != NULL; node = node->next)
        names[at++] = node->name;
    qsort(names, n, sizeof *names, str_order);
    *out = names;
    *count = n;
    return STATUS_OK;
}

static enum status search(struct list *l, const char *folder, int depth, struct err *e)
{
    const char **names;
    size_t count = 0;
    enum status st = list_names(l->arena, folder, &names, &count, e);
    for (size_t i = 0; i < count && st == STATUS_OK; i++) {
        const char *path = arena_printf(l->arena, "%s/%s", folder, names[i]);
        if (path == NULL)
            st = status_no_memory(e, folder);
        else if (file_is_dir(path) && depth < MAX_DEPTH)
            st = search(l, path, depth + 1, e);
        else if (!file_is_dir(path) && is_results_name(names[i]))
            st = add(l, (struct input){.path = path, .is_found = true}, e);
    }
    return st;
}

static enum status add_word(struct list *l, const char *word, struct err *e)
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
        return add(l, item, e);
    size_t before = l->count;
    size_t len = strlen(item.path);
    while (len > 1 && item.path[len - 1] == '/')
        len--;
    const char *folder = arena_str(l->arena, (struct str){.ptr = item.path, .len = len});
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
    struct list l = {.arena = a};
    for (size_t i = 0; i < words->count; i++) {
        enum status st = add_word(&l, words->items[i], e);
        if (st != STATUS_OK)
            return st;
    }
    *out = l.items;
    *count = l.count;
    return STATUS_OK;
}
