#include "stats_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define MS NS_PER_MS

int32_t stats_fixture_cell(struct stats_fixture *f, const char *scenario, int64_t batch)
{
    struct cell_data *c = &f->cells[f->run.cell_count];
    *c = (struct cell_data){
        .has_fixed_lengths = true, .has_gaps = true, .longest_prompt_tokens = 17};
    c->fields.v[FIELD_scenario] = value_str(scenario);
    c->fields.v[FIELD_batch_size] = value_int(batch);
    c->fields.v[FIELD_max_output_tokens] = value_int(STATS_FIXTURE_TOKENS);
    c->fields.v[FIELD_enable_prefix_caching] = value_bool(false);
    c->fields.v[FIELD_engine] = value_str("vllm");
    return (int32_t)f->run.cell_count++;
}

struct repeat_data *stats_fixture_repeat(struct stats_fixture *f, int32_t cell,
                                         int32_t repeat)
{
    size_t at = f->run.repeat_count++;
    struct repeat_data *r = &f->repeats[at];
    *r = (struct repeat_data){
        .cell = cell,
        .repeat = repeat,
        .is_warmup = repeat == 0,
        .is_ended = true,
        .start_ns = (int64_t)at * 10 * NS_PER_S,
        .requests_planned = 2,
        .expected_cached_tokens = 0,
        .requests = f->requests[at],
        .request_count = 2,
    };
    for (int i = 0; i < STATS_FIXTURE_BATCH; i++) {
        struct request_record *q = &f->requests[at][i];
        *q = (struct request_record){
            .index = i,
            .due_ns = r->start_ns,
            .ready_ns = r->start_ns,
            .sent_ns = r->start_ns + i * 1000,
            .first_ns = r->start_ns + (100 + 10 * repeat) * MS,
            .prefill_ns = 90 * MS,
            .decode_ns = NS_UNKNOWN,
            .connect_ns = NS_UNKNOWN,
            .tls_ns = NS_UNKNOWN,
            .tokens_in = 16 + i,
            .tokens_out = STATS_FIXTURE_TOKENS,
            .tokens_cached = 0,
            .max_tokens = STATS_FIXTURE_TOKENS,
            .source = TOKEN_SOURCE_engine,
            .first_event_tokens = 1,
            .events = RECORD_SETTLED,
            .is_counted = true,
            .at_ns = f->at_ns[at][i],
            .event_count = STATS_FIXTURE_TOKENS,
        };
        for (int k = 0; k < STATS_FIXTURE_TOKENS; k++)
            q->at_ns[k] = q->first_ns + k * (10 + repeat) * MS;
        record_count_classes(q);
        q->last_ns = q->at_ns[STATS_FIXTURE_TOKENS - 1];
        q->done_ns = q->last_ns + MS;
    }
    return r;
}

void stats_fixture_init(struct stats_fixture *f)
{
    static const double percentiles[] = {50, 90, 95, 99};
    memset(f, 0, sizeof *f);
    memcpy(f->percentiles, percentiles, sizeof percentiles);
    f->run.definitions = RECORD_FORMAT;
    f->run.has_asked_percentiles = true;
    f->run.cells = f->cells;
    f->run.repeats = f->repeats;
    f->run.percentiles = f->percentiles;
    f->run.percentile_count = 4;
    f->run.serving_mode = "offline";
    f->run.seed = 7;
    f->run.start.ns = INT64_C(1764061687) * NS_PER_S; /* 2025-11-25 09:08:07 UTC */
    f->run.utc_offset_s = 9 * 3600;
    f->run.fields.v[FIELD_instance_type] = value_str("g5.xlarge");
    f->run.fields.v[FIELD_model_name] = value_str("tiny");
    f->run.fields.v[FIELD_price_usd_per_hour] = value_num(3.6);
    int32_t cell = stats_fixture_cell(f, "short", 2);
    for (int32_t i = 0; i < 3; i++)
        stats_fixture_repeat(f, cell, i);
}

void stats_fixture_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.17g, want %.17g", got, want);
}
