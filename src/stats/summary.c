#include "stats/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stats/gather.h"
#include "stats/interval.h"
#include "stats/loadshape.h"
#include "stats/match_field.h"
#include "stats/stein.h"
#include "stats/verdict.h"

const char *const summary_pools[] = {
#define X(name, kind, withheld) [SUMMARY_POOL_##name] = #name,
    SUMMARY_POOLS(X)
#undef X
};

static const struct pool {
    enum gather_kind kind;
    enum field_id withheld; /* FIELD_COUNT: never */
} pools[] = {
#define X(name, kind, withheld) [SUMMARY_POOL_##name] = {kind, withheld},
    SUMMARY_POOLS(X)
#undef X
};

/* One cell on its way to an entry. Arrays are the arena's. */
struct cell_work {
    const struct run_data *run;
    const struct row *all_rows;
    const int32_t *first; /* [cell_count] of each cell the first one of its entry */
    int32_t cell;
    const struct row **rows; /* [row_count] measured repeats that succeeded */
    size_t *repeats;         /* [row_count] their indices */
    size_t row_count;
    struct launches launches; /* of rows */
    double *values;           /* scratch, [3 * row_count] */
    struct arena *arena;
};

/* Adds a repeat's requests whose latencies count. */
static enum status pool_repeat(struct cell_work *w, size_t i, const struct pool *of,
                               struct gather *g)
{
    const struct run_data *run = w->run;
    struct loadshape shape;
    bool is_withheld = of->withheld != FIELD_COUNT && run->definitions != 1 &&
                       isnan(field_num(w->rows[i], of->withheld));
    if (is_withheld || (of->kind == GATHER_ITL && !run->cells[w->cell].has_gaps))
        return STATUS_OK;
    enum status s = loadshape_init(&shape, run, &run->repeats[w->repeats[i]], w->rows[i]);
    if (s != STATUS_OK)
        return s;
    struct gather_scope scope = loadshape_scope(&shape);
    scope.unit = scope.order == PERCENTILE_CLUSTER ? i : 0;
    if (w->launches.count > 1)
        scope.unit = w->launches.of[i];
    return gather_add(g, of->kind, &scope);
}

/* Pools a kind over the repeats; *out of shape [percentile_count]. */
static enum status fill_pool(struct cell_work *w, const struct pool *of,
                             struct percentile **out, struct verdict_samples *judged)
{
    const struct run_data *run = w->run;
    struct gather g = {0};
    size_t highest = 0;
    struct percentile *made = arena_alloc(w->arena, run->percentile_count, sizeof *made);
    enum status s = made != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    for (size_t i = 0; s == STATUS_OK && i < w->row_count; i++)
        s = pool_repeat(w, i, of, &g);
    for (size_t i = 0; s == STATUS_OK && i < run->percentile_count; i++) {
        made[i] = gather_percentile(&g, run->percentiles[i]);
        highest = made[i].p > made[highest].p ? i : highest;
    }
    if (s == STATUS_OK && run->percentile_count > 0) {
        judged->samples = made[highest].samples;
        judged->floor = made[highest].needed;
    }
    *out = made;
    gather_fini(&g);
    return s;
}

static enum status fill_pools(struct cell_work *w, struct summary_entry *entry,
                              struct verdict_cell *judged)
{
    enum status s = STATUS_OK;
    for (int i = 0; s == STATUS_OK && i < SUMMARY_POOL_COUNT; i++) {
        judged->samples[i].name = summary_pools[i];
        s = fill_pool(w, &pools[i], &entry->pools[i], &judged->samples[i]);
    }
    return s;
}

static void fill_spreads(struct cell_work *w, struct summary_entry *entry)
{
    const struct metric_rows repeats = {.items = w->rows,
                                        .count = w->row_count,
                                        .launches = w->launches,
                                        .definitions = w->run->definitions};
    metric_spreads(&repeats, w->values, entry->spread);
    stein_put_interval(&repeats, entry->spread);
    size_t n = metric_values(w->rows, w->row_count, METRIC_tokens_per_second, w->values);
    double cv = interval_cv(w->values, n);
    entry->repeats_for_2_percent = interval_repeats_needed(cv, 0.02);
    entry->repeats_range = interval_repeats_range(w->values, n, 0.02);
}

static int64_t count_of(const struct row *row, enum field_id id)
{
    return row->v[id].kind == VALUE_INT ? row->v[id].i : 0;
}

/* Finds the cell's rows. */
static enum status collect(struct cell_work *w, struct summary_entry *entry)
{
    const struct run_data *run = w->run;
    w->rows = arena_alloc(w->arena, run->repeat_count, sizeof(const struct row *));
    w->repeats = arena_alloc(w->arena, run->repeat_count, sizeof *w->repeats);
    w->values = arena_alloc(w->arena, 3 * run->repeat_count, sizeof *w->values);
    if (w->arena->has_failed)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < run->repeat_count; i++) {
        const struct row *row = &w->all_rows[i];
        if (w->first[run->repeats[i].cell] != w->cell)
            continue;
        if (entry->row == NULL)
            entry->row = row;
        bool is_failed = value_is_known(row->v[FIELD_error]);
        entry->requests_failed += count_of(row, FIELD_requests_failed) +
                                  count_of(row, FIELD_requests_unanswered);
        if (run->repeats[i].is_warmup)
            continue;
        entry->failed_rows += is_failed;
        if (is_failed)
            continue;
        w->repeats[w->row_count] = i;
        w->rows[w->row_count++] = row;
    }
    entry->count = (int64_t)w->row_count;
    return STATUS_OK;
}

static enum status build_entry(struct cell_work *w, struct summary_entry *out)
{
    struct summary_entry entry = {0};
    struct verdict_outcome outcome;
    enum status s = collect(w, &entry);
    struct verdict_cell judged = {
        .run = w->run, .rows = w->rows, .row_count = w->row_count};
    if (s != STATUS_OK)
        return s;
    w->launches = launches_of(w->rows, w->row_count, w->arena);
    fill_spreads(w, &entry);
    s = fill_pools(w, &entry, &judged);
    if (s == STATUS_OK)
        s = verdict_judge_cell(&judged, w->arena, &outcome);
    if (s != STATUS_OK)
        return s;
    entry.verdict = outcome.verdict;
    entry.reasons = outcome.reasons;
    entry.warnings = outcome.warnings;
    entry.checks = outcome.checks;
    *out = entry;
    return STATUS_OK;
}

/* --- keys */

/* The first ones are in every key, the label where settings have names, the last ones
 * where keys would be the same without. */
static const struct {
    const char *before;
    enum field_id id;
    const char *unknown; /* NULL: left out then */
    bool is_further;
} key_parts[] = {
    {"", FIELD_instance_type, "unknown", false},
    {"_", FIELD_serving_mode, "unknown", false},
    {"_bs", FIELD_batch_size, "None", false},
    {"_in", FIELD_input_length, "None", false},
    {"_out", FIELD_max_output_tokens, "None", false},
    {"_cache", FIELD_enable_prefix_caching, "None", false},
    {"_", FIELD_label, "unknown", false},
    {"_arm", FIELD_cache_arm, NULL, true},
    {"_", FIELD_scenario, "None", true},
    {"_rate", FIELD_request_rate, "None", true},
};

/* How many of the entries before `end` have the key of entry i. */
static size_t count_same(const struct summary *s, size_t i, size_t end)
{
    size_t n = 0;
    for (size_t k = 0; k < end; k++)
        n += k != i && strcmp(s->entries[k].key, s->entries[i].key) == 0;
    return n;
}

static const char *with_part(const struct summary_entry *entry, size_t part,
                             struct arena *a)
{
    char text[MATCH_FIELD_BYTES];
    struct value v = entry->row->v[key_parts[part].id];
    match_field_text(entry->row, key_parts[part].id, text);
    if (!value_is_known(v) && key_parts[part].unknown == NULL)
        return entry->key;
    if (!value_is_known(v))
        snprintf(text, sizeof text, "%s", key_parts[part].unknown);
    else if (v.kind == VALUE_BOOL)
        snprintf(text, sizeof text, "%s", v.b ? "True" : "False");
    return arena_text(a, "%s%s%s", entry->key, key_parts[part].before, text);
}

bool summary_has_labels(const struct run_data *run)
{
    for (size_t i = 1; i < run->cell_count; i++)
        if (!match_field_is_same(&run->cells[0].fields, &run->cells[i].fields,
                                 FIELD_label))
            return true;
    return false;
}

/* Lengthens every key by one part, or those that are not alone. */
static void lengthen(const struct summary *s, size_t part, const char **keys,
                     struct arena *a)
{
    for (size_t i = 0; i < s->count; i++) {
        bool is_alone = key_parts[part].is_further && count_same(s, i, s->count) == 0;
        keys[i] = is_alone ? s->entries[i].key : with_part(&s->entries[i], part, a);
    }
    for (size_t i = 0; i < s->count; i++)
        s->entries[i].key = keys[i];
}

static void name_entries(const struct summary *s, bool has_labels, const char **keys,
                         struct arena *a)
{
    for (size_t i = 0; i < s->count; i++)
        s->entries[i].key = "";
    for (size_t part = 0; part < sizeof key_parts / sizeof *key_parts; part++)
        if (has_labels || key_parts[part].id != FIELD_label)
            lengthen(s, part, keys, a);
    for (size_t i = 0; i < s->count; i++) { /* of those left the first goes without */
        size_t before = count_same(s, i, i);
        keys[i] = before == 0 ? s->entries[i].key
                              : arena_text(a, "%s_%zu", s->entries[i].key, before + 1);
    }
    for (size_t i = 0; i < s->count; i++)
        s->entries[i].key = keys[i];
}

enum status summary_build(const struct run_data *run, const struct row *rows,
                          struct arena *a, struct summary *out, struct err *e)
{
    size_t most = run->cell_count;
    struct summary made = {.entries = arena_alloc(a, most, sizeof *made.entries)};
    const char **keys = arena_alloc(a, most, sizeof(const char *));
    const int32_t *first = launches_first_cells(run, a);
    enum status s = a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < run->cell_count; i++) {
        struct cell_work w = {
            .run = run, .all_rows = rows, .first = first, .cell = (int32_t)i, .arena = a};
        if (first[i] != w.cell)
            continue;
        s = build_entry(&w, &made.entries[made.count]);
        made.count += s == STATUS_OK && made.entries[made.count].row != NULL;
    }
    if (s == STATUS_OK)
        name_entries(&made, summary_has_labels(run), keys, a);
    if (s != STATUS_OK || a->has_failed)
        return status_no_memory(e, "summary");
    *out = made;
    return STATUS_OK;
}
