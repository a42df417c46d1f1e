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
    bool has_none = scope->definitions == 1 ? q->tokens_out != TOKENS_UNKNOWN
                                            : q->tokens_out == 1;
    if (isnan(tpot_ms) && has_none)
        tpot_ms = 0;
    return q->status == RECORD_OK &&
           is_within(gather_sample(scope, q, GATHER_TTFT) * 1e3, g->ttft_ms) &&
           is_within(gather_sample(scope, q, GATHER_E2E) * 1e3, g->e2e_ms) &&
           is_within(tpot_ms, g->tpot_ms);
}

struct goodput_count goodput_count(const struct goodput *g, const struct loadshape *l)
{
    struct goodput_count n = {0};
    const struct gather_scope scope = {
        .repeat = l->repeat, .definitions = l->definitions, .begin_ns = NS_UNKNOWN};
    bool is_all = l->definitions == 1 || l->window.is_whole;
    for (size_t i = 0; i < l->repeat->request_count; i++) {
        const struct request_record *q = &l->repeat->requests[i];
        bool is_in = is_all ||
                     (q->due_ns >= l->window.begin_ns && q->due_ns < l->window.end_ns);
        if (!is_in || q->status == RECORD_INTERRUPTED)
            continue;
        n.due++;
        n.good += goodput_is_met(g, &scope, q);
    }
    return n;
}
