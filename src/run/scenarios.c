#include "run/scenarios.h"

#include "data/formats.h"

bool run_scenarios_are_unnamed(const struct run *r)
{
    return opt_source_of(r->parse, "scenarios") == OPT_FROM_DEFAULT;
}

/* A key may mean something to the file's author: not taken, it is said. */
static void say_unused(struct run *r, const struct scenario_list *read)
{
    for (size_t i = 0; i < read->count; i++)
        if (read->items[i].unused_keys != NULL)
            log_line(r->host->log, LOG_NOTE, "note: %s: keys not used: %s",
                     read->items[i].dataset, read->items[i].unused_keys);
}

enum status run_scenarios(struct run *r, struct scenario_list *out, struct err *e)
{
    const struct run_opts *o = r->opts;
    struct arena *a = r->arena;
    struct scenario_list extra = {0};
    size_t data_count = o->datasets.count;
    if (formats_read(FORMATS_SCENARIOS, &o->scenario_files, a, &extra, e) != STATUS_OK ||
        formats_read(FORMATS_DATASET, &o->datasets, a, &extra, e) != STATUS_OK)
        return e->code;
    say_unused(r, &extra);
    if (run_scenarios_are_unnamed(r) && extra.count > 0) {
        *out = extra;
        return STATUS_OK;
    }
    struct opt_strings names = {
        arena_alloc(a, o->scenarios.count + data_count + 1, sizeof(char *)), 0};
    if (names.items == NULL)
        return status_no_memory(e, "options");
    for (size_t i = 0; i < o->scenarios.count; i++)
        names.items[names.count++] = o->scenarios.items[i];
    for (size_t i = 0; extra.items != NULL && i < data_count; i++)
        names.items[names.count++] = extra.items[extra.count - data_count + i].name;
    return scenario_pick(&names, &extra, a, out, e);
}
