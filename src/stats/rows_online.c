#include "stats/rows_online.h"

#include <math.h>
#include <string.h>

#include "stats/gather.h"
#include "stats/goodput.h"
#include "stats/loadshape.h"

#define LATE_LEAST_S 1e-3 /* a send is late beyond max(1 ms, 1 % of the median TTFT) */
#define LATE_SHARE   0.01

static void fill_num(struct rows_measure *m, enum field_id id, double n)
{
    rows_measure_fill(m->row, id, value_num(n));
}

static struct loadshape shape_of(const struct rows_measure *m)
{
    const char *rate = field_str(m->row, FIELD_request_rate);
    return (struct loadshape){.cell = m->cell,
                              .repeat = m->repeat,
                              .is_closed = m->is_closed,
                              .is_all_at_once = rate != NULL && strcmp(rate, "inf") == 0};
}

static void fill_window(struct rows_measure *m, const struct loadshape *l)
{
    struct loadshape_window w = loadshape_window_of(l);
    double window_s = NAN;
    if (w.begin_ns != NS_UNKNOWN && w.end_ns != NS_UNKNOWN)
        window_s = (double)(w.end_ns - w.begin_ns) / (double)NS_PER_S;
    fill_num(m, FIELD_window_s, window_s);
    fill_num(m, FIELD_window_tokens_per_second, w.tokens / window_s);
}

static void fill_load(struct rows_measure *m, const struct loadshape *l,
                      double median_e2e_s)
{
    struct loadshape_steady steady = loadshape_steady_of(l, median_e2e_s);
    struct loadshape_sends sends = loadshape_sends_of(l);
    fill_num(m, FIELD_steady_s, steady.steady_s);
    fill_num(m, FIELD_inflight_middle, steady.middle);
    fill_num(m, FIELD_inflight_last, steady.last);
    fill_num(m, FIELD_send_stretch_s, sends.stretch_s);
    rows_measure_fill(m->row, FIELD_requests_held, value_int(sends.held));
    rows_measure_fill(m->row, FIELD_connections_new, value_int(sends.connected));
    rows_measure_fill(m->row, FIELD_connections_reused,
                      value_int(sends.sent - sends.connected));
}

/* The highest of nothing is known: no request waited. */
static double highest(struct gather *g)
{
    return g->count > 0 ? gather_max(g) : 0;
}

static enum status fill_lag(struct rows_measure *m, double median_ttft_s)
{
    struct gather lag = {0}, own = {0};
    enum status s = gather_add(&lag, GATHER_SEND_LAG, m->repeat, m->is_closed);
    if (s == STATUS_OK)
        s = gather_add(&own, GATHER_SEND_LATE, m->repeat, m->is_closed);
    if (s == STATUS_OK) {
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
    return s;
}

static enum status fill_cost_of(struct rows_measure *m, enum gather_kind kind,
                                enum field_id p50, enum field_id max)
{
    struct gather g = {0};
    enum status s = gather_add(&g, kind, m->repeat, m->is_closed);
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

static enum status fill_goodput(struct rows_measure *m)
{
    struct goodput limits;
    struct err ignored;
    const char *slo = field_str(m->row, FIELD_slo);
    if (slo == NULL)
        return STATUS_OK;
    enum status s = goodput_read(slo, &limits, &ignored);
    if (s != STATUS_OK) /* an slo that nobody can read: goodput is unknown */
        return s == STATUS_BAD_INPUT ? STATUS_OK : s;
    fill_num(m, FIELD_goodput_rps,
             (double)goodput_count(&limits, m->repeat) / tally_total_s(&m->tally));
    return STATUS_OK;
}

enum status rows_online_fill(struct rows_measure *m, const struct rows_online *medians)
{
    struct loadshape shape = shape_of(m);
    fill_window(m, &shape);
    fill_load(m, &shape, medians->e2e_s);
    enum status s = fill_lag(m, medians->ttft_s);
    if (s == STATUS_OK)
        s = fill_connections(m);
    return s == STATUS_OK ? fill_goodput(m) : s;
}
