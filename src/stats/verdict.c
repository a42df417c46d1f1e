#include "stats/verdict.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "stats/verdict_case.h"
#include "text/json.h"

#define JSON_CAP_BYTES ((size_t)1 << 18)
#define RULES_MAX      64

/* What fired, by the rules' order. */
struct fired {
    const struct verdict_rule *rules; /* [count] */
    size_t count;
    bool has[RULES_MAX];
    int definitions;
};

const char *verdict_kind_name(enum verdict_kind kind)
{
    static const char *const names[] = {[VERDICT_INVALID] = "INVALID",
                                        [VERDICT_INCONCLUSIVE] = "INCONCLUSIVE",
                                        [VERDICT_WARNING] = "warning"};
    return names[kind];
}

const struct verdict_rule *verdict_find(const char *code)
{
    size_t count;
    const struct verdict_rule *rules = verdict_rules(&count);
    for (size_t i = 0; code != NULL && i < count; i++)
        if (strcmp(rules[i].code, code) == 0)
            return &rules[i];
    return NULL;
}

double verdict_limit(const struct run_data *run, const struct verdict_rule *rule)
{
    double limit = rule->limit;
    for (size_t i = 0; run != NULL && i < run->limit_count && !isnan(rule->limit); i++)
        if (strcmp(run->limits[i].code, rule->code) == 0)
            limit = run->limits[i].value;
    return limit;
}

bool verdict_has_code(const char *codes_json, const char *code)
{
    size_t length = strlen(code);
    const char *at = codes_json;
    while (at != NULL && (at = strstr(at, code)) != NULL) {
        if (at > codes_json && at[-1] == '"' && at[length] == '"')
            return true;
        at += length;
    }
    return false;
}

static struct fired nothing_fired(const struct run_data *run)
{
    struct fired f = {.definitions = run != NULL ? run->definitions : RECORD_FORMAT};
    f.rules = verdict_rules(&f.count);
    return f;
}

static bool run_rule(struct verdict_case *c, const struct verdict_rule *rule)
{
    c->rule = rule;
    c->limit = verdict_limit(c->run, rule);
    c->has_fired = false;
    rule->judge(c);
    return c->has_fired;
}

/* Definitions 1 knew two kinds only: what left a row open was a warning. */
static enum verdict_kind kind_of(const struct fired *f, size_t i)
{
    bool was_warning = f->definitions == 1 && f->rules[i].kind == VERDICT_INCONCLUSIVE;
    return was_warning ? VERDICT_WARNING : f->rules[i].kind;
}

/* JSON array of the fired codes, of warnings or of the others; NULL when out of memory.
 */
static const char *codes_json(const struct fired *f, bool is_warning, struct arena *a)
{
    const char *text = "[";
    for (size_t i = 0; i < f->count && text != NULL; i++)
        if (f->has[i] && (kind_of(f, i) == VERDICT_WARNING) == is_warning)
            text = arena_printf(a, "%s%s\"%s\"", text, text[1] != '\0' ? "," : "",
                                f->rules[i].code);
    return text == NULL ? NULL : arena_printf(a, "%s]", text);
}

static const char *worst(const struct fired *f)
{
    bool is_open = false;
    for (size_t i = 0; i < f->count; i++) {
        if (f->has[i] && kind_of(f, i) == VERDICT_INVALID)
            return verdict_kind_name(VERDICT_INVALID);
        is_open = is_open || (f->has[i] && kind_of(f, i) == VERDICT_INCONCLUSIVE);
    }
    return is_open ? verdict_kind_name(VERDICT_INCONCLUSIVE) : "VALID";
}

static enum status outcome_of(const struct fired *f, const struct buf *checks,
                              struct arena *a, struct verdict_outcome *out)
{
    struct verdict_outcome made = {
        .verdict = worst(f),
        .reasons = codes_json(f, false, a),
        .warnings = codes_json(f, true, a),
        .checks = arena_strdup(a, buf_cstr(checks)),
    };
    if (made.reasons == NULL || made.warnings == NULL || made.checks == NULL ||
        checks->failed != STATUS_OK)
        return STATUS_NO_MEMORY;
    *out = made;
    return STATUS_OK;
}

static void set_outcome(struct row *row, const struct verdict_outcome *o)
{
    row->v[FIELD_verdict] = value_str(o->verdict);
    row->v[FIELD_reasons] = value_json(o->reasons);
    row->v[FIELD_warnings] = value_json(o->warnings);
    row->v[FIELD_checks] = value_json(o->checks);
}

enum status verdict_judge_row(const struct run_data *run,
                              const struct repeat_data *repeat, struct row *row,
                              struct arena *a, struct err *e)
{
    struct verdict_outcome o = {.reasons = "[]", .warnings = "[]", .checks = "[]"};
    if (repeat->is_warmup || value_is_known(row->v[FIELD_error])) {
        set_outcome(row, &o);
        return STATUS_OK;
    }
    struct buf text;
    struct jsonw w;
    struct fired f = nothing_fired(run);
    buf_init(&text, JSON_CAP_BYTES);
    jsonw_init(&w, &text, 0);
    jsonw_array(&w, NULL);
    struct verdict_case c = {.run = run,
                             .settings = &run->cells[repeat->cell],
                             .repeat = repeat,
                             .row = row,
                             .arena = a,
                             .checks = &w};
    for (size_t i = 0; i < f.count; i++)
        f.has[i] = !f.rules[i].is_cell && run_rule(&c, &f.rules[i]);
    jsonw_array_end(&w);
    enum status s = outcome_of(&f, &text, a, &o);
    buf_fini(&text);
    if (s != STATUS_OK)
        return status_fail(e, s, "verdict", "no memory for a row's checks");
    set_outcome(row, &o);
    return STATUS_OK;
}

/* --- cells */

static bool row_has(const struct row *row, const struct verdict_rule *rule)
{
    const char *reasons = field_str(row, FIELD_reasons);
    const char *warnings = field_str(row, FIELD_warnings);
    return verdict_has_code(reasons, rule->code) ||
           verdict_has_code(warnings, rule->code);
}

/* Copies a rule's objects out of a row's checks. */
static enum status copy_checks(struct jsonw *w, const char *checks, const char *code)
{
    json_t *all = NULL, *check;
    struct err ignored;
    struct buf text;
    size_t i;
    enum status s = json_from_text(str_from(checks), "checks", &all, &ignored);
    buf_init(&text, JSON_CAP_BYTES);
    json_array_foreach(all, i, check)
    {
        const char *of = json_str_of(check, "code");
        buf_clear(&text);
        if (s != STATUS_OK || of == NULL || strcmp(of, code) != 0)
            continue;
        s = json_to_text(check, &text);
        if (s == STATUS_OK)
            jsonw_raw(w, NULL, buf_cstr(&text));
    }
    buf_fini(&text);
    json_decref(all);
    return s == STATUS_NO_MEMORY ? s : STATUS_OK;
}

/* The rule fired for a row of the cell: what the first of them found. */
static enum status judge_rows(const struct verdict_cell *cell,
                              const struct verdict_rule *rule, struct jsonw *w,
                              bool *has_fired)
{
    for (size_t i = 0; i < cell->row_count; i++) {
        if (!row_has(cell->rows[i], rule))
            continue;
        *has_fired = true;
        const char *checks = field_str(cell->rows[i], FIELD_checks);
        return checks != NULL ? copy_checks(w, checks, rule->code) : STATUS_OK;
    }
    return STATUS_OK;
}

enum status verdict_judge_cell(const struct verdict_cell *cell, struct arena *a,
                               struct verdict_outcome *out, struct err *e)
{
    struct verdict_outcome o = {.reasons = "[]", .warnings = "[]", .checks = "[]"};
    struct buf text;
    struct jsonw w;
    struct fired f = nothing_fired(cell->run);
    enum status s = STATUS_OK;
    if (cell->row_count == 0) {
        *out = o;
        return STATUS_OK;
    }
    buf_init(&text, JSON_CAP_BYTES);
    jsonw_init(&w, &text, 0);
    jsonw_array(&w, NULL);
    struct verdict_case c = {.run = cell->run, .cell = cell, .arena = a, .checks = &w};
    for (size_t i = 0; s == STATUS_OK && i < f.count; i++) {
        if (f.rules[i].is_cell)
            f.has[i] = run_rule(&c, &f.rules[i]);
        else
            s = judge_rows(cell, &f.rules[i], &w, &f.has[i]);
    }
    jsonw_array_end(&w);
    if (s == STATUS_OK)
        s = outcome_of(&f, &text, a, &o);
    buf_fini(&text);
    if (s != STATUS_OK)
        return status_fail(e, s, "verdict", "no memory for a cell's checks");
    *out = o;
    return STATUS_OK;
}
