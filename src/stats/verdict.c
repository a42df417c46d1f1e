#include "stats/verdict.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "stats/tally.h"
#include "text/jsonw.h"

#define JSON_CAP_BYTES 65536
#define KV_FULL        0.9

struct verdict_case {
    const struct run_data *run;
    const struct cell_data *settings; /* NULL for cell rules, as repeat and row */
    const struct repeat_data *repeat;
    const struct row *row;
    const struct verdict_cell *cell; /* NULL for row rules */
    const struct verdict_rule *rule;
    double limit;
    struct jsonw *checks;
    bool has_fired;
};

struct finding {
    const char *field;
    struct value value;
    double limit; /* NAN: none */
    bool is_broken;
};

static void write_value(struct jsonw *w, const char *key, struct value v)
{
    switch (v.kind) {
    case VALUE_BOOL: jsonw_bool(w, key, v.b); break;
    case VALUE_INT: jsonw_int(w, key, v.i); break;
    case VALUE_NUM: jsonw_num(w, key, v.n); break;
    case VALUE_STR: jsonw_str(w, key, v.s); break;
    default: jsonw_null(w, key); break;
    }
}

static void report(struct verdict_case *c, struct finding f)
{
    jsonw_object(c->checks, NULL);
    jsonw_str(c->checks, "code", c->rule->code);
    jsonw_str(c->checks, "field", f.field);
    write_value(c->checks, "value", f.value);
    jsonw_num(c->checks, "limit", f.limit);
    jsonw_object_end(c->checks);
    c->has_fired |= f.is_broken;
}

/* Reports a number of the row; nothing if it is unknown. */
static void report_num(struct verdict_case *c, double n, double limit, bool is_broken)
{
    if (isnan(n))
        return;
    report(c, (struct finding){.field = field_table[c->rule->field].name,
                               .value = value_num(n),
                               .limit = limit,
                               .is_broken = is_broken});
}

static double num(const struct verdict_case *c, enum field_id id)
{
    return field_num(c->row, id);
}

static bool is_online(const struct verdict_case *c)
{
    const char *mode = field_str(c->row, FIELD_serving_mode);
    return mode != NULL && strcmp(mode, "online") == 0;
}

/* Open load of a finite rate. */
static bool is_open(const struct verdict_case *c)
{
    return is_online(c) && !isnan(num(c, FIELD_request_rate));
}

/* The field itself against the limit. */
static void judge_above(struct verdict_case *c)
{
    double n = num(c, c->rule->field);
    report_num(c, n, c->limit, n > c->limit);
}

static void judge_errors(struct verdict_case *c)
{
    double share = num(c, FIELD_requests_failed) / num(c, FIELD_requests_planned);
    report_num(c, share, c->limit, share > c->limit);
}

static void judge_short_output(struct verdict_case *c)
{
    if (c->settings->has_fixed_lengths)
        judge_above(c);
}

static void judge_client_late(struct verdict_case *c)
{
    const char *rate = field_str(c->row, FIELD_request_rate);
    if (!is_online(c) || (rate != NULL && strcmp(rate, "inf") == 0))
        return;
    double share = num(c, FIELD_send_late_share);
    report_num(c, share, c->limit, share > c->limit && num(c, FIELD_sends_late) >= 3);
}

static void judge_client_busy(struct verdict_case *c)
{
    double share = num(c, FIELD_client_busy_share);
    bool has_windows = num(c, FIELD_client_busy_windows) >= 3;
    report_num(c, share, c->limit, share > c->limit && has_windows);
}

static void judge_rate_missed(struct verdict_case *c)
{
    struct tally t;
    tally_count(c->repeat, &t);
    if (!is_open(c) || num(c, FIELD_requests_held) > 0 || t.first_due_ns == NS_UNKNOWN)
        return;
    double span_s = (double)(t.last_due_ns - t.first_due_ns) / (double)NS_PER_S;
    double limit_s = c->limit * span_s + 0.010;
    double stretch_s = num(c, FIELD_send_stretch_s);
    report_num(c, stretch_s, limit_s, stretch_s > limit_s);
}

/* What is left after 3 median E2E must be as long as they are: half of the window. */
static bool is_short(const struct verdict_case *c)
{
    return !(num(c, FIELD_steady_s) >= num(c, FIELD_window_s) / 2);
}

static void judge_overloaded(struct verdict_case *c)
{
    double middle = num(c, FIELD_inflight_middle), last = num(c, FIELD_inflight_last);
    if (!is_open(c) || is_short(c) || isnan(middle))
        return;
    double chance = 3 * sqrt((middle + last) / 2); /* Poisson, of the mean of both */
    double limit = middle + fmax(c->limit * middle, chance);
    report_num(c, last, limit, last > limit);
}

/* Hits can be held against the prompts only where every request of the plan succeeded. */
static bool knows_hits(const struct verdict_case *c)
{
    struct value caching = c->row->v[FIELD_enable_prefix_caching];
    return caching.kind == VALUE_BOOL && caching.b &&
           c->repeat->expected_cached_tokens != TOKENS_UNKNOWN &&
           num(c, FIELD_requests_ok) >= num(c, FIELD_requests_planned) &&
           !isnan(num(c, FIELD_cached_input_tokens));
}

/* The cache was not full, so nothing can have pushed a block out. */
static bool has_room(const struct verdict_case *c)
{
    return num(c, FIELD_kv_usage_max) < KV_FULL && !(num(c, FIELD_preemptions) > 0);
}

static void judge_cache_unexpected(struct verdict_case *c)
{
    struct value caching = c->row->v[FIELD_enable_prefix_caching];
    if (caching.kind == VALUE_BOOL && !caching.b) {
        double rate = num(c, FIELD_cache_hit_rate);
        if (!isnan(rate))
            report(c, (struct finding){.field = "cache_hit_rate",
                                       .value = value_num(rate),
                                       .limit = 0,
                                       .is_broken = rate > 0});
        return;
    }
    if (!knows_hits(c))
        return;
    double cached = num(c, FIELD_cached_input_tokens);
    double expected = (double)c->repeat->expected_cached_tokens;
    report_num(c, cached, expected,
               cached > expected || (cached < expected && has_room(c)));
}

static void judge_cache_evicted(struct verdict_case *c)
{
    if (!knows_hits(c))
        return;
    double cached = num(c, FIELD_cached_input_tokens);
    double expected = (double)c->repeat->expected_cached_tokens;
    report_num(c, cached, expected, cached < expected && !has_room(c));
}

static void judge_cache_unknown(struct verdict_case *c)
{
    struct value caching = c->row->v[FIELD_enable_prefix_caching];
    if (caching.kind != VALUE_BOOL || !caching.b)
        return;
    struct value rate = c->row->v[FIELD_cache_hit_rate];
    report(c, (struct finding){.field = "cache_hit_rate",
                               .value = rate,
                               .limit = NAN,
                               .is_broken = !value_is_known(rate)});
}

static void judge_estimated(struct verdict_case *c)
{
    struct value source = c->row->v[FIELD_token_source];
    bool is_guess = source.kind != VALUE_STR || strcmp(source.s, "estimated") == 0;
    if (!value_is_known(c->row->v[FIELD_actual_output_tokens]))
        is_guess = true;
    report(c, (struct finding){.field = "token_source",
                               .value = source,
                               .limit = NAN,
                               .is_broken = is_guess});
}

static void judge_short_run(struct verdict_case *c)
{
    if (is_open(c))
        report_num(c, num(c, FIELD_steady_s), num(c, FIELD_window_s) / 2, is_short(c));
}

static void judge_bounded(struct verdict_case *c)
{
    double bounded = num(c, FIELD_stamps_bounded);
    double share = bounded / (bounded + num(c, FIELD_stamps_exact));
    report_num(c, share, c->limit, share > c->limit);
}

static void judge_noisy(struct verdict_case *c)
{
    double throttled_s = num(c, FIELD_throttled_s);
    judge_above(c);
    if (!isnan(throttled_s))
        report(c, (struct finding){.field = "throttled_s",
                                   .value = value_num(throttled_s),
                                   .limit = 0,
                                   .is_broken = throttled_s > 0});
}

static void judge_simulated(struct verdict_case *c)
{
    struct value v = c->row->v[FIELD_is_simulated];
    if (v.kind == VALUE_BOOL)
        report(c,
               (struct finding){
                   .field = "is_simulated", .value = v, .limit = NAN, .is_broken = v.b});
}

static void judge_dummy(struct verdict_case *c)
{
    struct value v = c->row->v[FIELD_weights];
    if (v.kind == VALUE_STR)
        report(c, (struct finding){.field = "weights",
                                   .value = v,
                                   .limit = NAN,
                                   .is_broken = strcmp(v.s, "dummy") == 0});
}

static void judge_unrepeatable(struct verdict_case *c)
{
    report_num(c, c->cell->cv_lower_90, c->limit, c->cell->cv_lower_90 > c->limit);
}

static void judge_trend(struct verdict_case *c)
{
    double drift = fabs(c->cell->drift);
    report_num(c, drift, c->limit, c->cell->trend_p < 0.01 && drift > c->limit);
}

static void judge_few_repeats(struct verdict_case *c)
{
    size_t n = c->cell->row_count;
    report(c, (struct finding){.field = "count",
                               .value = value_int((int64_t)n),
                               .limit = c->limit,
                               .is_broken = (double)n <= c->limit});
}

static void judge_few_samples(struct verdict_case *c)
{
    for (size_t i = 0; i < 3; i++) {
        const struct verdict_samples *s = &c->cell->samples[i];
        if (s->samples > 0 && s->floor > 0)
            report(c, (struct finding){.field = s->name,
                                       .value = value_int((int64_t)s->samples),
                                       .limit = (double)s->floor,
                                       .is_broken = s->samples < s->floor});
    }
}

static const struct verdict_rule rules[] = {
    {.code = "ERRORS",
     .field = FIELD_requests_failed,
     .limit = 0.001,
     .judge = judge_errors,
     .help = "share of requests that failed above the limit"},
    {.code = "SHORT_OUTPUT",
     .field = FIELD_requests_wrong_length,
     .limit = 0,
     .judge = judge_short_output,
     .help = "lengths were fixed and a request returned another number of tokens"},
    {.code = "CLIENT_LATE",
     .field = FIELD_send_late_share,
     .limit = 0.01,
     .judge = judge_client_late,
     .help = "share of sends later than max(1 ms, 1 % of median TTFT), 3 at least"},
    {.code = "CLIENT_BUSY",
     .field = FIELD_client_busy_share,
     .limit = 0.05,
     .judge = judge_client_busy,
     .help = "a client thread was above 80 % of its core in more windows than the limit"},
    {.code = "RATE_MISSED",
     .field = FIELD_send_stretch_s,
     .limit = 0.01,
     .judge = judge_rate_missed,
     .help = "the last send came later than the plan's span x limit + 10 ms"},
    {.code = "OVERLOADED",
     .field = FIELD_inflight_last,
     .limit = 0.2,
     .judge = judge_overloaded,
     .help = "requests in flight grew by more than the limit and by 3 sqrt(mean)"},
    {.code = "CACHE_UNEXPECTED",
     .field = FIELD_cached_input_tokens,
     .limit = NAN,
     .judge = judge_cache_unexpected,
     .help = "prefix-cache hits differ from what the prompts allow, cache not full"},
    {.code = "TOKENS_ESTIMATED",
     .field = FIELD_token_source,
     .limit = NAN,
     .judge = judge_estimated,
     .help = "no token counts from engine or server"},
    {.code = "CACHE_EVICTED",
     .is_warning = true,
     .field = FIELD_cached_input_tokens,
     .limit = NAN,
     .judge = judge_cache_evicted,
     .help =
         "fewer hits than the prompts allow; the KV cache was full or had preemptions"},
    {.code = "CACHE_UNKNOWN",
     .is_warning = true,
     .field = FIELD_cache_hit_rate,
     .limit = NAN,
     .judge = judge_cache_unknown,
     .help = "prefix caching is on and the engine does not report hits"},
    {.code = "RATE_CAPPED",
     .is_warning = true,
     .field = FIELD_requests_held,
     .limit = 0,
     .judge = judge_above,
     .help = "--max-concurrency held requests back"},
    {.code = "SHORT_RUN",
     .is_warning = true,
     .field = FIELD_steady_s,
     .limit = NAN,
     .judge = judge_short_run,
     .help = "too short to judge OVERLOADED"},
    {.code = "STAMPS_BOUNDED",
     .is_warning = true,
     .field = FIELD_stamps_bounded,
     .limit = 0.01,
     .judge = judge_bounded,
     .help = "share of arrival stamps that are only upper bounds above the limit"},
    {.code = "MACHINE_NOISY",
     .is_warning = true,
     .field = FIELD_steal_ratio,
     .limit = 0.02,
     .judge = judge_noisy,
     .help = "other guests took CPU time beyond the limit, or the cgroup was throttled"},
    {.code = "PREEMPTED",
     .is_warning = true,
     .field = FIELD_preemptions,
     .limit = 0,
     .judge = judge_above,
     .help = "the engine preempted requests: the KV cache is small"},
    {.code = "SIMULATED",
     .is_warning = true,
     .field = FIELD_is_simulated,
     .limit = NAN,
     .judge = judge_simulated,
     .help = "not real hardware"},
    {.code = "DUMMY_WEIGHTS",
     .is_warning = true,
     .field = FIELD_weights,
     .limit = NAN,
     .judge = judge_dummy,
     .help = "random weights: the speed of a dense model is real, its text is not"},
    {.code = "UNREPEATABLE",
     .is_warning = true,
     .is_cell = true,
     .field = FIELD_tokens_per_second,
     .limit = 0.05,
     .judge = judge_unrepeatable,
     .help = "lower 90 % bound of the coefficient of variation above the limit"},
    {.code = "TREND",
     .is_warning = true,
     .is_cell = true,
     .field = FIELD_tokens_per_second,
     .limit = 0.02,
     .judge = judge_trend,
     .help = "throughput drifts over the repeats by more than the limit (p < 0.01)"},
    {.code = "FEW_REPEATS",
     .is_warning = true,
     .is_cell = true,
     .field = FIELD_COUNT,
     .limit = 2,
     .judge = judge_few_repeats,
     .help = "so few measured repeats that the spread is not known"},
    {.code = "FEW_SAMPLES",
     .is_warning = true,
     .is_cell = true,
     .field = FIELD_COUNT,
     .limit = NAN,
     .judge = judge_few_samples,
     .help = "a percentile asked for was withheld: too few samples support it"},
};

#define RULE_COUNT (sizeof rules / sizeof *rules)

const struct verdict_rule *verdict_rules(size_t *count)
{
    *count = RULE_COUNT;
    return rules;
}

const struct verdict_rule *verdict_find(const char *code)
{
    for (size_t i = 0; code != NULL && i < RULE_COUNT; i++)
        if (strcmp(rules[i].code, code) == 0)
            return &rules[i];
    return NULL;
}

double verdict_limit(const struct run_data *run, const struct verdict_rule *rule)
{
    double limit = rule->limit;
    for (size_t i = 0; i < run->limit_count && !isnan(rule->limit); i++)
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

static void run_rule(struct verdict_case *c, size_t i)
{
    c->rule = &rules[i];
    c->limit = verdict_limit(c->run, &rules[i]);
    c->has_fired = false;
    rules[i].judge(c);
}

/* JSON array of the fired codes of one kind; NULL when out of memory. */
static const char *codes_json(const bool *has_fired, bool is_warning, struct arena *a)
{
    const char *text = "[";
    for (size_t i = 0; i < RULE_COUNT && text != NULL; i++)
        if (has_fired[i] && rules[i].is_warning == is_warning)
            text = arena_printf(a, "%s%s\"%s\"", text, text[1] != '\0' ? "," : "",
                                rules[i].code);
    return text == NULL ? NULL : arena_printf(a, "%s]", text);
}

static enum status outcome_of(const bool *has_fired, const struct buf *checks,
                              struct arena *a, struct verdict_outcome *out)
{
    struct verdict_outcome made = {
        .verdict = "VALID",
        .reasons = codes_json(has_fired, false, a),
        .warnings = codes_json(has_fired, true, a),
        .checks = arena_strdup(a, buf_cstr(checks)),
    };
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (has_fired[i] && !rules[i].is_warning)
            made.verdict = "INVALID";
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
    bool has_fired[RULE_COUNT] = {false};
    buf_init(&text, JSON_CAP_BYTES);
    jsonw_init(&w, &text, 0);
    jsonw_array(&w, NULL);
    struct verdict_case c = {.run = run,
                             .settings = &run->cells[repeat->cell],
                             .repeat = repeat,
                             .row = row,
                             .checks = &w};
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (rules[i].is_cell)
            continue;
        run_rule(&c, i);
        has_fired[i] = c.has_fired;
    }
    jsonw_array_end(&w);
    enum status s = outcome_of(has_fired, &text, a, &o);
    buf_fini(&text);
    if (s != STATUS_OK)
        return status_fail(e, s, "verdict", "no memory for a row's checks");
    set_outcome(row, &o);
    return STATUS_OK;
}

static bool row_has(const struct row *row, const struct verdict_rule *rule)
{
    enum field_id list = rule->is_warning ? FIELD_warnings : FIELD_reasons;
    const char *codes = field_str(row, list);
    return codes != NULL && verdict_has_code(codes, rule->code);
}

/* Copies a rule's objects out of a row's checks as they stand there: `{"code":"X", ...
 * }`. */
static void copy_checks(struct jsonw *w, const char *checks, const char *code,
                        struct arena *a)
{
    const char *head = arena_printf(a, "{\"code\":\"%s\",", code);
    const char *at = checks;
    while (head != NULL && at != NULL && (at = strstr(at, head)) != NULL) {
        const char *end = strchr(at, '}');
        if (end == NULL)
            return;
        const char *object = arena_str(a, (struct str){at, (size_t)(end - at) + 1});
        if (object != NULL)
            jsonw_raw(w, NULL, object);
        at = end;
    }
}

static bool judge_rows(const struct verdict_cell *cell, size_t rule, struct jsonw *w,
                       struct arena *a)
{
    for (size_t i = 0; i < cell->row_count; i++) {
        if (!row_has(cell->rows[i], &rules[rule]))
            continue;
        copy_checks(w, field_str(cell->rows[i], FIELD_checks), rules[rule].code, a);
        return true;
    }
    return false;
}

enum status verdict_judge_cell(const struct verdict_cell *cell, struct arena *a,
                               struct verdict_outcome *out, struct err *e)
{
    struct verdict_outcome o = {.reasons = "[]", .warnings = "[]", .checks = "[]"};
    struct buf text;
    struct jsonw w;
    bool has_fired[RULE_COUNT] = {false};
    if (cell->row_count == 0) {
        *out = o;
        return STATUS_OK;
    }
    buf_init(&text, JSON_CAP_BYTES);
    jsonw_init(&w, &text, 0);
    jsonw_array(&w, NULL);
    struct verdict_case c = {.run = cell->run, .cell = cell, .checks = &w};
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (rules[i].is_cell) {
            run_rule(&c, i);
            has_fired[i] = c.has_fired;
        } else {
            has_fired[i] = judge_rows(cell, i, &w, a);
        }
    }
    jsonw_array_end(&w);
    enum status s = outcome_of(has_fired, &text, a, &o);
    buf_fini(&text);
    if (s != STATUS_OK)
        return status_fail(e, s, "verdict", "no memory for a cell's checks");
    *out = o;
    return STATUS_OK;
}
