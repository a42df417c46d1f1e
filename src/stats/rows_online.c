#include <math.h>

#include "base/mem.h"
#include "stats/gather.h"
#include "stats/goodput.h"
#include "stats/loadshape.h"
#include "stats/rows_measure.h"
#include "stats/verdict.h"

#define LATE_LEAST_S 1e-3 /* a send is late beyond max(1 ms, 1 % of the median TTFT) */
#define LATE_SHARE   0.01

#define fill_num rows_measure_num
#define fill_int rows_measure_int

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

struct rank_sends {
    int64_t sent, late;
};

/* The rank with the greatest share of late sends, of those with more than a mishap: the
 * others, which are on time, would hide it. */
static enum status fill_late_rank(struct rows_measure *m, const struct gather_scope *all,
                                  double late_s)
{
    const struct repeat_data *r = m->repeat;
    size_t ranks = (size_t)m->run->ranks, worst = ranks;
    struct rank_sends *of = mem_alloc(ranks, sizeof *of);
    double most = 0;
    if (of == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < r->request_count; i++) {
        double own_s = gather_sample(all, &r->requests[i], GATHER_SEND_LATE);
        of[r->requests[i].rank].sent += !isnan(own_s);
        of[r->requests[i].rank].late += own_s > late_s;
    }
    for (size_t k = 0; k < ranks; k++) {
        double share = (double)of[k].late / (double)of[k].sent;
        if (of[k].late < VERDICT_LATE_SENDS || share <= most)
            continue;
        most = share;
        worst = k;
    }
    mem_free(of);
    if (worst == ranks)
        return STATUS_OK;
    fill_int(m, FIELD_send_late_rank, (int64_t)worst);
    fill_num(m, FIELD_send_late_rank_share, most);
    return STATUS_OK;
}

static enum status fill_late(struct rows_measure *m)
{
    struct gather_scope all = m->scope;
    struct gather own = {0}, ttft = {0};
    all.begin_ns = NS_UNKNOWN;
    all.skips_firsts = false;
    enum status s = gather_add(&own, GATHER_SEND_LATE, &all);
    if (s == STATUS_OK)
        s = gather_add(&ttft, GATHER_TTFT, &all);
    if (s == STATUS_OK) {
        double late_s = fmax(LATE_LEAST_S, gather_median(&ttft) * LATE_SHARE);
        double share = own.count > 0 ? gather_share_above(&own, late_s) : 0;
        fill_num(m, FIELD_send_late_share, share);
        fill_int(m, FIELD_sends_late, llround(share * (double)own.count));
        if (m->run->ranks > 1)
            s = fill_late_rank(m, &all, late_s);
    }
    gather_fini(&own);
    gather_fini(&ttft);
    return s;
}

/* Definitions 1 counted over all requests and the whole time. */
static void fill_good(struct rows_measure *m, const struct goodput *limits)
{
    bool is_old = m->run->definitions == 1;
    struct goodput_count count = goodput_count(limits, &m->shape);
    double time_s = is_old ? tally_total_s(&m->tally) : window_s(&m->shape);
    fill_num(m, FIELD_goodput_rps, count.served / time_s);
    if (is_old)
        return;
    fill_num(m, FIELD_goodput_share, (double)count.good / (double)count.due);
    fill_int(m, FIELD_goodput_due, count.due);
}

enum status rows_online_fill(struct rows_measure *m)
{
    fill_window(m);
    fill_load(m);
    return fill_late(m);
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
    if (slo == NULL || !rows_measure_has_instants(m))
        return STATUS_OK;
    enum status s = goodput_read(slo, &limits, &ignored);
    if (s == STATUS_OK && knows(m, &limits))
        fill_good(m, &limits);
    /* an slo that nobody can read: goodput is unknown */
    return s == STATUS_BAD_INPUT ? STATUS_OK : s;
}
