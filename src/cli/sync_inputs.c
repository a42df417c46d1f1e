#include "cli/sync_inputs.h"

#include <glob.h>
#include <string.h>

#include "base/file.h"
#include "cli/finish.h"
#include "store/inputs.h"
#include "store/journal.h"
#include "store/results.h"

#define PATHS_MAX 100000

struct list {
    struct log *log;
    struct arena *arena;
    struct opt_strings *out; /* room for PATHS_MAX */
    const char *told;        /* raw folder of a live run that was told last; or NULL */
};

static enum status no_memory(const char *where, struct err *e)
{
    return status_fail(e, STATUS_NO_MEMORY, where, "out of memory");
}

static enum status add(struct list *l, const char *path, struct err *e)
{
    if (path == NULL)
        return no_memory("mlflow sync", e);
    for (size_t i = 0; i < l->out->count; i++)
        if (inputs_is_same(l->out->items[i], path))
            return STATUS_OK;
    if (l->out->count == PATHS_MAX)
        return status_fail(e, STATUS_TOO_BIG, path, "more than %d files", PATHS_MAX);
    l->out->items[l->out->count++] = path;
    return STATUS_OK;
}

/* Told once for each run, whether its folder or its results were come upon. */
static bool is_live(struct list *l, const char *raw_dir)
{
    const char *journal = raw_dir != NULL
                              ? arena_printf(l->arena, "%s/journal.jsonl", raw_dir)
                              : NULL;
    if (journal == NULL || !journal_is_live(journal))
        return false;
    if (l->told == NULL || !inputs_is_same(l->told, raw_dir))
        log_line(l->log, LOG_WARN,
                 "%s: the run is still going on; sync it once it has ended", raw_dir);
    l->told = raw_dir;
    return true;
}

static enum status add_results(struct list *l, const char *path, struct err *e)
{
    return is_live(l, results_raw_dir(path, l->arena)) ? STATUS_OK : add(l, path, e);
}

static const char *without_slash(const char *path, struct arena *a)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return arena_str(a, (struct str){path, len});
}

/* Results of the run that left raw_dir, beside it; NULL: none. */
static const char *results_of(struct list *l, const char *raw_dir)
{
    const char *base = file_base_name(raw_dir);
    const char *stamp = strncmp(base, "raw_", 4) == 0 ? base + 4 : base;
    const char *pattern = arena_printf(l->arena, "%.*s*_results_%s.json",
                                       (int)(base - raw_dir), raw_dir, stamp);
    const char *found = NULL;
    glob_t g;
    if (pattern == NULL || glob(pattern, 0, NULL, &g) != 0)
        return NULL;
    if (g.gl_pathc > 0)
        found = arena_strdup(l->arena, g.gl_pathv[0]);
    globfree(&g);
    return found;
}

static enum status add_raw(struct list *l, const char *raw_dir, struct err *e)
{
    struct recovery *r = arena_alloc(l->arena, 1, sizeof *r);
    if (r == NULL)
        return no_memory(raw_dir, e);
    if (is_live(l, raw_dir))
        return STATUS_OK;
    const char *path = results_of(l, raw_dir);
    if (path != NULL)
        return add(l, path, e);
    if (results_read(raw_dir, NULL, l->arena, r, e) != STATUS_OK ||
        results_write(&r->run, &r->results, e) != STATUS_OK)
        return e->code;
    finish_warn(&r->note, raw_dir, l->log);
    log_line(l->log, LOG_NOTE, "%s: rebuilt from the journal", r->results.results_path);
    return add(l, r->results.results_path, e);
}

/* Raw folders in a folder whose run was killed before it wrote its results. */
static enum status add_raws(struct list *l, const char *folder, size_t *found,
                            struct err *e)
{
    glob_t g;
    enum status s = STATUS_OK;
    const char *pattern = arena_printf(l->arena, "%s/raw_*/journal.jsonl", folder);
    *found = 0;
    if (pattern == NULL)
        return no_memory(folder, e);
    if (glob(pattern, 0, NULL, &g) != 0)
        return STATUS_OK;
    for (size_t i = 0; i < g.gl_pathc && s == STATUS_OK; i++) {
        const char *path = g.gl_pathv[i];
        size_t len = strlen(path) - strlen("/journal.jsonl");
        const char *raw = arena_str(l->arena, (struct str){path, len});
        s = raw != NULL ? add_raw(l, raw, e) : no_memory(path, e);
    }
    *found = g.gl_pathc;
    globfree(&g);
    return s;
}

static enum status add_folder(struct list *l, const char *folder, struct err *e)
{
    struct input *inputs;
    size_t count = 0, raws;
    const char *word = without_slash(folder, l->arena);
    const struct opt_strings one = {.items = &word, .count = 1};
    if (word == NULL)
        return no_memory(folder, e);
    const char *journal = arena_printf(l->arena, "%s/journal.jsonl", word);
    if (journal != NULL && file_exists(journal))
        return add_raw(l, word, e);
    if (add_raws(l, word, &raws, e) != STATUS_OK)
        return e->code;
    enum status s = inputs_expand(&one, l->arena, &inputs, &count, e);
    if (s == STATUS_NOT_FOUND && raws > 0)
        return STATUS_OK;
    for (size_t i = 0; i < count && s == STATUS_OK; i++)
        s = add_results(l, inputs[i].path, e);
    return s;
}

enum status sync_inputs_expand(const struct opt_strings *words, struct log *log,
                               struct arena *a, struct opt_strings *out, struct err *e)
{
    enum status s = STATUS_OK;
    *out = (struct opt_strings){.items = arena_alloc(a, PATHS_MAX, sizeof *out->items)};
    if (out->items == NULL)
        return no_memory("mlflow sync", e);
    struct list l = {.log = log, .arena = a, .out = out};
    for (size_t i = 0; i < words->count && s == STATUS_OK; i++)
        s = file_is_dir(words->items[i]) ? add_folder(&l, words->items[i], e)
                                         : add_results(&l, words->items[i], e);
    return s;
}
