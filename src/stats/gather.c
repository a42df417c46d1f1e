#include "stats/gather.h"

#include <math.h>

#include "base/mem.h"
#include "stats/interval.h"
#include "stats/quantile.h"

static double seconds_between(int64_t from_ns, int64_t to_ns)
{
    if (from_ns == NS_UNKNOWN || to_ns == NS_UNKNOWN)
        return NAN;
    return (double)(to_ns - from_ns) / (double)NS_PER_S;
}

bool gather_is_in(const struct gather_scope *scope, const struct request_record *q)
{
    if (scope->skips_firsts && q->due_ns == q->sent_ns)
        return false;
    return scope->begin_ns == NS_UNKNOWN ||
           (q->due_ns >= scope->begin_ns && q->due_ns < scope->end_ns);
}

static bool is_own(const struct request_record *q, size_t i)
{
    return q->marks == NULL || RECORD_STAMP(q->marks[i]) != EVENT_BOUNDED;
}

/* Tokens that had come at the first instant: of all events with that stamp. */
static int64_t tokens_at_first(const struct request_record *q)
{
    int64_t tokens = 0;
    if (q->events == RECORD_SETTLED)
        for (size_t i = 0; i < q->event_count && q->at_ns[i] == q->at_ns[0]; i++)
            tokens += record_event_tokens(q, i);
    if (tokens < q->first_event_tokens)
        tokens = q->first_event_tokens;
    return tokens > 0 ? tokens : 1;
}

/* The most that may have come then: an event's equal share of what nobody counted by
 * event, in whole tokens, and with --no-gaps all whose instants nobody knows. */
static double most_at_first(const struct request_record *q)
{
    const struct record_class *texts = &q->classes[EVENT_TEXT];
    if (q->events == RECORD_UNSETTLED && texts->count > 0)
        return ceil((double)q->tokens_out / (double)texts->count);
    if (q->event_count == 0)
        return 1 + (double)texts->stamps[EVENT_BOUNDED];
    return 1;
}

/* Two arrivals at least, at different instants: nothing is between tokens that came at
 * once, least of all a time of 0. Unknown too where it hangs on what the first event
 * held. */
static double tpot_ms(const struct gather_scope *scope, const struct request_record *q)
{
    bool is_old = scope->definitions == 1;
    int64_t first = q->first_event_tokens > 0 ? q->first_event_tokens : 1;
    if (!is_old)
        first = tokens_at_first(q);
    int64_t rest = q->tokens_out - first;
    if (q->tokens_out == TOKENS_UNKNOWN || rest < 1)
        return NAN;
    double least = (double)q->tokens_out - fmax(most_at_first(q), (double)first);
    if (!is_old && (double)rest > (1 + GATHER_BOUNDS_MAX) * least)
        return NAN;
    double decode_s = seconds_between(q->first_ns, q->last_ns);
    return is_old || decode_s > 0 ? decode_s * 1e3 / (double)rest : NAN;
}

/* Of an answer whose first event came with a later one nobody knows when it began. */
static double since_first(const struct gather_scope *scope,
                          const struct request_record *q, int64_t from_ns, int64_t to_ns)
{
    bool is_late = scope->definitions != 1 && q->event_count > 0 && !is_own(q, 0);
    return is_late ? NAN : seconds_between(from_ns, to_ns);
}

static double send_lag_s(const struct gather_scope *scope, const struct request_record *q)
{
    if (scope->is_closed && q->due_ns == q->sent_ns)
        return NAN;
    return seconds_between(q->ready_ns, q->sent_ns);
}

/* What the client is to blame for: the network's part of a new connection is not. One
 * that took longer than the send waited was opened beforehand: nobody waited for it. */
static double send_late_s(const struct gather_scope *scope,
                          const struct request_record *q)
{
    double lag_s = send_lag_s(scope, q);
    double connect_s = q->connect_ns != NS_UNKNOWN ? seconds_between(0, q->connect_ns)
                                                   : 0;
    double tls_s = q->tls_ns != NS_UNKNOWN ? seconds_between(0, q->tls_ns) : 0;
    double opening_s = scope->definitions == 1 || lag_s >= connect_s + tls_s
                           ? connect_s + tls_s
                           : 0;
    return lag_s - opening_s;
}

static double read_s(const struct request_record *q)
{
    int64_t own = 0;
    for (int c = 0; c < EVENT_CLASS_COUNT; c++)
        own += q->classes[c].stamps[EVENT_EXACT] + q->classes[c].stamps[EVENT_TAIL];
    if (own > 1)
        return seconds_between(q->first_ns, q->last_ns) / (double)(own - 1);
    return seconds_between(q->sent_ns, q->last_ns);
}

/* Kinds that the requests that succeeded give. */
static double sample_of_success(const struct gather_scope *scope,
                                const struct request_record *q, enum gather_kind kind)
{
    switch (kind) {
    case GATHER_TTFT: return since_first(scope, q, q->due_ns, q->first_ns);
    case GATHER_E2E: return seconds_between(q->due_ns, q->last_ns);
    case GATHER_TTFT_SERVICE: return since_first(scope, q, q->sent_ns, q->first_ns);
    case GATHER_E2E_SERVICE: return seconds_between(q->sent_ns, q->last_ns);
    case GATHER_TPOT: return tpot_ms(scope, q);
    case GATHER_PREFILL: return seconds_between(0, q->prefill_ns);
    case GATHER_READ: return read_s(q);
    case GATHER_DECODE:
        return q->decode_ns != NS_UNKNOWN
                   ? seconds_between(0, q->decode_ns)
                   : since_first(scope, q, q->first_ns, q->last_ns);
    default: return NAN;
    }
}

double gather_sample(const struct gather_scope *scope, const struct request_record *q,
                     enum gather_kind kind)
{
    switch (kind) {
    case GATHER_SEND_LAG: return send_lag_s(scope, q);
    case GATHER_SEND_LATE: return send_late_s(scope, q);
    case GATHER_CONNECT: return seconds_between(0, q->connect_ns);
    case GATHER_TLS: return seconds_between(0, q->tls_ns);
    default: return q->status == RECORD_OK ? sample_of_success(scope, q, kind) : NAN;
    }
}

static enum status reserve(double **values, size_t count, size_t *room, size_t more)
{
    if (*room - count >= more)
        return STATUS_OK;
    size_t wanted = *room * 2 > count + more ? *room * 2 : count + more;
    double *grown = mem_resize(*values, wanted, sizeof *grown);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    *values = grown;
    *room = wanted;
    return STATUS_OK;
}

/* --- gaps */

/* From the event before. */
static double gap_ms(const struct request_record *q, size_t i)
{
    return (double)(q->at_ns[i] - q->at_ns[i - 1]) / (double)NS_PER_MS;
}

static bool gives_gaps(const struct gather_scope *scope, const struct request_record *q)
{
    bool is_known = q->status == RECORD_OK && q->events == RECORD_SETTLED &&
                    q->event_count > 0 && gather_is_in(scope, q);
    return is_known && (scope->definitions == 1 || is_own(q, 0));
}

/* Instants at which the booked gaps end, into at; those that count singly besides. */
static size_t instants_of(const struct gather_scope *scope,
                          const struct request_record *q, double *at, size_t *single)
{
    size_t n = 0, gaps = 0;
    for (size_t i = 1; i < q->event_count; i++)
        gaps += record_has_gap(q, i);
    bool is_partial = q->gaps_excluded > 0 || gaps + 1 < q->event_count;
    if (scope->definitions == 1 && is_partial) {
        *single += gaps;
        return 0;
    }
    for (size_t i = 1; i < q->event_count; i++)
        if (record_has_gap(q, i))
            at[n++] = (double)q->at_ns[i]; /* exact below 2^53 ns, 104 days of running */
    return n;
}

/* Definitions 1. */
static enum status count_instants(const struct gather_scope *scope, size_t gaps,
                                  size_t *out)
{
    size_t n = 0, single = 0;
    double *at = mem_alloc(gaps > 0 ? gaps : 1, sizeof *at);
    if (at == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < scope->repeat->request_count; i++) {
        const struct request_record *q = &scope->repeat->requests[i];
        if (gives_gaps(scope, q))
            n += instants_of(scope, q, at + n, &single);
    }
    quantile_sort(at, n);
    *out = quantile_distinct(at, n) + single;
    mem_free(at);
    return STATUS_OK;
}

/* Booked gaps with the instants at which they end, into timed; how many. */
static size_t timed_gaps(const struct gather_scope *scope,
                         struct percentile_sample *timed)
{
    size_t n = 0;
    for (size_t i = 0; i < scope->repeat->request_count; i++) {
        const struct request_record *q = &scope->repeat->requests[i];
        for (size_t k = 1; gives_gaps(scope, q) && k < q->event_count; k++)
            if (record_has_gap(q, k))
                timed[n++] = (struct percentile_sample){q->at_ns[k], gap_ms(q, k)};
    }
    return n;
}

/* Adds them to the series, and counts their instants. */
static enum status add_series(struct gather *g, const struct gather_scope *scope,
                              size_t gaps, size_t *instants)
{
    struct percentile_sample *timed = mem_alloc(gaps > 0 ? gaps : 1, sizeof *timed);
    if (timed == NULL)
        return STATUS_NO_MEMORY;
    size_t n = timed_gaps(scope, timed);
    enum status s = percentile_series_add(&g->series, timed, n, scope->unit,
                                          scope->order);
    for (size_t i = 0; i < n; i++)
        *instants += i == 0 || timed[i].at_ns != timed[i - 1].at_ns;
    mem_free(timed);
    return s;
}

/* Gaps between the events from and to, which have stamps of their own or end the answer:
 * as many as there are tokens, each no longer than the whole. */
static void add_bounds(struct gather *g, const struct request_record *q, size_t from,
                       size_t to)
{
    double span_ms = (double)(q->at_ns[to] - q->at_ns[from]) / (double)NS_PER_MS;
    int64_t tokens = 0;
    for (size_t i = from + 1; i <= to; i++)
        tokens += record_event_tokens(q, i);
    for (int64_t k = 0; k < tokens; k++)
        g->bounds[g->bound_count++] = span_ms;
    g->bound_sum += tokens > 0 ? span_ms : 0;
}

static void add_answer(struct gather *g, const struct gather_scope *scope,
                       const struct request_record *q)
{
    size_t last_own = 0;
    for (size_t i = 1; i < q->event_count; i++) {
        bool is_gap = record_has_gap(q, i);
        if (is_gap)
            g->values[g->count++] = gap_ms(q, i);
        bool is_end = is_own(q, i) || i + 1 == q->event_count;
        if (!is_gap && is_end && scope->definitions != 1)
            add_bounds(g, q, last_own, i);
        last_own = is_end ? i : last_own;
    }
    g->requests += q->tokens_out > 1;
}

static enum status add_gaps(struct gather *g, const struct gather_scope *scope)
{
    const struct repeat_data *repeat = scope->repeat;
    size_t gaps = 0, tokens = 0, instants = 0;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        if (!gives_gaps(scope, q))
            continue;
        gaps += q->event_count;
        tokens += (size_t)(q->tokens_out > 0 ? q->tokens_out : 0);
    }
    enum status s = reserve(&g->values, g->count, &g->room, gaps);
    if (s == STATUS_OK)
        s = reserve(&g->bounds, g->bound_count, &g->bound_room, tokens);
    if (s == STATUS_OK && scope->definitions == 1)
        s = count_instants(scope, gaps, &instants);
    else if (s == STATUS_OK)
        s = add_series(g, scope, gaps, &instants);
    if (s != STATUS_OK)
        return s;
    for (size_t i = 0; i < repeat->request_count; i++)
        if (gives_gaps(scope, &repeat->requests[i]))
            add_answer(g, scope, &repeat->requests[i]);
    g->samples += instants;
    g->is_sorted = false;
    return STATUS_OK;
}

/* --- one sample a request */

static bool is_latency(enum gather_kind kind)
{
    return kind <= GATHER_TPOT || kind >= GATHER_PREFILL;
}

/* Definitions 1 had percentiles of those that were answered alone. */
static bool is_lost(const struct gather_scope *scope, const struct request_record *q,
                    enum gather_kind kind)
{
    return scope->definitions != 1 && kind <= GATHER_E2E_SERVICE &&
           (q->status == RECORD_FAILED || q->status == RECORD_UNANSWERED);
}

/* Percentiles of a latency have intervals. */
static bool has_series(const struct gather_scope *scope, enum gather_kind kind)
{
    return kind <= GATHER_TPOT && scope->order != PERCENTILE_ANY;
}

/* Samples of the repeat behind g->values, those without an answer behind `timed`, which
 * may be NULL, too; counts in g. How many are in timed. */
static size_t take(struct gather *g, enum gather_kind kind,
                   const struct gather_scope *scope, struct percentile_sample *timed)
{
    size_t n = 0;
    for (size_t i = 0; i < scope->repeat->request_count; i++) {
        const struct request_record *q = &scope->repeat->requests[i];
        if (is_latency(kind) && !gather_is_in(scope, q))
            continue;
        double sample = gather_sample(scope, q, kind);
        bool has_none = is_lost(scope, q, kind);
        if (!has_none && isnan(sample))
            continue;
        if (timed != NULL)
            timed[n++] = (struct percentile_sample){q->due_ns,
                                                    has_none ? (double)INFINITY : sample};
        g->lost += has_none;
        g->samples++;
        if (isnan(sample))
            continue;
        g->values[g->count++] = sample;
        g->requests++;
    }
    return n;
}

static enum status add_samples(struct gather *g, enum gather_kind kind,
                               const struct gather_scope *scope,
                               struct percentile_sample *timed)
{
    const struct gather before = *g;
    size_t n = take(g, kind, scope, timed);
    enum status s = STATUS_OK;
    if (timed != NULL)
        s = percentile_series_add(&g->series, timed, n, scope->unit, scope->order);
    if (s != STATUS_OK) {
        g->count = before.count;
        g->samples = before.samples;
        g->lost = before.lost;
        g->requests = before.requests;
    }
    g->is_sorted = false;
    return s;
}

enum status gather_add(struct gather *g, enum gather_kind kind,
                       const struct gather_scope *scope)
{
    if (kind == GATHER_ITL)
        return add_gaps(g, scope);
    size_t n = scope->repeat->request_count;
    enum status s = reserve(&g->values, g->count, &g->room, n);
    if (s != STATUS_OK || !has_series(scope, kind))
        return s == STATUS_OK ? add_samples(g, kind, scope, NULL) : s;
    struct percentile_sample *timed = mem_alloc(n > 0 ? n : 1, sizeof *timed);
    s = timed != NULL ? add_samples(g, kind, scope, timed) : STATUS_NO_MEMORY;
    mem_free(timed);
    return s;
}

static void sort(struct gather *g)
{
    if (!g->is_sorted) {
        quantile_sort(g->values, g->count);
        quantile_sort(g->bounds, g->bound_count);
    }
    g->is_sorted = true;
}

double gather_mean(const struct gather *g)
{
    if (g->bound_count == 0)
        return interval_mean(g->values, g->count);
    double all = (double)(g->count + g->bound_count);
    double booked = g->count > 0 ? interval_mean(g->values, g->count) * (double)g->count
                                 : 0;
    return (booked + g->bound_sum) / all;
}

double gather_max(struct gather *g)
{
    sort(g);
    return g->count > 0 ? g->values[g->count - 1] : NAN;
}

/* The value of that rank, from 1, of values and bounds together, both sorted. */
static double merged(const struct gather *g, size_t rank)
{
    size_t value = 0, bound = 0;
    double at = NAN;
    while (rank-- > 0) {
        bool takes_bound = value == g->count || (bound < g->bound_count &&
                                                 g->bounds[bound] < g->values[value]);
        at = takes_bound ? g->bounds[bound++] : g->values[value++];
    }
    return at;
}

/* Do the percentile with all bounds at 0 and the one with all at their upper end tell the
 * same? */
static bool is_sure(const struct gather *g, double p)
{
    size_t rank = quantile_rank(p, g->count + g->bound_count);
    double low = rank > g->bound_count ? g->values[rank - g->bound_count - 1] : 0;
    double high = merged(g, rank);
    return high - low <= GATHER_BOUNDS_MAX * high;
}

struct percentile gather_percentile(struct gather *g, double p)
{
    sort(g);
    const struct percentile_pool pool = {
        .sorted = g->values, .count = g->count, .lost = g->lost, .distinct = g->samples};
    struct percentile of = percentile_of(&g->series, &pool, p);
    if (g->bound_count > 0 && !is_sure(g, p))
        of.value = of.low = of.high = NAN;
    return of;
}

struct sketch gather_sketch(struct gather *g)
{
    double all = (double)(g->count + g->bound_count);
    sort(g);
    return (double)g->bound_count > GATHER_BOUNDS_MAX * all
               ? (struct sketch){0}
               : sketch_of_sorted(g->values, g->count, g->lost);
}

double gather_median(struct gather *g)
{
    sort(g);
    return quantile_of_sorted(g->values, g->count, 50);
}

double gather_share_above(const struct gather *g, double limit)
{
    size_t above = 0;
    for (size_t i = 0; i < g->count; i++)
        above += g->values[i] > limit;
    return g->count > 0 ? (double)above / (double)g->count : NAN;
}

void gather_fini(struct gather *g)
{
    mem_free(g->values);
    mem_free(g->bounds);
    percentile_series_fini(&g->series);
    *g = (struct gather){0};
}
