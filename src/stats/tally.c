#include "stats/tally.h"

#include <math.h>

static void add_known(int64_t *sum, int64_t value)
{
    if (*sum == TOKENS_UNKNOWN || value == TOKENS_UNKNOWN)
        *sum = TOKENS_UNKNOWN;
    else
        *sum += value;
}

void tally_first(int64_t *low_ns, int64_t at_ns)
{
    if (at_ns != NS_UNKNOWN && (*low_ns == NS_UNKNOWN || at_ns < *low_ns))
        *low_ns = at_ns;
}

/* NS_UNKNOWN is below every time. */
void tally_last(int64_t *high_ns, int64_t at_ns)
{
    if (at_ns > *high_ns)
        *high_ns = at_ns;
}

static enum token_source worse(enum token_source a, enum token_source b)
{
    return a == TOKEN_SOURCE_none || (b != TOKEN_SOURCE_none && b > a) ? b : a;
}

/* Of the events of tokens; where nobody kept the events, and in definitions 1, of all. */
static void add_stamps(struct tally *t, const struct request_record *q)
{
    int64_t stamps[EVENT_STAMP_COUNT] = {0}, events = 0;
    for (int c = 0; c < EVENT_CLASS_COUNT; c++)
        events += q->classes[c].count;
    bool has_marks = q->marks != NULL && events > 0; /* none may be left of them */
    for (size_t i = 0; has_marks && i < q->event_count; i++)
        stamps[RECORD_STAMP(q->marks[i])]++;
    for (int c = 0; !has_marks && c < EVENT_CLASS_COUNT; c++)
        for (int k = 0; k < EVENT_STAMP_COUNT; k++)
            stamps[k] += q->classes[c].stamps[k];
    t->stamps_exact += stamps[EVENT_EXACT];
    t->stamps_bounded += stamps[EVENT_BOUNDED];
    t->stamps_tail += stamps[EVENT_TAIL];
}

static void add_gaps(struct tally *t, const struct request_record *q)
{
    int64_t booked = 0, all = q->event_count > 0 ? (int64_t)q->event_count - 1 : 0;
    for (size_t i = 1; i < q->event_count; i++)
        booked += record_has_gap(q, i);
    t->gaps += booked;
    t->gaps_excluded += all - booked + q->gaps_excluded;
}

static void add_success(struct tally *t, const struct request_record *q)
{
    t->ok++;
    add_known(&t->tokens_in, q->tokens_in);
    add_known(&t->tokens_out, q->tokens_out);
    add_known(&t->tokens_cached, q->tokens_cached);
    tally_last(&t->last_token_ns, q->last_ns);
    t->wrong_length += q->tokens_out != q->max_tokens;
    add_gaps(t, q);
    add_stamps(t, q);
    t->multi += q->tokens_out > 1 || q->tokens_out == TOKENS_UNKNOWN;
    t->unsettled += q->events == RECORD_UNSETTLED;
    t->source = worse(t->source, q->source);
}

static void add_failure(struct tally *t, const struct request_record *q)
{
    t->failed++;
    t->failed_by[q->fail]++;
    bool is_known = q->http_status > 0 && q->http_status <= TALLY_HTTP_MAX;
    if (q->fail == FAIL_http)
        t->http_by[is_known ? q->http_status : 0]++;
}

void tally_count(const struct repeat_data *repeat, struct tally *out)
{
    struct tally t = {
        .first_sent_ns = NS_UNKNOWN,
        .last_token_ns = NS_UNKNOWN,
        .first_due_ns = NS_UNKNOWN,
        .last_due_ns = NS_UNKNOWN,
    };
    double prompt_tokens = 0;
    int64_t counted = 0, recorded = (int64_t)repeat->request_count;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        tally_first(&t.first_sent_ns, q->sent_ns);
        tally_first(&t.first_due_ns, q->due_ns);
        tally_last(&t.last_due_ns, q->due_ns);
        if (q->tokens_in != TOKENS_UNKNOWN) {
            prompt_tokens += (double)q->tokens_in;
            counted++;
        }
        if (q->status == RECORD_OK)
            add_success(&t, q);
        else if (q->status == RECORD_FAILED)
            add_failure(&t, q);
        t.unanswered += q->status == RECORD_UNANSWERED;
        if (q->status != RECORD_OK && t.first_error == NULL)
            t.first_error = q->error;
    }
    t.planned = repeat->requests_planned > recorded ? repeat->requests_planned : recorded;
    t.cancelled = t.planned - t.ok - t.failed - t.unanswered;
    t.prompt_tokens_planned = counted > 0
                                  ? prompt_tokens / (double)counted * (double)t.planned
                                  : NAN;
    if (counted == t.planned && counted > 0)
        t.prompt_tokens_planned = prompt_tokens;
    *out = t;
}

double tally_total_s(const struct tally *t)
{
    if (t->first_sent_ns == NS_UNKNOWN || t->last_token_ns == NS_UNKNOWN)
        return NAN;
    return (double)(t->last_token_ns - t->first_sent_ns) / (double)NS_PER_S;
}
