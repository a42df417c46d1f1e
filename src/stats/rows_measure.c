#include "stats/rows_measure.h"

#include <math.h>
#include <string.h>

#include "stats/gather.h"
#include "stats/rows_online.h"

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
        if (t->failed_by[i] == 0)
            continue;
        const char *name = i == FAIL_none ? "other"
                                          : record_fail_name((enum fail_class)i);
        text = arena_printf(a, "%s%s\"%s\":%lld", text, text[1] != '\0' ? "," : "", name,
                            (long long)t->failed_by[i]);
    }
    return text == NULL ? NULL : arena_printf(a, "%s}", text);
}

enum status rows_measure_counts(struct rows_measure *m)
{
    const struct tally *t = &m->tally;
    const char *classes = classes_json(m->arena, t);
    if (classes == NULL)
        return STATUS_NO_MEMORY;
    rows_measure_fill(m->row, FIELD_requests_planned, value_int(t->planned));
    rows_measure_fill(m->row, FIELD_requests_ok, value_int(t->ok));
    rows_measure_fill(m->row, FIELD_requests_failed, value_int(t->failed));
    rows_measure_fill(m->row, FIELD_requests_cancelled, value_int(t->cancelled));
    rows_measure_fill(m->row, FIELD_failed_by_class, value_json(classes));
    if (t->ok == 0)
        return STATUS_OK;
    rows_measure_fill(m->row, FIELD_actual_input_tokens, tokens_value(t->tokens_in));
    rows_measure_fill(m->row, FIELD_actual_output_tokens, tokens_value(t->tokens_out));
    rows_measure_fill(m->row, FIELD_requests_wrong_length,
                      value_int(m->cell->has_fixed_lengths ? t->wrong_length : 0));
    const char *source = record_source_name(t->source);
    rows_measure_fill(m->row, FIELD_token_source,
                      value_str(*source != '\0' ? source : NULL));
    if (m->is_online) {
        rows_measure_fill(m->row, FIELD_stamps_exact, value_int(t->stamps_exact));
        rows_measure_fill(m->row, FIELD_stamps_bounded, value_int(t->stamps_bounded));
        rows_measure_fill(m->row, FIELD_stamps_tail, value_int(t->stamps_tail));
    }
    return STATUS_OK;
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
    fill_num(m, FIELD_cache_hit_rate_expected,
             tokens_num(m->repeat->expected_cached_tokens) / t->prompt_tokens_planned);
}

static void fill_gap_counts(struct rows_measure *m, struct gather *g)
{
    if (m->cell->has_gaps)
        fill_num(m, FIELD_itl_max_ms, gather_max(g));
    rows_measure_fill(m->row, FIELD_itl_gaps, value_int(m->tally.gaps));
    rows_measure_fill(m->row, FIELD_itl_excluded, value_int(m->tally.gaps_excluded));
}

/* Mean and percentiles of a kind: FIELD_PCT lays five fields in this order. */
static void fill_percentiles(struct rows_measure *m, enum field_id first,
                             struct gather *g)
{
    static const double percent[] = {50, 90, 95, 99};
    fill_num(m, first, gather_mean(g));
    for (size_t i = 0; i < sizeof percent / sizeof *percent; i++)
        fill_num(m, first + 1 + (enum field_id)i, gather_percentile(g, percent[i]));
}

/* Which kinds make which fields; FIELD_COUNT: a mean alone. */
static const struct {
    enum gather_kind kind;
    enum field_id first, mean;
    bool is_online_only;
} series[] = {
    {.kind = GATHER_TTFT, .first = FIELD_ttft_mean_s, .mean = FIELD_first_token_latency},
    {.kind = GATHER_E2E, .first = FIELD_e2e_mean_s, .mean = FIELD_COUNT},
    {.kind = GATHER_TTFT_SERVICE,
     .first = FIELD_ttft_service_mean_s,
     .mean = FIELD_COUNT,
     .is_online_only = true},
    {.kind = GATHER_E2E_SERVICE,
     .first = FIELD_e2e_service_mean_s,
     .mean = FIELD_COUNT,
     .is_online_only = true},
    {.kind = GATHER_TPOT, .first = FIELD_tpot_mean_ms, .mean = FIELD_inter_token_latency},
    {.kind = GATHER_PREFILL, .first = FIELD_COUNT, .mean = FIELD_prefill_time},
    {.kind = GATHER_DECODE, .first = FIELD_COUNT, .mean = FIELD_decode_time},
    {.kind = GATHER_ITL, .first = FIELD_itl_mean_ms, .mean = FIELD_COUNT},
};

static enum status fill_series(struct rows_measure *m, size_t i,
                               struct rows_online *medians)
{
    struct gather g = {0};
    enum gather_kind kind = series[i].kind;
    if (series[i].is_online_only && !m->is_online)
        return STATUS_OK;
    enum status s = gather_add(&g, kind, m->repeat, m->is_closed);
    if (s == STATUS_OK) {
        bool has_values = kind != GATHER_ITL || m->cell->has_gaps;
        if (series[i].mean != FIELD_COUNT)
            fill_num(m, series[i].mean, gather_mean(&g));
        if (series[i].first != FIELD_COUNT && has_values)
            fill_percentiles(m, series[i].first, &g);
        if (kind == GATHER_ITL)
            fill_gap_counts(m, &g);
        if (kind == GATHER_TTFT)
            medians->ttft_s = gather_median(&g);
        if (kind == GATHER_E2E)
            medians->e2e_s = gather_median(&g);
    }
    gather_fini(&g);
    return s;
}

enum status rows_measure_times(struct rows_measure *m)
{
    struct rows_online medians = {.ttft_s = NAN, .e2e_s = NAN};
    fill_rates(m);
    fill_cache(m);
    for (size_t i = 0; i < sizeof series / sizeof *series; i++) {
        enum status s = fill_series(m, i, &medians);
        if (s != STATUS_OK)
            return s;
    }
    if (m->is_online) {
        enum status s = rows_online_fill(m, &medians);
        if (s != STATUS_OK)
            return s;
    }
    fill_cost(m);
    return STATUS_OK;
}
