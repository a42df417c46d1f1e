/* Judges of the load: were requests answered, and sent on time? Whether the server could
 * keep up: verdict_overload.c. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stats/loadshape.h"
#include "stats/tally.h"
#include "stats/verdict_case.h"

#define CLASSES_BYTES 160
#define CLOSED_CURE   9    /* waves of answers, as many as the default has */
#define SLOTS_LOST    0.01 /* of the slots' time: tokens/s would be as much too low */

#define num verdict_case_num

static double lost_share(const struct row *row)
{
    double unanswered = field_num(row, FIELD_requests_unanswered);
    double lost = field_num(row, FIELD_requests_failed) +
                  (isnan(unanswered) ? 0 : unanswered); /* null in definitions 1 */
    return lost / field_num(row, FIELD_requests_planned);
}

/* A server that falls silent ends a closed load: each slot ends unanswered, however many
 * answers came before. */
static bool is_silenced(const struct row *row)
{
    return field_is(row, FIELD_arrival, "closed") &&
           field_num(row, FIELD_requests_unanswered) >= field_num(row, FIELD_batch_size);
}

/* Who asked for a higher limit knows that not all was answered. */
static bool is_default(double limit)
{
    return limit <= verdict_rules[RULE_ERRORS].limit;
}

static bool is_lossy(const struct row *row, double limit)
{
    return lost_share(row) > limit || (is_default(limit) && is_silenced(row));
}

static bool has_lost_slots(const struct row *row, double limit)
{
    return is_default(limit) && field_num(row, FIELD_slots_lost_share) > SLOTS_LOST;
}

bool verdict_load_has_errors(const struct run_data *run, const struct row *row)
{
    double limit = verdict_limit(run, RULE_ERRORS);
    return is_lossy(row, limit) || has_lost_slots(row, limit);
}

static void add_class(char text[CLASSES_BYTES], const char *name, int64_t count)
{
    size_t used = strlen(text);
    if (count > 0)
        (void)snprintf(text + used, CLASSES_BYTES - used, "%s%.20s x %" PRId64,
                       used > 0 ? ", " : "", name, count);
}

/* "429 x 8, unanswered x 2": answers of HTTP by their status. */
static void list_classes(const struct verdict_case *c, char text[CLASSES_BYTES])
{
    struct tally t;
    char status[16];
    tally_count(c->repeat, &t);
    text[0] = '\0';
    for (int i = 1; i <= TALLY_HTTP_MAX; i++) {
        (void)snprintf(status, sizeof status, "%d", i);
        add_class(text, status, t.http_by[i]);
    }
    add_class(text, "http", t.http_by[0]);
    for (int i = 0; i < FAIL_COUNT; i++)
        if (i != FAIL_http)
            add_class(text,
                      i == FAIL_none ? "other" : record_fail_name((enum fail_class)i),
                      t.failed_by[i]);
    add_class(text, "unanswered", t.unanswered);
}

/* The first message, without the status that the class has said already. */
static const char *first_message(const struct verdict_case *c)
{
    const char *text = field_str(c->row, FIELD_first_error);
    const char *colon = text != NULL ? strstr(text, ": ") : NULL;
    if (text == NULL)
        return "";
    return strncmp(text, "HTTP ", 5) == 0 ? (colon != NULL ? colon + 2 : "") : text;
}

void verdict_load_errors(struct verdict_case *c)
{
    char classes[CLASSES_BYTES];
    double slots_lost = num(c, FIELD_slots_lost_share);
    const char *message = first_message(c);
    list_classes(c, classes);
    verdict_case_number(
        c,
        (struct verdict_number){lost_share(c->row), c->limit, is_lossy(c->row, c->limit)},
        "%s%s%.80s", classes, message[0] != '\0' ? ": " : "", message);
    if (has_lost_slots(c->row, c->limit))
        verdict_case_field(
            c, FIELD_slots_lost_share,
            (struct verdict_number){slots_lost, SLOTS_LOST, true},
            "%.3g %% of the slots' time went to requests without an answer",
            slots_lost * 100);
}

void verdict_load_short_output(struct verdict_case *c)
{
    double n = num(c, FIELD_requests_wrong_length);
    if (c->settings->has_fixed_lengths)
        verdict_case_above(c, n, "%g of %g answers had another length", n,
                           num(c, FIELD_requests_ok));
}

/* Not only sends: who reads an answer late, and most of it at once, knows nothing of
 * it. */
static void judge_reads(struct verdict_case *c)
{
    double wait_s = num(c, FIELD_core_wait_mean_s),
           apart_s = num(c, FIELD_read_interval_p50_s);
    if (verdict_tokens_reads(c->run, c->row) != VERDICT_READS_LATE)
        return;
    const char *text = arena_text(
        c->arena,
        "answers read late and at once: %.3g ms of waiting for a core each time, "
        "%.3g ms between reads",
        wait_s * 1e3, apart_s * 1e3);
    verdict_case_report(c,
                        (struct finding){.field = "core_wait_mean_s",
                                         .value = value_num(wait_s),
                                         .limit = apart_s,
                                         .text = text},
                        true);
}

void verdict_load_client_late(struct verdict_case *c)
{
    if (!verdict_case_is_online(c))
        return;
    judge_reads(c);
    if (field_is(c->row, FIELD_request_rate, "inf"))
        return;
    double share = num(c, FIELD_send_late_share);
    bool has_several = num(c, FIELD_sends_late) >= VERDICT_LATE_SENDS;
    verdict_case_number(
        c, (struct verdict_number){share, c->limit, share > c->limit && has_several},
        "%.3g %% of the sends late, limit %.3g %%", share * 100, c->limit * 100);
    double worst = num(c, FIELD_send_late_rank_share);
    verdict_case_field(c, FIELD_send_late_rank_share,
                       (struct verdict_number){worst, c->limit, worst > c->limit},
                       "rank %g: %.3g %% of its sends late, limit %.3g %%",
                       num(c, FIELD_send_late_rank), worst * 100, c->limit * 100);
}

void verdict_load_client_busy(struct verdict_case *c)
{
    double share = num(c, FIELD_client_busy_share);
    double rank = num(c, FIELD_client_busy_rank);
    char who[32] = "";
    if (!isnan(rank))
        (void)snprintf(who, sizeof who, "rank %.0f: ", rank);
    bool has_windows = num(c, FIELD_client_busy_windows) >= VERDICT_BUSY_WINDOWS;
    verdict_case_number(
        c, (struct verdict_number){share, c->limit, share > c->limit && has_windows},
        "%sabove 80 %% of a core for %.3g %% of the time, limit %.3g %%", who,
        share * 100, c->limit * 100);
}

/* The ranks' times are on one line no better than that. */
void verdict_load_clock_unsure(struct verdict_case *c)
{
    double error_s = num(c, FIELD_clock_error_us) / 1e6;
    double share = error_s / num(c, FIELD_ttft_p50_s);
    verdict_case_field(c, FIELD_clock_error_us,
                       (struct verdict_number){share, c->limit, share > c->limit},
                       "clocks of the ranks known to %.3g ms, %.3g %% of the median "
                       "TTFT; limit %.3g %%",
                       error_s * 1e3, share * 100, c->limit * 100);
}

void verdict_load_rate_missed(struct verdict_case *c)
{
    struct tally t;
    tally_count(c->repeat, &t);
    if (!verdict_case_is_open(c) || num(c, FIELD_requests_held) > 0 ||
        t.first_due_ns == NS_UNKNOWN)
        return;
    double span_s = (double)(t.last_due_ns - t.first_due_ns) / (double)NS_PER_S;
    double limit_s = c->limit * span_s + 0.010;
    double stretch_s = num(c, FIELD_send_stretch_s);
    verdict_case_number(
        c, (struct verdict_number){stretch_s, limit_s, stretch_s > limit_s},
        "the last send %.3g s behind the plan, limit %.3g s", stretch_s, limit_s);
}

/* A closed load that ended before it had a steady part: its rate is that of a start and
 * an end. */
void verdict_load_no_steady_part(struct verdict_case *c)
{
    double steady_s = num(c, FIELD_steady_s), e0_s = num(c, FIELD_e2e_early_s);
    double ramp_s = c->settings->ramp_up_s, slots = num(c, FIELD_batch_size);
    char cure[64] = "no request was answered";
    if (isnan(steady_s) || c->run->definitions == 1 ||
        !field_is(c->row, FIELD_arrival, "closed"))
        return;
    if (!isnan(e0_s) && (ramp_s > 0 || !isnan(num(c, FIELD_duration_s))))
        (void)snprintf(cure, sizeof cure, "--duration %.0fs",
                       ceil(ramp_s + CLOSED_CURE * e0_s));
    else if (!isnan(e0_s))
        (void)snprintf(cure, sizeof cure, "--num-prompts %.0f", CLOSED_CURE * slots);
    verdict_case_number(
        c, (struct verdict_number){steady_s, LOADSHAPE_LEAST_E0 * e0_s, !(steady_s > 0)},
        "too short to have a steady part; %s", cure);
}

void verdict_load_rate_capped(struct verdict_case *c)
{
    double n = num(c, FIELD_requests_held);
    verdict_case_above(c, n, "%g requests held back", n);
}

/* Of the requests that ended by themselves. */
void verdict_load_resent(struct verdict_case *c)
{
    double n = num(c, FIELD_requests_resent);
    double share = n / (num(c, FIELD_requests_ok) + num(c, FIELD_requests_failed));
    verdict_case_above(c, share, "%g requests sent again, limit %.3g %% of them", n,
                       c->limit * 100);
}

void verdict_load_other_model(struct verdict_case *c)
{
    const char *by = field_str(c->row, FIELD_answered_by);
    const char *asked = field_str(c->row, FIELD_model_name);
    double n = num(c, FIELD_requests_elsewhere);
    verdict_case_above(c, n, "%g answers came from elsewhere; asked for %.60s: %.100s", n,
                       asked != NULL ? asked : "?", by != NULL ? by : "");
}
