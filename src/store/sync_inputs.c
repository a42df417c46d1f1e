#include "store/sync_inputs.h"

#include <glob.h>
#include <string.h>

#include "base/file.h"
#include "store/inputs.h"
#include "store/journal.h"
#include "store/journal_read.h"
#include "store/results.h"
#include "store/results_scan.h"

#define MAX_DEPTH 4 /* of folders in a folder, as inputs_expand has it */

struct list {
    struct log *log;
    struct arena *arena;
    struct input_list *out;
    size_t broken;    /* journals */
    const char *told; /* raw folder of a live run that was told last; or NULL */
};

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
                 "%s: the run is still in progress; sync it when it has finished",
                 raw_dir);
    l->told = raw_dir;
    return true;
}

static enum status write_rebuilt(struct list *l, const char *raw_dir,
                                 const struct recovery *r, struct err *e)
{
    if (results_write(&r->run, &r->results, e) != STATUS_OK)
        return e->code;
    journal_read_warn(&r->note, raw_dir, l->log);
    log_line(l->log, LOG_NOTE, "%s: rebuilt from the journal", r->results.results_path);
    return inputs_add(l->out, (struct input){.path = r->results.results_path}, e);
}

/* True if the file holds the rows so far of a run that was killed later (--save-every),
 * and the journal has more, now in `r`. A journal that cannot be read has not. */
static bool lacks_rows(struct list *l, const char *path, const char *raw_dir,
                       struct recovery *r)
{
    struct results_head head;
    struct err e;
    if (results_scan_head(path, l->arena, &head, &e) != STATUS_OK || head.is_complete ||
        head.run_id == NULL)
        return false;
    if (results_read(raw_dir, NULL, l->arena, r, &e) != STATUS_OK) {
        log_error(l->log, &e);
        return false;
    }
    const char *run_id = field_str(&r->run.fields, FIELD_run_id);
    return run_id != NULL && strcmp(run_id, head.run_id) == 0 &&
           r->run.repeat_count > head.row_count &&
           inputs_is_same(path, r->results.results_path);
}

/* raw_dir: beside the file; NULL: it is not there. */
static enum status add_results(struct list *l, const char *path, const char *raw_dir,
                               struct err *e)
{
    if (is_live(l, raw_dir) || inputs_have(l->out, path))
        return STATUS_OK;
    struct recovery *r = arena_alloc(l->arena, 1, sizeof *r);
    if (r == NULL)
        return status_no_memory(e, path);
    if (raw_dir != NULL && lacks_rows(l, path, raw_dir, r))
        return write_rebuilt(l, raw_dir, r, e);
    return inputs_add(l->out, (struct input){.path = path}, e);
}

static enum status add_file(struct list *l, const char *path, struct err *e)
{
    return add_results(l, path, results_raw_dir(path, l->arena), e);
}

/* Results of the run that left raw_dir, beside it; NULL: none. */
static const char *results_of(struct list *l, const char *raw_dir)
{
    const char *base = file_base_name(raw_dir);
    const char *stamp = strncmp(base, "raw_", 4) == 0 ? base + 4 : base;
    const struct str parent = {.ptr = raw_dir, .len = (size_t)(base - raw_dir)};
    const char *folder = inputs_pattern(parent, l->arena);
    const char *end = inputs_pattern(str_from(stamp), l->arena);
    const char *pattern = folder != NULL && end != NULL
                              ? arena_printf(l->arena, "%s*_results_%s.json", folder, end)
                              : NULL;
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
    if (is_live(l, raw_dir))
        return STATUS_OK;
    const char *path = results_of(l, raw_dir);
    if (path != NULL)
        return add_results(l, path, raw_dir, e);
    struct recovery *r = arena_alloc(l->arena, 1, sizeof *r);
    if (r == NULL)
        return status_no_memory(e, raw_dir);
    if (results_read(raw_dir, NULL, l->arena, r, e) != STATUS_OK)
        return e->code;
    return write_rebuilt(l, raw_dir, r, e);
}

/* Those that the pattern finds, counted. */
static enum status add_raws_like(struct list *l, const char *pattern, size_t *found,
                                 struct err *e)
{
    glob_t g;
    enum status s = STATUS_OK;
    if (glob(pattern, 0, NULL, &g) != 0)
        return STATUS_OK;
    for (size_t i = 0; i < g.gl_pathc && s == STATUS_OK; i++) {
        const char *path = g.gl_pathv[i];
        size_t len = strlen(path) - strlen("/journal.jsonl");
        const char *raw = arena_str(l->arena, (struct str){path, len});
        s = raw != NULL ? add_raw(l, raw, e) : status_no_memory(e, path);
        if (s == STATUS_OK || s == STATUS_NO_MEMORY)
            continue;
        log_error(l->log, e);
        l->broken++;
        s = STATUS_OK;
    }
    *found += g.gl_pathc;
    globfree(&g);
    return s;
}

/* Raw folders below a folder: a run that was killed may have left no results. */
static enum status add_raws(struct list *l, const char *folder, size_t *found,
                            struct err *e)
{
    const char *at = inputs_pattern(str_from(folder), l->arena);
    enum status s = STATUS_OK;
    *found = 0;
    for (int depth = 1; depth <= MAX_DEPTH && s == STATUS_OK; depth++) {
        const char *pattern = at != NULL
                                  ? arena_printf(l->arena, "%s/raw_*/journal.jsonl", at)
                                  : NULL;
        if (pattern == NULL)
            return status_no_memory(e, folder);
        s = add_raws_like(l, pattern, found, e);
        at = arena_printf(l->arena, "%s/*", at);
    }
    return s;
}

static enum status add_folder(struct list *l, const char *folder, struct err *e)
{
    struct input *inputs;
    size_t count = 0, raws;
    const char *word = arena_str(l->arena, file_without_slash(folder));
    const struct opt_strings one = {.items = &word, .count = 1};
    if (word == NULL)
        return status_no_memory(e, folder);
    const char *journal = arena_printf(l->arena, "%s/journal.jsonl", word);
    if (journal != NULL && file_exists(journal))
        return add_raw(l, word, e);
    if (add_raws(l, word, &raws, e) != STATUS_OK)
        return e->code;
    enum status s = inputs_expand(&one, l->arena, &inputs, &count, e);
    if (s == STATUS_NOT_FOUND && raws > 0)
        return STATUS_OK;
    for (size_t i = 0; i < count && s == STATUS_OK; i++)
        s = add_file(l, inputs[i].path, e);
    return s;
}

enum status sync_inputs_expand(const struct opt_strings *words, struct log *log,
                               struct arena *a, struct sync_inputs *out, struct err *e)
{
    enum status s = STATUS_OK;
    *out = (struct sync_inputs){.files = {.arena = a}};
    struct list l = {.log = log, .arena = a, .out = &out->files};
    for (size_t i = 0; i < words->count && s == STATUS_OK; i++)
        s = file_is_dir(words->items[i]) ? add_folder(&l, words->items[i], e)
                                         : add_file(&l, words->items[i], e);
    out->broken = l.broken;
    return s;
}
