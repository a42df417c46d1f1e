#include "stats/rows_measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stats/gather.h"
#include "stats/metric.h"
#include "stats/settle.h"
#include "stats/timeline.h"
#include "stats/verdict.h"

void rows_measure_num(struct rows_measure *m, enum field_id id, double n)
{
    field_fill(m->row, id, value_num(n));
}

void rows_measure_int(struct rows_measure *m, enum field_id id, int64_t n)
{
    field_fill(m->row, id, value_int(n));
}

#define SKETCHES_CAP ((size_t)16 << 10)

#define fill_num rows_measure_num
#define fill_int rows_measure_int

static struct value tokens_value(int64_t tokens)
{
    return tokens == TOKENS_UNKNOWN ? value_null() : value_int(tokens);
}

static double tokens_num(int64_t tokens)
{
    return tokens == TOKENS_UNKNOWN ? NAN : (double)tokens;
}

static const char *classes_json(struct arena *a, const struct tally *t)
{
    const char *text = "{";
    for (int i = 0; i < FAIL_COUNT; i++) {
        const char *name = i == FAIL_none ? "other"
                                          : record_fail_name((enum fail_class)i);
        if (t->failed_by[i] > 0)
            text = arena_text(a, "%s%s\"%s\":%lld", text,
                              *text != '\0' && text[1] != '\0' ? "," : "", name,
                              (long long)t->failed_by[i]);
    }
    return arena_text(a, "%s}", text);
}

/* What is known of the answers' tokens. */
static void fill_tokens(struct rows_measure *m)
{
    const struct tally *t = &m->tally;
    const char *source = record_source_name(t->source);
    const char *set = record_set_name(m->repeat->tokens);
    field_fill(m->row, FIELD_actual_input_tokens, tokens_value(t->tokens_in));
    field_fill(m->row, FIELD_actual_output_tokens, tokens_value(t->tokens_out));
    fill_int(m, FIELD_requests_wrong_length,
             m->cell->has_fixed_lengths ? t->wrong_length : 0);
    field_fill(m->row, FIELD_token_source, value_str(*source != '\0' ? source : NULL));
    if (!m->is_online)
        return;
    fill_int(m, FIELD_stamps_exact, t->stamps_exact);
    fill_int(m, FIELD_stamps_bounded, t->stamps_bounded);
    fill_int(m, FIELD_stamps_tail, t->stamps_tail);
    if (m->run->definitions == 1)
        return;
    field_fill(m->row, FIELD_token_events, value_str(*set != '\0' ? set : NULL));
    fill_int(m, FIELD_requests_unsettled, t->unsettled);
    bool is_counted = t->source != TOKEN_SOURCE_none &&
                      t->source != TOKEN_SOURCE_estimated;
    if (t->unsettled == 0 || m->repeat->tokens != TOKEN_SET_none || !is_counted)
        return;
    field_fill(m->row, FIELD_token_differences,
               value_json(settle_differences(m->repeat, m->arena)));
}

void rows_measure_counts(struct rows_measure *m)
{
    const struct tally *t = &m->tally;
    fill_int(m, FIELD_requests_planned, t->planned);
    fill_int(m, FIELD_requests_ok, t->ok);
    fill_int(m, FIELD_requests_failed, t->failed);
    if (m->run->definitions != 1)
        fill_int(m, FIELD_requests_unanswered, t->unanswered);
    fill_int(m, FIELD_requests_cancelled, t->cancelled);
    field_fill(m->row, FIELD_failed_by_class, value_json(classes_json(m->arena, t)));
    field_fill(m->row, FIELD_first_error, value_str(t->first_error));
    if (t->ok > 0)
        fill_tokens(m);
}

static void fill_rates(struct rows_measure *m)
{
    const struct tally *t = &m->tally;
    double total_s = tally_total_s(t), in = tokens_num(t->tokens_in),
           out = tokens_num(t->tokens_out);
    fill_num(m, FIELD_total_time, total_s);
    fill_num(m, FIELD_tokens_per_second, out / total_s);
    fill_num(m, FIELD_time_per_token, total_s * 1e3 / out);
    fill_num(m, FIELD_requests_per_second, (double)t->ok / total_s);
    fill_num(m, FIELD_total_tokens_per_second, (in + out) / total_s);
    if (m->is_online)
        return; /* the window is not the whole: rows_online.c */
    fill_num(m, FIELD_window_s, total_s);
    fill_num(m, FIELD_window_tokens_per_second, out / total_s);
    fill_num(m, FIELD_window_requests_per_second, (double)t->ok / total_s);
}

static void fill_cache(struct rows_measure *m)
{
    const struct tally *t = &m->tally;
    fill_num(m, FIELD_cache_hit_rate,
             tokens_num(t->tokens_cached) / tokens_num(t->tokens_in));
    field_fill(m->row, FIELD_cached_input_tokens, tokens_value(t->tokens_cached));
    if (t->tokens_cached == TOKENS_UNKNOWN && !m->is_online &&
        field_str(m->row, FIELD_cache_source) == NULL)
        return; /* an engine that counts no hits: none are expected of it */
    fill_num(m, FIELD_cache_hit_rate_expected,
             tokens_num(m->repeat->expected_cached_tokens) / t->prompt_tokens_planned);
}

/* --- what is sampled of each request */

/* What of the samples a field holds: a percentile, or one of these. Means come first: the
 * others sort, which rounds a sum differently. */
#define MEAN    (-1.0)
#define MEDIAN  (-2.0)
#define LONGEST (-3.0) /* 0 where nobody waited */

struct figure {
    double of; /* 0: none */
    enum field_id id;
    enum field_id low, high; /* of its interval; 0: none */
};

#define FIGURE(what, name)       \
    {                            \
        what, FIELD_##name, 0, 0 \
    }
#define WITH_ENDS(what, name, unit)                             \
    {                                                           \
        what, FIELD_##name##_##unit, FIELD_##name##_low_##unit, \
            FIELD_##name##_high_##unit                          \
    }
/* Those of FIELD_PCT. */
#define FIGURES(of, unit)                                          \
    FIGURE(MEAN, of##_mean_##unit), WITH_ENDS(50, of##_p50, unit), \
        FIGURE(90, of##_p90_##unit), FIGURE(95, of##_p95_##unit),  \
        WITH_ENDS(99, of##_p99, unit)

/* Which answers should give a figure. */
enum among { NOBODY, ANSWERED, OF_SEVERAL_TOKENS };

/* Which kinds make which fields. */
static const struct series {
    enum gather_kind kind;
    struct figure figures[6];
    enum field_id requests, share; /* how many answers it comes from; 0: no field */
    enum rule_id rule;             /* of the share: null where too few give it */
    enum among among;
    const char *sketch; /* its member of `distributions`; NULL: none */
    bool is_online_only;
    bool is_new;         /* unknown to definitions 1 */
    bool needs_instants; /* of tokens: none where answers were buffered */
    bool counts_lost;    /* failed and unanswered ones are in it */
} series[] = {
    /* the instants that others need are judged by this one */
    {.kind = GATHER_READ,
     .figures = {FIGURE(MEDIAN, read_interval_p50_s)},
     .is_online_only = true,
     .is_new = true},
    {.kind = GATHER_TTFT,
     .figures = {FIGURE(MEAN, first_token_latency), FIGURES(ttft, s)},
     .share = FIELD_ttft_share,
     .among = ANSWERED,
     .rule = RULE_PARTIAL_TTFT,
     .sketch = "ttft_s",
     .needs_instants = true,
     .counts_lost = true},
    {.kind = GATHER_E2E,
     .figures = {FIGURES(e2e, s)},
     .sketch = "e2e_s",
     .counts_lost = true},
    {.kind = GATHER_TTFT_SERVICE,
     .figures = {FIGURES(ttft_service, s)},
     .among = ANSWERED,
     .rule = RULE_PARTIAL_TTFT,
     .is_online_only = true,
     .needs_instants = true,
     .counts_lost = true},
    {.kind = GATHER_E2E_SERVICE,
     .figures = {FIGURES(e2e_service, s)},
     .is_online_only = true,
     .counts_lost = true},
    {.kind = GATHER_TPOT,
     .figures = {FIGURE(MEAN, inter_token_latency), FIGURES(tpot, ms)},
     .requests = FIELD_tpot_requests,
     .share = FIELD_tpot_share,
     .among = OF_SEVERAL_TOKENS,
     .rule = RULE_PARTIAL_TPOT,
     .needs_instants = true},
    {.kind = GATHER_PREFILL, .figures = {FIGURE(MEAN, prefill_time)}},
    {.kind = GATHER_DECODE,
     .figures = {FIGURE(MEAN, decode_time)},
     .among = ANSWERED,
     .rule = RULE_PARTIAL_TTFT,
     .needs_instants = true},
    {.kind = GATHER_ITL,
     .figures = {FIGURES(itl, ms)},
     .requests = FIELD_itl_requests,
     .share = FIELD_itl_share,
     .among = OF_SEVERAL_TOKENS,
     .rule = RULE_PARTIAL_ITL,
     .sketch = "itl_ms",
     .needs_instants = true},
    {.kind = GATHER_SEND_LAG,
     .figures = {FIGURE(50, send_lag_p50_s), FIGURE(99, send_lag_p99_s),
                 FIGURE(LONGEST, send_lag_max_s)},
     .is_online_only = true},
    {.kind = GATHER_CONNECT,
     .figures = {FIGURE(50, connect_p50_s), FIGURE(LONGEST, connect_max_s)},
     .is_online_only = true},
    {.kind = GATHER_TLS,
     .figures = {FIGURE(50, tls_p50_s), FIGURE(LONGEST, tls_max_s)},
     .is_online_only = true},
};

bool rows_measure_has_instants(const struct rows_measure *m)
{
    return !m->is_online || verdict_tokens_reads(m->run, m->row) == VERDICT_READS_GOOD;
}

static bool has_several_tokens(const struct request_record *q)
{
    return q->events != RECORD_WHOLE &&
           (q->tokens_out > 1 || q->tokens_out == TOKENS_UNKNOWN);
}

static int64_t answers_among(const struct rows_measure *m, enum among among)
{
    int64_t n = 0;
    for (size_t i = 0; i < m->repeat->request_count; i++) {
        const struct request_record *q = &m->repeat->requests[i];
        n += q->status == RECORD_OK && gather_is_in(&m->scope, q) &&
             (among == ANSWERED || has_several_tokens(q));
    }
    return n;
}

/* How many answers give the figure; false where they are too few to stand for all. */
static bool fill_share(struct rows_measure *m, const struct series *of,
                       const struct gather *g)
{
    if (of->among == NOBODY || m->run->definitions == 1)
        return true;
    double share = (double)g->requests / (double)answers_among(m, of->among);
    if (of->requests != 0)
        fill_int(m, of->requests, (int64_t)g->requests);
    if (of->share != 0)
        fill_num(m, of->share, share);
    return !(share < verdict_limit(m->run, of->rule));
}

/* With --no-gaps and definitions 2 nobody knows gaps; definitions 1 had their counts. */
static void fill_gap_counts(struct rows_measure *m, struct gather *g)
{
    bool is_known = m->cell->has_gaps || m->run->definitions == 1;
    if (m->cell->has_gaps && rows_measure_has_instants(m))
        fill_num(m, FIELD_itl_max_ms, gather_max(g));
    if (!is_known)
        return;
    fill_int(m, FIELD_itl_gaps, m->tally.gaps);
    fill_int(m, FIELD_itl_excluded, m->tally.gaps_excluded);
}

static double figure_of(const struct rows_measure *m, const struct series *of,
                        double what, struct gather *g)
{
    bool lacks_lost = of->counts_lost && m->run->definitions != 1 &&
                      verdict_load_has_errors(m->run, m->row);
    if (what == MEAN)
        return lacks_lost ? (double)NAN : gather_mean(g);
    if (what == LONGEST)
        return g->count > 0 ? gather_max(g) : 0;
    return gather_median(g);
}

static void fill_figure(struct rows_measure *m, const struct series *of,
                        const struct figure *f, struct gather *g)
{
    if (f->of < 0) {
        fill_num(m, f->id, figure_of(m, of, f->of, g));
        return;
    }
    struct percentile p = gather_percentile(g, f->of);
    fill_num(m, f->id, p.value);
    if (f->low == 0)
        return;
    fill_num(m, f->low, p.low);
    fill_num(m, f->high, p.high);
}

static void fill_figures(struct rows_measure *m, const struct series *of,
                         struct gather *g)
{
    bool has_values = of->kind != GATHER_ITL || m->cell->has_gaps;
    if (!has_values || (of->needs_instants && !rows_measure_has_instants(m)) ||
        !fill_share(m, of, g))
        return;
    for (size_t i = 0; i < sizeof of->figures / sizeof *of->figures; i++)
        if (of->figures[i].of != 0)
            fill_figure(m, of, &of->figures[i], g);
    if (of->sketch == NULL)
        return;
    struct sketch kept = gather_sketch(g);
    sketch_write(&kept, of->sketch, &m->sketches);
}

static enum status fill_series(struct rows_measure *m, const struct series *of)
{
    struct gather g = {0};
    if ((of->is_online_only && !m->is_online) || (of->is_new && m->run->definitions == 1))
        return STATUS_OK;
    enum status s = gather_add(&g, of->kind, &m->scope);
    if (s == STATUS_OK)
        fill_figures(m, of, &g);
    if (s == STATUS_OK && of->kind == GATHER_ITL)
        fill_gap_counts(m, &g);
    gather_fini(&g);
    return s;
}

/* What pictures are drawn from. */
static enum status fill_pictures(struct rows_measure *m, const struct buf *sketches)
{
    const char *timeline = NULL;
    if (sketches->failed != STATUS_OK)
        return STATUS_NO_MEMORY;
    if (sketches->len > strlen("{}"))
        field_fill(m->row, FIELD_distributions,
                   value_json(arena_str(m->arena, buf_str(sketches))));
    const struct timeline_kv kv = {field_str(m->row, FIELD_kv_usage), m->run->start.ns};
    enum status s = timeline_of(&m->shape, rows_measure_has_instants(m), kv, m->arena,
                                &timeline);
    field_fill(m->row, FIELD_timeline, value_json(timeline));
    return s;
}

static void fill_costs(struct rows_measure *m)
{
    struct metric_costs costs;
    metric_costs(m->row, &costs);
    fill_num(m, FIELD_usd_per_million_output_tokens, costs.output_usd);
    fill_num(m, FIELD_usd_per_million_tokens, costs.all_usd);
    fill_num(m, FIELD_joules_per_output_token, costs.joules);
}

enum status rows_measure_times(struct rows_measure *m)
{
    enum status s = STATUS_OK;
    struct buf text;
    fill_rates(m);
    fill_cache(m);
    buf_init(&text, SKETCHES_CAP);
    jsonw_init(&m->sketches, &text, 0);
    jsonw_object(&m->sketches, NULL);
    for (size_t i = 0; s == STATUS_OK && i < sizeof series / sizeof *series; i++)
        s = fill_series(m, &series[i]);
    jsonw_object_end(&m->sketches);
    if (s == STATUS_OK)
        s = fill_pictures(m, &text);
    buf_fini(&text);
    fill_costs(m);
    return s;
}
