#include "stats/rows_measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stats/gather.h"
#include "stats/rows_online.h"
#include "stats/settle.h"
#include "stats/verdict_load.h"

/* Share of the answers that must have a first token. */
#define FIRST_TOKENS_MIN 0.95

void rows_measure_fill(struct row *row, enum field_id id, struct value v)
{
    if (row->v[id].kind == VALUE_ABSENT)
        row->v[id] = v;
}

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
    for (int i = 0; i < FAIL_COUNT && text != NULL; i++) {
        const char *name = i == FAIL_none ? "other"
                                          : record_fail_name((enum fail_class)i);
        if (t->failed_by[i] > 0)
            text = arena_printf(a, "%s%s\"%s\":%lld", text, text[1] != '\0' ? "," : "",
                                name, (long long)t->failed_by[i]);
    }
    return text == NULL ? NULL : arena_printf(a, "%s}", text);
}

static void fill_int(struct rows_measure *m, enum field_id id, int64_t n)
{
    rows_measure_fill(m->row, id, value_int(n));
}

/* What is known of the answers' tokens. */
static enum status fill_tokens(struct rows_measure *m)
{
    const struct tally *t = &m->tally;
    const char *source = record_source_name(t->source);
    const char *set = record_set_name(m->repeat->tokens);
    rows_measure_fill(m->row, FIELD_actual_input_tokens, tokens_value(t->tokens_in));
    rows_measure_fill(m->row, FIELD_actual_output_tokens, tokens_value(t->tokens_out));
    fill_int(m, FIELD_requests_wrong_length,
             m->cell->has_fixed_lengths ? t->wrong_length : 0);
    rows_measure_fill(m->row, FIELD_token_source,
                      value_str(*source != '\0' ? source : NULL));
    if (!m->is_online)
        return STATUS_OK;
    fill_int(m, FIELD_stamps_exact, t->stamps_exact);
    fill_int(m, FIELD_stamps_bounded, t->stamps_bounded);
    fill_int(m, FIELD_stamps_tail, t->stamps_tail);
    if (m->run->definitions == 1)
        return STATUS_OK;
    rows_measure_fill(m->row, FIELD_token_events, value_str(*set != '\0' ? set : NULL));
    fill_int(m, FIELD_requests_unsettled, t->unsettled);
    bool is_counted = t->source != TOKEN_SOURCE_none &&
                      t->source != TOKEN_SOURCE_estimated;
    if (t->unsettled == 0 || m->repeat->tokens != TOKEN_SET_none || !is_counted)
        return STATUS_OK;
    const char *text = settle_differences(m->repeat, m->arena);
    rows_measure_fill(m->row, FIELD_token_differences, value_json(text));
    return text != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status rows_measure_counts(struct rows_measure *m)
{
    const struct tally *t = &m->tally;
    const char *classes = classes_json(m->arena, t);
    if (classes == NULL)
        return STATUS_NO_MEMORY;
    fill_int(m, FIELD_requests_planned, t->planned);
    fill_int(m, FIELD_requests_ok, t->ok);
    fill_int(m, FIELD_requests_failed, t->failed);
    if (m->run->definitions != 1)
        fill_int(m, FIELD_requests_unanswered, t->unanswered);
    fill_int(m, FIELD_requests_cancelled, t->cancelled);
    rows_measure_fill(m->row, FIELD_failed_by_class, value_json(classes));
    rows_measure_fill(m->row, FIELD_first_error, value_str(t->first_error));
    return t->ok == 0 ? STATUS_OK : fill_tokens(m);
}

static void fill_num(struct rows_measure *m, enum field_id id, double n)
{
    rows_measure_fill(m->row, id, value_num(n));
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
        return; /* the window is not the whole: rows_online.h */
    fill_num(m, FIELD_window_s, total_s);
    fill_num(m, FIELD_window_tokens_per_second, out / total_s);
    fill_num(m, FIELD_window_requests_per_second, (double)t->ok / total_s);
}

static void fill_cost(struct rows_measure *m)
{
    enum field_id rate = m->is_online ? FIELD_window_tokens_per_second
                                      : FIELD_tokens_per_second;
    double usd_per_s = field_num(m->row, FIELD_price_usd_per_hour) / 3600;
    fill_num(m, FIELD_usd_per_million_output_tokens,
             usd_per_s / field_num(m->row, rate) * 1e6);
}

static void fill_cache(struct rows_measure *m)
{
    const struct tally *t = &m->tally;
    fill_num(m, FIELD_cache_hit_rate,
             tokens_num(t->tokens_cached) / tokens_num(t->tokens_in));
    rows_measure_fill(m->row, FIELD_cached_input_tokens, tokens_value(t->tokens_cached));
    if (t->tokens_cached == TOKENS_UNKNOWN && !m->is_online)
        return; /* an engine that counts no hits: none are expected of it */
    fill_num(m, FIELD_cache_hit_rate_expected,
             tokens_num(m->repeat->expected_cached_tokens) / t->prompt_tokens_planned);
}

/* --- latencies */

/* Mean and percentiles of a kind: FIELD_PCT lays five fields in this order. */
static void fill_percentiles(struct rows_measure *m, enum field_id first,
                             struct gather *g)
{
    static const double percent[] = {50, 90, 95, 99};
    for (size_t i = 0; i < sizeof percent / sizeof *percent; i++)
        fill_num(m, first + 1 + (enum field_id)i, gather_percentile(g, percent[i]));
}

/* Which kinds make which fields; FIELD_COUNT: none. */
static const struct series {
    enum gather_kind kind;
    enum field_id first;           /* mean and percentiles */
    enum field_id mean;            /* the mean again, or alone */
    enum field_id requests, share; /* how many answers it comes from */
    const char *rule;              /* null where too few give it: its share's rule */
    bool is_online_only;
    bool needs_instants; /* of tokens: none where answers were buffered */
    bool needs_first;    /* tokens, of nearly all answers */
    bool counts_lost;    /* failed and unanswered ones are in it */
} series[] = {
    {.kind = GATHER_TTFT,
     .first = FIELD_ttft_mean_s,
     .mean = FIELD_first_token_latency,
     .requests = FIELD_COUNT,
     .share = FIELD_COUNT,
     .needs_instants = true,
     .needs_first = true,
     .counts_lost = true},
    {.kind = GATHER_E2E,
     .first = FIELD_e2e_mean_s,
     .mean = FIELD_COUNT,
     .requests = FIELD_COUNT,
     .share = FIELD_COUNT,
     .counts_lost = true},
    {.kind = GATHER_TTFT_SERVICE,
     .first = FIELD_ttft_service_mean_s,
     .mean = FIELD_COUNT,
     .requests = FIELD_COUNT,
     .share = FIELD_COUNT,
     .is_online_only = true,
     .needs_instants = true,
     .needs_first = true,
     .counts_lost = true},
    {.kind = GATHER_E2E_SERVICE,
     .first = FIELD_e2e_service_mean_s,
     .mean = FIELD_COUNT,
     .requests = FIELD_COUNT,
     .share = FIELD_COUNT,
     .is_online_only = true,
     .counts_lost = true},
    {.kind = GATHER_TPOT,
     .first = FIELD_tpot_mean_ms,
     .mean = FIELD_inter_token_latency,
     .requests = FIELD_tpot_requests,
     .share = FIELD_tpot_share,
     .rule = "PARTIAL_TPOT",
     .needs_instants = true},
    {.kind = GATHER_PREFILL,
     .first = FIELD_COUNT,
     .mean = FIELD_prefill_time,
     .requests = FIELD_COUNT,
     .share = FIELD_COUNT},
    {.kind = GATHER_DECODE,
     .first = FIELD_COUNT,
     .mean = FIELD_decode_time,
     .requests = FIELD_COUNT,
     .share = FIELD_COUNT,
     .needs_instants = true,
     .needs_first = true},
    {.kind = GATHER_ITL,
     .first = FIELD_itl_mean_ms,
     .mean = FIELD_COUNT,
     .requests = FIELD_itl_requests,
     .share = FIELD_itl_share,
     .rule = "PARTIAL_ITL",
     .needs_instants = true},
};

/* Answers of the scope that came in events and have a second token. */
static int64_t answers_of_several(const struct rows_measure *m)
{
    int64_t n = 0;
    for (size_t i = 0; i < m->repeat->request_count; i++) {
        const struct request_record *q = &m->repeat->requests[i];
        bool has_second = q->tokens_out > 1 || q->tokens_out == TOKENS_UNKNOWN;
        n += q->status == RECORD_OK && has_second && q->events != RECORD_WHOLE &&
             gather_is_in(&m->scope, q);
    }
    return n;
}

/* How many answers give the figure; false where they are too few to stand for all. */
static bool fill_share(struct rows_measure *m, const struct series *of,
                       const struct gather *g)
{
    if (of->rule == NULL || m->run->definitions == 1)
        return true;
    double share = (double)g->requests / (double)answers_of_several(m);
    fill_int(m, of->requests, (int64_t)g->requests);
    fill_num(m, of->share, share);
    return !(share < verdict_limit(m->run, verdict_find(of->rule)));
}

/* A first token that only some answers have stands for none. */
static bool lacks_values(const struct rows_measure *m, const struct series *of,
                         const struct gather *g)
{
    size_t answered = 0;
    for (size_t i = 0; i < m->repeat->request_count; i++)
        answered += m->repeat->requests[i].status == RECORD_OK &&
                    gather_is_in(&m->scope, &m->repeat->requests[i]);
    return m->run->definitions != 1 && of->needs_first &&
           (double)g->count < FIRST_TOKENS_MIN * (double)answered;
}

/* With --no-gaps and definitions 2 nobody knows gaps; definitions 1 had their counts. */
static void fill_gap_counts(struct rows_measure *m, struct gather *g)
{
    bool is_known = m->cell->has_gaps || m->run->definitions == 1;
    if (m->cell->has_gaps && !m->hides_instants)
        fill_num(m, FIELD_itl_max_ms, gather_max(g));
    if (!is_known)
        return;
    fill_int(m, FIELD_itl_gaps, m->tally.gaps);
    fill_int(m, FIELD_itl_excluded, m->tally.gaps_excluded);
}

static void fill_latency(struct rows_measure *m, const struct series *of,
                         struct gather *g)
{
    bool has_values = of->kind != GATHER_ITL || m->cell->has_gaps;
    if (!has_values || (of->needs_instants && m->hides_instants) ||
        !fill_share(m, of, g) || lacks_values(m, of, g))
        return;
    bool has_mean = !of->counts_lost || m->run->definitions == 1 ||
                    !verdict_load_has_errors(m->run, m->row);
    double mean = has_mean ? gather_mean(g) : (double)NAN;
    if (of->mean != FIELD_COUNT)
        fill_num(m, of->mean, mean);
    if (of->first == FIELD_COUNT)
        return;
    fill_num(m, of->first, mean);
    fill_percentiles(m, of->first, g);
}

static enum status fill_series(struct rows_measure *m, const struct series *of)
{
    struct gather g = {0};
    if (of->is_online_only && !m->is_online)
        return STATUS_OK;
    enum status s = gather_add(&g, of->kind, &m->scope);
    if (s == STATUS_OK)
        fill_latency(m, of, &g);
    if (s == STATUS_OK && of->kind == GATHER_ITL)
        fill_gap_counts(m, &g);
    gather_fini(&g);
    return s;
}

enum status rows_measure_times(struct rows_measure *m)
{
    enum status s = STATUS_OK;
    m->scope = (struct gather_scope){.repeat = m->repeat,
                                     .definitions = m->run->definitions,
                                     .begin_ns = NS_UNKNOWN,
                                     .end_ns = NS_UNKNOWN};
    fill_rates(m);
    fill_cache(m);
    if (m->is_online)
        s = rows_online_fill(m);
    for (size_t i = 0; s == STATUS_OK && i < sizeof series / sizeof *series; i++)
        s = fill_series(m, &series[i]);
    if (s == STATUS_OK && m->is_online)
        s = rows_online_goodput(m);
    fill_cost(m);
    return s;
}
