#include "probe/tree.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "probe/sysfile.h"

#define MAX_TREE 1024

struct process {
    int32_t pid, parent, group;
    bool is_member;
};

struct process_list {
    struct process *items;
    size_t count, room;
};

/* Fields of /proc/PID/stat behind the name in brackets, which may hold anything: state,
 * parent, group. */
static bool read_process(const char *root, int32_t pid, struct process *out)
{
    char text[1024];
    if (!sysfile_readf(root, text, sizeof text, "/proc/%d/stat", (int)pid))
        return false;
    const char *behind = strrchr(text, ')');
    if (behind == NULL)
        return false;
    struct str rest = str_trim(str_from(behind + 1));
    int64_t parent;
    int64_t group;
    (void)str_cut(&rest, ' ');
    if (!str_to_i64(str_cut(&rest, ' '), &parent) ||
        !str_to_i64(str_cut(&rest, ' '), &group))
        return false;
    *out = (struct process){pid, (int32_t)parent, (int32_t)group, false};
    return true;
}

static bool add_process(struct process_list *list, const struct process *p)
{
    if (!mem_grow(&list->items, list->count, &list->room, sizeof *p))
        return false;
    list->items[list->count++] = *p;
    return true;
}

static void list_all(const char *root, struct process_list *list)
{
    char path[SYSFILE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/proc", root);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        int64_t pid;
        struct process p;
        if (str_to_i64(str_from(entry->d_name), &pid) && pid > 0 &&
            read_process(root, (int32_t)pid, &p) && !add_process(list, &p))
            break;
    }
    closedir(dir);
}

static int by_pid(const void *a, const void *b)
{
    const struct process *p = a;
    const struct process *q = b;
    return (p->pid > q->pid) - (p->pid < q->pid);
}

static const struct process *find(const struct process_list *list, int32_t pid)
{
    const struct process wanted = {.pid = pid};
    return list->count > 0
               ? bsearch(&wanted, list->items, list->count, sizeof *list->items, by_pid)
               : NULL;
}

/* Marks the tree: passes over the list until one finds nothing new (as many as it is
 * deep). */
static void mark(struct process_list *list, int32_t root_pid)
{
    bool is_growing = true;
    while (is_growing) {
        is_growing = false;
        for (size_t i = 0; i < list->count; i++) {
            struct process *p = &list->items[i];
            if (p->is_member)
                continue;
            const struct process *parent = find(list, p->parent);
            p->is_member = p->pid == root_pid || p->group == root_pid ||
                           (parent != NULL && parent->is_member);
            is_growing = is_growing || p->is_member;
        }
    }
}

size_t tree_pids(const char *root, int32_t root_pid, int32_t *pids, size_t cap)
{
    struct process_list list = {NULL, 0, 0};
    list_all(root, &list);
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, by_pid);
    size_t count = 0;
    if (find(&list, root_pid) != NULL) {
        mark(&list, root_pid);
        if (cap > 0)
            pids[0] = root_pid;
        count = 1;
    }
    for (size_t i = 0; count > 0 && i < list.count; i++) {
        if (!list.items[i].is_member || list.items[i].pid == root_pid)
            continue;
        if (count < cap)
            pids[count] = list.items[i].pid;
        count++;
    }
    mem_free(list.items);
    return count;
}

int64_t tree_pss_bytes(const char *root, int32_t pid)
{
    char text[4096];
    if (!sysfile_readf(root, text, sizeof text, "/proc/%d/smaps_rollup", (int)pid))
        return -1;
    int64_t kib = sysfile_field_i64(text, "Pss", ':', -1);
    return kib >= 0 ? kib * 1024 : -1;
}

int64_t tree_memory_bytes(const char *root, int32_t root_pid)
{
    int32_t pids[MAX_TREE];
    size_t count = tree_pids(root, root_pid, pids, MAX_TREE);
    int64_t sum = -1;
    for (size_t i = 0; i < count && i < MAX_TREE; i++) {
        int64_t bytes = tree_pss_bytes(root, pids[i]);
        if (bytes >= 0)
            sum = (sum < 0 ? 0 : sum) + bytes;
    }
    return sum;
}

int64_t tree_own_rss_bytes(const char *root)
{
    char text[256];
    int64_t pages;
    if (!sysfile_read(root, "/proc/self/statm", text, sizeof text))
        return -1;
    struct str rest = str_from(text);
    (void)str_cut(&rest, ' ');
    if (!str_to_i64(str_cut(&rest, ' '), &pages))
        return -1;
    return pages * sysconf(_SC_PAGESIZE);
}
