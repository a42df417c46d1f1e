#include "stats/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "stats/gather.h"
#include "stats/loadshape.h"
#include "stats/interval.h"
#include "stats/quantile.h"
#include "stats/verdict_judge.h"
#include "text/jsonw.h"

/* One cell on its way to an entry. Arrays are the arena's. */
struct cell_work {
    const struct run_data *run;
    const struct row *all_rows;
    int32_t cell;
    const struct row **rows; /* [row_count] measured repeats that succeeded */
    size_t *repeats;         /* [row_count] their indices */
    size_t row_count;
    double *values; /* scratch, [row_count] */
    struct arena *arena;
};

static bool is_online(const struct cell_work *w)
{
    const char *mode = w->run->serving_mode;
    return mode != NULL && strcmp(mode, "online") == 0;
}

/* What the row left out for a reason is left out here too. */
static bool is_withheld(const struct row *row, enum gather_kind kind)
{
    switch (kind) {
    case GATHER_TTFT: return isnan(field_num(row, FIELD_decode_time));
    case GATHER_ITL: return isnan(field_num(row, FIELD_itl_mean_ms));
    default: return false;
    }
}

/* Adds a repeat's requests whose latencies count. */
static enum status pool_repeat(struct cell_work *w, size_t i, enum gather_kind kind,
                               struct gather *g)
{
    const struct run_data *run = w->run;
    const struct repeat_data *repeat = &run->repeats[w->repeats[i]];
    struct loadshape shape;
    struct gather_scope scope = {.repeat = repeat,
                                 .definitions = run->definitions,
                                 .begin_ns = NS_UNKNOWN,
                                 .end_ns = NS_UNKNOWN};
    if (run->definitions != 1 && is_withheld(w->rows[i], kind))
        return STATUS_OK;
    if (is_online(w)) {
        if (loadshape_init(&shape, run, repeat, w->rows[i]) != STATUS_OK)
            return STATUS_NO_MEMORY;
        scope = loadshape_scope(&shape);
    }
    return gather_add(g, kind, &scope);
}

/* Pools a kind over the repeats; *out of shape [percentile_count]. */
static enum status pool(struct cell_work *w, enum gather_kind kind,
                        struct percentile **out, size_t *samples)
{
    const struct run_data *run = w->run;
    size_t n = run->percentile_count;
    struct gather g = {0};
    struct percentile *made = arena_alloc(w->arena, n > 0 ? n : 1, sizeof *made);
    enum status s = made != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    bool has_values = kind != GATHER_ITL || run->cells[w->cell].has_gaps;
    for (size_t i = 0; s == STATUS_OK && has_values && i < w->row_count; i++)
        s = pool_repeat(w, i, kind, &g);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        double p = run->percentiles[i];
        made[i] = (struct percentile){.p = p, .value = gather_percentile(&g, p)};
    }
    if (s == STATUS_OK) {
        *out = made;
        *samples = g.samples;
    }
    gather_fini(&g);
    return s;
}

static size_t highest_floor(const struct run_data *run)
{
    size_t floor = 0;
    for (size_t i = 0; i < run->percentile_count; i++) {
        size_t n = quantile_floor(run->percentiles[i]);
        floor = n > floor ? n : floor;
    }
    return floor;
}

static enum status pool_all(struct cell_work *w, struct summary_entry *entry,
                            struct verdict_cell *judged)
{
    static const char *const names[] = {"ttft_s", "itl_ms", "e2e_s"};
    static const enum gather_kind kinds[] = {GATHER_TTFT, GATHER_ITL, GATHER_E2E};
    struct percentile **out[] = {&entry->ttft_s, &entry->itl_ms, &entry->e2e_s};
    size_t floor = highest_floor(w->run);
    for (size_t i = 0; i < 3; i++) {
        judged->samples[i].name = names[i];
        judged->samples[i].floor = floor;
        enum status s = pool(w, kinds[i], out[i], &judged->samples[i].samples);
        if (s != STATUS_OK)
            return s;
    }
    return STATUS_OK;
}

static void fill_spreads(struct cell_work *w, struct summary_entry *entry)
{
    size_t n;
    for (int m = 0; m < METRIC_COUNT; m++) {
        n = metric_values(w->rows, w->row_count, (enum metric)m, w->values);
        entry->spread[m] = metric_spread((enum metric)m, w->run->definitions, w->values,
                                         n);
    }
    n = metric_values(w->rows, w->row_count, METRIC_tokens_per_second, w->values);
    entry->repeats_for_2_percent = interval_repeats_needed(interval_cv(w->values, n),
                                                           0.02);
}

static int64_t count_of(const struct row *row, enum field_id id)
{
    return row->v[id].kind == VALUE_INT ? row->v[id].i : 0;
}

/* Finds the cell's rows; *first is its first row, NULL if it has none. */
static enum status collect(struct cell_work *w, struct summary_entry *entry)
{
    const struct run_data *run = w->run;
    size_t most = run->repeat_count > 0 ? run->repeat_count : 1;
    w->rows = arena_alloc(w->arena, most, sizeof(const struct row *));
    w->repeats = arena_alloc(w->arena, most, sizeof *w->repeats);
    w->values = arena_alloc(w->arena, most, sizeof *w->values);
    if (w->rows == NULL || w->repeats == NULL || w->values == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < run->repeat_count; i++) {
        if (run->repeats[i].cell != w->cell)
            continue;
        if (entry->row == NULL)
            entry->row = &w->all_rows[i];
        bool is_failed = value_is_known(w->all_rows[i].v[FIELD_error]);
        entry->requests_failed += count_of(&w->all_rows[i], FIELD_requests_failed) +
                                  count_of(&w->all_rows[i], FIELD_requests_unanswered);
        if (run->repeats[i].is_warmup)
            continue;
        entry->failed_rows += is_failed;
        if (is_failed)
            continue;
        w->repeats[w->row_count] = i;
        w->rows[w->row_count++] = &w->all_rows[i];
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
    if (s == STATUS_OK) {
        fill_spreads(w, &entry);
        s = pool_all(w, &entry, &judged);
    }
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

/* A number as in a key: "1", "0.5"; "None" where it is null. */
static void key_text(const struct row *row, enum field_id id, char *out)
{
    struct value v = row->v[id];
    if (v.kind == VALUE_STR) {
        snprintf(out, 32, "%s", v.s);
    } else if (v.kind == VALUE_INT) {
        snprintf(out, 32, "%lld", (long long)v.i);
    } else if (v.kind == VALUE_NUM) {
        jsonw_double_text(v.n, out);
        size_t length = strlen(out);
        if (length > 2 && strcmp(out + length - 2, ".0") == 0)
            out[length - 2] = '\0';
    } else if (v.kind == VALUE_BOOL) {
        snprintf(out, 32, "%s", v.b ? "True" : "False");
    } else {
        snprintf(out, 32, "None");
    }
}

static const char *base_key(const struct row *row, struct arena *a)
{
    char batch[32], in[32], most[32], cache[32];
    const char *machine = field_str(row, FIELD_instance_type);
    const char *mode = field_str(row, FIELD_serving_mode);
    key_text(row, FIELD_batch_size, batch);
    key_text(row, FIELD_input_length, in);
    key_text(row, FIELD_max_output_tokens, most);
    key_text(row, FIELD_enable_prefix_caching, cache);
    return arena_printf(a, "%s_%s_bs%s_in%s_out%s_cache%s",
                        machine != NULL ? machine : "unknown",
                        mode != NULL ? mode : "unknown", batch, in, most, cache);
}

static bool is_shared(const struct summary_entry *entries, size_t count, size_t i)
{
    for (size_t k = 0; k < count; k++)
        if (k != i && strcmp(entries[k].key, entries[i].key) == 0)
            return true;
    return false;
}

enum key_part { KEY_SCENARIO, KEY_RATE, KEY_NUMBER, KEY_PART_COUNT };

static const char *longer_key(const struct summary_entry *entry, enum key_part part,
                              int number, struct arena *a)
{
    char text[32];
    const char *scenario = field_str(entry->row, FIELD_scenario);
    switch (part) {
    case KEY_SCENARIO:
        return arena_printf(a, "%s_%s", entry->key, scenario != NULL ? scenario : "None");
    case KEY_RATE:
        key_text(entry->row, FIELD_request_rate, text);
        return arena_printf(a, "%s_rate%s", entry->key, text);
    default: return arena_printf(a, "%s_%d", entry->key, number);
    }
}

static int earlier_same(const struct summary_entry *entries, size_t i)
{
    int n = 0;
    for (size_t k = 0; k < i; k++)
        n += strcmp(entries[k].key, entries[i].key) == 0;
    return n;
}

/* Lengthens by one part every key that is not alone; of numbers the first goes without.
 */
static enum status lengthen(struct summary_entry *entries, size_t count,
                            enum key_part part, struct arena *a)
{
    const char **keys = arena_alloc(a, count > 0 ? count : 1, sizeof(const char *));
    if (keys == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        int number = earlier_same(entries, i) + 1;
        bool is_longer = is_shared(entries, count, i) &&
                         (part != KEY_NUMBER || number > 1);
        keys[i] = is_longer ? longer_key(&entries[i], part, number, a) : entries[i].key;
        if (keys[i] == NULL)
            return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++)
        entries[i].key = keys[i];
    return STATUS_OK;
}

static enum status name_entries(struct summary_entry *entries, size_t count,
                                struct arena *a)
{
    for (size_t i = 0; i < count; i++) {
        entries[i].key = base_key(entries[i].row, a);
        if (entries[i].key == NULL)
            return STATUS_NO_MEMORY;
    }
    for (int part = 0; part < KEY_PART_COUNT; part++) {
        enum status s = lengthen(entries, count, (enum key_part)part, a);
        if (s != STATUS_OK)
            return s;
    }
    return STATUS_OK;
}

enum status summary_build(const struct run_data *run, const struct row *rows,
                          struct arena *a, struct summary *out, struct err *e)
{
    size_t most = run->cell_count > 0 ? run->cell_count : 1, n = 0;
    struct summary_entry *entries = arena_alloc(a, most, sizeof *entries);
    enum status s = entries != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    for (size_t i = 0; s == STATUS_OK && i < run->cell_count; i++) {
        struct cell_work w = {
            .run = run, .all_rows = rows, .cell = (int32_t)i, .arena = a};
        s = build_entry(&w, &entries[n]);
        n += s == STATUS_OK && entries[n].row != NULL;
    }
    if (s == STATUS_OK)
        s = name_entries(entries, n, a);
    if (s != STATUS_OK)
        return status_fail(e, s, "summary", "out of memory for %zu cells",
                           run->cell_count);
    *out = (struct summary){.entries = entries, .count = n};
    return STATUS_OK;
}
