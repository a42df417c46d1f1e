#include "stats/rows.h"

#include <stdio.h>
#include <string.h>

#include "stats/search.h"
#include "stats/stein.h"
#include "stats/match_field.h"
#include "stats/rows_measure.h"
#include "stats/verdict.h"

static const char *scenario_of(const struct run_data *run, size_t repeat_index)
{
    int32_t cell = run->repeats[repeat_index].cell;
    if (cell < 0 || (size_t)cell >= run->cell_count)
        return "unknown";
    return match_field_name(&run->cells[cell].fields, FIELD_scenario);
}

static struct wall start_of(const struct run_data *run, size_t repeat_index)
{
    int64_t start_ns = run->repeats[repeat_index].start_ns;
    return (struct wall){run->start.ns + (start_ns == NS_UNKNOWN ? 0 : start_ns)};
}

/* What rows need of the whole run, found once for all of them. */
struct common {
    const struct run_data *run;
    int64_t *longest; /* [run->cell_count] prompt that the engine counted, or none */
};

/* 1 for the first row of the run with this scenario and second, 2 for the next... */
static int nth_of_second(const struct run_data *run, size_t repeat_index)
{
    int64_t second = start_of(run, repeat_index).ns / NS_PER_S;
    int n = 1;
    for (size_t i = 0; i < repeat_index; i++)
        n += start_of(run, i).ns / NS_PER_S == second &&
             strcmp(scenario_of(run, i), scenario_of(run, repeat_index)) == 0;
    return n;
}

static void find_longest(const struct run_data *run, int64_t *longest)
{
    for (size_t i = 0; i < run->cell_count; i++)
        longest[i] = TOKENS_UNKNOWN;
    for (size_t i = 0; i < run->repeat_count; i++) {
        const struct repeat_data *r = &run->repeats[i];
        if (r->cell < 0 || (size_t)r->cell >= run->cell_count)
            continue;
        for (size_t k = 0; k < r->request_count; k++)
            if (r->requests[k].tokens_in > longest[r->cell])
                longest[r->cell] = r->requests[k].tokens_in;
    }
}

/* "_fast" of a setting with a name, which is its cell's own label; else "". */
static const char *setting_of(const struct run_data *run, size_t repeat_index,
                              struct arena *a)
{
    int32_t cell = run->repeats[repeat_index].cell;
    bool is_known = cell >= 0 && (size_t)cell < run->cell_count;
    const char *name = is_known ? field_str(&run->cells[cell].fields, FIELD_label) : NULL;
    return name != NULL ? arena_text(a, "_%s", name) : "";
}

static const char *experiment_id(const struct run_data *run, size_t repeat_index,
                                 const struct row *row, struct arena *a)
{
    char stamp[CLOCK_TEXT_BYTES], suffix[16] = "";
    int n = nth_of_second(run, repeat_index);
    clock_stamp(start_of(run, repeat_index), run->utc_offset_s, stamp);
    if (n > 1)
        snprintf(suffix, sizeof suffix, "_%d", n);
    return arena_text(a, "%s_%s_%s%s_%s%s", match_field_name(row, FIELD_instance_type),
                      match_field_name(row, FIELD_serving_mode),
                      scenario_of(run, repeat_index), setting_of(run, repeat_index, a),
                      stamp, suffix);
}

/* Longest prompt over all requests of all repeats of the cell, as the engine counted;
 * else as planned. */
static struct value input_length(const struct common *common, int32_t cell)
{
    int64_t longest = common->longest[cell];
    if (longest <= 0)
        longest = common->run->cells[cell].longest_prompt_tokens;
    return longest > 0 ? value_int(longest) : value_null();
}

static const char *notes(const struct run_data *run, size_t repeat_index,
                         const struct row *row, struct arena *a)
{
    const struct repeat_data *r = &run->repeats[repeat_index];
    const char *more = field_str(row, FIELD_notes);
    return arena_text(a, "scenario=%s, run=%d, warmup=%s%s%s",
                      scenario_of(run, repeat_index), (int)r->repeat,
                      r->is_warmup ? "True" : "False", more != NULL ? ", " : "",
                      more != NULL ? more : "");
}

/* Online a rank has a share of the load: its numbers alone would be those of a smaller
 * one. */
static const char *error_of(const struct rows_measure *m, struct arena *a)
{
    const struct run_data *run = m->run;
    const struct repeat_data *repeat = m->repeat;
    const struct tally *t = &m->tally;
    if (m->is_online && run->ranks > 1 && run->rank != RANK_ALL)
        return arena_text(a, "rank %d of %d alone: not merged with the others",
                          (int)run->rank, (int)run->ranks);
    if (repeat->error != NULL)
        return repeat->error;
    if (!repeat->is_ended)
        return "interrupted";
    if (t->ok == 0)
        return t->first_error != NULL ? t->first_error : "no request succeeded";
    return NULL;
}

static void fill_identity(const struct common *common, size_t repeat_index,
                          struct row *row, struct arena *a)
{
    const struct run_data *run = common->run;
    const struct repeat_data *r = &run->repeats[repeat_index];
    struct wall start = start_of(run, repeat_index);
    char local[CLOCK_TEXT_BYTES], utc[CLOCK_TEXT_BYTES];
    clock_iso_local(start, run->utc_offset_s, local);
    clock_iso_utc(start, utc);
    field_fill(row, FIELD_serving_mode, value_str(run->serving_mode));
    row->v[FIELD_experiment_id] = value_str(experiment_id(run, repeat_index, row, a));
    row->v[FIELD_timestamp] = value_str(arena_strdup(a, local));
    row->v[FIELD_timestamp_utc] = value_str(arena_strdup(a, utc));
    row->v[FIELD_notes] = value_str(notes(run, repeat_index, row, a));
    row->v[FIELD_row] = value_int((int64_t)repeat_index);
    row->v[FIELD_repeat] = value_int(r->repeat);
    row->v[FIELD_is_warmup] = value_bool(r->is_warmup);
    row->v[FIELD_definitions] = value_int(run->definitions);
    field_fill(row, FIELD_input_length, input_length(common, r->cell));
    field_fill(row, FIELD_seed, value_int(run->seed));
    field_fill(row, FIELD_label, row->v[FIELD_instance_type]);
    field_fill(row, FIELD_metadata, value_json("{}"));
}

/* Which processes a row comes from: all of them, or one. */
static void fill_ranks(const struct rows_measure *m)
{
    bool is_one = m->run->rank != RANK_ALL;
    if (m->run->ranks > 1 && m->is_online)
        m->row->v[FIELD_ranks] = value_int(m->run->ranks);
    else if (m->run->ranks > 1 && is_one)
        m->row->v[FIELD_rank] = value_int(m->run->rank);
}

/* What was not measured is null; offline, so is what describes load on a server. */
static void fill_nulls(struct row *row, bool is_online)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        if (row->v[i].kind == VALUE_ABSENT ||
            (!is_online && field_table[i].must[0] == '-'))
            row->v[i] = value_null();
}

/* Of a repeat that did not fail. */
static enum status fill_times(struct rows_measure *m)
{
    enum status s = loadshape_init(&m->shape, m->run, m->repeat, m->row);
    m->scope = loadshape_scope(&m->shape);
    if (s == STATUS_OK && m->is_online)
        s = rows_online_fill(m);
    if (s == STATUS_OK)
        s = rows_measure_times(m);
    return s == STATUS_OK && m->is_online ? rows_online_goodput(m) : s;
}

static enum status build(const struct common *common, size_t repeat_index,
                         struct arena *a, struct row *row)
{
    const struct run_data *run = common->run;
    const struct repeat_data *repeat = &run->repeats[repeat_index];
    struct rows_measure m = {
        .run = run,
        .cell = &run->cells[repeat->cell],
        .repeat = repeat,
        .row = row,
        .arena = a,
    };
    field_overlay(row, &run->fields);
    field_overlay(row, &m.cell->fields);
    field_overlay(row, &repeat->fields);
    fill_identity(common, repeat_index, row, a);
    m.is_online = field_is(row, FIELD_serving_mode, "online");
    fill_ranks(&m);
    tally_count(repeat, &m.tally);
    row->v[FIELD_error] = value_str(error_of(&m, a));
    enum status s = STATUS_OK;
    rows_measure_counts(&m);
    if (!value_is_known(row->v[FIELD_error]))
        s = fill_times(&m);
    fill_nulls(row, m.is_online);
    return s;
}

static enum status build_judged(const struct common *common, size_t repeat_index,
                                struct arena *a, struct row *out, struct err *e)
{
    const struct run_data *run = common->run;
    const struct repeat_data *repeat = &run->repeats[repeat_index];
    if (repeat->cell < 0 || (size_t)repeat->cell >= run->cell_count)
        return status_fail(e, STATUS_BAD_INPUT, "journal",
                           "repeat line %zu names cell %d of %zu", repeat_index,
                           (int)repeat->cell, run->cell_count);
    enum status s = build(common, repeat_index, a, out);
    if (s == STATUS_OK)
        s = verdict_judge_row(run, repeat, out, a);
    return s;
}

enum status rows_build_all(const struct run_data *run, struct arena *a, struct row **out,
                           struct err *e)
{
    size_t count = run->repeat_count;
    struct row *rows = arena_alloc(a, count, sizeof *rows);
    const struct common common = {
        .run = run, .longest = arena_alloc(a, run->cell_count, sizeof *common.longest)};
    enum status s = rows != NULL && common.longest != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    if (s == STATUS_OK)
        find_longest(run, common.longest);
    for (size_t i = 0; s == STATUS_OK && i < count; i++)
        s = build_judged(&common, i, a, &rows[i], e);
    if (s == STATUS_OK)
        s = stein_fill(run, rows, a);
    if (s == STATUS_OK)
        search_fill(run, rows);
    if (s == STATUS_NO_MEMORY || a->has_failed)
        return status_no_memory(e, "rows");
    *out = rows;
    return s;
}
