#include "data/formats.h"

#include <string.h>

#include "data/dataset.h"
#include "data/rules.h"
#include "data/scenario_file.h"

/* The option tells the format; one that a file's beginning tells gets a probe here. */
static enum status (*const readers[FORMATS_COUNT])(const char *path, struct arena *a,
                                                   struct scenario_list *out,
                                                   struct err *e) = {
    [FORMATS_SCENARIOS] = scenario_file_read,
    [FORMATS_DATASET] = dataset_read,
};

static enum status append(const char *path, const struct scenario_list *more,
                          struct arena *a, struct scenario_list *all, struct err *e)
{
    size_t count = all->count + more->count;
    struct scenario *joined = arena_alloc(a, count + 1, sizeof *joined);
    if (joined == NULL)
        return rules_no_memory(path, e);
    if (all->count > 0)
        memcpy(joined, all->items, all->count * sizeof *joined);
    memcpy(joined + all->count, more->items, more->count * sizeof *joined);
    *all = (struct scenario_list){.items = joined, .count = count};
    return STATUS_OK;
}

enum status formats_read(enum formats_kind kind, const struct opt_strings *paths,
                         struct arena *a, struct scenario_list *all, struct err *e)
{
    for (size_t i = 0; i < paths->count; i++) {
        struct scenario_list more;
        if (readers[kind](paths->items[i], a, &more, e) != STATUS_OK ||
            append(paths->items[i], &more, a, all, e) != STATUS_OK)
            return e->code;
    }
    return STATUS_OK;
}
