#include "report/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "report/codes.h"
#include "report/figure.h"
#include "report/table_caching.h"
#include "report/table_columns.h"
#include "report/width.h"
#include "stats/verdict.h"

#define COLUMNS      80
#define MOST_REPEATS 50 /* that anybody should be told to make */

struct table {
    const struct run_data *run;
    const struct summary_entry *cells;
    size_t count;
    const struct summary_entry **order; /* [count], by scenario, batch or rate, caching */
    struct buf *out;
    bool is_online;
};

static void name_of(const struct row *row, char out[TABLE_NAME_BYTES])
{
    char load[TABLE_NAME_BYTES];
    table_columns_load(row, load);
    snprintf(out, TABLE_NAME_BYTES, "%.40s %.20s %s",
             table_columns_text_of(row, FIELD_scenario), load,
             table_columns_caching(row));
}

static size_t scenario_rank(const struct table *t, const struct row *row)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(table_columns_text_of(t->cells[i].row, FIELD_scenario),
                   table_columns_text_of(row, FIELD_scenario)) == 0)
            return i;
    return t->count;
}

static double load_rank(const struct row *row)
{
    struct value rate = row->v[FIELD_request_rate];
    if (rate.kind == VALUE_STR)
        return 1e300;
    double load = value_as_num(value_is_known(rate) ? rate : row->v[FIELD_batch_size]);
    return isfinite(load) ? load : 1e299;
}

static bool comes_before(const struct table *t, const struct row *a, const struct row *b)
{
    size_t scenario_a = scenario_rank(t, a), scenario_b = scenario_rank(t, b);
    if (scenario_a != scenario_b)
        return scenario_a < scenario_b;
    double load_a = load_rank(a), load_b = load_rank(b);
    if (load_a != load_b)
        return load_a < load_b;
    return strcmp(table_columns_caching(a), table_columns_caching(b)) > 0
               ? false
               : strcmp(table_columns_caching(a), "off") == 0 &&
                     strcmp(table_columns_caching(b), "off") != 0;
}

static void sort_cells(struct table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        size_t at = i;
        while (at > 0 && comes_before(t, t->cells[i].row, t->order[at - 1]->row)) {
            t->order[at] = t->order[at - 1];
            at--;
        }
        t->order[at] = &t->cells[i];
    }
}

static void put_title(struct table *t)
{
    const struct row *row = t->cells[0].row;
    char text[640];
    const char *version = field_str(row, FIELD_engine_version);
    const char *dtype = field_str(row, FIELD_dtype);
    snprintf(text, sizeof text, "%.160s on %.100s: %.40s%s%.40s, %.20s%s%.20s",
             table_columns_text_of(row, FIELD_model_name),
             table_columns_text_of(row, FIELD_instance_type),
             table_columns_text_of(row, FIELD_engine), version != NULL ? " " : "",
             version != NULL ? version : "",
             table_columns_text_of(row, FIELD_serving_mode), dtype != NULL ? ", " : "",
             dtype != NULL ? dtype : "");
    width_wrap(t->out, text, 2, COLUMNS);
    struct value simulated = row->v[FIELD_is_simulated];
    if (simulated.kind == VALUE_BOOL && simulated.b)
        buf_text(t->out, "SIMULATED: these numbers do not come from real hardware.\n");
    else if (strcmp(table_columns_text_of(row, FIELD_weights), "dummy") == 0)
        buf_text(t->out, "Dummy weights: the speed is real, the text is not.\n");
    buf_text(t->out, "\n");
}

/* What is known of the spread: one line for each count of repeats that gives no interval.
 */
static void put_spread_note(struct table *t, int64_t repeats)
{
    int64_t needed = 0;
    bool is_met = false;
    for (size_t i = 0; i < t->count; i++) {
        const struct summary_entry *c = &t->cells[i];
        if (c->count != repeats || isfinite(c->spread[METRIC_tokens_per_second].ci95_low))
            continue;
        is_met = true;
        needed = c->repeats_for_2_percent > needed ? c->repeats_for_2_percent : needed;
    }
    if (!is_met)
        return;
    buf_printf(t->out, "+-?: spread unknown (%" PRId64 " repeat%s); ", repeats,
               repeats == 1 ? "" : "s");
    if (needed > MOST_REPEATS)
        buf_text(t->out, "too noisy: inferbench env --check\n");
    else if (needed > repeats)
        buf_printf(t->out, "--num-runs %" PRId64 " would give about +-2 %%\n",
                   needed + 1);
    else
        buf_text(t->out, "--num-runs 4 or more would show it\n");
}

static void put_online_notes(struct table *t)
{
    width_wrap(
        t->out,
        "Latencies in ms, over the requests of all repeats but the warm-up that are "
        "due in the window. high: the highest percentile asked for that has samples "
        "enough. TPOT: mean time per output token. failed: unanswered ones too.",
        0, COLUMNS);
}

static void put_spread_notes(struct table *t)
{
    if (t->is_online)
        put_online_notes(t);
    buf_text(t->out, "+-x%: 95 % interval over the repeats; the warm-up is left out.\n");
    put_spread_note(t, 1);
    put_spread_note(t, 2);
    int64_t failed = 0;
    for (size_t i = 0; i < t->count; i++)
        failed += t->cells[i].failed_rows;
    if (failed > 0)
        buf_printf(t->out, "%" PRId64 " repeat%s failed and %s left out.\n", failed,
                   failed == 1 ? "" : "s", failed == 1 ? "is" : "are");
}

static bool has_code(const struct summary_entry *c, const char *code)
{
    return codes_has(c->reasons, code) || codes_has(c->warnings, code);
}

static size_t cells_with(const struct table *t, const char *code)
{
    size_t found = 0;
    for (size_t i = 0; i < t->count; i++)
        found += has_code(t->order[i], code);
    return found;
}

/* Which cells, with the value against the limit. */
static void put_named(const struct table *t, const struct verdict_rule *rule,
                      struct buf *text)
{
    size_t listed = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct summary_entry *c = t->order[i];
        char name[TABLE_NAME_BYTES];
        if (!has_code(c, rule->code))
            continue;
        name_of(c->row, name);
        buf_printf(text, "%s%s", listed++ > 0 ? ", " : "", name);
        codes_check_text(c->checks, rule->code, text);
    }
}

/* "CODE (8 cells): what it means" or, up to three, which cells. */
static void put_code(struct table *t, const struct verdict_rule *rule, size_t found)
{
    struct buf text;
    buf_init(&text, 16384);
    if (rule->kind != VERDICT_WARNING)
        buf_printf(&text, "%s: ", verdict_kind_name(rule->kind));
    buf_printf(&text, "%s (", rule->code);
    if (found == t->count && found > 1)
        buf_text(&text, "every cell");
    else if (found > 3)
        buf_printf(&text, "%zu of %zu cells", found, t->count);
    else
        put_named(t, rule, &text);
    buf_printf(&text, "): %s", rule->help);
    if (text.failed == STATUS_OK)
        width_wrap(t->out, buf_cstr(&text), 2, COLUMNS);
    buf_fini(&text);
}

static void put_codes(struct table *t)
{
    size_t rule_count;
    const struct verdict_rule *rules = verdict_rules(&rule_count);
    bool has_any = false;
    for (size_t i = 0; i < rule_count; i++) { /* the table begins with the gravest */
        size_t found = cells_with(t, rules[i].code);
        if (found == 0 || strcmp(rules[i].code, "FEW_REPEATS") == 0)
            continue;
        if (!has_any)
            buf_char(t->out, '\n');
        has_any = true;
        put_code(t, &rules[i], found);
    }
}

enum status table_run(const struct table_input *in, struct buf *out, struct err *e)
{
    size_t count = in->count;
    struct table t = {.run = in->run, .cells = in->cells, .count = count, .out = out};
    if (count == 0) {
        buf_text(out, "Nothing was measured.\n");
        return out->failed;
    }
    t.is_online = table_columns_is_online(in->cells[0].row);
    t.order = mem_alloc(count, sizeof(struct summary_entry *));
    if (t.order == NULL)
        return status_fail(e, STATUS_NO_MEMORY, "table", "no memory for %zu cells",
                           count);
    sort_cells(&t);
    put_title(&t);
    table_columns_put(&(struct table_columns){
        .run = in->run, .cells = t.order, .count = count, .out = out});
    put_spread_notes(&t);
    enum status s = table_caching_put(in->run, in->rows, out, e);
    put_codes(&t);
    mem_free(t.order);
    if (s == STATUS_OK && out->failed != STATUS_OK)
        s = status_fail(e, out->failed, "table", "the table does not fit");
    return s;
}
