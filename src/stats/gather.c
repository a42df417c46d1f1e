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

static double tpot_ms(const struct request_record *q)
{
    int64_t rest = q->tokens_out -
                   (q->first_event_tokens > 0 ? q->first_event_tokens : 1);
    if (q->tokens_out == TOKENS_UNKNOWN || rest < 1)
        return NAN;
    return seconds_between(q->first_ns, q->last_ns) * 1e3 / (double)rest;
}

static double send_lag_s(const struct request_record *q, bool is_closed)
{
    if (is_closed && q->due_ns == q->sent_ns)
        return NAN;
    return seconds_between(q->ready_ns, q->sent_ns);
}

/* What the client is to blame for: the network's part of a new connection is not. */
static double send_late_s(const struct request_record *q, bool is_closed)
{
    double lag_s = send_lag_s(q, is_closed);
    double connect_s = q->connect_ns != NS_UNKNOWN ? seconds_between(0, q->connect_ns)
                                                   : 0;
    double tls_s = q->tls_ns != NS_UNKNOWN ? seconds_between(0, q->tls_ns) : 0;
    return lag_s - connect_s - tls_s;
}

/* Kinds that the requests that succeeded give. */
static double sample_of_success(const struct request_record *q, enum gather_kind kind)
{
    switch (kind) {
    case GATHER_TTFT: return seconds_between(q->due_ns, q->first_ns);
    case GATHER_E2E: return seconds_between(q->due_ns, q->last_ns);
    case GATHER_TTFT_SERVICE: return seconds_between(q->sent_ns, q->first_ns);
    case GATHER_E2E_SERVICE: return seconds_between(q->sent_ns, q->last_ns);
    case GATHER_TPOT: return tpot_ms(q);
    case GATHER_PREFILL: return seconds_between(0, q->prefill_ns);
    case GATHER_DECODE:
        return q->decode_ns != NS_UNKNOWN ? seconds_between(0, q->decode_ns)
                                          : seconds_between(q->first_ns, q->last_ns);
    default: return NAN;
    }
}

double gather_sample(const struct request_record *q, enum gather_kind kind,
                     bool is_closed)
{
    switch (kind) {
    case GATHER_SEND_LAG: return send_lag_s(q, is_closed);
    case GATHER_SEND_LATE: return send_late_s(q, is_closed);
    case GATHER_CONNECT: return seconds_between(0, q->connect_ns);
    case GATHER_TLS: return seconds_between(0, q->tls_ns);
    default: return q->status == RECORD_OK ? sample_of_success(q, kind) : NAN;
    }
}

static enum status reserve(struct gather *g, size_t more)
{
    if (g->room - g->count >= more)
        return STATUS_OK;
    size_t room = g->room * 2 > g->count + more ? g->room * 2 : g->count + more;
    double *grown = mem_resize(g->values, room, sizeof *grown);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    g->values = grown;
    g->room = room;
    return STATUS_OK;
}

static bool has_instants(const struct request_record *q)
{
    return q->first_ns != NS_UNKNOWN && q->gaps_excluded == 0;
}

/* Instants at which gaps of the repeat ended. */
static enum status count_instants(const struct repeat_data *repeat, size_t gaps,
                                  size_t *out)
{
    size_t n = 0, single = 0;
    double *at = mem_alloc(gaps > 0 ? gaps : 1, sizeof *at);
    if (at == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        if (q->status != RECORD_OK)
            continue;
        if (!has_instants(q)) {
            single += q->gap_count;
            continue;
        }
        int64_t t_ns = q->first_ns;
        for (size_t k = 0; k < q->gap_count; k++) {
            t_ns += q->gaps_ns[k];
            at[n++] = (double)t_ns; /* exact below 2^53 ns, 104 days of running */
        }
    }
    quantile_sort(at, n);
    *out = quantile_distinct(at, n) + single;
    mem_free(at);
    return STATUS_OK;
}

static enum status add_gaps(struct gather *g, const struct repeat_data *repeat)
{
    size_t gaps = 0, instants = 0;
    for (size_t i = 0; i < repeat->request_count; i++)
        if (repeat->requests[i].status == RECORD_OK)
            gaps += repeat->requests[i].gap_count;
    enum status s = reserve(g, gaps);
    if (s == STATUS_OK)
        s = count_instants(repeat, gaps, &instants);
    if (s != STATUS_OK)
        return s;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        for (size_t k = 0; q->status == RECORD_OK && k < q->gap_count; k++)
            g->values[g->count++] = (double)q->gaps_ns[k] / (double)NS_PER_MS;
    }
    g->samples += instants;
    g->is_sorted = false;
    return STATUS_OK;
}

enum status gather_add(struct gather *g, enum gather_kind kind,
                       const struct repeat_data *repeat, bool is_closed)
{
    if (kind == GATHER_ITL)
        return add_gaps(g, repeat);
    enum status s = reserve(g, repeat->request_count);
    if (s != STATUS_OK)
        return s;
    for (size_t i = 0; i < repeat->request_count; i++) {
        double sample = gather_sample(&repeat->requests[i], kind, is_closed);
        if (isnan(sample))
            continue;
        g->values[g->count++] = sample;
        g->samples++;
    }
    g->is_sorted = false;
    return STATUS_OK;
}

static void sort(struct gather *g)
{
    if (!g->is_sorted)
        quantile_sort(g->values, g->count);
    g->is_sorted = true;
}

double gather_mean(const struct gather *g)
{
    return interval_mean(g->values, g->count);
}

double gather_max(struct gather *g)
{
    sort(g);
    return g->count > 0 ? g->values[g->count - 1] : NAN;
}

double gather_percentile(struct gather *g, double p)
{
    sort(g);
    return quantile_with_floor(g->values, g->count, g->samples, p);
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
    *g = (struct gather){0};
}
