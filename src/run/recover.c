#include "run/recover.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "store/journal_line.h"
#include "store/ranks_merge.h"
#include "store/results_scan.h"

/* Two machines may have started a run in the same second. */
static enum status check_place(const struct recovery *r, struct arena *a, struct err *e)
{
    const char *run_id = field_str(&r->run.fields, FIELD_run_id);
    if (results_scan_check(r->results.results_path, run_id, a, e) != STATUS_OK)
        return e->code;
    return results_scan_check(r->results.summary_path, run_id, a, e);
}

/* --- folders of ranks */

struct folders {
    struct arena *arena;
    const char **items; /* [count] */
    size_t count, room;
};

static bool is_rank(const char *name)
{
    static const char mark[] = "rank_";
    int64_t n;
    return strncmp(name, mark, strlen(mark)) == 0 &&
           str_to_i64(str_from(name + strlen(mark)), &n) && n >= 0;
}

static bool add(struct folders *f, const char *path)
{
    if (path == NULL ||
        !arena_grow(f->arena, &f->items, f->count, &f->room, sizeof *f->items))
        return false;
    f->items[f->count++] = path;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* rank_0, rank_1 ... in a folder; itself where it has none. */
static bool add_ranks(struct folders *f, const char *raw_dir)
{
    struct str dir = file_without_slash(raw_dir);
    DIR *d = opendir(raw_dir);
    size_t before = f->count;
    bool is_good = true;
    for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;)
        if (is_rank(entry->d_name))
            is_good = is_good && add(f, arena_printf(f->arena, "%.*s/%s", (int)dir.len,
                                                     dir.ptr, entry->d_name));
    if (d != NULL)
        (void)closedir(d);
    if (f->count == before)
        return is_good && add(f, arena_str(f->arena, dir));
    qsort(f->items + before, f->count - before, sizeof *f->items, by_name);
    return is_good;
}

/* The folder that holds a path without slashes at its end. */
static const char *parent_of(const char *path, struct arena *a)
{
    size_t len = (size_t)(file_base_name(path) - path);
    return len == 0 ? "." : arena_str(a, (struct str){path, len > 1 ? len - 1 : len});
}

static bool is_raw(const char *path)
{
    static const char mark[] = "raw_";
    const char *name = file_base_name(path);
    return strncmp(name, mark, strlen(mark)) == 0 &&
           journal_check_stamp(str_from(name + strlen(mark)));
}

/* Where the merged journal goes: the folder that all of them are in, else raw_STAMP of
 * the first in output_dir. */
static enum status place_of(const struct folders *f, const char *output_dir,
                            const char **out, struct err *e)
{
    const char *first = parent_of(f->items[0], f->arena);
    bool is_one = true;
    for (size_t i = 1; first != NULL && i < f->count; i++) {
        const char *other = parent_of(f->items[i], f->arena);
        is_one = is_one && other != NULL && strcmp(first, other) == 0;
    }
    *out = first;
    if (first == NULL || f->arena->has_failed)
        return status_no_memory(e, "recover");
    if (is_one)
        return STATUS_OK;
    const char *raw = is_raw(f->items[0]) ? f->items[0] : first;
    if (output_dir == NULL || !is_raw(raw)) {
        (void)status_fail(e, STATUS_BAD_OPTION, f->items[0],
                          "the folders of the ranks are in different places");
        return status_hint(e, "Keep them as raw_STAMP/rank_N and say where the results "
                              "go with --output-dir.");
    }
    *out = arena_printf(f->arena, "%s/%s", output_dir, file_base_name(raw));
    return *out != NULL ? file_make_dirs(*out, e) : status_no_memory(e, "recover");
}

/* *raw_dir: the folder whose journal is the run's. */
static enum status merge_ranks(const struct recover_from *from, struct arena *a,
                               const char **raw_dir, struct err *e)
{
    struct folders f = {.arena = a};
    *raw_dir = from->dirs[0];
    for (size_t i = 0; i < from->count; i++)
        if (!add_ranks(&f, from->dirs[i]))
            return status_no_memory(e, "recover");
    if (f.count == 0 || (f.count == 1 && !is_rank(file_base_name(f.items[0]))))
        return STATUS_OK;
    struct arena read;
    arena_init(&read, RECOVER_CAP_BYTES);
    enum status s = place_of(&f, from->output_dir, raw_dir, e);
    if (s == STATUS_OK)
        s = ranks_merge(f.items, f.count, *raw_dir, &read, e);
    arena_fini(&read);
    return s;
}

enum status run_recover(const struct recover_from *from, struct arena *a,
                        struct recovery *out, const char **raw_dir, struct err *e)
{
    const char *output_dir = from->output_dir;
    if (merge_ranks(from, a, raw_dir, e) != STATUS_OK ||
        results_read(*raw_dir, output_dir, a, out, e) != STATUS_OK ||
        check_place(out, a, e) != STATUS_OK ||
        (output_dir != NULL && file_make_dirs(output_dir, e) != STATUS_OK))
        return e->code;
    return results_write(&out->run, &out->results, e);
}
