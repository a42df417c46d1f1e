#include "report/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "report/codes.h"
#include "report/figure.h"
#include "report/width.h"
#include "stats/verdict.h"

#define COLUMNS    80
#define NAME_BYTES 96

struct table {
    const struct run_data *run;
    const struct summary_entry *cells;
    size_t count;
    const struct summary_entry **order; /* [count], by scenario, batch or rate, caching */
    struct buf *out;
    bool is_online;
    bool has_itl_mean; /* online: a mean stands where a percentile should */
    size_t low, high;  /* online: which of run->percentiles are shown */
};

static const char *text_of(const struct row *row, enum field_id id)
{
    const char *text = field_str(row, id);
    return text != NULL ? text : "unknown";
}

static const char *caching_of(const struct row *row)
{
    struct value v = row->v[FIELD_enable_prefix_caching];
    return v.kind != VALUE_BOOL ? "?" : v.b ? "on" : "off";
}

static bool is_online(const struct row *row)
{
    const char *mode = field_str(row, FIELD_serving_mode);
    return mode != NULL && strcmp(mode, "online") == 0;
}

/* "4", "c=4", "4/s" or "inf": what stands for the load of a cell. */
static void load_of(const struct row *row, char out[NAME_BYTES])
{
    struct value rate = row->v[FIELD_request_rate], batch = row->v[FIELD_batch_size];
    if (rate.kind == VALUE_STR)
        snprintf(out, NAME_BYTES, "%.20s", rate.s);
    else if (value_is_known(rate))
        snprintf(out, NAME_BYTES, "%g/s", value_as_num(rate));
    else if (value_is_known(batch))
        snprintf(out, NAME_BYTES, "%s%.0f", is_online(row) ? "c=" : "",
                 value_as_num(batch));
    else
        snprintf(out, NAME_BYTES, "?");
}

static void name_of(const struct row *row, char out[NAME_BYTES])
{
    char load[NAME_BYTES];
    load_of(row, load);
    snprintf(out, NAME_BYTES, "%.40s %.20s %s", text_of(row, FIELD_scenario), load,
             caching_of(row));
}

static size_t scenario_rank(const struct table *t, const struct row *row)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(text_of(t->cells[i].row, FIELD_scenario),
                   text_of(row, FIELD_scenario)) == 0)
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
    return strcmp(caching_of(a), caching_of(b)) > 0
               ? false
               : strcmp(caching_of(a), "off") == 0 && strcmp(caching_of(b), "off") != 0;
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
             text_of(row, FIELD_model_name), text_of(row, FIELD_instance_type),
             text_of(row, FIELD_engine), version != NULL ? " " : "",
             version != NULL ? version : "", text_of(row, FIELD_serving_mode),
             dtype != NULL ? ", " : "", dtype != NULL ? dtype : "");
    width_wrap(t->out, text, 2, COLUMNS);
    struct value simulated = row->v[FIELD_is_simulated];
    if (simulated.kind == VALUE_BOOL && simulated.b)
        buf_text(t->out, "SIMULATED: these numbers do not come from real hardware.\n");
    else if (strcmp(text_of(row, FIELD_weights), "dummy") == 0)
        buf_text(t->out, "Dummy weights: the speed is real, the text is not.\n");
    buf_text(t->out, "\n");
}

static void put_right(struct buf *out, const char *text, int columns)
{
    buf_char(out, ' ');
    width_pad(out, text, -columns);
}

static void put_ms(struct buf *out, double ms, int columns)
{
    char number[FIGURE_BYTES];
    figure_number(ms, number);
    put_right(out, number, columns);
}

/* Means of an offline cell. */
static void put_means(struct table *t, const struct summary_entry *c)
{
    char text[NAME_BYTES];
    put_ms(t->out, c->time_per_token_ms.mean, 8);
    put_ms(t->out, c->first_token_latency_s.mean * 1000.0, 8);
    put_ms(t->out, c->inter_token_latency_ms.mean, 7);
    figure_percent(c->cache_hit_rate.mean, text);
    put_right(t->out, text, 5);
    put_ms(t->out, c->usd_per_million_output_tokens.mean, 7);
}

static double shown(const struct table *t, const struct percentile *of, size_t which)
{
    return which < t->run->percentile_count && of != NULL ? of[which].value : (double)NAN;
}

/* Percentiles of an online cell, and what failed. */
static void put_percentiles(struct table *t, const struct summary_entry *c)
{
    char text[NAME_BYTES], number[FIGURE_BYTES];
    double itl_ms = shown(t, c->itl_ms, t->low), mean_ms = c->inter_token_latency_ms.mean;
    put_ms(t->out, shown(t, c->ttft_s, t->low) * 1000.0, 8);
    put_ms(t->out, shown(t, c->ttft_s, t->high) * 1000.0, 8);
    bool is_mean = isnan(itl_ms) && isfinite(mean_ms);
    t->has_itl_mean |= is_mean;
    figure_number(is_mean ? mean_ms : itl_ms, number);
    snprintf(text, sizeof text, "%s%s", number, is_mean ? "*" : "");
    put_right(t->out, text, 7);
    put_ms(t->out, shown(t, c->itl_ms, t->high), 7);
    snprintf(text, sizeof text, "%" PRId64, c->requests_failed);
    put_right(t->out, text, 6);
}

static void put_cell(struct table *t, const struct summary_entry *c)
{
    char text[NAME_BYTES];
    load_of(c->row, text);
    width_pad(t->out, text, -7);
    put_right(t->out, caching_of(c->row), 5);
    figure_spread(&c->tokens_per_second, text);
    put_right(t->out, text, 15);
    if (t->is_online)
        put_percentiles(t, c);
    else
        put_means(t, c);
    const char *verdict = c->verdict != NULL   ? c->verdict
                          : c->failed_rows > 0 ? "failed"
                                               : "-";
    buf_text(t->out, "  ");
    buf_text(t->out, verdict);
    buf_char(t->out, '\n');
}

static void put_percentile_name(struct table *t, const char *of, size_t which,
                                int columns)
{
    char text[NAME_BYTES] = "";
    if (which < t->run->percentile_count)
        snprintf(text, sizeof text, "%s%sp%g", of, *of != '\0' ? " " : "",
                 t->run->percentiles[which]);
    put_right(t->out, *text != '\0' ? text : of, columns);
}

static void put_head(struct table *t)
{
    width_pad(t->out, t->is_online ? "load" : "batch", -7);
    put_right(t->out, "cache", 5);
    put_right(t->out, "tokens/s", 15);
    if (t->is_online) {
        put_percentile_name(t, "TTFT", t->low, 8);
        put_percentile_name(t, "", t->high, 8);
        put_percentile_name(t, "ITL", t->low, 7);
        put_percentile_name(t, "", t->high, 7);
        put_right(t->out, "failed", 6);
    } else {
        put_right(t->out, "ms/token", 8);
        put_right(t->out, "TTFT ms", 8);
        put_right(t->out, "ITL ms", 7);
        put_right(t->out, "hits", 5);
        put_right(t->out, "$/1Mtok", 7);
    }
    buf_text(t->out, "  verdict\n");
}

static void put_cells(struct table *t)
{
    put_head(t);
    const char *scenario = "";
    for (size_t i = 0; i < t->count; i++) {
        const char *now = text_of(t->order[i]->row, FIELD_scenario);
        if (i == 0 || strcmp(now, scenario) != 0)
            buf_printf(t->out, "%s\n", now);
        scenario = now;
        put_cell(t, t->order[i]);
    }
    buf_char(t->out, '\n');
}

/* What is known of the spread: one line for each count of repeats that gives no interval.
 */
static void put_spread_note(struct table *t, int64_t repeats)
{
    int64_t needed = 0;
    bool is_met = false;
    for (size_t i = 0; i < t->count; i++) {
        const struct summary_entry *c = &t->cells[i];
        if (c->count != repeats || isfinite(c->tokens_per_second.ci95_low))
            continue;
        is_met = true;
        needed = c->repeats_for_2_percent > needed ? c->repeats_for_2_percent : needed;
    }
    if (!is_met)
        return;
    buf_printf(t->out, "+-?: spread unknown (%" PRId64 " repeat%s); ", repeats,
               repeats == 1 ? "" : "s");
    if (needed > repeats)
        buf_printf(t->out, "--num-runs %" PRId64 " would give about +-2 %%\n",
                   needed + 1);
    else
        buf_text(t->out, "--num-runs 4 or more would show it\n");
}

static void put_online_notes(struct table *t)
{
    buf_text(t->out, "TTFT and ITL in ms, over the requests of all repeats but the "
                     "warm-up.\n");
    if (t->has_itl_mean)
        buf_text(t->out, "*: mean time per output token; too few gaps are known for "
                         "percentiles.\n");
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

static bool is_caching(const struct row *row, bool wanted)
{
    struct value v = row->v[FIELD_enable_prefix_caching];
    return v.kind == VALUE_BOOL && v.b == wanted;
}

/* The ON cell that differs from this OFF cell in nothing else; NULL if there is none. */
static const struct summary_entry *partner(const struct table *t,
                                           const struct summary_entry *off)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct row *on = t->order[i]->row;
        if (is_caching(on, true) && scenario_rank(t, on) == scenario_rank(t, off->row) &&
            load_rank(on) == load_rank(off->row) &&
            field_num(on, FIELD_max_output_tokens) ==
                field_num(off->row, FIELD_max_output_tokens))
            return t->order[i];
    }
    return NULL;
}

static void put_pair(struct table *t, const struct summary_entry *off,
                     const struct summary_entry *on)
{
    char text[NAME_BYTES];
    width_pad(t->out, text_of(off->row, FIELD_scenario), 20);
    load_of(off->row, text);
    put_right(t->out, text, 7);
    figure_ratio(on->tokens_per_second.mean / off->tokens_per_second.mean, text);
    put_right(t->out, text, 10);
    figure_ratio(on->first_token_latency_s.mean / off->first_token_latency_s.mean, text);
    put_right(t->out, text, 8);
    figure_percent(on->cache_hit_rate.mean, text);
    put_right(t->out, text, 9);
    bool is_nothing_shared = field_num(on->row, FIELD_cache_hit_rate_expected) == 0.0 &&
                             !(on->cache_hit_rate.mean > 0.0);
    buf_text(t->out, is_nothing_shared ? "  nothing shared\n" : "\n");
}

static void put_caching(struct table *t)
{
    bool has_head = false;
    for (size_t i = 0; i < t->count; i++) {
        const struct summary_entry *off = t->order[i];
        const struct summary_entry *on = is_caching(off->row, false) ? partner(t, off)
                                                                     : NULL;
        if (on == NULL)
            continue;
        if (!has_head)
            buf_text(t->out,
                     "\nPrefix caching, ON / OFF      tokens/s     TTFT  hits ON\n");
        has_head = true;
        put_pair(t, off, on);
    }
}

static size_t cells_with(const struct table *t, bool is_warning, const char *code)
{
    size_t found = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct summary_entry *c = t->order[i];
        found += codes_has(is_warning ? c->warnings : c->reasons, code);
    }
    return found;
}

/* Which cells, with the value against the limit. */
static void put_named(const struct table *t, const struct verdict_rule *rule,
                      struct buf *text)
{
    size_t listed = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct summary_entry *c = t->order[i];
        char name[NAME_BYTES];
        if (!codes_has(rule->is_warning ? c->warnings : c->reasons, rule->code))
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
    buf_printf(&text, "%s%s (", rule->is_warning ? "" : "INVALID: ", rule->code);
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
    for (int is_warning = 0; is_warning < 2; is_warning++)
        for (size_t i = 0; i < rule_count; i++) {
            size_t found = cells_with(t, is_warning == 1, rules[i].code);
            if (rules[i].is_warning != (is_warning == 1) || found == 0 ||
                strcmp(rules[i].code, "FEW_REPEATS") == 0)
                continue;
            if (!has_any)
                buf_char(t->out, '\n');
            has_any = true;
            put_code(t, &rules[i], found);
        }
}

/* p50 and p99 where they were asked for, else the lowest and the highest. */
static void choose_percentiles(struct table *t)
{
    const double *p = t->run->percentiles;
    for (size_t i = 0; i < t->run->percentile_count; i++) {
        bool is_lower = p[i] < p[t->low] && p[t->low] != 50;
        bool is_higher = p[i] > p[t->high] && p[t->high] != 99;
        if (is_lower || p[i] == 50)
            t->low = i;
        if (is_higher || p[i] == 99)
            t->high = i;
    }
}

enum status table_run(const struct run_data *run, const struct summary_entry *cells,
                      size_t count, struct buf *out, struct err *e)
{
    struct table t = {.run = run, .cells = cells, .count = count, .out = out};
    if (count == 0) {
        buf_text(out, "Nothing was measured.\n");
        return out->failed;
    }
    t.is_online = is_online(cells[0].row);
    choose_percentiles(&t);
    t.order = mem_alloc(count, sizeof(struct summary_entry *));
    if (t.order == NULL)
        return status_fail(e, STATUS_NO_MEMORY, "table", "no memory for %zu cells",
                           count);
    sort_cells(&t);
    put_title(&t);
    put_cells(&t);
    put_spread_notes(&t);
    put_caching(&t);
    put_codes(&t);
    mem_free(t.order);
    if (out->failed != STATUS_OK)
        return status_fail(e, out->failed, "table", "the table does not fit");
    return STATUS_OK;
}
