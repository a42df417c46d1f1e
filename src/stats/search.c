#include "stats/search.h"

#include <math.h>
#include <string.h>

#include "stats/verdict.h"
#include "text/json.h"
#include "text/jsonw.h"

#define TEXT_CAP_BYTES 1024

static const char *const block_names[] = {
    [CAPACITY_BAD] = "bad", [CAPACITY_GOOD] = "good", [CAPACITY_VOID] = "void"};

/* --- what is searched for */

const char *search_text(const struct search *s, struct arena *a)
{
    struct buf out;
    struct jsonw w;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "of", s->is_rate ? "request_rate" : "concurrency");
    jsonw_num(&w, "share", s->share);
    jsonw_num(&w, "from", s->rule.from);
    jsonw_bool(&w, "confirm", s->rule.confirms);
    jsonw_object_end(&w);
    const char *text = out.failed == STATUS_OK ? arena_strdup(a, buf_cstr(&out)) : NULL;
    buf_fini(&out);
    return text;
}

bool search_of_run(const struct run_data *run, struct search *out)
{
    const char *text = field_str(&run->fields, FIELD_slo_search);
    struct err ignored;
    json_t *in = NULL;
    if (text == NULL ||
        json_from_text(str_from(text), "slo_search", &in, &ignored) != STATUS_OK)
        return false;
    bool is_rate = json_str_is(in, "of", "request_rate");
    *out = (struct search){.rule = {.from = json_num_of(in, "from"),
                                    .is_whole = !is_rate,
                                    .confirms = json_bool_of(in, "confirm", false)},
                           .is_rate = is_rate,
                           .share = json_num_of(in, "share")};
    json_decref(in);
    return out->share > 0 && out->share <= 1;
}

/* --- blocks */

static double level_of(const struct search *s, const struct row *row)
{
    bool is_closed = field_is(row, FIELD_arrival, "closed");
    if (is_closed == s->is_rate)
        return NAN;
    return field_num(row, s->is_rate ? FIELD_request_rate : FIELD_batch_size);
}

/* Of a judged row: is it INVALID for what is not the server's answer? */
static bool is_void(const struct row *row)
{
    const struct findings *reasons = field_findings(row, FIELD_reasons);
    for (size_t i = 0; reasons != NULL && i < reasons->count; i++) {
        const struct verdict_rule *rule = verdict_find(reasons->items[i].code);
        if (rule != NULL && rule->kind == VERDICT_INVALID &&
            rule != &verdict_rules[RULE_OVERLOADED] &&
            rule != &verdict_rules[RULE_ERRORS])
            return true;
    }
    return false;
}

static enum capacity_block judge(const struct search *s, const struct row *row)
{
    double share = field_num(row, FIELD_goodput_share);
    double due = field_num(row, FIELD_goodput_due);
    if (is_void(row))
        return CAPACITY_VOID;
    if (verdict_has(field_findings(row, FIELD_reasons),
                    verdict_rules[RULE_OVERLOADED].code))
        return CAPACITY_BAD;
    if (isnan(share) || isnan(due))
        return CAPACITY_VOID;
    return sprt_is_good(llround(share * due), llround(due), s->share) ? CAPACITY_GOOD
                                                                      : CAPACITY_BAD;
}

void search_fill(const struct run_data *run, struct row *rows)
{
    struct search s;
    bool is_search = search_of_run(run, &s);
    for (size_t i = 0; i < run->repeat_count; i++) {
        struct row *row = &rows[i];
        bool is_block = is_search && !run->repeats[i].is_warmup &&
                        !value_is_known(row->v[FIELD_error]) && !isnan(level_of(&s, row));
        row->v[FIELD_slo_block] = is_block ? value_str(block_names[judge(&s, row)])
                                           : value_null();
    }
}

double search_start_rps(const struct search *s, const struct row *rows, size_t count)
{
    for (size_t i = 0; s->is_rate && i < count; i++)
        if (field_is(&rows[i], FIELD_arrival, "closed") &&
            !field_is_true(&rows[i], FIELD_is_warmup) &&
            !value_is_known(rows[i].v[FIELD_error]))
            return field_num(&rows[i], FIELD_requests_per_second);
    return NAN;
}

struct capacity_outcome search_outcome(const struct search *s, const struct row *row)
{
    struct capacity_outcome o = {.level = NAN, .block = CAPACITY_VOID};
    for (int i = CAPACITY_BAD; i <= CAPACITY_VOID; i++)
        if (field_is(row, FIELD_slo_block, block_names[i]))
            o = (struct capacity_outcome){level_of(s, row), (enum capacity_block)i};
    return o;
}

/* --- the answer */

struct rows_past {
    const struct search *search;
    const struct row *rows;
};

static struct capacity_outcome outcome_at(const void *arg, size_t i)
{
    const struct rows_past *p = arg;
    return search_outcome(p->search, &p->rows[i]);
}

/* A mean, of values that are known. */
struct mean {
    double sum;
    size_t count;
};

static void add(struct mean *m, const struct row *row, enum field_id id)
{
    double value = field_num(row, id);
    if (isnan(value))
        return;
    m->sum += value;
    m->count++;
}

static double mean_of(const struct mean *m)
{
    return m->count > 0 ? m->sum / (double)m->count : (double)NAN;
}

/* What is measured at `low`. */
static void describe(const struct row *rows, size_t count, struct search_answer *a)
{
    struct mean window = {0}, tokens = {0}, usd = {0};
    for (size_t i = 0; i < count; i++) {
        struct capacity_outcome o = search_outcome(&a->search, &rows[i]);
        a->blocks += !isnan(o.level) && o.block != CAPACITY_VOID;
        if (o.level != a->low || o.block == CAPACITY_VOID)
            continue;
        double due = field_num(&rows[i], FIELD_goodput_due);
        double good = due * field_num(&rows[i], FIELD_goodput_share);
        if (!isnan(good)) {
            a->due += llround(due);
            a->late += llround(due - good);
        }
        if (o.block != CAPACITY_GOOD)
            continue;
        add(&window, &rows[i], FIELD_window_s);
        add(&tokens, &rows[i], FIELD_window_tokens_per_second);
        add(&usd, &rows[i], FIELD_usd_per_million_output_tokens);
    }
    a->window_s = mean_of(&window);
    a->tokens_per_second = mean_of(&tokens);
    a->usd_per_million_output_tokens = mean_of(&usd);
    a->loadgen_passes = sprt_loadgen_passes(a->late, a->due, a->search.share);
}

bool search_answer(const struct run_data *run, const struct row *rows,
                   struct search_answer *out)
{
    struct search_answer a = {.low = NAN, .high = NAN};
    if (!search_of_run(run, &a.search))
        return false;
    struct capacity_rule *rule = &a.search.rule;
    if (isnan(rule->from))
        rule->from = SEARCH_FROM_SHARE *
                     search_start_rps(&a.search, rows, run->repeat_count);
    const struct rows_past arg = {&a.search, rows};
    const struct capacity_past past = {run->repeat_count, outcome_at, &arg};
    if (rule->from > 0)
        a.found = capacity_of(rule, &past);
    else
        a.found = (struct capacity){
            .next = NAN, .low = NAN, .high = NAN, .passed = NAN, .failed = NAN};
    a.is_confirmed = a.found.end == CAPACITY_CONFIRMED;
    a.low = a.is_confirmed ? a.found.passed : a.found.low;
    a.high = a.is_confirmed ? a.found.failed : a.found.high;
    describe(rows, run->repeat_count, &a);
    *out = a;
    return true;
}

const char *search_state(const struct search_answer *a)
{
    static const char *const names[] = {
        [CAPACITY_GOES_ON] = "unfinished",   [CAPACITY_ESTIMATED] = "estimate",
        [CAPACITY_CONFIRMED] = "confirmed",  [CAPACITY_UNTESTED] = "cannot tell",
        [CAPACITY_NO_GOOD] = "none is good", [CAPACITY_NO_BAD] = "none is bad",
        [CAPACITY_VOIDED] = "too many voids"};
    return names[a->found.end];
}
