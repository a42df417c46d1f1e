/* Could the server keep up with an open load, and was the load long enough to tell?
 *
 * OVERLOADED, if all hold, x = in flight at the end - in flight that early answers let
 * expect (L0), n = requests due since the end of the ramp-up:
 *
 *   1. in flight grows: last third of the steady part > 1.2 x middle third
 *   2. x > L0 / 4 + 3 sqrt(L0), the chance of requests that do not wait for each other
 *   3. x > 2 sqrt(2 n), the chance of a queue: arrivals minus completions of a server
 *      that just keeps up is a sum of 2 n independent steps of 1
 *   4. the steady part is at least 5 E0 long
 *
 * Else a run is VALID only if an overload of 1.5 would have shown. It leaves a third of
 * all requests in flight, give or take 2 standard deviations of n arrivals and 2 n / 3
 * completions. And a steady part below 12 E0 must not satisfy 2: whether in flight grows
 * or is only on its way to a higher level takes longer to see. Otherwise SHORT_RUN.
 *
 * Simulated: tests/oracle/test_overloaded.py. Definitions 1 have other rules: growth
 * beyond 3 sqrt of the thirds' mean alone, where the steady part is half of the window.
 */

#include <math.h>
#include <stdio.h>

#include "stats/loadshape.h"
#include "stats/verdict_case.h"

/* In units of E0: the steady part. */
#define LEAST_E0  3  /* below, nothing is judged */
#define GROWTH_E0 5  /* from here on thirds show growth */
#define LEVEL_E0  12 /* from here on they show that it is over */
/* In flight at the end against what early answers give. */
#define END_SHARE 0.25
/* What lets a run be judged. */
#define CURE_E0       20
#define CURE_REQUESTS 300
#define CURE_SETTLES  3 /* times what the load took to be steady */

#define num verdict_case_num

struct flight {
    double e0_s, steady_s, settle_s;
    double from_ramp_s; /* from the end of the ramp-up to the last send */
    double middle, last, end, expected;
    double due;          /* requests since the end of the ramp-up, as the rate gives */
    double limit;        /* of `last` */
    double high, chance; /* of `end`: tests 2 and 3 */
    double hidden;       /* where an overload of 1.5 may still hide */
    bool is_old;         /* definitions 1 */
};

static double growth_limit(const struct flight *f, double share)
{
    double chance = 3 * sqrt((f->middle + f->last) / 2); /* Poisson, of the mean
                                                            of both */
    return f->middle + (f->is_old ? fmax(share * f->middle, chance) : share * f->middle);
}

static struct flight flight_of(const struct verdict_case *c)
{
    struct flight f = {.e0_s = num(c, FIELD_e2e_early_s),
                       .steady_s = num(c, FIELD_steady_s),
                       .settle_s = num(c, FIELD_settle_s),
                       .middle = num(c, FIELD_inflight_middle),
                       .last = num(c, FIELD_inflight_last),
                       .end = num(c, FIELD_inflight_end),
                       .expected = num(c, FIELD_inflight_expected),
                       .is_old = c->run->definitions == 1};
    f.from_ramp_s = f.steady_s + LOADSHAPE_SETTLE_E0 * f.e0_s;
    f.due = num(c, FIELD_request_rate) * f.from_ramp_s;
    f.high = f.expected * (1 + END_SHARE) + 3 * sqrt(f.expected);
    f.chance = f.expected + 2 * sqrt(2 * f.due);
    f.hidden = f.due / 3 - 2 * sqrt(f.due + 2 * f.due / 3);
    return f;
}

static bool is_overload(const struct flight *f, double share)
{
    bool grows = f->last > growth_limit(f, share);
    return grows && (f->is_old || (f->end > f->high && f->end > f->chance &&
                                   f->steady_s >= GROWTH_E0 * f->e0_s));
}

static double least_s(const struct verdict_case *c, const struct flight *f)
{
    return f->is_old ? num(c, FIELD_window_s) / 2 : LEAST_E0 * f->e0_s;
}

/* In flight at the end, up to which a run that shows no overload has none. */
static double level_limit(const struct flight *f)
{
    return f->steady_s < LEVEL_E0 * f->e0_s ? fmin(f->hidden, f->high) : f->hidden;
}

/* Settled in the second half at best: the window is not yet steady. */
static bool is_unsettled(const struct flight *f)
{
    return f->settle_s > f->from_ramp_s / 2;
}

/* A limit on growth that the user raised does not make an overload that shows a run that
 * is too short. */
static bool shows_overload(const struct verdict_case *c, const struct flight *f)
{
    return is_overload(f, fmin(verdict_limit(NULL, RULE_OVERLOADED),
                               verdict_limit(c->run, RULE_OVERLOADED)));
}

/* Neither an overload nor a steady load that rules one out. */
static bool is_open_question(const struct verdict_case *c, const struct flight *f)
{
    return !f->is_old && (f->end > level_limit(f) || is_unsettled(f)) &&
           !shows_overload(c, f);
}

void verdict_overload_judge(struct verdict_case *c)
{
    struct flight f = flight_of(c);
    if (!verdict_case_is_open(c) || !(f.steady_s >= least_s(c, &f)) ||
        is_open_question(c, &f) || isnan(f.middle))
        return;
    double limit = growth_limit(&f, c->limit);
    verdict_case_number(
        c, (struct verdict_number){f.last, limit, is_overload(&f, c->limit)},
        "in flight from %.3g to %.3g, limit %.3g", f.middle, f.last, limit);
}

struct cure {
    char text[128];
};

/* A whole number of requests, of two digits above 100. */
static double rounded_up(double n)
{
    double step = n > 1000 ? 100 : n > 100 ? 10 : 1;
    return ceil(n / step) * step;
}

/* "too short to judge overload; --num-prompts 300" */
static void cure(const struct verdict_case *c, const struct flight *f, const char *what,
                 struct cure *out)
{
    char *text = out->text;
    size_t room = sizeof out->text;
    double ramp_s = c->settings->ramp_up_s, rate = num(c, FIELD_request_rate);
    double steady_s = fmax(fmax(CURE_E0 * f->e0_s, CURE_SETTLES * f->settle_s),
                           CURE_REQUESTS / rate);
    double requests = rounded_up(rate * (ramp_s / 2 + steady_s));
    double seconds = ceil(ramp_s + steady_s);
    bool has_duration = !isnan(num(c, FIELD_duration_s));
    bool has_count = !isnan(num(c, FIELD_num_prompts)) || !has_duration;
    int used = snprintf(text, room, "too short to %s;", what);
    if (isnan(f->e0_s)) {
        (void)snprintf(text + used, room - (size_t)used, " no request was answered");
        return;
    }
    if (has_duration)
        used += snprintf(text + used, room - (size_t)used, " --duration %.0fs", seconds);
    if (has_count)
        (void)snprintf(text + used, room - (size_t)used, " --num-prompts %.0f", requests);
}

/* Of a run that is long enough by its E0. */
static void report_open_question(struct verdict_case *c, const struct flight *f)
{
    struct cure for_overload, for_settling;
    bool is_open = !shows_overload(c, f);
    double level = level_limit(f), half_s = f->from_ramp_s / 2;
    cure(c, f, "judge overload", &for_overload);
    cure(c, f, "be steady", &for_settling);
    verdict_case_field(c, FIELD_inflight_end,
                       (struct verdict_number){f->end, level, f->end > level && is_open},
                       "%s", for_overload.text);
    verdict_case_field(
        c, FIELD_settle_s,
        (struct verdict_number){f->settle_s, half_s, is_unsettled(f) && is_open}, "%s",
        for_settling.text);
}

void verdict_overload_short_run(struct verdict_case *c)
{
    struct cure way_out;
    if (!verdict_case_is_open(c)) {
        verdict_load_no_steady_part(c);
        return;
    }
    struct flight f = flight_of(c);
    bool is_short = !(f.steady_s >= least_s(c, &f));
    cure(c, &f, "judge overload", &way_out);
    verdict_case_number(c, (struct verdict_number){f.steady_s, least_s(c, &f), is_short},
                        "%s", way_out.text);
    if (!is_short && !f.is_old && !isnan(f.end))
        report_open_question(c, &f);
}
