#include <string.h>

#include "base/str.h"
#include "report/phrases.h"
#include "report/report.h"
#include "stats/match_field.h"
#include "stats/verdict.h"

#define CELLS_NAMED 5

/* --- warnings --- */

/* Repeats that bear each code, by the rules' order. */
struct tally {
    size_t counts[RULE_COUNT];
    size_t repeats; /* measured */
};

static void tally_codes(const struct analysis *x, enum field_id field, struct tally *t)
{
    bool has[RULE_COUNT] = {false};
    const struct findings *last = NULL;
    for (size_t i = 0; i < x->rows.count; i++) {
        const struct row *row = x->rows.items[i].row;
        const struct findings *codes = field_findings(row, field);
        if (!match_field_is_measured(row))
            continue;
        t->repeats++;
        for (int k = 0; codes != last && k < RULE_COUNT; k++)
            has[k] = verdict_has(codes, verdict_rules[k].code);
        last = codes;
        for (int k = 0; k < RULE_COUNT; k++)
            t->counts[k] += has[k];
    }
}

static void put_published(const struct analysis_rows *c, struct document *d)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count += c->items[i].is_published;
    if (count > 0)
        document_add(
            d, DOCUMENT_ITEM,
            "%zu of %zu rows were written by another tool, which does not say dtype, "
            "quantization, engine version and other settings: they are taken as equal, "
            "and its lengths are not compared",
            count, c->count);
}

/* Rules that need all repeats of a cell; those that every few repeats set off are said
 * above. */
static bool is_told(int id)
{
    return verdict_rules[id].is_cell && id != RULE_FEW_REPEATS && id != RULE_FEW_SAMPLES;
}

static void put_cell_warning(const struct match_result *r,
                             const struct verdict_rule *rule, struct document *d)
{
    size_t found = 0, named = 0;
    for (size_t i = 0; i < r->cell_count; i++)
        found += verdict_has(r->cells[i].warnings, rule->code);
    if (found == 0)
        return;
    buf_printf(&d->line, phrases_in(d->lang, "%s (%zu of %zu cells): %s"), rule->code,
               found, r->cell_count, phrases_in(d->lang, rule->help));
    for (size_t i = 0; i < r->cell_count && named < CELLS_NAMED; i++) {
        const struct match_cell *c = &r->cells[i];
        if (!verdict_has(c->warnings, rule->code))
            continue;
        buf_printf(&d->line, "; %s, %s", c->side, c->name);
        figure_finding(c->checks, rule->code, &d->line);
        named++;
    }
    if (found > named)
        buf_printf(&d->line, "; and %zu more", found - named);
    document_end(d, DOCUMENT_ITEM);
}

static void put_few(const struct match_result *r, struct document *d)
{
    size_t few = 0;
    for (size_t i = 0; i < r->cell_count; i++)
        few += r->cells[i].measured > 0 && r->cells[i].measured < 3;
    if (few > 0)
        document_add(
            d, DOCUMENT_ITEM,
            "%zu of %zu cells have fewer than 3 measured repeats: their spread is "
            "not known (--num-runs 4 or more shows it)",
            few, r->cell_count);
}

static void put_warnings(const struct analysis *x, struct document *d)
{
    struct tally t = {.repeats = 0};
    tally_codes(x, FIELD_warnings, &t);
    document_heading(d, "Warnings");
    put_published(&x->rows, d);
    put_few(&x->machines, d);
    for (int i = 0; i < RULE_COUNT; i++)
        if (t.counts[i] > 0)
            document_add(d, DOCUMENT_ITEM, "%s (%zu of %zu repeats): %s",
                         verdict_rules[i].code, t.counts[i], t.repeats,
                         phrases_in(d->lang, verdict_rules[i].help));
    for (int i = 0; i < RULE_COUNT; i++)
        if (is_told(i))
            put_cell_warning(&x->machines, &verdict_rules[i], d);
}

/* --- left out --- */

static void put_failed(const struct match_cell *c, struct document *d)
{
    const char *error = c->failed_row != NULL ? field_str(c->failed_row, FIELD_error)
                                              : NULL;
    if (c->failed == 0 && c->measured > 0)
        return;
    buf_printf(&d->line, "%s, %s: ", c->side, c->name);
    if (c->failed > 0)
        buf_printf(&d->line,
                   c->failed == 1 ? phrases_in(d->lang, "%zu failed repeat")
                                  : phrases_in(d->lang, "%zu failed repeats"),
                   c->failed);
    else
        buf_text(&d->line, phrases_in(d->lang, "only warm-ups"));
    if (c->failed > 0 && c->measured == 0)
        buf_text(&d->line, phrases_in(d->lang, ", nothing measured"));
    if (error != NULL)
        buf_printf(&d->line, ": %s", error);
    document_end(d, DOCUMENT_ITEM);
}

static void put_doubtful(const struct match_cell *c, struct document *d)
{
    if (c->doubtful_row == NULL)
        return;
    const struct findings *reasons = field_findings(c->doubtful_row, FIELD_reasons);
    buf_printf(&d->line, phrases_in(d->lang, "%s, %s: %zu of %zu %s:"), c->side, c->name,
               c->doubtful, c->measured, c->verdict);
    for (size_t i = 0; reasons != NULL && i < reasons->count; i++) {
        buf_printf(&d->line, " %s", reasons->items[i].code);
        figure_finding(field_findings(c->doubtful_row, FIELD_checks),
                       reasons->items[i].code, &d->line);
    }
    document_end(d, DOCUMENT_ITEM);
}

/* What the codes of those repeats mean, each once. */
static void put_meanings(const struct analysis *x, struct document *d)
{
    struct tally t = {.repeats = 0};
    tally_codes(x, FIELD_reasons, &t);
    for (int i = 0; i < RULE_COUNT; i++)
        if (t.counts[i] > 0)
            document_add(d, DOCUMENT_ITEM, "%s: %s", verdict_rules[i].code,
                         phrases_in(d->lang, verdict_rules[i].help));
}

static void put_unknown(const struct match_result *r, struct document *d)
{
    static const struct {
        enum metric metric;
        const char *name;
    } metrics[] = {
#define X(metric, head, name) {METRIC_##metric, name},
        REPORT_METRICS(X)
#undef X
    };
    for (size_t m = 0; m < sizeof metrics / sizeof metrics[0]; m++) {
        size_t without = 0;
        for (size_t i = 0; i < r->cell_count; i++)
            without += r->cells[i].measured > r->cells[i].spread[metrics[m].metric].count;
        if (without > 0)
            document_add(d, DOCUMENT_ITEM, "%s is unknown in some repeats (cells: %zu)",
                         metrics[m].name, without);
    }
}

/* Cells with nothing measured are listed already. */
static void put_lone(const struct match_result *r, const char *machine,
                     struct document *d)
{
    for (size_t i = 0; i < r->lone_count; i++) {
        const struct match_cell *c = r->lone[i].cell;
        if (c->measured > 0)
            document_add(d, DOCUMENT_ITEM, "%s%s%s, %s: no partner: %s", machine,
                         *machine != '\0' ? ", " : "", c->side, c->name, r->lone[i].why);
    }
}

static void put_counts(const struct analysis *x, const struct loaded_rows *loaded,
                       struct document *d)
{
    const struct clashes *differ = &loaded->clashes;
    size_t warmups = 0;
    for (size_t i = 0; i < x->machines.cell_count; i++)
        warmups += x->machines.cells[i].warmups;
    if (warmups > 0)
        document_add(d, DOCUMENT_ITEM,
                     warmups == 1 ? "%zu warm-up repeat" : "%zu warm-up repeats",
                     warmups);
    if (loaded->duplicates > 0)
        document_add(d, DOCUMENT_ITEM, "%zu rows that are in two files",
                     loaded->duplicates);
    for (size_t i = 0; i < differ->count; i++)
        document_add(d, DOCUMENT_ITEM, "%s", differ->items[i].text);
}

/* Rows of one run stand together. */
static void put_partial(const struct analysis_rows *c, struct document *d)
{
    for (size_t from = 0, to; from < c->count; from = to) {
        const struct origin *o = c->items[from].origin;
        for (to = from; to < c->count && c->items[to].origin == o; to++)
            continue;
        if (o != NULL && o->is_partial)
            document_add(
                d, DOCUMENT_ITEM,
                "%s: %zu row%s of a run that had not finished when the file was written",
                c->items[from].file, to - from, str_plural((int64_t)(to - from)));
    }
}

static void put_left_out(const struct analysis *x, const struct loaded_rows *loaded,
                         struct document *d)
{
    const struct match_result *r = &x->machines;
    document_heading(d, "Left out");
    put_counts(x, loaded, d);
    put_partial(&x->rows, d);
    for (size_t i = 0; i < r->cell_count; i++)
        put_failed(&r->cells[i], d);
    for (size_t i = 0; i < r->cell_count; i++)
        put_doubtful(&r->cells[i], d);
    put_meanings(x, d);
    put_unknown(r, d);
    put_lone(r, "", d);
    for (size_t i = 0; i < r->side_count; i++)
        put_lone(&x->sides[i].caching, x->sides[i].name, d);
    for (size_t i = 0; i < loaded->skipped.count; i++)
        document_add(d, DOCUMENT_ITEM, "file: %s", loaded->skipped.items[i].why);
    if (d->heading != NULL)
        document_add(d, DOCUMENT_ITEM, "nothing");
}

void report_excluded_put(const struct analysis *x, const struct loaded_rows *loaded,
                         struct document *d)
{
    put_warnings(x, d);
    put_left_out(x, loaded, d);
}
