/* Judges of engine and machine: prefix cache, preemptions, noise, what is not real. */

#include <math.h>

#include "stats/match_field.h"
#include "stats/verdict_case.h"

#define KV_FULL 0.9

#define num verdict_case_num

/* Hits can be held against the prompts only where every request of the plan succeeded. */
static bool knows_hits(const struct verdict_case *c)
{
    return field_is_true(c->row, FIELD_enable_prefix_caching) &&
           c->repeat->expected_cached_tokens != TOKENS_UNKNOWN &&
           num(c, FIELD_requests_ok) >= num(c, FIELD_requests_planned) &&
           !isnan(num(c, FIELD_cached_input_tokens));
}

/* The cache was not full, so nothing can have pushed a block out. */
static bool has_room(const struct verdict_case *c)
{
    return num(c, FIELD_kv_usage_max) < KV_FULL && !(num(c, FIELD_preemptions) > 0);
}

static void report_hits(struct verdict_case *c, bool is_broken)
{
    double cached = num(c, FIELD_cached_input_tokens);
    double expected = (double)c->repeat->expected_cached_tokens;
    verdict_case_number(c, (struct verdict_number){cached, expected, is_broken},
                        "%.0f prompt tokens from the cache, %.0f expected", cached,
                        expected);
}

void verdict_engine_cache_unexpected(struct verdict_case *c)
{
    if (match_field_is_caching_off(c->row)) {
        double rate = num(c, FIELD_cache_hit_rate);
        verdict_case_field(c, FIELD_cache_hit_rate,
                           (struct verdict_number){rate, 0, rate > 0},
                           "%.3g %% hits with caching off", rate * 100);
        return;
    }
    double cached = num(c, FIELD_cached_input_tokens);
    double expected = (double)c->repeat->expected_cached_tokens;
    if (knows_hits(c))
        report_hits(c, cached > expected || (cached < expected && has_room(c)));
}

void verdict_engine_cache_evicted(struct verdict_case *c)
{
    double expected = (double)c->repeat->expected_cached_tokens;
    if (knows_hits(c))
        report_hits(c, num(c, FIELD_cached_input_tokens) < expected && !has_room(c));
}

void verdict_engine_cache_unknown(struct verdict_case *c)
{
    if (field_is_true(c->row, FIELD_enable_prefix_caching))
        verdict_case_state(c, FIELD_cache_hit_rate, NULL,
                           !value_is_known(c->row->v[FIELD_cache_hit_rate]));
}

void verdict_engine_preempted(struct verdict_case *c)
{
    double n = num(c, FIELD_preemptions);
    verdict_case_above(c, n, "%g preemptions", n);
}

void verdict_engine_noisy(struct verdict_case *c)
{
    double steal = num(c, FIELD_steal_ratio), throttled_s = num(c, FIELD_throttled_s);
    verdict_case_above(c, steal, "%.3g %% of the CPU stolen, limit %.3g %%", steal * 100,
                       c->limit * 100);
    verdict_case_field(c, FIELD_throttled_s,
                       (struct verdict_number){throttled_s, 0, throttled_s > 0},
                       "throttled for %.3g s", throttled_s);
}

void verdict_engine_simulated(struct verdict_case *c)
{
    if (c->row->v[FIELD_is_simulated].kind == VALUE_BOOL)
        verdict_case_state(c, FIELD_is_simulated, NULL,
                           field_is_true(c->row, FIELD_is_simulated));
}

void verdict_engine_dummy(struct verdict_case *c)
{
    if (c->row->v[FIELD_weights].kind == VALUE_STR)
        verdict_case_state(c, FIELD_weights, NULL,
                           field_is(c->row, FIELD_weights, "dummy"));
}
