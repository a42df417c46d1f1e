#include "bench/steady.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define FIRST_BIN_NS (NS_PER_MS / 8)

enum status steady_init(struct steady *s, struct err *e)
{
    *s = (struct steady){.since.bin_ns = FIRST_BIN_NS, .age.bin_ns = FIRST_BIN_NS};
    return hist_init(&s->e2e_ns, e);
}

void steady_fini(struct steady *s)
{
    hist_fini(&s->e2e_ns);
}

void steady_begin(struct steady *s, struct steady_load load, int64_t start_ns)
{
    s->load = load;
    s->start_ns = start_ns;
    s->first_sent_ns = s->last_sent_ns = s->last_token_ns = NS_UNKNOWN;
    s->burst_end_ns = s->last_due_ns = NS_UNKNOWN;
}

static void widen(struct steady_bins *b)
{
    for (size_t i = 0; i < STEADY_BINS / 2; i++)
        b->tokens[i] = b->tokens[2 * i] + b->tokens[2 * i + 1];
    memset(&b->tokens[STEADY_BINS / 2], 0, sizeof b->tokens / 2);
    b->bin_ns *= 2;
}

static void add(struct steady_bins *b, int64_t at_ns, double tokens)
{
    while (at_ns >= b->bin_ns * STEADY_BINS)
        widen(b);
    b->tokens[at_ns > 0 ? at_ns / b->bin_ns : 0] += tokens;
}

static void arrive(struct steady *s, int64_t sent_ns, int64_t at_ns, double tokens)
{
    add(&s->since, at_ns - s->start_ns, tokens);
    add(&s->age, at_ns - sent_ns, tokens);
}

/* Each event with text as many tokens as makes their sum what the server counted, in the
 * middle of the time in which they were made. */
static void arrivals(struct steady *s, const struct request_record *r, double total)
{
    double texts = (double)r->classes[EVENT_TEXT].count;
    int64_t from_ns = r->sent_ns;
    for (size_t i = 0; i < r->event_count; i++) {
        if (r->marks != NULL && RECORD_CLASS(r->marks[i]) != EVENT_TEXT)
            continue;
        arrive(s, r->sent_ns, from_ns + (r->at_ns[i] - from_ns) / 2, total / texts);
        from_ns = r->at_ns[i];
    }
    if (!(texts > 0) || r->event_count == 0)
        arrive(s, r->sent_ns, r->sent_ns + (r->done_ns - r->sent_ns) / 2, total);
}

static void insert_first(struct steady *s, int64_t due_ns, int64_t e2e_ns)
{
    size_t at = s->first_count;
    while (at > 0 && s->first[at - 1].due_ns > due_ns)
        at--;
    if (at == LOADSHAPE_EARLY)
        return;
    s->first_count += s->first_count < LOADSHAPE_EARLY;
    memmove(&s->first[at + 1], &s->first[at],
            (s->first_count - 1 - at) * sizeof *s->first);
    s->first[at] = (struct steady_first){due_ns, e2e_ns};
}

static int64_t last_event_ns(const struct request_record *r)
{
    return r->event_count > 0 ? r->at_ns[r->event_count - 1] : r->done_ns;
}

static void record_answer(struct steady *s, const struct request_record *r)
{
    int64_t last_ns = last_event_ns(r);
    double total = r->tokens_out > 0 ? (double)r->tokens_out : 0;
    s->total += total;
    arrivals(s, r, total);
    insert_first(s, r->due_ns, last_ns - r->due_ns);
    (void)hist_record(&s->e2e_ns, last_ns - r->due_ns);
    s->last_token_ns = last_ns > s->last_token_ns ? last_ns : s->last_token_ns;
}

void steady_record(struct steady *s, const struct request_record *r)
{
    s->last_due_ns = r->due_ns > s->last_due_ns ? r->due_ns : s->last_due_ns;
    if (r->sent_ns == NS_UNKNOWN || r->done_ns == NS_UNKNOWN)
        return;
    if (s->first_sent_ns == NS_UNKNOWN || r->sent_ns < s->first_sent_ns)
        s->first_sent_ns = r->sent_ns;
    s->last_sent_ns = r->sent_ns > s->last_sent_ns ? r->sent_ns : s->last_sent_ns;
    if (s->load.slots > 0 && r->due_ns == r->sent_ns &&
        ++s->firsts_ended * 2 >= s->load.slots && s->burst_end_ns == NS_UNKNOWN)
        s->burst_end_ns = r->done_ns;
    if (r->status == RECORD_OK)
        record_answer(s, r);
}

static int by_e2e(const void *a, const void *b)
{
    const struct steady_first *x = a, *y = b;
    return (x->e2e_ns > y->e2e_ns) - (x->e2e_ns < y->e2e_ns);
}

/* E0 but for its third median, of the first twentieth. */
static int64_t e0_ns(const struct steady *s)
{
    struct steady_first sorted[LOADSHAPE_EARLY];
    memcpy(sorted, s->first, sizeof sorted);
    qsort(sorted, s->first_count, sizeof *sorted, by_e2e);
    int64_t first_ns = sorted[(s->first_count - 1) / 2].e2e_ns;
    int64_t all_ns = hist_quantile_ns(&s->e2e_ns, 0.5);
    return first_ns < all_ns || all_ns == NS_UNKNOWN ? first_ns : all_ns;
}

/* Up to an instant; a bin's tokens are spread over it. */
static double tokens_until(const struct steady *s, int64_t at_ns)
{
    double sum = 0, bins = (double)(at_ns - s->start_ns) / (double)s->since.bin_ns;
    for (size_t i = 0; i < STEADY_BINS && (double)i < bins; i++)
        sum += s->since.tokens[i] * fmin(1, bins - (double)i);
    return sum;
}

/* The age from which on tokens are missing for little of the time up to end_ns. */
static double settle_ns(const struct steady *s, double end_ns)
{
    double later = 0, late = 0, bin_ns = (double)s->age.bin_ns;
    for (size_t i = STEADY_BINS; i-- > 0;) {
        double from_ns = (double)i * bin_ns;
        later += s->age.tokens[i];
        late += later * fmax(0, fmin(bin_ns, end_ns - from_ns));
        if (late > LOADSHAPE_LATE_SHARE * end_ns * s->total)
            return from_ns + bin_ns;
    }
    return 0;
}

/* After the end of the ramp-up. */
static int64_t open_begin_ns(const struct steady *s, int64_t ramp_end_ns)
{
    double end_ns = (double)(s->last_sent_ns - ramp_end_ns);
    double least_ns = LOADSHAPE_SETTLE_E0 * (double)e0_ns(s);
    if (end_ns <= least_ns)
        return (int64_t)least_ns;
    return (int64_t)fmax(least_ns, fmin(settle_ns(s, end_ns), end_ns / 2));
}

double steady_rate(const struct steady *s)
{
    if (s->first_count == 0)
        return NAN;
    int64_t begin_ns = s->start_ns + clock_seconds(s->load.ramp_up_s).ns;
    int64_t end_ns = s->last_sent_ns, last_ns = end_ns;
    if (s->load.slots == 0) { /* the last ones may have been due only */
        begin_ns += open_begin_ns(s, begin_ns);
        last_ns = s->last_due_ns;
        end_ns = last_ns > end_ns ? last_ns : end_ns;
    } else if (s->burst_end_ns > begin_ns) {
        begin_ns = s->burst_end_ns;
    }
    double least_ns = s->load.slots == 0 ? 1 : LOADSHAPE_LEAST_E0 * (double)e0_ns(s);
    bool is_whole = s->load.is_whole || (double)(last_ns - begin_ns) < least_ns;
    if (is_whole)
        return s->total / ((double)(s->last_token_ns - s->first_sent_ns) / NS_PER_S);
    double tokens = tokens_until(s, end_ns) - tokens_until(s, begin_ns);
    return tokens / ((double)(end_ns - begin_ns) / NS_PER_S);
}
