#include "stats/verdict_tokens.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/json.h"

/* Reads are on time where they are this much closer than what comes apart. */
#define ON_TIME_SHARE     0.5
#define DIFFERENCES_BYTES 128
#define DIFFERENCES_SHOWN 3

#define num verdict_case_num

void verdict_tokens_estimated(struct verdict_case *c)
{
    struct value source = c->row->v[FIELD_token_source];
    bool is_estimated = source.kind != VALUE_STR || strcmp(source.s, "estimated") == 0;
    bool is_unknown = !value_is_known(c->row->v[FIELD_actual_output_tokens]);
    verdict_case_report(
        c, (struct verdict_finding){.field = "token_source",
                                    .value = source,
                                    .limit = NAN,
                                    .is_broken = is_estimated || is_unknown,
                                    .text = is_unknown ? "output tokens unknown"
                                                       : "output tokens estimated"});
}

static double bounded_share(const struct row *row)
{
    double bounded = field_num(row, FIELD_stamps_bounded);
    double all = bounded + field_num(row, FIELD_stamps_exact) +
                 field_num(row, FIELD_stamps_tail);
    return all > 0 ? bounded / all : NAN;
}

/* The client's lateness is small against the time between two reads of an answer: it
 * would have seen apart what came apart. */
static bool was_on_time(const struct row *row)
{
    double drain_s = field_num(row, FIELD_drain_interval_us) / 1e6;
    double late_s = field_num(row, FIELD_loop_lag_p99_s) + (isnan(drain_s) ? 0 : drain_s);
    return late_s < ON_TIME_SHARE * field_num(row, FIELD_read_interval_p50_s);
}

bool verdict_tokens_is_buffered(const struct run_data *run, const struct row *row)
{
    return bounded_share(row) > verdict_limit(run, verdict_find("ANSWERS_BUFFERED")) &&
           was_on_time(row);
}

void verdict_tokens_buffered(struct verdict_case *c)
{
    double share = bounded_share(c->row);
    if (c->run->definitions == 1)
        return;
    verdict_case_number(c,
                        (struct verdict_number){
                            share, c->limit, verdict_tokens_is_buffered(c->run, c->row)},
                        "%.3g %% of the events came with a later one, limit %.3g %%",
                        share * 100, c->limit * 100);
}

void verdict_tokens_bounded(struct verdict_case *c)
{
    double bounded = num(c, FIELD_stamps_bounded);
    double share = bounded / (bounded + num(c, FIELD_stamps_exact));
    verdict_case_number(c, (struct verdict_number){share, c->limit, share > c->limit},
                        "%.3g %% of stamps bounded, limit %.3g %%", share * 100,
                        c->limit * 100);
}

/* "1 in 48 answers, -3 in 2": events with text less tokens, the first few. */
static void list_differences(const struct verdict_case *c, char text[DIFFERENCES_BYTES])
{
    json_t *all = NULL, *count;
    const char *json = field_str(c->row, FIELD_token_differences), *name;
    struct err ignored;
    size_t used = 0, shown = 0;
    text[0] = '\0';
    if (json_from_text(str_from(json), "differences", &all, &ignored) != STATUS_OK)
        return;
    json_object_foreach(all, name, count)
    {
        if (shown++ == DIFFERENCES_SHOWN || used >= DIFFERENCES_BYTES)
            break;
        used += (size_t)snprintf(text + used, DIFFERENCES_BYTES - used,
                                 "%s%.12s in %" PRId64, shown > 1 ? ", " : "", name,
                                 (int64_t)json_integer_value(count));
    }
    json_decref(all);
}

void verdict_tokens_unknown(struct verdict_case *c)
{
    char text[DIFFERENCES_BYTES];
    double unsettled = num(c, FIELD_requests_unsettled);
    list_differences(c, text);
    verdict_case_number(
        c,
        (struct verdict_number){unsettled, NAN,
                                value_is_known(c->row->v[FIELD_token_differences])},
        "events less tokens: %s answers", text);
}

static void partial(struct verdict_case *c, enum field_id requests, const char *what)
{
    double share = num(c, c->rule->field);
    verdict_case_number(c, (struct verdict_number){share, c->limit, share < c->limit},
                        "%s of %.3g %% of the answers (%g), limit %.3g %%", what,
                        share * 100, num(c, requests), c->limit * 100);
}

void verdict_tokens_partial_itl(struct verdict_case *c)
{
    partial(c, FIELD_itl_requests, "gaps");
}

void verdict_tokens_partial_tpot(struct verdict_case *c)
{
    partial(c, FIELD_tpot_requests, "TPOT");
}
