#include "online_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void online_fixture_init(struct online_fixture *f, size_t count, uint64_t seed)
{
    memset(f, 0, sizeof *f);
    rng_init(&f->rng, seed, "online_fixture");
    f->requests = calloc(count, sizeof *f->requests);
    f->at_ns = calloc(count, sizeof *f->at_ns);
    f->marks = calloc(count, sizeof *f->marks);
    if (f->requests == NULL || f->at_ns == NULL || f->marks == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        f->requests[i] = (struct request_record){
            .index = (int32_t)i,
            .status = RECORD_INTERRUPTED,
            .due_ns = NS_UNKNOWN,
            .ready_ns = NS_UNKNOWN,
            .sent_ns = NS_UNKNOWN,
            .first_ns = NS_UNKNOWN,
            .last_ns = NS_UNKNOWN,
            .done_ns = NS_UNKNOWN,
            .prefill_ns = NS_UNKNOWN,
            .decode_ns = NS_UNKNOWN,
            .connect_ns = NS_UNKNOWN,
            .tls_ns = NS_UNKNOWN,
            .tokens_in = 16,
            .tokens_out = TOKENS_UNKNOWN,
            .tokens_cached = 0,
            .max_tokens = ONLINE_FIXTURE_TOKENS,
            .first_event_tokens = 1,
        };
    f->repeat = (struct repeat_data){.repeat = 1,
                                     .is_ended = true,
                                     .start_ns = NS_PER_S,
                                     .phase_ns = 2 * NS_PER_S,
                                     .requests_planned = (int64_t)count,
                                     .expected_cached_tokens = 0,
                                     .requests = f->requests,
                                     .request_count = count};
    f->cell = (struct cell_data){.has_fixed_lengths = true, .has_gaps = true};
    f->run = (struct run_data){.serving_mode = "online",
                               .definitions = RECORD_FORMAT,
                               .cells = &f->cell,
                               .cell_count = 1,
                               .repeats = &f->repeat,
                               .repeat_count = 1};
    f->run.fields.v[FIELD_serving_mode] = value_str("online");
    f->run.fields.v[FIELD_instance_type] = value_str("g5.xlarge");
    f->run.fields.v[FIELD_engine] = value_str("vllm");
    f->cell.fields.v[FIELD_serving_mode] = value_str("online");
    f->cell.fields.v[FIELD_scenario] = value_str("short");
    f->cell.fields.v[FIELD_enable_prefix_caching] = value_bool(false);
    f->cell.fields.v[FIELD_weights] = value_str("real");
    f->cell.fields.v[FIELD_is_simulated] = value_bool(false);
    online_fixture_open(f, 10);
}

void online_fixture_fini(struct online_fixture *f)
{
    free(f->requests);
    free(f->at_ns);
    free(f->marks);
}

void online_fixture_closed(struct online_fixture *f, int64_t concurrency)
{
    f->cell.fields.v[FIELD_arrival] = value_str("closed");
    f->cell.fields.v[FIELD_batch_size] = value_int(concurrency);
    f->cell.fields.v[FIELD_request_rate] = value_null();
}

void online_fixture_open(struct online_fixture *f, double rate_rps)
{
    f->cell.fields.v[FIELD_arrival] = value_str("poisson");
    f->cell.fields.v[FIELD_batch_size] = value_null();
    f->cell.fields.v[FIELD_request_rate] = isinf(rate_rps) ? value_str("inf")
                                                           : value_num(rate_rps);
}

void online_fixture_poisson(struct online_fixture *f, double rate_rps)
{
    double at_s = 0;
    for (size_t i = 0; i < f->repeat.request_count; i++) {
        at_s -= log(1 - rng_unit(&f->rng)) / rate_rps;
        f->requests[i].due_ns = f->repeat.phase_ns + (int64_t)(at_s * 1e9);
        f->requests[i].ready_ns = f->requests[i].due_ns;
    }
}

void online_fixture_serve(struct online_fixture *f, size_t i, int64_t lag_ns,
                          int64_t service_ns)
{
    struct request_record *q = &f->requests[i];
    int64_t gap_ns = service_ns * 4 / 5 / (ONLINE_FIXTURE_TOKENS - 1);
    q->status = RECORD_OK;
    q->sent_ns = q->ready_ns + lag_ns;
    q->first_ns = q->sent_ns + service_ns / 5;
    q->events = RECORD_SETTLED;
    q->at_ns = f->at_ns[i];
    q->marks = f->marks[i];
    q->event_count = ONLINE_FIXTURE_TOKENS;
    for (int k = 0; k < ONLINE_FIXTURE_TOKENS; k++) {
        q->at_ns[k] = q->first_ns + gap_ns * k;
        q->marks[k] = RECORD_MARK(EVENT_TEXT, k + 1 < ONLINE_FIXTURE_TOKENS ? EVENT_EXACT
                                                                            : EVENT_TAIL);
    }
    record_count_classes(q);
    q->last_ns = q->at_ns[ONLINE_FIXTURE_TOKENS - 1];
    q->done_ns = q->last_ns;
    q->tokens_out = ONLINE_FIXTURE_TOKENS;
    q->source = TOKEN_SOURCE_usage;
}

void online_fixture_slots(struct online_fixture *f, size_t slots, int64_t service_ns)
{
    for (size_t i = 0; i < f->repeat.request_count; i++) {
        struct request_record *q = &f->requests[i];
        q->due_ns = i < slots ? f->repeat.phase_ns + (int64_t)i * 1000
                              : f->requests[i - slots].done_ns;
        q->ready_ns = q->due_ns;
        online_fixture_serve(f, i, i < slots ? 0 : 20000, service_ns);
    }
}
