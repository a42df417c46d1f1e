#include "stats/goodput.h"

#include <math.h>

#include "stats/gather.h"
#include "text/json.h"

enum status goodput_read(const char *slo_json, struct goodput *out, struct err *e)
{
    json_t *slo = NULL;
    enum status s = json_from_text(str_from(slo_json), "slo", &slo, e);
    if (s != STATUS_OK)
        return s;
    *out = (struct goodput){.ttft_ms = json_num_of(slo, "ttft_ms"),
                            .tpot_ms = json_num_of(slo, "tpot_ms"),
                            .e2e_ms = json_num_of(slo, "e2e_ms")};
    json_decref(slo);
    return STATUS_OK;
}

/* An unknown value (NAN) does not meet a limit. */
static bool is_within(double value_ms, double limit_ms)
{
    return isnan(limit_ms) || value_ms <= limit_ms;
}

bool goodput_is_met(const struct goodput *g, const struct gather_scope *scope,
                    const struct request_record *q)
{
    double tpot_ms = gather_sample(scope, q, GATHER_TPOT);
    bool is_told = q->tokens_out != TOKENS_UNKNOWN;
    bool has_none = is_told && (scope->definitions == 1 || q->tokens_out <= 1);
    if (isnan(tpot_ms) && has_none)
        tpot_ms = 0;
    return q->status == RECORD_OK &&
           is_within(gather_sample(scope, q, GATHER_TTFT) * 1e3, g->ttft_ms) &&
           is_within(gather_sample(scope, q, GATHER_E2E) * 1e3, g->e2e_ms) &&
           is_within(tpot_ms, g->tpot_ms);
}

/* In the window. An open load's ends with a send, a closed load's begins with one that is
 * due: that one would be one too many. */
static bool is_due(const struct loadshape *l, const struct request_record *q)
{
    const struct loadshape_window *w = &l->window;
    if (l->definitions == 1 || w->is_whole)
        return true;
    return l->is_closed ? q->due_ns > w->begin_ns && q->due_ns <= w->end_ns
                        : q->due_ns >= w->begin_ns && q->due_ns < w->end_ns;
}

struct goodput_count goodput_count(const struct goodput *g, const struct loadshape *l)
{
    struct goodput_count n = {0};
    const struct gather_scope scope = {
        .repeat = l->repeat, .definitions = l->definitions, .begin_ns = NS_UNKNOWN};
    bool is_shared = l->is_closed && l->definitions != 1 && !l->window.is_whole;
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        bool is_good = goodput_is_met(g, &scope, q);
        if (is_shared && is_good)
            n.served += loadshape_share(l, q);
        if (!is_due(l, q) || q->status == RECORD_INTERRUPTED)
            continue;
        n.due++;
        n.good += is_good;
    }
    if (!is_shared)
        n.served = (double)n.good;
    return n;
}
