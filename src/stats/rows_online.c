#include "stats/rows_online.h"

#include <math.h>

#include "stats/gather.h"
#include "stats/goodput.h"
#include "stats/loadshape.h"
#include "stats/verdict_tokens.h"

#define LATE_LEAST_S 1e-3 /* a send is late beyond max(1 ms, 1 % of the median TTFT) */
#define LATE_SHARE   0.01

static void fill_num(struct rows_measure *m, enum field_id id, double n)
{
    rows_measure_fill(m->row, id, value_num(n));
}

static void fill_int(struct rows_measure *m, enum field_id id, int64_t n)
{
    rows_measure_fill(m->row, id, value_int(n));
}

static double window_s(const struct loadshape *l)
{
    const struct loadshape_window *w = &l->window;
    if (w->begin_ns == NS_UNKNOWN || w->end_ns == NS_UNKNOWN)
        return NAN;
    return (double)(w->end_ns - w->begin_ns) / (double)NS_PER_S;
}

static void fill_window(struct rows_measure *m)
{
    double length_s = window_s(&m->shape);
    fill_num(m, FIELD_window_s, length_s);
    fill_num(m, FIELD_window_tokens_per_second, loadshape_tokens(&m->shape) / length_s);
    if (m->run->definitions != 1)
        fill_num(m, FIELD_window_requests_per_second,
                 loadshape_answers(&m->shape) / length_s);
}

/* Of a closed load, or the most that an open one may have in flight; NAN: no limit. */
static double slots_of(const struct rows_measure *m)
{
    if (m->shape.is_closed)
        return field_num(m->row, FIELD_batch_size);
    return m->cell->max_concurrency > 0 ? (double)m->cell->max_concurrency : (double)NAN;
}

static void fill_load(struct rows_measure *m)
{
    struct loadshape_flight flight = loadshape_flight_of(&m->shape);
    struct loadshape_sends sends = loadshape_sends_of(&m->shape);
    fill_num(m, FIELD_steady_s, flight.steady_s);
    fill_num(m, FIELD_inflight_middle, flight.middle);
    fill_num(m, FIELD_inflight_last, flight.last);
    if (m->run->definitions != 1) {
        fill_num(m, FIELD_inflight_end, flight.end);
        fill_num(m, FIELD_inflight_expected, flight.expected);
        fill_num(m, FIELD_e2e_early_s, m->shape.e0_s);
        fill_num(m, FIELD_settle_s, m->shape.settle_s);
        fill_num(m, FIELD_slots_lost_share, loadshape_lost_share(&m->shape, slots_of(m)));
    }
    fill_num(m, FIELD_send_stretch_s, sends.stretch_s);
    fill_int(m, FIELD_requests_held, sends.held);
    fill_int(m, FIELD_connections_new, sends.connected);
    fill_int(m, FIELD_connections_reused, sends.sent - sends.connected);
}

/* The highest of nothing is known: no request waited. */
static double highest(struct gather *g)
{
    return g->count > 0 ? gather_max(g) : 0;
}

static enum status fill_lag(struct rows_measure *m)
{
    struct gather_scope all = m->scope;
    struct gather lag = {0}, own = {0}, ttft = {0};
    all.begin_ns = NS_UNKNOWN;
    all.skips_firsts = false;
    enum status s = gather_add(&lag, GATHER_SEND_LAG, &all);
    if (s == STATUS_OK)
        s = gather_add(&own, GATHER_SEND_LATE, &all);
    if (s == STATUS_OK)
        s = gather_add(&ttft, GATHER_TTFT, &all);
    if (s == STATUS_OK) {
        double median_ttft_s = gather_median(&ttft);
        double late_s = fmax(LATE_LEAST_S, median_ttft_s * LATE_SHARE);
        double share = gather_share_above(&own, late_s);
        fill_num(m, FIELD_send_lag_p50_s, gather_percentile(&lag, 50));
        fill_num(m, FIELD_send_lag_p99_s, gather_percentile(&lag, 99));
        fill_num(m, FIELD_send_lag_max_s, highest(&lag));
        fill_num(m, FIELD_send_late_share, lag.count > 0 ? share : 0);
        int64_t late = lag.count > 0 ? llround(share * (double)lag.count) : 0;
        rows_measure_fill(m->row, FIELD_sends_late, value_int(late));
    }
    gather_fini(&lag);
    gather_fini(&own);
    gather_fini(&ttft);
    return s;
}

static enum status fill_cost_of(struct rows_measure *m, enum gather_kind kind,
                                enum field_id p50, enum field_id max)
{
    struct gather g = {0};
    enum status s = gather_add(&g, kind, &m->scope);
    if (s == STATUS_OK) {
        fill_num(m, p50, gather_percentile(&g, 50));
        fill_num(m, max, highest(&g));
    }
    gather_fini(&g);
    return s;
}

static enum status fill_connections(struct rows_measure *m)
{
    enum status s = fill_cost_of(m, GATHER_CONNECT, FIELD_connect_p50_s,
                                 FIELD_connect_max_s);
    return s != STATUS_OK ? s
                          : fill_cost_of(m, GATHER_TLS, FIELD_tls_p50_s, FIELD_tls_max_s);
}

/* Definitions 1 counted over all requests and the whole time. */
static void fill_good(struct rows_measure *m, const struct goodput *limits)
{
    bool is_old = m->run->definitions == 1;
    struct goodput_count count = goodput_count(limits, &m->shape);
    double time_s = is_old ? tally_total_s(&m->tally) : window_s(&m->shape);
    fill_num(m, FIELD_goodput_rps, count.served / time_s);
    if (!is_old)
        fill_num(m, FIELD_goodput_share, (double)count.good / (double)count.due);
}

/* Whether our own reads were on time: how long an answer's arrivals lay apart. */
static enum status fill_reads(struct rows_measure *m)
{
    struct gather g = {0};
    if (m->run->definitions == 1)
        return STATUS_OK;
    enum status s = gather_add(&g, GATHER_READ, &m->scope);
    if (s == STATUS_OK)
        fill_num(m, FIELD_read_interval_p50_s, gather_median(&g));
    gather_fini(&g);
    return s;
}

enum status rows_online_fill(struct rows_measure *m)
{
    enum status s = loadshape_init(&m->shape, m->run, m->repeat, m->row);
    if (s != STATUS_OK)
        return s;
    m->scope = loadshape_scope(&m->shape);
    fill_window(m);
    fill_load(m);
    s = fill_reads(m);
    m->hides_instants = verdict_tokens_reads(m->run, m->row) != VERDICT_READS_GOOD;
    if (s == STATUS_OK)
        s = fill_lag(m);
    if (s == STATUS_OK)
        s = fill_connections(m);
    return s;
}

/* A limit on what is unknown is met or missed by nobody. Means of TTFT are null with
 * ERRORS too, which says nothing of the answers. */
static bool knows(const struct rows_measure *m, const struct goodput *limits)
{
    bool has_tpot = isnan(limits->tpot_ms) ||
                    !isnan(field_num(m->row, FIELD_tpot_mean_ms)) || m->tally.multi == 0;
    bool has_ttft = isnan(limits->ttft_ms) ||
                    !isnan(field_num(m->row, FIELD_decode_time));
    return m->run->definitions == 1 || (has_tpot && has_ttft);
}

enum status rows_online_goodput(struct rows_measure *m)
{
    struct goodput limits;
    struct err ignored;
    const char *slo = field_str(m->row, FIELD_slo);
    if (slo == NULL || m->hides_instants)
        return STATUS_OK;
    enum status s = goodput_read(slo, &limits, &ignored);
    if (s == STATUS_OK && knows(m, &limits))
        fill_good(m, &limits);
    /* an slo that nobody can read: goodput is unknown */
    return s == STATUS_BAD_INPUT ? STATUS_OK : s;
}
