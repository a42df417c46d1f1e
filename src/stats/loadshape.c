#include "stats/loadshape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/interval.h"
#include "stats/quantile.h"
#include "stats/tally.h"

static void find_reach(struct loadshape *l)
{
    l->first_due_ns = l->first_sent_ns = l->last_sent_ns = NS_UNKNOWN;
    l->last_due_ns = l->last_token_ns = l->last_end_ns = NS_UNKNOWN;
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        tally_first(&l->first_due_ns, q->due_ns);
        tally_first(&l->first_sent_ns, q->sent_ns);
        tally_last(&l->last_due_ns, q->due_ns);
        tally_last(&l->last_sent_ns, q->sent_ns);
        tally_last(&l->last_end_ns, q->done_ns);
        tally_last(&l->last_end_ns, q->last_ns);
        if (q->status == RECORD_OK)
            tally_last(&l->last_token_ns, q->last_ns);
        l->has_second_sends |= q->sent_ns != NS_UNKNOWN && q->sent_ns != q->due_ns;
    }
}

/* End of the ramp-up; NS_UNKNOWN where nothing was due. */
static int64_t ramp_end_ns(const struct loadshape *l)
{
    int64_t begin_ns = l->repeat->phase_ns > 0 ? l->repeat->phase_ns : l->first_due_ns;
    if (begin_ns == NS_UNKNOWN)
        return NS_UNKNOWN;
    struct span ramp = clock_seconds(l->cell->ramp_up_s);
    return clock_after((struct instant){begin_ns}, ramp).ns;
}

/* --- E0 */

struct answer {
    int64_t due_ns;
    double e2e_s;
};

static int by_due(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;
    return (x->due_ns > y->due_ns) - (x->due_ns < y->due_ns);
}

static size_t early_count(const struct loadshape *l, size_t count)
{
    size_t share = (size_t)(LOADSHAPE_EARLY_SHARE * (double)count);
    size_t early = l->definitions != 1 && share > LOADSHAPE_EARLY ? share
                                                                  : LOADSHAPE_EARLY;
    return early < count ? early : count;
}

static double median_of(double *values, size_t count)
{
    quantile_sort(values, count);
    return quantile_of_sorted(values, count, 50);
}

/* Of the first `first` values; sorts them, which keeps them the first. */
static double median_of_first(double *values, size_t count, size_t first)
{
    return median_of(values, first < count ? first : count);
}

static enum status find_e0(struct loadshape *l)
{
    size_t n = 0, room = l->repeat->request_count + 1;
    struct answer *answers = mem_alloc(room, sizeof *answers);
    double *values = mem_alloc(room, sizeof *values);
    bool is_made = answers != NULL && values != NULL;
    for (size_t i = 0; is_made && i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        if (q->status == RECORD_OK && q->due_ns != NS_UNKNOWN && q->last_ns != NS_UNKNOWN)
            answers[n++] = (struct answer){q->due_ns, (double)(q->last_ns - q->due_ns) /
                                                          (double)NS_PER_S};
    }
    if (is_made && n > 0) {
        size_t early = early_count(l, n);
        qsort(answers, n, sizeof *answers, by_due);
        for (size_t i = 0; i < n; i++)
            values[i] = answers[i].e2e_s;
        l->early_mean_s = interval_mean(values, early);
        double first_s = median_of_first(values, n, LOADSHAPE_EARLY);
        double early_s = median_of_first(values, n, early);
        l->e0_s = fmin(fmin(first_s, early_s), median_of_first(values, n, n));
    }
    mem_free(answers);
    mem_free(values);
    return is_made ? STATUS_OK : STATUS_NO_MEMORY;
}

/* --- until an open load is steady */

/* Integral over the age from age_s on: the share of the answer's tokens that come at an
 * age above it. */
static double tokens_after(const struct request_record *q, double age_s)
{
    double last_s = (double)(q->last_ns - q->sent_ns) / (double)NS_PER_S;
    double first_s = q->first_ns == NS_UNKNOWN
                         ? 0
                         : (double)(q->first_ns - q->sent_ns) / (double)NS_PER_S;
    double took_s = last_s - first_s;
    if (age_s >= last_s)
        return 0;
    if (age_s <= first_s)
        return first_s - age_s + took_s / 2;
    return (last_s - age_s) * (last_s - age_s) / (2 * took_s);
}

/* Is what is missing from begin_s to end_s little enough? */
static bool is_settled(const struct loadshape *l, double begin_s, double end_s)
{
    double late = 0, all = 0;
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        if (q->status != RECORD_OK || q->sent_ns == NS_UNKNOWN ||
            q->last_ns == NS_UNKNOWN)
            continue;
        double tokens = q->tokens_out > 0 ? (double)q->tokens_out : 1;
        late += tokens * (tokens_after(q, begin_s) - tokens_after(q, end_s));
        all += tokens;
    }
    return late <= LOADSHAPE_LATE_SHARE * end_s * all;
}

/* From the end of the ramp-up to the last send; far below 0 where nothing was sent. */
static double since_ramp_s(const struct loadshape *l)
{
    return ((double)l->last_sent_ns - (double)l->ramp_end_ns) / (double)NS_PER_S;
}

/* Bisection: the later, the less is missing. */
static void find_settle(struct loadshape *l)
{
    if (l->is_closed || l->is_all_at_once || l->definitions == 1 || isnan(l->e0_s))
        return;
    double end_s = since_ramp_s(l);
    int64_t low = 0, high = end_s > 0 ? (int64_t)ceil(end_s * 1e3) : 0; /* ms */
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (is_settled(l, (double)middle / 1e3, end_s))
            high = middle;
        else
            low = middle + 1;
    }
    l->settle_s = fmax(LOADSHAPE_SETTLE_E0 * l->e0_s, (double)high / 1e3);
}

/* --- the window */

static int64_t open_begin_ns(const struct loadshape *l)
{
    double least_s = LOADSHAPE_SETTLE_E0 * l->e0_s;
    if (isnan(l->settle_s))
        return l->ramp_end_ns;
    double s = fmax(least_s, fmin(l->settle_s, since_ramp_s(l) / 2));
    return clock_after((struct instant){l->ramp_end_ns}, clock_seconds(s)).ns;
}

/* When half of the slots' first requests have ended; NS_UNKNOWN: none has. */
static enum status burst_end(const struct loadshape *l, int64_t *out)
{
    size_t n = 0;
    double *ends = mem_alloc(l->repeat->request_count + 1, sizeof *ends);
    *out = NS_UNKNOWN;
    if (ends == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        if (q->due_ns == q->sent_ns && q->done_ns != NS_UNKNOWN)
            ends[n++] = (double)q->done_ns; /* exact below 2^53 ns */
    }
    if (n > 0)
        *out = (int64_t)median_of(ends, n);
    mem_free(ends);
    return STATUS_OK;
}

/* Where the steady part begins. */
static enum status find_begin(const struct loadshape *l, int64_t *begin_ns)
{
    int64_t burst_ns;
    *begin_ns = l->ramp_end_ns;
    if (l->definitions == 1)
        return STATUS_OK;
    if (!l->is_closed) {
        *begin_ns = open_begin_ns(l);
        return STATUS_OK;
    }
    enum status s = burst_end(l, &burst_ns);
    if (s == STATUS_OK)
        tally_last(begin_ns, burst_ns);
    return s;
}

/* Is anything left that is steady, from begin_ns on? */
static bool has_steady_part(const struct loadshape *l, int64_t begin_ns)
{
    bool is_closed = l->is_closed && l->definitions != 1;
    int64_t last_ns = l->is_closed || l->definitions == 1 ? l->last_sent_ns
                                                          : l->last_due_ns;
    if (l->is_all_at_once || (l->is_closed && !l->has_second_sends))
        return false;
    if (is_closed && !isnan(l->e0_s))
        return (double)last_ns - (double)begin_ns >=
               (double)clock_seconds(LOADSHAPE_LEAST_E0 * l->e0_s).ns;
    return begin_ns < last_ns;
}

static enum status find_window(struct loadshape *l)
{
    struct loadshape_window w = {.end_ns = l->last_sent_ns};
    enum status s = find_begin(l, &w.begin_ns);
    if (!l->is_closed && l->definitions != 1) /* the last ones may have been due only */
        tally_last(&w.end_ns, l->last_due_ns);
    w.is_whole = !has_steady_part(l, w.begin_ns);
    if (w.is_whole) {
        w.begin_ns = l->first_sent_ns;
        w.end_ns = l->last_token_ns;
    }
    l->window = w;
    return s;
}

enum status loadshape_init(struct loadshape *l, const struct run_data *run,
                           const struct repeat_data *repeat, const struct row *row)
{
    *l = (struct loadshape){.cell = &run->cells[repeat->cell],
                            .repeat = repeat,
                            .definitions = run->definitions,
                            .is_closed = field_is(row, FIELD_arrival, "closed"),
                            .is_all_at_once = field_is(row, FIELD_request_rate, "inf"),
                            .rate_rps = field_num(row, FIELD_request_rate),
                            .e0_s = NAN,
                            .early_mean_s = NAN,
                            .settle_s = NAN};
    find_reach(l);
    l->window = (struct loadshape_window){true, l->first_sent_ns, l->last_token_ns};
    if (!field_is(row, FIELD_serving_mode, "online"))
        return STATUS_OK;
    l->is_online = true;
    l->ramp_end_ns = ramp_end_ns(l);
    enum status s = find_e0(l);
    if (s != STATUS_OK)
        return s;
    find_settle(l);
    return find_window(l);
}

/* One burst of all requests is a load of its own, of which no part is steady. */
static bool is_burst(const struct loadshape *l)
{
    bool is_one_wave = l->is_closed && !l->has_second_sends && !(l->cell->ramp_up_s > 0);
    return l->is_all_at_once || (l->window.is_whole && is_one_wave);
}

static enum percentile_order order_of(const struct loadshape *l)
{
    if (l->definitions == 1)
        return PERCENTILE_ANY;
    return l->is_online && !is_burst(l) ? PERCENTILE_TIMED : PERCENTILE_CLUSTER;
}

struct gather_scope loadshape_scope(const struct loadshape *l)
{
    bool has_window = l->definitions != 1 && !l->window.is_whole;
    struct gather_scope scope = {.repeat = l->repeat,
                                 .definitions = l->definitions,
                                 .is_closed = l->is_closed,
                                 .skips_firsts = has_window && l->is_closed,
                                 .begin_ns = NS_UNKNOWN,
                                 .end_ns = NS_UNKNOWN,
                                 .order = order_of(l)};
    if (has_window && !l->is_closed) {
        scope.begin_ns = l->window.begin_ns;
        scope.end_ns = l->window.end_ns;
    } else if (has_window && l->cell->ramp_up_s > 0) {
        scope.begin_ns = l->ramp_end_ns;
        scope.end_ns = INT64_MAX;
    }
    return scope;
}

/* How much of the time from..to lies in the window, 0 to 1; an instant does or does
 * not. */
static double share_inside(const struct loadshape_window *w, int64_t from_ns,
                           int64_t to_ns)
{
    int64_t begin_ns = from_ns > w->begin_ns ? from_ns : w->begin_ns;
    int64_t end_ns = to_ns < w->end_ns ? to_ns : w->end_ns;
    if (from_ns >= to_ns)
        return to_ns >= w->begin_ns && to_ns <= w->end_ns;
    return end_ns > begin_ns ? (double)(end_ns - begin_ns) / (double)(to_ns - from_ns)
                             : 0;
}

double loadshape_share(const struct loadshape *l, const struct request_record *q)
{
    return q->last_ns == NS_UNKNOWN ? 0
                                    : share_inside(&l->window, q->sent_ns, q->last_ns);
}

/* Tokens of an answer as they came. */
struct arrivals {
    const struct loadshape *load;
    double inside, all;
};

/* Tokens that were made since from_ns. Definitions 1 counted them when they came. */
static void arrive(struct arrivals *a, int64_t from_ns, int64_t at_ns, double tokens)
{
    if (a->load->definitions == 1)
        from_ns = at_ns;
    a->all += tokens;
    a->inside += tokens * share_inside(&a->load->window, from_ns, at_ns);
}

static bool has_every_event(const struct loadshape *l, const struct request_record *q)
{
    return l->cell->has_gaps && q->event_count > 0 && q->gaps_excluded == 0;
}

static double events_inside(const struct request_record *q, struct arrivals a)
{
    int64_t from_ns = q->sent_ns;
    for (size_t i = 0; i < q->event_count; i++) {
        arrive(&a, from_ns, q->at_ns[i], (double)record_event_tokens(q, i));
        from_ns = q->at_ns[i];
    }
    return a.all > 0 ? a.inside * (double)q->tokens_out / a.all : 0;
}

/* Tokens of the first event by its instant, the rest evenly up to the last one: token k
 * of n at first + k / n of the span. */
static double spread_inside(const struct request_record *q, struct arrivals a)
{
    const struct loadshape_window *w = &a.load->window;
    double first = q->first_event_tokens > 0 ? (double)q->first_event_tokens : 1;
    double rest = (double)q->tokens_out - first;
    double span = (double)(q->last_ns - q->first_ns);
    if (rest <= 0 || span <= 0) {
        arrive(&a, q->sent_ns, q->first_ns, (double)q->tokens_out);
        return a.inside;
    }
    arrive(&a, q->sent_ns, q->first_ns, first);
    double from = ceil((double)(w->begin_ns - q->first_ns) / span * rest);
    double to = floor((double)(w->end_ns - q->first_ns) / span * rest);
    from = from < 1 ? 1 : from;
    to = to > rest ? rest : to;
    return a.inside + (to >= from ? to - from + 1 : 0);
}

/* Do its send or its tokens reach into the window? (The first may come before the send:
 * stamps of two clocks.) */
static bool reaches(const struct loadshape_window *w, const struct request_record *q)
{
    int64_t begin_ns = q->sent_ns;
    if (q->first_ns != NS_UNKNOWN && q->first_ns < begin_ns)
        begin_ns = q->first_ns;
    return q->last_ns >= w->begin_ns && begin_ns <= w->end_ns;
}

/* An answer in one piece has no first instant: all its tokens were made up to the
 * last. */
static double answer_inside(const struct request_record *q, struct arrivals a)
{
    if (q->first_ns != NS_UNKNOWN)
        return has_every_event(a.load, q) ? events_inside(q, a) : spread_inside(q, a);
    arrive(&a, q->sent_ns, q->last_ns, (double)q->tokens_out);
    return a.inside;
}

double loadshape_tokens(const struct loadshape *l)
{
    double tokens = 0;
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        struct arrivals a = {.load = l};
        if (q->status != RECORD_OK)
            continue;
        if (q->tokens_out == TOKENS_UNKNOWN)
            return NAN;
        if (l->window.is_whole)
            tokens += (double)q->tokens_out;
        else if (reaches(&l->window, q))
            tokens += answer_inside(q, a);
    }
    return tokens;
}

double loadshape_tokens_between(const struct loadshape *l, int64_t from_ns, int64_t to_ns)
{
    struct loadshape part = *l;
    part.window = (struct loadshape_window){.begin_ns = from_ns, .end_ns = to_ns};
    return loadshape_tokens(&part);
}

double loadshape_answers(const struct loadshape *l)
{
    double answers = 0;
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        if (q->status == RECORD_OK)
            answers += loadshape_share(l, q);
    }
    return answers;
}

double loadshape_in_flight(const struct repeat_data *repeat, double from_ns, double to_ns)
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

static double closed_steady_s(const struct loadshape *l)
{
    if (!l->window.is_whole)
        return (double)(l->window.end_ns - l->window.begin_ns) / (double)NS_PER_S;
    return is_burst(l) ? (double)NAN : 0;
}

struct loadshape_flight loadshape_flight_of(const struct loadshape *l)
{
    struct loadshape_flight f = {.middle = NAN,
                                 .last = NAN,
                                 .end = NAN,
                                 .expected = l->rate_rps * l->early_mean_s};
    if (l->last_sent_ns == NS_UNKNOWN || l->ramp_end_ns == NS_UNKNOWN)
        return f;
    double end = (double)l->last_sent_ns;
    double begin = (double)l->ramp_end_ns +
                   LOADSHAPE_SETTLE_E0 * l->e0_s * (double)NS_PER_S;
    double start = (double)l->ramp_end_ns - l->cell->ramp_up_s * (double)NS_PER_S;
    f.end = loadshape_in_flight(l->repeat, end - (end - start) / 10, end);
    if (begin < end) {
        f.steady_s = (end - begin) / (double)NS_PER_S;
    } else {
        begin = (double)l->first_sent_ns;
        end = (double)l->last_end_ns;
    }
    if (l->is_closed && l->definitions != 1)
        f.steady_s = closed_steady_s(l);
    double third = (end - begin) / 3;
    f.middle = loadshape_in_flight(l->repeat, begin + third, begin + 2 * third);
    f.last = loadshape_in_flight(l->repeat, begin + 2 * third, end);
    return f;
}

/* Due, and no slot became free for it. */
static bool is_unsent(const struct request_record *q)
{
    return q->status == RECORD_UNANSWERED && q->sent_ns == NS_UNKNOWN;
}

struct loadshape_sends loadshape_sends_of(const struct loadshape *l)
{
    struct loadshape_sends s = {.stretch_s = NAN};
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        s.sent += q->sent_ns != NS_UNKNOWN;
        s.held += q->ready_ns != NS_UNKNOWN ? q->ready_ns > q->due_ns : is_unsent(q);
        s.connected += q->sent_ns != NS_UNKNOWN && q->connect_ns != NS_UNKNOWN;
    }
    if (l->last_sent_ns != NS_UNKNOWN && l->last_due_ns != NS_UNKNOWN)
        s.stretch_s = (double)(l->last_sent_ns - l->last_due_ns) / (double)NS_PER_S;
    return s;
}

/* From the send of a request without an answer until its slot goes on, within the
 * window. */
static double lost_ns(const struct loadshape *l, const struct request_record *q)
{
    const struct loadshape_window *w = &l->window;
    bool is_lost = q->status == RECORD_FAILED || q->status == RECORD_UNANSWERED;
    if (!is_lost || q->sent_ns == NS_UNKNOWN)
        return 0;
    bool goes_on = q->done_ns != NS_UNKNOWN &&
                   !(l->is_closed && q->status == RECORD_UNANSWERED);
    double begin = fmax((double)q->sent_ns, (double)w->begin_ns);
    double end = goes_on ? fmin((double)q->done_ns, (double)w->end_ns)
                         : (double)w->end_ns;
    return fmax(end - begin, 0);
}

double loadshape_lost_share(const struct loadshape *l, double slots)
{
    const struct loadshape_window *w = &l->window;
    double sum_ns = 0;
    if (isnan(slots) || w->begin_ns == NS_UNKNOWN || w->end_ns == NS_UNKNOWN ||
        w->end_ns <= w->begin_ns)
        return NAN;
    for (size_t i = 0; i < l->repeat->request_count; i++)
        sum_ns += lost_ns(l, &l->repeat->requests[i]);
    return fmin(sum_ns / (slots * ((double)w->end_ns - (double)w->begin_ns)), 1);
}
