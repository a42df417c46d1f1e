/* Judges of tokens: who counted them, and are the instants of their arrival true? */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stats/verdict_case.h"
#include "text/json.h"

/* Reads are on time where they are this much closer than what comes apart. */
#define ON_TIME_SHARE     0.5
#define READS_MIN         10 /* of an answer: each tells when a tenth of it came */
#define DIFFERENCES_BYTES 128
#define DIFFERENCES_SHOWN 3

#define num verdict_case_num

void verdict_tokens_estimated(struct verdict_case *c)
{
    bool is_unknown = !value_is_known(c->row->v[FIELD_actual_output_tokens]);
    bool is_estimated = field_str(c->row, FIELD_token_source) == NULL ||
                        field_is(c->row, FIELD_token_source, "estimated");
    verdict_case_state(c, FIELD_token_source,
                       is_unknown ? "output tokens unknown" : "output tokens estimated",
                       is_estimated || is_unknown);
}

/* A piece of text takes a token at least. Pieces beyond the tokens told, by these. */
void verdict_tokens_undercounted(struct verdict_case *c)
{
    double beyond = 0, tokens = 0;
    for (size_t i = 0; i < c->repeat->request_count; i++) {
        const struct request_record *q = &c->repeat->requests[i];
        int64_t texts = q->classes[EVENT_TEXT].count;
        if (q->status != RECORD_OK || q->tokens_out == TOKENS_UNKNOWN)
            continue;
        tokens += (double)q->tokens_out;
        beyond += texts > q->tokens_out ? (double)(texts - q->tokens_out) : 0;
    }
    if (!verdict_case_is_online(c) || c->run->definitions == 1 || !(tokens > 0))
        return;
    verdict_case_above(c, beyond / tokens,
                       "%.3g %% more pieces of text than tokens, limit %.3g %%",
                       beyond / tokens * 100, c->limit * 100);
}

static double bounded_share(const struct row *row)
{
    double bounded = field_num(row, FIELD_stamps_bounded);
    double all = bounded + field_num(row, FIELD_stamps_exact) +
                 field_num(row, FIELD_stamps_tail);
    return all > 0 ? bounded / all : NAN;
}

static double known(double n)
{
    return isnan(n) ? 0 : n;
}

/* How late a read is, seen from what it could have read. */
static double late_s(const struct row *row)
{
    double lag_s = field_num(row, FIELD_loop_lag_p99_s);
    double wait_s = known(field_num(row, FIELD_core_wait_mean_s));
    return fmax(lag_s, isnan(lag_s) ? NAN : wait_s) +
           known(field_num(row, FIELD_drain_interval_us)) / 1e6;
}

static double reads_an_answer(const struct row *row)
{
    return (field_num(row, FIELD_stamps_exact) + field_num(row, FIELD_stamps_tail)) /
           field_num(row, FIELD_requests_ok);
}

enum verdict_reads verdict_tokens_reads(const struct run_data *run, const struct row *row)
{
    double limit = verdict_limit(run, RULE_ANSWERS_BUFFERED);
    double late = late_s(row), apart = field_num(row, FIELD_read_interval_p50_s);
    if (run->definitions == 1 || !(bounded_share(row) > limit) || isnan(late + apart))
        return VERDICT_READS_GOOD;
    if (late < ON_TIME_SHARE * apart)
        return VERDICT_READS_BUFFERED;
    return reads_an_answer(row) < READS_MIN ? VERDICT_READS_LATE : VERDICT_READS_GOOD;
}

void verdict_tokens_buffered(struct verdict_case *c)
{
    double share = bounded_share(c->row);
    if (c->run->definitions == 1)
        return;
    verdict_case_number(c,
                        (struct verdict_number){share, c->limit,
                                                verdict_tokens_reads(c->run, c->row) ==
                                                    VERDICT_READS_BUFFERED},
                        "%.3g %% of the events came with a later one, limit %.3g %%",
                        share * 100, c->limit * 100);
}

void verdict_tokens_bounded(struct verdict_case *c)
{
    double bounded = num(c, FIELD_stamps_bounded);
    double share = bounded / (bounded + num(c, FIELD_stamps_exact));
    verdict_case_above(c, share, "%.3g %% of stamps bounded, limit %.3g %%", share * 100,
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

/* requests: a field that counts the answers, 0 for none. */
static void partial(struct verdict_case *c, enum field_id requests, const char *what)
{
    double share = num(c, c->rule->field);
    char count[32] = "";
    if (requests != 0)
        (void)snprintf(count, sizeof count, " (%g)", num(c, requests));
    verdict_case_number(c, (struct verdict_number){share, c->limit, share < c->limit},
                        "%s of %.3g %% of the answers%s, limit %.3g %%", what,
                        share * 100, count, c->limit * 100);
}

/* With --no-stream nobody expects one. */
void verdict_tokens_partial_ttft(struct verdict_case *c)
{
    bool is_in_one_piece = c->row->v[FIELD_is_streamed].kind == VALUE_BOOL &&
                           !field_is_true(c->row, FIELD_is_streamed);
    if (!is_in_one_piece)
        partial(c, 0, "first tokens");
}

void verdict_tokens_partial_itl(struct verdict_case *c)
{
    partial(c, FIELD_itl_requests, "gaps");
}

void verdict_tokens_partial_tpot(struct verdict_case *c)
{
    partial(c, FIELD_tpot_requests, "TPOT");
}
