#include "run/scenarios.h"

#include <math.h>

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

static enum status pick(struct run *r, struct scenario_list *out, struct err *e)
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

/* --- --hit-rates */

/* A scenario whose prompts have as many tokens as s, `rate` per cent of them shared. */
static struct scenario with_rate(const struct run *r, const struct scenario *s,
                                 double rate)
{
    int64_t tokens = s->shared_tokens + s->own_tokens;
    struct scenario made = *s;
    made.name = arena_printf(r->arena, "%s@%g", s->name, rate);
    made.shared_tokens = (int64_t)llround(rate / 100 * (double)tokens);
    if (made.shared_tokens >= tokens)
        made.shared_tokens = tokens - 1;
    made.own_tokens = tokens - made.shared_tokens;
    made.prefixes = r->opts->prefixes;
    return made;
}

static enum status spread_rates(const struct run *r, struct scenario_list *list,
                                struct err *e)
{
    const struct opt_doubles *rates = &r->opts->hit_rates;
    struct scenario *made = arena_alloc(r->arena, list->count * rates->count + 1,
                                        sizeof *made);
    size_t n = 0;
    if (made == NULL)
        return status_no_memory(e, "options");
    for (size_t i = 0; i < list->count; i++) {
        const struct scenario *s = &list->items[i];
        if (s->text_count > 0) {
            status_fail(e, STATUS_BAD_OPTION, "--hit-rates",
                        "%s has texts of its own, which share what they share", s->name);
            return status_hint(e, "Name scenarios of drawn prompts with --scenarios");
        }
        for (size_t k = 0; k < rates->count; k++) {
            made[n] = with_rate(r, s, rates->items[k]);
            if (made[n++].name == NULL)
                return status_no_memory(e, "options");
        }
    }
    *list = (struct scenario_list){made, n};
    return STATUS_OK;
}

static enum status check_prefixes(const struct run *r, struct err *e)
{
    if (r->opts->hit_rates.count > 0 || r->opts->prefixes == 1)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, "--prefixes", "given without --hit-rates");
    return status_hint(e, "Add e.g. --hit-rates 0 25 50 75 95");
}

enum status run_scenarios(struct run *r, struct scenario_list *out, struct err *e)
{
    if (check_prefixes(r, e) != STATUS_OK || pick(r, out, e) != STATUS_OK)
        return e->code;
    return r->opts->hit_rates.count > 0 ? spread_rates(r, out, e) : STATUS_OK;
}
