#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "report/report.h"
#include "report/report_money.h"
#include "stats/match_field.h"
#include "text/json.h"

#define VALUE_BYTES 96
#define VALUES_MAX  12

/* One machine being written. */
struct part {
    const struct analysis *x;
    const char *side;
    struct document *d;
};

static void put_line(const struct part *p)
{
    document_end(p->d, DOCUMENT_ITEM);
}

static bool is_mine(const struct part *p, const struct match_cell *c)
{
    return c->measured > 0 && strcmp(c->side, p->side) == 0;
}

/* Texts, each once; the first few. */
struct said {
    const char *items[VALUES_MAX]; /* [count] */
    size_t count;
    bool has_more;
};

/* False if it was said already, or there is no room. */
static bool take(const struct part *p, struct said *said, const char *text)
{
    for (size_t i = 0; i < said->count; i++)
        if (strcmp(said->items[i], text) == 0)
            return false;
    if (said->count == VALUES_MAX) {
        said->has_more = true;
        return false;
    }
    said->items[said->count++] = arena_text(p->d->arena, "%s", text);
    return true;
}

/* --- settings --- */

/* "" if it is not known. */
static void value_text(const struct row *row, enum field_id id, char out[VALUE_BYTES])
{
    char text[MATCH_FIELD_BYTES];
    struct value v = row->v[id];
    switch (v.kind) {
    case VALUE_STR:
    case VALUE_JSON:
        match_field_say(row, id, text);
        match_field_cut(v.s[0] != '\0' ? text : "", out, VALUE_BYTES);
        break;
    case VALUE_BOOL: snprintf(out, VALUE_BYTES, "%s", v.b ? "true" : "false"); break;
    case VALUE_INT: snprintf(out, VALUE_BYTES, "%" PRId64, v.i); break;
    case VALUE_NUM: snprintf(out, VALUE_BYTES, "%g", v.n); break;
    default: out[0] = '\0';
    }
}

/* Behind `before`: "256", or "1/4/16" where the machine's cells differ ("/..." stands for
 * those beyond VALUES_MAX); nothing, and false, if none knows it. */
static bool put_values(const struct part *p, const char *before, enum field_id id)
{
    struct said values = {.count = 0};
    for (size_t i = 0; i < p->x->machines.cell_count; i++) {
        const struct match_cell *c = &p->x->machines.cells[i];
        char text[VALUE_BYTES];
        if (!is_mine(p, c))
            continue;
        value_text(c->row, id, text);
        if (*text != '\0' && take(p, &values, text))
            buf_printf(&p->d->line, "%s%s", values.count > 1 ? "/" : before, text);
    }
    buf_text(&p->d->line, values.has_more ? "/..." : "");
    return values.count > 0;
}

static void put_known(const struct part *p, const char *before, enum field_id id)
{
    if (!put_values(p, before, id))
        buf_printf(&p->d->line, "%sunknown", before);
}

static void put_engine(const struct part *p)
{
    put_known(p, "", FIELD_engine);
    put_known(p, " ", FIELD_engine_version);
    put_known(p, " on ", FIELD_instance_type);
    put_known(p, " (", FIELD_hardware_type);
    put_known(p, "), ", FIELD_model_name);
    put_line(p);
}

/* Fields of a role whose values stand elsewhere: in the first line, in the names of
 * cells, at the top of the report, in a line of their own; and digests of what is
 * shown. */
static bool is_elsewhere(enum field_id id)
{
    static const enum field_id ids[] = {
        FIELD_engine,        FIELD_engine_version, FIELD_enable_prefix_caching,
        FIELD_engine_args,   FIELD_is_simulated,   FIELD_settings_sha256,
        FIELD_model_name,    FIELD_serving_mode,   FIELD_scenario,
        FIELD_batch_size,    FIELD_request_rate,   FIELD_input_length,
        FIELD_instance_type, FIELD_hardware_type,  FIELD_plan_sha256,
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* A line "TITLE: name value, name value" of all fields of these roles. */
static void put_roles(const struct part *p, const char *title, enum field_role role,
                      enum field_role other)
{
    bool is_first = true;
    for (int id = 0; id < FIELD_COUNT; id++) {
        const struct field *f = &field_table[id];
        char before[VALUE_BYTES];
        snprintf(before, sizeof before, "%s%s%s ", is_first ? title : "",
                 is_first ? ": " : ", ", f->name);
        if ((f->role == role || f->role == other) && !is_elsewhere((enum field_id)id) &&
            put_values(p, before, (enum field_id)id))
            is_first = false;
    }
    put_line(p);
}

/* True if the line ends with that argument, or another one follows it. */
static bool has_arg(const char *line, const char *arg)
{
    size_t len = strlen(arg);
    for (const char *at = strstr(line, arg); at != NULL; at = strstr(at + 1, arg))
        if (at[len] == '\0' || at[len] == ',')
            return true;
    return false;
}

/* Adds the arguments of a row that the line has not yet; those of a field of its own are
 * in the settings. */
static void add_args(const struct part *p, const struct row *row)
{
    struct err e;
    json_t *list = NULL;
    size_t i;
    const json_t *item;
    struct buf *line = &p->d->line;
    const char *text = field_str(row, FIELD_engine_args);
    if (text == NULL || json_from_text(str_from(text), "row", &list, &e) != STATUS_OK)
        return;
    json_array_foreach(list, i, item)
    {
        struct str rest = str_from(json_string_value(item));
        char key[64], whole[VALUE_BYTES + 2] = " ";
        match_field_cut(rest.ptr != NULL ? rest.ptr : "", whole + 1, VALUE_BYTES);
        struct str name = str_cut(&rest, '=');
        snprintf(key, sizeof key, "%.*s", (int)name.len, name.ptr);
        if (name.len > 0 && field_find(key) == FIELD_COUNT &&
            !has_arg(buf_cstr(line), whole))
            buf_printf(line, "%s%s", line->len == 0 ? "given to the engine:" : ",",
                       whole);
    }
    json_decref(list);
}

static void put_args(const struct part *p)
{
    for (size_t i = 0; i < p->x->machines.cell_count; i++)
        if (is_mine(p, &p->x->machines.cells[i]))
            add_args(p, p->x->machines.cells[i].row);
    put_line(p);
}

static void put_settings(const struct part *p)
{
    put_roles(p, "settings", ROLE_SETTING, ROLE_SETTING);
    put_args(p);
    put_roles(p, "load", ROLE_CELL, ROLE_LOAD);
    put_roles(p, "machine", ROLE_MACHINE, ROLE_MACHINE);
}

/* What the repeats of a cell do not have in common, and their spread covers. */
static void put_mixed(const struct part *p)
{
    size_t mixes_launches = 0, mixes_days = 0, launches = 0, days = 0;
    for (size_t i = 0; i < p->x->machines.cell_count; i++) {
        const struct match_cell *c = &p->x->machines.cells[i];
        if (!is_mine(p, c))
            continue;
        mixes_launches += c->launches > 1;
        mixes_days += c->days > 1;
        launches = c->launches > launches ? c->launches : launches;
        days = c->days > days ? c->days : days;
    }
    if (mixes_launches > 0)
        buf_printf(&p->d->line, "%zu cell%s of repeats of several launches, up to %zu",
                   mixes_launches, str_plural((int64_t)mixes_launches), launches);
    if (mixes_days > 0)
        buf_printf(&p->d->line, "%s%zu cell%s of repeats of several days, up to %zu",
                   p->d->line.len > 0 ? "; " : "", mixes_days,
                   str_plural((int64_t)mixes_days), days);
    put_line(p);
}

/* Packages and drivers, each combination once. */
static void put_versions(const struct part *p)
{
    const struct analysis_rows *c = &p->x->rows;
    struct said said = {.count = 0};
    const char *last = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct origin *o = c->items[i].origin;
        if (o == NULL || o->versions == NULL || o->versions == last ||
            strcmp(analysis_side_of(p->x, c->items[i].row), p->side) != 0)
            continue;
        last = o->versions;
        if (take(p, &said, last))
            document_add(p->d, DOCUMENT_ITEM, "versions: %s", last);
    }
}

/* --- price --- */

/* As the row has it: the repeats of one cell may have several. NAN: it has none, or is
 * not measured, or of another machine. */
static double price_of(const struct part *p, const struct row *row)
{
    bool is_its = match_field_is_measured(row) &&
                  strcmp(analysis_side_of(p->x, row), p->side) == 0;
    return is_its ? field_num(row, FIELD_price_usd_per_hour) : (double)NAN;
}

static const char *source_of(const struct row *row)
{
    const char *source = field_str(row, FIELD_price_source);
    return source != NULL ? source : "source unknown";
}

/* "price: 1.006 USD an hour, SOURCE"; several of one source: "1.006 and 2.000". */
static void put_source(const struct part *p, const char *source)
{
    struct said prices = {.count = 0};
    for (size_t i = 0; i < p->x->rows.count; i++) {
        const struct row *row = p->x->rows.items[i].row;
        double usd = price_of(p, row);
        char number[FIGURE_BYTES];
        figure_number(usd, number);
        if (!isnan(usd) && strcmp(source_of(row), source) == 0 &&
            take(p, &prices, number))
            buf_printf(&p->d->line, "%s%s",
                       prices.count > 1 ? " and " : "price: ", number);
    }
    buf_printf(&p->d->line, "%s USD an hour, %s", prices.has_more ? " and more" : "",
               source);
    put_line(p);
}

static void put_price(const struct part *p)
{
    struct said sources = {.count = 0};
    double first = NAN;
    bool has_several = false;
    for (size_t i = 0; i < p->x->rows.count; i++) {
        const struct row *row = p->x->rows.items[i].row;
        double usd = price_of(p, row);
        if (isnan(usd))
            continue;
        has_several |= !isnan(first) && usd != first;
        first = usd;
        if (take(p, &sources, source_of(row)))
            put_source(p, source_of(row));
    }
    if (has_several)
        document_add(p->d, DOCUMENT_ITEM,
                     "several prices: the $/token of each repeat uses its own");
    if (isnan(first))
        document_add(p->d, DOCUMENT_ITEM, "price: unknown (--price-per-hour)");
}

/* --- best configurations --- */

static void put_best(const struct part *p, enum metric m, const char *word,
                     const char *unit)
{
    const struct match_cell *best = analysis_best(p->x, p->side, NULL, m);
    char number[FIGURE_BYTES];
    if (best == NULL)
        return;
    figure_number(best->spread[m].mean, number);
    document_keep(p->d, word);
    buf_printf(&p->d->line, "%s %s: %s", number, unit, best->name);
    put_line(p);
}

static void put_best_of(const struct part *p, const char *scenario)
{
    const struct match_cell *fast = analysis_best(p->x, p->side, scenario,
                                                  METRIC_tokens_per_second);
    const struct match_cell *first = analysis_best(p->x, p->side, scenario,
                                                   METRIC_first_token_latency);
    char number[FIGURE_BYTES];
    if (fast == NULL)
        return;
    figure_number(fast->spread[METRIC_tokens_per_second].mean, number);
    buf_printf(&p->d->line, "best of %s: %s tokens/s", scenario, number);
    figure_number(fast->spread[METRIC_usd_per_million_output_tokens].mean, number);
    if (!isnan(fast->spread[METRIC_usd_per_million_output_tokens].mean))
        buf_printf(&p->d->line, " at %s USD per million", number);
    buf_printf(&p->d->line, " with %s%s", analysis_short_name(fast),
               fast->is_simulated && analysis_has_real(p->x, p->side, NULL)
                   ? " (simulated)"
                   : "");
    if (first != NULL) {
        figure_number(first->spread[METRIC_first_token_latency].mean *
                          figure_scale(METRIC_first_token_latency),
                      number);
        buf_printf(&p->d->line, "; TTFT %s ms with %s", number,
                   analysis_short_name(first));
    }
    put_line(p);
}

static bool is_first_of_scenario(const struct part *p, size_t cell)
{
    const struct match_cell *cells = p->x->machines.cells;
    for (size_t i = 0; i < cell; i++)
        if (is_mine(p, &cells[i]) && strcmp(cells[i].scenario, cells[cell].scenario) == 0)
            return false;
    return is_mine(p, &cells[cell]);
}

static void put_bests(const struct part *p)
{
    put_best(p, METRIC_tokens_per_second, "fastest   ", "tokens/s");
    report_money_side(p->x, p->side, p->d);
    for (size_t i = 0; i < p->x->machines.cell_count; i++)
        if (is_first_of_scenario(p, i))
            put_best_of(p, p->x->machines.cells[i].scenario);
}

static void put_side(const struct part *p)
{
    size_t cells = 0, measured = 0;
    for (size_t i = 0; i < p->x->machines.cell_count; i++) {
        const struct match_cell *c = &p->x->machines.cells[i];
        if (strcmp(c->side, p->side) != 0)
            continue;
        cells++;
        measured += c->measured;
    }
    document_add(p->d, DOCUMENT_SUBHEADING, "%s: %zu cell%s, %zu measured repeat%s",
                 p->side, cells, str_plural((int64_t)cells), measured,
                 str_plural((int64_t)measured));
    put_engine(p);
    put_settings(p);
    put_versions(p);
    put_mixed(p);
    put_price(p);
    put_bests(p);
}

/* --- beside each other, for the page --- */

/* What the cells of a machine have; "" where none knows it. */
static const char *values_of(const struct part *p, enum field_id id)
{
    buf_clear(&p->d->line);
    (void)put_values(p, "", id);
    const char *text = arena_text(p->d->arena, "%s", buf_cstr(&p->d->line));
    buf_clear(&p->d->line);
    return text;
}

static const char *versions_of(const struct analysis *x, const char *side)
{
    for (size_t i = 0; i < x->rows.count; i++) {
        const struct origin *o = x->rows.items[i].origin;
        if (o != NULL && o->versions != NULL &&
            strcmp(analysis_side_of(x, x->rows.items[i].row), side) == 0)
            return o->versions;
    }
    return "";
}

/* What machines have of each field of the environment, and of versions behind them. */
struct beside {
    const struct analysis *x;
    struct document *d;
    struct document_table *t;
    size_t count; /* of machines */
};

static bool is_of_environment(const struct field *f)
{
    if (match_field_is_digest((enum field_id)(f - field_table)))
        return false;
    return f->role == ROLE_SETTING || f->role == ROLE_LOAD || f->role == ROLE_MACHINE ||
           f->role == ROLE_CELL;
}

static const char *value_beside(const struct beside *b, int id, const char *side)
{
    const struct part p = {.x = b->x, .side = side, .d = b->d};
    return id < FIELD_COUNT ? values_of(&p, (enum field_id)id) : versions_of(b->x, side);
}

/* A row, if machines differ there as much as asked for; none where no machine knows
 * anything. */
static void put_beside(const struct beside *b, int id, bool differs)
{
    const char *values[DOCUMENT_COLUMNS - 1];
    bool is_known = false, is_other = false;
    for (size_t i = 0; i < b->count; i++) {
        values[i] = value_beside(b, id, b->x->machines.sides[i]);
        is_known |= *values[i] != '\0';
        is_other |= strcmp(values[i], values[0]) != 0;
    }
    if (!is_known || is_other != differs)
        return;
    const char *group = differs ? "different" : "the same";
    struct document_cell *cells = document_row(b->d, b->t, b->count > 1 ? group : NULL);
    cells[0] = document_of_text(id < FIELD_COUNT ? field_table[id].name : "versions");
    for (size_t i = 0; i < b->count; i++)
        cells[i + 1] = document_of_text(*values[i] != '\0' ? values[i] : "unknown");
    if (differs)
        document_note(b->d, b->t, "differs");
}

void report_machines_beside(const struct analysis *x, struct document *d)
{
    struct document_column *columns = arena_alloc(d->arena, DOCUMENT_COLUMNS,
                                                  sizeof *columns);
    struct beside b = {.x = x, .d = d, .count = x->machines.side_count};
    b.count = b.count < DOCUMENT_COLUMNS - 1 ? b.count : DOCUMENT_COLUMNS - 1;
    if (columns == NULL || d->line.failed != STATUS_OK || b.count == 0)
        return;
    columns[0] = (struct document_column){.head = "setting", .type = DOCUMENT_TEXT};
    for (size_t i = 0; i < b.count; i++)
        columns[i + 1] = (struct document_column){.head = x->machines.sides[i],
                                                  .type = DOCUMENT_TEXT};
    b.t = document_page_table(d, "Environment", columns, b.count + 1);
    for (int differs = 1; differs >= 0; differs--)
        for (int id = 0; id <= FIELD_COUNT; id++)
            if (id == FIELD_COUNT || is_of_environment(&field_table[id]))
                put_beside(&b, id, differs);
}

void report_machines_put(const struct analysis *x, struct document *d)
{
    document_heading(d, "Machines");
    for (size_t i = 0; i < x->machines.side_count; i++) {
        const struct part p = {.x = x, .side = x->machines.sides[i], .d = d};
        if (i > 0)
            document_gap(d);
        put_side(&p);
    }
}
