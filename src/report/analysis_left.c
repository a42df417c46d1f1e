#include "report/analysis_left.h"

#include <string.h>

#include "report/analysis_text.h"
#include "report/codes.h"
#include "report/width.h"
#include "stats/match_field.h"
#include "stats/verdict.h"

#define COLUMNS     80
#define TEXT_BYTES  ((size_t)1 << 20)
#define RULES_MAX   64
#define CELLS_NAMED 5

struct left {
    const struct analysis *x;
    struct buf *out;
    struct buf *text;    /* of the line under way */
    const char *heading; /* that stands before the next line; NULL: it stands there */
};

static void put_line(struct left *l)
{
    if (l->heading != NULL)
        analysis_text_heading(l->heading, l->out);
    l->heading = NULL;
    width_wrap(l->out, buf_cstr(l->text), 2, COLUMNS);
    analysis_text_pass(l->text, l->out);
    buf_clear(l->text);
}

/* --- warnings --- */

/* Repeats that bear each code, by the rules' order. */
struct tally {
    size_t counts[RULES_MAX];
    size_t repeats; /* measured */
};

static void tally_codes(const struct analysis *x, enum field_id field, struct tally *t)
{
    size_t rule_count;
    const struct verdict_rule *rules = verdict_rules(&rule_count);
    bool has[RULES_MAX] = {false};
    const char *last = NULL;
    for (size_t i = 0; i < x->corpus->count; i++) {
        const struct row *row = x->corpus->rows[i].row;
        const char *codes = field_str(row, field);
        if (!match_field_is_measured(row))
            continue;
        t->repeats++;
        for (size_t k = 0; codes != last && k < rule_count && k < RULES_MAX; k++)
            has[k] = codes_has(codes, rules[k].code);
        last = codes;
        for (size_t k = 0; k < rule_count && k < RULES_MAX; k++)
            t->counts[k] += has[k];
    }
}

static size_t cells_without_interval(const struct analysis *x)
{
    size_t n = 0;
    for (size_t i = 0; i < x->machines.cell_count; i++)
        n += x->machines.cells[i].measured > 0 && x->machines.cells[i].measured < 3;
    return n;
}

static size_t published_rows(const struct corpus *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        n += c->rows[i].is_published;
    return n;
}

static void put_published(struct left *l, size_t count)
{
    if (count == 0)
        return;
    buf_printf(
        l->text,
        "%zu of %zu rows were written by another tool, which does not say dtype, "
        "quantization, engine version and other settings: they are taken as equal, "
        "and its lengths are not compared",
        count, l->x->corpus->count);
    put_line(l);
}

/* Rules that need all repeats of a cell; those that every few repeats set off are said
 * above. */
static bool is_told(const struct verdict_rule *rule)
{
    return rule->is_cell && strcmp(rule->code, "FEW_REPEATS") != 0 &&
           strcmp(rule->code, "FEW_SAMPLES") != 0;
}

static void put_cell_warning(struct left *l, const struct verdict_rule *rule)
{
    size_t found = 0, named = 0;
    const struct match_result *r = &l->x->machines;
    for (size_t i = 0; i < r->cell_count; i++)
        found += codes_has(r->cells[i].warnings, rule->code);
    if (found == 0)
        return;
    buf_printf(l->text, "%s (%zu of %zu cells): %s", rule->code, found, r->cell_count,
               rule->help);
    for (size_t i = 0; i < r->cell_count && named < CELLS_NAMED; i++) {
        const struct match_cell *c = &r->cells[i];
        if (!codes_has(c->warnings, rule->code))
            continue;
        buf_printf(l->text, "; %s, %s", c->side, c->name);
        codes_check_text(c->checks, rule->code, l->text);
        named++;
    }
    if (found > named)
        buf_printf(l->text, "; and %zu more", found - named);
    put_line(l);
}

static void put_few(struct left *l, size_t few)
{
    if (few == 0)
        return;
    buf_printf(l->text,
               "%zu of %zu cells have fewer than 3 measured repeats: their spread is "
               "not known (--num-runs 4 or more shows it)",
               few, l->x->machines.cell_count);
    put_line(l);
}

static void put_warnings(struct left *l)
{
    size_t rule_count;
    const struct verdict_rule *rules = verdict_rules(&rule_count);
    struct tally t = {.repeats = 0};
    tally_codes(l->x, FIELD_warnings, &t);
    l->heading = "Warnings";
    put_published(l, published_rows(l->x->corpus));
    put_few(l, cells_without_interval(l->x));
    for (size_t i = 0; i < rule_count && i < RULES_MAX; i++) {
        if (t.counts[i] == 0)
            continue;
        buf_printf(l->text, "%s (%zu of %zu repeats): %s", rules[i].code, t.counts[i],
                   t.repeats, rules[i].help);
        put_line(l);
    }
    for (size_t i = 0; i < rule_count; i++)
        if (is_told(&rules[i]))
            put_cell_warning(l, &rules[i]);
    l->heading = NULL;
}

/* --- left out --- */

static void put_failed(struct left *l, const struct match_cell *c)
{
    const char *error = c->failed_row != NULL ? field_str(c->failed_row, FIELD_error)
                                              : NULL;
    if (c->failed == 0 && c->measured > 0)
        return;
    buf_printf(l->text, "%s, %s: ", c->side, c->name);
    if (c->failed > 0)
        buf_printf(l->text, "%zu failed repeat%s%s", c->failed, c->failed == 1 ? "" : "s",
                   c->measured == 0 ? ", nothing measured" : "");
    else
        buf_text(l->text, "nothing but warm-ups");
    if (error != NULL)
        buf_printf(l->text, ": %s", error);
    put_line(l);
}

struct reasons {
    const struct row *row;
    struct buf *text;
};

static void put_reason(void *arg, const char *code)
{
    const struct reasons *r = arg;
    buf_printf(r->text, " %s", code);
    codes_check_text(field_str(r->row, FIELD_checks), code, r->text);
}

static void put_doubtful(struct left *l, const struct match_cell *c)
{
    struct reasons r = {.row = c->doubtful_row, .text = l->text};
    if (c->doubtful_row == NULL)
        return;
    buf_printf(l->text, "%s, %s: %zu of %zu %s:", c->side, c->name, c->doubtful,
               c->measured, c->verdict);
    codes_each(field_str(r.row, FIELD_reasons), put_reason, &r);
    put_line(l);
}

/* What the codes of those repeats mean, each once. */
static void put_meanings(struct left *l)
{
    size_t rule_count;
    const struct verdict_rule *rules = verdict_rules(&rule_count);
    struct tally t = {.repeats = 0};
    tally_codes(l->x, FIELD_reasons, &t);
    for (size_t i = 0; i < rule_count && i < RULES_MAX; i++) {
        if (t.counts[i] == 0)
            continue;
        buf_printf(l->text, "%s: %s", rules[i].code, rules[i].help);
        put_line(l);
    }
}

static void put_unknown(struct left *l)
{
    static const struct {
        enum metric metric;
        const char *name;
    } metrics[] = {{METRIC_tokens_per_second, "tokens/s"},
                   {METRIC_first_token_latency, "TTFT"},
                   {METRIC_inter_token_latency, "TPOT"},
                   {METRIC_usd_per_million_output_tokens, "$/token"}};
    for (size_t m = 0; m < sizeof metrics / sizeof metrics[0]; m++) {
        size_t without = 0;
        for (size_t i = 0; i < l->x->machines.cell_count; i++) {
            const struct match_cell *c = &l->x->machines.cells[i];
            without += c->measured > c->spread[metrics[m].metric].count;
        }
        if (without == 0)
            continue;
        buf_printf(l->text, "%s is not known in some repeats of %zu cells",
                   metrics[m].name, without);
        put_line(l);
    }
}

/* Cells with nothing measured are listed already. */
static void put_lone(struct left *l, const struct match_result *r, const char *machine)
{
    for (size_t i = 0; i < r->lone_count; i++) {
        const struct match_cell *c = r->lone[i].cell;
        if (c->measured == 0)
            continue;
        buf_printf(l->text, "%s%s%s, %s: no partner: %s", machine,
                   *machine != '\0' ? ", " : "", c->side, c->name, r->lone[i].why);
        put_line(l);
    }
}

static void put_counts(struct left *l)
{
    size_t warmups = 0;
    for (size_t i = 0; i < l->x->machines.cell_count; i++)
        warmups += l->x->machines.cells[i].warmups;
    if (warmups > 0)
        buf_printf(l->out, "  %zu warm-up repeat%s\n", warmups, warmups == 1 ? "" : "s");
    if (l->x->corpus->duplicates > 0)
        buf_printf(l->out, "  %zu rows that stand in two files\n",
                   l->x->corpus->duplicates);
}

static void put_clashes(struct left *l)
{
    const struct clashes *all = &l->x->corpus->clashes;
    for (size_t i = 0; i < all->count; i++) {
        buf_text(l->text, all->items[i].text);
        put_line(l);
    }
}

/* Rows of one run stand together. */
static void put_partial(struct left *l)
{
    const struct corpus *c = l->x->corpus;
    for (size_t from = 0, to; from < c->count; from = to) {
        const struct origin *o = c->rows[from].origin;
        for (to = from; to < c->count && c->rows[to].origin == o; to++)
            continue;
        if (o == NULL || !o->is_partial)
            continue;
        buf_printf(l->text,
                   "%s: %zu row%s of a run that did not reach its end, or had not when "
                   "the file was written",
                   c->rows[from].file, to - from, to - from == 1 ? "" : "s");
        put_line(l);
    }
}

static void put_left_out(struct left *l)
{
    const struct match_result *r = &l->x->machines;
    analysis_text_heading("Left out", l->out);
    size_t start = l->out->len;
    put_counts(l);
    put_clashes(l);
    put_partial(l);
    for (size_t i = 0; i < r->cell_count; i++)
        put_failed(l, &r->cells[i]);
    for (size_t i = 0; i < r->cell_count; i++)
        put_doubtful(l, &r->cells[i]);
    put_meanings(l);
    put_unknown(l);
    put_lone(l, r, "");
    for (size_t i = 0; i < r->side_count; i++)
        put_lone(l, &l->x->sides[i].caching, l->x->sides[i].name);
    for (size_t i = 0; i < l->x->corpus->skipped_count; i++) {
        buf_printf(l->text, "file: %s", l->x->corpus->skipped[i].why);
        put_line(l);
    }
    if (l->out->len == start)
        buf_text(l->out, "  nothing\n");
}

void analysis_left_put(const struct analysis *x, struct buf *out)
{
    struct buf text;
    struct left l = {.x = x, .out = out, .text = &text};
    buf_init(&text, TEXT_BYTES);
    put_warnings(&l);
    put_left_out(&l);
    buf_fini(&text);
}
