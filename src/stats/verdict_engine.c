/* Judges of engine and machine: prefix cache, preemptions, noise, what is not real. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stats/verdict_case.h"

#define KV_FULL 0.9

#define num verdict_case_num

/* Hits can be held against the prompts only where every request of the plan succeeded. */
static bool knows_hits(const struct verdict_case *c)
{
    struct value caching = c->row->v[FIELD_enable_prefix_caching];
    return caching.kind == VALUE_BOOL && caching.b &&
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
    struct value caching = c->row->v[FIELD_enable_prefix_caching];
    if (caching.kind == VALUE_BOOL && !caching.b) {
        char text[64];
        double rate = num(c, FIELD_cache_hit_rate);
        (void)snprintf(text, sizeof text, "%.3g %% hits with caching off", rate * 100);
        if (!isnan(rate))
            verdict_case_report(c,
                                (struct finding){.field = "cache_hit_rate",
                                                 .value = value_num(rate),
                                                 .limit = 0,
                                                 .text = text},
                                rate > 0);
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
    struct value caching = c->row->v[FIELD_enable_prefix_caching];
    if (caching.kind != VALUE_BOOL || !caching.b)
        return;
    struct value rate = c->row->v[FIELD_cache_hit_rate];
    verdict_case_report(
        c, (struct finding){.field = "cache_hit_rate", .value = rate, .limit = NAN},
        !value_is_known(rate));
}

void verdict_engine_preempted(struct verdict_case *c)
{
    double n = num(c, FIELD_preemptions);
    verdict_case_number(c, (struct verdict_number){n, c->limit, n > c->limit},
                        "%g preemptions", n);
}

void verdict_engine_noisy(struct verdict_case *c)
{
    double steal = num(c, FIELD_steal_ratio), throttled_s = num(c, FIELD_throttled_s);
    verdict_case_number(c, (struct verdict_number){steal, c->limit, steal > c->limit},
                        "%.3g %% of the CPU stolen, limit %.3g %%", steal * 100,
                        c->limit * 100);
    verdict_case_field(c, FIELD_throttled_s,
                       (struct verdict_number){throttled_s, 0, throttled_s > 0},
                       "throttled for %.3g s", throttled_s);
}

void verdict_engine_simulated(struct verdict_case *c)
{
    struct value v = c->row->v[FIELD_is_simulated];
    if (v.kind == VALUE_BOOL)
        verdict_case_report(
            c, (struct finding){.field = "is_simulated", .value = v, .limit = NAN}, v.b);
}

void verdict_engine_dummy(struct verdict_case *c)
{
    struct value v = c->row->v[FIELD_weights];
    if (v.kind == VALUE_STR)
        verdict_case_report(
            c, (struct finding){.field = "weights", .value = v, .limit = NAN},
            strcmp(v.s, "dummy") == 0);
}
