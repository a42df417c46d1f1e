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

bool goodput_is_met(const struct goodput *g, const struct request_record *q)
{
    double tpot_ms = gather_sample(q, GATHER_TPOT, false);
    if (isnan(tpot_ms) && q->tokens_out != TOKENS_UNKNOWN)
        tpot_ms = 0;
    return q->status == RECORD_OK &&
           is_within(gather_sample(q, GATHER_TTFT, false) * 1e3, g->ttft_ms) &&
           is_within(gather_sample(q, GATHER_E2E, false) * 1e3, g->e2e_ms) &&
           is_within(tpot_ms, g->tpot_ms);
}

int64_t goodput_count(const struct goodput *g, const struct repeat_data *repeat)
{
    int64_t met = 0;
    for (size_t i = 0; i < repeat->request_count; i++)
        met += goodput_is_met(g, &repeat->requests[i]);
    return met;
}
