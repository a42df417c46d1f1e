#include "stats/tally.h"

#include <math.h>

static void add_known(int64_t *sum, int64_t value)
{
    if (*sum == TOKENS_UNKNOWN || value == TOKENS_UNKNOWN)
        *sum = TOKENS_UNKNOWN;
    else
        *sum += value;
}

static void widen(int64_t *low, int64_t *high, int64_t at_ns)
{
    if (at_ns == NS_UNKNOWN)
        return;
    if (*low == NS_UNKNOWN || at_ns < *low)
        *low = at_ns;
    if (*high == NS_UNKNOWN || at_ns > *high)
        *high = at_ns;
}

static enum token_source worse(enum token_source a, enum token_source b)
{
    return a == TOKEN_SOURCE_none || (b != TOKEN_SOURCE_none && b > a) ? b : a;
}

static void add_success(struct tally *t, const struct request_record *q)
{
    int64_t unused = NS_UNKNOWN;
    t->ok++;
    add_known(&t->tokens_in, q->tokens_in);
    add_known(&t->tokens_out, q->tokens_out);
    add_known(&t->tokens_cached, q->tokens_cached);
    widen(&unused, &t->last_token_ns, q->last_ns);
    t->wrong_length += q->tokens_out != q->max_tokens;
    t->gaps += (int64_t)q->gap_count;
    t->gaps_excluded += q->gaps_excluded;
    t->stamps_exact += q->stamps_exact;
    t->stamps_bounded += q->stamps_bounded;
    t->stamps_tail += q->stamps_tail;
    t->uncounted += q->source == TOKEN_SOURCE_none ||
                    q->source == TOKEN_SOURCE_estimated ||
                    q->tokens_out == TOKENS_UNKNOWN;
    t->source = worse(t->source, q->source);
}

void tally_count(const struct repeat_data *repeat, struct tally *out)
{
    struct tally t = {
        .first_sent_ns = NS_UNKNOWN,
        .last_token_ns = NS_UNKNOWN,
        .first_due_ns = NS_UNKNOWN,
        .last_due_ns = NS_UNKNOWN,
        .last_sent_ns = NS_UNKNOWN,
    };
    double prompt_tokens = 0;
    int64_t counted = 0, recorded = (int64_t)repeat->request_count;
    for (size_t i = 0; i < repeat->request_count; i++) {
        const struct request_record *q = &repeat->requests[i];
        widen(&t.first_sent_ns, &t.last_sent_ns, q->sent_ns);
        widen(&t.first_due_ns, &t.last_due_ns, q->due_ns);
        if (q->tokens_in != TOKENS_UNKNOWN) {
            prompt_tokens += (double)q->tokens_in;
            counted++;
        }
        if (q->status == RECORD_OK)
            add_success(&t, q);
        else if (q->status == RECORD_FAILED)
            t.failed_by[q->fail]++, t.failed++;
        if (q->status != RECORD_OK && t.first_error == NULL)
            t.first_error = q->error;
    }
    t.planned = repeat->requests_planned > recorded ? repeat->requests_planned : recorded;
    t.cancelled = t.planned - t.ok - t.failed;
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
