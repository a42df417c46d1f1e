#include "run/compare.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "report/render.h"
#include "stats/analysis.h"
#include "store/floor_file.h"

/* The words, told apart: files and folders, and behind them two names of sides or none.
 * What is no path names a side; two paths behind others may be labels that are called
 * as they are. */
struct words {
    struct opt_strings paths, names;
    bool may_be_labels; /* the last two paths */
};

static bool is_path(const char *word)
{
    return access(word, F_OK) == 0;
}

/* How many of the last words are names of sides. */
static size_t count_names(const struct opt_strings *all)
{
    size_t n = all->count, names = 0;
    while (names < n && !is_path(all->items[n - 1 - names]))
        names++;
    if (n > 2 && names < 2 && (names == 1 || !is_path(all->items[n - 2])))
        names = 2; /* one of them is called as a path is */
    return names;
}

static enum status no_such_path(const char *word, struct err *e)
{
    status_fail(e, STATUS_NOT_FOUND, word, "no such file or folder");
    return status_hint(e, "Write e.g. inferbench compare before/ after/");
}

static enum status sort_words(const struct compare_job *j, struct words *out,
                              struct err *e)
{
    const struct opt_strings *all = j->words;
    size_t n = all->count, names = count_names(all);
    out->paths = (struct opt_strings){all->items, n - names};
    out->names = (struct opt_strings){all->items + n - names, names};
    out->may_be_labels = names == 0 && n > 2 && j->opts->by == NULL;
    if (out->paths.count == 0)
        return no_such_path(n > 0 ? all->items[0] : "compare", e);
    for (size_t i = 0; i < out->paths.count; i++)
        if (!is_path(all->items[i]))
            return no_such_path(all->items[i], e);
    return STATUS_OK;
}

/* --- rows */

static enum status read_paths(const struct compare_job *j,
                              const struct opt_strings *paths, struct loaded_rows *out,
                              struct err *e)
{
    struct input *inputs;
    size_t count;
    if (inputs_expand(paths, j->arena, &inputs, &count, e) != STATUS_OK ||
        rows_load(inputs, count, j->arena, out, e) != STATUS_OK)
        return e->code;
    return STATUS_OK;
}

static enum status load(struct compare_job *j, const struct opt_strings *paths,
                        struct loaded_rows *out, struct err *e)
{
    if (read_paths(j, paths, out, e) != STATUS_OK)
        return e->code;
    inputs_log_skips(&out->skipped, j->log);
    j->unread += out->skipped.bad_count;
    if (out->count > 0)
        return STATUS_OK;
    status_fail(e, STATUS_NOT_FOUND, paths->items[0], "no rows to compare");
    return status_hint(e, "Give files such as offline_results_20261124_090000.json.");
}

/* "before/" is called before. */
static const char *side_name(const struct compare_job *j, const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return arena_text(j->arena, "%.*s", (int)n, path);
}

static bool are_one(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* Rows of two paths, each of which is a side. */
static enum status load_two(struct compare_job *j, const struct opt_strings *paths,
                            struct match_options *match, struct err *e)
{
    struct loaded_rows loaded[2] = {{0}, {0}};
    size_t n = 0;
    if (are_one(paths->items[0], paths->items[1])) {
        status_fail(e, STATUS_BAD_OPTION, paths->items[1], "both sides are the same");
        return status_hint(e, "Give the results of two measurements.");
    }
    for (int side = 0; side < 2; side++) {
        struct opt_strings one = {&paths->items[side], 1};
        if (load(j, &one, &loaded[side], e) != STATUS_OK)
            return e->code;
    }
    struct analysis_row *all = arena_alloc(j->arena, loaded[0].count + loaded[1].count,
                                           sizeof *all);
    if (all == NULL)
        return status_no_memory(e, "compare");
    for (int side = 0; side < 2; side++) {
        const char *name = side_name(j, paths->items[side]);
        match->baseline = side == 0 ? name : match->baseline;
        for (size_t i = 0; i < loaded[side].count; i++) {
            all[n] = loaded[side].rows[i];
            all[n++].row->v[FIELD_label] = value_str(name);
        }
    }
    j->rows = (struct analysis_rows){all, n, 2};
    match->by = MATCH_BY_CHOICE;
    return STATUS_OK;
}

static bool is_known_to(const struct opt_strings *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static enum status no_such_side(const struct compare_job *j, const char *name,
                                struct err *e)
{
    struct opt_strings labels = {
        .items = arena_alloc(j->arena, j->rows.count, sizeof(char *))};
    const char *all = "";
    for (size_t i = 0; labels.items != NULL && i < j->rows.count; i++) {
        const char *label = field_str(j->rows.items[i].row, FIELD_label);
        if (label == NULL || is_known_to(&labels, label))
            continue;
        all = arena_text(j->arena, "%s%s%s", all, *all != '\0' ? ", " : "", label);
        labels.items[labels.count++] = label;
    }
    status_fail(e, STATUS_NOT_FOUND, name, "no such file, and no such label");
    return status_hint(e, "Labels in the results: %s.", *all != '\0' ? all : "none");
}

/* Rows of two labels. */
static enum status keep_labels(struct compare_job *j, const struct opt_strings *names,
                               struct match_options *match, struct err *e)
{
    struct analysis_row *kept = arena_alloc(j->arena, j->rows.count, sizeof *kept);
    size_t n = 0, found[2] = {0, 0};
    if (kept == NULL)
        return status_no_memory(e, "compare");
    for (size_t i = 0; i < j->rows.count; i++)
        for (int side = 0; side < 2; side++)
            if (field_is(j->rows.items[i].row, FIELD_label, names->items[side])) {
                kept[n++] = j->rows.items[i];
                found[side]++;
            }
    for (int side = 0; side < 2; side++)
        if (found[side] == 0)
            return no_such_side(j, names->items[side], e);
    j->rows.items = kept;
    j->rows.count = n;
    match->by = MATCH_BY_CHOICE;
    match->baseline = names->items[0];
    return STATUS_OK;
}

/* The field that --by names, or the first that has several values, or ON and OFF. */
static enum status choose_field(struct compare_job *j, struct match_options *match,
                                struct err *e)
{
    const char *by = j->opts->by;
    match->by = FIELD_enable_prefix_caching;
    if (by != NULL && strcmp(by, field_table[match->by].name) == 0)
        return STATUS_OK;
    const struct analysis_options o = {.by = by, .baseline = match->baseline};
    struct analysis found;
    if (analysis_build(&j->rows, &o, j->arena, &found, e) != STATUS_OK)
        return e->code;
    if (by != NULL || found.machines.side_count > 1)
        match->by = found.by;
    return STATUS_OK;
}

/* Whether the last two of the paths are labels of the rows of those before them. */
static enum status find_labels(const struct compare_job *j, struct words *w,
                               struct err *e)
{
    const struct opt_strings before = {w->paths.items, w->paths.count - 2},
                             last = {w->paths.items + before.count, 2};
    struct loaded_rows loaded = {0};
    bool has[2] = {false, false};
    if (read_paths(j, &before, &loaded, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; i < loaded.count; i++)
        for (int side = 0; side < 2; side++)
            has[side] |= field_is(loaded.rows[i].row, FIELD_label, last.items[side]);
    if (has[0] && has[1])
        *w = (struct words){.paths = before, .names = last};
    return STATUS_OK;
}

static enum status read_rows(struct compare_job *j, struct words *w,
                             struct match_options *match, struct err *e)
{
    struct loaded_rows loaded = {0};
    if (w->may_be_labels && find_labels(j, w, e) != STATUS_OK)
        return e->code;
    if (w->paths.count == 2 && w->names.count == 0 && j->opts->by == NULL)
        return load_two(j, &w->paths, match, e);
    if (load(j, &w->paths, &loaded, e) != STATUS_OK)
        return e->code;
    j->rows = (struct analysis_rows){loaded.rows, loaded.count, loaded.file_count};
    if (w->names.count == 2 && j->opts->by == NULL)
        return keep_labels(j, &w->names, match, e);
    if (w->names.count > 0)
        match->baseline = w->names.items[0];
    if (w->names.count == 1 || w->names.count > 2)
        return status_fail(e, STATUS_BAD_OPTION, w->names.items[w->names.count - 1],
                           "no such file or folder, and a comparison has two sides");
    return choose_field(j, match, e);
}

/* --- the two sides */

static enum status choose_group(struct compare_job *j, const struct words *w,
                                const struct match_group **out, struct err *e)
{
    const struct match_result *r = &j->match;
    const char *sides = "";
    *out = NULL;
    for (size_t i = 0; i < r->group_count; i++)
        if (w->names.count < 2 || strcmp(r->groups[i].other, w->names.items[1]) == 0)
            *out = &r->groups[i];
    for (size_t i = 0; i < r->side_count; i++)
        sides = arena_text(j->arena, "%s%s%s", sides, i > 0 ? ", " : "", r->sides[i]);
    if (r->side_count > 2 && w->names.count < 2) {
        status_fail(e, STATUS_BAD_OPTION, "compare", "more than two sides: %s", sides);
        return status_hint(e, "Name two of them behind the files.");
    }
    if (r->side_count < 2) {
        status_fail(e, STATUS_BAD_OPTION, "compare", "only one side: %s", sides);
        return status_hint(e, "Give two files or folders, or --by FIELD.");
    }
    if (*out != NULL)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_INPUT, "compare", "no cell of %s has a partner: %s: %s",
                r->sides[0], r->lone_count > 0 ? r->lone[0].cell->name : "none",
                r->lone_count > 0 ? r->lone[0].why : "nothing measured");
    return status_hint(e,
                       "Like is compared with like: the same model, scenario and load, "
                       "and never real with simulated numbers.");
}

/* "2%", "2" */
static enum status read_margin(const char *text, double *out, struct err *e)
{
    if (str_to_share(str_from(text), out))
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, "--margin", "\"%s\" is no percentage", text);
    return status_hint(e, "Write e.g. 2%% or 0.5%%: above 0, below 100.");
}

enum status run_compare(struct compare_job *j, struct err *e)
{
    struct words words = {0};
    struct match_options match = {.has_no_ratios = true};
    const struct match_group *group;
    struct compare_options how = {0};
    const struct price_order order = PRICE_ORDER_OF(j->opts);
    if (read_margin(j->opts->margin, &how.margin, e) != STATUS_OK ||
        pricing_check(order.named, e) != STATUS_OK ||
        sort_words(j, &words, e) != STATUS_OK ||
        read_rows(j, &words, &match, e) != STATUS_OK ||
        price_opts_set(&j->rows, &order, j->log, j->arena, e) != STATUS_OK)
        return e->code;
    struct match_row *rows = arena_alloc(j->arena, j->rows.count, sizeof *rows);
    if (rows == NULL)
        return status_no_memory(e, "compare");
    for (size_t i = 0; i < j->rows.count; i++)
        rows[i] = (struct match_row){j->rows.items[i].row, j->rows.items[i].is_published};
    const struct match_input input = {rows, j->rows.count};
    if (match_build(&input, &match, j->arena, &j->match, e) != STATUS_OK ||
        choose_group(j, &words, &group, e) != STATUS_OK)
        return e->code;
    if (floor_file_find(&j->rows, j->arena, j->log, &how.floors) != STATUS_OK ||
        compare_build(group, &how, j->arena, &j->compare) != STATUS_OK)
        return status_no_memory(e, "compare");
    j->comparison = (struct comparison){&j->compare, &j->match, match.by};
    return STATUS_OK;
}

enum status run_compare_text(struct compare_job *j, struct buf *out)
{
    struct document d;
    const struct renderer *r = render_find(j->opts->markdown ? "markdown" : "text");
    if (j->opts->json) {
        comparison_json(&j->comparison, j->arena, out);
        return out->failed;
    }
    document_init(&d, j->arena);
    comparison_build(&j->comparison, &d);
    enum status s = render_document(&d, r, out);
    document_fini(&d);
    return s;
}
