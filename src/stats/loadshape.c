#include "stats/loadshape.h"

#include <math.h>

#include "stats/quantile.h"

#define STEADY_AFTER_E2E 3 /* medians, until the load is taken to be steady */

struct reach {
    int64_t first_due_ns, first_sent_ns, last_sent_ns, last_due_ns, last_token_ns,
        last_end_ns; /* last token: of a request that succeeded; all may be NS_UNKNOWN */
    bool has_second_sends; /* closed: a slot sent again, at the end of its answer */
};

static void first_of(int64_t *low_ns, int64_t at_ns)
{
    if (at_ns != NS_UNKNOWN && (*low_ns == NS_UNKNOWN || at_ns < *low_ns))
        *low_ns = at_ns;
}

/* NS_UNKNOWN is below every time. */
static void last_of(int64_t *high_ns, int64_t at_ns)
{
    if (at_ns > *high_ns)
        *high_ns = at_ns;
}

static struct reach reach_of(const struct repeat_data *repeat)
{
    struct reach r = {.first_due_ns = NS_UNKNOWN,
                      .first_sent_ns = NS_UNKNOWN,
                      .last_sent_ns = NS_UNKNOWN,
                      .last_due_ns = NS_UNKNOWN,
                      .last_token_ns = NS_UNKNOWN,
                      .last_end_ns = NS_UNKNOWN};
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        first_of(&r.first_due_ns, q->due_ns);
        first_of(&r.first_sent_ns, q->sent_ns);
        last_of(&r.last_due_ns, q->due_ns);
        last_of(&r.last_sent_ns, q->sent_ns);
        last_of(&r.last_end_ns, q->done_ns);
        last_of(&r.last_end_ns, q->last_ns);
        if (q->status == RECORD_OK)
            last_of(&r.last_token_ns, q->last_ns);
        r.has_second_sends |= q->sent_ns != NS_UNKNOWN && q->sent_ns != q->due_ns;
    }
    return r;
}

/* End of the ramp-up; NS_UNKNOWN where nothing was due. */
static int64_t ramp_end_ns(const struct loadshape *l, const struct reach *r)
{
    int64_t begin_ns = l->repeat->phase_ns > 0 ? l->repeat->phase_ns : r->first_due_ns;
    if (begin_ns == NS_UNKNOWN)
        return NS_UNKNOWN;
    struct span ramp = clock_seconds(l->cell->ramp_up_s);
    return clock_after((struct instant){begin_ns}, ramp).ns;
}

/* Tokens of an answer as they came. */
struct arrivals {
    int64_t begin_ns, end_ns; /* the window */
    double inside, all;
};

static void arrive(struct arrivals *a, int64_t at_ns, double tokens)
{
    a->all += tokens;
    if (at_ns >= a->begin_ns && at_ns <= a->end_ns)
        a->inside += tokens;
}

static bool has_every_event(const struct loadshape *l, const struct request_record *q)
{
    return l->cell->has_gaps && q->gaps_excluded >= 0 &&
           (q->gaps_excluded == 0 || q->excluded_ns != NULL);
}

/* Merges booked and excluded gaps into the events that they lead to. */
static double events_inside(const struct request_record *q, struct arrivals a)
{
    size_t excluded = (size_t)q->gaps_excluded, booked = 0, out = 0;
    size_t events = 1 + q->gap_count + excluded;
    bool has_tokens = q->event_tokens != NULL && q->event_count == events;
    int64_t at_ns = q->first_ns;
    for (size_t i = 0; i < events; i++) {
        bool is_excluded = i > 0 && out < excluded &&
                           (q->excluded_at[out] <= (int64_t)i || booked == q->gap_count);
        if (is_excluded)
            at_ns += q->excluded_ns[out++];
        else if (i > 0)
            at_ns += q->gaps_ns[booked++];
        arrive(&a, at_ns, has_tokens ? (double)q->event_tokens[i] : 1);
    }
    return a.all > 0 ? a.inside * (double)q->tokens_out / a.all : 0;
}

/* Tokens of the first event at its instant, the rest evenly up to the last one: token k
 * of n at first + k / n of the span. */
static double spread_inside(const struct request_record *q, struct arrivals a)
{
    double first = q->first_event_tokens > 0 ? (double)q->first_event_tokens : 1;
    double rest = (double)q->tokens_out - first;
    double span = (double)(q->last_ns - q->first_ns);
    if (rest <= 0 || span <= 0) {
        arrive(&a, q->first_ns, (double)q->tokens_out);
        return a.inside;
    }
    arrive(&a, q->first_ns, first);
    double from = ceil((double)(a.begin_ns - q->first_ns) / span * rest);
    double to = floor((double)(a.end_ns - q->first_ns) / span * rest);
    from = from < 1 ? 1 : from;
    to = to > rest ? rest : to;
    return a.inside + (to >= from ? to - from + 1 : 0);
}

/* An answer in one piece has no first instant: all its tokens came at the last. */
static double answer_inside(const struct loadshape *l, const struct request_record *q,
                            struct arrivals a)
{
    if (q->first_ns != NS_UNKNOWN)
        return has_every_event(l, q) ? events_inside(q, a) : spread_inside(q, a);
    arrive(&a, q->last_ns, (double)q->tokens_out);
    return a.inside;
}

static double tokens_inside(const struct loadshape *l, const struct loadshape_window *w)
{
    double tokens = 0;
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        struct arrivals a = {.begin_ns = w->begin_ns, .end_ns = w->end_ns};
        if (q->status != RECORD_OK)
            continue;
        if (q->tokens_out == TOKENS_UNKNOWN)
            return NAN;
        if (w->is_whole)
            tokens += (double)q->tokens_out;
        else if (q->last_ns != NS_UNKNOWN)
            tokens += answer_inside(l, q, a);
    }
    return tokens;
}

struct loadshape_window loadshape_window_of(const struct loadshape *l)
{
    struct reach r = reach_of(l->repeat);
    struct loadshape_window w = {.begin_ns = ramp_end_ns(l, &r),
                                 .end_ns = r.last_sent_ns,
                                 .is_whole = l->is_all_at_once};
    if ((l->is_closed && !r.has_second_sends) || w.begin_ns >= w.end_ns)
        w.is_whole = true;
    if (w.is_whole) {
        w.begin_ns = r.first_sent_ns;
        w.end_ns = r.last_token_ns;
    }
    w.tokens = tokens_inside(l, &w);
    return w;
}

static double median_of(double *values, size_t count)
{
    quantile_sort(values, count);
    return quantile_of_sorted(values, count, 50);
}

/* Median E2E of the requests that were due first, of those that succeeded; s. */
static double early_e2e_s(const struct repeat_data *repeat)
{
    int64_t due_ns[LOADSHAPE_EARLY];
    double e2e_s[LOADSHAPE_EARLY];
    size_t count = 0;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        if (q->status != RECORD_OK || q->due_ns == NS_UNKNOWN || q->last_ns == NS_UNKNOWN)
            continue;
        size_t at = count < LOADSHAPE_EARLY ? count++ : LOADSHAPE_EARLY;
        if (at == LOADSHAPE_EARLY && q->due_ns >= due_ns[--at])
            continue;
        for (; at > 0 && q->due_ns < due_ns[at - 1]; at--) {
            due_ns[at] = due_ns[at - 1];
            e2e_s[at] = e2e_s[at - 1];
        }
        due_ns[at] = q->due_ns;
        e2e_s[at] = (double)(q->last_ns - q->due_ns) / (double)NS_PER_S;
    }
    return median_of(e2e_s, count);
}

/* Mean number of requests in flight over [from, to). One that never ended stays. */
static double mean_in_flight(const struct repeat_data *repeat, double from_ns,
                             double to_ns)
{
    double sum_ns = 0;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        int64_t end_ns = q->done_ns != NS_UNKNOWN ? q->done_ns : q->last_ns;
        if (q->sent_ns == NS_UNKNOWN)
            continue;
        double begin = fmax((double)q->sent_ns, from_ns);
        double end = end_ns == NS_UNKNOWN ? to_ns : fmin((double)end_ns, to_ns);
        sum_ns += end > begin ? end - begin : 0;
    }
    return to_ns > from_ns ? sum_ns / (to_ns - from_ns) : NAN;
}

struct loadshape_steady loadshape_steady_of(const struct loadshape *l,
                                            double median_e2e_s)
{
    struct reach r = reach_of(l->repeat);
    struct loadshape_steady s = {.steady_s = 0, .middle = NAN, .last = NAN};
    double e2e_s = fmin(median_e2e_s, early_e2e_s(l->repeat));
    int64_t ramp_ns = ramp_end_ns(l, &r);
    if (r.last_sent_ns == NS_UNKNOWN || ramp_ns == NS_UNKNOWN)
        return s;
    double end = (double)r.last_sent_ns;
    double begin = (double)ramp_ns + STEADY_AFTER_E2E * e2e_s * (double)NS_PER_S;
    if (begin < end) {
        s.steady_s = (end - begin) / (double)NS_PER_S;
    } else {
        begin = (double)r.first_sent_ns;
        end = (double)r.last_end_ns;
    }
    double third = (end - begin) / 3;
    s.middle = mean_in_flight(l->repeat, begin + third, begin + 2 * third);
    s.last = mean_in_flight(l->repeat, begin + 2 * third, end);
    return s;
}

struct loadshape_sends loadshape_sends_of(const struct loadshape *l)
{
    struct loadshape_sends s = {.stretch_s = NAN};
    struct reach r = reach_of(l->repeat);
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        s.sent += q->sent_ns != NS_UNKNOWN;
        s.held += q->ready_ns != NS_UNKNOWN && q->ready_ns > q->due_ns;
        s.connected += q->sent_ns != NS_UNKNOWN && q->connect_ns != NS_UNKNOWN;
    }
    if (r.last_sent_ns != NS_UNKNOWN && r.last_due_ns != NS_UNKNOWN)
        s.stretch_s = (double)(r.last_sent_ns - r.last_due_ns) / (double)NS_PER_S;
    return s;
}
